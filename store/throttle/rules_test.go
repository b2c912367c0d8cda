package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/throttle"
)

// ruled is a throttle under rules.
type ruled struct {
	*throttle.Throttle
	rules throttle.Rules
}

func (r ruled) Begin(ctx context.Context, account string) (func(gate.Outcome), error) {
	return r.BeginWith(ctx, account, r.rules)
}

// LOG-03: rules close earlier, and never later.
func TestLOG03_rules(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		for i, tt := range []struct {
			rules   throttle.Rules
			account func(int) string
			where   func(int) context.Context
			want    int
		}{
			{throttle.Rules{}, always("a"), always(from(t, "192.0.2.1")), 10},
			{throttle.Rules{Attempts: 3}, always("b"), always(from(t, "192.0.2.2")), 3},
			{throttle.Rules{Attempts: 50}, always("c"), always(from(t, "192.0.2.3")), 10},
			{throttle.Rules{Attempts: -1}, always("d"), always(from(t, "192.0.2.4")), 10},
			{throttle.Rules{AnyNetwork: true}, always("e"), func(i int) context.Context { return from(t, "198.51.100.%d", i) }, 10},
			{throttle.Rules{Attempts: 4, AnyNetwork: true}, always("f"), func(i int) context.Context { return from(t, "198.51.100.%d", i) }, 4},
			{throttle.Rules{NetworkAttempts: 20}, func(i int) string { return fmt.Sprint("g", i) }, always(from(t, "192.0.2.5")), 20},
			{throttle.Rules{NetworkAttempts: 1000}, func(i int) string { return fmt.Sprint("h", i) }, always(from(t, "192.0.2.6")), 100},
			{throttle.Rules{SpareNetwork: true}, func(i int) string { return fmt.Sprint("i", i) }, always(from(t, "192.0.2.7")), 120},
			{throttle.Rules{SpareNetwork: true}, always("j"), always(from(t, "192.0.2.8")), 10},
			{throttle.Rules{SpareNetwork: true, AnyNetwork: true, Attempts: 200}, always("k"), func(i int) context.Context { return from(t, "203.0.113.%d", i) }, 10},
		} {
			th := newThrottle(t, throttle.Config{DB: db})
			if n, _ := failures(t, ruled{th, tt.rules}, 120, tt.account, tt.where); n != tt.want {
				t.Errorf("%d: %+v: %d guesses, want %d", i, tt.rules, n, tt.want)
			}
		}
	})
}

// LOG-03: a hundred in a row close the account under any rules.
func TestLOG03_rulesInARow(t *testing.T) {
	th := newThrottle(t, throttle.Config{})
	n, _ := failures(t, ruled{th, throttle.Rules{SpareNetwork: true}}, 200, always("alice"), func(i int) context.Context { return from(t, "198.51.100.%d", i) })
	if n != 100 {
		t.Errorf("%d guesses, want 100", n)
	}
}

// LOG-04: what is counted for the account alone leaves the owner's browser in,
// with a budget of its own under the same rules.
func TestLOG04_rules(t *testing.T) {
	c := newClock()
	th := newThrottle(t, throttle.Config{Now: c.Now})
	rules := ruled{th, throttle.Rules{Attempts: 3, AnyNetwork: true}}
	token, _ := th.IssueDevice("alice")
	failures(t, rules, 20, always("alice"), func(i int) context.Context { return from(t, "198.51.100.%d", i) })
	home := throttle.ContextWithDevice(from(t, "192.0.2.1"), token)
	if wait := attempt(t, rules, home, "alice", gate.Succeeded); wait > 0 {
		t.Errorf("the owner's browser waits %v", wait)
	}
	if n, wait := failures(t, rules, 20, always("alice"), always(home)); n != 3 || wait != 15*time.Minute {
		t.Errorf("%d guesses with a stolen token, then %v", n, wait)
	}
	if err := th.Reset(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if wait := attempt(t, rules, from(t, "198.51.100.200"), "alice", gate.Failed); wait > 0 {
		t.Errorf("after a reset: %v", wait)
	}
}

func TestWait(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		th := newThrottle(t, throttle.Config{DB: db, Now: c.Now})
		here, there := from(t, "192.0.2.1"), from(t, "192.0.2.2")
		wait := func(ctx context.Context, account string, rules throttle.Rules) time.Duration {
			t.Helper()
			d, err := th.Wait(ctx, account, rules)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		failures(t, ruled{th, throttle.Rules{Attempts: 5}}, 6, always("alice"), always(here))
		for range 3 { // asking counts nothing
			if d := wait(here, "alice", throttle.Rules{Attempts: 5}); d != 15*time.Minute {
				t.Errorf("closed for %v", d)
			}
			if d := wait(there, "alice", throttle.Rules{Attempts: 5}); d != 0 {
				t.Errorf("elsewhere closed for %v", d)
			}
		}
		// A network that is closed is nothing that the account has.
		failures(t, th, 200, func(i int) string { return fmt.Sprint(i) }, always(there))
		_, err := th.Begin(there, "bob")
		if !errors.Is(err, throttle.ErrNetwork) || !errors.Is(err, gate.ErrTooManyRequests) || wait(there, "bob", throttle.Rules{}) != 0 {
			t.Errorf("a closed network: %v", err)
		}
		failures(t, th, 10, always("carol"), always(here))
		if _, err := th.Begin(here, "carol"); errors.Is(err, throttle.ErrNetwork) || !errors.Is(err, gate.ErrTooManyRequests) {
			t.Errorf("a closed account: %v", err)
		}
		c.advance(16 * time.Minute)
		if d := wait(here, "alice", throttle.Rules{Attempts: 5}); d != 0 {
			t.Errorf("later: %v", d)
		}
	})
}
