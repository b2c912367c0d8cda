package crud_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/storetest"
)

// TestDeadlock: of two writers that wait for each other both are answered, and what
// the database undid left nothing behind.
func TestDeadlock(t *testing.T) {
	s := newShop(t, storetest.Postgres(t))
	other := map[string]string{s.soup: s.tea, s.tea: s.soup}
	var mu sync.Mutex
	var told []string
	runs := map[string]int{}
	var first sync.WaitGroup
	first.Add(2)
	s.items.Before(authz.Update, func(_ context.Context, ch *crud.Change[Item]) error {
		ch.Row.Name += "!"
		return nil
	})
	s.items.After(authz.Update, func(ctx context.Context, ch *crud.Change[Item]) error {
		mu.Lock()
		runs[ch.Row.ID]++
		try := runs[ch.Row.ID]
		mu.Unlock()
		if try == 1 {
			first.Done()
			first.Wait() // each has one row now, and wants that of the other
		}
		tx, _ := crud.Tx(ctx, s.db)
		_, err := tx.ExecContext(ctx, "UPDATE items SET cost = cost + 1 WHERE id = $1", other[ch.Row.ID])
		return err
	})
	s.items.OnChange(func(_ context.Context, c crud.Changed) {
		mu.Lock()
		told = append(told, c.ID)
		mu.Unlock()
	})
	var wg sync.WaitGroup
	names := map[string]string{s.soup: "broth", s.tea: "mate"}
	for id, name := range names {
		wg.Go(func() {
			row, err := s.items.PatchRow(as(t, s.max), id, []byte(`{"name":"`+name+`"}`), nil)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			if got := members(t, row)["name"]; got != name+"!" {
				t.Errorf("answered %v, want %s! once", got, name)
			}
		})
	}
	wg.Wait()
	if n := runs[s.soup] + runs[s.tea]; n < 3 {
		t.Errorf("the hook ran %d times: no try was undone", n)
	}
	slices.Sort(told)
	if want := slices.Sorted(slices.Values([]string{s.soup, s.tea})); !slices.Equal(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
	for id, cost := range map[string]string{s.soup: "2.20", s.tea: "1.10"} {
		item, err := s.items.Get(system(t), id)
		if err != nil || item.Name != names[id]+"!" || item.Cost.String() != cost {
			t.Errorf("%+v, %v; want %s! and a cost of %s", item, err, names[id], cost)
		}
	}
}

// TestDeadlock_keys: two writers whose transactions point to each other's rows do
// not wait for each other, so that neither is undone and runs again.
func TestDeadlock_keys(t *testing.T) {
	s := newShop(t, storetest.Postgres(t))
	other := map[string]string{s.soup: s.tea, s.tea: s.soup}
	var mu sync.Mutex
	runs := map[string]int{}
	var first sync.WaitGroup
	first.Add(2)
	s.items.After(authz.Update, func(ctx context.Context, ch *crud.Change[Item]) error {
		mu.Lock()
		runs[ch.Row.ID]++
		try := runs[ch.Row.ID]
		mu.Unlock()
		if try == 1 {
			first.Done()
			first.Wait() // each has changed its row now, and orders that of the other
		}
		tx, _ := crud.Tx(ctx, s.db)
		_, err := tx.ExecContext(ctx, "INSERT INTO orders (buyer_id, item_id, amount, paid) VALUES ($1, $2, 1, false)", s.max.Subject, other[ch.Row.ID])
		return err
	})
	var wg sync.WaitGroup
	for id := range other {
		wg.Go(func() {
			if _, err := s.items.PatchRow(as(t, s.max), id, []byte(`{"price":7}`), nil); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	wg.Wait()
	for id, n := range runs {
		if n != 1 {
			t.Errorf("the change of %s ran %d times", id, n)
		}
	}
}

// TestRetry has the database undo a transaction some times: the change is made of
// what was sent, once, or the answer is 503 and nothing is.
func TestRetry(t *testing.T) {
	const undone = "DO $$ BEGIN RAISE EXCEPTION 'undone' USING ERRCODE = '40001'; END $$"
	type change func(ctx context.Context, s *shop) (names []string, err error)
	name := func(row crud.Row, err error) ([]string, error) {
		if err != nil {
			return nil, err
		}
		return []string{members(t, row)["name"].(string)}, nil
	}
	for what, tt := range map[string]struct {
		action authz.Action
		change change
		want   []string
	}{
		"create": {authz.Create, func(ctx context.Context, s *shop) ([]string, error) {
			return name(s.items.CreateRow(ctx, []byte(`{"name":"figs","price":1,"image":"https://x.example/a"}`), nil))
		}, []string{"figs+"}},
		"create many": {authz.Create, func(ctx context.Context, s *shop) ([]string, error) {
			rows, err := s.items.CreateRows(ctx, []byte(`[{"name":"figs","price":1},{"name":"plums","price":1}]`), nil)
			if err != nil {
				return nil, err
			}
			return []string{members(t, rows.At(0))["name"].(string), members(t, rows.At(1))["name"].(string)}, nil
		}, []string{"figs+", "plums+"}},
		"patch": {authz.Update, func(ctx context.Context, s *shop) ([]string, error) {
			return name(s.items.PatchRow(ctx, s.soup, []byte(`{"name":"broth"}`), nil))
		}, []string{"broth+"}},
		"replace": {authz.Update, func(ctx context.Context, s *shop) ([]string, error) {
			return name(s.items.UpdateRow(ctx, s.soup, []byte(`{"name":"broth","price":3}`), nil))
		}, []string{"broth+"}},
		"by code": {authz.Update, func(ctx context.Context, s *shop) ([]string, error) {
			ch := &crud.Change[Item]{Row: Item{Name: "broth"}}
			ch.Set.Add(ItemName)
			item, err := s.items.Patch(ctx, s.soup, ch)
			if err != nil {
				return nil, err
			}
			return []string{item.Name}, nil
		}, []string{"broth+"}},
		"remove": {authz.Delete, func(ctx context.Context, s *shop) ([]string, error) {
			return name(s.items.RemoveRow(ctx, s.tea, nil))
		}, []string{"tea"}},
		"within a transaction": {authz.Update, func(ctx context.Context, s *shop) (names []string, err error) {
			err = crud.InTx(ctx, s.db, func(ctx context.Context) error {
				names, err = name(s.items.PatchRow(ctx, s.soup, []byte(`{"name":"broth"}`), nil))
				return err
			})
			return names, err
		}, []string{"broth+"}},
	} {
		for _, fails := range []int{0, 1, 2, crud.MaxTries} {
			if fails == crud.MaxTries && what != "create" && what != "within a transaction" {
				continue // which takes its time
			}
			t.Run(what, func(t *testing.T) {
				s := newShop(t, storetest.Postgres(t))
				runs, told, committed := 0, 0, 0
				s.items.Before(tt.action, func(ctx context.Context, ch *crud.Change[Item]) error {
					crud.OnCommit(ctx, s.db, func(context.Context) { committed++ })
					if ch.Action != authz.Delete {
						ch.Row.Name += "+"
						if ch.Row.Image != nil {
							*ch.Row.Image += "+"
						}
					}
					return nil
				})
				s.items.After(tt.action, func(ctx context.Context, ch *crud.Change[Item]) error {
					if ch.Row.Image != nil && *ch.Row.Image != "https://x.example/a+" {
						t.Errorf("image %s: it is changed by the try before", *ch.Row.Image)
					}
					if runs++; runs > fails {
						return nil
					}
					tx, _ := crud.Tx(ctx, s.db)
					_, err := tx.ExecContext(ctx, undone)
					return err
				})
				s.items.OnChange(func(context.Context, crud.Changed) { told++ })
				names, err := tt.change(as(t, s.max), s)
				if fails == crud.MaxTries {
					if e, ok := errors.AsType[*gate.Error](err); ok && (e.Status != 503 || e.RetryAfter <= 0) || !s.db.Classify(err).Retry {
						t.Errorf("undone each time: %v, want 503 with Retry-After", err)
					}
					if runs != crud.MaxTries || told != 0 || committed != 0 {
						t.Errorf("undone each time: %d tries, %d told, %d of what waits for the commit", runs, told, committed)
					}
					return
				}
				if err != nil {
					t.Fatalf("undone %d times: %v", fails, err)
				}
				if diff := gocmp.Diff(tt.want, names); diff != "" {
					t.Errorf("undone %d times (-want +got):\n%s", fails, diff)
				}
				if n := len(tt.want); runs != fails+n || told != n || committed != n {
					t.Errorf("undone %d times: %d tries, %d told, %d of what waits for the commit; want %[6]d, %[5]d, %[5]d", fails, runs, told, committed, n, fails+n)
				}
			})
		}
	}
}

// TestRetry_not: what would end the same way is not tried again.
func TestRetry_not(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		runs := 0
		ctx, cancel := context.WithCancel(as(t, s.max))
		defer cancel()
		var fail func(context.Context) error
		s.items.After(authz.Update, func(ctx context.Context, _ *crud.Change[Item]) error {
			runs++
			return fail(ctx)
		})
		for name, f := range map[string]func(context.Context) error{
			"a fault":           func(context.Context) error { return errors.New("no") },
			"unavailable":       func(context.Context) error { return store.ErrUnavailable },
			"a refusal":         func(context.Context) error { return &gate.Error{Status: 409} },
			"the end of a wait": func(context.Context) error { return context.DeadlineExceeded },
		} {
			runs, fail = 0, f
			if _, err := s.items.PatchRow(ctx, s.soup, []byte(`{"name":"broth"}`), nil); err == nil || runs != 1 {
				t.Errorf("%s: %d tries, %v", name, runs, err)
			}
		}
		runs, fail = 0, func(ctx context.Context) error {
			if db.Dialect() == store.SQLite {
				return errors.New("no")
			}
			tx, _ := crud.Tx(ctx, db)
			_, err := tx.ExecContext(ctx, "DO $$ BEGIN RAISE EXCEPTION 'undone' USING ERRCODE = '40P01'; END $$")
			cancel()
			return err
		}
		if _, err := s.items.PatchRow(ctx, s.soup, []byte(`{"name":"broth"}`), nil); err == nil || runs != 1 {
			t.Errorf("nobody waits: %d tries, %v", runs, err)
		}
	})
}

// TestStatementTimeout: a statement that takes too long is 503, whatever it is for.
func TestStatementTimeout(t *testing.T) {
	url := storetest.PostgresURL(t)
	db, err := postgres.Open(t.Context(), url, postgres.Config{StatementTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := newShop(t, db)
	other, err := postgres.Open(t.Context(), url, postgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Write().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE items"); err != nil { // for which every statement waits now
		t.Fatal(err)
	}
	ctx := as(t, s.max)
	for name, ask := range map[string]func() error{
		"get":    func() error { _, err := s.items.GetRow(ctx, s.soup, nil); return err },
		"list":   func() error { _, err := s.items.FindRows(ctx, &query.Query{}); return err },
		"create": func() error { _, err := s.items.CreateRow(ctx, []byte(`{"name":"figs","price":1}`), nil); return err },
		"patch":  func() error { _, err := s.items.PatchRow(ctx, s.soup, []byte(`{"name":"figs"}`), nil); return err },
		"remove": func() error { _, err := s.items.RemoveRow(ctx, s.tea, nil); return err },
		"a row that points there": func() error {
			_, err := s.orders.CreateRow(ctx, []byte(`{"itemId":"`+s.soup+`"}`), nil)
			return err
		},
	} {
		err := ask()
		if e, ok := errors.AsType[*gate.Error](err); !ok || e.Status != 503 || e.RetryAfter <= 0 {
			t.Errorf("%s: %v, want 503 with Retry-After", name, err)
		}
	}
}
