package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing/fstest"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

func Example() {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, ":memory:", sqlite.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()

	files := fstest.MapFS{"migrations/0001_init.sql": {Data: []byte(`
		CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);`)}}
	migrations, err := store.LoadFS(files, "migrations")
	if err != nil {
		fmt.Println(err)
		return
	}
	applied, err := db.Migrate(ctx, "shop", migrations)
	fmt.Println(applied, err)

	add := func(name string) error {
		return db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO item (name) VALUES ($1)", name)
			return err
		})
	}
	fmt.Println(add("tea"))
	problem := db.Classify(add("tea"))
	fmt.Println(problem.Kind, problem.Table, problem.Columns)
	// Output:
	// [0001_init.sql] <nil>
	// <nil>
	// unique item [name]
}
