package gate_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
)

func basicRequest(password string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(ada, password)
	return r
}

// whoami answers the subject of the request.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	p, ok := gate.PrincipalFromContext(r.Context())
	if !ok {
		_, _ = w.Write([]byte("nobody"))
		return
	}
	_, _ = w.Write([]byte(p.Strategy + " " + p.Subject))
})

const (
	bearerChallenge = `Bearer realm="api"`
	basicChallenge  = `Basic realm="api", charset="UTF-8"`
)

func TestGuard(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	ada64 := basicRequest(adasPassword).Header.Get("Authorization")
	wrong64 := basicRequest("wrong").Header.Get("Authorization")
	both := w.Guard("jwt", "basic")
	for _, tt := range []struct {
		name          string
		guard         *gate.Guard
		authorization []string
		target        string
		status        int
		body          string
		challenges    []string
	}{
		{"token", both, []string{"Bearer " + token}, "/", 200, "jwt 7", nil},
		{"scheme in another case", both, []string{"bearer " + token}, "/", 200, "jwt 7", nil},
		{"password", both, []string{ada64}, "/", 200, "basic 7", nil},
		{"nothing", both, nil, "/", 401, `"message":"Not authenticated"`, []string{bearerChallenge, basicChallenge}},
		{"order of challenges", w.Guard("basic", "jwt"), nil, "/", 401, "", []string{basicChallenge, bearerChallenge}},
		{"bad token", both, []string{"Bearer x.y.z"}, "/", 401, "", []string{bearerChallenge + `, error="invalid_token"`, basicChallenge}},
		{"bad password", both, []string{wrong64}, "/", 401, "Invalid login", []string{bearerChallenge, basicChallenge}},
		{"password where none is taken", w.Guard("jwt"), []string{ada64}, "/", 401, "Not authenticated", []string{bearerChallenge}},
		{"LOG15 substring of a scheme", both, []string{"Bearerx " + token}, "/", 401, "", []string{bearerChallenge, basicChallenge}},
		{"LOG15 words after", both, []string{"Bearer " + token + " b"}, "/", 400, "", []string{bearerChallenge + `, error="invalid_request"`}},
		{"LOG15 no token", both, []string{"Bearer"}, "/", 400, "", []string{bearerChallenge + `, error="invalid_request"`}},
		{"LOG15 two headers", both, []string{"Bearer " + token, ada64}, "/", 400, "", []string{bearerChallenge + `, error="invalid_request"`}},
		{"LOG15 token in the query too", both, []string{"Bearer " + token}, "/?access_token=" + token, 400, "", []string{bearerChallenge + `, error="invalid_request"`}},
		{"LOG15 token in the query only", both, nil, "/?access_token=" + token, 401, "", []string{bearerChallenge, basicChallenge}},
		{"malformed Basic", both, []string{"Basic !"}, "/", 400, "", []string{basicChallenge}},

		{"permission", both.Require("cook:items"), []string{"Bearer " + token}, "/", 200, "jwt 7", nil},
		{"permission missing", both.Require("cook:items", "delete:items"), []string{"Bearer " + token}, "/", 403, `"className":"forbidden"`, nil},
		{"permission, nobody", both.Require("cook:items"), nil, "/", 401, "", []string{bearerChallenge, basicChallenge}},
		{"role", both.RequireRole("chef", "cook"), []string{ada64}, "/", 200, "basic 7", nil},
		{"role missing", both.RequireRole("chef"), []string{ada64}, "/", 403, "", nil},
		{"two conditions, one met", both.RequireRole("chef").RequireRole("cook"), []string{ada64}, "/", 403, "", nil},
		{"one of no roles", both.RequireRole(), []string{ada64}, "/", 403, "", nil},

		{"optional, nobody", both.Optional(), nil, "/", 200, "nobody", nil},
		{"optional, token", both.Optional(), []string{"Bearer " + token}, "/", 200, "jwt 7", nil},
		{"optional, bad token", both.Optional(), []string{"Bearer x.y.z"}, "/", 401, "", []string{bearerChallenge + `, error="invalid_token"`, basicChallenge}},
		{"optional, not understood", both.Optional(), []string{"Negotiate abc"}, "/", 401, "", []string{bearerChallenge, basicChallenge}},
		{"optional, empty header", both.Optional(), []string{""}, "/", 401, "", []string{bearerChallenge, basicChallenge}},
		{"optional, permission, nobody", both.Optional().Require("cook:items"), nil, "/", 401, "", []string{bearerChallenge, basicChallenge}},
		{"optional, role, nobody", both.Optional().RequireRole(), nil, "/", 401, "", []string{bearerChallenge, basicChallenge}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, tt.target, nil)
			if tt.authorization != nil {
				r.Header["Authorization"] = tt.authorization
			}
			got := httptest.NewRecorder()
			tt.guard.Protect(whoami).ServeHTTP(got, r)
			if got.Code != tt.status || !strings.Contains(got.Body.String(), tt.body) {
				t.Errorf("%d %s, want %d %s", got.Code, got.Body, tt.status, tt.body)
			}
			if diff := cmp.Diff(tt.challenges, got.Result().Header["Www-Authenticate"]); diff != "" {
				t.Errorf("challenges (-want +got):\n%s", diff)
			}
		})
	}
}

