package crud_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestInTx: several changes are kept together or not at all, and nobody hears of
// what was not kept.
func TestInTx(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		var told []string
		s.items.OnChange(func(ctx context.Context, c crud.Changed) {
			if _, inside := crud.Tx(ctx, db); inside {
				t.Error("told within the transaction")
			}
			told = append(told, c.ID)
		})
		ctx := authz.System(t.Context())
		make2 := func(first, second string) ([]string, error) {
			var ids []string
			told = nil
			err := crud.InTx(ctx, db, func(ctx context.Context) error {
				for _, name := range []string{first, second} {
					err := crud.InTx(ctx, db, func(ctx context.Context) error { // joins
						row, err := s.items.CreateRow(ctx, []byte(`{"name":"`+name+`","price":1}`), nil)
						ids = append(ids, row.ID)
						return err
					})
					if err != nil {
						return err
					}
				}
				if len(told) > 0 {
					t.Error("told before the commit")
				}
				return nil
			})
			return ids, err
		}
		_, err := make2("Figs", "Figs")
		if e, ok := errors.AsType[*gate.Error](err); !ok || e.Status != http.StatusConflict {
			t.Errorf("the same name twice: %v", err)
		}
		if len(told) > 0 {
			t.Errorf("told of %v, which was undone", told)
		}
		ids, err := make2("Figs", "Plums")
		if err != nil || len(told) != 2 || told[0] != ids[0] || told[1] != ids[1] {
			t.Errorf("made %v, told of %v: %v", ids, told, err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = crud.InTx(ctx, db, func(ctx context.Context) error {
				if _, err := s.items.CreateRow(ctx, []byte(`{"name":"Pears","price":1}`), nil); err != nil {
					t.Error(err)
				}
				panic("no")
			})
		}()
		if _, err := make2("Pears", "Apples"); err != nil {
			t.Errorf("what a panic left: %v", err)
		}
	})
}

// TestOnCommit: what is left for after the commit runs then, and only then.
func TestOnCommit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		refused := errors.New("refused")
		for _, result := range []error{nil, refused} {
			ran := 0
			err := crud.InTx(t.Context(), db, func(ctx context.Context) error {
				if !crud.OnCommit(ctx, db, func(ctx context.Context) {
					if _, inside := crud.Tx(ctx, db); inside {
						t.Error("ran within the transaction")
					}
					ran++
				}) {
					t.Error("there is a transaction")
				}
				return result
			})
			if !errors.Is(err, result) || (ran == 1) != (result == nil) || ran > 1 {
				t.Errorf("%v: ran %d times, %v", result, ran, err)
			}
		}
		if crud.OnCommit(t.Context(), db, func(context.Context) { t.Error("ran without a transaction") }) {
			t.Error("there is no transaction")
		}
	})
}

// TestOnCommit_panics: a change was committed whatever becomes of those who are told of
// it. Each of them is told, and the log says which one panicked, and where.
func TestOnCommit_panics(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		var log bytes.Buffer
		db.LogTo(slog.New(slog.NewTextHandler(&log, nil)))
		told := 0
		s.items.OnChange(burns)
		s.items.OnChange(func(context.Context, crud.Changed) { told++ })
		err := crud.InTx(system(t), db, func(ctx context.Context) error {
			crud.OnCommit(ctx, db, func(context.Context) { panic("smoke") })
			crud.OnCommit(ctx, db, func(context.Context) { told++ })
			_, err := s.items.CreateRow(ctx, []byte(`{"name":"Figs","price":1}`), nil)
			return err
		})
		if err != nil || told != 2 {
			t.Errorf("told %d of 2: %v", told, err)
		}
		if _, err := s.items.CreateRow(system(t), []byte(`{"name":"Plums","price":1}`), nil); err != nil || told != 3 {
			t.Errorf("told %d of 3: %v", told, err)
		}
		for text, n := range map[string]int{"level=ERROR": 3, "err=fire": 2, "err=smoke": 1, "crud_test.burns": 4, "TestOnCommit_panics": 2, "tx_test.go:": 6} {
			if got := strings.Count(log.String(), text); got < n {
				t.Errorf("%q is in the log %d times, want %d:\n%s", text, got, n, log.String())
			}
		}
	})
}

