package crud_test

import (
	"context"
	"slices"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestTargets_beforeHooks: hooks see no key of a row that the caller may not get, and
// cannot tell of one; a key that they set in place of one that was sent is judged.
func TestTargets_beforeHooks(t *testing.T) {
	const nowhere = "0197a8e6-0000-7000-8000-000000000000"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		var seen []string
		turn := ""
		for _, action := range []authz.Action{authz.Create, authz.Update} {
			s.orders.Before(action, func(_ context.Context, ch *crud.Change[Order]) error {
				seen = append(seen, ch.Row.ItemID)
				if turn != "" {
					ch.Row.ItemID = turn
				}
				return nil
			})
		}
		write := func(id, item string) error {
			body := []byte(`{"itemId":"` + item + `"}`)
			if id == "" {
				_, err := s.orders.CreateRow(as(t, s.ann), body, nil)
				return err
			}
			_, err := s.orders.PatchRow(as(t, s.ann), id, body, nil)
			return err
		}
		for _, id := range []string{"", s.annOrder} {
			for _, tt := range []struct {
				sent, turn string
				problems   []string
				seen       []string
			}{
				{nowhere, "", []string{"itemId not_found"}, nil},
				{nowhere, s.tea, []string{"itemId not_found"}, nil},
				{s.tea, nowhere, []string{"itemId not_found"}, []string{s.tea}},
				{s.tea, s.soup, nil, []string{s.tea}},
				{s.tea, "", nil, []string{s.tea}},
			} {
				seen, turn = nil, tt.turn
				err := write(id, tt.sent)
				if got := problems(err); !slices.Equal(got, tt.problems) || err != nil && tt.problems == nil {
					t.Errorf("row %q, sent %s, made %s: %v %v", id, tt.sent, tt.turn, err, got)
				}
				if !slices.Equal(seen, tt.seen) {
					t.Errorf("row %q, sent %s: hooks saw %v", id, tt.sent, seen)
				}
			}
		}
	})
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db, strict)
		cards, ok := w.all["Card"].(*crud.Resource[record])
		if !ok {
			t.Fatal("not a resource")
		}
		cards.Before(authz.Update, func(context.Context, *crud.Change[record]) error {
			t.Error("a hook sees the key of a row out of sight")
			return nil
		})
		if err := w.write(w.ann, "Card", "CARDANN", `{"user":{"connect":{"id":"BOB"}}}`); !slices.Equal(problems(err), []string{"userId not_found"}) {
			t.Errorf("%v %v", err, problems(err))
		}
	})
}
