package idp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// auth0Logout is Auth0's /v2/logout: the session of the browser ends, and the
// browser goes to a registered address.
func (p *Provider) auth0Logout(w http.ResponseWriter, r *http.Request) {
	in, err := queryParams(r)
	if err == nil && !visited(r) {
		err = refuse("invalid_request", "A log-out is an address to visit, not one to load into a page")
	}
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	c, list, err := p.logoutList(r.Context(), in["client_id"])
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	target := in["returnTo"]
	if target != "" && !logoutURL(list, target) {
		p.errorPage(w, r, &pageError{
			oauthError: refuse("invalid_request", `The "returnTo" querystring parameter is not defined as a valid URL in "Allowed Logout URLs".`),
			fault:      login.FaultLogoutURL, client: c, address: bare(target),
			hint: logoutHint(c, target),
		})
		return
	}
	if target == "" && len(list) > 0 {
		target = list[0]
	}
	p.logOut(w, r, &logout{client: c, target: target, federated: in[federatedParam] != ""}, func(*tenant.Session) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("OK"))
	})
}

// logoutHint tells a developer which address after a log-out is not registered, and
// how it is: with the client that the request names, else with the tenant.
func logoutHint(c *tenant.Client, target string) string {
	if target = bare(target); target == "" {
		return "The address to return to is none: write it as https://app.example/."
	}
	if c == nil {
		return "The request names no application, so that " + strconv.Quote(target) + " has to be among the log-out URLs of the tenant " +
			"(allowed_logout_urls of PATCH /api/v2/tenants/settings). Send client_id or id_token_hint for those of an application."
	}
	return "Add " + strconv.Quote(target) + " to the log-out URLs of the application " + strconv.Quote(c.Name) + ", " + commandPlace +
		": gate idp client update " + c.ID + " --logout-url " + shellQuote(target)
}

// visited reports whether the browser goes to an address, as opposed to loading
// it into a page of somebody else, as a picture for example. Browsers that do not
// say are believed.
func visited(r *http.Request) bool {
	mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	return (mode == "" || mode == "navigate") && (dest == "" || dest == "document")
}

// logoutList returns the addresses that a log-out may lead to: those of the
// client, or of the tenant when none is named.
func (p *Provider) logoutList(ctx context.Context, clientID string) (*tenant.Client, []string, error) {
	if clientID == "" {
		set, err := p.tenant.Settings(ctx)
		if err != nil {
			return nil, nil, err
		}
		return nil, set.LogoutURLs, nil
	}
	c, err := p.requestClient(ctx, clientID)
	if err != nil {
		return nil, nil, err
	}
	return c, c.LogoutURLs, nil
}

// logOut ends the session of the browser, and sends the browser on: by way of the
// other provider that the person came from where that is wanted. Where it goes nowhere,
// here answers with the session, which is nil when there was none.
func (p *Provider) logOut(w http.ResponseWriter, r *http.Request, l *logout, here func(ended *tenant.Session)) {
	ses, err := p.endBrowserSession(w, r, l.client)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	noStore(w)
	target := ""
	if ses != nil && l.federated {
		target = p.upstreamLogout(r.Context(), ses, l)
	}
	if target == "" {
		target = withState(l.target, l.state)
	}
	if target == "" {
		here(ses)
		return
	}
	http.Redirect(w, r, target, onward(r)) //nolint:gosec // registered, see logoutURL, or the provider that an administrator configured
}

// withState adds a state that is not empty to an address.
func withState(target, state string) string {
	if target == "" || state == "" {
		return target
	}
	var out answer
	out.add("state", state)
	return withParameters(target, out, false)
}

// endBrowserSession ends the session of the browser with the refresh tokens that
// were given out in it, and tells the clients. It returns the session, nil when
// there was none.
func (p *Provider) endBrowserSession(w http.ResponseWriter, r *http.Request, c *tenant.Client) (*tenant.Session, error) {
	ses, u, err := p.currentSession(r)
	if err != nil {
		return nil, err
	}
	if ses == nil {
		p.forgetCookie(w, r)
		return nil, nil
	}
	ended, err := p.tenant.RevokeSession(r.Context(), ses.UserID, ses.ID)
	if err != nil {
		return nil, err
	}
	p.forgetCookie(w, r)
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	p.record(r, "slo", c, u, "", nil)
	if ended != nil { // otherwise somebody was faster
		p.tellLogout(ended)
	}
	return ses, nil
}

// forgetCookie has the browser forget its session. While that has not ended, the
// browser can try again.
func (p *Provider) forgetCookie(w http.ResponseWriter, r *http.Request) {
	if p.cookie(r, sessionCookie) != "" {
		p.setCookie(w, sessionCookie, "", 0)
	}
}

// oidcLogout is the end session endpoint (OpenID Connect RP-Initiated Logout 1.0
// §2). Without proof that the person wants it, it asks.
func (p *Provider) oidcLogout(w http.ResponseWriter, r *http.Request) {
	in, err := queryParams(r)
	if r.Method == http.MethodPost {
		in, err = bodyParams(w, r)
	}
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	l, err := p.readLogout(r, in)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	ses, u, err := p.currentSession(r)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	if ses != nil && !l.proven(ses) && !p.confirmed(r, in) {
		p.confirmLogout(w, r, in, l, u)
		return
	}
	p.logOut(w, r, l, func(ended *tenant.Session) { p.loggedOut(w, r, l.client, ended) })
}

