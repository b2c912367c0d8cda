package crud_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// strict gives the town the rules of a real one: guests order, managers write menus
// and accounts, and nobody chooses ids.
func strict(entities map[string]*model.Entity) {
	for _, e := range entities {
		id, _ := fieldOf(e, "id")
		e.Fields[id].ReadOnly = true
	}
	for name, allow := range map[string][2]string{ // who creates, who updates
		"Restaurant": {"manager", "signed-in"},
		"Dish":       {"manager", "manager"},
		"Order":      {"signed-in", "owner"},
		"User":       {"manage:users", "owner"},
		"Card":       {"signed-in", "signed-in"},
		"Tag":        {"signed-in", "nobody"},
		"Plan":       {"nobody", "nobody"},
	} {
		entities[name].Allow.Create, entities[name].Allow.Update = []string{allow[0]}, []string{allow[1]}
	}
	hostID, host := fieldOf(entities["Restaurant"], "hostId")
	host.View, host.Update = nil, []string{"manager"}
	entities["Restaurant"].Fields[hostID] = host
}

func fieldOf(e *model.Entity, name string) (int, model.Field) {
	i := slices.IndexFunc(e.Fields, func(f model.Field) bool { return f.Name == name })
	return i, e.Fields[i]
}

// ids replaces words in capitals by ids.
func ids(text string) string {
	for _, word := range []string{"cardann", "ann", "bob", "max", "roma", "oslo", "void", "hot", "veg"} {
		text = strings.ReplaceAll(text, strings.ToUpper(word), uid(word))
	}
	return text
}

// kept is everything that is in the tables.
func (w *town) kept(db *store.DB) string {
	w.Helper()
	var b strings.Builder
	for _, t := range []struct{ table, columns string }{
		{"users", "name || roles || coalesce(CAST(boss_id AS text), '-')"},
		{"cards", "name || coalesce(CAST(user_id AS text), '-')"},
		{"restaurants", "name || coalesce(CAST(host_id AS text), '-')"},
		{"dishes", "name || coalesce(CAST(cost AS text), '-') || coalesce(CAST(restaurant_id AS text), '-')"},
		{"orders", "note || coalesce(CAST(guest_id AS text), '-') || coalesce(CAST(restaurant_id AS text), '-')"},
		{"tags", "name"},
		{"plans", "name"},
	} {
		columns := t.columns
		if db.Dialect() == store.Postgres {
			columns = strings.ReplaceAll(columns, "roles", "CAST(roles AS text)")
		}
		fmt.Fprintf(&b, "%s: %s\n", t.table, w.column(db, "SELECT "+columns+" FROM "+t.table+" ORDER BY 1"))
	}
	return b.String() + w.tied(db, "dish_tags", "dish_id", "tag_id") + w.tied(db, "order_dishes", "order_id", "dish_id") + w.tied(db, "friends", "from_id", "to_id")
}

func (w *town) column(db *store.DB, ask string) string {
	w.Helper()
	rows, err := db.Write().QueryContext(w.Context(), ask)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			w.Fatal(err)
		}
		out = append(out, w.readable([]byte(`"`+strings.ReplaceAll(s, `"`, "'")+`"`)))
	}
	if err := rows.Err(); err != nil {
		w.Fatal(err)
	}
	return strings.Join(out, " ")
}

// write patches a row, or makes one when there is no id.
func (w *town) write(who *gate.Principal, entity, id, body string) error {
	w.Helper()
	if id == "" {
		_, err := w.all[entity].CreateRow(as(w.T, who), []byte(ids(body)), nil)
		return err
	}
	_, err := w.all[entity].PatchRow(as(w.T, who), ids(id), []byte(ids(body)), nil)
	return err
}

