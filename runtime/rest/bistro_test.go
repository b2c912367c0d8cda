package rest_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/store"
)

// The bistro is the service on which the attacks of Amplication's output were tried:
// everybody sees restaurants and what is on the menu, but for the cost; who is signed
// in changes restaurants and sees orders; accounts are for administrators.

type line struct {
	ID           string
	Name         string
	Cost         *int64
	MenuOf       *string // a restaurant
	RestaurantID string
	UserID       string
	Password     string
	Roles        []string
	Version      int64
}

// lineOf returns where the fields of an entity are in a line.
func lineOf(e *model.Entity) func(*line, model.FieldID) any {
	return func(r *line, f model.FieldID) any {
		switch e.Fields[f].Name {
		case "id":
			return &r.ID
		case "name":
			return &r.Name
		case "cost":
			return &r.Cost
		case "restaurantId":
			if !e.Fields[f].Required {
				return &r.MenuOf
			}
			return &r.RestaurantID
		case "userId":
			return &r.UserID
		case "password":
			return &r.Password
		case "roles":
			return &r.Roles
		case "version":
			return &r.Version
		}
		return nil
	}
}

const (
	figs  = "01941f29-7c00-7a3e-8b1d-0000000000a1" // restaurants
	olive = "01941f29-7c00-7a3e-8b1d-0000000000a2"
	soup  = "01941f29-7c00-7a3e-8b1d-0000000000b1" // menu items of figs, and one of olive
	cake  = "01941f29-7c00-7a3e-8b1d-0000000000b2"
	wine  = "01941f29-7c00-7a3e-8b1d-0000000000b3"
	lunch = "01941f29-7c00-7a3e-8b1d-0000000000c1" // orders of ann and bob
	feast = "01941f29-7c00-7a3e-8b1d-0000000000c2"
	hash  = "$2b$10$abcdefghijklmnopqrstuv"
)

func bistroEntities() []*model.Entity {
	id := model.Field{Name: "id", Column: "id", Type: model.ID, Required: true}
	name := model.Field{Name: "name", Column: "name", Type: model.Text, Required: true, MaxLength: 100}
	relation := func(name, column, to string, required bool) model.Field {
		return model.Field{Name: name, Column: column, Type: model.Relation, To: to, Required: required}
	}
	everybody, members, managers, admins := []string{"public"}, []string{"signed-in"}, []string{"manager"}, []string{"admin"}
	return []*model.Entity{
		{
			Name: "User", Plural: "Users", Path: "users", Table: "users", Owner: "id",
			Fields: []model.Field{
				id, name,
				{Name: "password", Column: "password", Type: model.Password, Required: true},
				{Name: "roles", Column: "roles", Type: model.Roles, Required: true, Update: admins},
			},
			Links: []model.Link{{Name: "orders", To: "Order", Many: true, Inverse: "userId"}},
			Allow: model.Allow{View: []string{"owner", "admin"}, List: admins, Create: admins, Update: []string{"owner", "admin"}, Delete: admins},
		},
		{
			Name: "Restaurant", Plural: "Restaurants", Path: "restaurants", Table: "restaurants",
			Fields: []model.Field{id, name, {Name: "version", Column: "version", Type: model.Integer, Required: true, ReadOnly: true, Default: int64(1)}},
			Links: []model.Link{
				{Name: "orders", To: "Order", Many: true, Inverse: "restaurantId"},
				{Name: "menuItems", To: "MenuItem", Many: true, Inverse: "restaurantId"},
			},
			Version: "version",
			Allow:   model.Allow{View: everybody, List: everybody, Create: members, Update: members, Delete: admins},
		},
		{
			Name: "MenuItem", Plural: "MenuItems", Path: "menuItems", Table: "menu_items",
			Fields: []model.Field{
				id, name,
				{Name: "cost", Column: "cost", Type: model.Integer, View: managers, Create: managers, Update: managers},
				relation("restaurantId", "restaurant_id", "Restaurant", false),
			},
			Links: []model.Link{
				{Name: "restaurant", To: "Restaurant", Key: "restaurantId"},
				{Name: "orders", To: "Order", Many: true, Through: &model.Join{Table: "order_items", Near: "item_id", Far: "order_id"}},
			},
			Allow: model.Allow{View: everybody, List: everybody, Create: managers, Update: managers, Delete: managers},
		},
		{
			Name: "Order", Plural: "Orders", Path: "orders", Table: "orders", Owner: "userId",
			Fields: []model.Field{id, name, relation("restaurantId", "restaurant_id", "Restaurant", true), relation("userId", "user_id", "User", true)},
			Links: []model.Link{
				{Name: "restaurant", To: "Restaurant", Key: "restaurantId"},
				{Name: "user", To: "User", Key: "userId"},
				{Name: "items", To: "MenuItem", Many: true, Through: &model.Join{Table: "order_items", Near: "order_id", Far: "item_id"}},
			},
			Allow: model.Allow{View: members, List: members, Create: members, Update: []string{"owner", "manager"}, Delete: admins},
		},
	}
}

