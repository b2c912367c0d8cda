package accounts_test

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/sqlite"
)

func ExampleSessions() {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, ":memory:", sqlite.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	if _, err := db.Migrate(ctx, accounts.Component, accounts.Migrations(db.Dialect())); err != nil {
		fmt.Println(err)
		return
	}
	sessions, err := accounts.NewSessions(db, accounts.SessionsConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sessions.Close()

	id, err := sessions.Create(ctx, gate.Session{
		Subject: "42", Entity: "user", Strategy: "local", ExpiresAt: time.Now().Add(time.Hour),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sessions.Active(ctx, id, "42"))
	fmt.Println(sessions.End(ctx, id))
	fmt.Println(sessions.Active(ctx, id, "42"))
	// Output:
	// true <nil>
	// <nil>
	// false <nil>
}

func ExampleThrottle() {
	throttle, err := accounts.NewThrottle(accounts.ThrottleConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	from := netip.MustParseAddr("192.0.2.1")
	for range 10 {
		throttle.Begin("ann@example.com", from) // and the password was wrong
	}
	wait, ok := throttle.Begin("ann@example.com", from)
	fmt.Println(ok, wait.Round(time.Minute))
	// Output: false 15m0s
}
