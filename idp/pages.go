package idp

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store/throttle"
)

// pageRoutes are the pages that people see.
func (p *Provider) pageRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /u/login", p.withRequest(p.showLogin))
	mux.HandleFunc("POST /u/login", p.limited(p.withForm(p.postLogin)))
	mux.HandleFunc("GET /u/signup", p.withRequest(p.showSignup))
	mux.HandleFunc("POST /u/signup", p.limited(p.withForm(p.postSignup)))
	mux.HandleFunc("GET /u/with", p.limited(p.withRequest(p.withConnection)))
	mux.HandleFunc("GET "+consentPath, p.withRequest(p.showConsent))
	mux.HandleFunc("POST "+consentPath, p.limited(p.withForm(p.postConsent)))
	mux.HandleFunc("GET "+confirmPath, p.withRequest(p.showConfirmEmail))
	mux.HandleFunc("POST "+confirmPath, p.limited(p.withForm(p.postConfirmEmail)))
	mux.HandleFunc("GET "+forgotSentPath, p.withRequest(p.showForgotSent))
	mux.HandleFunc("GET /u/reset-password/request", p.withRequest(p.showForgot))
	mux.HandleFunc("POST /u/reset-password/request", p.limited(p.withForm(p.postForgot)))
	mux.HandleFunc("GET /u/reset-password", p.showReset)
	mux.HandleFunc("POST /u/reset-password", p.limited(p.postReset))
	mux.HandleFunc("GET /u/email-verification", p.showVerifyEmail)
	mux.HandleFunc("POST /u/email-verification", p.limited(p.postVerifyEmail))
	mux.HandleFunc("POST /u/logout", p.limited(p.confirmedLogout))
}

// A visit is a page of a log-in that is under way.
type visit struct {
	request *request
	client  *tenant.Client
	state   string // sealed request
	form    params // of a POST
}

type pageHandler func(w http.ResponseWriter, r *http.Request, v *visit)

// withRequest opens the request that a page belongs to.
func (p *Provider) withRequest(next pageHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in, err := queryParams(r)
		if err != nil {
			p.errorPage(w, r, err)
			return
		}
		q, c, err := p.openRequest(r, in["state"])
		if err != nil {
			p.expiredPage(w, r, q, err)
			return
		}
		v := &visit{request: q, client: c, state: in["state"]}
		if err := p.chooseLanguage(r, v, in["ui_locales"]); err != nil {
			p.faultPage(w, r, err)
			return
		}
		p.remember(w, r, q)
		next(w, r, v)
	}
}

// chooseLanguage has a log-in go on in the language that was chosen on a page.
func (p *Provider) chooseLanguage(r *http.Request, v *visit, chosen string) (err error) {
	q := v.request
	if chosen == "" || chosen == q.Locales {
		return nil
	}
	q.Locales = p.pages(r).Language(chosen+" "+q.Locales, r.Header.Get("Accept-Language"))
	v.state, err = p.sealRequest(q)
	return err
}

// withForm does what withRequest does for a form, which has to come from our own
// page in the same browser.
func (p *Provider) withForm(next pageHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		form, err := p.ownForm(w, r)
		if err != nil {
			p.errorPage(w, r, err)
			return
		}
		q, c, err := p.openRequest(r, form[login.FieldState])
		if err != nil {
			p.expiredPage(w, r, q, err)
			return
		}
		p.remember(w, r, q)
		next(w, r, &visit{request: q, client: c, state: form[login.FieldState], form: form})
	}
}

// ownPage reports whether a request comes from a page of ours. Where the browser does
// not say it in Sec-Fetch-Site the origin does, which net/http takes by its host: a page
// of http on the host of https is anybody's in the network.
func (p *Provider) ownPage(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return p.cross.Check(r) == nil && (origin == "" || r.Header.Get("Sec-Fetch-Site") != "" || origin == originOf(p.base))
}

// ownForm reads a form of one of our pages.
func (p *Provider) ownForm(w http.ResponseWriter, r *http.Request) (params, error) {
	elsewhere := &pageError{oauthError: refuse("invalid_request", "The form was open for too long, or comes from elsewhere"), fault: login.FaultForm}
	if !p.ownPage(r) {
		return nil, elsewhere
	}
	form, err := bodyParams(w, r)
	if err != nil {
		return nil, err
	}
	browser := p.cookie(r, browserCookie)
	if secret.String(form[login.FieldCSRF]).Equal(secret.String(p.csrf(browser))) && browser != "" {
		return form, nil
	}
	q, err := p.sealedRequest(form[login.FieldState])
	if err != nil {
		q = nil // the form of a link, or none of ours
	}
	if browser == "" {
		return nil, p.lost(r, q)
	}
	return nil, p.leadsOn(r, elsewhere, q)
}

