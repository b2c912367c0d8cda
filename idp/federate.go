package idp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/internal/outbound"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/jose"
)

// errImitation refuses what gives anybody any name.
var errImitation = errors.New("an imitation of a provider is for development")

// upstreamConfig reads the options of a connection.
func (p *Provider) upstreamConfig(from *tenant.Connection) (upstream.Config, error) {
	o := from.Options
	cfg := upstream.Config{
		Name: from.Name, Strategy: from.Strategy, ClientID: o.ClientID, ClientSecret: secret.String(o.ClientSecret),
		Issuer: o.Issuer, AuthorizationURL: o.AuthorizationURL, TokenURL: o.TokenURL, UserInfoURL: o.UserInfoURL,
		AllowPrivate: p.cfg.Development, Private: p.private, Now: p.now,
	}
	if cfg.Issuer == "" && o.DiscoveryURL != "" {
		cfg.Issuer = strings.TrimSuffix(o.DiscoveryURL, "/.well-known/openid-configuration")
	}
	if len(o.Scope) > 0 {
		var text string
		if json.Unmarshal(o.Scope, &cfg.Scope) != nil {
			if err := json.Unmarshal(o.Scope, &text); err != nil {
				return cfg, errors.New("scope is neither a list nor a text")
			}
			cfg.Scope = strings.Fields(text)
		}
	}
	option := func(name string, into any) {
		if raw, ok := o.Extra[name]; ok {
			_ = json.Unmarshal(raw, into) // what is of another shape is not ours
		}
	}
	option("imitation", &cfg.Imitation)
	option("tenant_domain", &cfg.Tenant)
	option("tenants", &cfg.Tenants)
	option("fields", &cfg.Fields)
	option("customHeaders", &cfg.Headers)
	option("gate_params", &cfg.Params)
	option("team_id", &cfg.TeamID)
	if cfg.Imitation && !p.cfg.Development {
		return cfg, errImitation
	}
	if o.Apple["app_secret"] != "" || from.Strategy == upstream.Apple {
		key, err := jose.ParsePEM(o.Apple["kid"], jose.ES256, []byte(o.ClientSecret))
		if err != nil {
			return cfg, fmt.Errorf("key: %w", err)
		}
		cfg.Key, cfg.ClientSecret = key, ""
		if team := o.Apple["team_id"]; team != "" {
			cfg.TeamID = team
		}
	}
	return cfg, nil
}

// arrived notes that a trip came to its end, once: again it is [tenant.ErrExists].
// Only who logged in at the other provider gets this far, so that nobody else
// fills the table.
func (p *Provider) arrived(ctx context.Context, t *trip) error {
	return p.tenant.CreateToken(ctx, secret.String(t.Pending.State), tenant.Token{
		Kind: tenant.TripEnd, ExpiresAt: time.Unix(t.Pending.Started, 0).Add(upstream.PendingLifetime + time.Minute),
	})
}

// callbackOf is where a provider sends people back to: an address of its own for
// each, so that the answer of one does not pass for that of another (RFC 9700
// §4.4.2.2).
func (p *Provider) callbackOf(connection string) string {
	return p.base + "/login/callback/" + connection
}

// startUpstream sends the browser to another provider.
func (p *Provider) startUpstream(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client, from *tenant.Connection) {
	if !inView(r) {
		p.errorPage(w, r, &pageError{oauthError: refuse("invalid_request", "A log-in with another provider begins where a person sees it"), fault: login.FaultRequest, client: c})
		return
	}
	conn, err := p.upstream(from)
	if err != nil {
		p.recordFew(r, &p.turnedAway, refusal{kind: "f", about: from.ID}, tenant.Log{
			Type: "f", Description: bounded(err.Error(), 500), Details: map[string]any{"connection": from.Name},
		}, c, nil)
		p.faultPage(w, r, err)
		return
	}
	req := upstream.StartRequest{
		RedirectURI: p.callbackOf(from.Name), LoginHint: q.LoginHint, UILocales: strings.Fields(q.Locales), Scope: strings.FieldsFunc(q.ConnectionScope, func(r rune) bool { return r == ',' || r == ' ' }),
	}
	req.Prompt, req.MaxAge = anew(q)
	q.Browser = hashText(p.browser(w, r))
	target, pending, err := conn.Start(r.Context(), req)
	if err != nil {
		p.upstreamFailed(w, r, q, c, from, err)
		return
	}
	if err := p.keepTrip(w, r, trip{pending, q}); err != nil {
		p.faultPage(w, r, err)
		return
	}
	noStore(w)
	http.Redirect(w, r, target, http.StatusFound) //nolint:gosec // the provider that an administrator configured
}

// anew returns what makes another provider ask the person again as a request
// wants it.
func anew(q *request) (prompt string, maxAge time.Duration) {
	age, asked := q.age()
	if !asked {
		return "", 0
	}
	if age > 0 {
		return "", age
	}
	words := "login"
	if q.asks("select_account") {
		words = "select_account login"
	}
	return words, time.Second // the least that can be asked for
}