// plain is no hasher for anything but this.
type plain struct{}

func (plain) Hash(_ context.Context, password string) (string, error) { return password, nil }

func (plain) Check(string, ...string) error { return nil }

// newBistro serves it in the grammar of Amplication.
func newBistro(t *testing.T, db *store.DB) *notes {
	t.Helper()
	key := map[store.Dialect]string{store.SQLite: "TEXT", store.Postgres: "uuid"}[db.Dialect()]
	list := map[store.Dialect]string{store.SQLite: "TEXT", store.Postgres: "jsonb"}[db.Dialect()]
	for _, stmt := range []string{
		`CREATE TABLE users (id ` + key + ` PRIMARY KEY, name TEXT NOT NULL, password TEXT NOT NULL, roles ` + list + ` NOT NULL)`,
		`CREATE TABLE restaurants (id ` + key + ` PRIMARY KEY, name TEXT NOT NULL, version BIGINT NOT NULL)`,
		`CREATE TABLE menu_items (id ` + key + ` PRIMARY KEY, name TEXT NOT NULL, cost BIGINT, restaurant_id ` + key + ` REFERENCES restaurants (id))`,
		`CREATE TABLE orders (id ` + key + ` PRIMARY KEY, name TEXT NOT NULL, restaurant_id ` + key + ` NOT NULL REFERENCES restaurants (id), user_id ` + key + ` NOT NULL REFERENCES users (id))`,
		`CREATE TABLE order_items (order_id ` + key + ` NOT NULL REFERENCES orders (id) ON DELETE CASCADE, item_id ` + key + ` NOT NULL REFERENCES menu_items (id), PRIMARY KEY (order_id, item_id))`,
		`INSERT INTO users VALUES ('` + ann + `', 'Ann', '` + hash + `', '["user"]'), ('` + bob + `', 'Bob', '` + hash + `', '["user"]'), ('` + ed + `', 'Ed', '` + hash + `', '["admin"]')`,
		`INSERT INTO restaurants VALUES ('` + figs + `', 'Figs', 1), ('` + olive + `', 'Olive', 1)`,
		`INSERT INTO menu_items VALUES ('` + soup + `', 'Soup', 4, '` + figs + `'), ('` + cake + `', 'Cake', 7, '` + figs + `'), ('` + wine + `', 'Wine', NULL, '` + olive + `')`,
		`INSERT INTO orders VALUES ('` + lunch + `', 'Lunch', '` + figs + `', '` + ann + `'), ('` + feast + `', 'Feast', '` + figs + `', '` + bob + `')`,
		`INSERT INTO order_items VALUES ('` + lunch + `', '` + soup + `')`,
	} {
		if _, err := db.Exec(t.Context(), stmt); err != nil {
			t.Fatalf("%s: %v", stmt, err)
		}
	}
	policy, err := authz.NewPolicy([]authz.Role{{Name: "user"}, {Name: "manager"}, {Name: "admin"}})
	if err != nil {
		t.Fatal(err)
	}
	n := &notes{t: t, db: db, mux: http.NewServeMux()}
	var services []crud.Service
	for _, e := range bistroEntities() {
		r, err := crud.New(db, policy, e, lineOf(e))
		if err != nil {
			t.Fatal(err)
		}
		if e.Name == "User" {
			r.UsePasswords(plain{})
		}
		services = append(services, r)
	}
	if err := crud.Link(services...); err != nil {
		t.Fatal(err)
	}
	api := rest.API{
		Grammar: rest.Amplication{}, Policy: policy, Protect: member,
		Errors: gate.ErrorWriter{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))},
	}
	for _, s := range services {
		for _, route := range api.Routes(s) {
			n.mux.Handle(route.Method+" "+route.Path, route.Handler)
		}
	}
	return n
}

// member believes the header X-Who, and says of which role somebody is.
func member(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subject, role, _ := strings.Cut(r.Header.Get("X-Who"), " "); subject != noOne {
			p := &gate.Principal{Subject: subject, Roles: strings.Fields(role)}
			r = r.WithContext(gate.ContextWithPrincipal(r.Context(), p))
		}
		next.ServeHTTP(w, r)
	})
}

// Those who come to the bistro.
const (
	guest   = ann + " user"
	other   = bob + " user"
	manager = ed + " manager"
	admin   = ed + " admin"
	ghost   = bob + " ghost" // a role that the service does not know
)

// is sees that an answer has a status, and a body where one is wanted.
func is(t *testing.T, w *httptest.ResponseRecorder, status int, body ...string) {
	t.Helper()
	if w.Code != status {
		t.Errorf("%d %s, want %d", w.Code, w.Body, status)
		return
	}
	for _, b := range body {
		if got := w.Body.String(); got != b {
			t.Errorf("%s\nwant %s", got, b)
		}
	}
}
