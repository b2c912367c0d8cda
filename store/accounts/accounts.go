// Package accounts keeps what a service remembers about the logins of its
// users: [Sessions], one row a login, so that logging out is real; and a
// [Throttle] that slows guessing down.
//
// The tables belong to this package. A service creates them with its own:
//
//	_, err := db.Migrate(ctx, accounts.Component, accounts.Migrations(db.Dialect()))
package accounts

import (
	"embed"

	"github.com/gatewright/gate/store"
)

// Component is the name under which the migrations of this package are
// recorded.
const Component = "accounts"

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
