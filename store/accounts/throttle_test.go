package accounts_test

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/store/accounts"
)

func newThrottle(t testing.TB, cfg accounts.ThrottleConfig) *accounts.Throttle {
	t.Helper()
	th, err := accounts.NewThrottle(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return th
}

func addr(format string, args ...any) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf(format, args...))
}

// attempts tries until it is refused, at most limit times, and returns how
// many got through.
func attempts(th *accounts.Throttle, limit int, account func(i int) string, from func(i int) netip.Addr) (n int, retryAfter time.Duration) {
	for ; n < limit; n++ {
		wait, ok := th.Begin(account(n), from(n))
		if !ok {
			return n, wait
		}
	}
	return n, 0
}

func TestLOG03_limits(t *testing.T) {
	alice := func(int) string { return "alice" }
	anyone := func(i int) string { return fmt.Sprint("account", i) }
	for _, tt := range []struct {
		name    string
		account func(i int) string
		from    func(i int) netip.Addr
		want    int
		retry   time.Duration
	}{
		{"one account, one address", alice, func(int) netip.Addr { return addr("192.0.2.1") }, 10, 15 * time.Minute},
		{"one account, one /64", alice, func(i int) netip.Addr { return addr("2001:db8::%x", i+1) }, 10, 15 * time.Minute},
		{"one account, a mapped address", alice, func(i int) netip.Addr {
			return addr("%s", []string{"192.0.2.1", "::ffff:192.0.2.1"}[i%2])
		}, 10, 15 * time.Minute},
		{"one account, zones", alice, func(i int) netip.Addr { return addr("fe80::1%%eth%d", i) }, 10, 15 * time.Minute},
		{"one account, no address", alice, func(int) netip.Addr { return netip.Addr{} }, 10, 15 * time.Minute},
		{"spraying from one address", anyone, func(int) netip.Addr { return addr("192.0.2.1") }, 100, time.Hour},
		{"spraying from one /64", anyone, func(i int) netip.Addr { return addr("2001:db8::%x", i+1) }, 100, time.Hour},
		{"one account from everywhere", alice, func(i int) netip.Addr { return addr("198.51.%d.1", i) }, 100, 24 * time.Hour},
		{"one account, many /64", alice, func(i int) netip.Addr { return addr("2001:db8:0:%x::1", i) }, 100, 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			th := newThrottle(t, accounts.ThrottleConfig{Now: c.Now})
			got, retry := attempts(th, 200, tt.account, tt.from)
			if got != tt.want || retry != tt.retry {
				t.Errorf("%d attempts, then wait %v; want %d, %v", got, retry, tt.want, tt.retry)
			}
			// It stays refused until then, and asking does not prolong it.
			c.advance(retry - time.Nanosecond)
			if wait, ok := th.Begin(tt.account(got), tt.from(got)); ok || wait != time.Nanosecond {
				t.Errorf("a moment before: %v, %v, want a refusal for 1ns", wait, ok)
			}
			c.advance(time.Nanosecond)
			if wait, ok := th.Begin(tt.account(got), tt.from(got)); !ok {
				t.Errorf("when it is over: wait %v", wait)
			}
		})
	}
}

// TestLOG03_window: at no time more than ten in any 15 minutes.
func TestLOG03_window(t *testing.T) {
	c := newClock()
	th := newThrottle(t, accounts.ThrottleConfig{Now: c.Now})
	var let []time.Time
	for range 400 {
		if _, ok := th.Begin("alice", addr("192.0.2.1")); ok {
			let = append(let, c.Now())
		}
		c.advance(17 * time.Second)
	}
	for i := range let {
		if i >= 10 && let[i].Sub(let[i-10]) < 15*time.Minute {
			t.Fatalf("11 attempts within %v", let[i].Sub(let[i-10]))
		}
	}
	if len(let) < 70 {
		t.Errorf("%d attempts in %v, want the rate to be used", len(let), 400*17*time.Second)
	}
}

