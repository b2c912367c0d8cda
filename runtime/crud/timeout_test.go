package crud_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestAUZ12_timeoutOfRefusal: to find out whether somebody may be told what is wrong with
// a change takes no longer than to read the row.
func TestAUZ12_timeoutOfRefusal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		id := s.soup
		run(t, db, `ALTER TABLE items RENAME TO real_items;
CREATE VIEW items AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)
  SELECT r.* FROM real_items AS r CROSS JOIN (SELECT max(i) AS i FROM n) AS m WHERE m.i > 0`)
		s.items.SetTimeout(50 * time.Millisecond)
		ctx, cancel := context.WithTimeout(as(t, s.max), 20*time.Second)
		defer cancel()
		if _, err := s.items.PatchRow(ctx, id, []byte(`{"price":"x"}`), nil); status(t, err) != 503 || ctx.Err() != nil {
			t.Errorf("%v, and the request: %v", err, ctx.Err())
		}
	})
}
