package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/swaggerui"
)

// TestOPS07_everyRoute walks every route, good and bad, and looks at what each
// answer carries.
func TestOPS07_everyRoute(t *testing.T) {
	r := start(t, options{
		change:  withReference.change,
		environ: []string{"PUBLIC_URL=https://api.example.com", "CORS_ORIGINS=https://app.example.com"},
		configure: func(a *App) error {
			a.HandleFunc("GET /panics", func(http.ResponseWriter, *http.Request) { panic("canary-of-the-panic") })
			return nil
		},
	})
	id := r.signUp("ada@kitchen.example", "menu-admin")
	ada := r.login("ada@kitchen.example")
	const origin = "https://app.example.com"
	for _, tt := range []struct {
		method, path, body string
		status             int
		headers            []string
	}{
		{"GET", "/api/items", "", 200, nil},
		{"HEAD", "/api/items", "", 200, nil},
		{"GET", "/api/items/0198c1f0-0000-7000-8000-000000000000", "", 404, nil},
		{"GET", "/api/items/nonsense", "", 404, nil},
		{"GET", "/api/items?$limit=x", "", 400, nil},
		{"POST", "/api/items", `{}`, 401, nil},
		{"POST", "/api/items", `{}`, 400, ada},
		{"POST", "/api/items", `{"name":"x","price":1}`, 201, ada},
		{"PUT", "/api/items/x", `{}`, 401, nil},
		{"PATCH", "/api/items/x", `{}`, 404, ada},
		{"DELETE", "/api/items/x", "", 404, ada},
		{"PUT", "/api/items", `{}`, 405, ada},
		{"GET", "/api/users", "", 401, nil},
		{"GET", "/api/users", "", 200, ada},
		{"GET", "/api/users/" + id, "", 200, ada},
		{"GET", "/api/me", "", 401, nil},
		{"GET", "/api/me", "", 200, ada},
		{"GET", "/api/me/permissions", "", 200, ada},
		{"GET", "/api/authentication", "", 405, nil},
		{"POST", "/api/authentication", `{}`, 401, nil},
		{"POST", "/api/authentication", `[]`, 400, nil},
		{"DELETE", "/api/authentication", "", 401, nil},
		{"GET", "/api/openapi.json", "", 200, nil},
		{"GET", "/api/docs", "", 200, nil},
		{"GET", "/api/docs/docs.js", "", 200, nil},
		{"GET", "/api/docs/docs.css", "", 200, nil},
		{"GET", "/api/docs/swagger-ui.css", "", 200, nil},
		{"GET", "/api/docs/swagger-ui-bundle.js", "", 200, nil},
		{"GET", "/api/docs/other.js", "", 404, nil},
		{"GET", "/health/live", "", 200, nil},
		{"GET", "/health/ready", "", 200, nil},
		{"GET", "/", "", 404, nil},
		{"GET", "/debug/pprof/", "", 404, nil},
		{"GET", "/metrics", "", 404, nil},
		{"GET", "/panics", "", 500, nil},
		{"TRACE", "/api/items", "", 405, nil},
		{"OPTIONS", "/api/items", "", 405, nil},
		{"OPTIONS", "/api/items", "", 204, []string{"Origin", origin, "Access-Control-Request-Method", "POST"}},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			a := r.do(tt.method, tt.path, tt.body, tt.headers...).is(tt.status)
			for name, want := range map[string]string{
				"X-Content-Type-Options":    "nosniff",
				"Referrer-Policy":           "no-referrer",
				"Strict-Transport-Security": "max-age=31536000",
			} {
				if got := a.Header.Values(name); len(got) != 1 || got[0] != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			policy := a.Header.Values("Content-Security-Policy")
			if len(policy) != 1 || !strings.HasPrefix(policy[0], "default-src 'none'") || !strings.Contains(policy[0], "frame-ancestors 'none'") {
				t.Errorf("Content-Security-Policy is %q", policy)
			}
			for _, name := range []string{"X-Request-Id", "Cross-Origin-Resource-Policy"} {
				if len(a.Header.Values(name)) != 1 {
					t.Errorf("%s is %q", name, a.Header.Values(name))
				}
			}
			vary := a.Header.Values("Vary")
			if len(vary) != 1 || !strings.Contains(vary[0], "Origin") || strings.Count(vary[0], "Authorization") != 1 {
				t.Errorf("Vary is %q", vary)
			}
			for _, name := range []string{"Server", "X-Powered-By"} {
				if a.Header.Get(name) != "" {
					t.Errorf("%s is %q", name, a.Header.Get(name))
				}
			}
			if len(tt.headers) > 0 && tt.headers[0] == "Authorization" && a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control is %q for a known caller", a.Header.Get("Cache-Control"))
			}
			if tt.status == 401 && a.Header.Get("WWW-Authenticate") == "" {
				t.Error("401 without WWW-Authenticate")
			}
			if tt.status >= 400 && tt.method != "HEAD" {
				body := a.json()
				if body["code"] != float64(tt.status) || body["name"] == "" || body["className"] == "" || body["message"] == "" {
					t.Errorf("body is %s", a.Body)
				}
			}
		})
	}
	if strings.Contains(r.do("GET", "/panics", "").Body, "canary") {
		t.Error("the panic is in the answer")
	}
}

