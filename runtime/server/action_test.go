package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/action"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/server/graph"
)

// This file is a service with actions as the generator prints them.

type quoteInput struct {
	Lines  []quoteLine
	Size   *string
	Coupon *string
	Days   []string
}

type quoteLine struct {
	Item     string
	Quantity int64
}

type quoteOutput struct {
	Total model.Decimal
	Size  *string
	Lines []quoteLine
	Tags  []string
	Days  []string
}

func lineRecord() *action.Record {
	return &action.Record{Name: "QuoteLine", Members: []action.Member{
		{Field: model.Field{Name: "item", Type: model.ID, ID: model.UUID, Required: true}},
		{Field: model.Field{Name: "quantity", Type: model.Integer, Required: true, Min: "1", Max: "99"}},
	}}
}

func quoteInputRecord() *action.Record {
	return &action.Record{Name: "QuoteInput", Members: []action.Member{
		{Field: model.Field{Name: "lines", Required: true}, List: true, Record: lineRecord()},
		{Field: model.Field{Name: "size", Type: model.Enum, Values: []string{"extra-large", "small"}}},
		{Field: model.Field{Name: "coupon", Type: model.Text, MaxLength: 5}},
		{Field: model.Field{Name: "days", Type: model.MultiEnum, Values: []string{"any-day", "monday"}}},
	}}
}

func quoteOutputRecord() *action.Record {
	return &action.Record{Name: "QuoteOutput", Members: []action.Member{
		{Field: model.Field{Name: "total", Type: model.DecimalType, Precision: 10, Scale: 2, Required: true}},
		{Field: model.Field{Name: "size", Type: model.Enum, Values: []string{"extra-large", "small"}}},
		{Field: model.Field{Name: "lines", Required: true}, List: true, Record: lineRecord()},
		{Field: model.Field{Name: "tags", Type: model.Text}, List: true},
		{Field: model.Field{Name: "days", Type: model.MultiEnum, Values: []string{"any-day", "monday"}}},
	}}
}

const actionSDL = `
type Query { quote(input: QuoteInput!): QuoteOutput leaked: [User!] items: [Item!] }
type Mutation {
  raise(id: ID!): Item
  closed: Boolean
  secretly: Boolean
  explode: Boolean
  refuse: Boolean
  wrong: QuoteOutput
}
type QuoteOutput { total: Decimal! size: QuoteSize lines: [QuoteLine!]! tags: [String!] days: [QuoteDays!] }
type QuoteLine { item: ID! quantity: BigInt! }
input QuoteInput { lines: [QuoteLineInput!]! size: QuoteSize coupon: String days: [QuoteDays!] }
input QuoteLineInput { item: ID! quantity: BigInt! }
enum QuoteSize { extra_large small }
enum QuoteDays { any_day monday }
type Item { id: ID! name: String secret: String price: Decimal }
type User { id: ID! email: String }
scalar Decimal
scalar BigInt
`

// kitchen lists actions of all shapes. Calls counts those that ran.
func kitchen(a *App, calls *int) []*action.Action {
	done := func(f func(ctx context.Context, id string, in any) (any, error)) func(ctx context.Context, id string, in any) (any, error) {
		return func(ctx context.Context, id string, in any) (any, error) {
			*calls++
			return f(ctx, id, in)
		}
	}
	soup := func(ctx context.Context) error {
		_, err := a.Items.CreateRow(authz.System(ctx), []byte(`{"name":"soup","price":1}`), nil)
		return err
	}
	post := func(name string, rules []string, run func(ctx context.Context, id string, in any) (any, error)) *action.Action {
		return &action.Action{Name: name, Method: "POST", Path: "/api/actions/" + name, Rules: rules, Changes: true, Run: done(run)}
	}
	public := []string{"public"}
	quote := post("quote", public, func(_ context.Context, _ string, in any) (any, error) {
		q := action.In[quoteInput](in)
		total := int64(0)
		for _, l := range q.Lines {
			total += l.Quantity
		}
		return quoteOutput{Total: model.NewDecimal(total, 0), Size: q.Size, Lines: q.Lines, Days: q.Days}, nil
	})
	quote.Input, quote.New, quote.Output, quote.Changes = quoteInputRecord(), func() any { return new(quoteInput) }, quoteOutputRecord(), false
	leaked := post("leaked", public, func(ctx context.Context, _ string, _ any) (any, error) {
		users, err := a.Users.Find(authz.System(ctx), &query.Query{})
		if err != nil {
			return nil, err
		}
		return action.RowIDs(users.Data, nil, func(u *User) string { return u.ID })
	})
	leaked.Rows, leaked.List = "User", true
	raise := post("raise", []string{"update:items"}, func(ctx context.Context, id string, _ any) (any, error) {
		item, err := a.Items.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		secret, system := "of the house", authz.System(ctx)
		item, err = a.Items.Patch(system, item.ID, &crud.Change[Item]{Row: Item{Secret: &secret}, Set: model.Fields(5)})
		return action.RowID(item, err, func(i *Item) string { return i.ID })
	})
	raise.Path, raise.Row, raise.Rows = "/api/items/{id}/raise", "Item", "Item"
	wrong := post("wrong", public, func(context.Context, string, any) (any, error) {
		size := "huge"
		return quoteOutput{Size: &size, Lines: []quoteLine{}}, nil
	})
	wrong.Output = quoteOutputRecord()
	items := post("items", public, func(ctx context.Context, _ string, _ any) (any, error) {
		page, err := a.Items.Find(ctx, &query.Query{Sort: []query.Sort{{Field: "name", Descending: true}}})
		if err != nil {
			return nil, err
		}
		return action.RowIDs(page.Data, nil, func(i *Item) string { return i.ID })
	})
	items.Rows, items.List, items.Method, items.Path, items.Changes = "Item", true, "GET", "/api/actions/items", false
	return []*action.Action{
		quote, leaked, raise, wrong, items,
		post("closed", nil, func(context.Context, string, any) (any, error) { return nil, nil }),
		post("secretly", []string{"update:items"}, func(context.Context, string, any) (any, error) { return nil, nil }),
		post("explode", public, func(ctx context.Context, _ string, _ any) (any, error) {
			if err := soup(ctx); err != nil {
				return nil, err
			}
			panic("the pan is on fire")
		}),
		post("refuse", public, func(ctx context.Context, _ string, _ any) (any, error) {
			if err := soup(ctx); err != nil {
				return nil, err
			}
			return nil, &gate.Error{Status: http.StatusConflict, Message: "The kitchen is closed"}
		}),
	}
}

