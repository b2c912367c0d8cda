package idempotency_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/idempotency"
	"github.com/gatewright/gate/store/storetest"
)

// kept is a keeper with a clock of its own.
type kept struct {
	*idempotency.Keeper
	t   *testing.T
	db  *store.DB
	now atomic.Int64
}

func each(t *testing.T, test func(t *testing.T, k *kept)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if _, err := db.Migrate(t.Context(), idempotency.Component, idempotency.Migrations(db.Dialect())); err != nil {
			t.Fatal(err)
		}
		k := &kept{t: t, db: db}
		k.now.Store(1_700_000_000_000)
		var err error
		k.Keeper, err = idempotency.New(db, idempotency.Config{Now: func() time.Time { return time.UnixMilli(k.now.Load()) }, PerUser: 5})
		if err != nil {
			t.Fatal(err)
		}
		test(t, k)
	})
}

func request(caller, key, body string) idempotency.Request {
	return idempotency.Request{Caller: caller, Route: "POST /api/items", Key: key, Body: []byte(body)}
}

func (k *kept) begin(r idempotency.Request) *idempotency.Attempt {
	k.t.Helper()
	a, err := k.Begin(k.t.Context(), r)
	if err != nil || a.Done {
		k.t.Fatalf("%+v, %v", a, err)
	}
	return a
}

func (k *kept) finish(a *idempotency.Attempt, ids ...string) error {
	return k.db.InTx(k.t.Context(), func(ctx context.Context, tx *sql.Tx) error { return a.Finish(ctx, tx, 201, ids) })
}

// TestBegin: a request is made once, and belongs to its caller, its route and its
// body.
func TestBegin(t *testing.T) {
	each(t, func(t *testing.T, k *kept) {
		first := request("ann", "k1", `{"a":1}`)
		a := k.begin(first)
		if _, err := k.Begin(t.Context(), first); !errors.Is(err, idempotency.ErrBusy) {
			t.Errorf("at the same time: %v", err)
		}
		if _, err := k.Begin(t.Context(), request("ann", "k1", `{"a":2}`)); !errors.Is(err, idempotency.ErrOther) {
			t.Errorf("at the same time, another body: %v", err)
		}
		if err := k.finish(a, "7", "8"); err != nil {
			t.Fatal(err)
		}
		again, err := k.Begin(t.Context(), first)
		if err != nil || !again.Done || again.Status != 201 || strings.Join(again.IDs, " ") != "7 8" {
			t.Errorf("again: %+v, %v", again, err)
		}
		if _, err := k.Begin(t.Context(), request("ann", "k1", `{"a":2}`)); !errors.Is(err, idempotency.ErrOther) {
			t.Errorf("another body: %v", err)
		}
		k.begin(request("bob", "k1", `{"a":1}`))
		k.begin(request("ann", "K1", `{"a":1}`))
		other := first
		other.Route = "POST /api/orders"
		k.begin(other)
	})
}

// TestBegin_atOnce: of many of the same one is made.
func TestBegin_atOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kept) {
		for round := range 20 {
			var mine atomic.Int32
			var all sync.WaitGroup
			start := make(chan struct{})
			for range 8 {
				all.Go(func() {
					<-start
					switch _, err := k.Begin(t.Context(), request(fmt.Sprint(round), "k", "{}")); {
					case err == nil:
						mine.Add(1)
					case !errors.Is(err, idempotency.ErrBusy):
						t.Error(err)
					}
				})
			}
			close(start)
			all.Wait()
			if mine.Load() != 1 {
				t.Errorf("%d of 8 are made", mine.Load())
			}
		}
	})
}

// TestFinish_rolledBack: what was not made is not remembered, and can be made.
func TestFinish_rolledBack(t *testing.T) {
	each(t, func(t *testing.T, k *kept) {
		a := k.begin(request("ann", "k", "{}"))
		broken := errors.New("broken")
		err := k.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			return errors.Join(a.Finish(ctx, tx, 201, []string{"7"}), broken)
		})
		if !errors.Is(err, broken) || errors.Is(err, idempotency.ErrBusy) {
			t.Fatal(err)
		}
		if err := a.Abandon(t.Context()); err != nil {
			t.Fatal(err)
		}
		b := k.begin(request("ann", "k", `{"other":true}`))
		if err := a.Abandon(t.Context()); err != nil { // it is not theirs any more
			t.Fatal(err)
		}
		if err := k.finish(b, "8"); err != nil {
			t.Error(err)
		}
		if err := b.Abandon(t.Context()); err != nil {
			t.Fatal(err)
		}
		if again, err := k.Begin(t.Context(), request("ann", "k", `{"other":true}`)); err != nil || !again.Done {
			t.Errorf("abandoned after it was finished: %+v, %v", again, err)
		}
	})
}