// TestNested_attacks: by way of another row nobody does what they could not do to
// the row itself, and nothing of a request is kept of which something was refused.
func TestNested_attacks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db, strict)
		var told []string
		for name, s := range w.all {
			r, ok := s.(*crud.Resource[record])
			if !ok {
				t.Fatal("not a resource")
			}
			r.OnChange(func(_ context.Context, c crud.Changed) { told = append(told, name+" "+c.Action.String()) })
		}
		before := w.kept(db)
		dish := func(n int) string {
			return `{"dishes":{"create":[` + strings.TrimSuffix(strings.Repeat(`{"name":"x"},`, n), ",") + `]}}`
		}
		deep := func(n int) string {
			body := `{"name":"x"}`
			for range n / 2 {
				body = `{"name":"x","dishes":{"create":[{"name":"x","tags":{"create":[` + body + `]}}]}}`
			}
			return body
		}
		for _, tt := range []struct {
			name             string
			who              *gate.Principal
			entity, id, body string
			status           int
			problem          string
		}{
			{"S2", w.ann, "Restaurant", "ROMA", `{"orders":{"update":{"where":{"id":1},"data":{"user":{"update":{"roles":["admin"]}}}}}}`, 400, "orders.update unknown"},
			{"S2 of the host", w.ann, "Restaurant", "ROMA", `{"host":{"update":{"roles":["manager"]}}}`, 403, "host forbidden"},
			{"S2 as a manager", w.max, "Restaurant", "ROMA", `{"host":{"update":{"roles":["manager"]}}}`, 400, "host.update unknown"},
			{"S3: a dish", w.ann, "Restaurant", "ROMA", `{"name":"x","dishes":{"create":[{"name":"free"}]}}`, 403, "dishes.create[0] forbidden"},
			{"S3: a price", w.ann, "Restaurant", "ROMA", `{"dishes":{"update":[{"where":{"id":1},"data":{"cost":0}}]}}`, 400, "dishes.update unknown"},
			{"S3: a dish, as nobody", nil, "Card", "", `{"name":"x"}`, 401, ""},
			{"a dish through two relations", w.ann, "Restaurant", "ROMA", `{"orders":{"create":[{"note":"x","dishes":{"create":[{"name":"free"}]}}]}}`, 403, "orders.create[0].dishes.create[0] forbidden"},
			{"a dish of a row that is made", w.ann, "Order", "", `{"note":"x","dishes":{"create":[{"name":"free"}]}}`, 403, "dishes.create[0] forbidden"},
			{"a dish of one of two rows", w.ann, "Order", "", `{"note":"x","restaurant":{"create":{"name":"mine"}}}`, 403, "restaurant.create forbidden"},
			{"to take a dish away", w.ann, "Restaurant", "OSLO", `{"dishes":{"connect":[{"id":1}]}}`, 403, "dishes.connect[0] forbidden"},
			{"to let a dish go", w.ann, "Restaurant", "ROMA", `{"dishes":{"disconnect":[{"id":1}]}}`, 403, "dishes.disconnect[0] forbidden"},
			{"to take a stranger's order", w.ann, "Restaurant", "OSLO", `{"orders":{"connect":[{"id":2}]}}`, 400, "orders.connect[0] not_found"},
			{"to take an order that does not exist", w.ann, "Restaurant", "OSLO", `{"orders":{"connect":[{"id":999}]}}`, 400, "orders.connect[0] not_found"},
			{"to let a stranger's order go", w.ann, "Restaurant", "ROMA", `{"orders":{"disconnect":[{"id":2}]}}`, 400, "orders.disconnect[0] not_found"},
			{"to take an order that one sees", w.max, "Restaurant", "OSLO", `{"orders":{"connect":[{"id":1}]}}`, 403, "orders.connect[0] forbidden"},
			{"an order for another guest", w.max, "User", "MAX", `{"orders":{"connect":[{"id":1}]}}`, 403, "orders.connect[0] forbidden"},
			{"one's own order, whose guest the service sets", w.max, "User", "MAX", `{"orders":{"connect":[{"id":4}]}}`, 400, "orders.connect[0].guestId read_only"},
			{"a key that one may not write", w.ann, "Restaurant", "ROMA", `{"host":{"connect":{"id":"ANN"}}}`, 403, "host forbidden"},
			{"a key to a row out of sight", w.ann, "Card", "CARDANN", `{"user":{"connect":{"id":"BOB"}}}`, 400, "userId not_found"},
			{"an account", w.max, "Restaurant", "ROMA", `{"host":{"create":{"name":"eve","password":"correct horse","roles":["manager"]}}}`, 400, "host.create limit"},
			{"accounts", w.max, "User", "MAX", `{"team":{"create":[{"name":"eve","password":"correct horse"}]}}`, 400, "team.create[0] limit"},
			{"an account, by one who may make none", w.ann, "Card", "CARDANN", `{"user":{"create":{"name":"eve","password":"correct horse"}}}`, 403, "user.create forbidden"},
			{"an id", w.max, "Restaurant", "ROMA", `{"dishes":{"create":[{"id":77,"name":"x"}]}}`, 400, "dishes.create[0].id read_only"},
			{"another key", w.max, "Restaurant", "ROMA", `{"dishes":{"create":[{"name":"x","restaurantId":"OSLO"}]}}`, 400, "dishes.create[0].restaurantId read_only"},
			{"the same key", w.max, "Restaurant", "ROMA", `{"dishes":{"create":[{"name":"x","restaurantId":"ROMA"}]}}`, 400, "dishes.create[0].restaurantId read_only"},
			{"another key, as a row", w.max, "Restaurant", "ROMA", `{"dishes":{"create":[{"name":"x","restaurant":{"create":{"name":"y"}}}]}}`, 400, "dishes.create[0].restaurantId read_only"},
			{"an unknown field", w.max, "Restaurant", "ROMA", `{"dishes":{"create":[{"name":"x"},{"name":"y","nope":1}]}}`, 400, "dishes.create[1].nope unknown"},
			{"an owner", w.ann, "Restaurant", "ROMA", `{"orders":{"create":[{"note":"x","guestId":"BOB"}]}}`, 400, "orders.create[0].guestId read_only"},
			{"rows for another owner", w.max, "User", "MAX", `{"team":{"connect":[{"id":"ANN"}]}}`, 403, "team.connect[0] forbidden"},
			{"a third row that is wrong", w.max, "Restaurant", "ROMA", `{"name":"x","dishes":{"create":[{"name":"a"},{"name":"b"},{"name":7}]}}`, 400, "dishes.create[2].name type"},
			{"a third row that a hook refuses", w.max, "Restaurant", "ROMA", `{"name":"x","dishes":{"create":[{"name":"a"},{"name":"b"},{"name":"poison"}]}}`, 409, ""},
			{"a row that a hook refuses, deep down", w.ann, "Order", "", `{"note":"x","gift":{"create":{"name":"poison"}}}`, 409, ""},
			{"101 rows", w.max, "Restaurant", "ROMA", dish(crud.MaxNested + 1), 400, "dishes.create limit"},
			{"101 rows, some of them deeper", w.max, "Restaurant", "ROMA", strings.TrimSuffix(dish(crud.MaxNested), "]}}") + `,{"name":"x"}]}}`, 400, "dishes.create limit"},
			{"101 rows on two levels", w.max, "Restaurant", "ROMA", strings.Replace(dish(crud.MaxNested), `{"name":"x"}`, `{"name":"x","tags":{"connect":[{"id":"HOT"}]}}`, 1), 400, "dishes.create[0].tags.connect limit"},
			{"four levels", w.max, "Restaurant", "", strings.Replace(deep(2), `[{"name":"x"}]`, `[{"name":"x","dishes":{"create":[{"name":"x","tags":{"create":[{"name":"x"}]}}]}}]`, 1), 400, "dishes.create[0].tags.create[0].dishes.create[0].tags limit"},
			{"both ways to say a key", w.max, "Dish", "1", `{"restaurantId":"OSLO","restaurant":{"connect":{"id":"ROMA"}}}`, 400, "restaurant format"},
			{"two rows for one key", w.max, "Dish", "1", `{"restaurant":{"connect":{"id":"OSLO"},"create":{"name":"x"}}}`, 400, "restaurant format"},
			{"nothing for a key", w.max, "Dish", "1", `{"restaurant":{}}`, 400, "restaurant format"},
			{"null for a relation", w.max, "Dish", "1", `{"restaurant":null}`, 400, "restaurant type"},
			{"a list for one", w.max, "Dish", "1", `{"restaurant":{"create":[{"name":"x"}]}}`, 400, "restaurant.create malformed"},
			{"one for a list", w.max, "Restaurant", "ROMA", `{"dishes":{"create":{"name":"x"}}}`, 400, "dishes.create type"},
			{"no object", w.max, "Restaurant", "ROMA", `{"dishes":{"create":["x"]}}`, 400, "dishes.create[0] malformed"},
			{"a member twice", w.max, "Restaurant", "ROMA", `{"dishes":{"create":[{"name":"x","name":"y"}]}}`, 400, " malformed"},
			{"delete", w.max, "Restaurant", "ROMA", `{"name":"x","dishes":{"delete":[{"id":1}]}}`, 400, "dishes.delete unknown"},
			{"deleteMany", w.max, "Restaurant", "ROMA", `{"name":"x","dishes":{"deleteMany":{}}}`, 400, "dishes.deleteMany unknown"},
			{"set", w.max, "Restaurant", "ROMA", `{"name":"x","dishes":{"set":[]}}`, 400, "dishes.set unknown"},
			{"upsert", w.max, "Restaurant", "ROMA", `{"name":"x","dishes":{"upsert":[{"where":{"id":1},"create":{},"update":{}}]}}`, 400, "dishes.upsert unknown"},
			{"connectOrCreate", w.max, "Restaurant", "ROMA", `{"name":"x","dishes":{"connectOrCreate":[{"where":{"id":1},"create":{}}]}}`, 400, "dishes.connectOrCreate unknown"},
			{"disconnect of a key", w.max, "Dish", "1", `{"name":"x","restaurant":{"disconnect":true}}`, 400, "restaurant.disconnect unknown"},
			{"a row that nobody may make", w.max, "Restaurant", "ROMA", `{"name":"x","plans":{"create":[{"name":"x"}]}}`, 403, "plans.create[0] forbidden"},
			{"from a row out of sight", w.ann, "Order", "2", `{"restaurant":{"connect":{"id":"OSLO"}}}`, 404, ""},
		} {
			poison(t, w)
			told = nil
			err := w.write(tt.who, tt.entity, tt.id, tt.body)
			if got := status(t, err); got != tt.status || !strings.HasPrefix(strings.Join(problems(err), ", "), tt.problem) {
				t.Errorf("%s: %d %v, want %d %s", tt.name, got, problems(err), tt.status, tt.problem)
			}
			if now := w.kept(db); now != before {
				t.Fatalf("%s changed something:\n%s\n%s", tt.name, before, now)
			}
			if len(told) > 0 {
				t.Errorf("%s: told of %v", tt.name, told)
			}
		}
		bulk := `[{"name":"a","dishes":{"create":[` + strings.TrimSuffix(strings.Repeat(`{"name":"x"},`, 60), ",") + `]}},{"name":"b","dishes":{"create":[` + strings.TrimSuffix(strings.Repeat(`{"name":"x"},`, 60), ",") + `]}}]`
		if _, err := w.all["Restaurant"].CreateRows(as(t, w.max), []byte(bulk), nil); !slices.Equal(problems(err), []string{"[1].dishes.create limit"}) {
			t.Errorf("120 rows inside of two: %v %v", err, problems(err))
		}
		if now := w.kept(db); now != before {
			t.Errorf("a list that was refused changed something:\n%s\n%s", before, now)
		}
	})
}

