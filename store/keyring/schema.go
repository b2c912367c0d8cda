package keyring

import (
	"embed"

	"github.com/gatewright/gate/store"
)

// Component is the name under which the migrations of this package are
// recorded.
const Component = "keyring"

//go:embed migrations/*.sql
var migrationFS embed.FS

// Migrations returns the migrations of this package in order.
func Migrations(d store.Dialect) []store.Migration {
	if d != store.SQLite && d != store.Postgres {
		panic("gate: keyring.Migrations: unknown dialect " + d.String())
	}
	// The statements are in what both dialects have in common.
	ms, err := store.LoadFS(migrationFS, "migrations")
	if err != nil {
		panic("gate: keyring: " + err.Error()) // the files are part of the program
	}
	return ms
}
