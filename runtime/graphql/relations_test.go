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
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// told lists the errors of an answer: "UNAUTHENTICATED items.0.orders".
func (a answer) told() []string {
	var out []string
	for _, e := range a.Errors {
		var path []string
		for _, p := range e.Path {
			path = append(path, fmt.Sprint(p))
		}
		out = append(out, strings.TrimSpace(e.Extensions.Code+" "+strings.Join(path, ".")))
	}
	return out
}

func (s *shop) like(t *testing.T) {
	t.Helper()
	for _, pair := range [][2]string{{s.ann.Subject, s.soup}, {s.ann.Subject, s.tea}, {s.bob.Subject, s.soup}} {
		if _, err := s.db.Exec(t.Context(), "INSERT INTO likes VALUES ($1, $2)", pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
	}
}

// names replaces ids by what they are of.
func (s *shop) names(text string) string {
	return strings.NewReplacer(s.soup, "soup", s.tea, "tea", s.ann.Subject, "ann", s.bob.Subject, "bob", s.max.Subject, "max", s.cleo.Subject, "cleo").Replace(text)
}

// TestRelations_attacks: what S4 and S5 of the attacks found is not here, on any path.
func TestRelations_attacks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.like(t)
		for _, tt := range []struct {
			name  string
			who   *gate.Principal
			ask   string
			want  string
			told  []string
			reads int
		}{
			{
				"S4: accounts and costs by way of what is public", nil, `{items(orderBy:{name:asc}) {name cost orders {id buyer {email roles}}}}`,
				`{"items":[{"cost":null,"name":"soup","orders":null},{"cost":null,"name":"tea","orders":null}]}`,
				[]string{"FORBIDDEN items.0.cost", "UNAUTHENTICATED items.0.orders", "FORBIDDEN items.1.cost", "UNAUTHENTICATED items.1.orders"},
				1,
			},
			{
				"S4: by pairs", nil, `{item(id:"SOUP") {name likedBy {email}}}`,
				`{"item":{"likedBy":null,"name":"soup"}}`,
				[]string{"UNAUTHENTICATED item.likedBy"},
				1,
			},
			{
				"S5: a cost by way of orders", s.ann, `{orders {id item {name cost}}}`,
				`{"orders":[{"id":"1","item":{"cost":null,"name":"soup"}},{"id":"2","item":{"cost":null,"name":"tea"}}]}`,
				[]string{"FORBIDDEN orders.0.item.cost", "FORBIDDEN orders.1.item.cost"},
				2,
			},
			{
				"hidden on the other path as well", s.ann, `{orders {item {orders {item {cost}}}}}`,
				`{"orders":[{"item":{"orders":[{"item":{"cost":null}}]}},{"item":{"orders":[{"item":{"cost":null}}]}}]}`,
				[]string{"FORBIDDEN orders.0.item.orders.0.item.cost", "FORBIDDEN orders.1.item.orders.0.item.cost"},
				4,
			},
			{
				"others' notes, three levels deep", s.ann, `{items(orderBy:{name:asc}) {orders(limit:5) {item {orders(limit:5) {note}}}}}`,
				`{"items":[{"orders":[{"item":{"orders":[{"note":"no salt"}]}}]},{"orders":[{"item":{"orders":[{"note":null}]}}]}]}`,
				[]string{"FORBIDDEN items.1.orders.0.item.orders.0.note"},
				4,
			},
			{
				"an account that is not one's own is none", s.ann, `{orders {id buyer {email}}}`,
				`{"orders":[{"buyer":{"email":"ann@example.com"},"id":"1"},{"buyer":null,"id":"2"}]}`, nil, 2,
			},
			{
				"to list accounts needs a right, to get one's own does not", s.ann, `{item(id:"SOUP") {likedBy {email} orders {buyer {email}}}}`,
				`{"item":{"likedBy":null,"orders":[{"buyer":{"email":"ann@example.com"}}]}}`,
				[]string{"FORBIDDEN item.likedBy"},
				3,
			},
			{
				"a manager sees them all", s.max, `{item(id:"SOUP") {cost likedBy(orderBy:{email:asc}) {email}}}`,
				`{"item":{"cost":1.20,"likedBy":[{"email":"ann@example.com"},{"email":"bob@example.com"}]}}`, nil, 2,
			},
			{
				"a filter by what one may not read", s.ann, `{orders {item {orders(where:{note:{startsWith:"no"}}) {id}}}}`,
				`{"orders":[{"item":{"orders":null}},{"item":{"orders":null}}]}`,
				[]string{"BAD_USER_INPUT orders.0.item.orders", "BAD_USER_INPUT orders.1.item.orders"},
				2,
			},
			{
				"a secret", s.max, `{users {likes {id} password}}`, "null", []string{"GRAPHQL_VALIDATION_FAILED"}, 0,
			},
			{
				"two aliases, two questions", nil, `{item(id:"SOUP") {a: orders {id} b: orders(limit: 1) {id}}}`,
				`{"item":{"a":null,"b":null}}`,
				[]string{"UNAUTHENTICATED item.a", "UNAUTHENTICATED item.b"},
				1,
			},
			{
				"two aliases, two answers", s.ann, `{user(id:"ANN") {cheap: likes(where:{price:{lt:3}}) {name} dear: likes(where:{price:{gt:3}}) {name __typename}}}`,
				`{"user":{"cheap":[{"name":"tea"}],"dear":[{"__typename":"Item","name":"soup"}]}}`, nil, 3,
			},
			{
				"selections of one key are one question", s.ann, `{order(id:1) {item {id} ...f item {kind}}} fragment f on Order {item {name} item {name}}`,
				`{"order":{"item":{"id":"soup","kind":"food","name":"soup"}}}`, nil, 2,
			},
			{
				"left out by a directive", s.ann, `{order(id:1) {id item @include(if:false) {id} buyer @skip(if:true) {id}}}`,
				`{"order":{"id":"1"}}`, nil, 1,
			},
			{
				"arguments that are wrong", s.ann, `{order(id:1) {id item {orders(orderBy:{id:asc, amount:asc}) {id}}}}`,
				`{"order":{"id":"1","item":{"orders":null}}}`,
				[]string{"BAD_USER_INPUT order.item.orders"},
				2,
			},
		} {
			s.counter.Take()
			a := s.ask(t, tt.who, strings.NewReplacer("SOUP", s.soup, "ANN", s.ann.Subject).Replace(tt.ask))
			if n := len(s.counter.Take()); n != tt.reads {
				t.Errorf("%s: %d statements, want %d", tt.name, n, tt.reads)
			}
			raw, err := json.Marshal(a.Data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, s.names(string(raw))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
			if diff := cmp.Diff(tt.told, a.told()); diff != "" {
				t.Errorf("%s, errors (-want +got):\n%s", tt.name, diff)
			}
		}
	})
}

