package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/server/graph"
)

const fieldSDL = `
type Query { items: [Item!] item(id: ID!): Item user(id: ID!): User me: User }
type Item { id: ID! name: String secret: String price: Decimal }
type User { id: ID! email: String }
scalar Decimal
`

const ownSDL = `
extend type Query {
  menu(only: [String!], most: Int!): [Item!]
  weather: Weather
  everybody: [User!]
}
type Mutation { close(why: String!): Boolean burn: Int }
type Weather { warm: Boolean! words: [String!] }
extend type Item {
  shout(times: Int): String
  knowsSecret: Boolean
  similar: [Item!]
  fire: Int
}
extend type User { rank: Int }
`

type menuIn struct {
	Only []string `json:"only"`
	Most int64    `json:"most" max:"5"`
}

type weather struct {
	Warm  bool     `json:"warm"`
	Words []string `json:"words"`
}

// ownFields registers what ownSDL has, but for those that skip names.
func ownFields(a *App, skip string) {
	public := []string{"public"}
	all := func(ctx context.Context) ([]Item, error) {
		page, err := a.Items.Find(authz.System(ctx), &query.Query{Sort: []query.Sort{{Field: "name"}}})
		if err != nil {
			return nil, err
		}
		return page.Data, nil
	}
	if skip != "Query.menu" {
		graph.Field(a.App, "Query.menu", public, func(ctx context.Context, in menuIn) ([]Item, error) {
			items, err := all(ctx)
			return items[:min(len(items), int(in.Most))], err
		})
	}
	graph.Field(a.App, "Query.weather", []string{"menu-admin"}, func(context.Context, struct{}) (weather, error) {
		return weather{Warm: true, Words: []string{"sunny"}}, nil
	})
	graph.Field(a.App, "Query.everybody", public, func(ctx context.Context, _ struct{}) ([]User, error) {
		page, err := a.Users.Find(authz.System(ctx), &query.Query{})
		if err != nil {
			return nil, err
		}
		return page.Data, nil
	})
	graph.Field(a.App, "Mutation.close", nil, func(context.Context, struct {
		Why string `json:"why"`
	},
	) (bool, error) {
		return true, nil
	})
	graph.Field(a.App, "Mutation.burn", public, func(ctx context.Context, _ struct{}) (int64, error) {
		if _, err := a.Items.CreateRow(authz.System(ctx), []byte(`{"name":"ash","price":1}`), nil); err != nil {
			return 0, err
		}
		return 0, fmt.Errorf("smoke")
	})
	if skip == "Item.shout" {
		return
	}
	graph.RowField(a.App, "Item.shout", public, func(_ context.Context, row *Item, in struct {
		Times *int64 `json:"times" min:"1"`
	},
	) (*string, error) {
		loud := strings.ToUpper(row.Name)
		return &loud, nil
	})
	graph.RowField(a.App, "Item.knowsSecret", public, func(_ context.Context, row *Item, _ struct{}) (bool, error) {
		return row.Secret != nil, nil
	})
	graph.RowField(a.App, "Item.similar", public, func(ctx context.Context, _ *Item, _ struct{}) ([]Item, error) { return all(ctx) })
	graph.RowField(a.App, "Item.fire", public, func(context.Context, *Item, struct{}) (int64, error) { panic("fire") })
	graph.RowField(a.App, "User.rank", public, func(context.Context, *User, struct{}) (int64, error) { return 1, nil })
}