// poison lets no row be called so, by hooks that are set once.
func poison(t *testing.T, w *town) {
	t.Helper()
	if w.poisoned {
		return
	}
	w.poisoned = true
	for _, name := range []string{"Dish", "Tag"} {
		r, ok := w.all[name].(*crud.Resource[record])
		if !ok {
			t.Fatal("not a resource")
		}
		r.After(authz.Create, func(_ context.Context, ch *crud.Change[record]) error {
			if ch.Row.texts[1] != nil && *ch.Row.texts[1] == "poison" {
				return &gate.Error{Status: http.StatusConflict, Message: "not in this town"}
			}
			return nil
		})
	}
}

// TestNested writes rows with those that lead to them, and that they lead to, in
// one step.
func TestNested(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db, strict)
		named := func(entity, raw string) string {
			w.Helper()
			q := query.Query{Select: []string{"name"}, Limit: 100}
			if raw != "" {
				q.Where = query.Related{Relation: raw, Where: query.Term{Field: "name", Op: query.Eq, Value: "new"}}
			}
			rows, err := w.all[entity].FindRows(as(t, w.max), &q)
			if err != nil {
				t.Fatal(err, problems(err))
			}
			var out []string
			for i := range rows.Len() {
				out = append(out, string(rows.At(i).AppendField(nil, 1)))
			}
			slices.Sort(out)
			return strings.ReplaceAll(strings.Join(out, " "), `"`, "")
		}
		for _, tt := range []struct {
			name             string
			who              *gate.Principal
			entity, id, body string
			far, relation    string
			want             string
		}{
			{"a restaurant with its menu", w.max, "Restaurant", "", `{"name":"new","dishes":{"create":[{"name":"a","cost":3},{"name":"b"}],"connect":[{"id":5}]}}`, "Dish", "restaurant", "a air b"},
			{"a dish for it and tags for the dish", w.max, "Restaurant", "OSLO", `{"name":"new","dishes":{"create":[{"name":"c","tags":{"create":[{"name":"new"}],"connect":[{"id":"HOT"}]}}]}}`, "Dish", "tags", "c"},
			{"a dish with its restaurant", w.max, "Dish", "", `{"name":"new","restaurant":{"create":{"name":"trattoria"}}}`, "Restaurant", "dishes", "trattoria"},
			{"a dish in another restaurant", w.max, "Dish", "2", `{"name":"new","restaurant":{"connect":{"id":"VOID"}}}`, "Restaurant", "dishes", "Void trattoria"},
			{"a menu that shrinks", w.max, "Restaurant", "VOID", `{"dishes":{"disconnect":[{"id":2},{"id":1}]}}`, "Restaurant", "dishes", "trattoria"},
			{"one to one", w.ann, "User", "ANN", `{"name":"new","card":{"disconnect":{"id":"CARDANN"},"create":{"name":"silver"}}}`, "Card", "user", "silver"},
			{"one to one, changed back", w.ann, "User", "ANN", `{"card":{"connect":{"id":"CARDANN"}}}`, "", "", ""},
		} {
			err := w.write(tt.who, tt.entity, tt.id, tt.body)
			if tt.far == "" { // the other card still leads here
				if status(t, err) != http.StatusConflict {
					t.Errorf("%s: %v", tt.name, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v %v", tt.name, err, problems(err))
			}
			if got := named(tt.far, tt.relation); got != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		}
		if got := w.column(db, "SELECT note || CAST(restaurant_id AS text) FROM orders WHERE id = 1"); got != "no salt#roma" {
			t.Errorf("an order: %s", got)
		}
		if got := w.column(db, "SELECT name FROM dishes WHERE id = 1 AND restaurant_id IS NOT NULL"); got != "pasta" {
			t.Errorf("a dish of another restaurant was let go: %s", got)
		}
		// An order inside of its guest is the guest's own, which the service says anyway.
		if err := w.write(w.ann, "User", "ANN", `{"orders":{"create":[{"note":"inside"}]}}`); err != nil {
			t.Errorf("an order of oneself: %v %v", err, problems(err))
		}
		if err := w.write(w.max, "User", "MAX", `{"name":"new","orders":{"create":[{"note":"inside","gift":{"create":{"name":"g"}},"restaurant":{"connect":{"id":"ROMA"}}}]}}`); err != nil {
			t.Errorf("an order of oneself: %v %v", err, problems(err))
		}
		if got := w.column(db, "SELECT CAST(guest_id AS text) FROM orders WHERE note = 'inside' ORDER BY 1"); got != "#ann #max" {
			t.Errorf("orders: %s", got)
		}
		whole := `{"name":"whole","restaurant":{"create":{"name":"whole"}}}`
		if _, err := w.all["Dish"].UpdateRow(as(t, w.max), "3", []byte(whole), nil); err != nil {
			t.Errorf("a row that is replaced: %v %v", err, problems(err))
		}
		if got := w.column(db, "SELECT r.name FROM dishes d JOIN restaurants r ON d.restaurant_id = r.id WHERE d.id = 3"); got != "whole" {
			t.Errorf("a row that was replaced: %s", got)
		}
	})
}

