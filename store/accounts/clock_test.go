package accounts_test

import (
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

// TestSES05_clockSetBack: what is remembered of a session for a moment is not
// remembered for a day because the clock was a day ahead.
func TestSES05_clockSetBack(t *testing.T) {
	db := storetest.SQLite(t)
	c := newClock()
	here := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
	there := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
	id, err := here.Create(t.Context(), gate.Session{
		Subject: "1", Entity: "user", Strategy: "local", ExpiresAt: c.Now().Add(30 * 24 * time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.advance(24 * time.Hour)
	expectActive(t, there, id, "1", true)
	c.advance(-24 * time.Hour)
	if err := here.End(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	c.advance(5 * time.Second)
	expectActive(t, there, id, "1", false)
}

// TestSES03_clockSetBack: a session that is used after the clock was set back is
// idle from then on, and not from the time that the clock had shown.
func TestSES03_clockSetBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		id, err := s.Create(t.Context(), gate.Session{
			Subject: "1", Entity: "user", Strategy: "local", ExpiresAt: c.Now().Add(30 * 24 * time.Hour), IdleFor: 48 * time.Hour,
		})
		if err != nil {
			t.Fatal(err)
		}
		c.advance(24 * time.Hour)
		expectActive(t, s, id, "1", true)
		if err := s.Close(); err != nil { // it is written
			t.Fatal(err)
		}
		s = newSessions(t, db, accounts.SessionsConfig{Now: c.Now})
		c.advance(-24 * time.Hour)
		expectActive(t, s, id, "1", true)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if session, err := s.Get(t.Context(), id); err != nil || !session.LastSeenAt.Equal(c.Now()) {
			t.Errorf("last seen at %v, %v, want %v", session.LastSeenAt, err, c.Now())
		}
	})
}

// TestSES06_clockSetBack: the grace of a used token is seconds, also when the
// clock was a day ahead as it was used.
func TestSES06_clockSetBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFamily(t, db, accounts.RefreshConfig{Grace: 5 * time.Second, Key: key})
		f.clock.advance(24 * time.Hour)
		child := f.use(t, f.first, laptop)
		f.clock.advance(-24 * time.Hour)
		f.refuse(t, f.first, laptop, gate.ErrReused)
		f.expectEnded(t)
		f.refuse(t, child, laptop, gate.ErrNotAuthenticated)
	})
}

// TestClockAhead: sessions, and the tokens that renew them, live through a day in
// which the clock is a day ahead, if that is within their lives, sweeps included.
func TestClockAhead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f := newFamily(t, db, accounts.RefreshConfig{})
		f.clock.advance(24 * time.Hour)
		if _, err := accounts.Sweep(t.Context(), db, f.clock.Now()); err != nil {
			t.Fatal(err)
		}
		next := f.use(t, f.first, laptop)
		f.clock.advance(-24 * time.Hour)
		expectActive(t, f.Sessions, f.id, "1", true)
		f.use(t, next, laptop)
	})
}
