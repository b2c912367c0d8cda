package server_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/runtime/server"
)

// asAmplication makes the service one of that grammar.
func asAmplication(o options) options {
	change := o.change
	o.change = func(s *server.Service) {
		s.Grammar = rest.Amplication{}
		if change != nil {
			change(s)
		}
	}
	return o
}

func namedLogin(name, password string) string {
	return `{"username":"` + name + `","password":"` + password + `"}`
}

// TestAmplication_login: the words of Amplication, and what they lead to.
func TestAmplication_login(t *testing.T) {
	r := start(t, asAmplication(options{}))
	r.signUp(ada)
	a := r.do("POST", "/api/login", namedLogin(strings.ToUpper(ada), goodPassword)).is(201)
	got := a.json()
	token, _ := got["accessToken"].(string)
	if got["username"] != ada || got["id"] == "" || len(got) != 4 || token == "" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%v %v", got, a.Header)
	}
	if roles, _ := got["roles"].([]any); len(roles) != 1 || roles[0] != "customer" {
		t.Errorf("roles: %v", got["roles"])
	}
	bearer := []string{"Authorization", "Bearer " + token}
	if me := r.do("GET", "/api/me", "", bearer...).is(200).json(); me["email"] != ada || me["id"] != got["id"] {
		t.Errorf("me: %v", me)
	}
	r.do("DELETE", "/api/authentication", "", bearer...).is(200)
	r.do("GET", "/api/me", "", bearer...).is(401)
	r.do("GET", "/api/_health/live", "").is(204)
	r.do("GET", "/api/_health/ready", "").is(204)
	if body := r.do("GET", "/api/items?take=1&orderBy[name]=asc", "").is(200).Body; body != "[]" {
		t.Errorf("a list: %s", body)
	}
}