// TestGuard_scripts: what a script asks for makes no browser open a dialog of its own over
// a page that logs in in another way.
func TestGuard_scripts(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		guard *gate.Guard
		dest  string
		want  []string
	}{
		{w.Guard("jwt", "basic"), "empty", []string{bearerChallenge}},
		{w.Guard("jwt", "basic").Optional().Require("cook:items"), "empty", []string{bearerChallenge}},
		{w.Guard("jwt", "basic"), "document", []string{bearerChallenge, basicChallenge}},
		{w.Guard("jwt", "basic"), "", []string{bearerChallenge, basicChallenge}},
		{w.Guard("basic"), "empty", []string{basicChallenge}},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Sec-Fetch-Dest", tt.dest)
		for name, h := range map[string]http.Handler{
			"refused": tt.guard.Protect(whoami),
			"below": tt.guard.Optional().Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				gate.WriteError(w, r, gate.ErrNotAuthenticated)
			})),
		} {
			got := httptest.NewRecorder()
			h.ServeHTTP(got, r)
			if diff := cmp.Diff(tt.want, got.Result().Header["Www-Authenticate"]); got.Code != 401 || diff != "" {
				t.Errorf("%s, %q: %d (-want +got):\n%s", name, tt.dest, got.Code, diff)
			}
		}
	}
}

func TestGuard_immutable(t *testing.T) {
	w := newWorld(t)
	base := w.Guard("jwt").Require("cook:items")
	narrow := base.Require("delete:items")
	wide := base.Require("cook:items", "cook:items").Require("cook:items") // room for more behind
	sibling := wide.Require("cook:items")
	_ = wide.Require("delete:items")
	_ = base.Require("other:items")
	_ = base.Optional()
	auth := []string{"Authorization", "Bearer " + w.token(t)}
	if got := serve(base.Protect(whoami), http.MethodGet, "/", "", auth...); got.Code != 200 {
		t.Errorf("the guard it came from: %d", got.Code)
	}
	if got := serve(sibling.Protect(whoami), http.MethodGet, "/", "", auth...); got.Code != 200 {
		t.Errorf("a guard got what its sibling requires: %d", got.Code)
	}
	if got := serve(narrow.Protect(whoami), http.MethodGet, "/", "", auth...); got.Code != 403 {
		t.Errorf("the narrower guard: %d", got.Code)
	}
	if got := serve(base.Protect(whoami), http.MethodGet, "/", ""); got.Code != 401 {
		t.Errorf("without credentials: %d", got.Code)
	}
}

func TestGuard_misuse(t *testing.T) {
	w := newWorld(t)
	for name, f := range map[string]func(){
		"no strategy":        func() { w.Guard() },
		"unknown strategy":   func() { w.Guard("nope") },
		"reads no requests":  func() { w.Guard("local") },
		"no handler":         func() { w.Guard("jwt").Protect(nil) },
		"registered twice":   func() { _ = w.Register("jwt", strategyFunc(nil)) },
		"nil strategy":       func() { _ = w.Register("x", nil) },
		"strategy, no name":  func() { _ = w.Register("", strategyFunc(nil)) },
		"nil login listener": func() { w.OnLogin(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if v, ok := recover().(string); !ok || !strings.HasPrefix(v, "gate: ") {
					t.Errorf("panicked with %q", v)
				}
			}()
			f()
		})
	}
}

