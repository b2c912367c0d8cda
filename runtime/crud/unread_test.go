package crud_test

import (
	"slices"
	"testing"

	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestTargets_unreadKeys: who may write a key and not read it does not learn from the
// answer which row out of sight it leads to. Who reads it may send it back.
func TestTargets_unreadKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		for _, tt := range []struct {
			view     []string
			problems []string
		}{
			{[]string{"manager"}, []string{"buyerId not_found"}},
			{[]string{"signed-in"}, nil},
		} {
			e := orderEntity()
			e.Allow.Update = []string{"signed-in"}
			buyer := &e.Fields[OrderBuyer]
			buyer.View, buyer.Update = tt.view, []string{"signed-in"}
			orders := newResource(t, db, s.policy, e, (*Order).pointer)
			users := newResource(t, db, s.policy, userEntity(), (*User).pointer)
			items := newResource(t, db, s.policy, itemEntity(), (*Item).pointer)
			users.UsePasswords(hasher{})
			if err := crud.Link(users, items, orders); err != nil {
				t.Fatal(err)
			}
			patch := func(sent string) []string {
				_, err := orders.PatchRow(as(t, s.ann), s.bobOrder, []byte(`{"buyerId":"`+sent+`"}`), nil)
				return problems(err)
			}
			if got := patch(s.cleo.Subject); !slices.Equal(got, []string{"buyerId not_found"}) {
				t.Errorf("readable by %v, another one: %v", tt.view, got)
			}
			if got := patch(s.bob.Subject); !slices.Equal(got, tt.problems) {
				t.Errorf("readable by %v, what it is: %v", tt.view, got)
			}
			_, err := orders.Patch(as(t, s.ann), s.bobOrder, &crud.Change[Order]{Row: Order{BuyerID: s.bob.Subject, Amount: 3}, Set: model.Fields(OrderBuyer, OrderAmount)})
			if got := problems(err); !slices.Equal(got, tt.problems) {
				t.Errorf("readable by %v, with more: %v", tt.view, got)
			}
		}
	})
}
