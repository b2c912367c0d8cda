package graphql_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// hashed names a document as clients do.
func hashed(document string) string {
	sum := sha256.Sum256([]byte(document))
	return `{"persistedQuery":{"version":1,"sha256Hash":"` + hex.EncodeToString(sum[:]) + `"}}`
}

// get asks by GET; what is given are parameters and their values.
func (s *shop) get(t testing.TB, who *gate.Principal, method string, headers http.Header, params ...string) *httptest.ResponseRecorder {
	t.Helper()
	values := url.Values{}
	for i := 0; i < len(params); i += 2 {
		values.Add(params[i], params[i+1])
	}
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/graphql?"+values.Encode(), http.NoBody)
	for name := range headers {
		r.Header.Set(name, headers.Get(name))
	}
	if who != nil {
		r = r.WithContext(gate.ContextWithPrincipal(r.Context(), who))
	}
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	return w
}

// TestGet: a query that is known by its name is answered by the rights of who asks,
// for them to keep and for nobody in between.
func TestGet(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		const document = `query A($n: Int) {orders(limit:$n) {note}} query B {items {name}}`
		s.named(t, s.ann, document, true, `{"n":1}`) // which has two operations and executes none
		get := func(who *gate.Principal, headers http.Header, params ...string) *httptest.ResponseRecorder {
			return s.get(t, who, http.MethodGet, headers, append([]string{"extensions", hashed(document)}, params...)...)
		}
		mine := get(s.ann, nil, "operationName", "A", "variables", `{"n":1}`)
		if mine.Code != http.StatusOK || mine.Body.String() != `{"data":{"orders":[{"note":"no salt"}]}}` {
			t.Fatalf("%d %s", mine.Code, mine.Body)
		}
		tag := mine.Header().Get("Etag")
		if got := mine.Header().Get("Cache-Control"); got != "private, no-cache" || tag == "" || !strings.Contains(strings.Join(mine.Header()["Vary"], ","), "Cookie") {
			t.Errorf("it may be kept by %q under %q, %v", got, tag, mine.Header()["Vary"])
		}
		same := get(s.ann, http.Header{"If-None-Match": {`"x", W/` + tag}}, "operationName", "A", "variables", `{"n":1}`)
		if same.Code != http.StatusNotModified || same.Body.Len() != 0 || same.Header().Get("Etag") != tag {
			t.Errorf("what is the same: %d %s", same.Code, same.Body)
		}
		// What somebody else has kept says nothing of what one may see, and an answer
		// with errors is nobody's to keep.
		theirs := get(s.bob, http.Header{"If-None-Match": {tag}}, "operationName", "A", "variables", `{"n":1}`)
		if theirs.Code != http.StatusOK || !strings.Contains(theirs.Body.String(), `"note":null`) || theirs.Header().Get("Cache-Control") != "no-store" || theirs.Header().Get("Etag") != "" {
			t.Errorf("somebody else: %d %s %v", theirs.Code, theirs.Body, theirs.Header())
		}
		if nobody := get(nil, http.Header{"If-None-Match": {tag}}, "operationName", "A"); !strings.Contains(nobody.Body.String(), "UNAUTHENTICATED") {
			t.Errorf("nobody: %d %s", nobody.Code, nobody.Body)
		}
		if w := get(nil, nil, "operationName", "B"); w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "private, no-cache" {
			t.Errorf("what everybody may read: %d %s %v", w.Code, w.Body, w.Header())
		}
		if w := s.get(t, s.ann, http.MethodHead, nil, "extensions", hashed(document), "operationName", "B"); w.Code != http.StatusOK || w.Header().Get("Etag") == "" {
			t.Errorf("HEAD: %d %v", w.Code, w.Header())
		}
	})
}

