package management_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/internal/secret"
)

func secretText(s string) secret.String { return secret.String(s) }

// fill puts something in the place of each parameter of a path.
func fill(path string) string {
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(part, "{") {
			part = "x"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "/")
}

// Every operation is refused without a token, with a token that is none, and
// with every scope but its own.
func TestIDP21_everyRoute(t *testing.T) {
	w := newWorld(t)
	var all []string
	for _, s := range management.Scopes() {
		all = append(all, s.Value)
	}
	routes := management.Routes()
	if len(routes) < 200 {
		t.Fatalf("%d routes", len(routes))
	}
	for _, r := range routes {
		path := fill(r.Path)
		if r.Open {
			w.send("", r.Method, path, nil).refused(404, "does not exist")
			continue
		}
		if r.Scopes == "" {
			t.Errorf("%s %s needs no scope", r.Method, r.Path)
		}
		w.send("", r.Method, path, nil).refused(401, "Missing authentication")
		w.send("unheard-of", r.Method, path, nil).refused(401, "Invalid token")
		others := ""
		for _, s := range all {
			if !strings.Contains(" "+r.Scopes+" ", " "+s+" ") {
				others += s + " "
			}
		}
		got := w.send(w.machine(others), r.Method, path, nil)
		got.refused(403, "Insufficient scope, expected any of: "+strings.Join(strings.Fields(r.Scopes), ","))
		one, _, _ := strings.Cut(r.Scopes, " ")
		challenge := got.header.Get("WWW-Authenticate")
		if got.str("errorCode") != "insufficient_scope" || !strings.HasPrefix(challenge, `Bearer realm="api/v2", error="insufficient_scope"`) ||
			!strings.HasSuffix(challenge, `, scope="`+one+`"`) {
			t.Errorf("%s %s: %s, %s", r.Method, r.Path, got.text, challenge)
		}
		for s := range strings.FieldsSeq(r.Scopes) {
			if got := w.send(w.machine(s), r.Method, path, nil); strings.Contains(s, "current_user") != (got.status == 403) {
				t.Errorf("%s %s with %s: status %d: %s", r.Method, r.Path, s, got.status, got.text)
			} else if got.status >= 500 {
				t.Errorf("%s %s with %s: status %d: %s", r.Method, r.Path, s, got.status, got.text)
			}
		}
	}
}

func TestServe_authentication(t *testing.T) {
	w := newWorld(t)
	token := w.machine("read:roles")
	for _, tt := range []struct {
		header string
		status int
		text   string
		fault  string // RFC 6750 §3.1
	}{
		{"Basic abc", 400, "Bad HTTP authentication header format", "invalid_request"},
		{"Bearer", 400, "Bad HTTP authentication header format", "invalid_request"},
		{"Bearer a b", 400, "Bad HTTP authentication header format", "invalid_request"},
		{"Bearer a,Bearer b", 400, "Bad HTTP authentication header format", "invalid_request"},
		{"Bearer " + strings.Repeat("x", 5000), 401, "Invalid token", "invalid_token"},
	} {
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v2/roles", nil)
		req.Header.Set("Authorization", tt.header)
		r := w.serve(req)
		r.refused(tt.status, tt.text)
		if got := r.header.Get("WWW-Authenticate"); got != `Bearer realm="api/v2", error="`+tt.fault+`", error_description="`+tt.text+`"` {
			t.Errorf("%.20s: %s", tt.header, got)
		}
	}
	req := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v2/roles?access_token="+token, nil)
	r := w.serve(req)
	r.refused(401, "Missing authentication")
	if got := r.header.Get("WWW-Authenticate"); got != `Bearer realm="api/v2"` {
		t.Errorf("without a token: %s", got) // says nothing of one
	}
	req = httptest.NewRequestWithContext(t.Context(), "GET", "/api/v2/roles", nil)
	req.Header["Authorization"] = []string{"Bearer " + token, "Bearer " + token}
	w.serve(req).refused(400, "Bad HTTP")

	w.fault = management.ErrExpiredToken
	w.send(token, "GET", "roles", nil).refused(401, "Expired token received for JSON Web Token validation")
	w.fault = errors.New("keys cannot be reached")
	w.send(token, "GET", "roles", nil).refused(503, "cannot be judged now")
	if !strings.Contains(w.log.String(), "keys cannot be reached") {
		t.Error("the fault was not logged")
	}
}

func TestServe_paths(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	for _, path := range []string{"", "nothing", "clients/a/b/c", "clients//x", "clients/..", "clients/%2e%2e/x"} {
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v2/", nil)
		req.URL.Path, req.URL.RawPath = "/api/v2/"+path, "/api/v2/"+path
		req.Header.Set("Authorization", "Bearer "+token)
		if r := w.serve(req); r.status != 404 || r.str("message") != "Not Found" {
			t.Errorf("%q: %d %s", path, r.status, r.text)
		}
	}
	r := w.send(token, "PUT", "clients", "{}")
	r.refused(405, "Method Not Allowed")
	if got := r.header.Get("Allow"); got != "GET, HEAD, OPTIONS, POST" {
		t.Errorf("Allow: %s", got)
	}
	if r := w.send("", "OPTIONS", "clients", nil); r.status != 204 || r.header.Get("Allow") == "" {
		t.Errorf("OPTIONS: %d %v", r.status, r.header)
	}
	if r := w.do(token, "HEAD", "roles", nil, 200); r.header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("HEAD: %v", r.header)
	}
	w.send(token, "GET", "users/a%00b", nil).refused(400, "Path validation error")
	w.send(token, "GET", "users/%ff", nil).refused(400, "Path validation error")
	w.send(token, "GET", "users?q=%00", nil).refused(400, "Query validation error")
	w.send(token, "GET", "roles?per_page=101", nil).refused(400, "Value 101 is greater than maximum 100")
	w.send(token, "GET", "roles?page=-1", nil).refused(400, "Value -1 is less than minimum 0")
	w.send(token, "GET", "roles?page=x", nil).refused(400, "Expected type integer")
	w.send(token, "GET", "roles?include_totals=maybe", nil).refused(400, "Expected type boolean")
	w.send(token, "GET", "roles?from=zzz", nil).refused(400, "no checkpoint")
}

