package tenant_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// lines collects what a logger writes.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), "log entry was not stored")
}

// TestLogs_order: entries come back in the order in which they were recorded,
// also those of one millisecond.
func TestLogs_order(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, newClock().Now)
		for i := range 600 {
			details := map[string]any{"n": i}
			s.Record(t.Context(), tenant.Log{Type: "s", Description: fmt.Sprint(i), Details: details})
			details["n"] = "changed by its owner"
		}
		must(t, s.FlushLogs(t.Context()))
		logs, _, err := s.SearchLogs(t.Context(), tenant.LogQuery{Sort: "date:1", Limit: 1000})
		must(t, err)
		if len(logs) != 600 {
			t.Fatalf("%d entries", len(logs))
		}
		for i, e := range logs {
			if e.Description != fmt.Sprint(i) || e.Details["n"] != float64(i) {
				t.Fatalf("entry %d is %+v", i, e)
			}
		}
		got, err := s.LogEntry(t.Context(), logs[3].ID)
		if err != nil || got.Description != "3" {
			t.Errorf("one entry: %+v, %v", got, err)
		}
		_, err = s.LogEntry(t.Context(), "0")
		want(t, "none", err, tenant.ErrNotFound)
		if list, _, err := s.SearchLogs(t.Context(), tenant.LogQuery{Q: "type:s", Limit: 2, Offset: 1}); err != nil || len(list) != 2 || list[0].Description != "598" {
			t.Errorf("by a condition: %v, %v", list, err)
		}
	})
}

// TestLogs_poison: an entry whose texts no database takes does not take the
// entries beside it along.
func TestLogs_poison(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		evil := "\x00\xff\xfe" + strings.Repeat("é", 5000)
		s.Record(t.Context(), tenant.Log{Type: "s", Description: "before"})
		s.Record(t.Context(), tenant.Log{
			Type: evil, ClientID: evil, UserID: evil, UserName: evil, Connection: evil, IP: evil, UserAgent: evil, Description: evil,
			Details: map[string]any{"x\x00": evil, "big": strings.Repeat("x", 1<<20)},
		})
		s.Record(t.Context(), tenant.Log{Type: "f", Description: "not JSON", Details: map[string]any{"f": func() {}}})
		s.Record(t.Context(), tenant.Log{Type: "s", Description: "after"})
		must(t, s.FlushLogs(t.Context()))
		logs, total, err := s.SearchLogs(t.Context(), tenant.LogQuery{Q: "NOT details.x:y", Total: true})
		must(t, err)
		if total != 3 || logs[0].Description != "after" || logs[2].Description != "before" {
			t.Errorf("%d entries: %v", total, logs)
		}
	})
}

// TestLogs_bounded: while the database is busy entries wait, 4096 at most;
// nobody waits with them, and those that do not fit are not silent.
func TestLogs_bounded(t *testing.T) {
	db := storetest.SQLite(t)
	migrate(t, db)
	var out lines
	s := openWith(t, db, tenant.Config{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	must(t, db.InTx(t.Context(), func(context.Context, *sql.Tx) error { // the only writer
		for range 4096 + 1000 { // one that waited for the database would wait for ever
			s.Record(t.Context(), tenant.Log{Type: "s"})
		}
		return nil
	}))
	must(t, s.FlushLogs(t.Context()))
	stored := count(t, db, "idp_logs")
	if lost := out.count(); stored+lost != 5096 || stored < 4096 || lost == 0 {
		t.Errorf("%d stored and %d lost of 5096", stored, lost)
	}
}

// TestLogs_close: what waits is written, and what comes later is not silent.
func TestLogs_close(t *testing.T) {
	db := storetest.SQLite(t)
	migrate(t, db)
	var out lines
	s := openWith(t, db, tenant.Config{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	together(8, func(i int) {
		for range 100 {
			s.Record(t.Context(), tenant.Log{Type: "s"})
		}
		if i == 0 {
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	must(t, s.Close(t.Context()))
	s.Record(t.Context(), tenant.Log{Type: "f"})
	must(t, s.FlushLogs(t.Context()))
	if stored, lost := count(t, db, "idp_logs"), out.count(); stored+lost != 801 || stored < 100 || lost == 0 {
		t.Errorf("%d stored and %d lost of 801", stored, lost)
	}
}