// TestGet_changesNothing: no address changes anything, whatever document it names, and
// none carries a document.
func TestGet_changesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		change := `mutation M {deleteOrder(id: ` + s.annOrder + `) {id}} query Q {items {name}}`
		const safe = `query($n: Int) {items(limit: $n) {name}}`
		s.named(t, nil, change, true, `{}`)
		s.named(t, nil, safe, true, `{}`)
		for _, tt := range []struct {
			name   string
			params []string
			want   int
			says   string
		}{
			{"a mutation", []string{"extensions", hashed(change), "operationName", "M"}, 405, "by POST"},
			{"the query beside it", []string{"extensions", hashed(change), "operationName", "Q"}, 200, "soup"},
			{"neither", []string{"extensions", hashed(change)}, 400, "operationName"},
			{"nothing", nil, 400, "the name of a document"},
			{"a text", []string{"query", `{items {name}}`}, 400, "POST takes its text"},
			{"a text that has the name", []string{"query", safe, "extensions", hashed(safe)}, 400, "POST takes its text"},
			{"a mutation's text", []string{"query", change, "operationName", "M"}, 400, "POST takes its text"},
			{"another name", []string{"extensions", hashed("x")}, 200, "PERSISTED_QUERY_NOT_FOUND"},
			{"no name", []string{"extensions", `{}`}, 400, "query is missing"},
			{"extensions that are none", []string{"extensions", `[1]`}, 400, "extensions has another type"},
			{"no JSON", []string{"extensions", `{`}, 400, "not JSON"},
			{"one twice", []string{"extensions", hashed(safe), "extensions", hashed(change)}, 400, "given twice"},
			{"variables twice", []string{"extensions", hashed(safe), "variables", `{"n":1}`, "variables", `{"n":100}`}, 400, "given twice"},
			{"variables that are none", []string{"extensions", hashed(safe), "variables", `1`}, 400, "variables has another type"},
			{"a member twice", []string{"extensions", hashed(safe), "variables", `{"n":1,"n":100}`}, 400, "not JSON"},
			{"too deep", []string{"extensions", hashed(safe), "variables", `{"n":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`}, 400, "not JSON"},
			{"too long", []string{"extensions", hashed(safe), "variables", `{"n":` + strings.Repeat(" ", 17<<10) + `1}`}, 400, "LIMIT_EXCEEDED"},
		} {
			w := s.get(t, s.ann, http.MethodGet, nil, tt.params...)
			if w.Code != tt.want || !strings.Contains(w.Body.String(), tt.says) {
				t.Errorf("%s: %d %s, want %d %s", tt.name, w.Code, w.Body, tt.want, tt.says)
			}
			if tt.want != 200 && w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s may be kept: %v", tt.name, w.Header())
			}
			if tt.want == 405 && w.Header().Get("Allow") != http.MethodPost {
				t.Errorf("%s: allowed is %s", tt.name, w.Header().Get("Allow"))
			}
		}
		if got := s.ask(t, s.ann, `{order(id:`+s.annOrder+`) {id}}`); len(got.Errors) > 0 {
			t.Errorf("the order is gone: %s", got.text)
		}
	})
}