func TestLOG03_success(t *testing.T) {
	c := newClock()
	th := newThrottle(t, accounts.ThrottleConfig{Now: c.Now})
	from := func(int) netip.Addr { return addr("192.0.2.1") }
	alice := func(int) string { return "alice" }
	// Right after nine wrong ones, again and again: the account is never closed.
	for range 5 {
		if n, _ := attempts(th, 9, alice, from); n != 9 {
			t.Fatalf("refused after %d", n)
		}
		if _, ok := th.Begin("alice", from(0)); !ok {
			t.Fatal("the tenth was refused")
		}
		th.Succeed("alice", from(0))
	}
	// The failures of the network stay: 45 so far. An attacker's own account
	// does not buy guesses on others.
	n := 0
	for n < 200 {
		if _, ok := th.Begin("mallory", from(0)); ok {
			th.Succeed("mallory", from(0))
		}
		if _, ok := th.Begin(fmt.Sprint("victim", n), from(0)); !ok {
			break
		}
		n++
	}
	if n != 55 {
		t.Errorf("%d more guesses, want 55", n)
	}
}

func TestLOG06_countedBefore(t *testing.T) {
	th := newThrottle(t, accounts.ThrottleConfig{})
	var checks atomic.Int32
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			if _, ok := th.Begin("alice", addr("192.0.2.1")); ok {
				checks.Add(1)
			}
		})
	}
	wg.Wait()
	if got := checks.Load(); got != 10 {
		t.Errorf("%d of 200 parallel guesses were checked, want 10", got)
	}
}

func TestLOG16_throttle(t *testing.T) {
	th := newThrottle(t, accounts.ThrottleConfig{})
	for i := range 1000 {
		if _, ok := th.Begin("alice", addr("192.0.2.1")); !ok {
			t.Fatalf("refused after %d attempts that were not decided", i)
		}
		th.Cancel("alice", addr("192.0.2.1"))
	}
	if got := th.Len(); got != [3]int{} {
		t.Errorf("counters left: %v", got)
	}
	// Nothing to take back is nothing.
	th.Cancel("bob", addr("192.0.2.2"))
	th.Succeed("bob", addr("192.0.2.2"))
	th.Reset("bob")
}

func TestThrottle_reset(t *testing.T) {
	th := newThrottle(t, accounts.ThrottleConfig{})
	everywhere := func(i int) netip.Addr { return addr("198.51.%d.1", i) }
	attempts(th, 100, func(int) string { return "alice" }, everywhere)
	if _, ok := th.Begin("alice", addr("203.0.113.1")); ok {
		t.Fatal("the 101st in a row was let through")
	}
	th.Reset("alice")
	if _, ok := th.Begin("alice", addr("203.0.113.1")); !ok {
		t.Error("refused after a reset")
	}
}

func TestThrottle_memory(t *testing.T) {
	th := newThrottle(t, accounts.ThrottleConfig{MaxEntries: 50})
	for i := range 1000 {
		th.Begin(fmt.Sprint("account", i), addr("2001:db8:0:%x::1", i))
	}
	if got := th.Len(); got != [3]int{50, 50, 50} {
		t.Errorf("counters = %v, want 50 each", got)
	}
	// What is in use stays while others come and go.
	c := newClock()
	th = newThrottle(t, accounts.ThrottleConfig{MaxEntries: 50, Now: c.Now})
	let := 0
	for i := range 300 {
		if _, ok := th.Begin("alice", addr("192.0.2.1")); ok {
			let++
		}
		if i < 40 {
			th.Begin(fmt.Sprint("account", i), addr("2001:db8:0:%x::1", i))
		}
	}
	if let != 10 {
		t.Errorf("%d attempts on one account, want 10", let)
	}
	if _, err := accounts.NewThrottle(accounts.ThrottleConfig{MaxEntries: -1}); err == nil {
		t.Error("negative size: no error")
	}
}

func BenchmarkThrottle(b *testing.B) {
	th := newThrottle(b, accounts.ThrottleConfig{})
	from := addr("192.0.2.1")
	for b.Loop() {
		th.Begin("alice", from)
		th.Succeed("alice", from)
	}
}
