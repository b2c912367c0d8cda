package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/server/graph"
)

// A lateBody is a body that comes when something else has happened.
type lateBody struct {
	io.Reader
	meanwhile func()
}

func (b *lateBody) Read(p []byte) (int, error) {
	if b.meanwhile != nil {
		b.meanwhile()
		b.meanwhile = nil
	}
	return b.Reader.Read(p)
}

// late sends a request whose headers come before meanwhile, and whose body comes
// after.
func (r *running) late(method, path, body string, meanwhile func(), headers ...string) *httptest.ResponseRecorder {
	r.t.Helper()
	req := httptest.NewRequestWithContext(r.t.Context(), method, path, &lateBody{strings.NewReader(body), meanwhile})
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.srv.Handler().ServeHTTP(w, req)
	return w
}

const itemSDL = `
type Query { item(id: ID!): Item }
type Mutation { createItem(input: CreateItemInput!): Item }
type Item { id: ID name: String price: String }
input CreateItemInput { name: String! price: String! }
`

// TestSES11_lateBody: whoever holds back a body is judged when it has come, at
// every route that knows who calls.
func TestSES11_lateBody(t *testing.T) {
	o := everything(newLetterbox(), nil)
	o.configure = func(a *App) error {
		a.HandleFunc("POST /api/own", func(w http.ResponseWriter, r *http.Request) {
			if _, ok := gate.PrincipalFromContext(r.Context()); !ok {
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
		a.Extend(func(a *server.App) error { return graph.Mount(a, itemSDL) })
		return nil
	}
	r := start(t, o)
	item := `{"name":"Late figs","price":1}`
	for name, tt := range map[string]struct{ method, path, body string }{
		"REST create": {"POST", "/api/items", item},
		"REST patch":  {"PATCH", "/api/users/ID", `{"name":"Late"}`},
		"REST put":    {"PUT", "/api/users/ID", `{"email":"EMAIL","name":"Late"}`},
		"GraphQL":     {"POST", graph.Path, `{"query":"mutation{createItem(input:{name:\"Late figs\",price:\"1\"}){id}}"}`},
		"key":         {"POST", "/api/account/api-keys", `{"name":"late","scopes":["owner"]}`},
		"password":    {"PUT", "/api/account/password", `{"currentPassword":"` + goodPassword + `","password":"` + newPassword + `"}`},
		"own route":   {"POST", "/api/own", `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			email := strings.ReplaceAll(strings.ToLower(name), " ", "-") + "@x.example"
			id := r.signUp(email, "menu-admin")
			fill := strings.NewReplacer("ID", id, "EMAIL", email)
			bearer := r.login(email)
			meanwhile := func() { r.do("DELETE", "/api/authentication", "", bearer...).is(200) }
			w := r.late(tt.method, fill.Replace(tt.path), fill.Replace(tt.body), meanwhile, bearer...)
			if w.Code != http.StatusUnauthorized {
				t.Errorf("the session had ended when the body came: %d %s", w.Code, w.Body)
			}
		})
	}
	r.t = t
	if list := r.do("GET", "/api/items", "").is(200).json(); list["total"] != float64(0) {
		t.Errorf("something was written: %v", list)
	}
}

// TestSES11_lateRole: a role that was taken away meanwhile gives nothing.
func TestSES11_lateRole(t *testing.T) {
	r := start(t, everything(newLetterbox(), nil))
	id, other := r.signUp(ada, "menu-admin"), r.signUp("bob@x.example")
	strip := func() {
		if _, err := r.app.Users.PatchRow(authz.System(t.Context()), id, []byte(`{"roles":[]}`), nil); err != nil {
			t.Fatal(err)
		}
	}
	w := r.late("PATCH", "/api/users/"+other, `{"roles":["menu-admin"]}`, strip, r.login(ada)...)
	if w.Code != http.StatusNotFound && w.Code != http.StatusForbidden {
		t.Errorf("the role was gone when the body came: %d %s", w.Code, w.Body)
	}
}

// TestOPS02_bodiesAhead: a body that is here ahead of the judgement is refused by
// its route as before, and a request without one does not wait.
func TestOPS02_bodiesAhead(t *testing.T) {
	r := start(t, everything(newLetterbox(), nil))
	r.signUp(ada, "menu-admin")
	bearer := r.login(ada)
	long := func(n int) string { return `{"name":"` + strings.Repeat("x", n) + `"}` }
	for name, tt := range map[string]struct {
		path, body string
		header     []string
		want       int
	}{
		"longer than the account takes":    {"/api/account/api-keys", long(9 << 10), bearer, 413},
		"longer than anybody takes":        {"/api/items", long(2 << 20), bearer, 413},
		"longer, and nobody in particular": {"/api/items", long(2 << 20), nil, 401},
		"longer than a page of memory":     {"/api/items", long(100 << 10), bearer, 400},
		"of another type":                  {"/api/items", "x", append([]string{"Content-Type", "text/plain"}, bearer...), 415},
		"with a token that is none":        {"/api/items", "{}", []string{"Authorization", "Bearer x"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			if w := r.late("POST", tt.path, tt.body, nil, tt.header...); w.Code != tt.want {
				t.Errorf("status is %d, want %d: %.200s", w.Code, tt.want, w.Body)
			}
		})
	}
}
