package idp_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// again finds where a page leads to begin again.
var again = regexp.MustCompile(`<a class="btn primary" href="([^"]+)"`)

func restartOf(page string) string {
	if m := again.FindStringSubmatch(page); m != nil {
		return m[1]
	}
	return ""
}

// begin asks for a log-in and returns the address of its page.
func begin(t *testing.T, s *idptest.Server, browser *http.Client, more ...string) string {
	t.Helper()
	res, body := s.Do(browser, http.MethodGet, "/authorize", authorization(more...))
	where := res.Header.Get("Location")
	if !strings.HasPrefix(where, "/u/") {
		t.Fatalf("%d %q %.300s", res.StatusCode, where, body)
	}
	return where
}

// Without its cookie a log-in does not go on; the page says why, and leads to
// where the client begins, whatever a request says.
func TestIDP_lostCookies(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	page := begin(t, s, s.HTTP)
	_, shown := s.Do(s.HTTP, http.MethodGet, page, nil)
	form := s.Fill(shown, "username", "ada@example.com", "password", idptest.Password)
	other := s.Browser()
	begin(t, s, other)
	const evil = "https://evil.example"
	for name, tt := range map[string]struct {
		browser *http.Client
		method  string
		target  string
		says    string
		leads   string
	}{
		"page without cookies":         {s.Browser(), http.MethodGet, page, "sent no cookie back", "http://localhost:3000/"},
		"form without cookies":         {s.Browser(), http.MethodPost, "/u/login", "sent no cookie back", "http://localhost:3000/"},
		"page in another browser":      {other, http.MethodGet, page, "This log-in is over", "http://localhost:3000/"},
		"other addresses in the query": {s.Browser(), http.MethodGet, page + "&redirect_uri=" + evil + "&returnTo=" + evil + "&client_id=x", "sent no cookie back", "http://localhost:3000/"},
		"broken state":                 {other, http.MethodGet, page[:len(page)-6] + "AAAAAA", "This log-in is over", ""},
		"state of nobody":              {s.Browser(), http.MethodGet, "/u/login?state=" + url.QueryEscape(evil), "sent no cookie back", ""},
		"no state":                     {s.Browser(), http.MethodGet, "/u/login", "sent no cookie back", ""},
		"answer of another provider":   {s.Browser(), http.MethodGet, "/login/callback/github?code=1&state=" + evil, "sent no cookie back", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var in url.Values
			if tt.method == http.MethodPost {
				in = form
			}
			res, body := s.Do(tt.browser, tt.method, tt.target, in, "Origin", s.URL, "Referer", evil)
			if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || !strings.Contains(body, tt.says) {
				t.Fatalf("%d %q: %.1500s", res.StatusCode, res.Header.Get("Location"), body)
			}
			if got := restartOf(body); got != tt.leads || strings.Contains(body, "evil.example") {
				t.Errorf("leads to %q, want %q", got, tt.leads)
			}
		})
	}
	// The one whom it is for still comes in.
	res, body := s.Do(s.HTTP, http.MethodPost, "/u/login", form, "Origin", s.URL)
	if !answerOf(t, res, body).Has("code") {
		t.Error("the owner of the cookie is locked out")
	}
}

// Where a log-in begins again: at the client, at the tenant, at the origin of the
// registered address that it was for.
func TestIDP_restart(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	change := func(edit func(*tenant.Client)) {
		t.Helper()
		if _, err := s.Tenant().Clients.Update(t.Context(), idptest.SPA, func(c *tenant.Client) error { edit(c); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	leads := func(want string, more ...string) {
		t.Helper()
		_, body := s.Do(s.Browser(), http.MethodGet, begin(t, s, s.Browser(), more...), nil)
		if got := restartOf(body); got != want {
			t.Errorf("leads to %q, want %q", got, want)
		}
	}
	change(func(c *tenant.Client) {
		c.Callbacks = []string{idptest.Callback, "https://*.example.com/cb", "https://shop.example/a/callback"}
	})
	leads("https://shop.example/", "redirect_uri", "https://shop.example/a/callback")
	leads("http://localhost:3000/")
	page := begin(t, s, s.HTTP, "redirect_uri", "https://shop.example/a/callback")
	change(func(c *tenant.Client) { c.Callbacks = []string{"https://*.example.com/cb"} })
	if res, body := s.Do(s.HTTP, http.MethodGet, page, nil); res.StatusCode != http.StatusBadRequest || restartOf(body) != "http://localhost:3000/" {
		t.Errorf("an address that is registered no more: %d %q", res.StatusCode, restartOf(body))
	}
	change(func(c *tenant.Client) { c.Callbacks, c.AppType = []string{idptest.Callback}, tenant.Native })
	leads("")
	if _, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error {
		set.DefaultRedirectionURI = "https://home.example/start"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	leads("https://home.example/start")
	change(func(c *tenant.Client) { c.InitiateLoginURI = "https://menu.example/login" })
	leads("https://menu.example/login")
}

// Every problem, notice and fault that the pages have words for is told by
// somebody.
func TestPages_words(t *testing.T) {
	told := map[string]bool{}
	for _, name := range sources(t, ".") {
		ast.Inspect(parsed(t, name), func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "login" {
					told[sel.Sel.Name] = true
				}
			}
			return true
		})
	}
	count := 0
	for _, name := range sources(t, "login") {
		ast.Inspect(parsed(t, name), func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Code" && kind.Name != "Notice" && kind.Name != "Fault" {
				return true
			}
			for _, id := range spec.Names {
				count++
				if !told[id.Name] {
					t.Errorf("nobody tells login.%s", id.Name)
				}
			}
			return true
		})
	}
	if count < 20 {
		t.Errorf("%d constants", count)
	}
}

func sources(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, name := range all {
		if !strings.HasSuffix(name, "_test.go") {
			list = append(list, name)
		}
	}
	return list
}

func parsed(t *testing.T, name string) *ast.File {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, data, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
