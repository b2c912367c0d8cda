package audit_test

import (
	"log/slog"
	"net/netip"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store/audit"
	"github.com/gatewright/gate/store/storetest"
)

// sink takes the log and keeps nothing.
type sink struct{}

func (sink) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkRecord is what an event costs whoever causes it: the line in the
// log, and the queue.
func BenchmarkRecord(b *testing.B) {
	event := gate.AuditEvent{
		Action: "login", Outcome: gate.Succeeded, Entity: "user", Subject: "42", Strategy: "local", SessionID: "S1",
		Client: gate.Client{Address: netip.MustParseAddr("192.0.2.7"), UserAgent: "curl/8"},
	}
	for name, handler := range map[string]slog.Handler{
		"json":   slog.NewJSONHandler(sink{}, nil),
		"no log": slog.DiscardHandler,
	} {
		b.Run(name, func(b *testing.B) {
			db := storetest.SQLite(b)
			migrate(b, db)
			trail, err := audit.New(audit.Config{DB: db, Logger: slog.New(handler)})
			if err != nil {
				b.Fatal(err)
			}
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				trail.Record(ctx, event)
			}
			b.StopTimer()
			shut(b, trail)
		})
	}
}
