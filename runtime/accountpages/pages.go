package accountpages

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/internal/looks"
	"github.com/gatewright/gate/internal/markup"
	"github.com/gatewright/gate/internal/origin"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/server"
)

// Path is where the pages are, and below it.
const Path = "/account"

// MaxBody is how many bytes of a form the pages take.
const MaxBody = account.MaxBody

// An Option adds pages that not every service has. That it is named keeps them out of
// the programs of the others.
type Option func(*pages) error

// Mount serves the pages, see [server.App.Extend]. Home is the path that a log-in leads
// to that nobody asked for on the way to another page. It is an error where people do
// not log in with a password and a cookie.
func Mount(home string, more ...Option) func(*server.App) error {
	return func(a *server.App) error {
		p, err := newPages(a, home)
		for _, add := range more {
			if err == nil {
				err = add(p)
			}
		}
		if err != nil {
			return fmt.Errorf("account pages: %w", err)
		}
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			a.Mount(method+" "+Path, p)
			a.Mount(method+" "+Path+"/{page...}", p)
		}
		return nil
	}
}

// pages serves the pages. It is safe for concurrent use.
type pages struct {
	service string
	home    string
	browser *auth.Browser
	users   crud.Service // that holds the accounts
	origins *origin.Guard
	logger  *slog.Logger
	now     func() time.Time
	routes  map[string]route
	exists  func(ctx context.Context, login string) error // tells who has an account already; nil where nobody is told
}

// A route is what is at a path. One without post takes no form.
type route struct {
	get, post func(*visit) error
	own       bool // for whoever is logged in
}

func newPages(a *server.App, home string) (*pages, error) {
	if a.Auth == nil {
		return nil, fmt.Errorf("the service has no accounts")
	}
	browser, err := a.Auth.Browser()
	if err != nil {
		return nil, err
	}
	if !markup.Path(home) {
		return nil, fmt.Errorf("%q is no path of the service", home)
	}
	origins, err := origin.New(nil)
	if err != nil {
		return nil, err
	}
	p := &pages{service: a.Name, home: home, browser: browser, origins: origins, logger: a.Logger, now: time.Now}
	for _, e := range a.Entities() {
		if e.Entity().Name == a.Auth.EntityName() {
			p.users = e
		}
	}
	if p.users == nil {
		return nil, fmt.Errorf("nobody serves the accounts")
	}
	p.routes = map[string]route{
		"/gate.css":   {get: asset("text/css; charset=utf-8", looks.Style())},
		"/mark.svg":   {get: asset("image/svg+xml", looks.Icon())},
		"/login":      {get: p.showLogin, post: p.logIn},
		"/logout":     {get: p.showLogout, post: p.logOut},
		"/logged-out": {get: p.showLoggedOut},
		"":            {get: p.showAccount, own: true},
		"/devices":    {get: p.showDevices, post: p.endDevices, own: true},
		"/password":   {get: p.showPassword, post: p.changePassword, own: true},
	}
	if _, ok := p.asked(); ok {
		p.routes["/signup"] = route{get: p.showSignUp, post: p.signUp}
	}
	return p, nil
}

// asset serves a file that is the same for everybody.
func asset(mediaType string, data []byte) func(*visit) error {
	return func(v *visit) error {
		h := v.w.Header()
		h.Set("Content-Type", mediaType)
		h.Set("Cache-Control", "max-age=3600")
		http.ServeContent(v.w, v.r, "", time.Time{}, bytes.NewReader(data))
		return nil
	}
}

// policy allows the pages their style and icon, and forms that stay here.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP implements [http.Handler].
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Cookie")
	v := &visit{pages: p, w: w, r: r, path: strings.TrimPrefix(r.URL.Path, Path)}
	if err := p.serve(v); err != nil {
		v.fail(err)
	}
}

func (p *pages) serve(v *visit) error {
	at, ok := p.routes[v.path]
	if !ok {
		return &gate.Error{Status: http.StatusNotFound}
	}
	do := at.get
	if v.r.Method == http.MethodPost {
		do = at.post
	}
	if do == nil {
		v.w.Header().Set("Allow", "GET, HEAD")
		return &gate.Error{Status: http.StatusMethodNotAllowed}
	}
	if v.r.Method == http.MethodPost {
		if err := p.origins.Check(v.r); err != nil {
			return &gate.AuthError{Code: gate.ErrForbidden, Message: "This form was sent from another site", Err: err}
		}
		if err := v.readForm(); err != nil {
			return err
		}
	}
	r, err := p.browser.Request(v.r)
	if err != nil {
		return err
	}
	v.r = r
	v.person, _ = gate.PrincipalFromContext(r.Context())
	if at.own && v.person == nil {
		v.to(Path + "/login?" + url.Values{"next": {Path + v.path}}.Encode())
		return nil
	}
	return do(v)
}