func startKitchen(t *testing.T) (*running, *int) {
	calls := new(int)
	r := start(t, options{configure: func(a *App) error {
		a.ServeActions(kitchen(a, calls)...)
		a.Extend(func(a *server.App) error { return graph.Mount(a, actionSDL) })
		return nil
	}})
	return r, calls
}

// TestAUZ_actions: who may not call an action is told so before anything that was
// sent is looked at, whatever the surface.
func TestAUZ_actions(t *testing.T) {
	r, calls := startKitchen(t)
	r.signUp(ada)
	r.signUp("chef@x.example", "menu-admin")
	chef := r.login("chef@x.example")
	callers := map[string][]string{"nobody": nil, "somebody": r.login(ada), "chef": chef}
	for _, tt := range []struct {
		action, caller string
		status         int
		code           string
	}{
		{"closed", "nobody", 401, "UNAUTHENTICATED"},
		{"closed", "somebody", 403, "FORBIDDEN"},
		{"closed", "chef", 403, "FORBIDDEN"},
		{"secretly", "nobody", 401, "UNAUTHENTICATED"},
		{"secretly", "somebody", 403, "FORBIDDEN"},
		{"secretly", "chef", 204, ""},
	} {
		headers := callers[tt.caller]
		before := *calls
		for _, body := range []string{"", `{}`, `{"zzz":1}`, `not JSON`, `[]`} {
			if tt.status == 204 && body != "" && body != `{}` {
				continue
			}
			r.do("POST", "/api/actions/"+tt.action, body, headers...).is(tt.status)
		}
		if tt.status != 204 && *calls != before {
			t.Errorf("%s ran for %s", tt.action, tt.caller)
		}
		a := r.document(`mutation { `+tt.action+` }`, headers...)
		if want := `{"data":{"` + tt.action + `":true}}`; tt.code == "" && a.Body != want || !strings.Contains(a.Body, tt.code) {
			t.Errorf("%s by %s in GraphQL: %s", tt.action, tt.caller, a.Body)
		}
	}
	soup := r.do("POST", "/api/items", `{"name":"soup","price":1}`, chef...).is(201).json()["id"].(string)
	nowhere := "019f0000-0000-7000-8000-000000000000"
	for _, id := range []string{soup, nowhere, "x"} { // 403 whatever the id
		r.do("POST", "/api/items/"+id+"/raise", "", callers["somebody"]...).is(403)
	}
	r.do("POST", "/api/items/"+nowhere+"/raise", `{"zzz":1}`, chef...).is(404) // before the body
	r.do("POST", "/api/items/"+soup+"/raise", `{"zzz":1}`, chef...).is(400)
	r.do("GET", "/api/items/"+soup+"/raise", "", chef...).is(405)
	r.do("POST", "/api/actions/raise", "", chef...).is(404)
}

