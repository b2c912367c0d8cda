package tenant

import (
	"embed"
	"strings"

	"github.com/gatewright/gate/store"
)

// Component is the name under which the migrations of this package are
// recorded.
const Component = "idp"

//go:embed migrations/*.sql
var migrationFS embed.FS

// Migrations returns the migrations of this package in order.
func Migrations(d store.Dialect) []store.Migration {
	bytes := "BLOB"
	switch d {
	case store.SQLite:
	case store.Postgres:
		bytes = "BYTEA"
	default:
		panic("gate: tenant.Migrations: unknown dialect " + d.String())
	}
	ms, err := store.LoadFS(migrationFS, "migrations")
	if err != nil {
		panic("gate: tenant: " + err.Error()) // the files are part of the program
	}
	for i := range ms {
		ms[i].SQL = strings.ReplaceAll(ms[i].SQL, "BYTES", bytes)
	}
	return ms
}
