package crud_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// guarded is a town in which everybody sees all orders, and changes their own alone.
func guarded(entities map[string]*model.Entity) {
	order := entities["Order"]
	order.Allow.View = []string{"public"}
	order.Allow.Create, order.Allow.Update = []string{"signed-in"}, []string{"owner", "manager"}
}

// TestPairs_otherEnd: a pair is of the row whose relation it is. From the other end
// it takes the right to change that row as well, and is a change of it.
func TestPairs_otherEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db, guarded)
		orders, ok := w.all["Order"].(*crud.Resource[record])
		if !ok {
			t.Fatal("not a resource")
		}
		var heard, told []string
		orders.Before(authz.Update, func(_ context.Context, ch *crud.Change[record]) error {
			heard = append(heard, strings.Join(ch.Links, " "))
			return nil
		})
		orders.OnChange(func(_ context.Context, c crud.Changed) { told = append(told, c.Action.String()+" "+c.ID) })
		pairs := func() string { return w.tied(db, "order_dishes", "order_id", "dish_id") }
		kept := pairs()
		for _, tt := range []struct {
			name, body string
			who        *gate.Principal
			status     int
			problem    string
		}{
			{"to tie somebody else's", `{"orders":{"connect":[{"id":1},{"id":2}]}}`, w.ann, 403, "orders.connect[1] forbidden"},
			{"to untie somebody else's", `{"orders":{"disconnect":[{"id":2}]}}`, w.ann, 403, "orders.disconnect[0] forbidden"},
			{"nobody", `{"orders":{"connect":[{"id":1}]}}`, nil, 401, "orders.connect[0] forbidden"},
			{"to make one", `{"orders":{"create":[{"note":"x"}]}}`, nil, 401, "orders.create[0] forbidden"},
			{"one that is not there", `{"orders":{"connect":[{"id":999}]}}`, w.ann, 400, "orders.connect[0] not_found"},
		} {
			_, err := w.all["Dish"].PatchRow(as(t, tt.who), "4", []byte(tt.body), nil)
			if got := status(t, err); got != tt.status || strings.Join(problems(err), ", ") != tt.problem {
				t.Errorf("%s: %d %v, want %d %s", tt.name, got, problems(err), tt.status, tt.problem)
			}
			if _, err := w.all["Dish"].CreateRow(as(t, tt.who), []byte(tt.body), nil); status(t, err) != tt.status && !strings.Contains(tt.body, "disconnect") {
				t.Errorf("%s, with a new row: %v, want %d", tt.name, err, tt.status)
			}
			if now := pairs(); now != kept {
				t.Fatalf("%s changed pairs:\n%s\n%s", tt.name, kept, now)
			}
		}
		next := map[store.Dialect]string{store.SQLite: "5", store.Postgres: "100"}[db.Dialect()]
		heard, told = nil, nil
		for _, tt := range []struct {
			body, want string
			who        *gate.Principal
		}{
			{`{"orders":{"connect":[{"id":1}]}}`, "1-1 1-4 2-1 2-3 3-3", w.ann},
			{`{"orders":{"connect":[{"id":1}]}}`, "1-1 1-4 2-1 2-3 3-3", w.ann}, // a pair is there once
			{`{"orders":{"disconnect":[{"id":1}],"connect":[{"id":2}]}}`, "1-1 2-1 2-3 2-4 3-3", w.max},
			{`{"orders":{"disconnect":[{"id":2}],"create":[{"note":"new"}]}}`, "1-1 2-1 2-3 3-3 " + next + "-4", w.max},
		} {
			if _, err := w.all["Dish"].PatchRow(as(t, tt.who), "4", []byte(tt.body), nil); err != nil {
				t.Errorf("%s: %v %v", tt.body, err, problems(err))
			}
			list := strings.Fields(tt.want)
			slices.Sort(list)
			if got, want := pairs(), strings.Join(list, " "); got != want {
				t.Errorf("%s: %s, want %s", tt.body, got, want)
			}
		}
		if got, want := strings.Join(heard, ", "), "dishes, dishes, dishes, dishes, dishes"; got != want {
			t.Errorf("hooks of the rows whose relation it is heard %q, want %q", got, want)
		}
		if got, want := strings.Join(told, ", "), "update 1, update 1, update 1, update 2, update 2, create "+next; got != want {
			t.Errorf("who listens heard %q, want %q", got, want)
		}
	})
}
