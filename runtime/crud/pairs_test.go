package crud_test

import (
	"context"
	"errors"
	"fmt"
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

// tied lists the pairs of a table, with ids as their words.
func (w *town) tied(db *store.DB, table, near, far string) string {
	w.Helper()
	rows, err := db.Write().QueryContext(w.Context(), fmt.Sprintf("SELECT CAST(%s AS text), CAST(%s AS text) FROM %s ORDER BY 1, 2", near, far, table))
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var a, b string
		if err := rows.Scan(&a, &b); err != nil {
			w.Fatal(err)
		}
		out = append(out, w.readable([]byte(`"`+a+`-`+b+`"`)))
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
	return strings.Join(out, " ")
}

// TestPairs ties rows and unties them, with the row that is written.
func TestPairs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		dishes := w.all["Dish"]
		patch := func(who *gate.Principal, id, body string) error {
			_, err := dishes.PatchRow(as(t, who), id, []byte(strings.NewReplacer("HOT", uid("hot"), "VEG", uid("veg")).Replace(body)), nil)
			return err
		}
		for _, tt := range []struct{ id, body, want string }{
			{"4", `{"tags":{"connect":[{"id":"HOT"},{"id":"VEG"}]}}`, "1-#hot 1-#veg 2-#hot 3-#hot 4-#hot 4-#veg"},
			{"4", `{"tags":{"connect":[{"id":"VEG"}],"disconnect":[{"id":"HOT"}]},"name":"stew"}`, "1-#hot 1-#veg 2-#hot 3-#hot 4-#veg"},
			{"4", `{"tags":{"disconnect":[{"id":"HOT"},{"id":"VEG"}]}}`, "1-#hot 1-#veg 2-#hot 3-#hot"},
			{"1", `{"tags":{}}`, "1-#hot 1-#veg 2-#hot 3-#hot"},
			{"1", `{"name":"pasta"}`, "1-#hot 1-#veg 2-#hot 3-#hot"},
		} {
			if err := patch(nil, tt.id, tt.body); err != nil {
				t.Errorf("%s: %v %v", tt.body, err, problems(err))
			}
			if got := w.tied(db, "dish_tags", "dish_id", "tag_id"); got != tt.want {
				t.Errorf("%s: %s, want %s", tt.body, got, tt.want)
			}
		}
		friends := w.all["User"]
		if _, err := friends.PatchRow(as(t, w.max), uid("max"), []byte(`{"friends":{"connect":[{"id":"`+uid("ann")+`"},{"id":"`+uid("max")+`"}]}}`), nil); err != nil {
			t.Error(err)
		}
		if got, want := w.tied(db, "friends", "from_id", "to_id"), "#ann-#ann #ann-#bob #bob-#max #max-#ann #max-#max"; got != want {
			t.Errorf("friends: %s, want %s", got, want)
		}
	})
}

// TestPairs_refused: what may not be seen cannot be tied, what may not be changed
// cannot be tied to, and nothing else can be done to other rows. All or nothing.
func TestPairs_refused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		before := func() string {
			return w.tied(db, "order_dishes", "order_id", "dish_id") + w.tied(db, "dish_tags", "dish_id", "tag_id") + w.tied(db, "dishes", "id", "name") + w.tied(db, "tags", "id", "name")
		}
		kept := before()
		for _, tt := range []struct {
			name, entity, id, body string
			who                    *gate.Principal
			status                 int
			problem                string
		}{
			{"somebody else's order", "Dish", "1", `{"name":"x","orders":{"connect":[{"id":1},{"id":2}]}}`, w.ann, 400, "orders.connect[1] not_found"},
			{"an order that does not exist", "Dish", "1", `{"name":"x","orders":{"connect":[{"id":999}]}}`, w.ann, 400, "orders.connect[0] not_found"},
			{"to untie somebody else's order", "Dish", "1", `{"name":"x","orders":{"disconnect":[{"id":2}]}}`, w.ann, 400, "orders.disconnect[0] not_found"},
			{"as nobody", "Dish", "1", `{"name":"x","orders":{"connect":[{"id":1}]}}`, nil, 400, "orders.connect[0] not_found"},
			{"from a row out of sight", "Order", "2", `{"dishes":{"connect":[{"id":4}]}}`, w.ann, 404, ""},
			{"from a row that nobody may change", "Tag", uid("hot"), `{"dishes":{"connect":[{"id":4}]}}`, w.max, 403, ""},
			{"to make a row that nobody may make", "Dish", "1", `{"name":"x","tags":{"create":[{"name":"new"}]}}`, w.max, 403, "tags.create[0] forbidden"},
			{"to change another row", "Dish", "1", `{"name":"x","tags":{"update":{"where":{},"data":{"name":"x"}}}}`, w.max, 400, "tags.update unknown"},
			{"to set all", "Dish", "1", `{"name":"x","tags":{"set":[]}}`, w.max, 400, "tags.set unknown"},
			{"a list", "Dish", "1", `{"name":"x","tags":[]}`, w.max, 400, "tags type"},
			{"null", "Dish", "1", `{"name":"x","tags":null}`, w.max, 400, "tags type"},
			{"one for a list", "Dish", "1", `{"name":"x","tags":{"connect":{"id":"x"}}}`, w.max, 400, "tags.connect type"},
			{"more than an id", "Dish", "1", `{"name":"x","tags":{"connect":[{"id":"` + uid("hot") + `","name":"x"}]}}`, w.max, 400, "tags.connect[0] type"},
			{"no id", "Dish", "1", `{"name":"x","tags":{"connect":[{"id":null}]}}`, w.max, 400, "tags.connect[0] not_found"},
			{"an id of another kind", "Dish", "1", `{"name":"x","tags":{"connect":[{"id":7}]}}`, w.max, 400, "tags.connect[0] not_found"},
			{"twice the same word", "Dish", "1", `{"name":"x","tags":{"connect":[],"connect":[]}}`, w.max, 400, " malformed"},
			{"too many", "Dish", "1", `{"tags":{"connect":[` + strings.TrimSuffix(strings.Repeat(`{"id":"`+uid("hot")+`"},`, crud.MaxNested+1), ",") + `]}}`, w.max, 400, "tags.connect limit"},
			{"through a key", "Dish", "1", `{"name":"x","restaurant":{"disconnect":{"id":"` + uid("oslo") + `"}}}`, w.max, 400, "restaurant.disconnect unknown"},
		} {
			_, err := w.all[tt.entity].PatchRow(as(t, tt.who), tt.id, []byte(tt.body), nil)
			if got := status(t, err); got != tt.status || strings.Join(problems(err), ", ") != tt.problem {
				t.Errorf("%s: %d %v, want %d %s", tt.name, got, problems(err), tt.status, tt.problem)
			}
			if now := before(); now != kept {
				t.Fatalf("%s changed something:\n%s\n%s", tt.name, kept, now)
			}
		}
	})
}

