package graphql_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// door is a log-in, and remembers who knocked.
type door struct {
	errors gate.ErrorWriter
	bodies []string
	last   *http.Request
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	d.bodies, d.last = append(d.bodies, string(raw)), r
	if _, bad := model.Members(raw); err != nil || bad != nil {
		d.errors.Write(w, r, &gate.Error{Status: http.StatusBadRequest, Message: "The body is not valid JSON"})
		return
	}
	switch {
	case strings.Contains(string(raw), "throttled"):
		d.errors.Write(w, r, &gate.Error{Status: http.StatusTooManyRequests, RetryAfter: 30 * time.Second})
	case strings.Contains(string(raw), "broken"):
		d.errors.Write(w, r, errors.New("the disk is full"))
	case !strings.Contains(string(raw), "correct horse"):
		d.errors.Write(w, r, gate.ErrInvalidCredentials)
	default:
		w.Header().Set("Set-Cookie", "device=1; HttpOnly")
		w.Header().Set("X-Other", "1")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"accessToken":"token","authentication":{"strategy":"local"},"user":{"email":"x"}}`))
	}
}

const logIn = `mutation($c: JSON!) {login(strategy:"local",credentials:$c) {t: accessToken refreshToken __typename}}`

// TestLogin goes through the door of REST, as whoever stands before it.
func TestLogin(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	body := `{"query":` + string(quoted(t, logIn)) + `,"variables":{"c":{"email":"ann@example.com","password":"correct horse","n":1.50}}}`
	r := httptest.NewRequestWithContext(gate.ContextWithClient(t.Context(), gate.Client{UserAgent: "test"}), http.MethodPost, "/api/graphql", strings.NewReader(body))
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Cookie": "known=device", "Authorization": "Bearer x", "X-Service-Method": "find", "Accept": "application/problem+json",
	} {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	if got, want := w.Body.String(), `{"data":{"login":{"t":"token","refreshToken":null,"__typename":"Login"}}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Set-Cookie") != "device=1; HttpOnly" || h.Get("X-Other") != "" {
		t.Errorf("headers: %v", h)
	}
	if want := []string{`{"strategy":"local","email":"ann@example.com","n":1.50,"password":"correct horse"}`}; !slices.Equal(s.door.bodies, want) {
		t.Errorf("sent: %v", s.door.bodies)
	}
	in := s.door.last
	client, _ := gate.ClientFromContext(in.Context())
	if in.Method != http.MethodPost || in.URL.Path != "/" || in.Header.Get("Cookie") != "known=device" || in.Header.Get("Content-Type") != "application/json" ||
		in.Header.Get("Authorization")+in.Header.Get("X-Service-Method")+in.Header.Get("Accept") != "" || client.UserAgent != "test" || in.RemoteAddr != r.RemoteAddr {
		t.Errorf("the door saw %v %v %v from %v", in.Method, in.URL, in.Header, client)
	}
	if r.Header.Get("Authorization") == "" {
		t.Error("the request itself was changed")
	}
}

