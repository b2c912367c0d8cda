package crud_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func is(field string, value any) *query.Query {
	return &query.Query{Where: query.Term{Field: field, Op: query.Eq, Value: value}}
}

// amounts returns the amounts of all orders, by their ids.
func (s *shop) amounts(t testing.TB) map[string]int64 {
	t.Helper()
	page, err := s.orders.Find(system(t), &query.Query{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	for _, o := range page.Data {
		out[fmt.Sprint(o.ID)] = o.Amount
	}
	return out
}

// TestAUZ19_manyRows: a change of many rows reaches those that one may see and
// change, each as by itself, all or none.
func TestAUZ19_manyRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		second := s.order(t, s.ann)
		var hooks, told []string
		s.orders.Before(authz.Update, func(_ context.Context, ch *crud.Change[Order]) error {
			hooks = append(hooks, fmt.Sprint(ch.Row.ID))
			return nil
		})
		s.orders.OnChange(func(_ context.Context, c crud.Changed) { told = append(told, c.ID) })
		// Everybody signed in lists all orders; they change their own.
		rows, err := s.orders.PatchRows(as(t, s.ann), is("amount", "1"), []byte(`{"amount":5}`), []string{"amount"})
		if err != nil {
			t.Fatal(err, problems(err))
		}
		if got, want := string(rows.AppendJSON(nil)), fmt.Sprintf(`[{"id":%s,"amount":5},{"id":%s,"amount":5}]`, s.annOrder, second); got != want {
			t.Errorf("answered %s, want %s", got, want)
		}
		mine := []string{s.annOrder, second}
		if got := s.amounts(t); got[s.bobOrder] != 1 || got[s.annOrder] != 5 || got[second] != 5 || !slices.Equal(hooks, mine) || !slices.Equal(told, mine) {
			t.Errorf("%v, hooks %v, told %v", got, hooks, told)
		}
		// Somebody else's row is neither changed nor counted.
		if rows, err := s.orders.PatchRows(as(t, s.ann), is("buyerId", s.bob.Subject), []byte(`{"amount":9}`), nil); err != nil || rows.Len() != 0 {
			t.Errorf("%v", err)
		}
		if rows, err := s.orders.RemoveRows(as(t, s.ann), is("buyerId", s.bob.Subject), nil); err != nil || rows.Len() != 0 {
			t.Errorf("%v", err)
		}
		removed, err := s.orders.RemoveRows(as(t, s.ann), is("amount", "5"), nil)
		if err != nil || removed.Len() != 2 || len(s.amounts(t)) != 1 {
			t.Errorf("removed %v, %v", removed, err)
		}
	})
}