// TestLOG_amplication: a log-in in other words is one like any other, for the throttle,
// for the device, and for who tries what it does not take.
func TestLOG_amplication(t *testing.T) {
	o := asAmplication(everything(newLetterbox(), nil))
	o.environ = append(o.environ, "TRUSTED_PROXIES=127.0.0.0/8")
	r := start(t, o)
	r.signUp(ada)
	from := func(address, path, body string) answer { return r.do("POST", path, body, "X-Forwarded-For", address) }
	a := from("192.0.2.1", "/api/login", namedLogin(ada, goodPassword)).is(201)
	device, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	if device == "" || a.json()["refreshToken"] == nil {
		t.Errorf("no device is remembered, or there is no refresh token: %v %s", a.Header, a.Body)
	}
	if a := r.do("POST", "/api/login", namedLogin(ada, goodPassword), "Cookie", device).is(201); a.Header.Get("Set-Cookie") != "" {
		t.Errorf("a device that is known is another one, with attempts of its own: %v", a.Header)
	}
	for name, body := range map[string]string{
		"nothing":            ``,
		"no object":          `[]`,
		"another strategy":   `{"strategy":"jwt","accessToken":"x"}`,
		"a strategy, too":    `{"username":"` + ada + `","password":"` + goodPassword + `","strategy":"local"}`,
		"the field's name":   `{"email":"` + ada + `","password":"` + goodPassword + `"}`,
		"no password":        `{"username":"` + ada + `"}`,
		"twice":              `{"username":"` + ada + `","username":"` + ada + `","password":"x"}`,
		"an operator":        `{"username":{"contains":"ada"},"password":"` + goodPassword + `"}`,
		"null":               `{"username":null,"password":null}`,
		"a number":           `{"username":1,"password":2}`,
		"what is injected":   `{"username":"` + ada + `\",\"strategy\":\"jwt","password":1}`,
		"something else too": `{"username":"` + ada + `","password":"` + goodPassword + `"} {}`,
	} {
		if a := from("192.0.2.9", "/api/login", body); a.Status != 400 && a.Status != 415 {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	from("192.0.2.9", "/api/login", namedLogin(ada, strings.Repeat("x", 9<<10))).is(413)
	r.do("POST", "/api/login", namedLogin(ada, goodPassword), "X-Forwarded-For", "192.0.2.9", "Content-Type", "text/plain").is(415)
	r.do("GET", "/api/login", "").is(405)
	wrong, nobody := from("192.0.2.3", "/api/login", namedLogin(ada, "wrong")).is(401), from("192.0.2.3", "/api/login", namedLogin("nobody@example.com", "wrong")).is(401)
	if cut(wrong.Body) != cut(nobody.Body) {
		t.Errorf("a wrong password and an unknown name are told apart:\n%s\n%s", wrong.Body, nobody.Body)
	}
	for range 10 {
		from("192.0.2.2", "/api/login", namedLogin(ada, "wrong"))
	}
	if a := from("192.0.2.2", "/api/login", namedLogin(ada, goodPassword)); a.Status != 429 || a.Header.Get("Retry-After") == "" {
		t.Errorf("too often: %d %s", a.Status, a.Body)
	}
	from("192.0.2.2", "/api/authentication", loginBody(ada, goodPassword)).is(429)
	from("192.0.2.1", "/api/authentication", loginBody(ada, goodPassword)).is(201)
}

// cut returns what of an answer is the same for each request.
func cut(body string) string {
	before, _, _ := strings.Cut(body, `"data"`)
	return before
}

// TestAmplication_errors: every refusal is in the words of Amplication, whoever refuses.
func TestAmplication_errors(t *testing.T) {
	r := start(t, asAmplication(options{}))
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/api/users", "", 401, `{"statusCode":401,"message":"Not authenticated","error":"Unauthorized"}`},
		{"POST", "/api/login", `{"username":"x","password":"wrong"}`, 401, `"error":"Unauthorized"}`},
		{"GET", "/api/nothing", "", 404, `{"statusCode":404,"message":"Not found","error":"Not Found"}`},
		{"PUT", "/api/items/x", "{}", 405, `{"statusCode":405,"message":"Method not allowed","error":"Method Not Allowed"}`},
		{"GET", "/api/items?take=x&limit=1", "", 400, `{"statusCode":400,"message":["take must be a whole number from 0 on","limit is not a parameter of this route"],"error":"Bad Request","errors":[{`},
		{"POST", "/api/users", `{"name":"x"}`, 400, `"message":["email is required","password is required"],"error":"Bad Request"`},
	} {
		if a := r.do(tt.method, tt.path, tt.body); a.Status != tt.status || !strings.Contains(a.Body, tt.want) {
			t.Errorf("%s %s: %d %s, want %s", tt.method, tt.path, a.Status, a.Body, tt.want)
		}
	}
	if a := r.do("GET", "/api/users", "", "Accept", "application/problem+json").is(401); !strings.Contains(a.Body, `"title":"Unauthorized"`) {
		t.Errorf("RFC 9457: %s", a.Body)
	}
	if a := r.do("GET", "/api/users", "", "Authorization", "Bearer x").is(401); !strings.Contains(a.Body, `"statusCode":401`) || a.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("a bad token: %s", a.Body)
	}
	feathers := start(t, options{})
	if a := feathers.do("GET", "/api/users", "").is(401); !strings.Contains(a.Body, `"className":"not-authenticated"`) {
		t.Errorf("the other grammar: %s", a.Body)
	}
	feathers.do("GET", "/api/_health/live", "").is(404)
}

// TestAmplication_noLogin: where nobody can log in, or in the other grammar, there is no
// such route.
func TestAmplication_noLogin(t *testing.T) {
	for name, o := range map[string]options{
		"feathers": {}, "basic": asAmplication(options{noTokens: true, basic: true}), "nobody": asAmplication(options{noAuth: true}),
	} {
		t.Run(name, func(t *testing.T) {
			start(t, o).do("POST", "/api/login", namedLogin(ada, goodPassword)).is(404)
		})
	}
}