// TestAUZ02_relations: rows inside of rows are those of REST, for everybody.
func TestAUZ02_relations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.like(t)
		callers := s.callers()
		for _, name := range slices.Sorted(maps.Keys(callers)) {
			who := callers[name]
			for _, q := range []struct{ list, relation, fields, document, params string }{
				{"orders", "buyer", "id email name", `{orders{buyer{id email name}}}`, "$include[buyer][$select]=id,email,name"},
				{"orders", "item", "id name cost", `{orders{item{id name cost}}}`, "$include=item"},
				{"items", "orders", "id note", `{items{orders{id note}}}`, "$include=orders"},
				{"items", "orders", "id note", `{items{orders(limit:1,where:{amount:{gt:1}}){id note}}}`, "$include[orders][$limit]=1&$include[orders][amount][$gt]=1"},
				{"items", "likedBy", "id email", `{items{likedBy(skip:1){id email}}}`, "$include[likedBy][$skip]=1"},
				{"users", "likes", "id cost", `{users{likes(orderBy:{name:desc}){id cost}}}`, "$include[likes][$sort][name]=-1"},
			} {
				a := s.ask(t, who, q.document)
				status, page := s.restPage(t, who, "/api/"+q.list+"?"+q.params)
				if status != http.StatusOK {
					if plain, _ := s.restPage(t, who, "/api/"+q.list); plain == http.StatusOK {
						for i, row := range list(a.Data[q.list]) {
							if row[q.relation] != nil || len(a.Errors) == 0 {
								t.Errorf("%s, %s: REST refuses with %d, GraphQL answers row %d: %v", name, q.document, status, i, row)
							}
						}
					} else if a.Data[q.list] != nil {
						t.Errorf("%s, %s: REST refuses with %d, GraphQL answers %v", name, q.document, plain, a.Data)
					}
					continue
				}
				got := list(a.Data[q.list])
				for i, row := range list(page["data"]) {
					if diff := cmp.Diff(picked(row[q.relation], q.fields), got[i][q.relation]); diff != "" {
						t.Errorf("%s, %s, row %d (-REST +GraphQL):\n%s", name, q.document, i, diff)
					}
				}
			}
		}
	})
}