// TestFinish_late: who took so long that another one makes the request does not
// make it, too.
func TestFinish_late(t *testing.T) {
	each(t, func(t *testing.T, k *kept) {
		late := k.begin(request("ann", "k", "{}"))
		k.now.Add((2 * time.Minute).Milliseconds())
		next := k.begin(request("ann", "k", "{}"))
		if err := k.finish(late, "7"); !errors.Is(err, idempotency.ErrBusy) {
			t.Errorf("late: %v", err)
		}
		if err := k.finish(next, "8"); err != nil {
			t.Error(err)
		}
		if err := k.finish(late, "7"); !errors.Is(err, idempotency.ErrBusy) {
			t.Errorf("later still: %v", err)
		}
		if again, err := k.Begin(t.Context(), request("ann", "k", "{}")); err != nil || strings.Join(again.IDs, " ") != "8" {
			t.Errorf("%+v, %v", again, err)
		}
	})
}

// TestBounds: a caller is remembered for a day and so many requests, and no key is
// longer than it may be.
func TestBounds(t *testing.T) {
	each(t, func(t *testing.T, k *kept) {
		for i := range 5 {
			if err := k.finish(k.begin(request("ann", fmt.Sprint(i), "{}")), "7"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := k.Begin(t.Context(), request("ann", "5", "{}")); !errors.Is(err, idempotency.ErrTooMany) {
			t.Errorf("one too many: %v", err)
		}
		if again, err := k.Begin(t.Context(), request("ann", "4", "{}")); err != nil || !again.Done {
			t.Errorf("one of them again: %+v, %v", again, err)
		}
		k.begin(request("bob", "5", "{}"))
		for _, r := range []idempotency.Request{request("", "k", ""), request("ann", "", ""), request("ann", strings.Repeat("k", 256), ""), {Caller: "ann", Key: "k"}} {
			if _, err := k.Begin(t.Context(), r); err == nil {
				t.Errorf("%+v is taken", r)
			}
		}
		if n, err := k.Sweep(t.Context()); n != 0 || err != nil {
			t.Errorf("swept %d at once, %v", n, err)
		}
		k.now.Add(idempotency.Keep.Milliseconds() - 1)
		if again, err := k.Begin(t.Context(), request("ann", "4", "{}")); err != nil || !again.Done {
			t.Errorf("a day later, almost: %+v, %v", again, err)
		}
		k.now.Add(1)
		if n, err := k.Sweep(t.Context()); n != 6 || err != nil {
			t.Errorf("swept %d after a day, %v", n, err)
		}
		k.begin(request("ann", "4", `{"other":true}`))
	})
}

// TestBounds_counted: what is remembered of a caller is counted now and then, and not
// where others wait for the writer.
func TestBounds_counted(t *testing.T) {
	each(t, func(t *testing.T, k *kept) {
		db, counter := storetest.Counted(t, k.db)
		many, err := idempotency.New(db, idempotency.Config{PerUser: 410})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 410 {
			if _, err := many.Begin(t.Context(), request("ann", fmt.Sprint(i), "{}")); err != nil {
				t.Fatal(i, err)
			}
		}
		for range 2 {
			if _, err := many.Begin(t.Context(), request("ann", "one more", "{}")); !errors.Is(err, idempotency.ErrTooMany) {
				t.Errorf("one too many: %v", err)
			}
		}
		if got, want := counter.Take(), 410+103+4; len(got) != want { // looked for, counted, refused
			t.Errorf("%d statements read, want %d", len(got), want)
		}
	})
}

// TestForget: nothing is left of a caller who is gone.
func TestForget(t *testing.T) {
	each(t, func(t *testing.T, k *kept) {
		if err := errors.Join(k.finish(k.begin(request("ann", "k", "{}")), "7"), k.finish(k.begin(request("bob", "k", "{}")), "8"), k.Forget(t.Context(), "ann")); err != nil {
			t.Fatal(err)
		}
		k.begin(request("ann", "k", "{}"))
		if again, err := k.Begin(t.Context(), request("bob", "k", "{}")); err != nil || !again.Done {
			t.Errorf("of somebody else: %+v, %v", again, err)
		}
	})
}
