package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/audit"
	"github.com/gatewright/gate/store/storetest"
)

// TestLOG16_table: a table that is gone fails no request; the log says what is
// missing, and what comes when it is back is stored.
func TestLOG16_table(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		trail, out := newTrail(t, audit.Config{DB: db})
		trail.Record(t.Context(), gate.AuditEvent{Action: "login", Subject: "1"})
		waitFor(t, func() bool { return strings.Contains(out.String(), "audit events not stored") })
		if !strings.Contains(out.String(), `"level":"ERROR"`) || !strings.Contains(out.String(), `"count":1`) {
			t.Errorf("log:\n%s", out)
		}
		migrate(t, db)
		trail.Record(t.Context(), gate.AuditEvent{Action: "login", Subject: "2"})
		shut(t, trail)
		if got := list(t, trail, audit.Filter{}); len(got) != 1 || got[0].Subject != "2" {
			t.Errorf("stored %+v, want the one after the table was back", got)
		}
		if n := strings.Count(out.String(), `"msg":"audit"`); n != 2 {
			t.Errorf("%d events in the log, want both", n)
		}
	})
}

// waitFor waits until the goroutine of a trail has come so far.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("it did not happen")
		case <-tick.C:
		}
	}
}

// TestLOG16_stuck: while the database hangs, nobody waits for it, memory is
// bounded, and what was lost is counted.
func TestLOG16_stuck(t *testing.T) {
	db := storetest.SQLite(t)
	migrate(t, db)
	out := new(buffer)
	errorsOnly := slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelError}))
	trail, _ := newTrail(t, audit.Config{DB: db, Logger: errorsOnly})
	conn, err := db.Write().Conn(t.Context()) // the only one that writes
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6000 { // one that waited for the database would wait for ever
		trail.Record(t.Context(), gate.AuditEvent{Action: "login", Subject: fmt.Sprint(i)})
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	shut(t, trail)
	var n int
	if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM gate_audit").Scan(&n); err != nil {
		t.Fatal(err)
	}
	// The queue, and perhaps the batch that was on its way.
	if n < 4096 || n > 4096+100 {
		t.Errorf("%d stored, want 4096 and perhaps a batch", n)
	}
	lost := 0
	for line := range strings.Lines(out.String()) { // in one line, or in two when the batch went on its way late
		var said struct {
			Msg   string
			Count int
		}
		if err := json.Unmarshal([]byte(line), &said); err != nil || said.Msg != "audit events not stored" {
			t.Errorf("log: %s", line)
		}
		lost += said.Count
	}
	if lost != 6000-n {
		t.Errorf("log says that %d were lost, but %d were:\n%s", lost, 6000-n, out)
	}
}

// TestClose_gaveUp: a shutdown that may not wait ends, and says what is lost.
func TestClose_gaveUp(t *testing.T) {
	db := storetest.SQLite(t)
	migrate(t, db)
	trail, out := newTrail(t, audit.Config{DB: db})
	conn, err := db.Write().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	trail.Record(t.Context(), gate.AuditEvent{Action: "logout", Subject: "1"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := trail.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v, want %v", err, context.Canceled)
	}
	if !strings.Contains(out.String(), "audit events not stored") {
		t.Errorf("log:\n%s", out)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	// Later ones are only logged, and closing twice is nothing.
	trail.Record(t.Context(), gate.AuditEvent{Action: "logout", Subject: "2"})
	shut(t, trail)
	if got := list(t, trail, audit.Filter{}); len(got) != 0 {
		t.Errorf("stored %+v", got)
	}
	if !strings.Contains(out.String(), `"subject":"2"`) {
		t.Error("not in the log")
	}
}

func TestLOG16_list(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		trail, _ := newTrail(t, audit.Config{DB: db})
		shut(t, trail)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := trail.List(t.Context(), audit.Filter{}); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("List = %v, want %v", err, store.ErrUnavailable)
		}
		if _, _, err := trail.Sweep(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Sweep = %v, want %v", err, store.ErrUnavailable)
		}
	})
}

// TestAUD01_parallel: many at once, from two processes, and none is missing.
func TestAUD01_parallel(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		c := newClock() // stands still, so that all identifiers are of one millisecond
		var trails [2]*audit.Trail
		for i := range trails {
			trails[i], _ = newTrail(t, audit.Config{DB: db, Now: c.Now})
		}
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				for range 50 {
					trails[i%2].Record(t.Context(), gate.AuditEvent{Action: "login", Subject: fmt.Sprint(i)})
				}
			})
		}
		wg.Wait()
		for _, trail := range trails {
			shut(t, trail)
		}
		if n := len(dump(t, db)); n != 2000 {
			t.Errorf("%d stored, want 2000", n)
		}
	})
}
