package graphql_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/store/storetest"
)

// TestAUZ05_oracles asks by what one may not read: S1, S6 and S10.
func TestAUZ05_oracles(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	nonsense := func(field string) string { return strings.ReplaceAll(field, "password", "nonsense") }
	// S1, S10: what nobody may read is in no type, so it is as unknown as nonsense.
	for name, who := range s.callers() {
		for _, document := range []string{
			`{ users(where: {password: {startsWith: "ha"}}) { id } }`,
			`{ usersCount(where: {NOT: {OR: [{password: {null: true}}]}}) }`,
			`{ users(orderBy: [{password: asc}]) { id } }`,
			`{ users { password } }`,
			`{ user(id: "1") { password } }`,
			`mutation { createUser(input: {email: "x@example.com", password: "correct horse"}) { password } }`,
		} {
			got := s.ask(t, who, document)
			want := s.ask(t, who, nonsense(document))
			if strings.Contains(document, "mutation") {
				want = s.ask(t, who, strings.Replace(document, "{ password }", "{ nonsense }", 1))
			}
			if got.status != http.StatusBadRequest || nonsense(got.text) != want.text {
				t.Errorf("%s as %s: %d %s, nonsense %s", document, name, got.status, got.text, want.text)
			}
		}
		for _, field := range []string{"password", "nonsense", "t1.password", "id\u0000", "__typename"} {
			raw, _ := json.Marshal(map[string]any{"w": map[string]any{field: map[string]any{"eq": "x"}}})
			got := s.ask(t, who, `query($w: UserWhere) { users(where: $w) { id } }`, string(raw))
			if got.status != http.StatusBadRequest || got.code() != "BAD_USER_INPUT" {
				t.Errorf("variable %q as %s: %d %s", field, name, got.status, got.text)
			}
		}
	}
	// S6: what the caller may not read is as unknown as it is over REST, whatever
	// is asked about it, and the answer does not depend on the value.
	for _, tt := range []struct {
		who           *gate.Principal
		entity, field string
		values        []string
	}{
		{nil, "items", "cost", []string{"0.01", "1.20", "99"}},
		{s.cleo, "items", "cost", []string{"0.01", "1.20", "99"}},
		{s.ann, "orders", "note", []string{`"no salt"`, `"no"`, `"zz"`}},
		{s.max, "orders", "note", []string{`"no salt"`, `"no"`, `"zz"`}},
	} {
		for _, shape := range []string{
			`{ %s(where: {%s: {gte: %s}}) { id } }`, `{ %sCount(where: {NOT: {%s: {gte: %s}}}) }`,
			`{ %s(where: {OR: [{id: {null: false}}, {AND: [{%s: {eq: %s}}]}]}) { id } }`,
		} {
			seen := map[string]bool{}
			for _, v := range tt.values {
				got := s.ask(t, tt.who, fmt.Sprintf(shape, tt.entity, tt.field, v))
				seen[got.text] = true
				if got.code() != "BAD_USER_INPUT" || len(got.Errors[0].Extensions.Fields) != 1 || got.Errors[0].Extensions.Fields[0].Code != "unknown" {
					t.Errorf("%s by %s %s: %s", tt.entity, tt.field, v, got.text)
				}
			}
			if len(seen) != 1 {
				t.Errorf("%s by %s: %d different answers", tt.entity, tt.field, len(seen))
			}
		}
	}
}

