package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/server/graph"
)

const accountSDL = `
type Query { me: User item(id: ID!): Item }
type Mutation { login(strategy: String!, credentials: JSON!): Login createUser(input: CreateUserInput!): User }
type User { id: ID email: String }
type Item { id: ID name: String }
type Login { accessToken: String refreshToken: String }
input CreateUserInput { email: String! password: String! }
scalar JSON
`

func withGraphQL(o options) options {
	o.configure = func(a *App) error {
		a.Extend(func(a *server.App) error { return graph.Mount(a, accountSDL) })
		return nil
	}
	return o
}

// document sends a document of GraphQL.
func (r *running) document(text string, headers ...string) answer {
	r.t.Helper()
	return r.do("POST", graph.Path, fmt.Sprintf(`{"query":%q}`, text), headers...).is(200)
}

func logInAs(email, password string) string {
	return fmt.Sprintf(`mutation { login(strategy: "local", credentials: {email: %q, password: %q}) { accessToken } }`, email, password)
}

// TestLOG07_graphql: a log-in over GraphQL is one over REST, for the throttle and
// for the device.
func TestLOG07_graphql(t *testing.T) {
	o := withGraphQL(everything(newLetterbox(), nil))
	o.environ = append(o.environ, "TRUSTED_PROXIES=127.0.0.0/8")
	r := start(t, o)
	r.signUp(ada)
	from := func(address, password string) answer {
		return r.document(logInAs(ada, password), "X-Forwarded-For", address)
	}
	a := from("192.0.2.1", goodPassword)
	if !strings.Contains(a.Body, `"accessToken":"ey`) || a.Header.Get("Set-Cookie") == "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s %v", a.Body, a.Header)
	}
	for range 10 {
		if a := from("192.0.2.2", "wrong"); !strings.Contains(a.Body, "UNAUTHENTICATED") {
			t.Errorf("a wrong password: %s", a.Body)
		}
	}
	if a := from("192.0.2.2", goodPassword); !strings.Contains(a.Body, "TOO_MANY_REQUESTS") || a.Header.Get("Retry-After") == "" {
		t.Errorf("too often: %s", a.Body)
	}
	r.do("POST", "/api/authentication", loginBody(ada, goodPassword), "X-Forwarded-For", "192.0.2.2").is(429)
	r.do("POST", "/api/authentication", loginBody(ada, goodPassword), "X-Forwarded-For", "192.0.2.1").is(201)
	if a := r.do("POST", graph.Path, fmt.Sprintf(`{"query":%q}`, logInAs(ada, strings.Repeat("x", 9<<10))), "X-Forwarded-For", "192.0.2.3"); !strings.Contains(a.Body, "BAD_USER_INPUT") {
		t.Errorf("a long log-in: %d %s", a.Status, a.Body)
	}
}

// TestNoREST: entities have no routes, and what is about the caller stays.
func TestNoREST(t *testing.T) {
	o := withGraphQL(options{})
	o.change = func(s *server.Service) { s.NoREST = true }
	r := start(t, o)
	if a := r.document(fmt.Sprintf(`mutation { createUser(input: {email: %q, password: %q}) { id } }`, ada, goodPassword)); strings.Contains(a.Body, "errors") {
		t.Fatal(a.Body)
	}
	bearer := r.login(ada)
	for _, path := range []string{"/api/items", "/api/items/x", "/api/users", "/api/users/x"} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			r.do(method, path, `{}`, bearer...).is(404)
		}
	}
	if a := r.document(`{ me { email } }`, bearer...); a.Body != `{"data":{"me":{"email":"`+ada+`"}}}` {
		t.Errorf("me: %s", a.Body)
	}
	if me := r.do("GET", "/api/me", "", bearer...).is(200).json(); me["email"] != ada {
		t.Errorf("me over REST: %v", me)
	}
	r.do("DELETE", "/api/authentication", "", bearer...).is(200)
	if a := r.do("POST", graph.Path, `{"query":"{me{email}}"}`, bearer...); a.Status != 401 {
		t.Errorf("after the log-out: %d %s", a.Status, a.Body)
	}
}