// TestOnCommit_gone: what is left for after the commit is done for a client who has gone.
func TestOnCommit_gone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		ctx, hangUp := context.WithCancel(as(t, s.ann))
		var got error
		s.orders.OnChange(func(ctx context.Context, _ crud.Changed) { got = errors.Join(got, ctx.Err()) })
		err := crud.InTx(ctx, db, func(ctx context.Context) error {
			crud.OnCommit(ctx, db, func(context.Context) { hangUp() })
			crud.OnCommit(ctx, db, func(ctx context.Context) {
				got = errors.Join(got, ctx.Err())
				if p, ok := gate.PrincipalFromContext(ctx); !ok || p.Subject != s.ann.Subject {
					t.Errorf("for %v", p)
				}
			})
			return err2(s.orders.PatchRow(ctx, s.annOrder, []byte(`{"amount":9}`), nil))
		})
		if err != nil || got != nil {
			t.Errorf("%v, the context of what came after: %v", err, got)
		}
	})
}

func burns(context.Context, crud.Changed) { panic("fire") }

// TestHook_panics: what panics within the transaction undoes it, and leaves the
// connection to the next one.
func TestHook_panics(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		fire := true
		s.items.After(authz.Create, func(context.Context, *crud.Change[Item]) error {
			if fire {
				panic("fire")
			}
			return nil
		})
		s.items.OnChange(func(context.Context, crud.Changed) {
			if fire {
				t.Error("told of what was undone")
			}
		})
		for range 20 { // more than there are connections
			func() {
				defer func() {
					if fault := recover(); fault != "fire" {
						t.Errorf("panicked with %v", fault)
					}
				}()
				_, err := s.items.CreateRow(system(t), []byte(`{"name":"Figs","price":1}`), nil)
				t.Errorf("answered %v", err)
			}()
		}
		if n := db.Write().Stats().InUse; n != 0 {
			t.Errorf("%d connections are kept", n)
		}
		fire = false
		if _, err := s.items.CreateRow(system(t), []byte(`{"name":"Figs","price":1}`), nil); err != nil {
			t.Error(err)
		}
	})
}

// TestWithoutPassword: the service itself makes accounts without a password, and
// nobody else does.
func TestWithoutPassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		const body = `{"email":"ada@x.example"}`
		for name, ctx := range map[string]context.Context{
			"the service, with one": authz.System(t.Context()),
			"somebody":              crud.WithoutPassword(t.Context()),
			"an account":            crud.WithoutPassword(as(t, s.ann)),
		} {
			if _, err := s.users.CreateRow(ctx, []byte(body), nil); err == nil {
				t.Errorf("%s: made", name)
			}
		}
		row, err := s.users.CreateRow(crud.WithoutPassword(system(t)), []byte(body), nil)
		if err != nil {
			t.Fatal(err)
		}
		var stored string
		if err := db.Read().QueryRowContext(t.Context(), `SELECT "password" FROM "users" WHERE "id" = $1`, row.ID).Scan(&stored); err != nil || stored != "" {
			t.Errorf("stored %q, %v", stored, err)
		}
	})
}

// TestTransaction_ends: a change has to end, in a transaction for itself and in another;
// who is told of it afterwards has not.
func TestTransaction_ends(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	var bounded, told bool
	s.items.Before(authz.Update, func(ctx context.Context, _ *crud.Change[Item]) error {
		_, bounded = ctx.Deadline()
		return nil
	})
	s.items.OnChange(func(ctx context.Context, _ crud.Changed) { _, told = ctx.Deadline() })
	patch := func(ctx context.Context, price string) error {
		_, err := s.items.PatchRow(ctx, s.soup, []byte(`{"price":`+price+`}`), nil)
		return err
	}
	if err := patch(system(t), "7"); err != nil || !bounded || told {
		t.Errorf("alone: bounded %v, told %v, %v", bounded, told, err)
	}
	if err := crud.InTx(system(t), s.db, func(ctx context.Context) error { return patch(ctx, "8") }); err != nil || !bounded || told {
		t.Errorf("in a transaction: bounded %v, told %v, %v", bounded, told, err)
	}
}
