//go:build gatedev

package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/devpage"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/runtime/swaggerui"
	"github.com/gatewright/gate/store"
)

// devCheck lets every build with the tag start.
func devCheck(*config.Config) error { return nil }

// devReference is the page at /api/docs of a service that names none.
var devReference = swaggerui.New

// devRoutes puts the start page under "/", while "gate dev" runs the service, and what
// there is to say where browsers come back to, unless the service has pages there.
func (a *App) devRoutes() {
	if a.Config.Dev == nil || a.ownRoot {
		return
	}
	facts := a.devFacts()
	page := devpage.New(facts)
	a.mux.Handle("GET /{$}", page)
	a.mux.Handle("GET "+devpage.Assets+"{file}", page)
	for _, c := range facts.ComeBacks {
		probe := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: c.Path}}
		if _, taken := a.mux.Handler(probe); taken == "" {
			_ = a.mount("GET "+c.Path, page) // one that is no pattern has no page
		}
	}
}

// devHost refuses requests for another host while gate dev serves this machine
// alone: a page elsewhere could otherwise read and write what is public here,
// under a name of its own that leads to 127.0.0.1 (DNS rebinding).
func devHost(next http.Handler, cfg *config.Config, errs gate.ErrorWriter) http.Handler {
	host, _, err := net.SplitHostPort(cfg.Addr)
	if cfg.Dev == nil || err != nil || !devpage.IsLocal(net.JoinHostPort(host, "0")) {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !devpage.IsLocal(r.Host) {
			errs.Write(w, r, &gate.Error{Status: http.StatusForbidden, Message: "gate dev serves this machine only"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// pathGraphQL is where package graph serves, which imports this one.
const pathGraphQL = prefix + "/graphql"

func (a *App) devFacts() devpage.Facts {
	f := devpage.Facts{
		Service: a.Name, Database: "SQLite", StateFile: a.Config.Dev.StateFile, AdminFile: adminFile,
		Token: a.Config.Dev.Token,
		Docs:  a.Config.Docs && len(a.service.OpenAPI) > 0,
	}
	if a.DB.Dialect() == store.Postgres {
		f.Database = "PostgreSQL"
	}
	if a.Auth != nil {
		f.Login, f.Tokens = a.service.Auth.Login, a.Auth.LogsIn()
		if f.Issuer = a.Auth.Issuer(); a.Auth.PasswordLogins() {
			f.Issuer = ""
		}
		if a.service.Auth.OIDC != nil && a.service.Auth.OIDC.Page != nil {
			f.Try = tryPage(f.Issuer)
			in, out := a.Auth.ComeBacks()
			f.Origins = a.Config.CORSOrigins
			f.ComeBacks = ownPaths(
				devpage.ComeBack{Path: in, Setting: "redirectUri", Variable: "AUTH0_REDIRECT_URI"},
				devpage.ComeBack{Path: out, Logout: true, Setting: "logoutRedirectUri", Variable: "AUTH0_LOGOUT_REDIRECT_URI"})
		}
		if f.Tokens {
			f.Routes = append(f.Routes,
				devpage.Route{Method: http.MethodPost, Path: pathLogin, Rules: []string{"public"}},
				devpage.Route{Method: http.MethodDelete, Path: pathLogin, Rules: []string{"signed-in"}})
		}
		f.Routes = append(f.Routes,
			devpage.Route{Method: http.MethodGet, Path: pathMe, Rules: []string{"signed-in"}},
			devpage.Route{Method: http.MethodGet, Path: pathPermissions, Rules: []string{"signed-in"}})
		f.AuthEntity, f.Outbox = a.Auth.EntityName(), a.Auth.Outbox()
	}
	if a.Auth != nil && a.service.Auth.Cookies != nil && a.service.Auth.Cookies.LoginPage != "" {
		f.Account = path.Dir(a.service.Auth.Cookies.LoginPage)
	}
	for _, r := range a.routes {
		f.Routes = append(f.Routes, devpage.Route{Method: r.Method, Path: r.Path, Rules: a.rulesOf(r)})
	}
	for _, g := range a.guarded {
		if path, ok := strings.CutPrefix(g.pattern, "POST "); ok && path == pathGraphQL {
			f.GraphQL = path
		}
	}
	for _, e := range a.entities {
		f.Entities = append(f.Entities, e.Entity())
	}
	return f
}

// rulesOf returns who may call a route: where its rows are of another entity, whom
// the rules of that one let do it.
func (a *App) rulesOf(r rest.Route) []string {
	i := slices.IndexFunc(a.entities, func(s crud.Service) bool { return s.Entity().Name == r.Of })
	if i < 0 {
		return r.Rules
	}
	action := authz.List
	if r.Method == http.MethodPost {
		action = authz.Create
	}
	return a.entities[i].Entity().Rules(action.String())
}

// ownPaths returns those that are paths and no URL: of the page's origin, which is that
// of the service for whoever thinks that it serves pages.
func ownPaths(all ...devpage.ComeBack) []devpage.ComeBack {
	return slices.DeleteFunc(all, func(c devpage.ComeBack) bool {
		u, err := url.Parse(c.Path)
		return err != nil || u.Path != c.Path || len(c.Path) < 2 || strings.ContainsAny(c.Path, "{}")
	})
}

// tryPage is the page of the provider beside "gate dev" where a log-in can be
// tried, empty unless the issuer is on this machine.
func tryPage(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "http" || !devpage.IsLocal(u.Host) {
		return ""
	}
	return u.JoinPath("try").String()
}

// watch ends the service when its standard input ends: whoever ran it is gone.
func watch(ctx context.Context, cfg *config.Config, stdin io.Reader) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if cfg.Dev != nil && stdin != nil {
		go func() {
			_, _ = io.Copy(io.Discard, stdin)
			cancel()
		}()
	}
	return ctx, cancel
}