// TestNested_told: hooks know which relations a change is about, and who listens
// hears of every row, after the commit.
func TestNested_told(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db, strict)
		var told []string
		for _, name := range []string{"Restaurant", "Dish", "Tag", "User"} {
			r, ok := w.all[name].(*crud.Resource[record])
			if !ok {
				t.Fatal("not a resource")
			}
			r.OnChange(func(ctx context.Context, c crud.Changed) {
				if _, inside := crud.Tx(ctx, db); inside {
					t.Error("told before the commit")
				}
				told = append(told, name+" "+c.Action.String())
			})
			r.Before(authz.Create, func(_ context.Context, ch *crud.Change[record]) error {
				if slices.Contains(ch.Links, "tags") && slices.Contains(ch.Links, "orders") {
					return &gate.Error{Status: http.StatusForbidden, Message: "one after the other"}
				}
				return nil
			})
		}
		body := `{"name":"new","host":{"connect":{"id":"MAX"}},"dishes":{"create":[{"name":"a","tags":{"create":[{"name":"t"}]}}],"connect":[{"id":5}]}}`
		if err := w.write(w.max, "Restaurant", "", body); err != nil {
			t.Fatal(err, problems(err))
		}
		if want := []string{"Dish update", "Tag create", "Dish create", "Restaurant create"}; !slices.Equal(told, want) {
			t.Errorf("told: %v, want %v", told, want)
		}
		if err := w.write(w.max, "Dish", "", `{"name":"a","tags":{},"orders":{}}`); status(t, err) != http.StatusForbidden {
			t.Errorf("a hook: %v", err)
		}
	})
}