// only makes the shop answer its own operations alone.
func (s *shop) only(t testing.TB, development bool) {
	t.Helper()
	var err error
	s.api, err = graphql.New(graphql.Config{
		SDL: sdl, Entities: s.services(), Login: s.door, Only: true, Introspection: development,
		Errors: gate.ErrorWriter{Logger: slog.New(slog.NewTextHandler(s.log, nil))},
		Operations: map[string]string{
			"menu.graphql":  "query Menu($n: Int) {\n  items(limit: $n) { name }\n}\n",
			"enter.graphql": `mutation($credentials: JSON!) {login(strategy: "local" credentials: $credentials) {accessToken}}`,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOnly: a service with operations of its own answers these, by their names or by
// their texts, and nothing else whoever asks.
func TestOnly(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	s.only(t, false)
	const menu = "query Menu($n: Int) {\n  items(limit: $n) { name }\n}"
	for _, tt := range []struct {
		name, document string
		whole          bool
		status         int
		want           string
	}{
		{"by its name", menu + "\n", false, 200, `"name":"soup"`},
		{"by its name without the last line", menu, false, 200, `"name":"soup"`},
		{"by its text", menu + "\n", true, 200, `"name":"soup"`},
		{"another text of the same meaning", `query Menu($n: Int) {items(limit: $n) {name}}`, true, 400, "OPERATION_NOT_LISTED"},
		{"another document", `{items {name}}`, true, 400, "OPERATION_NOT_LISTED"},
		{"another name", `{items {name}}`, false, 400, "OPERATION_NOT_LISTED"},
		{"what is not valid, in the same words", `{nope}`, true, 400, "OPERATION_NOT_LISTED"},
		{"what does not parse, in the same words", `{`, true, 400, "OPERATION_NOT_LISTED"},
		{"introspection", `{__schema {types {name}}}`, true, 400, "OPERATION_NOT_LISTED"},
		{"what only another one may be sent with", `query Menu($n: Int) { users { id } }`, true, 400, "OPERATION_NOT_LISTED"},
	} {
		if got := s.named(t, s.ann, tt.document, tt.whole, `{"n":2}`); got.status != tt.status || !strings.Contains(got.text, tt.want) {
			t.Errorf("%s: %d %s", tt.name, got.status, got.text)
		}
		if !tt.whole || tt.status == 200 {
			continue
		}
		if got := s.ask(t, s.max, tt.document); got.code() != "OPERATION_NOT_LISTED" {
			t.Errorf("%s, without its name: %s", tt.name, got.text)
		}
	}
	if got := s.named(t, s.ann, menu, false, `{"n":100000}`); got.status != 200 { // the limits are those of every document
		t.Errorf("with too much: %d %s", got.status, got.text)
	}
	if w := s.get(t, nil, http.MethodGet, nil, "extensions", hashed(menu)); w.Code != 200 || w.Header().Get("Etag") == "" {
		t.Errorf("by GET: %d %s", w.Code, w.Body)
	}
	if w := s.get(t, nil, http.MethodGet, nil, "extensions", hashed("{items {id}}")); w.Code != 400 || !strings.Contains(w.Body.String(), "OPERATION_NOT_LISTED") {
		t.Errorf("another by GET: %d %s", w.Code, w.Body)
	}
}

// TestOnly_development: who writes operations may try them, and is told what will be
// refused.
func TestOnly_development(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	s.only(t, true)
	s.log.Reset()
	if got := s.ask(t, nil, `query Other {items {name}}`); got.status != 200 || !strings.Contains(got.text, "soup") {
		t.Errorf("%d %s", got.status, got.text)
	}
	if !strings.Contains(s.log.String(), "production would refuse it") {
		t.Errorf("the log says %s", s.log)
	}
	if got := s.named(t, nil, `{items {id}}`, false, `{}`); got.code() != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("by a name: %s", got.text)
	}
}

// TestNew_operations: a file that is no operation of the schema keeps the service from
// starting, and the error names it.
func TestNew_operations(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	for _, text := range []string{"", "{", "{nope}", "fragment F on Item {id}", "query A {items {id}} query A {items {id}}", "{items {name}} #" + strings.Repeat("x", 17<<10), `subscription {x}`} {
		_, err := graphql.New(graphql.Config{SDL: sdl, Entities: s.services(), Login: s.door, Operations: map[string]string{"menu.graphql": text}})
		if err == nil || !strings.Contains(err.Error(), "menu.graphql") {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

// FuzzGet: whatever an address says, the answer is JSON and nothing is changed.
func FuzzGet(f *testing.F) {
	f.Add("extensions=%7B%22persistedQuery%22%3A%7B%22version%22%3A1%7D%7D&variables=%7B%7D&operationName=x")
	f.Add("extensions=1&extensions=2")
	f.Add("query={items{id}}&%zz")
	s := newShop(f, storetest.SQLite(f))
	f.Fuzz(func(t *testing.T, raw string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/graphql", http.NoBody)
		r.URL.RawQuery = raw
		w := httptest.NewRecorder()
		s.api.ServeHTTP(w, r)
		if w.Code >= 500 || !json.Valid(bytes.TrimSpace(w.Body.Bytes())) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