func (f params) values() url.Values {
	out := url.Values{}
	for name, value := range f {
		out.Set(name, value)
	}
	return out
}

// frame returns what every page of a log-in shows.
func (p *Provider) frame(r *http.Request, q *request, c *tenant.Client) login.Frame {
	f := login.Frame{Host: p.host, Outbox: p.cfg.Outbox, Locales: p.cookie(r, languageCookie)}
	if c != nil {
		f.Application = c.Name
	}
	if q != nil {
		f.Locales = q.Locales
		f.ReturnsTo = hostOf(q.RedirectURI)
		f.Targets = append([]string{q.RedirectURI}, furtherTargets(c)...)
	}
	if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/u/") {
		f.Here = r.URL.RequestURI()
	}
	return f
}

// furtherTargets are origins of the client by http that its callback may lead on
// to: browsers judge the whole way that follows a form. Any address by https and
// any of this machine is open to it as it is.
func furtherTargets(c *tenant.Client) []string {
	if c == nil {
		return nil
	}
	var out []string
	for _, raw := range slices.Concat(c.WebOrigins, c.Origins, c.Callbacks) {
		if origin := originOf(raw); strings.HasPrefix(origin, "http:") && pageOrigin.MatchString(origin) && !slices.Contains(out, origin) && len(out) < 10 {
			out = append(out, origin)
		}
	}
	return out
}

// pageForm returns a form of a page of a log-in.
func (p *Provider) pageForm(r *http.Request, action, state string) login.Form {
	return login.Form{Action: action, State: state, CSRF: p.csrf(p.cookie(r, browserCookie))}
}

func (p *Provider) showLogin(w http.ResponseWriter, r *http.Request, v *visit) {
	p.loginPage(w, r, v, http.StatusOK, v.request.LoginHint)
}

func (p *Provider) loginPage(w http.ResponseWriter, r *http.Request, v *visit, status int, identifier string, problems ...login.Problem) {
	page := login.CredentialsPage{
		Frame: p.frame(r, v.request, v.client), Form: p.pageForm(r, "/u/login", v.state), Identifier: identifier, Problems: problems,
	}
	page.Here = "/u/login?state=" + v.state
	conn, err := p.database(r.Context(), v.client, v.request.Connection)
	switch {
	case errors.Is(err, tenant.ErrNotFound):
		page.NoPassword = true
	case err != nil:
		p.faultPage(w, r, err)
		return
	default:
		page.Usernames = conn.Options.RequiresUsername
		page.ForgotURL = "/u/reset-password/request?state=" + p.hinted(v, identifier)
		if p.signupOpen(conn) {
			page.SignupURL = "/u/signup?state=" + v.state
		}
	}
	var left []string
	if page.Connections, left, err = p.ways(r, v); err != nil {
		p.faultPage(w, r, err)
		return
	}
	if page.NoPassword && len(page.Connections) == 0 {
		p.errorPage(w, r, noWay(v.client, left))
		return
	}
	if err := p.pages(r).Login(w, r, status, page); err != nil {
		p.faultPage(w, r, err)
	}
}

// hinted returns the parameter state of a page that is to know what was typed
// here. A name that is too long for it is typed again.
func (p *Provider) hinted(v *visit, identifier string) string {
	if identifier == "" || identifier == v.request.LoginHint || len(identifier) > 254 {
		return v.state
	}
	q := *v.request
	q.LoginHint = identifier
	state, err := p.sealRequest(&q)
	if err != nil || len(state) > maxRequest {
		return v.state
	}
	return state
}

// noWay is for an application that nobody can log in to. left says of connections that
// it may use why they are none.
func noWay(c *tenant.Client, left []string) *pageError {
	e := &pageError{
		oauthError: refuse("invalid_request", "no connection enabled for the client"), fault: login.FaultRequest, client: c,
		hint: "No connection is enabled for the application " + strconv.Quote(c.Name) + ", and gate idp connection list shows those there are. Enable one: " +
			"gate idp connection enable CONNECTION " + c.ID,
	}
	if left != nil {
		e.description = "no connection enabled for the client can be used"
		e.hint = "Nobody can use what is enabled for the application " + strconv.Quote(c.Name) + ". " + strings.Join(left, "; ")
	}
	return e
}

