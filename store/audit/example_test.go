package audit_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store/audit"
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
	if _, err := db.Migrate(ctx, audit.Component, audit.Migrations(db.Dialect())); err != nil {
		fmt.Println(err)
		return
	}
	trail, err := audit.New(audit.Config{DB: db, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	trail.Record(ctx, gate.AuditEvent{Action: "login", Outcome: gate.Succeeded, Entity: "user", Subject: "42", Strategy: "local"})
	trail.Record(ctx, gate.AuditEvent{Action: "login", Reason: gate.ErrInvalidCredentials, Entity: "user", Strategy: "local"})
	if err := trail.Close(ctx); err != nil { // writes what is waiting
		fmt.Println(err)
		return
	}
	entries, err := trail.List(ctx, audit.Filter{Entity: "user", Subject: "42"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range entries {
		fmt.Println(e.Action, e.Outcome, e.Subject, e.Strategy)
	}
	// Output: login success 42 local
}
