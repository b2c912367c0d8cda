package browser_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/conformance/internal/stagetest"
	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// The clients that applications log in with.
const (
	app     = "appClient00000000000000000000000a"
	strict  = "strictClient00000000000000000000a" // without leeway for refresh tokens
	foreign = "foreignClient0000000000000000000a" // of somebody else: people are asked
	bare    = "bareClient0000000000000000000000a" // without web origins
)

// A world is a provider and an application in a browser.
type world struct {
	*idptest.Server
	app   string // origin of the application, on the same site as the provider
	other string // the same application on another site
	stray string // the same application at an origin that nobody registered
	ahead atomic.Int64
}

// newWorld starts both. The application's server answers to POST /-/forward?by=1h
// by moving the clock of the provider.
func newWorld(t *testing.T) *world {
	t.Helper()
	stagetest.Installed(t)
	w := &world{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /-/forward", func(_ http.ResponseWriter, r *http.Request) {
		by, err := time.ParseDuration(r.FormValue("by"))
		if err != nil {
			t.Error(err)
		}
		w.ahead.Add(int64(by))
	})
	mux.HandleFunc("GET /-/status", func(rw http.ResponseWriter, r *http.Request) { // of an API that refuses
		code, err := strconv.Atoi(r.FormValue("code"))
		if err != nil {
			t.Error(err)
		}
		http.Error(rw, http.StatusText(code), code)
	})
	mux.HandleFunc("GET /onward", func(rw http.ResponseWriter, r *http.Request) { // as a server with its pages elsewhere
		http.Redirect(rw, r, w.stray+"/arrived?"+r.URL.RawQuery, http.StatusFound)
	})
	mux.Handle("GET /-/", http.StripPrefix("/-/", http.FileServer(http.Dir(filepath.Join(stagetest.Folder, "dist")))))
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		page := "spa.html"
		if first, _, _ := strings.Cut(r.URL.Path[1:], "/"); first == "react" || first == "admin" {
			page = first + ".html"
		}
		w.Header().Set("Content-Security-Policy", "default-src 'self'; worker-src blob:; frame-src *; connect-src 'self' http://localhost:*; img-src 'self' data: https:")
		http.ServeFile(w, r, filepath.Join(stagetest.Folder, "site", page))
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	w.other = srv.URL
	w.app = strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	stray := httptest.NewServer(mux)
	t.Cleanup(stray.Close)
	w.stray = strings.Replace(stray.URL, "127.0.0.1", "localhost", 1)
	w.Server = idptest.New(t, idptest.Config{Edit: func(c *idp.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
	}})
	w.clients(t)
	return w
}

func (w *world) clients(t *testing.T) {
	t.Helper()
	origins := []string{w.app, w.other}
	var callbacks, logouts []string
	for _, o := range origins {
		callbacks = append(callbacks, o+"/", o+"/callback", o+"/onward", o+"/react", o+"/admin/auth-callback")
		logouts = append(logouts, o+"/", o+"/login", o+"/react", o+"/admin/login")
	}
	for _, c := range []*tenant.Client{
		{ID: app, Name: "WAB Dashboard", FirstParty: true},
		{ID: strict, Name: "Strict", FirstParty: true, Refresh: &tenant.RefreshPolicy{
			Rotation: "rotating", Expiration: "expiring", Leeway: 0, Lifetime: 3600, IdleLifetime: 3600,
		}},
		{ID: foreign, Name: "Somebody Else's", FirstParty: false},
		{ID: bare, Name: "Bare", FirstParty: true},
	} {
		c.AppType, c.AuthMethod, c.OIDCConformant = tenant.SPA, tenant.AuthNone, true
		c.GrantTypes = []string{"authorization_code", "refresh_token"}
		c.Callbacks, c.LogoutURLs, c.WebOrigins = callbacks, logouts, origins
		if c.ID == bare {
			c.WebOrigins = nil
		}
		w.create(t, c)
	}
}

// create makes a client that users of the connection may log in to.
func (w *world) create(t *testing.T, c *tenant.Client) {
	t.Helper()
	if err := w.Tenant().Clients.Create(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	_, err := w.Tenant().Connections.Update(t.Context(), "con_database00000001", func(conn *tenant.Connection) error {
		conn.EnabledClients = append(conn.EnabledClients, c.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// person makes a user and says what scenarios need to know.
func (w *world) person(email string, roles ...string) stagetest.Facts {
	return stagetest.Facts{"email": email, "password": idptest.Password, "sub": w.AddUser(email, roles...).ID}
}

// run runs a scenario that knows the applications and a few people.
func (w *world) run(t *testing.T, script string, more stagetest.Facts) {
	t.Helper()
	arg := stagetest.Facts{
		"app": w.app, "other": w.other, "stray": w.stray, "client": app, "strict": strict, "foreign": foreign, "bare": bare,
		"manager": idptest.Management, "role": "rol_menuadmin0000001",
		"ben": w.person("ben@example.com"),
	}
	maps.Copy(arg, more)
	if arg["ada"] == nil {
		arg["ada"] = w.person("ada@example.com", "menu-admin")
	}
	run(t, w.Server, script, arg)
}

// action binds a script to post-login.
func (w *world) action(t *testing.T, code string) {
	t.Helper()
	ctx, k := t.Context(), w.Tenant()
	const trigger = "post-login"
	err := k.Actions.Create(ctx, &tenant.Action{
		ID: "act-closed", Name: "Closed", Code: code, Status: "built", Triggers: []tenant.ActionTrigger{{ID: trigger, Version: "v3"}},
		Deployed: &tenant.ActionVersion{ID: "ver-closed", Number: 1, Code: code, Runtime: "node22"},
	})
	if err == nil {
		err = k.Bindings.Create(ctx, &tenant.Bindings{Trigger: trigger, List: []tenant.Binding{{ID: "bin-closed", ActionID: "act-closed", DisplayName: "Closed"}}})
	}
	if err != nil {
		t.Fatal(err)
	}
}