// TestAUZ19_manyRefused: what one row cannot be changed to none is changed to, and
// no condition tells of what its sender may not read.
func TestAUZ19_manyRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		second := s.order(t, s.ann)
		before := s.amounts(t)
		s.orders.Before(authz.Update, func(_ context.Context, ch *crud.Change[Order]) error {
			if fmt.Sprint(ch.Row.ID) == second && ch.Row.Amount == 7 {
				return &gate.Error{Status: http.StatusConflict, Message: "not this one"}
			}
			return nil
		})
		s.orders.Before(authz.Delete, func(_ context.Context, ch *crud.Change[Order]) error {
			if fmt.Sprint(ch.Row.ID) == second {
				return &gate.Error{Status: http.StatusConflict, Message: "not this one"}
			}
			return nil
		})
		told := 0
		s.orders.OnChange(func(context.Context, crud.Changed) { told++ })
		all, nobody := is("amount", "1"), (*gate.Principal)(nil)
		patch := func(who *gate.Principal, q *query.Query, body string) error {
			return err3(s.orders.PatchRows(as(t, who), q, []byte(body), nil))
		}
		remove := func(who *gate.Principal, q *query.Query) error { return err3(s.orders.RemoveRows(as(t, who), q, nil)) }
		for _, tt := range []struct {
			name string
			err  error
			want int
		}{
			{"nobody", patch(nobody, all, `{"amount":5}`), 401},
			{"nobody, without a condition", patch(nobody, &query.Query{}, `{"amount":5}`), 401},
			{"nobody deletes", remove(nobody, all), 401},
			{"all of them", patch(s.ann, &query.Query{}, `{"amount":5}`), 400},
			{"all of them, deleted", remove(s.ann, &query.Query{}), 400},
			{"a page of them", patch(s.ann, &query.Query{Where: all.Where, Limit: 1}, `{"amount":5}`), 400},
			{"from a place on", patch(s.ann, &query.Query{Where: all.Where, Skip: 1}, `{"amount":5}`), 400},
			{"in an order", remove(s.ann, &query.Query{Where: all.Where, Sort: []query.Sort{{Field: "amount"}}}), 400},
			{"the total", remove(s.ann, &query.Query{Where: all.Where, CountOnly: true}), 400},
			{"relations", remove(s.ann, &query.Query{Where: all.Where, Include: []query.Include{{Relation: "item"}}}), 400},
			{"by what one reads in own rows alone", patch(s.ann, is("note", "secret"), `{"amount":5}`), 400},
			{"by no field", remove(s.ann, is("nonsense", "1")), 400},
			{"a wrong value", patch(s.ann, all, `{"amount":11}`), 400},
			{"a wrong value, and no row", patch(s.ann, is("amount", "10"), `{"amount":11}`), 400},
			{"an unknown field, and no row", patch(s.ann, is("amount", "10"), `{"nonsense":1}`), 400},
			{"a field for managers", patch(s.ann, all, `{"paid":true}`), 403},
			{"no object", patch(s.ann, all, `[1]`), 400},
			{"one row is refused", patch(s.ann, all, `{"amount":7}`), 409},
			{"one row is not deleted", remove(s.ann, all), 409},
			{"a password", err3(s.users.PatchRows(as(t, s.max), is("email", "ann@example.com"), []byte(`{"password":"correct horse 2"}`), nil)), 400},
			{"no right to list", err3(s.users.PatchRows(as(t, s.ann), is("email", "ann@example.com"), []byte(`{"name":"Ann"}`), nil)), 403},
		} {
			if got := status(t, tt.err); got != tt.want {
				t.Errorf("%s: %d, want %d (%v)", tt.name, got, tt.want, tt.err)
			}
		}
		if after := s.amounts(t); fmt.Sprint(after) != fmt.Sprint(before) || told != 0 {
			t.Errorf("refused and done: %v, told %d times", after, told)
		}
	})
}

// TestAUZ19_manyHidden: rows that list shows and get does not, or get and not list,
// are not chosen.
func TestAUZ19_manyHidden(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		second := s.order(t, s.ann)
		of := func(id string) query.Filter { return query.Equals(s.orders.Entity(), OrderID, id) }
		s.orders.Narrow(authz.View, "signed-in", query.Any(of(s.annOrder), of(s.bobOrder)))
		s.orders.Narrow(authz.List, "signed-in", query.Any(of(s.annOrder), of(second)))
		rows, err := s.orders.PatchRows(as(t, s.ann), is("amount", "1"), []byte(`{"amount":5}`), nil)
		if err != nil || rows.Len() != 1 {
			t.Fatalf("%v", err)
		}
		if got := s.amounts(t); got[s.annOrder] != 5 || got[second] != 1 || got[s.bobOrder] != 1 {
			t.Errorf("%v", got)
		}
	})
}

// TestAUZ19_manyBound: a hundred rows, and not one more.
func TestAUZ19_manyBound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for range crud.MaxBulk {
			s.order(t, s.bob)
		}
		if _, err := s.orders.PatchRows(as(t, s.bob), is("amount", "1"), []byte(`{"amount":5}`), nil); status(t, err) != http.StatusBadRequest {
			t.Errorf("101 rows: %v", err)
		}
		if _, err := s.orders.Remove(system(t), s.bobOrder); err != nil {
			t.Fatal(err)
		}
		rows, err := s.orders.PatchRows(as(t, s.bob), is("amount", "1"), []byte(`{"amount":5}`), nil)
		if err != nil || rows.Len() != crud.MaxBulk {
			t.Errorf("100 rows: %v", err)
		}
	})
}