// A logout is a request to log out that was checked.
type logout struct {
	client    *tenant.Client
	target    string
	state     string // goes back with it
	federated bool   // at the other provider, too
	sid       string
	userID    string
}

// proven reports whether the request comes from somebody who knows the session.
func (l *logout) proven(ses *tenant.Session) bool {
	return l.sid == ses.ID || l.sid == "" && l.userID == ses.UserID
}

func (p *Provider) readLogout(r *http.Request, in params) (*logout, error) {
	l := &logout{sid: in["logout_hint"], state: in["state"], federated: in[federatedParam] != ""}
	clientID := in["client_id"]
	if hint := in["id_token_hint"]; hint != "" {
		claims, err := p.verifyHint(r.Context(), hint)
		if errors.Is(err, errHint) {
			return nil, &pageError{oauthError: refuse("invalid_request", "id_token_hint is not a token of ours"), fault: login.FaultRequest}
		}
		if err != nil {
			return nil, err
		}
		if clientID != "" && clientID != claims.Audience[0] {
			return nil, &pageError{oauthError: refuse("invalid_request", "id_token_hint is for another client"), fault: login.FaultRequest}
		}
		clientID, l.userID = claims.Audience[0], claims.Subject
		if sid, ok := claims.String("sid"); ok {
			if l.sid != "" && l.sid != sid {
				return nil, &pageError{oauthError: refuse("invalid_request", "logout_hint and id_token_hint differ"), fault: login.FaultRequest}
			}
			l.sid = sid
		}
	}
	c, list, err := p.logoutList(r.Context(), clientID)
	if err != nil {
		return nil, err
	}
	l.client, l.target = c, in["post_logout_redirect_uri"]
	if l.target != "" && !logoutURL(list, l.target) {
		return nil, &pageError{
			oauthError: refuse("invalid_request", "post_logout_redirect_uri is not in the list of allowed logout URLs"),
			fault:      login.FaultLogoutURL, client: c, address: bare(l.target),
			hint: logoutHint(c, l.target),
		}
	}
	return l, nil
}

// confirmed reports whether the person pressed the button of our own page.
func (p *Provider) confirmed(r *http.Request, in params) bool {
	if r.Method != http.MethodPost || !p.ownPage(r) {
		return false
	}
	browser := p.cookie(r, browserCookie)
	return browser != "" && secret.String(in[login.FieldCSRF]).Equal(secret.String(p.csrf(browser)))
}

func (p *Provider) confirmLogout(w http.ResponseWriter, r *http.Request, in params, l *logout, u *tenant.User) {
	query := url.Values{}
	for _, name := range []string{"client_id", "post_logout_redirect_uri", "state", "logout_hint", federatedParam, login.FieldLocales} {
		if in[name] != "" {
			query.Set(name, in[name])
		}
	}
	if l.client != nil {
		query.Set("client_id", l.client.ID) // the hint, which said it, is not repeated
	}
	page := login.LogoutConfirmPage{
		Frame: p.frame(r, nil, l.client), Account: accountName(u), StayURL: pageURL(l.target),
		Form: login.Form{Action: "/u/logout?" + query.Encode(), CSRF: p.csrf(p.browser(w, r))},
	}
	page.Here = again(r)
	if l.target != "" {
		page.Targets = []string{l.target}
	} else {
		page.StayURL = p.beginning(r.Context(), l.client, "")
	}
	if err := p.pages(r).LogoutConfirm(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// confirmedLogout is the form of the page that asks.
func (p *Provider) confirmedLogout(w http.ResponseWriter, r *http.Request) {
	in, err := queryParams(r)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	body, err := bodyParams(w, r)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	if !p.confirmed(r, body) {
		p.errorPage(w, r, &pageError{oauthError: refuse("invalid_request", "The form was open for too long, or comes from elsewhere"), fault: login.FaultForm})
		return
	}
	l, err := p.readLogout(r, in)
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	p.logOut(w, r, l, func(ended *tenant.Session) { p.loggedOut(w, r, l.client, ended) })
}

// loggedOut says that a session is over, which may be nil: there was none.
func (p *Provider) loggedOut(w http.ResponseWriter, r *http.Request, c *tenant.Client, ended *tenant.Session) {
	page := login.LoggedOutPage{Frame: p.frame(r, nil, c)}
	page.Here = again(r)
	if ended != nil {
		page.At = p.now()
		others, err := p.tenant.SessionsOf(r.Context(), ended.UserID)
		if err != nil { // the session is over, and the page says so without them
			p.log.WarnContext(r.Context(), "other sessions could not be counted", "err", err)
		}
		page.Others = len(others) > 0
	}
	page.ReturnURL = p.beginning(r.Context(), c, "")
	if err := p.pages(r).LoggedOut(w, r, http.StatusOK, page); err != nil {
		p.faultPage(w, r, err)
	}
}