// TestAUZ18_spellings reaches for a guarded handler in many ways. No spelling
// of path or method gets there without credentials.
func TestAUZ18_spellings(t *testing.T) {
	w := newWorld(t)
	mux := http.NewServeMux()
	mux.Handle("/items", w.Guard("jwt").Protect(whoami))
	mux.Handle("/items/", w.Guard("jwt").Protect(whoami))
	mux.HandleFunc("/public", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "X"}
	paths := []string{
		"/items", "/items/", "/items/1", "//items", "/./items", "/public/../items", "/public/%2e%2e/items", "/items%2f1",
		"/%69tems", "/items;x", "/items;x=1/1", "/items/.", "/items/..", "/items//1", "/items?x=/public", "/items#/public",
		"/ITEMS", "/items%00", "/items%20", "/items\\1", "/public%2f..%2fitems", "/public;/../items", "/items/%2e%2e/public",
	}
	headers := [][2]string{
		{"X-Original-URL", "/public"},
		{"X-Rewrite-URL", "/public"},
		{"X-HTTP-Method-Override", "OPTIONS"},
		{"X-Forwarded-User", "7"},
		{"X-User", "7"},
		{"X_User", "7"},
		{"X-Forwarded-Uri", "/public"},
		{"X-Remote-User", ada},
		{"User-Agent", "kube-probe/1.0"},
		{"Cookie", "accessToken=x"},
		{"Upgrade", "websocket"},
	}
	try := func(method, path string, header [2]string) {
		t.Helper()
		r := httptest.NewRequest(method, "/", nil)
		r.RequestURI = path
		u, err := r.URL.Parse(path)
		if err != nil {
			return // the server refuses it before any handler
		}
		r.URL = u
		if header[0] != "" {
			r.Header.Set(header[0], header[1])
		}
		got := httptest.NewRecorder()
		mux.ServeHTTP(got, r)
		if !slices.Contains([]int{301, 307, 308, 400, 401, 404, 405}, got.Code) {
			t.Errorf("%s %s %v: %d %s", method, path, header, got.Code, got.Body)
		}
	}
	for _, path := range paths {
		for _, method := range methods {
			try(method, path, [2]string{})
		}
		for _, header := range headers {
			try(http.MethodGet, path, header) // OPS-06: no header makes somebody of nobody
		}
	}
}

func TestOPS06_headersAreNotIdentity(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	h := w.Guard("jwt").Protect(whoami)
	for _, name := range []string{"X-User", "X_User", "X-Forwarded-User", "X-Auth-Request-User", "Remote-User", "X-Forwarded-For"} {
		if got := serve(h, http.MethodGet, "/", "", name, "1", "Authorization", "Bearer "+token); got.Body.String() != "jwt 7" {
			t.Errorf("%s: %s", name, got.Body)
		}
	}
}

func TestGuard_rolesCountAtOnce(t *testing.T) {
	w := newWorld(t)
	token := w.token(t)
	h := w.Guard("jwt").Require("chef:items").Protect(whoami)
	auth := []string{"Authorization", "Bearer " + token}
	if got := serve(h, http.MethodGet, "/", "", auth...); got.Code != 403 {
		t.Fatalf("as cook: %d", got.Code)
	}
	w.accounts.change(ada, func(a *gate.Account) { a.Roles = []string{"chef"} })
	if got := serve(h, http.MethodGet, "/", "", auth...); got.Code != 200 {
		t.Errorf("as chef: %d %s", got.Code, got.Body)
	}
	w.accounts.change(ada, func(a *gate.Account) { a.Roles = nil })
	if got := serve(h, http.MethodGet, "/", "", auth...); got.Code != 403 {
		t.Errorf("without a role: %d", got.Code)
	}
}