// ways lists the other providers that a client may use, and says of those that are
// not shown why.
func (p *Provider) ways(r *http.Request, v *visit) (ways []login.Connection, left []string, err error) {
	list, err := p.tenant.Connections.List(r.Context())
	if err != nil {
		return nil, nil, err
	}
	for _, conn := range list {
		named := v.request.Connection == conn.Name
		if conn.Strategy == tenant.Database || !p.offers(conn, v.client) || v.request.Connection != "" && !named {
			continue
		}
		if !named && conn.ShowAsButton != nil && !*conn.ShowAsButton {
			left = append(left, fmt.Sprintf("connection %q: it has no button (show_as_button), so that a request has to name it", conn.Name))
			continue
		}
		if _, err := p.upstream(conn); err != nil { // no button that leads to a fault
			p.log.WarnContext(r.Context(), "connection is not offered", "err", err)
			left = append(left, err.Error())
			continue
		}
		ways = append(ways, login.Connection{
			Name: wayName(conn), Kind: wayKind(conn.Strategy),
			URL: "/u/with?connection=" + url.QueryEscape(conn.Name) + "&state=" + v.state,
		})
	}
	return ways, left, nil
}

func wayName(conn *tenant.Connection) string {
	if conn.DisplayName != "" {
		return conn.DisplayName
	}
	names := map[string]string{
		"google-oauth2": "Google", "github": "GitHub", "windowslive": "Microsoft", "waad": "Microsoft", "apple": "Apple",
		"facebook": "Facebook", "gitlab": "GitLab",
	}
	if name, ok := names[conn.Strategy]; ok {
		return name
	}
	return conn.Name
}

func wayKind(strategy string) login.Kind {
	switch strategy {
	case "github", "gitlab":
		return login.KindCode
	case "oidc", "waad":
		return login.KindCompany
	}
	return ""
}

// withConnection sends the browser to another provider.
func (p *Provider) withConnection(w http.ResponseWriter, r *http.Request, v *visit) {
	name := r.URL.Query().Get("connection")
	conn, err := p.tenant.Connections.ByName(r.Context(), name)
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		p.faultPage(w, r, err)
		return
	}
	if err != nil || !p.offers(conn, v.client) || conn.Strategy == tenant.Database {
		p.notFound(w, r)
		return
	}
	p.startUpstream(w, r, v.request, v.client, conn)
}

// postLogin logs in by password.
func (p *Provider) postLogin(w http.ResponseWriter, r *http.Request, v *visit) {
	ctx := r.Context()
	typed, text := v.form[login.FieldUsername], login.Password(v.form.values())
	var problems []login.Problem
	if typed == "" {
		problems = append(problems, login.Problem{Code: login.MissingIdentifier})
	}
	if text == "" {
		problems = append(problems, login.Problem{Code: login.MissingPassword})
	}
	if problems != nil {
		p.loginPage(w, r, v, http.StatusBadRequest, typed, problems...)
		return
	}
	conn, err := p.database(ctx, v.client, v.request.Connection)
	if errors.Is(err, tenant.ErrNotFound) {
		p.notFound(w, r)
		return
	}
	if err != nil {
		p.faultPage(w, r, err)
		return
	}
	tried, err := p.checkPassword(ctx, conn, typed, text)
	if errors.Is(err, errCredentials) { // counted, also when this leads on: it guards no account
		if waits, fault := p.waits(ctx, conn, canonical(typed), p.browserHash(r), text); fault != nil {
			err = fault
		} else if waits {
			p.record(r, "fp", v.client, tried.user, "The address waits for its confirmation.", nil)
			p.confirmEmailPage(w, r, v, canonical(typed), "")
			return
		}
	}
	if err != nil {
		p.loginRefused(w, r, v, tried.user, typed, err)
		return
	}
	u := tried.user
	if p.leaked(r, v.client, u, text) {
		p.loginPage(w, r, v, http.StatusBadRequest, typed, login.Problem{Code: login.LeakedAtLogin})
		return
	}
	if p.mustConfirm(u) {
		p.record(r, "fp", v.client, u, "The address waits for its confirmation.", nil)
		p.sendVerification(r, u, v.client, v.request.Locales)
		p.confirmEmailPage(w, r, v, u.Email, "")
		return
	}
	ses, err := p.newSession(w, r, u, conn.Name, tenant.AuthMethod{Name: "pwd"})
	if err != nil {
		p.halted(w, r, v.request, v.client, err)
		return
	}
	if p.secure {
		token, until := p.throttle.IssueDevice(tried.account)
		throttle.SetDeviceCookie(w, token, until)
	}
	p.finish(w, r, v.request, v.client, ses, u)
}

