// Package config reads idp.yaml, the configuration of an identity provider that
// runs by itself, opens the provider that it describes, and puts into it what it
// is to begin with.
//
// # The file
//
//	issuer: https://id.example.com/
//	database: postgres://idp@db.example.com/idp?sslmode=verify-full
//	listen: :8443
//	tls: {certificate: tls.crt, key: tls.key}
//	signup: confirm
//	mail: {from: Restaurant <id@example.com>}
//
// Only issuer is required. Paths are relative to the file. A key that nobody
// knows is refused, and so is whatever cannot be meant; all problems are told at
// once, each with its line and column, as a [*design.Errors].
//
// # Secrets
//
// None stands in the file. IDP_SECRET is the secret of the provider, at least 32
// bytes; IDP_DATABASE_URL takes the place of database, and MAIL_URL and MAIL_FROM
// that of mail. Secrets of connections and actions, and passwords, are named by
// the variable that holds them.
//
// # The seed
//
// What stands under seed is put into the database by [Instance.Seed] at each
// start: see there for what is done when it is there already.
package config