// restPage is what REST answers to the same question.
func (s *shop) restPage(t *testing.T, who *gate.Principal, url string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if who != nil {
		r = r.WithContext(gate.ContextWithPrincipal(r.Context(), who))
	}
	w := httptest.NewRecorder()
	s.rest.ServeHTTP(w, r)
	dec := json.NewDecoder(w.Body)
	dec.UseNumber() // digits count
	var body map[string]any
	if err := dec.Decode(&body); err != nil {
		t.Fatal(err)
	}
	return w.Code, body
}

func list(v any) []map[string]any {
	elements, _ := v.([]any)
	out := make([]map[string]any, len(elements))
	for i, e := range elements {
		out[i], _ = e.(map[string]any)
	}
	return out
}

// picked makes of a relation over REST what GraphQL answers: the fields that were
// asked for, null where they are not told, ids as texts.
func picked(v any, fields string) any {
	row, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	if rows, ok := row["data"].([]any); ok {
		out := []any{}
		for _, r := range rows {
			out = append(out, picked(r, fields))
		}
		return out
	}
	out := map[string]any{}
	for f := range strings.FieldsSeq(fields) {
		out[f] = row[f]
		if n, ok := row[f].(json.Number); ok && f == "id" {
			out[f] = n.String()
		}
	}
	return out
}

// TestAUZ14_relations: what multiplies is refused before anything is read.
func TestAUZ14_relations(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	for _, tt := range []struct {
		name, ask, variables string
		code                 string
	}{
		{"100×100×100", `{items(limit:100) {orders(limit:100) {item {likedBy(limit:100) {id}}}}}`, "", "LIMIT_EXCEEDED"},
		{"100×50", `{items(limit:100) {orders(limit:51) {id}}}`, "", "LIMIT_EXCEEDED"},
		{"by a variable", `query($n: Int) {items(limit:100) {orders(limit:$n) {id}}}`, `{"n":100}`, "LIMIT_EXCEEDED"},
		{"by a fragment", `{items(limit:100) {...f}} fragment f on Item {orders(limit:100) {id}}`, "", "LIMIT_EXCEEDED"},
		{"in many roots", `{` + strings.Repeat(`a#: items(limit:20) {orders(limit:20) {id}} `, 15) + `}`, "", "LIMIT_EXCEEDED"},
		{"four relations", `{orders(limit:1) {item {orders(limit:1) {item {orders(limit:1) {id}}}}}}`, "", "LIMIT_EXCEEDED"},
		{"in a change", `mutation {deleteItem(id:"x") {orders(limit:100) {item {orders(limit:100) {id}}}}}`, "", "LIMIT_EXCEEDED"},
		{"a negative page", `{items(limit:1) {orders(limit:-1) {id}}}`, "", "BAD_USER_INPUT"},
		{"a long way", `{items(limit:1) {orders(skip:10001) {id}}}`, "", "BAD_USER_INPUT"},
	} {
		for i := range strings.Count(tt.ask, "#") {
			tt.ask = strings.Replace(tt.ask, "#", fmt.Sprint(i), 1)
		}
		s.counter.Take()
		var a answer
		if tt.variables != "" {
			a = s.ask(t, s.max, tt.ask, tt.variables)
		} else {
			a = s.ask(t, s.max, tt.ask)
		}
		if n := len(s.counter.Take()); a.code() != tt.code || tt.code == "LIMIT_EXCEEDED" && n > 0 {
			t.Errorf("%s: %v after %d statements, want %s", tt.name, a.told(), n, tt.code)
		}
	}
}