// TestAUZ_actionRows: rows that an action answers show what their entity shows to the
// caller, whoever the code was when it read them.
func TestAUZ_actionRows(t *testing.T) {
	r, _ := startKitchen(t)
	r.signUp("chef@x.example", "menu-admin")
	r.signUp(ada)
	chef := r.login("chef@x.example")
	if a := r.do("POST", "/api/actions/leaked", ""); a.Status != 200 || a.Body != `[]` {
		t.Errorf("accounts for nobody: %d %s", a.Status, a.Body)
	}
	if a := r.do("POST", "/api/actions/leaked", "", chef...).is(200); strings.Count(a.Body, `"email"`) != 2 || strings.Contains(a.Body, "password") {
		t.Errorf("accounts for the chef: %s", a.Body)
	}
	if a := r.document(`{ leaked { id email } }`); a.Body != `{"data":{"leaked":[]}}` {
		t.Errorf("accounts for nobody in GraphQL: %s", a.Body)
	}
	id := r.do("POST", "/api/items", `{"name":"soup","price":1}`, chef...).is(201).json()["id"].(string)
	if a := r.do("POST", "/api/items/"+id+"/raise", "", chef...).is(200); a.json()["secret"] != "of the house" {
		t.Errorf("the item for the chef: %s", a.Body)
	}
	r.do("POST", "/api/items", `{"name":"apple","price":1}`, chef...).is(201)
	if a := r.do("GET", "/api/actions/items", "").is(200); strings.Contains(a.Body, "secret") || strings.Index(a.Body, "soup") > strings.Index(a.Body, "apple") {
		t.Errorf("items for nobody: %s", a.Body)
	}
	if a := r.document(`{ items { name secret } }`); !strings.Contains(a.Body, `"secret":null`) || strings.Contains(a.Body, "house") || !strings.Contains(a.Body, "FORBIDDEN") {
		t.Errorf("the secret for nobody in GraphQL: %s", a.Body)
	}
	if a := r.document(`mutation { raise(id: "`+id+`") { name secret } }`, chef...); a.Body != `{"data":{"raise":{"name":"soup","secret":"of the house"}}}` {
		t.Errorf("raise in GraphQL: %s", a.Body)
	}
}

// TestAUZ04_actionInput: what an action does not declare is refused by name, and all
// that is wrong is told at once, in the words of fields.
func TestAUZ04_actionInput(t *testing.T) {
	r, calls := startKitchen(t)
	const id = "019f0000-0000-7000-8000-000000000000"
	line := `{"item":"` + id + `","quantity":2}`
	for body, want := range map[string]string{
		`{"lines":[],"admin":true}`:                                `"field":"admin","code":"unknown"`,
		`{"lines":[{"item":"` + id + `","quantity":2,"price":0}]}`: `"field":"lines[0].price","code":"unknown"`,
		`{}`:               `"field":"lines","code":"required"`,
		`{"lines":null}`:   `"field":"lines","code":"required"`,
		`{"lines":{}}`:     `"field":"lines","code":"type"`,
		`{"lines":[1]}`:    `"field":"lines[0]","code":"type"`,
		`{"lines":[null]}`: `"field":"lines[0]","code":"type"`,
		`{"lines":[` + line + `,{"item":"x","quantity":0}]}`: `"field":"lines[1].item","code":"format"`,
		`{"lines":[{"item":"` + id + `","quantity":100}]}`:   `"code":"too_large","message":"must be 99 or less"`,
		`{"lines":[],"size":"huge"}`:                         `"field":"size","code":"not_in_list"`,
		`{"lines":[],"coupon":"long coupon"}`:                `"field":"coupon","code":"too_long"`,
		`{"lines":[],"lines":[]}`:                            `"code":"malformed"`,
		`[]`:                                                 `"code":"malformed"`,
		`{"lines":[` + strings.Repeat(line+",", action.MaxElements) + line + `]}`: `"code":"too_long"`,
	} {
		if a := r.do("POST", "/api/actions/quote", body).is(400); !strings.Contains(a.Body, want) {
			t.Errorf("%.60s: %s, want %s", body, a.Body, want)
		}
	}
	r.do("POST", "/api/actions/quote", "").is(415)
	r.do("POST", "/api/actions/quote?size=small", `{"lines":[]}`).is(400)
	r.do("POST", "/api/actions/quote", `{"lines":[]}`, "Content-Type", "text/plain").is(415)
	r.do("POST", "/api/actions/quote", `{"coupon":"`+strings.Repeat("x", 1<<20)+`"}`).is(413)
	r.do("GET", "/api/actions/items?x=1", "").is(400)
	if *calls != 0 {
		t.Errorf("the code ran %d times", *calls)
	}
	if a := r.do("POST", "/api/actions/quote", `{"lines":[`+line+`],"size":"extra-large","days":["any-day"]}`).is(200); a.Body != `{"total":2.00,"size":"extra-large","lines":[`+line+`],"tags":null,"days":["any-day"]}` {
		t.Errorf("REST: %s", a.Body)
	}
	ask := `{ quote(input: {lines: [{item: \"` + id + `\", quantity: %s}], size: extra_large, days: [any_day, monday]}) { t: total size days lines { item quantity __typename } } }`
	if a := r.do("POST", graph.Path, `{"query":"`+fmt.Sprintf(ask, `\"2\"`)+`"}`).is(200); a.Body != `{"data":{"quote":{"t":2.00,"size":"extra_large","days":["any_day","monday"],"lines":[{"item":"`+id+`","quantity":2,"__typename":"QuoteLine"}]}}}` {
		t.Errorf("GraphQL: %s", a.Body)
	}
	if a := r.do("POST", graph.Path, `{"query":"`+fmt.Sprintf(ask, "100")+`"}`).is(200); !strings.Contains(a.Body, `"field":"lines[0].quantity","code":"too_large","message":"must be 99 or less"`) || !strings.Contains(a.Body, "BAD_USER_INPUT") {
		t.Errorf("GraphQL, out of bounds: %s", a.Body)
	}
}