// TestAUZ04_writes sends what one may not write.
func TestAUZ04_writes(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	tests := []struct {
		name     string
		who      *gate.Principal
		document string
		code     string
		problems string
	}{
		{"nobody creates", nil, `mutation { x: createItem(input: {name: "x", price: 1}) { id } }`, "UNAUTHENTICATED", ""},
		{"customer creates", s.ann, `mutation { x: createItem(input: {name: "x", price: 1}) { id } }`, "FORBIDDEN", ""},
		{"manager's field", s.cleo, `mutation { x: createItem(input: {name: "x", price: 1, cost: 1}) { id } }`, "FORBIDDEN", "cost forbidden"},
		{"all wrong at once", s.cleo, `mutation { x: createItem(input: {name: "", price: "-1", cost: 1, image: "no"}) { id } }`, "BAD_USER_INPUT", "cost forbidden, image format, name too_short, price too_small"},
		{"patch manager's field", s.cleo, `mutation { x: updateItem(id: "` + s.soup + `", input: {cost: 1}) { id } }`, "FORBIDDEN", "cost forbidden"},
		{"sign-up as manager", nil, `mutation { x: createUser(input: {email: "eve@example.com", password: "long enough", roles: ["manager"]}) { id } }`, "FORBIDDEN", "roles forbidden"},
		{"promote oneself", s.ann, `mutation { x: updateUser(id: "` + s.ann.Subject + `", input: {roles: ["manager"]}) { id } }`, "FORBIDDEN", "roles forbidden"},
		{"another's account", s.ann, `mutation { x: updateUser(id: "` + s.bob.Subject + `", input: {name: "x"}) { id } }`, "NOT_FOUND", ""},
		{"another's order", s.ann, `mutation { x: updateOrder(id: ` + s.bobOrder + `, input: {amount: 3}) { id } }`, "FORBIDDEN", ""},
		{"delete another's order", s.ann, `mutation { x: deleteOrder(id: ` + s.bobOrder + `) { id } }`, "FORBIDDEN", ""},
		{"weak password", nil, `mutation { x: createUser(input: {email: "eve@example.com", password: "short"}) { id } }`, "BAD_USER_INPUT", "password weak"},
		{"taken", s.cleo, `mutation { x: createItem(input: {name: "soup", price: 1}) { id } }`, "CONFLICT", "name taken"},
		{"pointed to", s.max, `mutation { x: deleteItem(id: "` + s.soup + `") { id } }`, "CONFLICT", ""},
		{"key of nothing", s.ann, `mutation { x: createOrder(input: {itemId: "01890000-0000-7000-8000-000000000000"}) { id } }`, "BAD_USER_INPUT", "itemId not_found"},
		{"no such row", s.max, `mutation { x: updateItem(id: "' OR 1=1", input: {name: "x"}) { id } }`, "NOT_FOUND", ""},
		{"S2 nested", s.cleo, `mutation { x: updateItem(id: "` + s.soup + `", input: {orders: {update: {paid: true}}}) { id } }`, "GRAPHQL_VALIDATION_FAILED", ""},
		{"S3 nested", s.ann, `mutation { x: createOrder(input: {itemId: "` + s.soup + `", item: {create: {name: "x", price: 0}}}) { id } }`, "BAD_USER_INPUT", "item format"},
		{"give away", s.ann, `mutation { x: updateOrder(id: ` + s.annOrder + `, input: {buyerId: "` + s.bob.Subject + `"}) { id } }`, "GRAPHQL_VALIDATION_FAILED", ""},
		{"another id", s.cleo, `mutation { x: updateItem(id: "` + s.soup + `", input: {id: "` + s.tea + `"}) { id } }`, "GRAPHQL_VALIDATION_FAILED", ""},
	}
	before := s.dump(t)
	for _, tt := range tests {
		got := s.ask(t, tt.who, tt.document)
		var problems []string
		if len(got.Errors) > 0 {
			for _, p := range got.Errors[0].Extensions.Fields {
				problems = append(problems, p.Field+" "+p.Code)
			}
		}
		if got.code() != tt.code || strings.Join(problems, ", ") != tt.problems || got.Data["x"] != nil {
			t.Errorf("%s: %s", tt.name, got.text)
		}
		if after := s.dump(t); after != before {
			t.Fatalf("%s changed rows:\n%s\n%s", tt.name, before, after)
		}
	}
}

// dump returns all rows, as the manager and their owners see them.
func (s *shop) dump(t *testing.T) string {
	t.Helper()
	return s.ask(t, s.max, `{ items { `+fields["item"]+` } users { `+fields["user"]+` } orders { `+fields["order"]+` } }`).text
}

