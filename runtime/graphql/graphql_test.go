package graphql_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// fields are the fields of the types, as a client selects all of them.
var fields = map[string]string{
	"user": "id email roles name", "item": "id name price cost kind image createdAt updatedAt",
	"order": "id buyerId itemId amount note rating paid",
}

// codes are what the answers of REST are called in GraphQL.
var codes = map[int]string{200: "", 400: "BAD_USER_INPUT", 401: "UNAUTHENTICATED", 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT"}

// TestAUZ02_sameAnswers asks the same over REST and over GraphQL, as everybody:
// rows, fields, order, refusals and their words are the same.
func TestAUZ02_sameAnswers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		tests := []struct{ entity, path, field string }{
			{"item", "/api/items/" + s.soup, `item(id: "` + s.soup + `")`},
			{"item", "/api/items/" + s.tea, `item(id: "` + s.tea + `")`},
			{"item", "/api/items/01890000-0000-7000-8000-000000000000", `item(id: "01890000-0000-7000-8000-000000000000")`},
			{"item", "/api/items/x", `item(id: "x")`},
			{"item", "/api/items", `items`},
			{"item", "/api/items?$sort[price]=1&$limit=1&$skip=1", `items(orderBy: [{price: asc}], limit: 1, skip: 1)`},
			{"item", "/api/items?price[$lt]=3&kind=hot-drink", `items(where: {price: {lt: 3}, kind: {eq: hot_drink}})`},
			{"item", "/api/items?$or[0][name]=soup&$or[1][price][$gte]=4.5", `items(where: {OR: [{name: {eq: "soup"}}, {price: {gte: "4.5"}}]})`},
			{"item", "/api/items?name[$in][]=tea&name[$in][]=x&$sort[name]=-1", `items(where: {name: {in: ["tea", "x"]}}, orderBy: {name: desc})`},
			{"item", "/api/items?$not[kind]=food", `items(where: {NOT: {kind: {eq: food}}})`},
			{"item", "/api/items?image[$null]=true", `items(where: {image: {null: true}})`},
			{"item", "/api/items?$search=SOU", `items(search: "SOU")`},
			{"item", "/api/items?$search=s", `items(search: "s")`},
			{"item", "/api/items?cost[$gte]=1", `items(where: {cost: {gte: 1}})`},
			{"item", "/api/items?$not[cost]=1", `items(where: {NOT: {AND: [{cost: {eq: 1}}]}})`},
			{"item", "/api/items?$sort[cost]=1", `items(orderBy: {cost: asc})`},
			{"item", "/api/items?price[$lt]=abc", `items(where: {price: {lt: "abc"}})`},
			{"order", "/api/orders", `orders`},
			{"order", "/api/orders/" + s.annOrder, `order(id: ` + s.annOrder + `)`},
			{"order", "/api/orders/" + s.bobOrder, `order(id: "` + s.bobOrder + `")`},
			{"order", "/api/orders?note[$startsWith]=no", `orders(where: {note: {startsWith: "no"}})`},
			{"order", "/api/orders?note[$like]=n_+s%25", `orders(where: {note: {like: "n_ s%"}})`},
			{"order", "/api/orders?$sort[note]=1", `orders(orderBy: {note: asc})`},
			{"order", "/api/orders?amount[$gt]=1&paid=false", `orders(where: {amount: {gt: 1}, paid: {eq: false}})`},
			{"user", "/api/users", `users`},
			{"user", "/api/users?email=ANN@example.com", `users(where: {email: {eq: "ANN@example.com"}})`},
			{"user", "/api/users/" + s.ann.Subject, `user(id: "` + s.ann.Subject + `")`},
		}
		for name, who := range s.callers() {
			for _, tt := range tests {
				status, rows, words := s.overREST(t, who, tt.path)
				got := s.ask(t, who, `{ x: `+tt.field+` { `+fields[tt.entity]+` } }`)
				at := name + " " + tt.field
				if got.status != http.StatusOK {
					t.Errorf("%s: %d %s", at, got.status, got.text)
					continue
				}
				if status != http.StatusOK {
					if got.Data["x"] != nil || got.code() != codes[status] || got.Errors[0].Message != words {
						t.Errorf("%s: %s, REST answers %d %s", at, got.text, status, words)
					}
					continue
				}
				compare(t, at, tt.entity, rows, got)
			}
		}
	})
}

