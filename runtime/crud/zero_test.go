package crud_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestHookSetsZero: what a hook sets and names in Set is set, be it nothing but zero;
// what it does not name is not.
func TestHookSetsZero(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		named := true
		s.items.Before(authz.Create, func(_ context.Context, ch *crud.Change[Item]) error {
			if ch.Row.Price = model.NewDecimal(0, 2); named {
				ch.Set.Add(ItemPrice)
			}
			return nil
		})
		if _, err := s.items.CreateRow(as(t, s.max), []byte(`{"name":"free"}`), nil); err != nil {
			t.Errorf("set to zero: %v", err)
		}
		named = false
		if _, err := s.items.CreateRow(as(t, s.max), []byte(`{"name":"none"}`), nil); status(t, err) != http.StatusBadRequest {
			t.Errorf("not set: %v", err)
		}
	})
}
