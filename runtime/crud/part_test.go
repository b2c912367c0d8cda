package crud_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestParts: of a change that joins a transaction and is refused nothing is kept,
// also when it was written by then, and whoever handles the refusal goes on.
func TestParts(t *testing.T) {
	errPoison := &gate.Error{Status: http.StatusForbidden}
	item := func(ctx context.Context, s *shop, name string) error {
		_, err := s.items.CreateRow(ctx, []byte(`{"name":"`+name+`","price":1}`), nil)
		return err
	}
	tests := map[string]struct {
		do   func(ctx context.Context, s *shop) error
		want string // the items besides soup and tea
		err  bool
	}{
		"refused after it was written": {func(ctx context.Context, s *shop) error {
			if err := item(ctx, s, "poison"); status(t, err) != http.StatusForbidden {
				return errors.New("not refused")
			}
			return item(ctx, s, "figs")
		}, "figs", false},
		"between two that are kept": {func(ctx context.Context, s *shop) error {
			return errors.Join(item(ctx, s, "figs"), notNil(item(ctx, s, "poison")), item(ctx, s, "plums"))
		}, "figs plums", false},
		"get or create": {func(ctx context.Context, s *shop) error {
			if err := item(ctx, s, "soup"); status(t, err) != http.StatusConflict {
				return errors.New("no conflict")
			}
			page, err := s.items.Find(ctx, &query.Query{Where: query.Term{Field: "name", Op: query.Eq, Value: "soup"}})
			if err != nil || len(page.Data) != 1 {
				return errors.Join(err, errors.New("no soup"))
			}
			_, err = s.items.PatchRow(ctx, page.Data[0].ID, []byte(`{"price":9}`), nil)
			return err
		}, "", false},
		"several that belong together": {func(ctx context.Context, s *shop) error {
			err := crud.InTx(ctx, s.db, func(ctx context.Context) error {
				return errors.Join(item(ctx, s, "pears"), item(ctx, s, "poison"))
			})
			return errors.Join(notNil(err), item(ctx, s, "figs"))
		}, "figs", false},
		"inside of one that is kept": {func(ctx context.Context, s *shop) error {
			return crud.InTx(ctx, s.db, func(ctx context.Context) error {
				return errors.Join(item(ctx, s, "pears"), notNil(item(ctx, s, "poison")))
			})
		}, "pears", false},
		"a panic": {func(ctx context.Context, s *shop) error {
			func() {
				defer func() { _ = recover() }()
				_ = item(ctx, s, "panic")
			}()
			return item(ctx, s, "figs")
		}, "figs", false},
		"a context that has ended": {func(ctx context.Context, s *shop) error {
			ended, cancel := context.WithCancel(ctx)
			err := crud.InTx(ended, s.db, func(ctx context.Context) error {
				defer cancel()
				return errors.Join(item(ctx, s, "pears"), errPoison)
			})
			return errors.Join(notNil(err), item(ctx, s, "figs"))
		}, "figs", false},
		"a part that cannot be undone": {func(ctx context.Context, s *shop) error {
			return errors.Join(notNil(item(ctx, s, "rollback")), notNil(item(ctx, s, "figs")))
		}, "", true},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		committed := 0
		var told []string
		s.items.After(authz.Create, func(ctx context.Context, ch *crud.Change[Item]) error {
			crud.OnCommit(ctx, db, func(context.Context) { committed++ })
			switch ch.Row.Name {
			case "poison":
				return errPoison
			case "panic":
				panic("no")
			case "rollback":
				tx, _ := crud.Tx(ctx, db)
				_, err := tx.ExecContext(ctx, "ROLLBACK")
				return errors.Join(err, errPoison)
			}
			return nil
		})
		s.items.OnChange(func(_ context.Context, c crud.Changed) {
			if c.Action == authz.Create {
				told = append(told, c.ID)
			}
		})
		for name, tt := range tests {
			committed, told = 0, nil
			err := crud.InTx(system(t), db, func(ctx context.Context) error { return tt.do(ctx, s) })
			if (err != nil) != tt.err {
				t.Errorf("%s: %v", name, err)
			}
			page, err := s.items.Find(system(t), &query.Query{})
			if err != nil {
				t.Fatal(err)
			}
			var names, ids []string
			for _, row := range page.Data {
				if row.ID == s.soup || row.ID == s.tea {
					continue
				}
				names, ids = append(names, row.Name), append(ids, row.ID)
				if _, err := s.items.Remove(system(t), row.ID); err != nil {
					t.Fatal(err)
				}
			}
			slices.Sort(names)
			slices.Sort(ids)
			slices.Sort(told)
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("%s: kept %q, want %q", name, got, tt.want)
			}
			if !slices.Equal(told, ids) || committed != len(ids) {
				t.Errorf("%s: told of %v and %d at the commit, of what is kept: %v", name, told, committed, ids)
			}
		}
	})
}

// notNil makes an error of what was to be one and is not.
func notNil(err error) error {
	if err == nil {
		return errors.New("not refused")
	}
	return nil
}
