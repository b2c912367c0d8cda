package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/storetest"
	"github.com/gatewright/gate/store/throttle"
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

var secret = []byte("a secret for tests, 32 bytes long")

func migrate(t testing.TB, db *store.DB) {
	t.Helper()
	if _, err := db.Migrate(t.Context(), throttle.Component, throttle.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
}

func newThrottle(t testing.TB, cfg throttle.Config) *throttle.Throttle {
	t.Helper()
	if cfg.DB != nil {
		migrate(t, cfg.DB)
		cfg.Secret = secret
	}
	th, err := throttle.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return th
}

// each runs test with counters in memory and in each database.
func each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, nil) })
	storetest.Each(t, test)
}

// from returns a context with a client address.
func from(t testing.TB, format string, args ...any) context.Context {
	t.Helper()
	addr, err := netip.ParseAddr(fmt.Sprintf(format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return gate.ContextWithClient(t.Context(), gate.Client{Address: addr})
}

// attempt begins and ends one attempt, and returns how long it has to wait
// instead, 0 if it was let through.
func attempt(t testing.TB, th gate.Throttle, ctx context.Context, account string, o gate.Outcome) time.Duration { //nolint:revive // t comes first
	t.Helper()
	done, err := th.Begin(ctx, account)
	if err != nil {
		refusal, ok := errors.AsType[*gate.AuthError](err)
		if !ok || refusal.Code != gate.ErrTooManyRequests || refusal.RetryAfter <= 0 || refusal.Message == "" {
			t.Fatalf("Begin: %v, want a refusal", err)
		}
		return refusal.RetryAfter
	}
	done(o)
	return 0
}

// failures tries until it is refused, at most limit times, and returns how
// many got through.
func failures(t testing.TB, th gate.Throttle, limit int, account func(int) string, where func(int) context.Context) (n int, wait time.Duration) {
	t.Helper()
	for ; n < limit; n++ {
		if wait := attempt(t, th, where(n), account(n), gate.Failed); wait > 0 {
			return n, wait
		}
	}
	return n, 0
}

func always[T any](v T) func(int) T { return func(int) T { return v } }

func TestNew_refusals(t *testing.T) {
	db := storetest.SQLite(t)
	for _, tt := range []struct {
		name string
		cfg  throttle.Config
	}{
		{"negative size", throttle.Config{MaxEntries: -1}},
		{"a database without a secret", throttle.Config{DB: db}},
		{"short secret", throttle.Config{DB: db, Secret: secret[:31]}},
		{"short secret without a database", throttle.Config{Secret: secret[:1]}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := throttle.New(tt.cfg); err == nil {
				t.Error("New: no error")
			}
			if _, err := throttle.NewLimiter(tt.cfg, "mail", throttle.MailLimits()...); err == nil {
				t.Error("NewLimiter: no error")
			}
		})
	}
}

func TestLOG03_limits(t *testing.T) {
	alice := always("alice")
	anyone := func(i int) string { return fmt.Sprint("account", i) }
	each(t, func(t *testing.T, db *store.DB) {
		for _, tt := range []struct {
			name    string
			account func(i int) string
			where   func(i int) context.Context
			want    int
			wait    time.Duration
		}{
			{"one account, one address", alice, always(from(t, "192.0.2.1")), 10, 15 * time.Minute},
			{"one account, one /64", alice, func(i int) context.Context { return from(t, "2001:db8:1::%x", i+1) }, 10, 15 * time.Minute},
			{"one account, a mapped address", alice, func(i int) context.Context {
				return from(t, "%s", []string{"192.0.3.1", "::ffff:192.0.3.1"}[i%2])
			}, 10, 15 * time.Minute},
			{"one account, zones", alice, func(i int) context.Context { return from(t, "fe80::1%%eth%d", i) }, 10, 15 * time.Minute},
			{"one account, no address", alice, always(t.Context()), 10, 15 * time.Minute},
			{"spraying from one address", anyone, always(from(t, "192.0.4.1")), 100, time.Hour},
			{"spraying from one /64", anyone, func(i int) context.Context { return from(t, "2001:db8:2::%x", i+1) }, 100, time.Hour},
			{"one account from everywhere", alice, func(i int) context.Context { return from(t, "198.51.%d.1", i) }, 100, 24 * time.Hour},
			{"one account, many /64", alice, func(i int) context.Context { return from(t, "2001:db8:3:%x::1", i) }, 100, 24 * time.Hour},
		} {
			t.Run(tt.name, func(t *testing.T) {
				c := newClock()
				th := newThrottle(t, throttle.Config{DB: db, Now: c.Now})
				account := func(i int) string { return tt.name + tt.account(i) } // one table for all
				got, wait := failures(t, th, 130, account, tt.where)
				if got != tt.want || wait != tt.wait {
					t.Errorf("%d attempts, then wait %v; want %d, %v", got, wait, tt.want, tt.wait)
				}
				// It stays refused until then, and asking does not prolong it.
				c.advance(wait - time.Millisecond)
				if wait := attempt(t, th, tt.where(got), account(got), gate.Failed); wait != time.Millisecond {
					t.Errorf("a moment before: wait %v, want 1ms", wait)
				}
				c.advance(time.Millisecond)
				if wait := attempt(t, th, tt.where(got), account(got), gate.Failed); wait != 0 {
					t.Errorf("when it is over: wait %v", wait)
				}
			})
		}
	})
}

// TestLOG03_window: at no time more than ten in any 15 minutes, nor more than
// a hundred an hour from one network.
func TestLOG03_window(t *testing.T) {
	for _, tt := range []struct {
		name     string
		accounts int
		limit    int
		window   time.Duration
	}{
		{"account", 1, 10, 15 * time.Minute},
		{"network", 50, 100, time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			th := newThrottle(t, throttle.Config{Now: c.Now})
			var let []time.Time
			for i := range 1000 {
				if attempt(t, th, from(t, "192.0.2.1"), fmt.Sprint(i%tt.accounts), gate.Failed) == 0 {
					let = append(let, c.Now())
				}
				c.advance(17 * time.Second)
			}
			for i := range let {
				if i >= tt.limit && let[i].Sub(let[i-tt.limit]) < tt.window {
					t.Fatalf("%d attempts within %v", tt.limit+1, let[i].Sub(let[i-tt.limit]))
				}
			}
			if len(let) <= 3*tt.limit {
				t.Errorf("%d attempts in all, want it to open again", len(let))
			}
		})
	}
}

