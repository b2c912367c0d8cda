package keyring_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store/keyring"
	"github.com/gatewright/gate/store/sqlite"
)

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	db, err := sqlite.Open(ctx, ":memory:", sqlite.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	if _, err := db.Migrate(ctx, keyring.Component, keyring.Migrations(db.Dialect())); err != nil {
		fmt.Println(err)
		return
	}
	ring, err := keyring.Open(ctx, db, keyring.Config{
		Algorithm: jose.EdDSA,
		Secret:    []byte("for an example, 32 bytes or more"),
		KeepFor:   15 * time.Minute, // no token lives longer
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A service also runs: go ring.Run(ctx)
	signing := ring.Keys().Signing()

	next, err := ring.Rotate(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, published := ring.Keys().ByID(next)
	fmt.Println(published, ring.Keys().Signing().ID() == signing.ID())

	if err := ring.Remove(ctx, signing.ID()); err != nil { // it leaked
		fmt.Println(err)
		return
	}
	fmt.Println(ring.Keys().Signing().ID() == next)
	// Output:
	// true true
	// true
}