func TestServe_bodies(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	for _, tt := range []struct {
		body   string
		status int
		text   string
	}{
		{``, 400, "Expected type object"},
		{`[]`, 400, "Invalid request payload"},
		{`{"name":"a"`, 400, "Invalid request payload"},
		{`{"name":"a"} x`, 400, "Invalid request payload"},
		{`{"name":"a","name":"b"}`, 400, "there twice"},
		{`{"name":"a","Name":"b"}`, 400, "there twice"},
		{"{\"name\":\"\xff\"}", 400, "not UTF-8"},
		{`{"name":"a\u0000b"}`, 400, "NUL"},
		{`{"name":"` + strings.Repeat("a", 1<<20) + `"}`, 413, "1048576"},
		{`{"name":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, 400, "nested"},
		{`{"name":7}`, 400, "Payload validation error: 'Expected type string but found type number' on property name (Name of the role.)."},
		{`{"name":""}`, 400, "String is too short"},
		{`{"name":null}`, 400, "found type null"},
		{`{"description":"x"}`, 400, "'Missing required property: name' on property name"},
		{`{"name":"x","id":"rol_1"}`, 400, "Additional properties not allowed: id"},
		{`{"name":"x","gate_x":1}`, 400, "Additional properties not allowed: gate_x"},
	} {
		r := w.send(token, "POST", "roles", tt.body)
		r.refused(tt.status, tt.text)
	}
	req := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v2/roles", strings.NewReader("\x1f\x8b\x08"))
	req.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}, "Content-Encoding": {"identity", "gzip"}}
	w.serve(req).refused(415, "without a Content-Encoding")
	// One byte less is read, and a backslash before u0000 is no NUL.
	w.do(token, "POST", "roles", `{"name":"x","description":"\\u0000"`+strings.Repeat(" ", 1<<20-36)+`}`, 200)
	w.send(token, "POST", "roles", form{"name=x", "application/x-www-form-urlencoded"}).refused(415, "application/json")
	req = httptest.NewRequestWithContext(t.Context(), "POST", "/api/v2/roles", strings.NewReader(strings.Repeat(" ", 1<<20+1)))
	req.ContentLength = -1 // as when it comes in chunks
	req.Header.Set("Authorization", "Bearer "+token)
	w.serve(req).refused(413, "1048576")
	if names := w.do(token, "GET", "roles", nil, 200).list(); len(names) != 1 {
		t.Errorf("%d roles were made", len(names))
	}
}

func TestServe_rateLimit(t *testing.T) {
	w := newWorld(t, func(c *management.Config) { c.Limit = management.Limit{PerSecond: 1, Burst: 2} })
	token := w.machine("read:roles")
	for want := 1; want >= 0; want-- {
		r := w.do(token, "GET", "roles", nil, 200)
		if got := r.header.Get("X-RateLimit-Remaining"); got != string(rune('0'+want)) || r.header.Get("X-RateLimit-Limit") != "2" {
			t.Errorf("remaining %s, want %d", got, want)
		}
	}
	r := w.send(token, "GET", "roles", nil)
	r.refused(429, "Global limit has been reached")
	if r.header.Get("Retry-After") != "1" || r.header.Get("X-RateLimit-Reset") == "" {
		t.Errorf("%v", r.header)
	}
	other := w.bearer(management.Caller{ClientID: "terraform", Scopes: []string{"read:roles"}})
	w.do(other, "GET", "roles", nil, 200) // a budget of its own
	w.now = w.now.Add(time.Second)
	w.do(token, "GET", "roles", nil, 200)

	free := newWorld(t)
	if h := free.send("", "GET", "nothing", nil).header; h.Get("X-RateLimit-Limit") == "" || h.Get("X-RateLimit-Reset") == "" {
		t.Errorf("without a limit: %v", h)
	}
}

func TestServe_record(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	id := w.do(token, "POST", "clients", map[string]any{"name": "Web", "client_secret": strings.Repeat("hush", 10)}, 201).str("client_id")
	w.do(token, "GET", "clients/"+id, nil, 200)
	w.do(w.machine("read:clients"), "GET", "clients/"+id, nil, 200)
	w.send(w.machine("read:roles"), "POST", "roles", `{"name":"x"}`)
	got := w.logs()
	want := []string{"fapi POST /api/v2/roles", "mgmt_api_read GET /api/v2/clients/" + id, "sapi POST /api/v2/clients"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
	all := w.do(w.machine("read:logs"), "GET", "logs", nil, 200)
	if strings.Contains(all.text, "hush") || strings.Contains(all.text, token) || !strings.Contains(all.text, "jti-1") {
		t.Errorf("the log: %s", all.text)
	}
}

func TestNew_refusals(t *testing.T) {
	w := newWorld(t)
	good := management.Config{Tenant: w.store, Issuer: issuer, Verify: w.verify}
	for name, change := range map[string]func(*management.Config){
		"no tenant": func(c *management.Config) { c.Tenant = nil },
		"no slash":  func(c *management.Config) { c.Issuer = "https://tenant.example" },
		"no verify": func(c *management.Config) { c.Verify = nil },
		"negative":  func(c *management.Config) { c.Limit.PerSecond = -1 },
	} {
		cfg := good
		change(&cfg)
		if _, err := management.New(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
