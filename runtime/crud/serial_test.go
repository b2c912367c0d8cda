package crud_test

import (
	"strconv"
	"testing"

	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestSerial_given: a number that the service itself gave to a row is not counted to
// again.
func TestSerial_given(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		give := func(id int64) {
			t.Helper()
			if _, err := s.orders.Create(system(t), &crud.Change[Order]{
				Row: Order{ID: id, BuyerID: s.ann.Subject, ItemID: s.soup, Amount: 1}, Set: model.Fields(OrderID, OrderBuyer, OrderItem, OrderAmount),
			}); err != nil {
				t.Fatal(err)
			}
		}
		last := int64(40)
		give(last)
		give(20) // which is behind
		for range 3 {
			row, err := s.orders.CreateRow(as(t, s.ann), []byte(`{"itemId":"`+s.soup+`"}`), nil)
			if err != nil {
				t.Fatal(err)
			}
			if id, err := strconv.ParseInt(row.ID, 10, 64); err != nil || id <= last {
				t.Errorf("%s comes after %d", row.ID, last)
			} else {
				last = id
			}
		}
	})
}