// TestLOG16_faults makes every part fail behind every strategy and door: 503,
// no detail, and all is well again after the repair.
func TestLOG16_faults(t *testing.T) {
	secret := errors.New("dial tcp 10.1.2.3: password for root")
	// A store that confuses its own failure with an answer is failing too.
	confused := &gate.AuthError{Code: gate.ErrUnavailable, Err: gate.ErrNotAuthenticated}
	w := newWorld(t)
	token := w.token(t)
	doors := map[string]func() *httptest.ResponseRecorder{
		"login": func() *httptest.ResponseRecorder {
			return serve(mounted(w), http.MethodPost, "/authentication", loginBody(ada, adasPassword), "Content-Type", asJSON)
		},
		"login unknown": func() *httptest.ResponseRecorder {
			return serve(mounted(w), http.MethodPost, "/authentication", loginBody("eve@example.com", adasPassword), "Content-Type", asJSON)
		},
		"jwt": func() *httptest.ResponseRecorder {
			return serve(mounted(w), http.MethodPost, "/authentication", `{"strategy":"jwt","accessToken":"`+token+`"}`, "Content-Type", asJSON)
		},
		"guard jwt": func() *httptest.ResponseRecorder {
			return serve(w.Guard("jwt", "basic").Protect(whoami), http.MethodGet, "/", "", "Authorization", "Bearer "+token)
		},
		"guard optional": func() *httptest.ResponseRecorder {
			return serve(w.Guard("jwt").Optional().Protect(whoami), http.MethodGet, "/", "", "Authorization", "Bearer "+token)
		},
		"guard basic": func() *httptest.ResponseRecorder {
			r := basicRequest("wrong")
			return serve(w.Guard("basic").Protect(whoami), http.MethodGet, "/", "", "Authorization", r.Header.Get("Authorization"))
		},
		"logout": func() *httptest.ResponseRecorder {
			return serve(mounted(w), http.MethodDelete, "/authentication", "", "Authorization", "Bearer "+token)
		},
	}
	parts := map[string]struct {
		fail  func(error)
		doors []string
	}{
		"accounts": {w.accounts.fail, []string{"login", "login unknown", "jwt", "guard jwt", "guard optional", "guard basic", "logout"}},
		"sessions": {w.sessions.fail, []string{"login", "jwt", "guard jwt", "guard optional", "logout"}},
		"hasher":   {w.hasher.fail, []string{"login", "login unknown", "guard basic"}},
	}
	for part, p := range parts {
		for what, fault := range map[string]error{"fault": secret, "confused": confused, "deadline": context.DeadlineExceeded} {
			for _, door := range p.doors {
				t.Run(part+"/"+what+"/"+door, func(t *testing.T) {
					healthy := doors[door]
					p.fail(fault)
					got := healthy()
					p.fail(nil)
					checkError(t, got.Result(), got.Body.Bytes(), http.StatusServiceUnavailable)
					if got.Header().Get("Retry-After") == "" {
						t.Error("no Retry-After")
					}
					if strings.Contains(got.Body.String(), "10.1.2.3") {
						t.Errorf("the answer shows the cause: %s", got.Body)
					}
				})
			}
		}
	}
	if !strings.Contains(w.log.String(), "10.1.2.3") {
		t.Error("the log does not show the cause")
	}
	if got := doors["guard jwt"](); got.Code != 200 {
		t.Errorf("after the repair: %d %s", got.Code, got.Body)
	}
	if got := doors["guard basic"](); got.Code != 401 {
		t.Errorf("after the repair: %d", got.Code)
	}
}

