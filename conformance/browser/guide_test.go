package browser_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatewright/gate/conformance/internal/stagetest"
	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
	"github.com/gatewright/gate/idp/tenant"
)

// profile puts into tokens what the service makes accounts from.
const profile = `exports.onExecutePostLogin = async (event, api) => {
	const { email, email_verified, name } = event.user
	api.accessToken.setCustomClaim('https://restaurant.example/api/user', { email, email_verified, name })
}`

// TestGuide: what the guide to Auth0 has people paste works, word for word.
func TestGuide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.action(t, profile)
	const client = "guideClient000000000000000000000a"
	origins, at := w.guide(t, client)
	w.run(t, "guide.mjs", stagetest.Facts{"client": client, "at": origins, "api": at})
}

// guide serves the applications of the guide, each at an origin of its own, with a
// client as gate dev seeds it, and runs the service that they ask, at api.
func (w *world) guide(t *testing.T, client string) (at map[string]string, api string) {
	t.Helper()
	at = map[string]string{}
	var addresses atomic.Pointer[strings.Replacer] // those of the guide, by those of the test
	c := &tenant.Client{
		ID: client, Name: "WAB Dashboard", FirstParty: true, AppType: tenant.SPA, AuthMethod: tenant.AuthNone, OIDCConformant: true,
		GrantTypes: []string{"authorization_code", "refresh_token"},
	}
	for _, name := range []string{"spa", "react", "admin", "hash", "data"} {
		code, err := os.ReadFile(filepath.Join(stagetest.Folder, "dist", "guide-"+name+".js"))
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.HandleFunc("GET /application.js", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = addresses.Load().WriteString(w, string(code))
		})
		mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
			http.ServeFile(w, r, filepath.Join(stagetest.Folder, "site", "guide.html"))
		})
		srv := httptest.NewServer(mux)
		t.Cleanup(srv.Close)
		origin := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
		at[name] = origin
		c.Callbacks = append(c.Callbacks, origin+"/auth-callback")
		c.LogoutURLs = append(c.LogoutURLs, origin+"/login")
		c.WebOrigins = append(c.WebOrigins, origin)
	}
	w.create(t, c)
	api = service(t, "AUTH0_ISSUER_URL="+w.Issuer(), "CORS_ORIGINS="+strings.Join(c.WebOrigins, ","))
	addresses.Store(strings.NewReplacer("http://localhost:3001", w.URL, "http://localhost:3000", api, "wab-dashboard", client))
	return at, api
}

// service runs the restaurant of the guide, whose dishes have versions here, until the
// test ends, and returns its address.
func service(t *testing.T, environ ...string) string {
	t.Helper()
	dir := t.TempDir()
	build(t, dir)
	return stagetest.Serve(t, filepath.Join(dir, "restaurant"), environ...)
}

// build generates the service into dir, and compiles it.
func build(t *testing.T, dir string) {
	t.Helper()
	src, err := os.ReadFile("../../examples/restaurant-auth0/gate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(src), "  Item:\n", "  Item:\n    version: true\n", 1)
	d, err := design.Parse("gate.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files, err := gen.Generate(d, gen.Options{Replace: filepath.ToSlash(checkout)}, standard.Plugins()...)
	if err == nil {
		_, err = gen.Apply(dir, files, gen.ApplyOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", "restaurant", ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
}
