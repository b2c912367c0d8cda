package browser_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/conformance/internal/stagetest"
	"github.com/gatewright/gate/idp/tenant"
)

// TestWeb: the dashboard of the restaurant whose people log in at Auth0, as its readers
// build it, with the SDK of Auth0 as it is in npm.
func TestWeb(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.action(t, profile)
	dir := t.TempDir()
	srv := httptest.NewServer(static(filepath.Join(dir, "web", "dist")))
	t.Cleanup(srv.Close)
	at := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	const client = "webDashboard0000000000000000000a"
	w.create(t, &tenant.Client{
		ID: client, Name: "WAB Dashboard", FirstParty: true, AppType: tenant.SPA, AuthMethod: tenant.AuthNone, OIDCConformant: true,
		GrantTypes: []string{"authorization_code", "refresh_token"},
		Callbacks:  []string{at + "/auth-callback"}, LogoutURLs: []string{at + "/login"}, WebOrigins: []string{at},
	})
	api := service(t, "AUTH0_ISSUER_URL="+w.Issuer(), "AUTH0_CLIENT_ID="+client, "CORS_ORIGINS="+at)
	for _, name := range []string{"client", "web"} {
		clone(t, filepath.Join("../../examples/restaurant-auth0", name), filepath.Join(dir, name))
	}
	settings := filepath.Join(dir, "web", "src", "settings.ts")
	src, err := os.ReadFile(settings)
	if err == nil {
		src = bytes.Replace(src, []byte("http://localhost:3000"), []byte(api), 1)
		src = bytes.Replace(src, []byte("http://localhost:3001"), []byte(w.URL), 1)
		err = os.WriteFile(settings, src, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	stagetest.Application(t, filepath.Join(dir, "web"))
	w.run(t, "web.mjs", stagetest.Facts{"client": client, "at": at, "api": api})
}

// TestWebInGuide: what the guide shows of the dashboard is in it.
func TestWebInGuide(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/guides/auth0.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"src/session.ts"} {
		_, shown, _ := strings.Cut(string(guide), "```ts\n// "+name+"\n")
		shown, _, _ = strings.Cut(shown, "```\n")
		code, err := os.ReadFile(filepath.Join("../../examples/restaurant-auth0/web", name))
		if err != nil {
			t.Fatal(err)
		}
		if shown == "" || !strings.Contains(string(code), shown) {
			t.Errorf("the guide shows of %s what is not in it:\n%s", name, shown)
		}
	}
}

// static serves a folder as the hosts of single pages do: what is no file is the page.
func static(dir string) http.Handler {
	files := http.FileServer(http.Dir(dir))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(r.URL.Path))); err != nil {
			r.URL.Path = "/"
		}
		files.ServeHTTP(w, r)
	})
}

// clone copies a folder as it is in the repository.
func clone(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); name == "node_modules" || name == "dist" {
			return filepath.SkipDir
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, src, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
