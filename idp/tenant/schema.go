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
	var words *strings.Replacer
	switch d {
	case store.SQLite:
		words = strings.NewReplacer("BYTES", "BLOB", " BYTEWISE", "", "DOCUMENT", "doc") // it compares bytes anyway
	case store.Postgres:
		words = strings.NewReplacer("BYTES", "BYTEA", "BYTEWISE", `COLLATE "C"`, "DOCUMENT", "CAST(doc AS jsonb)") // as SQLite does
	default:
		panic("gate: tenant.Migrations: unknown dialect " + d.String())
	}
	ms, err := store.LoadFS(migrationFS, "migrations")
	if err != nil {
		panic("gate: tenant: " + err.Error()) // the files are part of the program
	}
	for i := range ms {
		ms[i].SQL = words.Replace(ms[i].SQL)
	}
	return ms
}
