package idp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
)

// expiredPage answers what belongs to a log-in that cannot go on in this browser.
// q is the request that was sealed into it, nil when there is none.
func (p *Provider) expiredPage(w http.ResponseWriter, r *http.Request, q *request, err error) {
	if !errors.Is(err, errTransaction) {
		p.faultPage(w, r, err)
		return
	}
	p.errorPage(w, r, p.lost(r, q))
}

// lost says why a log-in cannot go on in this browser, and where it can begin
// again.
func (p *Provider) lost(r *http.Request, q *request) *pageError {
	e := &pageError{
		oauthError: refuse("invalid_request", "The log-in took too long, or was begun in another browser"), fault: login.FaultExpired,
		hint: "State is bound to the browser by the cookie " + p.cookieName(browserCookie) + " and good for an hour.",
	}
	if p.cookie(r, browserCookie) == "" {
		e.oauthError, e.fault = refuse("invalid_request", "The browser sent no cookie back"), login.FaultNoCookies
	}
	return p.leadsOn(r, e, q)
}

// leadsOn says on an error page where the log-in with this request can begin
// again, in the language that it is in. q may be nil.
func (p *Provider) leadsOn(r *http.Request, e *pageError, q *request) *pageError {
	var redirectURI string
	if q != nil {
		e.locales, redirectURI = q.Locales, q.RedirectURI
		if c, err := p.tenant.Clients.Get(r.Context(), q.ClientID); err == nil {
			e.client = c
		}
	}
	e.restart = p.beginning(r.Context(), e.client, redirectURI)
	return e
}

// beginning returns where a log-in with a client begins that was for this
// address, both of which may be unknown. It is empty when nobody has said so, or
// nobody can be asked: a page has a way less then.
func (p *Provider) beginning(ctx context.Context, c *tenant.Client, redirectURI string) string {
	set, err := p.tenant.Settings(ctx)
	if err != nil {
		set = new(tenant.Settings)
	}
	if c == nil {
		return pageURL(set.DefaultRedirectionURI)
	}
	return restart(c, set, redirectURI)
}

// restart returns where a log-in with a client begins: where the client or, as
// Auth0 does, the tenant says, else at the origin of the registered address that
// the log-in was for. It is empty when nothing that is registered is a page.
func restart(c *tenant.Client, set *tenant.Settings, redirectURI string) string {
	switch {
	case pageURL(c.InitiateLoginURI) != "":
		return c.InitiateLoginURI
	case pageURL(set.DefaultRedirectionURI) != "":
		return set.DefaultRedirectionURI
	case c.AppType == tenant.Native: // it is no page of a browser that its address leads to
		return ""
	}
	meant := slices.IndexFunc(c.Callbacks, func(registered string) bool { return sameURL(registered, redirectURI) })
	for _, registered := range slices.Concat(c.Callbacks[max(meant, 0):], c.WebOrigins) {
		if origin := originOf(registered); pageOrigin.MatchString(origin) {
			return origin + "/"
		}
	}
	return ""
}

// pageOrigin matches what a page may lead to: no pattern, and a name in ASCII.
var pageOrigin = regexp.MustCompile(`^https?://[A-Za-z0-9.:\[\]_-]+$`)

// pageURL returns a registered address that a page of ours can lead to as it is,
// else an empty text: that of an application on a device it cannot.
func pageURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || unusable(u) {
		return ""
	}
	return raw
}