// TestLOG07_login: one log-in a document, whatever it is called, and nothing of it is
// kept; refusals are those of REST, faults are logged once and not told.
func TestLOG07_login(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	one := `login(strategy:"local",credentials:{email:"ann@example.com",password:"PASSWORD"}) {accessToken}`
	account := `createUser(input:{email:"eve@example.com",password:"correct horse"}) {id}`
	for _, tt := range []struct {
		name, ask string
		code      string
		knocks    int
	}{
		{"right", `mutation {` + strings.Replace(one, "PASSWORD", "correct horse", 1) + `}`, "", 1},
		{"wrong", `mutation {` + one + `}`, "UNAUTHENTICATED", 1},
		{"too often", `mutation {` + strings.Replace(one, "PASSWORD", "throttled", 1) + `}`, "TOO_MANY_REQUESTS", 1},
		{"a fault", `mutation {` + strings.Replace(one, "PASSWORD", "broken", 1) + `}`, "INTERNAL", 1},
		{"twice", `mutation {a: ` + one + ` b: ` + one + `}`, "LIMIT_EXCEEDED", 0},
		{"thirty times", `mutation {` + strings.Repeat("a: "+one+" ", 15) + `}`, "LIMIT_EXCEEDED", 0},
		{"by fragments", `mutation {...f b: ` + one + `} fragment f on Mutation {` + one + `}`, "LIMIT_EXCEEDED", 0},
		{"and an account", `mutation {` + one + account + `}`, "LIMIT_EXCEEDED", 0},
		{"another strategy inside", `mutation {login(strategy:"local",credentials:{strategy:"jwt"}) {accessToken}}`, "BAD_USER_INPUT", 1},
		{"no object", `mutation {login(strategy:"local",credentials:["x"]) {accessToken}}`, "BAD_USER_INPUT", 0},
		{"a text", `mutation {login(strategy:"local",credentials:"x") {accessToken}}`, "BAD_USER_INPUT", 0},
		{"null", `mutation {login(strategy:"local",credentials:null) {accessToken}}`, "GRAPHQL_VALIDATION_FAILED", 0},
		{"in a query", `{` + one + `}`, "GRAPHQL_VALIDATION_FAILED", 0},
	} {
		kept := s.api.Kept()
		s.door.bodies = nil
		s.log.Reset()
		a := s.ask(t, nil, tt.ask)
		if a.code() != tt.code || len(s.door.bodies) != tt.knocks {
			t.Errorf("%s: %s after %d log-ins, want %s", tt.name, a.text, len(s.door.bodies), tt.code)
		}
		if s.api.Kept() != kept {
			t.Errorf("%s: the document is kept", tt.name)
		}
		if tt.code == "TOO_MANY_REQUESTS" && a.header.Get("Retry-After") != "30" {
			t.Errorf("%s: %v", tt.name, a.header)
		}
		if tt.code == "INTERNAL" && (strings.Contains(a.text, "disk") || strings.Count(s.log.String(), "the disk is full") != 1) {
			t.Errorf("%s: %s, log %s", tt.name, a.text, s.log)
		}
	}
	if kept := s.api.Kept(); kept != 0 {
		t.Errorf("%d documents are kept", kept)
	}
	if s.ask(t, nil, `{items {id}}`); s.api.Kept() != 1 {
		t.Error("a document without secrets is not kept")
	}
}

// TestMe is the caller's own account, by the rules for it.
func TestMe(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.like(t)
		for name, want := range map[string]struct{ data, code string }{
			"nobody":  {"null", "UNAUTHENTICATED"},
			"ann":     {`{"email":"ann@example.com","likes":[{"cost":null,"name":"soup"},{"cost":null,"name":"tea"}]}`, "FORBIDDEN"}, // the costs
			"keyed":   {"null", "FORBIDDEN"},
			"orphan":  {"null", "NOT_FOUND"},
			"machine": {"null", "NOT_FOUND"}, // of an issuer, which is a row of no entity
		} {
			a := s.ask(t, s.callers()[name], `{me {email likes(orderBy:{name:asc}) {name cost}}}`)
			raw, err := json.Marshal(a.Data["me"])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.data, string(raw)); diff != "" || a.code() != want.code {
				t.Errorf("%s: %s, want %s %s", name, a.text, want.data, want.code)
			}
		}
	})
}

// TestNew_login: a schema says of the log-in what it does, or is none.
func TestNew_login(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	if _, err := graphql.New(graphql.Config{SDL: sdl, Entities: s.services()}); err == nil || !strings.Contains(err.Error(), "nobody can log in") {
		t.Errorf("without a log-in: %v", err)
	}
	for name, change := range map[string][2]string{
		"never null":      {"credentials: JSON!): Login", "credentials: JSON!): Login!"},
		"a list":          {"credentials: JSON!): Login", "credentials: JSON!): [Login]"},
		"no strategy":     {"login(strategy: String!, ", "login("},
		"another type":    {"credentials: JSON!", "credentials: String!"},
		"another member":  {"type Login { accessToken", "type Login { password: String accessToken"},
		"a token for all": {"type Login { accessToken: String", "type Login { accessToken: String!"},
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

func quoted(t *testing.T, s string) []byte {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