// enteredAt returns when the person proved who they are to another provider, as
// far as it says so, and whether that will do for the request. A zero time is
// now.
func (p *Provider) enteredAt(t *trip, profile *upstream.Profile) (time.Time, bool) {
	at := profile.AuthTime
	if at.IsZero() || at.After(p.now()) {
		return time.Time{}, true
	}
	if t.Request.fresh(at) {
		return at, true
	}
	// It was held against the age by the clock there, in whole seconds.
	age, _ := t.Request.age()
	return t.Request.oldest(age), t.Pending.MaxAge > 0
}

// upstreamCallback takes the answer of another provider.
func (p *Provider) upstreamCallback(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	if r.Method == http.MethodPost {
		body, err := bodyParams(w, r)
		if err != nil {
			p.errorPage(w, r, err)
			return
		}
		values = body.values()
	}
	t, slot, ok := p.tripOf(r, values.Get("state"))
	if !ok {
		p.expiredPage(w, r, nil, errTransaction)
		return
	}
	if t.Pending.Connection != r.PathValue("connection") || t.Request.Browser != p.browserHash(r) {
		p.expiredPage(w, r, t.Request, errTransaction)
		return
	}
	p.endTrip(w, r, slot) // once
	ctx := r.Context()
	c, err := p.clientOf(ctx, t.Request)
	if err != nil {
		p.expiredPage(w, r, t.Request, err)
		return
	}
	from, err := p.tenant.Connections.ByName(ctx, t.Pending.Connection)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && !p.offers(from, c) {
		p.expiredPage(w, r, t.Request, errTransaction)
		return
	}
	if err != nil {
		p.faultPage(w, r, err)
		return
	}
	conn, err := p.upstream(from)
	if err != nil {
		p.faultPage(w, r, err)
		return
	}
	profile, err := conn.Finish(ctx, t.Pending, values)
	if err != nil {
		p.upstreamFailed(w, r, t.Request, c, from, err)
		return
	}
	// Cookies are taken back by asking; a copy of them ends no second log-in.
	if err := p.arrived(ctx, t); err != nil {
		if errors.Is(err, tenant.ErrExists) {
			err = errTransaction
		}
		p.expiredPage(w, r, t.Request, err)
		return
	}
	at, ok := p.enteredAt(t, profile)
	if !ok {
		p.record(r, "f", c, nil, "The other provider did not ask again", map[string]any{"connection": from.Name})
		p.respondError(w, r, t.Request, c, refuse("login_required", wayName(from)+" did not ask for the log-in again"))
		return
	}
	p.enterFrom(w, r, t.Request, c, from, profile, at)
}

// enterFrom logs in the user whom another provider named, and who proved there at
// that time who they are.
func (p *Provider) enterFrom(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client, from *tenant.Connection, profile *upstream.Profile, at time.Time) {
	u, err := p.userFrom(r, c, from, profile)
	if err != nil {
		p.halted(w, r, q, c, p.back(q, c, err))
		return
	}
	if u.Blocked {
		p.record(r, "f", c, u, "user is blocked", nil)
		p.respondError(w, r, q, c, refuse("unauthorized", "user is blocked"))
		return
	}
	ses, err := p.newSession(w, r, u, from.Name, tenant.AuthMethod{Name: "federated", At: at})
	if err != nil {
		p.halted(w, r, q, c, err)
		return
	}
	p.finish(w, r, q, c, ses, u)
}

// userFrom returns the user with this identity, and makes one at the first
// log-in where strangers may sign up. An e-mail address never leads to another user:
// accounts are linked only by somebody who has logged in to both.
func (p *Provider) userFrom(r *http.Request, c *tenant.Client, from *tenant.Connection, profile *upstream.Profile) (*tenant.User, error) {
	ctx := r.Context()
	provider, subject := profile.Provider, profile.ID
	u, err := p.tenant.UserByIdentity(ctx, provider, subject)
	if err == nil {
		return p.refreshProfile(ctx, u, from, profile)
	}
	if !errors.Is(err, tenant.ErrNotFound) {
		return nil, err
	}
	if !p.signupOpen(from) {
		p.record(r, "fs", c, nil, "Sign-up is closed", map[string]any{"connection": from.Name})
		return nil, refuse("access_denied", "Sign-up is closed")
	}
	if len(profile.UserID()) > 255 {
		return nil, refuse("access_denied", "The name of the account there is too long")
	}
	u = &tenant.User{
		ID: profile.UserID(),
		Identities: []tenant.Identity{{
			Connection: from.Name, Provider: provider, UserID: subject, Social: from.Strategy != upstream.OIDC && from.Strategy != upstream.OAuth2 && from.Strategy != upstream.Entra,
		}},
	}
	setProfile(u, profile)
	switch err = p.tenant.CreateUserIn(ctx, from, u, tenant.Ticket{}); {
	case errors.Is(err, tenant.ErrExists):
		return p.tenant.UserByIdentity(ctx, provider, subject) // another tab was faster
	case errors.Is(err, tenant.ErrNotFound):
		return nil, refuse("access_denied", "the connection is not enabled")
	case err != nil:
		return nil, err
	}
	p.record(r, "ss", c, u, "", nil)
	return u, nil
}

