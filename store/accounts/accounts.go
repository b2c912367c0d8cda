// Package accounts keeps what a service remembers about the logins of its
// users and about the secrets that it handed out:
//
//   - [Sessions], one row a login, so that logging out is real;
//   - [RefreshTokens], which prolong a login, each good for one use;
//   - [Tokens], the single-use tokens in mailed links;
//   - [APIKeys], for programs;
//   - [Verified], the e-mail addresses that were shown to be read.
//
// Of every secret the SHA-256 is stored and nothing else: whoever reads the
// database logs in as nobody. All are made of 256 random bits, so no slower hash
// is called for.
//
// # Schema
//
// The tables belong to this package. A service creates them with its own, and
// calls [Sweep] every now and then:
//
//	_, err := db.Migrate(ctx, accounts.Component, accounts.Migrations(db.Dialect()))
//
// # Errors
//
// A refusal matches one of the codes of package gate, a thing that is not there
// an [Error]. Any other error means that nothing is known; one caused by the
// database matches [store.ErrUnavailable].
//
// # Time
//
// Instants are kept to the millisecond and compared with the clock of the
// process, never with that of the database. Replicas agree as well as their
// clocks do.
package accounts

import (
	"embed"

	"github.com/gatewright/gate/store"
)

// Component is the name under which the migrations of this package are
// recorded.
const Component = "accounts"

// An Error is a condition that callers act on; a target for errors.Is.
type Error string

// Error returns the condition in words.
func (e Error) Error() string { return string(e) }

// The conditions.
const (
	// ErrNoSession means that there is no session with this identifier.
	ErrNoSession Error = "no such session"
	// ErrNoKey means that the account has no live API key with this identifier.
	ErrNoKey Error = "no such key"
	// ErrKeyRotated means that the API key has a successor already.
	ErrKeyRotated Error = "key has a successor"
	// ErrTooManyKeys means that the account has as many API keys as it may have.
	ErrTooManyKeys Error = "too many keys"
)

//go:embed migrations/*.sql
var migrationFS embed.FS

// Migrations returns the migrations of this package in order.
func Migrations(d store.Dialect) []store.Migration {
	if d != store.SQLite && d != store.Postgres {
		panic("gate: accounts.Migrations: unknown dialect " + d.String())
	}
	// The statements are in what both dialects have in common.
	ms, err := store.LoadFS(migrationFS, "migrations")
	if err != nil {
		panic("gate: accounts: " + err.Error()) // the files are part of the program
	}
	return ms
}
