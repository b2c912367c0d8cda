package accounts_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

// listen returns what OnEnd tells, sorted.
func listen(s *accounts.Sessions) func() []string {
	var told []string
	s.OnEnd(func(_ context.Context, id string) { told = append(told, id) })
	return func() []string {
		all := slices.Sorted(slices.Values(told))
		told = nil
		return all
	}
}

func sorted(ids ...string) []string { return slices.Sorted(slices.Values(ids)) }

func TestSES05_endOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		told := listen(s)
		mine, theirs := login(t, s, c, "1"), login(t, s, c, "2")
		expectActive(t, s, theirs, "2", true)
		for _, tt := range []struct{ entity, subject, id string }{
			{"user", "1", theirs},
			{"admin", "2", theirs},
			{"", "2", theirs},
			{"user", "", theirs},
			{"user", "1", "AAAAAAAAAAAAAAAAAAAAAAAAAA"},
			{"user", "1", "' OR 1=1 --"},
			{"user", "1", ""},
		} {
			if err := s.EndOwn(t.Context(), tt.entity, tt.subject, tt.id); !errors.Is(err, accounts.ErrNoSession) {
				t.Errorf("EndOwn(%q, %q, %q) = %v, want %v", tt.entity, tt.subject, tt.id, err, accounts.ErrNoSession)
			}
		}
		expectActive(t, s, theirs, "2", true)
		c.advance(time.Minute)
		expectActive(t, s, theirs, "2", true)
		if got := told(); got != nil {
			t.Errorf("told of the end of %v", got)
		}

		expectActive(t, s, mine, "1", true)
		if err := s.EndOwn(t.Context(), "user", "1", mine); err != nil {
			t.Fatal(err)
		}
		expectActive(t, s, mine, "1", false)
		if diff := cmp.Diff([]string{mine}, told()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if err := s.EndOwn(t.Context(), "user", "1", mine); !errors.Is(err, accounts.ErrNoSession) {
			t.Errorf("EndOwn again = %v, want %v", err, accounts.ErrNoSession)
		}
	})
}

func TestSES05_everyone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		other := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		told := listen(s)
		id, text := browser(t, s, c, "2")
		ids := []string{login(t, s, c, "1"), id}
		for _, id := range ids {
			if _, err := s.Active(t.Context(), id, "1"); err != nil {
				t.Fatal(err)
			}
		}
		expectSecret(t, s, text, id)
		expectSecret(t, other, text, id)
		if _, err := db.Exec(t.Context(), `INSERT INTO gate_sessions
			(id, entity, subject, strategy, user_agent, address, created_at, last_seen_at, expires_at)
			SELECT 'x' || n.a || '-' || m.a, entity, subject || n.a, strategy, user_agent, address, created_at, last_seen_at, expires_at
			FROM gate_sessions, (`+numbers(30)+`) n, (`+numbers(50)+`) m WHERE id = $1`, id); err != nil {
			t.Fatal(err)
		}
		if n, err := s.EndAll(t.Context()); err != nil || n != 1502 {
			t.Errorf("EndAll = %d, %v, want 1502", n, err)
		}
		expectActive(t, s, ids[0], "1", false)
		expectSecret(t, s, text, "")
		c.advance(5 * time.Second)
		expectSecret(t, other, text, "")
		if got := told(); len(got) != 1502 || !slices.Contains(got, ids[0]) || !slices.Contains(got, id) {
			t.Errorf("told of %d sessions, want all", len(got))
		}
	})
}

func TestOnEnd(t *testing.T) {
	c := newClock()
	s := newSessions(t, storetest.SQLite(t), accounts.SessionsConfig{Now: c.Now})
	told, also := listen(s), listen(s)
	mine := []string{login(t, s, c, "1"), login(t, s, c, "1"), login(t, s, c, "1")}
	theirs := login(t, s, c, "2")
	if _, err := s.EndSubject(t.Context(), "user", "1", mine[0]); err != nil {
		t.Fatal(err)
	}
	for _, told := range []func() []string{told, also} {
		if diff := cmp.Diff(sorted(mine[1:]...), told()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	}
	// By then the session is over for everyone who asks.
	s.OnEnd(func(_ context.Context, id string) { expectActive(t, s, id, "2", false) })
	expectActive(t, s, theirs, "2", true)
	if err := s.End(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{theirs}, told()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.End(gone, mine[0]); err == nil {
		t.Fatal("no error")
	}
	if got := told(); got != nil {
		t.Errorf("told of %v, which has not ended", got)
	}
}

// TestCreate_bounded: an account has a hundred live sessions, and the one unused
// for longest makes room.
func TestCreate_bounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now, PerAccount: 100})
		told := listen(s)
		other := login(t, s, c, "2")
		var ids []string
		for range 100 {
			ids = append(ids, login(t, s, c, "1"))
			c.advance(time.Second)
		}
		c.advance(time.Minute)
		expectActive(t, s, ids[0], "1", true) // the oldest is in use
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if got := told(); got != nil {
			t.Fatalf("%v ended too soon", got)
		}
		ids = append(ids, login(t, s, c, "1"))
		if diff := cmp.Diff([]string{ids[1]}, told()); diff != "" {
			t.Errorf("ended (-want +got):\n%s", diff)
		}
		expectActive(t, s, ids[0], "1", true)
		expectActive(t, s, ids[1], "1", false)
		expectActive(t, s, ids[100], "1", true)
		expectActive(t, s, other, "2", true)
		for range 150 {
			login(t, s, c, "1")
		}
		var rows int
		if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM gate_sessions WHERE subject = '1'").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		if rows > 201 {
			t.Errorf("%d rows, want at most 100 live, 100 others and the last one that ended", rows)
		}
	})
}

// TestAuthenticatedAt: nobody is fresher than now.
func TestAuthenticatedAt(t *testing.T) {
	c := newClock()
	s := newSessions(t, storetest.SQLite(t), accounts.SessionsConfig{Now: c.Now})
	for _, tt := range []struct {
		name        string
		given, want time.Time
	}{
		{"zero", time.Time{}, c.Now()},
		{"future", c.Now().Add(time.Hour), c.Now()},
		{"past", c.Now().Add(-time.Hour), c.Now().Add(-time.Hour)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id, err := s.Create(t.Context(), gate.Session{
				Subject: "1", Entity: "user", ExpiresAt: c.Now().Add(time.Hour), AuthenticatedAt: tt.given,
			})
			if err != nil {
				t.Fatal(err)
			}
			session, err := s.Get(t.Context(), id)
			if err != nil || !session.AuthenticatedAt.Equal(tt.want) {
				t.Errorf("authenticated at %v, %v, want %v", session.AuthenticatedAt, err, tt.want)
			}
		})
	}
}