// overREST returns the rows of an answer, or the words of a refusal.
func (s *shop) overREST(t *testing.T, who *gate.Principal, path string) (status int, rows []map[string]any, words string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
	if who != nil {
		r = r.WithContext(gate.ContextWithPrincipal(r.Context(), who))
	}
	w := httptest.NewRecorder()
	s.rest.ServeHTTP(w, r)
	dec := json.NewDecoder(w.Body)
	dec.UseNumber()
	var body map[string]any
	if err := dec.Decode(&body); err != nil {
		t.Fatal(err)
	}
	switch data := body["data"].(type) {
	case []any:
		for _, row := range data {
			rows = append(rows, row.(map[string]any))
		}
	default:
		rows = append(rows, body)
	}
	words, _ = body["message"].(string)
	return w.Code, rows, words
}

// compare looks that an answer has the values of rows, and null with an error
// where these have nothing.
func compare(t *testing.T, at, entity string, rows []map[string]any, got answer) {
	t.Helper()
	refused := map[string]bool{}
	for _, e := range got.Errors {
		if e.Extensions.Code != "FORBIDDEN" {
			t.Errorf("%s: %s", at, got.text)
		}
		refused[fmt.Sprint(e.Path)] = true
	}
	var want []any
	for i, row := range rows {
		object := map[string]any{}
		for f := range strings.FieldsSeq(fields[entity]) {
			v, there := row[f]
			path := fmt.Sprint([]any{"x", i, f})
			if _, list := got.Data["x"].([]any); !list {
				path = fmt.Sprint([]any{"x", f})
			}
			if there == refused[path] {
				t.Errorf("%s: %s is there: %v, refused: %v", at, path, there, refused[path])
			}
			delete(refused, path)
			if n, ok := v.(json.Number); ok && f == "id" {
				v = n.String()
			}
			if v == "hot-drink" {
				v = "hot_drink"
			}
			object[f] = v
		}
		want = append(want, object)
	}
	x := got.Data["x"]
	if _, list := x.([]any); !list {
		x = []any{x}
	} else if len(rows) == 0 {
		want = []any{}
	}
	if diff := cmp.Diff(want, x); diff != "" {
		t.Errorf("%s: -REST +GraphQL\n%s", at, diff)
	}
	if len(refused) > 0 {
		t.Errorf("%s: refused beyond that: %v", at, slices.Collect(maps.Keys(refused)))
	}
}

// TestAUZ02_counts counts as everybody.
func TestAUZ02_counts(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	for name, who := range s.callers() {
		for _, tt := range []struct{ path, count string }{
			{"/api/items?price[$gt]=3&$limit=0", `itemsCount(where: {price: {gt: 3}})`},
			{"/api/orders?$limit=0", `ordersCount`},
			{"/api/users?$limit=0", `usersCount`},
			{"/api/items?cost[$gte]=1&$limit=0", `itemsCount(where: {cost: {gte: 1}})`},
		} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.path, http.NoBody)
			if who != nil {
				r = r.WithContext(gate.ContextWithPrincipal(r.Context(), who))
			}
			w := httptest.NewRecorder()
			s.rest.ServeHTTP(w, r)
			var page struct{ Total json.Number }
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
				t.Fatal(err)
			}
			got := s.ask(t, who, "{ n: "+tt.count+" }")
			if got.code() != codes[w.Code] || w.Code == http.StatusOK && got.Data["n"] != page.Total {
				t.Errorf("%s as %s: %s, REST answers %d %s", tt.count, name, got.text, w.Code, w.Body)
			}
		}
	}
}

// TestErrors looks that many errors of one kind do not take the place of others.
func TestErrors(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	for range 30 {
		s.made(t, s.orders, s.bob, `{"itemId":"`+s.tea+`","note":"no milk"}`)
	}
	got := s.ask(t, s.ann, `{ orders(limit: 100) { a: note b: note c: note d: note e: note } item(id: "x") { id } users { id } }`)
	if n := len(got.Errors); n != 102 || got.Errors[100].Extensions.Code != "NOT_FOUND" || got.Errors[101].Extensions.Code != "FORBIDDEN" || len(got.Errors[101].Path) != 1 {
		t.Errorf("%d errors: %s", n, got.text)
	}
}

