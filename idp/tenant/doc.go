// Package tenant keeps what an identity provider knows: applications, APIs,
// roles, connections, actions and settings; users with their identities;
// sessions, codes and refresh tokens; and the log of what happened.
//
// The JSON of the objects is that of Auth0's Management API v2. A member that
// has no field here is kept in Extra and comes back as it was, so that programs
// which read back what they wrote find it.
//
// # Two kinds of rows
//
// What an administrator writes is small and read at every request: each
// [Collection] holds it in memory and asks the database once a second whether
// it changed. What people cause (users, sessions, tokens, logs) is read from
// the database whenever it is needed.
//
// # Secrets
//
// Codes, tickets and session cookies are kept as their SHA-256. Refresh tokens
// are not kept at all: see [Family]. Secrets that have to be shown again or
// sent to somebody (of clients, connections, actions) are sealed with
// AES-256-GCM under a key derived from [Config].Secret and bound to the object
// they belong to. Another secret than that of the first [Open] is
// [ErrWrongSecret].
//
// # Searching and moving
//
// [Store.SearchUsers] and [Store.SearchLogs] read a subset of Lucene's query
// language. [Store.ImportUsers] and [Store.ExportUsers] read and write users as
// Auth0 does, [Store.Export] and [Store.Import] a whole tenant. None of them
// holds more than some hundred users in memory.
//
// # Time
//
// Instants are kept to the millisecond and compared with the clock of the
// process, never with that of the database.
package tenant
