package crud_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestInTx_ends: a transaction has to end in time for others who write. Code that hangs
// in one loses it, whether it looks at its context or not, and the answer is 503.
func TestInTx_ends(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		figs := func(ctx context.Context) error {
			_, err := s.items.CreateRow(ctx, []byte(`{"name":"Figs","price":1}`), nil)
			return err
		}
		told := false
		var hang func(ctx context.Context) error
		given := 50 * time.Millisecond
		run := func() error {
			return crud.InTx(system(t), db, func(ctx context.Context) error {
				if until, bounded := ctx.Deadline(); !bounded || time.Until(until) > 10*time.Second {
					t.Errorf("it ends at %v, %v", until, bounded)
				}
				crud.OnCommit(ctx, db, func(context.Context) { told = true })
				if err := figs(ctx); err != nil {
					return err
				}
				if !crud.Extend(ctx, db, given) {
					t.Error("there is a transaction")
				}
				return hang(ctx)
			})
		}
		for name, ends := range map[string]func(ctx context.Context) error{
			"an error of the context": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			"an error of a change":    func(ctx context.Context) error { <-ctx.Done(); return figs(ctx) },
			"no error": func(ctx context.Context) error {
				<-ctx.Done()
				tx, _ := crud.Tx(ctx, db)
				for { // it is undone beside this code, which may be faster
					if _, err := tx.ExecContext(context.WithoutCancel(ctx), "SELECT 1"); err != nil {
						return nil
					}
				}
			},
			"never looks at its context": func(context.Context) error { // others make what it made
				for try := 0; ; try++ {
					row, err := s.items.CreateRow(system(t), []byte(`{"name":"Figs","price":1}`), nil)
					if err == nil {
						_, err = s.items.Remove(system(t), row.ID)
					}
					if err == nil {
						return nil
					}
					if try == 8 {
						t.Errorf("nobody else could write: %v", err)
						return nil
					}
				}
			},
		} {
			hang = ends
			err := run()
			e, ok := errors.AsType[*gate.Error](err)
			if !ok || e.Status != 503 || !strings.Contains(e.Message, "took too long") || !errors.Is(err, store.ErrUnavailable) || told {
				t.Errorf("%s: %v, told %v", name, err, told)
			}
		}
		own := errors.New("an error of the code")
		hang = func(ctx context.Context) error { <-ctx.Done(); return own }
		if err := run(); !errors.Is(err, own) || told {
			t.Errorf("an error of its own: %v, told %v", err, told)
		}
		given = time.Second
		hang = func(ctx context.Context) error {
			crud.Extend(ctx, db, time.Minute)
			time.Sleep(given + 100*time.Millisecond) // more than it had
			return ctx.Err()
		}
		if err := run(); err != nil || !told {
			t.Errorf("more time: %v, told %v", err, told)
		}
		if crud.Extend(t.Context(), db, time.Minute) {
			t.Error("there is no transaction")
		}
	})
}

// TestInTx_extendedTries: a transaction that was given more time runs again as long as it
// has some.
func TestInTx_extendedTries(t *testing.T) {
	t.Parallel() // it sleeps
	db := storetest.Postgres(t)
	runs := 0
	err := crud.InTx(system(t), db, func(ctx context.Context) error {
		crud.Extend(ctx, db, time.Hour)
		if runs++; runs > 1 {
			return nil
		}
		time.Sleep(10*time.Second + 100*time.Millisecond) // more than it had
		tx, _ := crud.Tx(ctx, db)
		_, err := tx.ExecContext(ctx, "DO $$ BEGIN RAISE EXCEPTION 'undone' USING ERRCODE = '40P01'; END $$")
		return err
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs, %v", runs, err)
	}
}