// TestLOG03_growing: each time that all ten are used up closes for longer.
func TestLOG03_growing(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		th := newThrottle(t, throttle.Config{DB: db, Now: c.Now})
		ctx := from(t, "192.0.2.1")
		round := func() time.Duration {
			t.Helper()
			n, wait := failures(t, th, 11, always("alice"), always(ctx))
			if n != 10 {
				t.Errorf("%d attempts, want 10", n)
			}
			c.advance(wait)
			return wait
		}
		for _, minutes := range []int{15, 30, 60, 120, 240, 480, 720, 720} {
			want := time.Duration(minutes) * time.Minute
			if got := round(); got != want {
				t.Errorf("wait %v, want %v", got, want)
			}
			// Only the row of failures from one network grows: the account as a
			// whole is not what is tested here.
			attempt(t, th, from(t, "203.0.113.1"), "alice", gate.Succeeded)
		}
		c.advance(24 * time.Hour)
		if got := round(); got != 15*time.Minute {
			t.Errorf("after a day of rest: wait %v, want 15m", got)
		}
		round()
		attempt(t, th, ctx, "alice", gate.Succeeded)
		if got := round(); got != 15*time.Minute {
			t.Errorf("after a success: wait %v, want 15m", got)
		}
	})
}

func TestLOG03_success(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		th := newThrottle(t, throttle.Config{DB: db, Now: newClock().Now})
		ctx := from(t, "192.0.2.1")
		// Right after nine wrong ones, again and again: the account is never
		// closed, the network is after a hundred wrong ones.
		total := 0
		for total < 200 {
			n, _ := failures(t, th, 9, always("alice"), always(ctx))
			total += n
			if n < 9 || attempt(t, th, ctx, "alice", gate.Succeeded) > 0 {
				break
			}
		}
		if total != 100 {
			t.Errorf("%d failures got through, want 100", total)
		}
		// An own account does not buy guesses at others.
		ctx, total = from(t, "192.0.2.2"), 0
		for total < 200 {
			attempt(t, th, ctx, "mallory", gate.Succeeded)
			if attempt(t, th, ctx, fmt.Sprint("victim", total), gate.Failed) > 0 {
				break
			}
			total++
		}
		if total != 100 {
			t.Errorf("%d guesses at others, want 100", total)
		}
	})
}

// TestLOG05_account: how attempts are named is for the strategy to say, and one
// name is one counter.
func TestLOG05_account(t *testing.T) {
	th := newThrottle(t, throttle.Config{})
	ctx := from(t, "192.0.2.1")
	failures(t, th, 10, always(throttle.Account("7")), always(ctx))
	if attempt(t, th, ctx, throttle.Account("7"), gate.Failed) == 0 {
		t.Error("let through")
	}
	if attempt(t, th, ctx, throttle.Account("8"), gate.Failed) != 0 {
		t.Error("another account is closed too")
	}
}

