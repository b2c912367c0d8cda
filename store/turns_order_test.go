package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewright/gate/store"
)

// asking is a query that waits, or has its turn.
type asking struct {
	store.Caller

	cancel context.CancelFunc
	turn   *store.Turn // nil while it waits
	gone   bool
}

func (a *asking) who() string {
	if a.Account != "" {
		return a.Account
	}
	return a.Network.String()
}

// rule says who has a turn by looking at everybody.
type rule struct{ waiting, held []*asking }

func (r *rule) has(a *asking) (account, network int) {
	for _, h := range r.held {
		if h.who() == a.who() {
			account++
		}
		if h.Network == a.Network && a.Network.IsValid() {
			network++
		}
	}
	return account, network
}

func (r *rule) next() {
	for {
		var first *asking
		seen := map[string]bool{}
		for _, a := range r.waiting {
			account, network := r.has(a)
			most := 6
			if account == 0 && network == 0 {
				most = 7
			}
			if seen[a.who()] || len(r.held) >= most {
				seen[a.who()] = true
				continue
			}
			seen[a.who()] = true
			if first == nil {
				first = a
				continue
			}
			if mine, others := r.has(first); account < mine || account == mine && network < others {
				first = a
			}
		}
		if first == nil {
			return
		}
		r.waiting = slices.DeleteFunc(r.waiting, func(a *asking) bool { return a == first })
		r.held = append(r.held, first)
	}
}

// TestTurns_order: whoever asks, ends and gives up, those have turns who would have
// them if all were looked at each time.
func TestTurns_order(t *testing.T) {
	db := eight(t)
	synctest.Test(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(1, 2))
		var mu sync.Mutex
		var all sync.WaitGroup
		var r rule
		for step := range 3000 {
			switch n := rnd.IntN(10); {
			case n < 5 && len(r.waiting) < 40:
				c := caller([]string{"", "ann", "bob", "eve", "max", "zoe"}[rnd.IntN(6)], "")
				if rnd.IntN(6) > 0 || c.Account == "" {
					c.Network = netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/32", rnd.IntN(4)))
				}
				ctx, cancel := context.WithCancel(t.Context())
				a := &asking{Caller: c, cancel: cancel}
				all.Go(func() {
					turn, err := db.Turn(ctx, c, time.Minute)
					mu.Lock()
					defer mu.Unlock()
					if a.turn, a.gone = turn, err != nil; err != nil && !errors.Is(err, store.ErrUnavailable) {
						t.Error(err)
					}
				})
				synctest.Wait()
				r.waiting = append(r.waiting, a)
			case n < 8 && len(r.held) > 0:
				i := rnd.IntN(len(r.held))
				r.held[i].turn.End()
				r.held[i].cancel()
				r.held = slices.Delete(r.held, i, i+1)
			case len(r.waiting) > 0:
				i := rnd.IntN(len(r.waiting))
				r.waiting[i].cancel()
				r.waiting = slices.Delete(r.waiting, i, i+1)
			}
			r.next()
			synctest.Wait()
			for _, a := range r.held {
				if a.turn == nil {
					t.Fatalf("step %d: %v has no turn", step, a.Caller)
				}
			}
			for _, a := range r.waiting {
				if a.turn != nil || a.gone {
					t.Fatalf("step %d: %v does not wait", step, a.Caller)
				}
			}
		}
		for _, a := range slices.Concat(r.waiting, r.held) {
			a.cancel()
			synctest.Wait()
			if a.turn != nil {
				a.turn.End()
			}
		}
		all.Wait()
		if left := take(t, db, caller("ann", "192.0.2.1/32")); len(left) != 6 {
			t.Errorf("after all of them: %d", len(left))
		} else {
			end(left...)
		}
	})
}

// BenchmarkTurns is one turn where so many accounts ask again whenever they had theirs.
func BenchmarkTurns(b *testing.B) {
	for _, accounts := range []int{10, 500, 5000} {
		b.Run(fmt.Sprint(accounts), func(b *testing.B) {
			db := eight(b)
			var turns atomic.Int64
			var all sync.WaitGroup
			b.ResetTimer()
			for i := range accounts {
				all.Go(func() {
					c := caller(fmt.Sprint("account ", i), "")
					for turns.Add(1) <= int64(b.N) {
						turn, err := db.Turn(b.Context(), c, time.Minute)
						if err != nil {
							b.Error(err)
							return
						}
						runtime.Gosched() // the query
						turn.End()
					}
				})
			}
			all.Wait()
		})
	}
}