// TestMany_chosenBefore: who changes many rows looks for them before there is a
// transaction, and not for ever.
func TestMany_chosenBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := as(t, s.ann)
		err := db.InTx(t.Context(), func(context.Context, *sql.Tx) error { // on SQLite nobody else writes now
			rows, err := s.orders.PatchRows(ctx, is("amount", "7"), []byte(`{"amount":5}`), nil)
			if err == nil && rows.Len() != 0 {
				return fmt.Errorf("%d rows", rows.Len())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		s.orders.SetTimeout(time.Nanosecond)
		for name, change := range map[string]func(ctx context.Context) error{
			"patch": func(ctx context.Context) error {
				return err2(s.orders.PatchRows(ctx, is("amount", "1"), []byte(`{"amount":5}`), nil))
			},
			"remove": func(ctx context.Context) error { return err2(s.orders.RemoveRows(ctx, is("amount", "1"), nil)) },
		} {
			if err := change(ctx); status(t, err) != http.StatusServiceUnavailable {
				t.Errorf("%s: %v", name, err)
			}
			_ = crud.InTx(ctx, db, func(ctx context.Context) error {
				if err := change(ctx); status(t, err) != http.StatusServiceUnavailable {
					t.Errorf("%s in a transaction: %v", name, err)
				}
				return nil
			})
		}
	})
}

// TestMany_removalRefused: what keeps one row keeps it as one of many, even if it shows
// after the row went.
func TestMany_removalRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStock(t, db)
		box := s.box(t, "a")
		s.put(t, s.seals, in(box))
		if _, err := s.boxes.RemoveRows(as(t, s.max), is("label", "a"), nil); status(t, err) != http.StatusConflict {
			t.Errorf("a box with a seal: %v", err)
		}
		if found(t, s.boxes, s.max, query.Query{}) == nil {
			t.Error("the box is gone")
		}
		before := s.amounts(t)
		s.orders.After(authz.Delete, func(context.Context, *crud.Change[Order]) error {
			return &gate.Error{Status: http.StatusConflict, Message: "It stays"}
		})
		if _, err := s.orders.RemoveRows(as(t, s.ann), is("buyerId", s.ann.Subject), nil); status(t, err) != http.StatusConflict {
			t.Errorf("refused by a hook: %v", err)
		}
		if got := s.amounts(t); !maps.Equal(got, before) {
			t.Errorf("left %v of %v", got, before)
		}
	})
}

// TestMany_slowAgain: conditions that take long are not asked for long while nobody
// else can write.
func TestMany_slowAgain(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	s.orders.SetTimeout(time.Hour)
	for name, change := range map[string]func(ctx context.Context) error{
		"patch": func(ctx context.Context) error {
			return err3(s.orders.PatchRows(ctx, is("amount", "1"), []byte(`{"amount":5}`), nil))
		},
		"remove": func(ctx context.Context) error { return err3(s.orders.RemoveRows(ctx, is("amount", "1"), nil)) },
	} {
		done := make(chan error, 1)
		err := s.db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			before := s.db.Write().Stats().WaitCount
			go func() { done <- change(as(t, s.ann)) }()
			for s.db.Write().Stats().WaitCount == before { // it has looked for its rows, and waits to write
				time.Sleep(time.Millisecond)
			}
			for _, stmt := range []string{"ALTER TABLE orders RENAME TO real_orders", `CREATE VIEW orders AS
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)
SELECT r.* FROM real_orders AS r CROSS JOIN (SELECT max(i) AS i FROM n) AS m WHERE m.i > 0`} {
				if _, err := tx.ExecContext(ctx, stmt); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-done; status(t, err) != http.StatusServiceUnavailable || !strings.Contains(err.Error(), "narrow them") {
			t.Errorf("%s: %v", name, err)
		}
		run(t, s.db, "DROP VIEW orders; ALTER TABLE real_orders RENAME TO orders")
	}
}
