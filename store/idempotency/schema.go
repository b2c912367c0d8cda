package idempotency

import (
	"embed"

	"github.com/gatewright/gate/store"
)

// Component is the name under which the migrations of this package are
// recorded.
const Component = "idempotency"

//go:embed migrations/*.sql
var migrationFS embed.FS

// Migrations returns the migrations of this package in order.
func Migrations(d store.Dialect) []store.Migration {
	if d != store.SQLite && d != store.Postgres {
		panic("gate: idempotency.Migrations: unknown dialect " + d.String())
	}
	// The statements are in what both dialects have in common.
	ms, err := store.LoadFS(migrationFS, "migrations")
	if err != nil {
		panic("gate: idempotency: " + err.Error()) // the files are part of the program
	}
	return ms
}