func TestLOG16_panics(t *testing.T) {
	w := newWorld(t)
	boom := strategyFunc(func(context.Context, gate.Credentials) (*gate.Principal, error) { panic("secret state") })
	empty := strategyFunc(func(context.Context, gate.Credentials) (*gate.Principal, error) { return &gate.Principal{}, nil })
	yes := strategyFunc(func(context.Context, gate.Credentials) (*gate.Principal, error) {
		return &gate.Principal{Subject: "1"}, nil
	})
	raw := strategyFunc(func(context.Context, gate.Credentials) (*gate.Principal, error) {
		return nil, errors.New("secret state")
	})
	neither := strategyFunc(func(context.Context, gate.Credentials) (*gate.Principal, error) { return nil, nil })
	for name, st := range map[string]headerStrategy{
		"authenticate": {strategyFunc: boom},
		"parse":        {strategyFunc: yes, parse: func(*http.Request) (gate.Credentials, bool, error) { panic("secret state") }},
		"parse fails": {strategyFunc: yes, parse: func(*http.Request) (gate.Credentials, bool, error) {
			return gate.Credentials{}, true, errors.New("secret state")
		}},
		"no subject":        {strategyFunc: empty},
		"raw error":         {strategyFunc: raw},
		"neither yes or no": {strategyFunc: neither},
	} {
		if err := w.Register(name, st); err != nil {
			t.Fatal(err)
		}
		for _, guard := range []*gate.Guard{w.Guard(name), w.Guard(name).Optional(), w.Guard(name, "jwt")} {
			got := serve(guard.Protect(whoami), http.MethodGet, "/", "", "X-Key", "k")
			checkError(t, got.Result(), got.Body.Bytes(), http.StatusServiceUnavailable)
			if strings.Contains(got.Body.String(), "secret state") {
				t.Errorf("%s: the answer shows the cause", name)
			}
		}
	}
}

// TestGuard_noFallThrough has a bad credential next to a good one: neither hides
// the other, in whatever order the guard asks (LOG-15).
func TestGuard_noFallThrough(t *testing.T) {
	w := newWorld(t)
	no := strategyFunc(func(context.Context, gate.Credentials) (*gate.Principal, error) {
		return nil, gate.ErrInvalidCredentials
	})
	if err := w.Register("key", headerStrategy{strategyFunc: no, challenge: "Key"}); err != nil {
		t.Fatal(err)
	}
	good := "Bearer " + w.token(t)
	if got := serve(w.Guard("key", "jwt").Protect(whoami), "GET", "/", "", "X-Key", "bad", "Authorization", good); got.Code != 400 {
		t.Errorf("bad key first: %d", got.Code)
	}
	if got := serve(w.Guard("jwt", "key").Protect(whoami), "GET", "/", "", "X-Key", "bad", "Authorization", good); got.Code != 400 {
		t.Errorf("good token first: %d %s", got.Code, got.Body)
	}
}

func TestGuard_401BelowIt(t *testing.T) {
	w := newWorld(t)
	below := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { gate.WriteError(w, r, gate.ErrNotAuthenticated) })
	got := serve(w.Guard("basic").Optional().Protect(below), http.MethodGet, "/", "")
	if diff := cmp.Diff([]string{basicChallenge}, got.Result().Header["Www-Authenticate"]); diff != "" {
		t.Error(diff)
	}
	deeper := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below.ServeHTTP(w, r.WithContext(gate.ContextWithPrincipal(r.Context(), &gate.Principal{Subject: "1"})))
	})
	got = serve(w.Guard("basic").Optional().Protect(deeper), http.MethodGet, "/", "")
	if diff := cmp.Diff([]string{basicChallenge}, got.Result().Header["Www-Authenticate"]); diff != "" {
		t.Error(diff)
	}
}

func TestGuard_client(t *testing.T) {
	w := newWorld(t)
	var got gate.Client
	h := w.Guard("jwt").Optional().Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, _ = gate.ClientFromContext(r.Context())
	}))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "[::ffff:192.0.2.7]:99"
	r.Header.Set("User-Agent", strings.Repeat("é", 127)+"u\xff"+strings.Repeat("é", 500))
	r.Header.Set("X-Forwarded-For", "203.0.113.1")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if got.Address != netip.MustParseAddr("192.0.2.7") || got.UserAgent != strings.Repeat("é", 127)+"u" {
		t.Errorf("client %v, user agent %q", got.Address, got.UserAgent)
	}
	known := gate.Client{Address: netip.MustParseAddr("198.51.100.1")}
	h.ServeHTTP(httptest.NewRecorder(), r.WithContext(gate.ContextWithClient(r.Context(), known)))
	if got != known {
		t.Errorf("the client that middleware found was replaced by %v", got)
	}
	r.RemoteAddr = "@"
	h.ServeHTTP(httptest.NewRecorder(), r)
	if got.Address.IsValid() {
		t.Errorf("address %v of a socket without one", got.Address)
	}
}