// TestNested_roles: accounts without passwords can be made inside of other rows,
// and with no role that their maker could not give.
func TestNested_roles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db, strict, func(entities map[string]*model.Entity) {
			u := entities["User"]
			password, _ := fieldOf(u, "password")
			u.Fields = slices.Delete(u.Fields, password, password+1)
			u.Allow.Create = []string{"signed-in"}
		})
		before := w.kept(db)
		for _, body := range []string{
			`{"user":{"create":{"name":"eve","roles":["manager"]}}}`,
			`{"user":{"create":{"name":"eve","team":{"create":[{"name":"eva","roles":["manager"]}]}}}}`,
			`{"user":{"create":{"name":"eve","orders":{"create":[{"note":"x","guest":{"create":{"name":"eva","roles":["manager"]}}}]}}}}`,
		} {
			err := w.write(w.ann, "Card", "CARDANN", body)
			if s := status(t, err); s != http.StatusForbidden && s != http.StatusBadRequest || len(problems(err)) == 0 {
				t.Errorf("%s: %v %v", body, err, problems(err))
			}
			if now := w.kept(db); now != before {
				t.Fatalf("%s changed something:\n%s\n%s", body, before, now)
			}
		}
		if err := w.write(w.max, "Card", "", `{"name":"x","user":{"create":{"name":"eve","roles":["manager"]}}}`); err != nil {
			t.Errorf("by a manager: %v %v", err, problems(err))
		}
		if got := w.column(db, "SELECT CAST(roles AS text) FROM users WHERE name = 'eve'"); got != "['manager']" {
			t.Errorf("roles: %s", got)
		}
	})
}

