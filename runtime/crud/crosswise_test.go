package crud_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/storetest"
)

// TestCrosswise: many who take two rows at the same time, one half in one order and the
// other half in the other one, all get them.
func TestCrosswise(t *testing.T) {
	const buyers = 20
	db, err := postgres.Open(t.Context(), storetest.PostgresURL(t), postgres.Config{MaxConns: buyers})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := newShop(t, db)
	ctx := as(t, s.max)
	raise := func(ctx context.Context, id string) error {
		item, err := s.items.GetForUpdate(ctx, id)
		if err != nil {
			return err
		}
		price := model.NewDecimal(item.Price.Units()+100, 2)
		_, err = s.items.Patch(ctx, id, &crud.Change[Item]{Row: Item{Price: price}, Set: model.Fields(ItemPrice)})
		return err
	}
	var wg sync.WaitGroup
	for i := range buyers {
		first, second := s.soup, s.tea
		if i%2 == 1 {
			first, second = second, first
		}
		wg.Go(func() {
			if err := crud.InTx(ctx, db, func(ctx context.Context) error {
				if err := raise(ctx, first); err != nil {
					return err
				}
				time.Sleep(time.Millisecond) // in which the other half gets there
				return raise(ctx, second)
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for id, want := range map[string]string{s.soup: "24.50", s.tea: "22.00"} {
		if item, err := s.items.Get(ctx, id); err != nil || item.Price.String() != want {
			t.Errorf("%s, %v; want %s", item.Price, err, want)
		}
	}
}

// TestCrosswise_released: a row that a part took which was undone is not held any more,
// and what was taken before is.
func TestCrosswise_released(t *testing.T) {
	s := newShop(t, storetest.Postgres(t))
	ctx := as(t, s.max)
	lockTimeout := func(ctx context.Context) (value string) {
		tx, _ := crud.Tx(ctx, s.db)
		if err := tx.QueryRowContext(ctx, "SHOW lock_timeout").Scan(&value); err != nil {
			t.Error(err)
		}
		return value
	}
	get := func(ctx context.Context, ids ...string) error {
		for _, id := range ids {
			if _, err := s.items.GetForUpdate(ctx, id); err != nil {
				return err
			}
		}
		return nil
	}
	err := crud.InTx(ctx, s.db, func(ctx context.Context) error {
		part := func(ids ...string) error {
			return crud.InTx(ctx, s.db, func(ctx context.Context) error {
				if err := get(ctx, ids...); err != nil {
					return err
				}
				if hurried := lockTimeout(ctx) != "0"; hurried != (len(ids) > 1) {
					t.Errorf("holding %d rows it waits for %s", len(ids), lockTimeout(ctx))
				}
				return context.Canceled
			})
		}
		_, _ = part(s.soup, s.tea), part(s.tea)
		if err := get(ctx, s.soup, s.soup); err != nil || lockTimeout(ctx) != "0" {
			t.Errorf("one row, twice: it waits for %s, %v", lockTimeout(ctx), err)
		}
		if err := get(ctx, s.tea); err != nil || lockTimeout(ctx) == "0" {
			t.Errorf("a second one: it waits for ever, %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
