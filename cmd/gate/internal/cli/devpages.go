package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/idp/trial"
	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/idp/upstream/fake"
)

// The connection that gate dev has beside passwords. It is named as one to GitHub
// is at Auth0, so that an application that asks for that by name finds it.
const (
	fakeName  = "github"
	fakeShown = "GitHub (fake)"
	fakePath  = "/fake-github"
)

// newFake returns the imitation of GitHub that belongs to a provider on this
// machine.
func newFake(issuer string) (*fake.Server, error) {
	base := strings.TrimSuffix(issuer, "/")
	return fake.New(fake.Config{
		Development: true, Issuer: base + fakePath, Name: fakeShown, RedirectURIs: []string{base + "/login/callback/" + fakeName},
		// Far above the accounts that there are: in a database that goes on with
		// GitHub itself none of these is somebody's.
		People: []fake.Person{
			{ID: 1_000_000_000_001, Login: "ada", Name: "Ada Lovelace", Email: "ada@example.com", EmailVerified: true},
			{ID: 1_000_000_000_002, Login: "grace", Name: "Grace Hopper", Email: "grace@example.com"},
			{ID: 1_000_000_000_003, Login: "alan", Name: "Alan Turing"},
		},
	})
}

// seedFake adds the connection to a seed, unless one to GitHub itself took its
// place.
func seedFake(ctx context.Context, in *config.Instance, from *fake.Server, seed *config.Seed) error {
	is, err := in.Tenant().Connections.ByName(ctx, fakeName)
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return err
	}
	if err == nil && !imitates(is) {
		return nil
	}
	cfg := from.Connection(fakeName, upstream.GitHub)
	seed.Connections = []config.Connection{{Name: config.DefaultConnection}, {Name: fakeName, Strategy: upstream.GitHub, Imitation: &cfg}}
	return nil
}

// moveFake leads the connection to where the imitation is this time, for the port
// may be another one, and gives it the name that people see.
func moveFake(ctx context.Context, in *config.Instance, from *fake.Server) error {
	is, err := in.Tenant().Connections.ByName(ctx, fakeName)
	if err != nil || !imitates(is) {
		return err
	}
	to := from.Connection(fakeName, upstream.GitHub)
	if o := is.Options; is.DisplayName != "" && o.AuthorizationURL == to.AuthorizationURL && o.TokenURL == to.TokenURL && o.UserInfoURL == to.UserInfoURL {
		return nil
	}
	_, err = in.Tenant().Connections.Update(ctx, is.ID, func(c *tenant.Connection) error {
		c.DisplayName = cmp.Or(c.DisplayName, fakeShown)
		c.Options.AuthorizationURL, c.Options.TokenURL, c.Options.UserInfoURL = to.AuthorizationURL, to.TokenURL, to.UserInfoURL
		return nil
	})
	return err
}

// imitates reports whether a connection leads to an imitation.
func imitates(c *tenant.Connection) bool {
	return bytes.Equal(bytes.TrimSpace(c.Options.Extra["imitation"]), []byte("true"))
}

// outbox returns the folder that a provider for development writes letters to,
// or "" when it sends them.
func outbox(cfg *config.Config) string {
	folder, ok := strings.CutPrefix(cmp.Or(cfg.Mail.URL, "folder:outbox"), "folder:")
	switch {
	case !ok:
		return ""
	case filepath.IsAbs(folder):
		return folder
	}
	return filepath.Join(filepath.Dir(cfg.File()), folder)
}

// tryClient is the name of the client of the page that logs in.
const tryClient = "Development"

// isTryClient reports whether a client is that one.
func isTryClient(c *tenant.Client) bool {
	return c.Name == tryClient && slices.ContainsFunc(c.Callbacks, func(u string) bool { return strings.HasSuffix(u, trial.CallbackPath) })
}

// tryScope is what that page asks for besides the scopes of an API.
const tryScope = "openid profile email offline_access"

// seedTry makes the client of the page that logs in, and lets it use the
// connections that keep passwords; there is one afterwards.
func seedTry(ctx context.Context, in *config.Instance, page *trial.Config) error {
	base := strings.TrimSuffix(page.Issuer, "/")
	seed := config.Seed{Clients: []config.Client{{
		Name: tryClient, Type: config.SPA, Callbacks: []string{base + trial.CallbackPath}, LogoutURLs: []string{base + trial.Path},
	}}}
	all, err := in.Tenant().Connections.List(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Strategy == tenant.Database {
			seed.Connections = append(seed.Connections, config.Connection{Name: c.Name})
		}
	}
	if len(all) == 0 {
		seed.Connections = []config.Connection{{Name: config.DefaultConnection}}
	}
	report, err := in.Seed(ctx, seed)
	if err != nil {
		return err
	}
	made, _ := report.Find("client", tryClient)
	page.ClientID = made.ID
	page.Asks = func(ctx context.Context) (audience, scope string, err error) { return tryAsks(ctx, in, page.Issuer) }
	return nil
}

// tryAsks returns the first API besides the Management API and its scopes.
func tryAsks(ctx context.Context, in *config.Instance, issuer string) (audience, scope string, err error) {
	apis, err := in.Tenant().APIs.List(ctx)
	if err != nil {
		return "", "", err
	}
	scope = tryScope
	for _, api := range apis {
		if api.System || api.Identifier == issuer+"api/v2/" { // there may be one of another issuer of before
			continue
		}
		for _, s := range api.Scopes {
			scope += " " + s.Value
		}
		return api.Identifier, scope, nil
	}
	return "", scope, nil
}

// A devSite is a provider with what there is besides in development.
type devSite struct {
	provider http.Handler
	pages    trial.Config
	fake     http.Handler // nil leaves it out
}

func (s devSite) handler() (http.Handler, error) {
	pages, err := trial.New(s.pages)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.provider)
	if s.pages.ClientID != "" {
		mux.Handle("GET /{$}", http.RedirectHandler(trial.Path, http.StatusFound))
		mux.Handle(trial.Path, pages)
		mux.Handle(trial.CallbackPath, pages)
		mux.Handle(trial.ScriptPath, pages)
	}
	if s.pages.Outbox != "" {
		mux.Handle(trial.OutboxPath, pages)
		mux.Handle(trial.OutboxPath+".json", pages)
	}
	if s.fake != nil {
		mux.Handle(fakePath+"/", s.fake)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !thisMachine(r.Host) {
			// A page elsewhere whose name was pointed to this machine.
			http.Error(w, "This provider is for this machine alone.", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	}), nil
}
