package audit_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/audit"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/store/storetest"
)

// at returns a client at an address.
func at(address string) gate.Client {
	return gate.Client{Address: netip.MustParseAddr(address), UserAgent: "curl/8"}
}

// summary returns what the trail has, sorted: whose, from where, and how many.
func summary(t testing.TB, trail *audit.Trail) map[string]int {
	t.Helper()
	got := make(map[string]int)
	for _, e := range list(t, trail, audit.Filter{Limit: 200}) {
		where := e.Network.String()
		if e.Client.Address.IsValid() {
			where = e.Client.Address.String()
		}
		got[strings.Join([]string{e.Action, string(e.Reason), e.Subject, where, e.Details["count"]}, " ")]++
	}
	return got
}

// TestAUD04_flood: who is refused as often as they like makes no row each, and is
// counted all the same. What people of whom something is known do is kept whole.
func TestAUD04_flood(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		migrate(t, db)
		trail, out := newTrail(t, audit.Config{DB: db})
		for i := range 1000 {
			trail.Record(t.Context(), gate.AuditEvent{
				Action: "login", Reason: gate.ErrTooManyRequests, Entity: "user", Subject: "42", Client: at(fmt.Sprintf("192.0.2.%d", i%250)),
			})
			trail.Record(t.Context(), gate.AuditEvent{
				Action: "login", Reason: gate.ErrTooManyRequests, Entity: "user", Subject: fmt.Sprint(i), Client: at(fmt.Sprintf("2001:db8:1:%x::1", i)),
			})
			trail.Record(t.Context(), gate.AuditEvent{
				Action: "login", Reason: gate.ErrInvalidCredentials, Entity: "user", Client: at("198.51.100.7"), Details: map[string]string{"login": "typed"},
			})
		}
		for range 20 {
			trail.Record(t.Context(), gate.AuditEvent{Action: "login", Reason: gate.ErrInvalidCredentials, Subject: "42", Client: at("192.0.2.1")})
			trail.Record(t.Context(), gate.AuditEvent{Action: "login", Outcome: gate.Undecided, Reason: gate.ErrUnavailable, Client: at("192.0.2.1")})
			trail.Record(t.Context(), gate.AuditEvent{Action: "login", Outcome: gate.Succeeded, Subject: "42", Client: at("192.0.2.1")})
		}
		shut(t, trail)
		want := map[string]int{
			"login too_many_requests 42 192.0.2.0 ":          1,
			"login too_many_requests 42 192.0.2.0/24 999":    1,
			"login too_many_requests 0 2001:db8:1::1 ":       1,
			"login too_many_requests  2001:db8:1::/48 999":   1,
			"login invalid_credentials  198.51.100.7 ":       10,
			"login invalid_credentials  198.51.100.0/24 990": 1,
			"login invalid_credentials 42 192.0.2.1 ":        20,
			"login unavailable  192.0.2.1 ":                  20,
			"login  42 192.0.2.1 ":                           20,
		}
		if diff := cmp.Diff(want, summary(t, trail)); diff != "" {
			t.Errorf("trail (-want +got):\n%s", diff)
		}
		if n := strings.Count(out.String(), `"msg":"audit"`); n != 75 {
			t.Errorf("%d lines at level info, want one a row", n)
		}
		if !strings.Contains(out.String(), `"count":"999"},"network":"192.0.2.0/24"`) {
			t.Error("the count is not in the log")
		}
		if strings.Contains(fmt.Sprint(dump(t, db)), "typed") {
			t.Error("what was typed is in the table")
		}
	})
}

// TestAUD04_floodEachMinute: the counts are written while the flood goes on, and
// after it has ended.
func TestAUD04_floodEachMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := sqlite.Open(t.Context(), ":memory:", sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		migrate(t, db)
		trail, _ := newTrail(t, audit.Config{DB: db})
		time.Sleep(time.Second / 2)
		for range 180 { // three minutes
			trail.Record(t.Context(), gate.AuditEvent{Action: "login", Reason: gate.ErrTooManyRequests, Client: at("192.0.2.1")})
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		want := map[string]int{"login too_many_requests  192.0.2.1 ": 3, "login too_many_requests  192.0.2.0/24 59": 3}
		if diff := cmp.Diff(want, summary(t, trail)); diff != "" {
			t.Errorf("trail (-want +got):\n%s", diff)
		}
		shut(t, trail)
	})
}

// TestAUD04_floodFromEverywhere: so many networks are told apart, and no more are
// remembered.
func TestAUD04_floodFromEverywhere(t *testing.T) {
	counted, rows := audit.Flood(func(yield func(gate.AuditEvent) bool) {
		for i := range 60_000 {
			if !yield(gate.AuditEvent{Action: "login", Reason: gate.ErrTooManyRequests, Client: at(fmt.Sprintf("10.%d.%d.1", i/250, i%250))}) {
				return
			}
		}
	})
	if want := 60_000 - 4096 - 1; counted != want {
		t.Errorf("%d counted, want all but one of each of 4096 networks and one of all others: %d", counted, want)
	}
	if len(rows) != 1 || rows[0].Network.IsValid() || rows[0].Details["count"] != fmt.Sprint(counted) {
		t.Errorf("rows %+v, want one for the others", rows)
	}
}

// TestClose_accounts: of events that come while the trail is closed, each is in
// the table or the log says that it is not.
func TestClose_accounts(t *testing.T) {
	db := storetest.SQLite(t)
	migrate(t, db)
	long := make(map[string]string) // takes a moment to be copied
	for i := range 50_000 {
		long[fmt.Sprint(i)] = ""
	}
	for range 20 {
		trail, out := newTrail(t, audit.Config{DB: db})
		before := len(dump(t, db))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				trail.Record(t.Context(), gate.AuditEvent{Action: "logout", Outcome: gate.Succeeded, Subject: "42", Details: long})
			})
		}
		shut(t, trail)
		wg.Wait()
		missing := 0
		for line := range strings.Lines(out.String()) {
			var entry struct {
				Msg   string
				Count int
			}
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Fatal(err)
			}
			if entry.Msg == "audit events not stored" {
				missing += entry.Count
			}
		}
		if stored := len(dump(t, db)) - before; stored+missing != 8 {
			t.Errorf("%d stored and %d reported missing of 8", stored, missing)
		}
	}
}
