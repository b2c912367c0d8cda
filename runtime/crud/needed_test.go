package crud_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestNeeded: a row that others keep from being deleted, for good or marked so, is
// answered with the keys by which the caller finds such rows in a list, and of rows
// out of their sight with nothing but that there are some.
func TestNeeded(t *testing.T) {
	const generic = "Other rows still point to this one"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newStock(t, db)
		box := s.box(t, "a")
		s.put(t, s.seals, in(box))
		s.put(t, s.things, in(box)) // which would go with it
		remove := func(ctx context.Context, r crud.Service, id, want string) {
			t.Helper()
			_, err := r.RemoveRow(ctx, id, nil)
			if status(t, err) != http.StatusConflict || strings.TrimPrefix(err.Error(), "409: ") != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		max := as(t, s.max)
		remove(max, s.boxes, box, generic+": Seal.boxId")
		remove(max, s.shelves, s.shelf, generic+": Box.shelfId")
		if err := crud.InTx(max, db, func(ctx context.Context) error {
			remove(ctx, s.shelves, s.shelf, generic+": Box.shelfId") // and goes on
			return err2(s.boxes.GetRow(ctx, box, nil))
		}); err != nil {
			t.Error(err)
		}
		for _, r := range []interface {
			Narrow(action authz.Action, word string, rows query.Filter)
		}{s.seals, s.boxes} { // there are such rows, and he lists none of them
			e := s.seals.Entity()
			if r == s.boxes {
				e = s.boxes.Entity()
			}
			r.Narrow(authz.List, "customer", query.Equals(e, e.IDField(), "4711"))
		}
		remove(max, s.boxes, box, generic)
		remove(max, s.shelves, s.shelf, generic)
		remove(system(t), s.boxes, box, generic+": Seal.boxId")
	})
}

// TestNeeded_hidden: a key that the caller may not read is not named.
func TestNeeded_hidden(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		hidden := orderEntity()
		hidden.Fields[OrderItem].View = []string{"nobody"}
		orders := newResource(t, db, s.policy, hidden, (*Order).pointer)
		for _, tt := range []struct {
			orders *crud.Resource[Order]
			named  bool
		}{{s.orders, true}, {orders, false}} {
			if err := crud.Link(s.users, s.items, tt.orders); err != nil {
				t.Fatal(err)
			}
			_, err := s.items.RemoveRow(as(t, s.max), s.soup, nil)
			if status(t, err) != http.StatusConflict || strings.Contains(err.Error(), "Order.itemId") != tt.named {
				t.Errorf("named %v: %v", tt.named, err)
			}
		}
	})
}