// TestVariablesThatDoNotFit: of a variable that does not fit, the member that is meant is
// told as over REST, so that a form can show it there.
func TestVariablesThatDoNotFit(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	tests := []struct{ variable, message, fields string }{
		{`{"price": 1}`, "variable $in: name is missing", `[{"field":"name","code":"required","message":"is required"}]`},
		{`{"price": 1, "name": null}`, "variable $in: name: must not be null", `[{"field":"name","code":"required","message":"must not be null"}]`},
		{`{"price": 1, "name": 7}`, "variable $in: name: must be a string", `[{"field":"name","code":"type","message":"must be a string"}]`},
		{`{"price": 1, "name": "x", "orders": {"create": [{"amount": "two"}]}}`, "variable $in: orders: create: amount: must be a whole number of 32 bits", `[{"field":"orders.create.amount","code":"type","message":"must be a whole number of 32 bits"}]`},
		{`{"price": 1, "name": "x", "orders": {"create": [{"item": {"create": {"price": 1}}}]}}`, "variable $in: orders: create: item: create: name is missing", `[{"field":"orders.create.item.create.name","code":"required","message":"is required"}]`},
		{`{"price": 1, "name": "x", "colour": "red"}`, `variable $in: Field \"colour\" is not defined by type \"CreateItemInput\".`, ""},
		{`7`, "variable $in: must be an object CreateItemInput", ""},
	}
	for _, tt := range tests {
		got := s.ask(t, s.max, `mutation($in: CreateItemInput!) { createItem(input: $in) { id } }`, `{"in":`+tt.variable+`}`)
		extensions := `{"code":"BAD_USER_INPUT"`
		if tt.fields != "" {
			extensions += `,"fields":` + tt.fields
		}
		if want := `{"errors":[{"message":"` + tt.message + `","extensions":` + extensions + `}}]}`; got.text != want || got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s, want %s", tt.variable, got.status, got.text, want)
		}
	}
}

// TestLanguage asks in all the ways that the language has.
func TestLanguage(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	tests := []struct{ name, document, variables, want string }{
		{"alias", `{ a: items(limit: 1, orderBy: {name: asc}) { n: name } b: itemsCount }`, ``, `{"a":[{"n":"soup"}],"b":2}`},
		{"fragment", `{ items(orderBy: {name: asc}) { ...f ... on Item { kind } ... { name } } } fragment f on Item { name }`, ``, `{"items":[{"name":"soup","kind":"food"},{"name":"tea","kind":"hot_drink"}]}`},
		{"fragment of the root", `query q { ...f } fragment f on Query { itemsCount __typename }`, ``, `{"itemsCount":2,"__typename":"Query"}`},
		{"merged", `{ items(limit: 1, orderBy: {name: asc}) { name } items(limit: 1, orderBy: {name: asc}) { kind name } }`, ``, `{"items":[{"name":"soup","kind":"food"}]}`},
		{"typename", `{ items(limit: 1) { __typename } }`, ``, `{"items":[{"__typename":"Item"}]}`},
		{"skip", `query($no: Boolean!, $yes: Boolean = true) { a: itemsCount @skip(if: $yes) b: itemsCount @include(if: $no) items(limit: 1, orderBy: {name: desc}) { name kind @skip(if: true) image @include(if: $yes) } }`, `{"no":false}`, `{"items":[{"name":"tea","image":"https://shop.example/tea.png"}]}`},
		{"variable", `query($w: ItemWhere, $by: [ItemOrderBy!]) { items(where: $w, orderBy: $by) { name } }`, `{"w":{"kind":{"in":["hot_drink","food"]},"price":{"gte":2}},"by":[{"price":"desc"}]}`, `{"items":[{"name":"soup"},{"name":"tea"}]}`},
		{"variable inside", `query($n: String, $gone: ItemWhere) { items(where: {name: {eq: $n}, NOT: $gone}) { name } }`, `{"n":"tea"}`, `{"items":[{"name":"tea"}]}`},
		{"one for a list", `query($k: [ItemKind!]) { items(where: {kind: {in: $k}}) { name } }`, `{"k":"food"}`, `{"items":[{"name":"soup"}]}`},
		{"null", `{ items(where: {image: {eq: null}}, limit: null) { name } }`, ``, `{"items":[{"name":"soup"}]}`},
		{"limit 0", `{ items(limit: 0) { name } }`, ``, `{"items":[]}`},
		{"limit 101", `{ items(limit: 101, orderBy: {name: asc}) { name } }`, ``, `{"items":[{"name":"soup"},{"name":"tea"}]}`},
		{"nothing matches", `{ items(where: {OR: []}) { name } }`, ``, `{"items":[]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			variables := []string{}
			if tt.variables != "" {
				variables = append(variables, tt.variables)
			}
			for range 2 { // the second time from what is kept
				got := s.ask(t, nil, tt.document, variables...)
				if want := `{"data":` + tt.want + `}`; got.text != want || got.status != http.StatusOK {
					t.Errorf("%d %s, want %s", got.status, got.text, want)
				}
			}
		})
	}
}
