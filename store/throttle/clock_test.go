package throttle_test

import (
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/throttle"
)

// TestLOG04_clockSetBack: who has guessed too often while the clock was a day ahead
// waits as long as anybody, and not a day longer.
func TestLOG04_clockSetBack(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		th := newThrottle(t, throttle.Config{DB: db, Now: c.Now})
		where := from(t, "192.0.2.1")
		c.advance(24 * time.Hour)
		failures(t, th, 20, always("anna"), always(where))
		c.advance(-24 * time.Hour)
		wait := attempt(t, th, where, "anna", gate.Failed)
		if wait < 14*time.Minute || wait > 15*time.Minute {
			t.Errorf("to wait %v, want a quarter of an hour", wait)
		}
		c.advance(5 * time.Minute)
		if wait := attempt(t, th, where, "anna", gate.Failed); wait < 9*time.Minute || wait > 10*time.Minute {
			t.Errorf("to wait %v, want ten minutes", wait)
		}
		c.advance(10 * time.Minute)
		if wait := attempt(t, th, where, "anna", gate.Failed); wait > 0 {
			t.Errorf("to wait %v, after a quarter of an hour", wait)
		}
	})
}

// TestHOK04_clockSetBack: neither do letters wait.
func TestHOK04_clockSetBack(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		l := newLimiter(t, throttle.Config{DB: db, Now: c.Now}, "mail", throttle.Limit{N: 2, Per: time.Hour})
		ask := func() time.Duration {
			t.Helper()
			wait, err := l.Allow(t.Context(), "anna@example.com")
			if err != nil {
				t.Fatal(err)
			}
			return wait
		}
		c.advance(24 * time.Hour)
		for ask() == 0 {
			c.advance(time.Second)
		}
		c.advance(-24 * time.Hour)
		if wait := ask(); wait == 0 || wait > time.Hour {
			t.Errorf("to wait %v, want an hour", wait)
		}
		c.advance(time.Hour)
		if wait := ask(); wait > 0 {
			t.Errorf("to wait %v after an hour", wait)
		}
	})
}
