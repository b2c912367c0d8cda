package spa_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gatewright/gate/runtime/server/spa"
)

const script = "export const words = 'the same words again and again, the same words again and again, the same words'"

func built() fstest.MapFS {
	return fstest.MapFS{
		"index.html":              {Data: []byte(`<meta property="csp-nonce" nonce="__CSP_NONCE__"><script nonce="__CSP_NONCE__" src="/back/assets/app-1a2b.js"></script>`)},
		"assets/app-1a2b.js":      {Data: []byte(script)},
		"assets/tiny-3c4d.js":     {Data: []byte("1")},
		"assets/photo-5e6f.png":   {Data: []byte("\x89PNG")},
		"favicon.svg":             {Data: []byte("<svg/>")},
		".keep":                   {Data: []byte("kept")},
		"assets/.secret":          {Data: []byte("kept")},
		"assets/nested/x-77aa.js": {Data: []byte("2")},
	}
}

func get(t *testing.T, h http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestPage: every path that is no file is the page, with a nonce that no other answer has.
func TestPage(t *testing.T) {
	app := spa.New("/back", built())
	seen := map[string]bool{}
	for _, target := range []string{"/back", "/back/", "/back/items", "/back/items/a.b/show", "/back/index.html", "/back/.keep", "/back/../go.mod", "/back/items/assets/x.js"} {
		res := get(t, app, target)
		text := res.Body.String()
		found := regexp.MustCompile(`<meta property="csp-nonce" nonce="([A-Z2-7]{26})"><script nonce="([A-Z2-7]{26})"`).FindStringSubmatch(text)
		if res.Code != 200 || found == nil || found[1] != found[2] || seen[found[1]] {
			t.Fatalf("%s: %d %s", target, res.Code, text)
		}
		seen[found[1]] = true
		policy := res.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "style-src 'self' 'nonce-"+found[1]+"';") || strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; ") {
			t.Errorf("%s: %s", target, policy)
		}
		if got := res.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: %s", target, got)
		}
	}
}

// TestFiles: what has a hash in its name is kept for ever, and texts are compressed for
// those who take that.
func TestFiles(t *testing.T) {
	app := spa.New("/back", built())
	for target, want := range map[string]struct{ typ, cache, content string }{
		"/back/assets/app-1a2b.js":      {"text/javascript; charset=utf-8", "public, max-age=31536000, immutable", script},
		"/back/assets/nested/x-77aa.js": {"text/javascript; charset=utf-8", "public, max-age=31536000, immutable", "2"},
		"/back/assets/photo-5e6f.png":   {"image/png", "public, max-age=31536000, immutable", "\x89PNG"},
		"/back/favicon.svg":             {"image/svg+xml", "no-cache", "<svg/>"},
	} {
		res := get(t, app, target)
		if got := res.Body.String(); res.Code != 200 || got != want.content || res.Header().Get("Content-Type") != want.typ || res.Header().Get("Cache-Control") != want.cache {
			t.Errorf("%s: %d %v %s", target, res.Code, res.Header(), got)
		}
	}
	for range 2 {
		res := get(t, app, "/back/assets/app-1a2b.js", "Accept-Encoding", "br, gzip")
		zr, err := gzip.NewReader(res.Body)
		if err != nil || res.Header().Get("Content-Encoding") != "gzip" || res.Header().Get("Vary") != "Accept-Encoding" {
			t.Fatalf("%v %v", res.Header(), err)
		}
		if got, err := io.ReadAll(zr); string(got) != script || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	for _, target := range []string{"/back/assets/tiny-3c4d.js", "/back/assets/photo-5e6f.png"} {
		if res := get(t, app, target, "Accept-Encoding", "gzip"); res.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s is compressed", target)
		}
	}
}

// TestGone: an asset of another build is no page, which a browser would take for a script.
func TestGone(t *testing.T) {
	app := spa.New("/back", built())
	for _, target := range []string{"/back/assets/app-0000.js", "/back/assets/", "/back/assets/nested", "/back/assets/.secret"} {
		res := get(t, app, target)
		if res.Code != 404 || res.Header().Get("Cache-Control") != "no-store" || strings.Contains(res.Body.String(), "script") {
			t.Errorf("%s: %d %v", target, res.Code, res.Header())
		}
	}
}

// TestNotBuilt: who finds no application is told what to do.
func TestNotBuilt(t *testing.T) {
	app := spa.New("/back", fstest.MapFS{".keep": {Data: []byte("kept")}})
	res := get(t, app, "/back/items")
	if text := res.Body.String(); res.Code != 503 || !strings.Contains(text, "npm run build") || res.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", res.Code, res.Header(), text)
	}
}
