package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/audit"
	"github.com/gatewright/gate/store/storetest"
)

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// buffer is a log that several goroutines write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func migrate(t testing.TB, db *store.DB) {
	t.Helper()
	if _, err := db.Migrate(t.Context(), audit.Component, audit.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
}

// newTrail returns a trail and its log.
func newTrail(t testing.TB, cfg audit.Config) (*audit.Trail, *buffer) {
	t.Helper()
	out := new(buffer)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewJSONHandler(out, nil))
	}
	trail, err := audit.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = trail.Close(context.Background()) }) // again, for tests that closed it
	return trail, out
}

func shut(t testing.TB, trail *audit.Trail) {
	t.Helper()
	if err := trail.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func list(t testing.TB, trail *audit.Trail, f audit.Filter) []audit.Entry {
	t.Helper()
	entries, err := trail.List(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestNew_refusals(t *testing.T) {
	if _, err := audit.New(audit.Config{}); err == nil {
		t.Error("without a database: no error")
	}
	if _, err := audit.New(audit.Config{DB: storetest.SQLite(t), KeepFor: -1}); err == nil {
		t.Error("negative time: no error")
	}
}

func TestAUD01_roundTrip(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		c := newClock()
		trail, out := newTrail(t, audit.Config{DB: db, Now: c.Now})
		given := []gate.AuditEvent{
			{
				Action: "login", Outcome: gate.Succeeded, Entity: "user", Subject: "42", Strategy: "local", SessionID: "S1",
				Client:  gate.Client{Address: netip.MustParseAddr("192.0.2.7"), UserAgent: "curl/8"},
				Details: map[string]string{"factors": "password"},
			},
			{Action: "login", Reason: gate.ErrInvalidCredentials, Entity: "user", Strategy: "local"},
			{At: c.Now().Add(time.Second), Action: "password.change", Outcome: gate.Undecided, Subject: "42", Actor: "1"},
		}
		for _, e := range given {
			trail.Record(t.Context(), e)
		}
		shut(t, trail)
		want := []gate.AuditEvent{given[2], given[1], given[0]}
		want[1].At, want[2].At = c.Now(), c.Now()
		var got []gate.AuditEvent
		for _, e := range list(t, trail, audit.Filter{}) {
			got = append(got, e.AuditEvent)
		}
		order := cmpopts.SortSlices(func(a, b gate.AuditEvent) bool { return a.Action+a.Subject < b.Action+b.Subject })
		if diff := cmp.Diff(want, got, order, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got[0].Action != "password.change" {
			t.Errorf("first is %s, want the newest", got[0].Action)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 3 {
			t.Fatalf("%d lines in the log, want one an event:\n%s", len(lines), out)
		}
		var line struct {
			Level, Msg string
			Event      struct{ Action, Outcome, Subject, Address, Factors string }
		}
		if err := json.Unmarshal([]byte(lines[0]), &line); err != nil {
			t.Fatal(err)
		}
		wantEvent := struct{ Action, Outcome, Subject, Address, Factors string }{"login", "success", "42", "192.0.2.7", "password"}
		if line.Level != "INFO" || line.Msg != "audit" || line.Event != wantEvent {
			t.Errorf("log line %s", lines[0])
		}
	})
}

func TestAUD01_filter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		c := newClock()
		trail, _ := newTrail(t, audit.Config{DB: db, Now: c.Now})
		start := c.Now()
		for i := range 450 {
			trail.Record(t.Context(), gate.AuditEvent{
				Action: []string{"login", "logout"}[i%2], Entity: []string{"user", "machine"}[i%3%2], Subject: fmt.Sprint(i % 5),
				SessionID: fmt.Sprint(i),
			})
			c.advance(time.Second)
		}
		shut(t, trail)
		for _, tt := range []struct {
			name   string
			filter audit.Filter
			want   int
			first  string
		}{
			{"all", audit.Filter{}, 100, "449"},
			{"most", audit.Filter{Limit: 200}, 200, "449"},
			{"subject", audit.Filter{Subject: "3", Limit: 200}, 90, "448"},
			{"subject of entity", audit.Filter{Subject: "3", Entity: "machine", Limit: 200}, 30, "448"},
			{"action", audit.Filter{Action: "login", Limit: 1}, 1, "448"},
			{"nobody", audit.Filter{Subject: "3' OR '1'='1"}, 0, ""},
			{"from", audit.Filter{From: start.Add(440 * time.Second)}, 10, "449"},
			{"to", audit.Filter{To: start.Add(10 * time.Second)}, 10, "9"},
			{"between", audit.Filter{From: start.Add(5 * time.Second), To: start.Add(10 * time.Second), Action: "login"}, 2, "8"},
		} {
			got := list(t, trail, tt.filter)
			if len(got) != tt.want || tt.want > 0 && got[0].SessionID != tt.first {
				t.Errorf("%s: %d entries, want %d from %s on", tt.name, len(got), tt.want, tt.first)
			}
		}
		var all []string
		f := audit.Filter{Limit: 200}
		for {
			page := list(t, trail, f)
			for _, e := range page {
				all = append(all, e.SessionID)
				f.Before = e.ID
			}
			if len(page) < 200 {
				break
			}
		}
		if len(all) != 450 || all[0] != "449" || all[449] != "0" {
			t.Errorf("%d entries on all pages", len(all))
		}
		for _, f := range []audit.Filter{{Limit: 201}, {Limit: -1}, {Before: "x"}, {Before: "1; DROP TABLE gate_audit"}} {
			if _, err := trail.List(t.Context(), f); !errors.Is(err, gate.ErrBadRequest) {
				t.Errorf("%+v: %v, want %v", f, err, gate.ErrBadRequest)
			}
		}
	})
}