func TestLOG06_countedBefore(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		th := newThrottle(t, throttle.Config{DB: db})
		if got := parallel(t, th, th); got != 10 {
			t.Errorf("%d of 200 parallel guesses were checked, want 10", got)
		}
	})
}

// parallel has throttles asked 200 times at once for one account and returns
// how often they let it through.
func parallel(t *testing.T, throttles ...*throttle.Throttle) int32 {
	t.Helper()
	ctx := from(t, "192.0.2.1")
	var checks atomic.Int32
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			done, err := throttles[i%len(throttles)].Begin(ctx, "alice")
			switch {
			case err == nil:
				checks.Add(1)
				done(gate.Failed)
			case !errors.Is(err, gate.ErrTooManyRequests):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return checks.Load()
}

// TestLOG06_replicas: two processes on one database are one throttle.
func TestLOG06_replicas(t *testing.T) {
	url := storetest.PostgresURL(t)
	var replicas [2]*throttle.Throttle
	for i := range replicas {
		db, err := postgres.Open(t.Context(), url, postgres.Config{MaxConns: 8})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		replicas[i] = newThrottle(t, throttle.Config{DB: db})
	}
	if got := parallel(t, replicas[:]...); got != 10 {
		t.Errorf("%d of 200 parallel guesses at two replicas were checked, want 10", got)
	}
	// What one issues the other takes, and what one resets is reset.
	token, _ := replicas[0].IssueDevice("alice")
	if wait := attempt(t, replicas[1], throttle.ContextWithDevice(from(t, "192.0.2.1"), token), "alice", gate.Failed); wait > 0 {
		t.Errorf("device of the other replica: wait %v", wait)
	}
	if err := replicas[0].Reset(from(t, "192.0.2.1"), "alice"); err != nil {
		t.Fatal(err)
	}
	if wait := attempt(t, replicas[1], from(t, "192.0.2.1"), "alice", gate.Failed); wait > 0 {
		t.Errorf("after a reset at the other replica: wait %v", wait)
	}
}

// TestLOG06_spread: guesses at many accounts from many networks at once lock
// rows in one order, so none has to be given up.
func TestLOG06_spread(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		th := newThrottle(t, throttle.Config{DB: db})
		var wg sync.WaitGroup
		wg.Go(func() {
			for range 20 {
				if _, err := th.Sweep(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
		for i := range 20 {
			wg.Go(func() {
				for j := range 5 {
					done, err := th.Begin(from(t, "192.0.2.%d", (i+j)%5), fmt.Sprint((i*7+j)%4))
					if errors.Is(err, gate.ErrTooManyRequests) {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					done(gate.Outcome((i + j) % 3))
				}
			})
		}
		wg.Wait()
	})
}

func TestLOG16_undecided(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		th := newThrottle(t, throttle.Config{DB: db})
		ctx := from(t, "192.0.2.1")
		for i := range 50 {
			if attempt(t, th, ctx, "alice", gate.Undecided) > 0 {
				t.Fatalf("refused after %d attempts that were not decided", i)
			}
		}
		// The tenth closed the door; that it could not be decided opens it.
		failures(t, th, 9, always("alice"), always(ctx))
		attempt(t, th, ctx, "alice", gate.Undecided)
		if n, wait := failures(t, th, 2, always("alice"), always(ctx)); n != 1 || wait.Round(time.Minute) != 15*time.Minute {
			t.Errorf("%d more, then wait %v; want 1, 15m", n, wait)
		}
		if db == nil {
			return
		}
		if err := th.Reset(ctx, "alice"); err != nil {
			t.Fatal(err)
		}
		if n := rows(t, db); n != 1 {
			t.Errorf("%d rows left, want that of the network", n)
		}
	})
}

// TestLOG16_database: a database that does not answer is no answer, and counts
// for nobody.
func TestLOG16_database(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var out syncBuffer
		th, err := throttle.New(throttle.Config{DB: db, Secret: secret, Logger: slog.New(slog.NewTextHandler(&out, nil))})
		if err != nil {
			t.Fatal(err)
		}
		ctx := from(t, "192.0.2.1")
		if _, err := th.Begin(ctx, "alice"); err == nil || errors.Is(err, gate.ErrTooManyRequests) {
			t.Errorf("without its table: %v, want a fault", err)
		}
		migrate(t, db)
		done, err := th.Begin(ctx, "alice")
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		done(gate.Succeeded)
		if !strings.Contains(out.String(), "attempt stays counted as a failure") {
			t.Errorf("log = %s", out.String())
		}
		if _, err := th.Begin(ctx, "alice"); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Begin = %v, want %v", err, store.ErrUnavailable)
		}
		if err := th.Reset(ctx, "alice"); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Reset = %v, want %v", err, store.ErrUnavailable)
		}
		if _, err := th.Sweep(ctx); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Sweep = %v, want %v", err, store.ErrUnavailable)
		}
	})
}

