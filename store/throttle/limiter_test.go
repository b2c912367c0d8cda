package throttle_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
	"github.com/gatewright/gate/store/throttle"
)

func newLimiter(t testing.TB, cfg throttle.Config, name string, limits ...throttle.Limit) *throttle.Limiter {
	t.Helper()
	if cfg.DB != nil {
		migrate(t, cfg.DB)
		cfg.Secret = secret
	}
	l, err := throttle.NewLimiter(cfg, name, limits...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestNewLimiter_refusals(t *testing.T) {
	good := throttle.Limit{N: 1, Per: time.Hour}
	for _, tt := range []struct {
		name, limiter string
		limits        []throttle.Limit
	}{
		{"no name", "", []throttle.Limit{good}},
		{"no limit", "mail", nil},
		{"zero", "mail", []throttle.Limit{good, {}}},
		{"no time", "mail", []throttle.Limit{{N: 1}}},
		{"negative", "mail", []throttle.Limit{{N: -1, Per: time.Hour}}},
		{"too many to remember", "mail", []throttle.Limit{{N: 1001, Per: time.Hour}}},
		{"too long to remember", "mail", []throttle.Limit{{N: 1, Per: 31 * 24 * time.Hour}}},
		{"by what", "mail", []throttle.Limit{{N: 1, Per: time.Hour, By: 2}}},
		{"too many limits", "mail", make([]throttle.Limit, 9)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := throttle.NewLimiter(throttle.Config{}, tt.limiter, tt.limits...); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestHOK04_mail(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		l := newLimiter(t, throttle.Config{DB: db, Now: c.Now}, "mail", throttle.MailLimits()...)
		sent := func(n int, key func(int) string, where string) (sent int, wait time.Duration) {
			t.Helper()
			for i := range n {
				retry, err := l.Allow(from(t, "%s", where), key(i))
				if err != nil {
					t.Fatal(err)
				}
				if retry == 0 {
					sent++
				}
				wait = retry
			}
			return sent, wait
		}
		for _, tt := range []struct {
			name  string
			n     int
			key   func(int) string
			where string
			want  int
		}{
			{"1,000 to one address", 1000, always("ann@example.com"), "192.0.2.1", 5},
			{"to it from elsewhere", 10, always("ann@example.com"), "192.0.2.2", 0},
			{"to others from there", 30, func(i int) string { return fmt.Sprint(i, "@example.com") }, "192.0.2.1", 15},
			{"from its /64", 30, func(i int) string { return fmt.Sprint(i, "@example.org") }, "2001:db8::1", 20},
			{"its other end", 1, always("bob@example.com"), "2001:db8::ffff", 0},
		} {
			got, wait := sent(tt.n, tt.key, tt.where)
			if got != tt.want || wait != time.Hour {
				t.Errorf("%s: %d letters, then wait %v; want %d, 1h", tt.name, got, wait, tt.want)
			}
		}
		c.advance(time.Hour)
		if got, _ := sent(10, always("ann@example.com"), "192.0.2.1"); got != 5 {
			t.Errorf("an hour later: %d letters, want 5", got)
		}
		// What another limiter counts is its own business.
		other := newLimiter(t, throttle.Config{DB: db, Now: c.Now}, "signup", throttle.MailLimits()...)
		if retry, err := other.Allow(from(t, "192.0.2.1"), "ann@example.com"); err != nil || retry != 0 {
			t.Errorf("another limiter: %v, %v", retry, err)
		}
	})
}

func TestHOK04_parallel(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		l := newLimiter(t, throttle.Config{DB: db}, "mail", throttle.MailLimits()...)
		var sent atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				retry, err := l.Allow(from(t, "192.0.2.1"), "ann@example.com")
				if err != nil {
					t.Error(err)
				} else if retry == 0 {
					sent.Add(1)
				}
			})
		}
		wg.Wait()
		if got := sent.Load(); got != 5 {
			t.Errorf("%d letters, want 5", got)
		}
	})
}

func TestLOG16_limiter(t *testing.T) {
	db := storetest.SQLite(t)
	l := newLimiter(t, throttle.Config{DB: db}, "mail", throttle.MailLimits()...)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Allow(t.Context(), "ann@example.com"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Allow = %v, want %v", err, store.ErrUnavailable)
	}
}
