package crud_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store/idempotency"
	"github.com/gatewright/gate/store/storetest"
)

// TestLost: SQLite undoes the transaction of a statement that finds no room. Whoever goes on keeps nothing, and nobody hears of it.
func TestLost(t *testing.T) {
	statement := func(ctx context.Context, s *shop) {
		tx, _ := crud.Tx(ctx, s.db)
		if _, err := tx.ExecContext(ctx, "INSERT INTO room VALUES (hex(zeroblob(2000000)))"); err == nil {
			t.Error("the statement did not fail")
		}
	}
	part := func(ctx context.Context, s *shop) {
		_ = crud.InTx(ctx, s.db, func(ctx context.Context) error { statement(ctx, s); return errors.New("undo") })
	}
	small := func(t *testing.T) *shop {
		s := newShop(t, storetest.SQLite(t))
		if _, err := s.db.Write().ExecContext(t.Context(), "CREATE TABLE room (data TEXT); PRAGMA max_page_count = 200"); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, fail := range map[string]func(context.Context, *shop){"a statement": statement, "a part": part} {
		for where, change := range map[string]func(context.Context, *shop) error{
			"between changes": func(ctx context.Context, s *shop) error {
				return crud.InTx(authz.System(ctx), s.db, func(ctx context.Context) error {
					if _, err := s.items.CreateRow(ctx, []byte(`{"name":"first","price":1}`), nil); err != nil {
						return err
					}
					fail(ctx, s)
					_, err := s.items.CreateRow(ctx, []byte(`{"name":"second","price":1}`), nil)
					return err
				})
			},
			"before a change": func(ctx context.Context, s *shop) error {
				s.items.Before(authz.Update, func(ctx context.Context, _ *crud.Change[Item]) error { fail(ctx, s); return nil })
				_, err := s.items.PatchRow(ctx, s.soup, []byte(`{"price":7}`), nil)
				return err
			},
			"after a change": func(ctx context.Context, s *shop) error {
				s.items.After(authz.Update, func(ctx context.Context, _ *crud.Change[Item]) error { fail(ctx, s); return nil })
				_, err := s.items.PatchRow(ctx, s.soup, []byte(`{"price":7}`), nil)
				return err
			},
		} {
			t.Run(name+" "+where, func(t *testing.T) {
				s := small(t)
				was := s.prices(t)
				s.items.OnChange(func(context.Context, crud.Changed) { t.Error("told of what was not kept") })
				if err := change(as(t, s.max), s); status(t, err) != http.StatusServiceUnavailable {
					t.Errorf("%v, want 503", err)
				}
				if now := s.prices(t); now != was {
					t.Errorf("kept %s, was %s", now, was)
				}
			})
		}
	}

	t.Run("what is remembered of a request", func(t *testing.T) {
		s := small(t)
		if _, err := s.db.Migrate(t.Context(), idempotency.Component, idempotency.Migrations(s.db.Dialect())); err != nil {
			t.Fatal(err)
		}
		keeper, err := idempotency.New(s.db, idempotency.Config{})
		if err != nil {
			t.Fatal(err)
		}
		s.items.After(authz.Create, func(ctx context.Context, _ *crud.Change[Item]) error { statement(ctx, s); return nil })
		request := idempotency.Request{Caller: "max", Route: "POST /api/items", Key: "k", Body: []byte("{}")}
		attempt, err := keeper.Begin(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.items.CreateRow(as(t, s.max), []byte(`{"name":"paid","price":1}`), nil, crud.BeforeCommit(func(ctx context.Context, tx *sql.Tx, ids []string) error {
			return attempt.Finish(ctx, tx, http.StatusCreated, ids)
		}))
		if status(t, err) != http.StatusServiceUnavailable {
			t.Errorf("%v, want 503", err)
		}
		if err := attempt.Abandon(t.Context()); err != nil {
			t.Error(err)
		}
		if again, err := keeper.Begin(t.Context(), request); err != nil || again.Done {
			t.Errorf("the key remembers what was not made: %v", err)
		}
	})
}

// prices returns the items with their prices.
func (s *shop) prices(t *testing.T) string {
	t.Helper()
	page, err := s.items.Find(authz.System(t.Context()), &query.Query{})
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, i := range page.Data {
		text += i.Name + " " + i.Price.String() + "\n"
	}
	return text
}