// TestMutations changes rows, and sees in the answer what one may read.
func TestMutations(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	tests := []struct {
		name, document, variables, want string
		who                             *gate.Principal
	}{
		{"create", `mutation($in: CreateItemInput!) { x: createItem(input: $in) { name price kind } }`, `{"in":{"name":"punch","price":"3.10","kind":"hot_drink"}}`, `{"data":{"x":{"name":"punch","price":3.10,"kind":"hot_drink"}}}`, s.cleo},
		{"update", `mutation { x: updateItem(id: "` + s.tea + `", input: {image: null, kind: drink}) { name image kind cost } }`, ``, `{"data":{"x":{"name":"tea","image":null,"kind":"drink","cost":0.10}}}`, s.max},
		{
			"hidden in the answer", `mutation { x: updateItem(id: "` + s.tea + `", input: {price: 2.5}) { price cost } }`, ``,
			`{"data":{"x":{"price":2.50,"cost":null}},"errors":[{"message":"You do not have the permission to do this","path":["x","cost"],"extensions":{"code":"FORBIDDEN"}}]}`, s.cleo,
		},
		{"in their order", `mutation { a: updateItem(id: "` + s.tea + `", input: {name: "a"}) { name } b: updateItem(id: "` + s.tea + `", input: {name: "b"}) { name } }`, ``, `{"data":{"a":{"name":"a"},"b":{"name":"b"}}}`, s.max},
		{"serial keys", `mutation { x: updateOrder(id: "` + s.annOrder + `", input: {rating: "5", itemId: "` + s.tea + `"}) { id rating itemId } }`, ``, `{"data":{"x":{"id":"` + s.annOrder + `","rating":5,"itemId":"` + s.tea + `"}}}`, s.ann},
		{"remove", `mutation { x: deleteOrder(id: ` + s.annOrder + `) { id note } }`, ``, `{"data":{"x":{"id":"` + s.annOrder + `","note":"no salt"}}}`, s.ann},
		{
			"sign-up shows what was sent", `mutation { x: createUser(input: {email: "new@example.com", password: "correct horse", name: "New"}) { email name roles } }`, ``,
			`{"data":{"x":{"email":"new@example.com","name":"New","roles":null}},"errors":[{"message":"You do not have the permission to do this","path":["x","roles"],"extensions":{"code":"FORBIDDEN"}}]}`, nil,
		},
	}
	for _, tt := range tests {
		variables := []string{}
		if tt.variables != "" {
			variables = append(variables, tt.variables)
		}
		if got := s.ask(t, tt.who, tt.document, variables...); got.text != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, got.text, tt.want)
		}
	}
}

// TestAUZ14_bombs sends documents that would be much work. Each is refused, and
// soon.
func TestAUZ14_bombs(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	laps := "{ ...f0 }"
	for i := range 30 {
		laps += fmt.Sprintf(" fragment f%d on Query { ...f%d ...f%d }", i, i+1, i+1)
	}
	laps += " fragment f30 on Query { itemsCount }"
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	tests := []struct{ name, document, variables, code string }{
		{"aliases", `{` + many(1000, `a%d:x `) + `}`, "", "GRAPHQL_PARSE_FAILED"},
		{"few aliases too many", `{ items { ` + many(31, `a%d: name `) + `} }`, "", "LIMIT_EXCEEDED"},
		{"roots", `{ ` + many(21, `a%d: itemsCount `) + `}`, "", "LIMIT_EXCEEDED"},
		{"rows", `{ ` + many(11, `a%d: items(limit: 100) { id } `) + `}`, "", "LIMIT_EXCEEDED"},
		{"rows by a variable", `query($n: Int) { ` + many(11, `a%d: items(limit: $n) { id } `) + `}`, `{"n":100}`, "LIMIT_EXCEEDED"},
		{"rows by a default", `query($n: Int = 100) { ` + many(11, `a%d: items(limit: $n) { id } `) + `}`, ``, "LIMIT_EXCEEDED"},
		{"fields", `{ items { ` + strings.Repeat("name ", 201) + `} }`, "", "LIMIT_EXCEEDED"},
		{"brackets", strings.Repeat("[", 30_000), "", "LIMIT_EXCEEDED"},
		{"few brackets", strings.Repeat("{a", 900), "", "GRAPHQL_PARSE_FAILED"},
		{"deep", strings.Repeat("{a", 300) + strings.Repeat("}", 300), "", "LIMIT_EXCEEDED"},
		{"deep value", `{ items(where: ` + strings.Repeat("{NOT:", 200) + `{}` + strings.Repeat("}", 200) + `) { id } }`, "", "BAD_USER_INPUT"},
		{"laps", laps, "", "LIMIT_EXCEEDED"},
		{"circle", `{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }`, "", "LIMIT_EXCEEDED"},
		{"circle that nobody spreads", `{ itemsCount } fragment a on Query { ...a }`, "", "LIMIT_EXCEEDED"},
		{"directives", `{ itemsCount ` + strings.Repeat("@skip(if: false) ", 11) + `}`, "", "LIMIT_EXCEEDED"},
		{"unknown directives", `{ itemsCount ` + strings.Repeat("@x ", 400) + `}`, "", "LIMIT_EXCEEDED"},
		{"variables", `query(` + many(51, `$v%d: Int `) + `) { itemsCount }`, "", "LIMIT_EXCEEDED"},
		{"text", `{ itemsCount } #` + strings.Repeat("x", 17_000), "", "LIMIT_EXCEEDED"},
		{"introspection", `{ __schema { types { fields { type { fields { name } } } } } }`, "", "INTROSPECTION_OFF"},
		{"introspection in a fragment", `{ ...a } fragment a on Query { ... { __type(name: "User") { name } } }`, "", "INTROSPECTION_OFF"},
		{"LOG-07 passwords", `mutation { a: createUser(input: {email: "a@example.com", password: "correct horse"}) { id } b: createUser(input: {email: "b@example.com", password: "correct horse"}) { id } }`, "", "LIMIT_EXCEEDED"},
		{"values", `query($v: [String!]) { items(where: {name: {in: $v}}) { id } }`, `{"v":[` + strings.TrimSuffix(strings.Repeat(`"x",`, 5000), ",") + `]}`, "BAD_USER_INPUT"},
		{"conditions", `query($w: [ItemWhere!]) { items(where: {OR: $w}) { id } }`, `{"w":[` + strings.TrimSuffix(strings.Repeat(`{"name":{"eq":"x"}},`, 2000), ",") + `]}`, "BAD_USER_INPUT"},
		{"subscription", `subscription { itemsCount }`, "", "GRAPHQL_VALIDATION_FAILED"},
	}
	for _, tt := range tests {
		variables := []string{}
		if tt.variables != "" {
			variables = append(variables, tt.variables)
		}
		took := time.Hour
		var got answer
		for range 10 { // the best of some: other programs run, too
			start := time.Now()
			got = s.ask(t, nil, tt.document, variables...)
			took = min(took, time.Since(start))
		}
		if got.code() != tt.code || got.status == http.StatusOK && tt.code != "BAD_USER_INPUT" {
			t.Errorf("%s: %d %.300s", tt.name, got.status, got.text)
		}
		if took > 500*time.Millisecond { // a few milliseconds on a machine of its own
			t.Errorf("%s took %v", tt.name, took)
		}
	}
}

