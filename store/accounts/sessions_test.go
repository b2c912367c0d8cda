package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
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

func newSessions(t testing.TB, db *store.DB, cfg accounts.SessionsConfig) *accounts.Sessions {
	t.Helper()
	if _, err := db.Migrate(t.Context(), accounts.Component, accounts.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
	s, err := accounts.NewSessions(db, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func login(t testing.TB, s *accounts.Sessions, c *clock, subject string) string {
	t.Helper()
	id, err := s.Create(t.Context(), gate.Session{
		Subject: subject, Entity: "user", Strategy: "local", ExpiresAt: c.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func expectActive(t testing.TB, s *accounts.Sessions, id, subject string, want bool) {
	t.Helper()
	got, err := s.Active(t.Context(), id, subject)
	if err != nil || got != want {
		t.Errorf("Active(%q, %q) = %v, %v, want %v", id, subject, got, err, want)
	}
}

func TestNewSessions_refusals(t *testing.T) {
	db := storetest.SQLite(t)
	for _, tt := range []struct {
		name string
		db   *store.DB
		cfg  accounts.SessionsConfig
	}{
		{"no database", nil, accounts.SessionsConfig{}},
		{"cached for longer than a logout may take", db, accounts.SessionsConfig{CacheFor: 6 * time.Second}},
		{"negative time", db, accounts.SessionsConfig{CacheFor: -1}},
		{"negative size", db, accounts.SessionsConfig{CacheSize: -1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := accounts.NewSessions(tt.db, tt.cfg); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestCreate_refusals(t *testing.T) {
	c := newClock()
	s := newSessions(t, storetest.SQLite(t), accounts.SessionsConfig{Now: c.Now})
	for _, tt := range []struct {
		name    string
		session gate.Session
	}{
		{"zero", gate.Session{}},
		{"no subject", gate.Session{Entity: "user", ExpiresAt: c.Now().Add(time.Hour)}},
		{"no entity", gate.Session{Subject: "1", ExpiresAt: c.Now().Add(time.Hour)}},
		{"without end", gate.Session{Subject: "1", Entity: "user"}},
		{"over", gate.Session{Subject: "1", Entity: "user", ExpiresAt: c.Now()}},
		{"idle for less than is kept", gate.Session{Subject: "1", Entity: "user", ExpiresAt: c.Now().Add(time.Hour), IdleFor: time.Microsecond}},
		{"idle for less than nothing", gate.Session{Subject: "1", Entity: "user", ExpiresAt: c.Now().Add(time.Hour), IdleFor: -time.Hour}},
		{"long subject", gate.Session{Subject: strings.Repeat("1", 256), Entity: "user", ExpiresAt: c.Now().Add(time.Hour)}},
		{"no text", gate.Session{Subject: "1\x00", Entity: "user", ExpiresAt: c.Now().Add(time.Hour)}},
		{"broken text", gate.Session{Subject: "1", Entity: "\xff", ExpiresAt: c.Now().Add(time.Hour)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if id, err := s.Create(t.Context(), tt.session); err == nil || id != "" {
				t.Errorf("Create = %q, %v, want an error", id, err)
			}
		})
	}
}

func TestSessions_roundTrip(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		given := gate.Session{
			ID: "chosen by the caller", Subject: "42", Entity: "user", Strategy: "local", ExpiresAt: c.Now().Add(time.Hour),
			AuthenticatedAt: c.Now().Add(-time.Minute), IdleFor: 30 * time.Minute,
			Client: gate.Client{
				Address:   netip.MustParseAddr("::ffff:192.0.2.7"),
				UserAgent: "Bad\x00Agent\x1b[31m\xff\r\nü " + strings.Repeat("x", 5000),
			},
		}
		id, err := s.Create(t.Context(), given)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if agent := got.Client.UserAgent; !strings.HasPrefix(agent, "BadAgent[31mü xx") || len(agent) > 256 {
			t.Errorf("user agent = %q", agent)
		}
		want := accounts.Session{Session: given, CreatedAt: c.Now(), LastSeenAt: c.Now()}
		want.ID, want.Client.UserAgent, want.Client.Address = id, got.Client.UserAgent, netip.MustParseAddr("192.0.2.7")
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateApproxTime(0)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		expectActive(t, s, id, "42", true)
		list, err := s.List(t.Context(), "user", "42")
		if err != nil || len(list) != 1 || list[0].ID != id {
			t.Errorf("List = %v, %v", list, err)
		}
	})
}

func TestSES01_identifiers(t *testing.T) {
	c := newClock()
	s := newSessions(t, storetest.SQLite(t), accounts.SessionsConfig{Now: c.Now})
	seen := make(map[string]bool)
	for range 50 {
		id := login(t, s, c, "1")
		if len(id)*5 < 128 || seen[id] {
			t.Fatalf("identifier %q: %d bits, seen before: %v", id, len(id)*5, seen[id])
		}
		seen[id] = true
	}
}

func TestActive_hostileIdentifiers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		id := login(t, s, c, "1")
		for _, hostile := range []string{
			"", "\x00", id + "\x00", strings.ToLower(id), id[:25], id + "A", "' OR 1=1 --aaaaaaaaaaaaaaa", strings.Repeat("A", 26),
			strings.Repeat("A", 1<<20), "\xff\xfe" + id[:24],
		} {
			expectActive(t, s, hostile, "1", false)
			if _, err := s.Get(t.Context(), hostile); !errors.Is(err, accounts.ErrNoSession) {
				t.Errorf("Get(%.30q) = %v, want %v", hostile, err, accounts.ErrNoSession)
			}
			if err := s.End(t.Context(), hostile); err != nil {
				t.Errorf("End(%.30q) = %v", hostile, err)
			}
		}
		for range 2 { // asked of the database, then remembered
			expectActive(t, s, id, "2", false)
			expectActive(t, s, id, "", false)
			expectActive(t, s, id, "1", true)
		}
	})
}

func TestSES03_expiry(t *testing.T) {
	c := newClock()
	s := newSessions(t, storetest.SQLite(t), accounts.SessionsConfig{Now: c.Now})
	id := login(t, s, c, "1")
	c.advance(time.Hour - time.Second)
	expectActive(t, s, id, "1", true) // and is remembered, but not past its end
	c.advance(time.Second)
	expectActive(t, s, id, "1", false)
}

func TestSES04_end(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		id, other := login(t, s, c, "1"), login(t, s, c, "1")
		expectActive(t, s, id, "1", true)
		ended := c.Now()
		for range 2 {
			if err := s.End(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			expectActive(t, s, id, "1", false)
			c.advance(time.Second)
		}
		expectActive(t, s, other, "1", true)
		session, err := s.Get(t.Context(), id)
		if err != nil || !session.EndedAt.Equal(ended) {
			t.Errorf("ended at %v, %v, want the first time, %v", session.EndedAt, err, ended)
		}
	})
}

func TestSES05_otherProcess(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		here := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		there := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		id := login(t, here, c, "1")
		expectActive(t, there, id, "1", true)
		if err := here.End(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		expectActive(t, here, id, "1", false)
		c.advance(5 * time.Second)
		expectActive(t, there, id, "1", false)
	})
}

func TestSES05_everySession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		mine := []string{login(t, s, c, "1"), login(t, s, c, "1"), login(t, s, c, "1")}
		theirs := login(t, s, c, "2")
		admin, err := s.Create(t.Context(), gate.Session{Subject: "1", Entity: "admin", ExpiresAt: c.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range mine {
			expectActive(t, s, id, "1", true)
		}
		n, err := s.EndSubject(t.Context(), "user", "1", mine[1], "no such id")
		if err != nil || n != 2 {
			t.Errorf("EndSubject = %d, %v, want 2", n, err)
		}
		expectActive(t, s, mine[0], "1", false)
		expectActive(t, s, mine[1], "1", true)
		expectActive(t, s, mine[2], "1", false)
		expectActive(t, s, theirs, "2", true)
		expectActive(t, s, admin, "1", true)
		if n, err := s.EndSubject(t.Context(), "user", "1"); err != nil || n != 1 {
			t.Errorf("EndSubject = %d, %v, want 1", n, err)
		}
		expectActive(t, s, mine[1], "1", false)
		if list, err := s.List(t.Context(), "user", "1"); err != nil || list != nil {
			t.Errorf("List = %v, %v, want none", list, err)
		}
	})
}

// TestSES05_endDuringCheck: a check that began before the end does not bring
// the session back.
func TestSES05_endDuringCheck(t *testing.T) {
	if accounts.RememberLate(func(drop func(...string)) { drop("id") }) {
		t.Error("the session is remembered as active after its end")
	}
	if !accounts.RememberLate(func(func(...string)) {}) {
		t.Error("a session that did not end is not remembered")
	}

	c := newClock()
	s := newSessions(t, storetest.SQLite(t), accounts.SessionsConfig{Now: c.Now})
	for range 30 {
		id := login(t, s, c, "1")
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 10 {
					if _, err := s.Active(t.Context(), id, "1"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		if err := s.End(t.Context(), id); err != nil {
			t.Error(err)
		}
		wg.Wait()
		expectActive(t, s, id, "1", false)
	}
}

// TestLOG16_sessions: a database that does not answer is neither a no nor
// remembered.
func TestLOG16_sessions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		id := login(t, s, c, "1")
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for name, err := range map[string]error{
			"Active":     second(s.Active(gone, id, "1")),
			"Get":        second(s.Get(gone, id)),
			"List":       second(s.List(gone, "user", "1")),
			"End":        s.End(gone, id),
			"EndSubject": second(s.EndSubject(gone, "user", "1")),
			"EndAll":     second(s.EndAll(gone)),
			"EndOwn":     s.EndOwn(gone, "user", "1", id),
			"BySecret":   second(s.BySecret(gone, strings.Repeat("x", 43))),
			"Create":     second(s.Create(gone, gate.Session{Subject: "1", Entity: "user", ExpiresAt: c.Now().Add(time.Hour)})),
		} {
			if !errors.Is(err, store.ErrUnavailable) || errors.Is(err, accounts.ErrNoSession) {
				t.Errorf("%s = %v, want %v", name, err, store.ErrUnavailable)
			}
		}
		expectActive(t, s, id, "1", true) // at once

		// A schema that is not there is no answer either.
		if _, err := db.Exec(t.Context(), "ALTER TABLE gate_sessions RENAME TO elsewhere"); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Minute)
		if ok, err := s.Active(t.Context(), id, "1"); err == nil || ok {
			t.Errorf("Active without a table = %v, %v, want an error", ok, err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestActive_lastSeen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		id := login(t, s, c, "1")
		created := c.Now()
		seen := func() time.Duration {
			t.Helper()
			again := newSessions(t, db, accounts.SessionsConfig{Now: c.Now}) // its Close waits for the write
			expectActive(t, again, id, "1", true)
			if err := again.Close(); err != nil {
				t.Fatal(err)
			}
			session, err := s.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			return session.LastSeenAt.Sub(created)
		}
		for _, step := range []struct{ advance, want time.Duration }{
			{30 * time.Second, 30 * time.Second}, // the first use
			{29 * time.Second, 30 * time.Second},
			{1 * time.Second, 30 * time.Second},
			{59 * time.Second, time.Minute + 59*time.Second},
			{2 * time.Second, time.Minute + 59*time.Second},
		} {
			c.advance(step.advance)
			if got := seen(); got != step.want {
				t.Errorf("after %v: last seen %v after creation, want %v", c.Now().Sub(created), got, step.want)
			}
		}
	})
}

func TestActive_cacheIsBounded(t *testing.T) {
	c := newClock()
	s := newSessions(t, storetest.SQLite(t), accounts.SessionsConfig{Now: c.Now, CacheSize: 10})
	for range 50 {
		expectActive(t, s, login(t, s, c, "1"), "1", true)
	}
	if got := s.CacheLen(); got != 10 {
		t.Errorf("%d sessions remembered, want 10", got)
	}
}

func TestList_newestFirst(t *testing.T) {
	c := newClock()
	s := newSessions(t, storetest.SQLite(t), accounts.SessionsConfig{Now: c.Now})
	var want []string
	for range 3 {
		want = append(want, login(t, s, c, "1"))
		c.advance(time.Minute)
	}
	login(t, s, c, "2")
	slices.Reverse(want)
	list, err := s.List(t.Context(), "user", "1")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, session := range list {
		got = append(got, session.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// numbers is a query for 1 to n.
func numbers(n int) string {
	var b strings.Builder
	b.WriteString("SELECT 1 AS a")
	for i := 2; i <= n; i++ {
		fmt.Fprintf(&b, " UNION ALL SELECT %d", i)
	}
	return b.String()
}