// TestNested_judgedLate: whose row it is, a key says that is known late. It is
// judged then.
func TestNested_judgedLate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db, strict, func(entities map[string]*model.Entity) {
			u, o := entities["User"], entities["Order"]
			password, _ := fieldOf(u, "password")
			u.Fields = slices.Delete(u.Fields, password, password+1)
			guest, _ := fieldOf(o, "guestId")
			o.Fields[guest].Create, o.Fields[guest].Update = []string{"signed-in"}, []string{"signed-in"}
			o.Allow.Create = []string{"owner"}
		})
		before := w.kept(db)
		for _, tt := range []struct{ id, body string }{
			{"", `{"note":"x","guest":{"create":{"name":"eve"}}}`},
			{"", `{"note":"x","guest":{"connect":{"id":"ANN"}}}`},
			{"4", `{"note":"x","guest":{"create":{"name":"eve"}}}`},
			{"4", `{"note":"x","guest":{"connect":{"id":"ANN"}}}`},
		} {
			if err := w.write(w.max, "Order", tt.id, tt.body); status(t, err) != http.StatusForbidden {
				t.Errorf("%s: %v %v", tt.body, err, problems(err))
			}
			if now := w.kept(db); now != before {
				t.Fatalf("%s changed something:\n%s\n%s", tt.body, before, now)
			}
		}
		if err := w.write(w.max, "Order", "", `{"note":"x","guest":{"connect":{"id":"MAX"}},"restaurant":{"create":{"name":"late"}}}`); err != nil {
			t.Errorf("one's own: %v %v", err, problems(err))
		}
	})
}