// TestAUZ14_transport asks in ways that are not the one.
func TestAUZ14_transport(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	document := `{"query":"{ itemsCount }"}`
	tests := []struct {
		name, contentType, body string
		status                  int
	}{
		{"text", "text/plain", document, 415},
		{"form", "application/x-www-form-urlencoded", "query=%7BitemsCount%7D", 415},
		{"multipart", "multipart/form-data; boundary=x", document, 415},
		{"graphql", "application/graphql", "{ itemsCount }", 415},
		{"charset", "application/json; charset=utf-16", document, 415},
		{"good", "application/json; charset=UTF-8", document, 200},
		{"large", "application/json", `{"query":"{ itemsCount }","x":"` + strings.Repeat("x", 64<<10) + `"}`, 413},
		{"batch", "application/json", `[` + document + `,` + document + `]`, 400},
		{"twice", "application/json", `{"query":"{ itemsCount }","query":"{ usersCount }"}`, 400},
		{"no JSON", "application/json", `{ itemsCount }`, 400},
		{"empty", "application/json", ``, 400},
		{"no query", "application/json", `{}`, 400},
		{"persisted", "application/json", `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}`, 400},
		{"query of a number", "application/json", `{"query":1}`, 400},
		{"variables of a list", "application/json", `{"query":"{ itemsCount }","variables":[]}`, 400},
		{"two operations", "application/json", `{"query":"query a { itemsCount } query b { usersCount }"}`, 400},
		{"unknown operation", "application/json", `{"query":"query a { itemsCount }","operationName":"b"}`, 400},
		{"nested variables", "application/json", `{"query":"query($w: ItemWhere) { itemsCount(where: $w) }","variables":{"w":` + strings.Repeat(`{"NOT":`, 40) + `{}` + strings.Repeat(`}`, 40) + `}}`, 400},
	}
	for _, tt := range tests {
		if got := s.send(t, s.max, tt.contentType, tt.body); got.status != tt.status {
			t.Errorf("%s: %d %s", tt.name, got.status, got.text)
		}
	}
	for accept, want := range map[string]string{
		"": "application/json", "*/*": "application/json", "text/html, application/json": "application/json", "application/graphql-response+json;q=0": "application/json",
		"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8": "application/graphql-response+json", ";;": "application/json",
	} {
		for body, status := range map[string]int{document: 200, `{}`: 400} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/graphql", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", accept)
			w := httptest.NewRecorder()
			s.api.ServeHTTP(w, r)
			if w.Code != status || w.Header().Get("Content-Type") != want {
				t.Errorf("Accept %q: %d %s", accept, w.Code, w.Header().Get("Content-Type"))
			}
		}
	}
	for _, method := range []string{http.MethodPatch, http.MethodPut, http.MethodDelete} {
		r := httptest.NewRequestWithContext(t.Context(), method, "/api/graphql?query={itemsCount}", http.NoBody)
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, r)
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, POST" {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