// loginRefused shows the log-in again with what was wrong. The log has whom it
// was tried for, and not what was typed when that is nobody: people type
// passwords there.
func (p *Provider) loginRefused(w http.ResponseWriter, r *http.Request, v *visit, who *tenant.User, typed string, err error) {
	var busy *password.BusyError
	switch {
	case errors.Is(err, errCredentials):
		p.record(r, "fp", v.client, who, errCredentials.description, nil)
		p.loginPage(w, r, v, http.StatusBadRequest, typed, login.Problem{Code: login.WrongCredentials})
	case errors.Is(err, gate.ErrTooManyRequests):
		p.tooMany(r, v.client, who, err)
		problem := login.Problem{Code: login.TooManyTries}
		if limited, ok := errors.AsType[*gate.AuthError](err); ok {
			problem.Wait = limited.RetryAfter
			setRetryAfter(w, limited.RetryAfter)
		}
		p.loginPage(w, r, v, http.StatusTooManyRequests, typed, problem)
	case errors.As(err, &busy):
		setRetryAfter(w, busy.RetryAfter)
		p.loginPage(w, r, v, http.StatusServiceUnavailable, typed, login.Problem{Code: login.Busy, Wait: busy.RetryAfter})
	default:
		p.faultPage(w, r, err)
	}
}

// accountName is what a person is called to their face.
func accountName(u *tenant.User) string {
	for _, name := range []string{u.Email, u.Username, u.PhoneNumber, u.Name} {
		if name != "" {
			return name
		}
	}
	return u.ID
}

// errorPage shows what an error means. It leads nowhere that is not registered.
func (p *Provider) errorPage(w http.ResponseWriter, r *http.Request, err error) {
	var page *pageError
	if !errors.As(err, &page) {
		refused, fault := asOAuth(err)
		if fault || errors.Is(err, tenant.ErrEnded) {
			p.faultPage(w, r, err)
			return
		}
		page = &pageError{oauthError: refused, fault: login.FaultRequest}
		if refused.status == http.StatusTooManyRequests {
			page.fault = login.FaultTooMany
		}
	}
	reference := newReference()
	why := []any{"reference", reference, "path", r.URL.Path, "code", page.code, "why", page.description}
	if page.address != "" {
		why = append(why, "address", page.address)
	}
	if page.client != nil {
		why = append(why, "client_id", page.client.ID)
	}
	p.log.InfoContext(r.Context(), "request refused", why...)
	data := login.ErrorPage{
		Frame: login.Frame{Host: p.host, Locales: cmp.Or(page.locales, p.cookie(r, languageCookie))}, Fault: page.fault, Code: page.code, Description: page.description,
		Reference: reference,
	}
	if page.client != nil {
		data.Application = page.client.Name
	}
	data.RestartURL = page.restart
	again := slices.Contains([]login.Fault{login.FaultTicket, login.FaultNameTaken, login.FaultSignupClosed}, page.fault)
	if page.restart == "" && (page.client != nil || again) {
		data.RestartURL = p.beginning(r.Context(), page.client, "")
	}
	if p.cfg.Development {
		data.Developer = page.hint
	}
	setRetryAfter(w, page.retryAfter)
	noStore(w)
	if err := p.pages(r).Error(w, r, page.status, data); err != nil {
		p.plainFault(w, r, err)
	}
}

// faultPage says that something is wrong on our side.
func (p *Provider) faultPage(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, tenant.ErrEnded) {
		p.expiredPage(w, r, nil, errTransaction)
		return
	}
	reference := newReference()
	p.logFault(r, reference, err)
	e, _ := asOAuth(err)
	data := login.ErrorPage{Frame: login.Frame{Host: p.host, Locales: p.cookie(r, languageCookie)}, Fault: login.FaultOwn, Code: e.code, Reference: reference}
	if e.status == http.StatusServiceUnavailable {
		data.Fault = login.FaultBusy
		setRetryAfter(w, e.retryAfter)
	}
	noStore(w)
	if err := p.pages(r).Error(w, r, e.status, data); err != nil {
		p.plainFault(w, r, err)
	}
}

// plainFault is for when the page itself is what does not work.
func (p *Provider) plainFault(w http.ResponseWriter, r *http.Request, err error) {
	reference := newReference()
	p.logFault(r, reference, err)
	http.Error(w, "Something is wrong on our side; it is logged as "+reference+".", http.StatusInternalServerError)
}

func (p *Provider) notFound(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodOptions {
		w.Header().Set("Allow", "GET, POST")
		writeJSON(w, http.StatusMethodNotAllowed, map[string]any{"error": "method_not_allowed", "error_description": "Pages of other origins may not ask here"})
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		p.errorPage(w, r, &pageError{
			oauthError: &oauthError{status: http.StatusNotFound, code: "not_found", description: "There is no such page"}, fault: login.FaultNotFound,
		})
		return
	}
	writeJSON(w, http.StatusNotFound, map[string]any{"error": "not_found", "error_description": "There is nothing at this address"})
}
