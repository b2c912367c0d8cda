package crud_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestGetForUpdate: of many who take one from what there is at the same time, each
// sees what the one before left. On PostgreSQL Get would not do that.
func TestGetForUpdate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx := as(t, s.max)
		const stock, buyers = 8, 12
		set := func(ctx context.Context, n int64) error {
			_, err := s.items.Patch(ctx, s.soup, &crud.Change[Item]{Row: Item{Price: model.NewDecimal(n*100, 2)}, Set: model.Fields(ItemPrice)})
			return err
		}
		if err := set(ctx, stock); err != nil {
			t.Fatal(err)
		}
		errSoldOut := errors.New("sold out")
		var (
			wg    sync.WaitGroup
			mu    sync.Mutex
			taken int
		)
		for range buyers {
			wg.Go(func() {
				err := crud.InTx(ctx, db, func(ctx context.Context) error {
					item, err := s.items.GetForUpdate(ctx, s.soup)
					if err != nil {
						return err
					}
					left := item.Price.Units() / 100
					if left == 0 {
						return errSoldOut
					}
					return set(ctx, left-1)
				})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					taken++
				} else if !errors.Is(err, errSoldOut) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		item, err := s.items.Get(ctx, s.soup)
		if err != nil {
			t.Fatal(err)
		}
		if taken != stock || item.Price.Units() != 0 {
			t.Errorf("%d of %d were taken, and %s are left", taken, stock, item.Price)
		}
	})
}

// TestGetForUpdate_rules: it shows what Get shows, and outside of a transaction,
// where it would hold nothing, it is a fault.
func TestGetForUpdate_rules(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		if _, err := s.items.GetForUpdate(as(t, s.max), s.soup); err == nil || !strings.Contains(err.Error(), "transaction") {
			t.Errorf("outside of a transaction: %v", err)
		}
		err := crud.InTx(t.Context(), db, func(ctx context.Context) error {
			_, err := s.orders.GetForUpdate(ctx, s.soup)
			return err
		})
		if e, ok := errors.AsType[*gate.Error](err); !ok && !errors.Is(err, gate.ErrNotAuthenticated) || ok && e.Status >= 500 {
			t.Errorf("somebody who may not see the row: %v", err)
		}
	})
}
