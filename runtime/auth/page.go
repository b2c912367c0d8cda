package auth

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// Page is what a page has to know to log people in at the issuer. None of it is
// secret. The settings AUTH0_* win over it, so that one build of a page fits every
// place where the service runs.
type Page struct {
	// Domain is the host of the issuer. When the settings name another issuer and
	// no domain, it is the host of that. Pages are told http:// before it when the
	// issuer is on this machine and has no TLS: Auth0's SDKs would add https://.
	Domain string
	// RedirectURI is where a log-in leads back to; empty means /auth-callback. A
	// path is one of the page's own origin.
	RedirectURI string
	// LogoutRedirectURI is where a log-out leads; empty means /login.
	LogoutRedirectURI string
	// Scope is what is asked for; empty means "openid profile email".
	Scope string
}

// Issuer returns the identifier of the issuer elsewhere whose access tokens are
// taken, empty if there is none.
func (a *Auth) Issuer() string {
	if a.issuer == nil {
		return ""
	}
	return a.issuer.called()
}

// PasswordLogins reports whether people prove here who they are, other than by
// the issuer.
func (a *Auth) PasswordLogins() bool { return a.passwordLogins }

// Page returns what pages are told that log people in at the issuer, as JSON; nil
// when they are told nothing.
func (a *Auth) Page() http.Handler {
	o := a.cfg.OIDC
	if o == nil || o.Page == nil {
		return nil
	}
	body, err := json.Marshal(o.page(a.opts))
	if err != nil {
		panic("auth: " + err.Error()) // texts have no other form
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "no-cache")
		_, _ = w.Write(body) // nobody is left to be told
	})
}

// PageOrigin returns the origin of the issuer as pages are told it, empty when they are
// told nothing.
func (a *Auth) PageOrigin() string {
	o := a.cfg.OIDC
	if o == nil || o.Page == nil {
		return ""
	}
	domain := o.page(a.opts).Domain
	if !strings.Contains(domain, "://") {
		domain = "https://" + domain
	}
	u, err := url.Parse(domain)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// ComeBacks returns where a log-in and a log-out lead back to, as pages are told; empty
// when they are told nothing.
func (a *Auth) ComeBacks() (login, logout string) {
	o := a.cfg.OIDC
	if o == nil || o.Page == nil {
		return "", ""
	}
	c := o.page(a.opts)
	return c.RedirectURI, c.LogoutRedirectURI
}

// pageConfig is [Page] on the wire.
type pageConfig struct {
	Provider          string `json:"provider"`
	Domain            string `json:"domain"`
	ClientID          string `json:"clientId"`
	Issuer            string `json:"issuer"`
	Audience          string `json:"audience"`
	Scope             string `json:"scope"`
	RedirectURI       string `json:"redirectUri"`
	LogoutRedirectURI string `json:"logoutRedirectUri"`
}

func (o *OIDC) page(opts Options) pageConfig {
	said := opts.Settings.Auth0
	c := pageConfig{
		Provider:          "auth0",
		Domain:            o.Page.Domain,
		ClientID:          cmp.Or(said.ClientID, o.ClientID),
		Issuer:            cmp.Or(opts.Settings.OIDCIssuer, o.Issuer),
		Audience:          o.audience(opts),
		Scope:             cmp.Or(said.Scope, o.Page.Scope, "openid profile email"),
		RedirectURI:       cmp.Or(said.RedirectURI, o.Page.RedirectURI, "/auth-callback"),
		LogoutRedirectURI: cmp.Or(said.LogoutRedirectURI, o.Page.LogoutRedirectURI, "/login"),
	}
	if u, err := url.Parse(opts.Settings.OIDCIssuer); err == nil && u.Host != "" {
		c.Domain = u.Host
	}
	c.Domain = cmp.Or(said.Domain, c.Domain)
	if u, err := url.Parse(c.Issuer); err == nil && u.Scheme == "http" && u.Host == c.Domain {
		c.Domain = "http://" + c.Domain
	}
	return c
}