// refreshProfile takes over what the other provider says now, unless the
// connection says otherwise or the identity is not the primary one.
func (p *Provider) refreshProfile(ctx context.Context, u *tenant.User, from *tenant.Connection, profile *upstream.Profile) (*tenant.User, error) {
	if mode := from.Options.SetRootAttributes; mode == "on_first_login" || mode == "never_on_login" || u.ID != profile.UserID() || u.Blocked {
		return u, nil
	}
	before, err := json.Marshal(u)
	if err != nil {
		return nil, err
	}
	setProfile(u, profile)
	after, err := json.Marshal(u)
	if err != nil || string(after) == string(before) {
		return u, err
	}
	return p.tenant.UpdateUser(ctx, u.ID, func(u *tenant.User) error {
		setProfile(u, profile)
		return nil
	})
}

func setProfile(u *tenant.User, profile *upstream.Profile) {
	set := func(field *string, value string) {
		if value != "" {
			*field = value
		}
	}
	if profile.Email != "" {
		u.Email, u.EmailVerified = lowerASCII(profile.Email), profile.EmailVerified
	}
	set(&u.Name, profile.Name)
	set(&u.Nickname, profile.Nickname)
	set(&u.GivenName, profile.GivenName)
	set(&u.FamilyName, profile.FamilyName)
	set(&u.Picture, profile.Picture)
	if u.Nickname == "" {
		u.Nickname = profile.Username
	}
	if u.Name == "" {
		u.Name = cmp.Or(u.Nickname, u.Email)
	}
}

// upstreamFailed says why a log-in with another provider came to nothing: to the
// person, who can try another way, when the browser is ours; in our own words.
func (p *Provider) upstreamFailed(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client, from *tenant.Connection, err error) {
	p.log.WarnContext(r.Context(), "log-in with another provider failed", "connection", from.Name, "error", err)
	p.recordFew(r, &p.turnedAway, refusal{kind: "f", about: from.ID}, tenant.Log{
		Type: "f", Description: bounded(err.Error(), 500), Details: map[string]any{"connection": from.Name},
	}, c, nil)
	if q.Connection == from.Name {
		code, text := "access_denied", "The log-in with "+wayName(from)+" did not work."
		if errors.Is(err, upstream.ErrUnavailable) {
			code, text = "temporarily_unavailable", wayName(from)+" does not answer."
		}
		p.respondError(w, r, q, c, refuse(code, text))
		return
	}
	state, sealErr := p.sealRequest(q)
	if sealErr != nil {
		p.faultPage(w, r, sealErr)
		return
	}
	problem, status := login.Problem{Code: login.ProviderRefused, Provider: wayName(from)}, http.StatusForbidden
	if errors.Is(err, upstream.ErrUnavailable) || errors.Is(err, upstream.ErrRefused) {
		problem.Code, status = login.ProviderAway, http.StatusBadGateway
	}
	p.loginPage(w, r, &visit{request: q, client: c, state: state}, status, q.LoginHint, problem)
}

// upstreamLogout returns where the person logs out at the provider that they came
// from; empty when it has no such place, or cannot be asked: the session here is over.
func (p *Provider) upstreamLogout(ctx context.Context, ses *tenant.Session, l *logout) string {
	from, err := p.tenant.Connections.ByName(ctx, ses.Connection)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && from.Strategy == tenant.Database {
		return ""
	}
	var conn *upstream.Connection
	if err == nil {
		conn, err = p.upstream(from)
	}
	where := ""
	if err == nil {
		where, err = conn.LogoutURL(ctx, l.target, "")
	}
	if err != nil {
		p.log.WarnContext(ctx, "no log-out at the other provider", "connection", ses.Connection, "err", err)
		return ""
	}
	if l.target == "" {
		return where
	}
	return withState(where, l.state) // it sends that back (RP-Initiated Logout 1.0 §3)
}

// outbound sends requests to addresses that administrators wrote: public ones
// only, except in development.
func (p *Provider) outbound() *http.Client {
	dialer := &net.Dialer{Timeout: 3 * time.Second}
	if !p.cfg.Development {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !outbound.Public(to.Addr()) {
				return fmt.Errorf("address %s is not public", address)
			}
			return nil
		}
	}
	return &http.Client{
		Timeout:       backchannelTimeout,
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, TLSHandshakeTimeout: 3 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// lowerASCII lowers the letters of ASCII alone: others would become those, and an
// address that was confirmed elsewhere another one.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}