// TestRelations_afterChanges: what was written is kept and told, whatever its
// relations answer.
func TestRelations_afterChanges(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		a := s.ask(t, s.ann, `mutation {createOrder(input:{itemId:"`+s.tea+`"}) {amount item {name cost} buyer {email}}}`)
		raw, _ := json.Marshal(a.Data)
		want := `{"createOrder":{"amount":1,"buyer":{"email":"ann@example.com"},"item":{"cost":null,"name":"tea"}}}`
		if diff := cmp.Diff(want, string(raw)); diff != "" {
			t.Errorf("create (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"FORBIDDEN createOrder.item.cost"}, a.told()); diff != "" {
			t.Errorf("create, errors: %s", diff)
		}
		a = s.ask(t, s.ann, `mutation {updateOrder(id:`+s.annOrder+`,input:{itemId:"`+s.tea+`"}) {item {name}}}`)
		if raw, _ = json.Marshal(a.Data); string(raw) != `{"updateOrder":{"item":{"name":"tea"}}}` {
			t.Errorf("update: %s %v", raw, a.told())
		}
		a = s.ask(t, nil, `mutation {createUser(input:{email:"eve@example.com",password:"correct horse"}) {email orders {id}}}`)
		if raw, _ = json.Marshal(a.Data); string(raw) != `{"createUser":{"email":"eve@example.com","orders":null}}` ||
			!slices.Equal(a.told(), []string{"UNAUTHENTICATED createUser.orders"}) {
			t.Errorf("one who may not get what they made: %s %v", raw, a.told())
		}
		a = s.ask(t, s.ann, `mutation {deleteOrder(id:`+s.annOrder+`) {id item {name}}}`)
		if raw, _ = json.Marshal(a.Data); string(raw) != `{"deleteOrder":{"id":"`+s.annOrder+`","item":null}}` ||
			!slices.Equal(a.told(), []string{"BAD_USER_INPUT deleteOrder.item"}) {
			t.Errorf("delete: %s %v", raw, a.told())
		}
	})
}

// TestNew_relations: a schema that says something else than the relations is none.
func TestNew_relations(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	for name, change := range map[string][2]string{
		"another entity":    {"buyer: User", "buyer: Item"},
		"many for one":      {"buyer: User", "buyer: [User!]"},
		"one for many":      {"orders(where: OrderWhere, orderBy: [OrderOrderBy!], limit: Int, skip: Int): [Order!]", "orders: Order"},
		"never null":        {"buyer: User", "buyer: User!"},
		"arguments of one":  {"buyer: User", "buyer(limit: Int): User"},
		"a filter of other": {"likes(where: ItemWhere", "likes(where: UserWhere"},
		"a secret":          {"type User {", "type User { password: String"},
		"no such relation":  {"buyer: User", "seller: User"},
	} {
		broken := strings.Replace(sdl, change[0], change[1], 1)
		if broken == sdl {
			t.Fatalf("%s changes nothing", name)
		}
		if _, err := graphql.New(graphql.Config{SDL: broken, Entities: s.services(), Login: s.door}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