// TestAUZ15_faults asks while the database is away: nothing of why is told, and
// the log has it.
func TestAUZ15_faults(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	got := s.ask(t, s.max, `{ items { id } item(id: "`+s.soup+`") { id } }`)
	if got.status != http.StatusOK || len(got.Errors) != 2 || got.Data["items"] != nil {
		t.Fatalf("%d %s", got.status, got.text)
	}
	for _, e := range got.Errors {
		if e.Extensions.Code != "UNAVAILABLE" && e.Extensions.Code != "INTERNAL" {
			t.Errorf("%+v", e)
		}
	}
	for _, detail := range []string{"sql", "database", "closed", ".go", "SELECT", "items\\\""} {
		if strings.Contains(got.text, detail) {
			t.Errorf("%q is told: %s", detail, got.text)
		}
	}
	if !strings.Contains(s.log.String(), "closed") {
		t.Errorf("the log does not say why: %s", s.log)
	}
}

// TestAUZ15_noSuggestions misspells names a little: nothing tells what they could
// have been.
func TestAUZ15_noSuggestions(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	for _, tt := range []struct{ document, variables string }{
		{`{ item { id } }`, ``},
		{`{ itemz { id } }`, ``},
		{`{ items { costs } }`, ``},
		{`{ items(wher: {}) { id } }`, ``},
		{`{ items(where: {costs: {eq: 1}}) { id } }`, ``},
		{`{ items(where: {kind: {eq: fod}}) { id } }`, ``},
		{`query($w: ItemWher) { items(where: $w) { id } }`, ``},
		{`{ items { ... on Itm { id } } }`, ``},
		{`query($w: ItemWhere) { items(where: $w) { id } }`, `{"w":{"costs":{"eq":1}}}`},
		{`query($k: ItemKind) { items(where: {kind: {eq: $k}}) { id } }`, `{"k":"fod"}`},
	} {
		variables := "{}"
		if tt.variables != "" {
			variables = tt.variables
		}
		got := s.ask(t, nil, tt.document, variables)
		if got.status != http.StatusBadRequest || strings.Contains(strings.ToLower(got.text), "did you mean") || strings.Contains(got.text, `"cost"`) || strings.Contains(got.text, "food") {
			t.Errorf("%s: %d %s", tt.document, got.status, got.text)
		}
	}
}

