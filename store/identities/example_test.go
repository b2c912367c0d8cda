package identities_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gatewright/gate/store/identities"
	"github.com/gatewright/gate/store/sqlite"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "identities")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(ctx, filepath.Join(dir, "app.db"), sqlite.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	if _, err := db.Migrate(ctx, identities.Component, identities.Migrations(db.Dialect())); err != nil {
		fmt.Println(err)
		return
	}
	s, err := identities.New(db, identities.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}

	// The account is made, and bound, in one transaction.
	err = db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return s.Bind(ctx, tx, identities.Identity{Issuer: "https://login.example/", Subject: "auth0|7", Entity: "user", Account: "1"})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := s.Find(ctx, "https://login.example/", "auth0|7")
	fmt.Println(found.Account, err)
	_, err = s.Find(ctx, "https://login.example/", "auth0|8")
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// no such identity
}