func TestAllowHeader(t *testing.T) {
	r := start(t, options{})
	for path, want := range map[string]string{
		"/api/items": "GET, HEAD, POST, PATCH, DELETE", "/api/items/x": "GET, HEAD, PUT, PATCH, DELETE", "/health/live": "GET, HEAD",
	} {
		if got := r.do("OPTIONS", path, "").is(405).Header.Get("Allow"); got != want {
			t.Errorf("Allow of %s is %q, want %q", path, got, want)
		}
	}
}

// withReference is a service of the plugin swagger-ui.
var withReference = options{change: func(s *server.Service) { s.Reference = swaggerui.New }}

// TestNoReference: a build without the page says where the description is.
func TestNoReference(t *testing.T) {
	r := start(t, options{})
	if got := r.do("GET", "/api/docs", "").is(404).Body; !strings.Contains(got, "/api/openapi.json") || !strings.Contains(got, "swagger-ui") {
		t.Error(got)
	}
	r.do("GET", "/api/docs/docs.js", "").is(404)
	r.do("GET", "/api/openapi.json", "").is(200)
}

// TestOPS07_policyOfPages: the viewer may load from this origin only, and no
// inline script may run.
func TestOPS07_policyOfPages(t *testing.T) {
	r := start(t, withReference)
	page := r.do("GET", "/api/docs", "").is(200)
	policy := page.Header.Get("Content-Security-Policy")
	if strings.Contains(policy, "http") || strings.Contains(policy, "script-src 'self' 'unsafe") || strings.Contains(policy, "*") {
		t.Errorf("policy is %q", policy)
	}
	for _, bad := range []string{"//", "<script>", " on", "style="} {
		if strings.Contains(page.Body, bad) {
			t.Errorf("the page has %q:\n%s", bad, page.Body)
		}
	}
	for _, accept := range []string{"identity", "gzip;q=0", "br, GZIP; q=0.0, *", "deflate, *;q=0"} {
		plain := r.do("GET", "/api/docs/swagger-ui.css", "", "Accept-Encoding", accept).is(200)
		if !strings.Contains(plain.Body, ".swagger-ui") || plain.Header.Get("Content-Encoding") != "" {
			t.Errorf("the style is not readable with Accept-Encoding: %s", accept)
		}
	}
	for _, accept := range []string{"gzip", "br;q=1, gzip;q=0.5", "*"} {
		if packed := r.do("GET", "/api/docs/swagger-ui.css", "", "Accept-Encoding", accept).is(200); packed.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("the style is not compressed with Accept-Encoding: %s", accept)
		}
	}
}

// TestOPS07_titleOfPages: the name of a service is text on the page of the viewer.
func TestOPS07_titleOfPages(t *testing.T) {
	r := start(t, options{change: func(s *server.Service) { s.Name, s.Reference = `a<b>"c"&'d'`, swaggerui.New }})
	page := r.do("GET", "/api/docs", "").is(200)
	if want := "<title>a&lt;b&gt;&#34;c&#34;&amp;&#39;d&#39;: REST reference</title>"; !strings.Contains(page.Body, want) {
		t.Errorf("the page lacks %s:\n%s", want, page.Body)
	}
}

func TestAUZ15_docsOff(t *testing.T) {
	r := start(t, options{environ: []string{"DOCS=off"}, change: withReference.change})
	for _, path := range []string{"/api/docs", "/api/openapi.json", "/api/docs/docs.js"} {
		r.do("GET", path, "").is(404)
	}
}

func TestOPS08_cors(t *testing.T) {
	r := start(t, options{environ: []string{"CORS_ORIGINS=https://app.example.com,http://localhost:5173"}})
	closed := start(t, options{})
	for _, tt := range []struct {
		origin string
		listed bool
	}{
		{"https://app.example.com", true},
		{"http://localhost:5173", true},
		{"https://evil.com", false},
		{"https://app.example.com.evil.com", false},
		{"https://evilapp.example.com", false},
		{"https://x.app.example.com", false},
		{"http://app.example.com", false},
		{"https://app.example.com:8443", false},
		{"https://app.example.com/", false},
		{"https://APP.example.com", false},
		{"null", false},
		{"*", false},
		{"", false},
	} {
		t.Run(tt.origin, func(t *testing.T) {
			want := ""
			if tt.listed {
				want = tt.origin
			}
			headers := []string{"Origin", tt.origin}
			preflight := []string{"Origin", tt.origin, "Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "authorization"}
			for name, a := range map[string]answer{
				"answer":      r.do("GET", "/api/items", "", headers...),
				"refusal":     r.do("POST", "/api/items", "{}", headers...),
				"not found":   r.do("GET", "/nowhere", "", headers...),
				"preflight":   r.do("OPTIONS", "/api/items", "", preflight...),
				"login":       r.do("POST", "/api/authentication", "{}", headers...),
				"bad path":    r.do("GET", "/api//items", "", headers...),
				"unsupported": r.do("POST", "/api/items", "{}", append(headers, "Content-Encoding", "br")...),
			} {
				if got := strings.Join(a.Header.Values("Access-Control-Allow-Origin"), "|"); got != want {
					t.Errorf("%s: Access-Control-Allow-Origin is %q, want %q", name, got, want)
				}
				if a.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s: credentials are allowed", name)
				}
			}
			if got := closed.do("GET", "/api/items", "", headers...).Header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("without a list: Access-Control-Allow-Origin is %q", got)
			}
		})
	}
	methods := r.do("OPTIONS", "/api/items", "", "Origin", "http://localhost:5173", "Access-Control-Request-Method", "PATCH").is(204).Header.Get("Access-Control-Allow-Methods")
	if !strings.Contains(methods, "PATCH") {
		t.Errorf("methods are %q", methods)
	}
}