// TestBelonging asks for rows by the row that they belong to, and makes one there.
func TestBelonging(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db, strict)
		for _, tt := range []struct {
			name                 string
			who                  *gate.Principal
			entity, id, relation string
			q                    query.Query
			status               int
			want                 string
		}{
			{"a menu", nil, "Restaurant", "ROMA", "dishes", query.Query{}, 200, "1 2 4 (3)"},
			{"a page of it", nil, "Restaurant", "ROMA", "dishes", query.Query{Limit: 1, Skip: 1}, 200, "2 (3)"},
			{"some of it", nil, "Restaurant", "ROMA", "dishes", query.Query{Where: query.Term{Field: "name", Op: query.Eq, Value: "soup"}}, 200, "4 (1)"},
			{"what it costs", w.ann, "Restaurant", "ROMA", "dishes", query.Query{Where: query.Term{Field: "cost", Op: query.Gt, Value: "3"}}, 400, ""},
			{"an empty one", nil, "Restaurant", "VOID", "dishes", query.Query{}, 200, " (0)"},
			{"pairs", w.max, "Tag", "HOT", "dishes", query.Query{}, 200, "1 2 3 (3)"},
			{"pairs that one may not list", w.ann, "Dish", "1", "tags", query.Query{}, 403, ""},
			{"one's own orders", w.ann, "Restaurant", "ROMA", "orders", query.Query{}, 200, "1 (1)"},
			{"orders, as nobody", nil, "Restaurant", "ROMA", "orders", query.Query{}, 401, ""},
			{"orders of one out of sight", w.ann, "User", "BOB", "orders", query.Query{}, 404, ""},
			{"of one that does not exist", nil, "Restaurant", "nope", "dishes", query.Query{}, 404, ""},
			{"a relation whose key one may not read", w.ann, "Restaurant", "ROMA", "plans", query.Query{}, 404, ""},
			{"a relation to one", w.max, "Dish", "1", "restaurant", query.Query{}, 404, ""},
			{"no relation", w.max, "Dish", "1", "nope", query.Query{}, 404, ""},
		} {
			w.counter.Take()
			rows, err := w.all[tt.entity].FindRelated(as(t, tt.who), ids(tt.id), tt.relation, &tt.q)
			got, _, err := w.answer(rows, err)
			if tt.status == http.StatusOK && (err != nil || got != tt.want) || err != nil && status(t, err) != tt.status {
				t.Errorf("%s: %s %v %v, want %d %s", tt.name, got, err, problems(err), tt.status, tt.want)
			}
		}
		for _, tt := range []struct {
			name                       string
			who                        *gate.Principal
			entity, id, relation, body string
			status                     int
			problem                    string
		}{
			{"as nobody", nil, "Restaurant", "ROMA", "dishes", `{"name":"x"}`, 401, ""},
			{"without the right", w.ann, "Restaurant", "ROMA", "dishes", `{"name":"x"}`, 403, ""},
			{"of a row out of sight", w.ann, "User", "BOB", "orders", `{"note":"x"}`, 404, ""},
			{"of none", w.max, "Restaurant", "nope", "dishes", `{"name":"x"}`, 404, ""},
			{"with another key", w.max, "Restaurant", "ROMA", "dishes", `{"name":"x","restaurantId":"OSLO"}`, 400, "restaurantId read_only"},
			{"for another owner", w.max, "User", "ANN", "orders", `{"note":"x"}`, 400, "guestId read_only"},
			{"with nothing right", w.max, "Restaurant", "ROMA", "dishes", `{"name":7}`, 400, "name type"},
			{"by pairs", w.max, "Order", "1", "dishes", `{"name":"x"}`, 405, ""},
			{"of a relation to one", w.max, "Dish", "1", "restaurant", `{"name":"x"}`, 404, ""},
		} {
			before := w.kept(db)
			_, err := w.all[tt.entity].CreateRelated(as(t, tt.who), ids(tt.id), tt.relation, []byte(ids(tt.body)), nil)
			if got := status(t, err); got != tt.status || strings.Join(problems(err), ", ") != tt.problem {
				t.Errorf("%s: %d %v, want %d %s", tt.name, got, problems(err), tt.status, tt.problem)
			}
			if now := w.kept(db); now != before {
				t.Fatalf("%s changed something", tt.name)
			}
		}
		row, err := w.all["Restaurant"].CreateRelated(as(t, w.max), uid("void"), "dishes", []byte(`{"name":"x","tags":{"connect":[{"id":"`+uid("hot")+`"}]}}`), nil)
		if err != nil || row.Entity().Name != "Dish" {
			t.Fatal(err, problems(err))
		}
		if got, _, err := w.answer(w.all["Restaurant"].FindRelated(as(t, w.max), uid("void"), "dishes", &query.Query{})); err != nil || got != row.ID+" (1)" {
			t.Errorf("%s, %v", got, err)
		}
	})
}

// TestNested_release: to let a row go that one may not change is refused, whether or not
// it is tied: the answer does not tell.
func TestNested_release(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTown(t, db, strict)
		for _, id := range []string{"ROMA", "OSLO"} { // the order is one of ROMA, and ann's
			err := w.write(w.max, "Restaurant", id, `{"orders":{"disconnect":[{"id":1}]}}`)
			if got := problems(err); status(t, err) != http.StatusForbidden || !slices.Equal(got, []string{"orders.disconnect[0] forbidden"}) {
				t.Errorf("%s: %v %v", id, err, got)
			}
		}
	})
}