// TestAUD02_typed: somebody types his password where the name belongs.
func TestAUD02_typed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		trail, out := newTrail(t, audit.Config{DB: db})
		const typed = "correct-horse-battery"
		trail.Record(t.Context(), gate.AuditEvent{
			Action: "login", Reason: gate.ErrInvalidCredentials, Entity: "user", Strategy: "local",
			Details: map[string]string{"login": typed, typed: "x"},
		})
		shut(t, trail)
		entries := list(t, trail, audit.Filter{})
		if len(entries) != 1 || entries[0].Details != nil {
			t.Errorf("entries = %+v, want one without details", entries)
		}
		if dump := fmt.Sprint(dump(t, db)); strings.Contains(dump, typed) || strings.Contains(out.String(), typed) {
			t.Errorf("it is in the trail:\n%s\n%s", dump, out)
		}
	})
}

// TestAUD02_hostile: what a client says of itself breaks neither the table nor
// the log, and fills neither.
func TestAUD02_hostile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		trail, out := newTrail(t, audit.Config{DB: db})
		hostile := "a\x00b\x1b[31m\xff\r\n{\"level\":\"ERROR\"} ü" + strings.Repeat("x", 5000)
		details := map[string]string{hostile: hostile}
		for i := range 100 {
			details[fmt.Sprint("detail", i)] = "x"
		}
		trail.Record(t.Context(), gate.AuditEvent{
			Action: hostile, Reason: gate.Code(hostile), Entity: hostile, Subject: hostile, Actor: hostile, Strategy: hostile, SessionID: hostile,
			Client: gate.Client{UserAgent: hostile, Address: netip.MustParseAddr("fe80::1%eth0")}, Details: details,
		})
		shut(t, trail)
		entries := list(t, trail, audit.Filter{Subject: hostile})
		if len(entries) != 1 {
			t.Fatalf("%d entries, want 1\n%s", len(entries), out)
		}
		e := entries[0]
		if len(e.Details) != 16 || !strings.HasPrefix(e.Action, `ab[31m{"level":"ERROR"} ü`) || len(e.Client.UserAgent) > 256 || e.Client.Address.Zone() != "" {
			t.Errorf("entry = %+v", e)
		}
		if n := strings.Count(out.String(), "\n"); n != 1 {
			t.Errorf("%d lines in the log, want 1", n)
		}
	})
}

// TestAUD03_details: what the caller does with its map later is not recorded.
func TestAUD03_details(t *testing.T) {
	db := storetest.SQLite(t)
	migrate(t, db)
	trail, _ := newTrail(t, audit.Config{DB: db})
	details := map[string]string{"factors": "password"}
	trail.Record(t.Context(), gate.AuditEvent{Action: "login", Subject: "42", Details: details})
	details["factors"] = "none"
	shut(t, trail)
	if got := list(t, trail, audit.Filter{}); len(got) != 1 || got[0].Details["factors"] != "password" {
		t.Errorf("got %+v", got)
	}
}

func TestAUD04_retention(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		c := newClock()
		trail, _ := newTrail(t, audit.Config{DB: db, Now: c.Now})
		const day = 24 * time.Hour
		record := func(action string, o gate.Outcome, address string) {
			trail.Record(t.Context(), gate.AuditEvent{
				At: c.Now(), Action: action, Outcome: o, Subject: "42", Client: gate.Client{Address: netip.MustParseAddr(address)},
			})
		}
		for range 600 { // more than one batch
			record("logout", gate.Succeeded, "192.0.2.7")
		}
		record("login", gate.Failed, "2001:db8:1:2:3::4")
		record("login", gate.Succeeded, "::ffff:198.51.100.7")
		c.advance(time.Millisecond)
		shut(t, trail)
		for _, tt := range []struct {
			after        time.Duration
			deleted, cut int
		}{
			{30*day - time.Millisecond, 0, 0},
			{time.Millisecond, 0, 602},
			{0, 0, 0},
			{60*day - time.Millisecond, 0, 0},
			{time.Millisecond, 1, 0},
			{310*day - time.Millisecond, 0, 0},
			{time.Millisecond, 601, 0},
		} {
			c.advance(tt.after)
			deleted, cut, err := trail.Sweep(t.Context())
			if err != nil || deleted != tt.deleted || cut != tt.cut {
				t.Errorf("after %v: Sweep = %d, %d, %v; want %d, %d", tt.after, deleted, cut, err, tt.deleted, tt.cut)
			}
			if tt.cut == 0 {
				continue
			}
			var networks []string
			for _, e := range list(t, trail, audit.Filter{Action: "login"}) {
				if e.Client.Address.IsValid() {
					t.Errorf("%s: address %v is whole", e.ID, e.Client.Address)
				}
				networks = append(networks, e.Network.String())
			}
			less := cmpopts.SortSlices(func(a, b string) bool { return a < b })
			if diff := cmp.Diff([]string{"198.51.100.0/24", "2001:db8:1::/48"}, networks, less); diff != "" {
				t.Errorf("networks (-want +got):\n%s", diff)
			}
			if strings.Contains(fmt.Sprint(dump(t, db)), "192.0.2.7") {
				t.Error("an address is whole")
			}
		}
		if n := len(dump(t, db)); n != 0 {
			t.Errorf("%d rows left", n)
		}
	})
}

// dump returns all that the table says.
func dump(t testing.TB, db *store.DB) (all []string) {
	t.Helper()
	rows, err := db.Read().QueryContext(t.Context(), `SELECT action || reason || entity || subject || actor || strategy || session_id ||
		address || user_agent || details FROM gate_audit`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