// TestBadInput sends values that the types do not have, or that would mean
// something else than they look like.
func TestBadInput(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	tests := []struct {
		name, document, variables string
		status                    int
	}{
		{"null filter", `{ items(where: {image: null}) { id } }`, ``, 200},
		{"null filter by a variable", `query($f: StringFilter) { items(where: {name: $f}) { id } }`, `{"f":null}`, 200},
		{"nothing compared", `{ items(where: {price: {}}) { id } }`, ``, 200},
		{"nothing sent to compare with", `query($c: Decimal) { items(where: {price: {eq: $c}}) { id } }`, ``, 200},
		{"nothing sent to compare with, beside", `query($c: Decimal) { items(where: {name: {eq: "tea"}, price: {eq: $c}}) { id } }`, ``, 200},
		{"no filter sent", `query($f: StringFilter) { items(where: {name: $f}) { id } }`, ``, 200},
		{"no conditions", `{ items(where: {AND: []}) { id } }`, ``, 200},
		{"an empty condition", `{ items(where: {OR: [{}]}) { id } }`, ``, 200},
		{"nothing negated", `{ items(where: {NOT: {}}) { id } }`, ``, 200},
		{"nothing at all", `{ items(where: {}) { id } }`, ``, 200},
		{"null group", `{ items(where: {OR: null}) { id } }`, ``, 200},
		{"null operator", `{ items(where: {image: {null: null}}) { id } }`, ``, 200},
		{"order by nothing", `{ items(orderBy: [{}]) { id } }`, ``, 200},
		{"order by two", `{ items(orderBy: [{name: asc, price: asc}]) { id } }`, ``, 200},
		{"order by null", `{ items(orderBy: [{name: null}]) { id } }`, ``, 200},
		{"negative limit", `{ items(limit: -1) { id } }`, ``, 200},
		{"negative skip", `{ items(skip: -1) { id } }`, ``, 200},
		{"too far", `{ items(skip: 10001) { id } }`, ``, 200},
		{"date that is none", `{ items(where: {createdAt: {lt: yesterday}}) { id } }`, ``, 200},
		{"decimal that is none", `{ items(where: {price: {lt: "0x10"}}) { id } }`, ``, 200},
		{"too many decimals", `{ items(where: {price: {eq: 1.001}}) { id } }`, ``, 200},
		{"an object for a scalar", `{ items(where: {price: {eq: {a: 1}}}) { id } }`, ``, 200},
		{"an enum's word that is stored", `query($k: ItemKind!) { items(where: {kind: {eq: $k}}) { id } }`, `{"k":"hot-drink"}`, 400},
		{"a float for Int", `query($n: Int) { items(limit: $n) { id } }`, `{"n":1.5}`, 400},
		{"33 bits", `query($n: Int) { items(limit: $n) { id } }`, `{"n":4294967296}`, 400},
		{"missing", `query($id: ID!) { item(id: $id) { id } }`, ``, 400},
		{"null for what is never null", `query($id: ID!) { item(id: $id) { id } }`, `{"id":null}`, 400},
		{"null in a list", `query($l: [ItemOrderBy!]) { items(orderBy: $l) { id } }`, `{"l":[null]}`, 400},
		{"missing member", `mutation($i: CreateItemInput!) { createItem(input: $i) { id } }`, `{"i":{"name":"x"}}`, 400},
		{"a string for Boolean", `query($b: Boolean) { orders(where: {paid: {eq: $b}}) { id } }`, `{"b":"true"}`, 400},
		{"a number for String", `query($s: String) { items(search: $s) { id } }`, `{"s":1}`, 400},
	}
	for _, tt := range tests {
		variables := "{}"
		if tt.variables != "" {
			variables = tt.variables
		}
		got := s.ask(t, s.cleo, tt.document, variables)
		if got.status != tt.status || got.code() != "BAD_USER_INPUT" || len(got.Data) > 0 && got.Data["items"] != nil {
			t.Errorf("%s: %d %s", tt.name, got.status, got.text)
		}
	}
}

// TestAUZ13_orderOfAnswers sends what is wrong as somebody who may not send it at
// all: that is what they are told.
func TestAUZ13_orderOfAnswers(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	for _, document := range []string{
		`{ users(orderBy: [{}]) { id } }`, `{ users(where: {email: null}) { id } }`, `{ usersCount(where: {email: null}) }`,
		`{ users(where: {email: {contains: "x"}}, limit: -1) { id } }`, `mutation { deleteItem(id: "x") { id } }`,
	} {
		if got := s.ask(t, nil, document); got.code() != "UNAUTHENTICATED" {
			t.Errorf("nobody: %s: %s", document, got.text)
		}
		if got := s.ask(t, s.ann, document); got.code() != "FORBIDDEN" {
			t.Errorf("ann: %s: %s", document, got.text)
		}
		if got := s.ask(t, s.max, document); got.code() != "BAD_USER_INPUT" && got.code() != "NOT_FOUND" {
			t.Errorf("manager: %s: %s", document, got.text)
		}
	}
}

// TestNew refuses schemas that say something else than the entities.
func TestNew(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	tests := []struct{ name, sdl, want string }{
		{"no SDL", "type Query {", "Expected Name"},
		{"empty", "", "no queries"},
		{"unknown entity", "type Query { x(id: ID!): X } type X { id: ID }", `there is no entity "X"`},
		{"unknown field", "type Query { item(id: ID!): Item } type Item { id: ID secret: String }", "Item.secret"},
		{"password", "type Query { user(id: ID!): User } type User { id: ID password: String }", "nobody may read it"},
		{"never null", "type Query { item(id: ID!): Item! } type Item { id: ID }", "nullable"},
		{"no id", "type Query { item: Item } type Item { id: ID }", "id is missing"},
		{"count of what", "type Query { n: Int }", "nothing says of what"},
		{"unknown filter", "type Query { items(where: ItemWhere): [Item!] } type Item { id: ID } input ItemWhere { x: Int }", "ItemWhere.x"},
	}
	for _, tt := range tests {
		_, err := graphql.New(graphql.Config{SDL: tt.sdl, Entities: s.services()})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
