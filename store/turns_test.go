package store_test

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

func caller(account, network string) store.Caller {
	c := store.Caller{Account: account}
	if network != "" {
		c.Network = netip.MustParsePrefix(network)
	}
	return c
}

// eight opens a database with eight readers: seven to share, of which one is for
// callers that have none.
func eight(t testing.TB) *store.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "turns.db"), sqlite.Config{Readers: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// take takes turns until one would have to wait.
func take(t *testing.T, db *store.DB, c store.Caller) []*store.Turn {
	t.Helper()
	var out []*store.Turn
	for len(out) < 100 {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		turn, err := db.Turn(ended, c, time.Minute)
		if err != nil {
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%v after %d: %v", c, len(out), err)
			}
			break
		}
		out = append(out, turn)
	}
	return out
}

func end(turns ...*store.Turn) {
	for _, turn := range turns {
		turn.End()
	}
}

// TestTurns: neither an account nor a network takes what all share.
func TestTurns(t *testing.T) {
	db := eight(t)
	for what, flood := range map[string]func(int) store.Caller{
		"an account":                     func(int) store.Caller { return caller("eve", "192.0.2.1/32") },
		"an account of no known network": func(int) store.Caller { return caller("eve", "") },
		"nobody":                         func(int) store.Caller { return caller("", "192.0.2.1/32") },
	} {
		held := take(t, db, flood(0))
		if len(held) != 6 {
			t.Errorf("%s took %d", what, len(held))
		}
		others := take(t, db, caller("ann", "192.0.2.2/32"))
		if len(others) != 1 {
			t.Errorf("beside %s: %d", what, len(others))
		}
		if len(take(t, db, caller("bob", "192.0.2.3/32"))) != 0 {
			t.Errorf("beside %s: one more than there are", what)
		}
		for range 20 { // the program waits for nobody
			if turn, err := db.Turn(t.Context(), store.Caller{}, time.Minute); err != nil || turn != nil {
				t.Error(turn, err)
			}
		}
		end(append(held, others...)...)
	}
	// Many accounts of one network are one that floods.
	var held []*store.Turn
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if turn, err := db.Turn(ctx, caller(name, "192.0.2.1/32"), time.Minute); err == nil {
			held = append(held, turn)
		}
		cancel()
	}
	if len(held) != 6 {
		t.Errorf("eight accounts of one network took %d", len(held))
	}
	if got := take(t, db, caller("ann", "192.0.2.2/32")); len(got) != 1 {
		t.Error("beside them nobody has a turn")
	} else {
		end(got...)
	}
	end(held...)
	if left := take(t, db, caller("ann", "")); len(left) != 6 {
		t.Errorf("of seven that were given back: %d", len(left))
	} else {
		end(left...)
	}
}

// TestTurns_line: who has least comes first, a line has an end, and who gives up
// waiting takes nothing with them.
func TestTurns_line(t *testing.T) {
	db := eight(t)
	synctest.Test(t, func(t *testing.T) {
		eve, ann := caller("eve", "192.0.2.1/32"), caller("ann", "192.0.2.1/32")
		held := take(t, db, eve)
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		var came []string
		var got []*store.Turn
		busy := 0
		var wg sync.WaitGroup
		wait := func(c store.Caller) {
			wg.Go(func() {
				turn, err := db.Turn(ctx, c, time.Minute)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					busy++
					return
				}
				came, got = append(came, c.Account), append(got, turn)
			})
			synctest.Wait()
		}
		for range 1002 {
			wait(eve)
		}
		if busy != 2 {
			t.Errorf("%d were refused at once", busy)
		}
		wait(ann) // of the same network: what is kept for others is not hers
		for _, turn := range held[:2] {
			turn.End()
			synctest.Wait()
		}
		if len(came) != 2 || came[0] != "ann" || came[1] != "eve" {
			t.Errorf("%q", came)
		}
		cancel()
		wg.Wait()
		end(append(held[2:], got...)...)
		if left := take(t, db, eve); len(left) != 6 {
			t.Errorf("after all of them: %d", len(left))
		} else {
			end(left...)
		}
	})
}

// TestLongTurns: queries that take long wait for their like, and leave half of what one
// caller may have to others, of the same caller too.
func TestLongTurns(t *testing.T) {
	db := eight(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	eve, ann := caller("", "192.0.2.1/32"), caller("ann", "192.0.2.2/32")
	var held []*store.Turn
	for _, c := range []store.Caller{eve, ann} {
		for {
			turn, err := db.LongTurn(ended, c, time.Minute)
			if err != nil {
				break
			}
			held = append(held, turn)
		}
	}
	if len(held) != 3 {
		t.Errorf("%d long turns of seven", len(held))
	}
	left := take(t, db, eve)
	if len(left) == 0 {
		t.Error("nothing is left for the short queries of who has the long ones")
	}
	end(left...)
	end(held...)
	for range 20 { // each ends, also where only the second turn does not come
		all := take(t, db, ann)
		if turn, err := db.LongTurn(ended, ann, time.Minute); err == nil || turn != nil {
			t.Error("a long turn beside all others of the caller")
		}
		end(all...)
	}
	turn, err := db.LongTurn(ended, eve, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	end(turn)
	if turn, err := db.LongTurn(ended, store.Caller{}, time.Minute); err != nil || turn != nil {
		t.Errorf("the program waits: %v", err)
	}
}
