package crud_test

import (
	"context"
	"database/sql"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestAUZ12_turns: who asks for much waits for themselves, and keeps neither others nor
// the program waiting.
func TestAUZ12_turns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.items.SetTimeout(200 * time.Millisecond)
		from := func(address string) gate.Client { return gate.Client{Address: netip.MustParseAddr(address)} }
		ann := gate.ContextWithClient(as(t, s.ann), from("2001:db8::1"))
		bob := gate.ContextWithClient(as(t, s.bob), from("2001:db8:0:1::1"))
		near := gate.ContextWithClient(as(t, s.bob), from("2001:db8::2")) // of one /64 with Ann
		nobody := gate.ContextWithClient(t.Context(), from("2001:db8::3"))
		for range 3 * db.Read().Stats().MaxOpenConnections { // each turn ends
			if _, err := s.items.FindRows(ann, &query.Query{Limit: 1}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.items.Get(ann, s.soup); err != nil {
				t.Fatal(err)
			}
		}
		var held []*store.Turn
		for {
			turn, err := db.Turn(t.Context(), store.Caller{Account: s.ann.Subject, Network: netip.MustParsePrefix("2001:db8::/64")}, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, turn)
			if _, err = s.items.Get(ann, s.soup); status(t, err) == 503 {
				break
			} else if err != nil || len(held) > 100 {
				t.Fatal(len(held), err)
			}
		}
		if _, err := s.items.Get(near, s.soup); status(t, err) != 503 {
			t.Errorf("of the same network: %v", err)
		}
		if _, err := s.items.Get(nobody, s.soup); status(t, err) != 503 {
			t.Errorf("nobody, of the same network: %v", err)
		}
		if _, err := s.items.FindRows(bob, &query.Query{}); err != nil {
			t.Errorf("of another network: %v", err)
		}
		if _, err := s.items.Get(authz.System(ann), s.soup); err != nil {
			t.Errorf("the program: %v", err)
		}
		for _, turn := range held {
			turn.End()
		}
		if _, err := s.items.Get(ann, s.soup); err != nil {
			t.Errorf("afterwards: %v", err)
		}
		if _, err := s.items.Get(ann, "00000000-0000-7000-8000-000000000000"); status(t, err) != 404 || errors.Is(err, store.ErrBusy) {
			t.Error(err)
		}
	})
}

// TestAUZ12_turnsToWrite: who writes much at once keeps neither others nor the program
// waiting.
func TestAUZ12_turnsToWrite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		from := func(who *gate.Principal, address string) context.Context {
			return gate.ContextWithClient(gate.ContextWithPrincipal(t.Context(), who), gate.Client{Address: netip.MustParseAddr(address)})
		}
		const many = 300
		var wg sync.WaitGroup
		var wrote atomic.Int64
		release, began, others := make(chan struct{}), make(chan struct{}, many), make(chan struct{}, 3)
		write := func(ctx context.Context, began chan struct{}) (before int64) {
			if err := crud.InTx(ctx, db, func(context.Context) error {
				began <- struct{}{}
				<-release
				before = wrote.Add(1) - 1
				time.Sleep(time.Millisecond) // so long that whoever is next is awake
				return nil
			}); err != nil {
				t.Error(err)
			}
			return before
		}
		for range many {
			wg.Go(func() { write(from(s.ann, "2001:db8::1"), began) })
		}
		<-began
		time.Sleep(100 * time.Millisecond) // until the others wait; were it too short, there would be less to see
		for name, ctx := range map[string]context.Context{"bob": from(s.bob, "2001:db8:0:1::1"), "nobody": from(nil, "2001:db8:0:2::1"), "the program": authz.System(t.Context())} {
			wg.Go(func() {
				if before := write(ctx, others); before > many/3 && db.Dialect() == store.SQLite {
					t.Errorf("%s waited for %d of one account", name, before)
				}
			})
		}
		if db.Dialect() == store.SQLite {
			time.Sleep(100 * time.Millisecond) // for these to wait, too
		} else {
			for range 2 { // one of her neighbours, and the program, have connections whatever she does
				select {
				case <-others:
				case <-time.After(2 * time.Second):
					t.Error("not everybody begins")
				}
			}
		}
		close(release)
		wg.Wait()
	})
}

// TestGet_noConnection: who reads one row waits for a connection as long as for an answer.
func TestGet_noConnection(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.items.SetTimeout(200 * time.Millisecond)
		var held []*sql.Conn
		for range db.Read().Stats().MaxOpenConnections {
			conn, err := db.Read().Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, conn)
		}
		var answered atomic.Bool
		wait := time.AfterFunc(10*time.Second, func() {
			if !answered.Load() {
				_ = held[0].Close()
			}
		})
		defer wait.Stop()
		_, err := s.items.Get(as(t, s.ann), s.soup)
		answered.Store(true)
		if err == nil {
			t.Error("it waited for the connection of another")
		} else if status(t, err) != 503 {
			t.Error(err)
		}
		for _, conn := range held {
			_ = conn.Close()
		}
		gone, stop := context.WithCancel(as(t, s.ann))
		stop()
		if _, err := s.items.Get(gone, s.soup); err == nil {
			t.Error("answered who had gone")
		}
	})
}

// TestAUZ12_longTurns: who asks for rows of relations inside relations waits for whoever
// else does, and keeps nobody waiting who asks for less.
func TestAUZ12_longTurns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		var held []*store.Turn
		for _, network := range []string{"192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32"} {
			for {
				turn, err := w.db.LongTurn(ended, store.Caller{Network: netip.MustParsePrefix(network)}, time.Minute)
				if err != nil {
					break
				}
				held = append(held, turn)
			}
		}
		some := func(relation string, where query.Expr) query.Expr {
			return query.Related{Relation: relation, Quantifier: query.SomeRow, Where: where}
		}
		hot := query.Term{Field: "name", Op: query.Eq, Value: "hot"}
		find := func(entity string, where query.Expr) error {
			ctx, cancel := context.WithTimeout(as(t, w.max), 300*time.Millisecond)
			defer cancel()
			ctx = gate.ContextWithClient(ctx, gate.Client{Address: netip.MustParseAddr("192.0.2.4")})
			_, err := w.all[entity].FindRows(ctx, &query.Query{Where: where})
			return err
		}
		inside := some("dishes", some("tags", hot))
		if err := find("Restaurant", inside); status(t, err) != 503 {
			t.Errorf("relations to many inside each other: %v", err)
		}
		if err := find("Dish", some("tags", hot)); err != nil {
			t.Errorf("one relation to many: %v", err)
		}
		if err := find("Plan", nil); err != nil {
			t.Errorf("no relation: %v", err)
		}
		for _, turn := range held {
			turn.End()
		}
		for range 2 * w.db.Read().Stats().MaxOpenConnections { // each turn ends
			if err := find("Restaurant", inside); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		}
	})
}
