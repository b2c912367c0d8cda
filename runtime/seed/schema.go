package seed

import (
	"embed"

	"github.com/gatewright/gate/store"
)

//go:embed migrations/*.sql
var migrationFS embed.FS

// Component returns the table in which this package notes what was made.
func Component(d store.Dialect) store.Component {
	if d != store.SQLite && d != store.Postgres {
		panic("gate: seed.Component: unknown dialect " + d.String())
	}
	// The statement is in what both dialects have in common.
	ms, err := store.LoadFS(migrationFS, "migrations")
	if err != nil {
		panic("gate: seed: " + err.Error()) // the files are part of the program
	}
	return store.Component{Name: "seed", Migrations: ms}
}
