// Package config reads the settings of a generated service: from the
// environment, and from a file called .env for what the environment does not
// say. It is strict. A setting that is misspelt, doubled, out of range, or a
// secret that is short or was copied from an example stops the service before
// it opens anything, and all problems are reported at once. No message ever
// repeats the value of a secret.
//
// # Settings
//
//	ADDR             where to listen: host:port; port 0 picks one
//	DATABASE_URL     the database; a password in it stays out of every log
//	DATABASE_MAX_CONNS          connections of one process to a database server
//	DATABASE_STATEMENT_TIMEOUT  when the server gives up on a statement: 3s
//	AUTH_SECRET      signs access tokens (HS256 and its kin), at least 32 bytes
//	AUTH_KEY_FILE    a private key in PEM, for RS256, ES256, EdDSA and their kin
//	ADMIN_EMAIL      login of the administrator that the first start creates
//	MAIL_URL         the mail server: smtp://user:password@mail.example.com:587
//	MAIL_FROM        the address that letters come from
//	OIDC_ISSUER      the issuer of access tokens, if it is not the design's
//	OIDC_AUDIENCE    who the service is for that issuer, likewise
//	AUTH0_*          what pages log people in with: AUTH0_DOMAIN, AUTH0_CLIENT_ID,
//	                 AUTH0_REDIRECT_URI, AUTH0_LOGOUT_REDIRECT_URI, AUTH0_SCOPE;
//	                 AUTH0_ISSUER_URL and AUTH0_AUDIENCE are the two above
//	FIRST_ADMIN_EMAIL  whose owner becomes administrator when the issuer calls it
//	                 verified, once
//	PUBLIC_URL       how clients reach the service: https://api.example.com
//	CORS_ORIGINS     origins whose pages may call it, exact, separated by commas
//	TRUSTED_PROXIES  addresses whose X-Forwarded-For is believed: 10.0.0.0/8
//	LOG_LEVEL        debug, info (default), warn or error
//	DOCS             on or off: /api/docs and /api/openapi.json
//
// Names that begin with GATE_ belong to the tools of this module. One that is
// not known is refused; GATE_TEST_ is left to tests and ignored.
//
// # The file
//
// One setting a line, NAME=value. The environment wins over the file. A line
// may begin with "export ". Blank lines and lines that begin with # say
// nothing. A value is one of
//
//	plain      until the end of the line or a blank followed by #; outer blanks
//	           do not count; quotes inside are ordinary characters
//	'single'   every character up to the next single quote, as it is
//	"double"   with \n, \t, \\, \" and \$ for newline, tab, and the characters
//
// After a closing quote only blanks and a comment may follow. Nothing is ever
// expanded: $HOME is five characters. A value does not span lines, and a name
// stands once. Names that this package does not know are kept for the service's
// own code, see [Config.Lookup], unless they look like a misspelt setting.
//
// A file that holds a secret and that anybody on the machine may read is
// refused.
package config