// TestPairs_hooks: a row that is made with pairs is kept with them or not at all,
// hooks know of them, and who listens hears of the row.
func TestPairs_hooks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db)
		dishes, ok := w.all["Dish"].(*crud.Resource[record])
		if !ok {
			t.Fatal("not a resource")
		}
		var told []string
		dishes.OnChange(func(_ context.Context, c crud.Changed) { told = append(told, c.Action.String()) })
		dishes.Before(authz.Update, func(_ context.Context, ch *crud.Change[record]) error {
			if slices.Contains(ch.Links, "orders") {
				return &gate.Error{Status: http.StatusForbidden, Message: "not by way of a dish"}
			}
			return nil
		})
		dishes.After(authz.Update, func(context.Context, *crud.Change[record]) error {
			if len(told) > 1 {
				return errors.New("too late")
			}
			return nil
		})
		if _, err := dishes.PatchRow(as(t, w.max), "1", []byte(`{"orders":{"connect":[{"id":3}]}}`), nil); status(t, err) != http.StatusForbidden {
			t.Errorf("a hook: %v", err)
		}
		tag := `{"tags":{"connect":[{"id":"` + uid("veg") + `"}]}}`
		for range 2 {
			if _, err := dishes.PatchRow(as(t, w.max), "2", []byte(tag), nil); err != nil {
				t.Error(err)
			}
		}
		if _, err := dishes.PatchRow(as(t, w.max), "3", []byte(tag), nil); err == nil {
			t.Error("a change that a hook refused is kept")
		}
		if got, want := w.tied(db, "dish_tags", "dish_id", "tag_id"), "1-#hot 1-#veg 2-#hot 2-#veg 3-#hot"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if !slices.Equal(told, []string{"update", "update"}) {
			t.Errorf("told: %v", told)
		}
		if _, err := w.all["Card"].CreateRow(as(t, w.max), []byte(`{"name":"x","tags":{}}`), nil); status(t, err) != http.StatusBadRequest {
			t.Errorf("pairs of an entity that has none: %v", err)
		}
		body := `{"name":"eve","password":"correct horse","friends":{"connect":[{"id":"` + uid("bob") + `"}]}}`
		if _, err := w.all["User"].CreateRow(as(t, w.ann), []byte(body), nil); !slices.Equal(problems(err), []string{"friends.connect[0] not_found"}) {
			t.Errorf("an account tied to one out of sight: %v", err)
		}
		row, err := w.all["User"].CreateRow(as(t, w.max), []byte(body), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(w.tied(db, "friends", "from_id", "to_id"), row.ID, "#eve"); !strings.Contains(got, "#eve-#bob") {
			t.Errorf("a new account: %s", got)
		}
		if users, _, err := w.find(w.max, "User", query.Query{Select: []string{"name"}}); err != nil || strings.Count(users, "eve") != 1 {
			t.Errorf("accounts: %s, %v", users, err)
		}
	})
}