// TestAUZ_ownFields: own fields of the schema show no row and no value that the caller
// may not read, and ask who calls like anything else.
func TestAUZ_ownFields(t *testing.T) {
	r := start(t, options{configure: func(a *App) error {
		ownFields(a, "")
		a.Extend(func(a *server.App) error { return graph.Mount(a, fieldSDL, ownSDL) })
		return nil
	}})
	id := r.signUp(ada)
	r.signUp("chef@x.example", "menu-admin")
	chef := r.login("chef@x.example")
	soup := ""
	for _, name := range []string{"apple", "soup"} {
		row, err := r.app.Items.CreateRow(authz.System(t.Context()), []byte(`{"name":"`+name+`","price":1,"secret":"x"}`), nil)
		if err != nil {
			t.Fatal(err)
		}
		soup = row.ID
	}
	for _, tt := range []struct {
		document string
		headers  []string
		want     string
	}{
		{`{ everybody { email rank } }`, nil, `{"data":{"everybody":[]}}`},
		{`{ user(id: "` + id + `") { rank } }`, nil, `"user":null`},
		{`{ user(id: "` + id + `") { rank } }`, chef, `{"data":{"user":{"rank":1}}}`},
		{`{ menu(most: 2) { name knowsSecret } }`, nil, `{"data":{"menu":[{"name":"apple","knowsSecret":false},{"name":"soup","knowsSecret":false}]}}`},
		{`{ menu(most: 1) { knowsSecret secret } }`, chef, `{"data":{"menu":[{"knowsSecret":true,"secret":"x"}]}}`},
		{`{ menu(most: 1) { secret } }`, nil, `"secret":null`},
		{`{ menu(most: 6) { name } }`, nil, `"field":"most","code":"too_large"`},
		{`{ items { loud: shout(times: 2) } }`, nil, `{"data":{"items":[{"loud":"APPLE"},{"loud":"SOUP"}]}}`},
		{`{ items { shout(times: 0) } }`, nil, `"code":"too_small"`},
		{`{ item(id: "` + soup + `") { similar { name secret } } }`, nil, `"similar":[{"name":"apple","secret":null},{"name":"soup","secret":null}]`},
		{`{ weather { warm } }`, nil, "UNAUTHENTICATED"},
		{`{ weather { warm } }`, r.login(ada), "FORBIDDEN"},
		{`{ weather { warm words } }`, chef, `{"data":{"weather":{"warm":true,"words":["sunny"]}}}`},
		{`mutation { close(why: "late") }`, chef, "FORBIDDEN"},
		{`mutation { burn }`, nil, "INTERNAL"},
	} {
		if a := r.document(tt.document, tt.headers...); !strings.Contains(a.Body, tt.want) {
			t.Errorf("%s: %s, want %s", tt.document, a.Body, tt.want)
		}
	}
	if total := r.do("GET", "/api/items", "").is(200).json()["total"]; total != 2.0 {
		t.Errorf("there are %v items after a mutation that failed", total)
	}
	r.do("POST", graph.Path, `{"query":"{ items { fire } }"}`).is(500)
	for _, deep := range []string{
		`{ items { similar { similar { name } } } }`,
		`{ items { similar { similar { similar { similar { name } } } } } }`,
	} {
		if a := r.do("POST", graph.Path, fmt.Sprintf(`{"query":%q}`, deep)); a.Status != 400 || !strings.Contains(a.Body, "LIMIT_EXCEEDED") {
			t.Errorf("%s: %d %s", deep, a.Status, a.Body)
		}
	}
}

// TestOwnFieldsRefused: a schema and functions that do not fit keep the service from
// starting.
func TestOwnFieldsRefused(t *testing.T) {
	for want, tt := range map[string]struct{ skip, sdl string }{
		"nothing answers Query.menu of app/schema.graphql: register it in app/hooks.go by graph.Field":    {"Query.menu", ownSDL},
		"nothing answers Item.shout of app/schema.graphql: register it in app/hooks.go by graph.RowField": {"Item.shout", ownSDL},
		"Item.fire is not in app/schema.graphql":                                                          {"", strings.Replace(ownSDL, "  fire: Int\n", "", 1)},
		"Item has a field of that name":                                                                   {"", ownSDL + "extend type Item { image: String }"},
		"nothing answers Query.leak":                                                                      {"", ownSDL + "extend type Query { leak: [User!] }"},
		"the function answers a value":                                                                    {"", strings.Replace(ownSDL, "shout(times: Int): String", "shout(times: Int): Weather", 1)},
		"the function takes 1 arguments":                                                                  {"", strings.Replace(ownSDL, "shout(times: Int)", "shout", 1)},
		"the action answers rows of User":                                                                 {"", strings.Replace(ownSDL, "everybody: [User!]", "everybody: [Item!]", 1)},
		"an error here would take away":                                                                   {"", strings.Replace(ownSDL, "knowsSecret: Boolean", "knowsSecret: Boolean!", 1)},
		"Weather.cold: weather has no such field":                                                         {"", strings.Replace(ownSDL, "warm: Boolean!", "cold: Boolean!", 1)},
		"app/schema.graphql:8: Weather is an interface, and a function answers objects: give it a type":   {"", strings.Replace(ownSDL, "type Weather", "interface Weather", 1)},
		"app/schema.graphql:17: Sky is a union, and a function answers objects: give it a type":           {"", strings.Replace(ownSDL, "weather: Weather", "weather: Sky", 1) + "\nunion Sky = Weather"},
		"app/schema.graphql":                                                                              {"", "extend type {"},
	} {
		err := openWith(t, func(a *App) error {
			ownFields(a, tt.skip)
			a.Extend(func(a *server.App) error { return graph.Mount(a, fieldSDL, tt.sdl) })
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
