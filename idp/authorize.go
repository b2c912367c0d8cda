package idp

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/gatewright/gate/idp/tenant"
)

// authorize is the authorization endpoint (RFC 6749 §3.1).
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	var in params
	var err error
	if r.Method == http.MethodPost {
		in, err = bodyParams(w, r)
	} else {
		in, err = queryParams(r)
	}
	if err != nil {
		p.unread(w, r, err)
		return
	}
	q, c, err := p.readRequest(r.Context(), in)
	if err != nil && q == nil {
		if _, fault := asOAuth(err); fault { // who asks could not be looked up
			p.unread(w, r, err)
			return
		}
	}
	if err != nil {
		p.halted(w, r, q, c, err)
		return
	}
	ses, u, err := p.currentSession(r)
	if err != nil {
		p.halted(w, r, q, c, err)
		return
	}
	if ok, err := p.serves(r.Context(), q, c, ses, u); err != nil {
		p.halted(w, r, q, c, err)
		return
	} else if ok && !q.now() {
		p.finish(w, r, q, c, ses, u)
		return
	}
	if q.asks("none") {
		p.recordRefused(r, &p.turnedAway, "fsa", c, u, "Login required")
		p.respondError(w, r, q, c, refuse("login_required", "Login required"))
		return
	}
	q.Browser = hashText(p.browser(w, r))
	p.toLogin(w, r, q, c)
}

// serves reports whether a session, which may be nil, will do for a request.
func (p *Provider) serves(ctx context.Context, q *request, c *tenant.Client, ses *tenant.Session, u *tenant.User) (bool, error) {
	if ses == nil || !q.fresh(ses.AuthenticatedAt) || q.UserID != "" && q.UserID != u.ID || q.ScreenHint == "signup" ||
		q.Connection != "" && q.Connection != ses.Connection {
		return false, nil
	}
	return p.admits(ctx, c, ses.Connection)
}

// admits reports whether a client takes people who came in by a connection. One
// that is gone admits nobody.
func (p *Provider) admits(ctx context.Context, c *tenant.Client, connection string) (bool, error) {
	conn, err := p.tenant.Connections.ByName(ctx, connection)
	if errors.Is(err, tenant.ErrNotFound) {
		return false, nil
	}
	return err == nil && p.offers(conn, c), err
}

// toLogin sends the browser to the page that the request wants, or at once to
// another provider when only that is asked for.
func (p *Provider) toLogin(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client) {
	if q.Connection != "" {
		conn, err := p.tenant.Connections.ByName(r.Context(), q.Connection)
		if err != nil {
			p.halted(w, r, q, c, err)
			return
		}
		if conn.Strategy != tenant.Database {
			p.startUpstream(w, r, q, c, conn)
			return
		}
	}
	state, err := p.sealRequest(q)
	if err != nil {
		p.halted(w, r, q, c, err)
		return
	}
	page := "/u/login"
	switch q.ScreenHint {
	case "signup", "signup-id":
		page = "/u/signup"
	case "reset-password":
		page = "/u/reset-password/request"
	}
	target := page + "?state=" + state
	if q.Locales != "" {
		target += "&ui_locales=" + url.QueryEscape(q.Locales)
	}
	noStore(w)
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// authorizeError answers a browser: back to the client when its address is
// known, else on a page.
func (p *Provider) authorizeError(w http.ResponseWriter, r *http.Request, err error) {
	var page *pageError
	var back *backError
	switch {
	case errors.As(err, &page):
		p.recordRefused(r, &p.turnedAway, "f", page.client, nil, page.description)
		p.errorPage(w, r, err)
	case errors.As(err, &back):
		p.recordRefused(r, &p.turnedAway, "f", back.client, nil, back.description)
		p.respondError(w, r, back.request, back.client, back.oauthError)
	default:
		p.errorPage(w, r, err)
	}
}

func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}