// TestActionFaults: an error of the code is its answer, a panic is a 500 that the log
// explains, and both undo what was changed.
func TestActionFaults(t *testing.T) {
	r, _ := startKitchen(t)
	if a := r.do("POST", "/api/actions/refuse", "").is(409); !strings.Contains(a.Body, "The kitchen is closed") {
		t.Error(a.Body)
	}
	if a := r.document(`mutation { refuse }`); !strings.Contains(a.Body, "CONFLICT") {
		t.Error(a.Body)
	}
	for _, a := range []answer{r.do("POST", "/api/actions/explode", ""), r.do("POST", graph.Path, `{"query":"mutation { explode }"}`)} {
		if a.is(500); strings.Contains(a.Body, "fire") {
			t.Error(a.Body)
		}
	}
	if n := strings.Count(r.logged(), "the pan is on fire"); n != 2 {
		t.Errorf("the panic is in the log %d times", n)
	}
	if a := r.do("POST", "/api/actions/wrong", "").is(500); strings.Contains(a.Body, "huge") || !strings.Contains(r.logged(), "size: the code answers what the action does not promise") {
		t.Errorf("%s\n%s", a.Body, r.logged())
	}
	if a := r.document(`mutation { wrong { size } }`); !strings.Contains(a.Body, `"wrong":null`) || !strings.Contains(a.Body, "INTERNAL") {
		t.Error(a.Body)
	}
	if total := r.do("GET", "/api/items", "").is(200).json()["total"]; total != 0.0 {
		t.Errorf("%v items were kept", total)
	}
}

// TestActionsRefused: a service whose actions cannot work does not start.
func TestActionsRefused(t *testing.T) {
	run := func(context.Context, string, any) (any, error) { return nil, nil }
	var missing func(ctx context.Context, in quoteInput) (quoteOutput, error)
	good := func() *action.Action {
		return &action.Action{Name: "pay", Method: "POST", Path: "/api/pay", Rules: []string{"public"}, Run: run}
	}
	for name, tt := range map[string]struct {
		change func(*action.Action)
		want   string
	}{
		"no code": {
			func(a *action.Action) { a.Code, a.Place = missing, "a.Actions.Pay in app/actions.go" },
			"action pay: there is no code behind it: write a func(context.Context, server_test.quoteInput) (server_test.quoteOutput, error) and set a.Actions.Pay in app/actions.go",
		},
		"role":   {func(a *action.Action) { a.Rules = []string{"cook"} }, "cook"},
		"entity": {func(a *action.Action) { a.Rows = "Order" }, "no entity Order"},
		"struct": {func(a *action.Action) { a.Input, a.New = lineRecord(), func() any { return new(quoteInput) } }, "QuoteLine"},
		"other type": {func(a *action.Action) {
			a.Input, a.New = lineRecord(), func() any { return new(struct{ A, B string }) }
		}, "quantity"},
		"same path": {func(a *action.Action) { a.Path = "/api/items" }, `route "POST /api/items"`},
		"login":     {func(a *action.Action) { a.Path = "/api/{id}" }, "conflicts with"},
	} {
		err := openWith(t, func(a *App) error {
			act := good()
			tt.change(act)
			a.ServeActions(act)
			return nil
		})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

// openWith returns the error of a service that is opened with this code.
func openWith(t *testing.T, configure func(*App) error) error {
	t.Helper()
	cfg, err := config.Load(config.Options{
		Environ: []string{"AUTH_SECRET=" + testSecret}, Addr: "127.0.0.1:0",
		Database: filepath.Join(t.TempDir(), "data.db"), SecretBytes: 32,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.Open(t.Context(), restaurant(true, false, configure), cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Cleanup(func() { _ = srv.Close() })
	}
	return err
}