// TestLOG16_cancelled: a caller that goes away does not leave its success
// counted as a failure.
func TestLOG16_cancelled(t *testing.T) {
	db := storetest.SQLite(t)
	th := newThrottle(t, throttle.Config{DB: db})
	ctx, cancel := context.WithCancel(from(t, "192.0.2.1"))
	done, err := th.Begin(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	done(gate.Succeeded)
	if n := rows(t, db); n != 0 {
		t.Errorf("%d rows left, want none", n)
	}
	if _, err := th.Begin(ctx, "alice"); !errors.Is(err, context.Canceled) {
		t.Errorf("Begin = %v, want %v", err, context.Canceled)
	}
}

// TestAUD02_keys: neither names nor addresses can be read from the table.
func TestAUD02_keys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		th := newThrottle(t, throttle.Config{DB: db})
		const typed = "correct-horse-battery"
		attempt(t, th, from(t, "192.0.2.1"), "login:"+typed, gate.Failed)
		var all string
		list, err := db.Read().QueryContext(t.Context(), "SELECT key, state FROM gate_throttle")
		if err != nil {
			t.Fatal(err)
		}
		defer list.Close()
		for list.Next() {
			var key, state string
			if err := list.Scan(&key, &state); err != nil {
				t.Fatal(err)
			}
			all += key + " " + state + "\n"
		}
		if err := list.Err(); err != nil {
			t.Fatal(err)
		}
		if strings.Count(all, "\n") != 3 || strings.Contains(all, "horse") || strings.Contains(all, "192.0.2") {
			t.Errorf("table:\n%s", all)
		}
	})
}

func TestSweep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		th := newThrottle(t, throttle.Config{DB: db, Now: c.Now, MaxEntries: 20})
		for i := range 10 {
			attempt(t, th, from(t, "192.0.2.%d", i), fmt.Sprint("account", i), gate.Failed)
		}
		for _, tt := range []struct {
			after time.Duration
			want  int
		}{
			{0, 10},                                // beyond MaxEntries
			{15*time.Minute - time.Millisecond, 0}, //
			{time.Millisecond, 0},                  // the pairs went before
			{45 * time.Minute, 10},                 // networks
			{24*time.Hour - 45*time.Minute, 10},    // accounts
			{48 * time.Hour, 0},                    //
		} {
			c.advance(tt.after)
			got, err := th.Sweep(t.Context())
			if err != nil || got != tt.want {
				t.Errorf("after %v: Sweep = %d, %v, want %d", tt.after, got, err, tt.want)
			}
			if tt.want == 0 {
				continue
			}
			t.Logf("after %v: %d rows left", tt.after, rows(t, db))
		}
		if n := rows(t, db); n != 0 {
			t.Errorf("%d rows left", n)
		}
	})
}

// TestMemory_bounded: a flood of names does not grow memory, and does not push
// out what is in use.
func TestMemory_bounded(t *testing.T) {
	c := newClock()
	th := newThrottle(t, throttle.Config{MaxEntries: 50, Now: c.Now})
	let := 0
	for i := range 300 {
		if attempt(t, th, from(t, "192.0.2.1"), "alice", gate.Failed) == 0 {
			let++
		}
		if i < 40 {
			attempt(t, th, from(t, "2001:db8:0:%x::1", i), fmt.Sprint("account", i), gate.Failed)
		}
	}
	if let != 10 {
		t.Errorf("%d attempts on one account, want 10", let)
	}
	for i := range 1000 {
		attempt(t, th, from(t, "2001:db8:1:%x::1", i), fmt.Sprint("account", i), gate.Failed)
	}
	c.advance(100 * time.Hour)
	if n, err := th.Sweep(t.Context()); err != nil || n != 150 {
		t.Errorf("Sweep = %d, %v, want 3 × 50", n, err)
	}
}

func rows(t testing.TB, db *store.DB) (n int) {
	t.Helper()
	if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM gate_throttle").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// syncBuffer is a buffer that several goroutines may use.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
