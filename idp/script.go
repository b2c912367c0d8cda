package idp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// bound returns the deployed actions of a trigger in their order.
func (p *Provider) bound(ctx context.Context, trigger actions.Trigger) ([]actions.Action, error) {
	b, err := p.tenant.Bindings.Get(ctx, string(trigger))
	if errors.Is(err, tenant.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []actions.Action
	for _, binding := range b.List {
		a, err := p.tenant.Actions.Get(ctx, binding.ActionID)
		if errors.Is(err, tenant.ErrNotFound) || err == nil && a.Deployed == nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, runnable(a))
	}
	if len(list) > 0 && p.cfg.Actions == nil {
		return nil, errors.New("an action is bound to " + string(trigger) + ", and nothing runs actions here")
	}
	return list, nil
}

// runnable returns an action as it was deployed.
func runnable(a *tenant.Action) actions.Action {
	secrets := map[string]string{}
	for _, s := range a.Deployed.Secrets {
		secrets[s.Name] = s.Value
	}
	return actions.Action{
		ID: a.ID, Name: a.Name, Code: a.Deployed.Code, Secrets: secrets, Runtime: a.Deployed.Runtime, Version: a.Deployed.Number,
	}
}

// A postLogin is what the actions of post-login are called with.
type postLogin struct {
	event actions.PostLoginEvent
	flow  actions.Flow
}

// runPostLogin runs the actions of post-login. One that fails refuses the
// log-in.
func (p *Provider) runPostLogin(ctx context.Context, e *postLogin) (*actions.PostLoginResult, error) {
	list, err := p.bound(ctx, actions.TriggerPostLogin)
	if err != nil || len(list) == 0 {
		return &actions.PostLoginResult{}, err
	}
	result, err := p.cfg.Actions.PostLogin(ctx, list, e.event, e.flow)
	if err != nil {
		return nil, p.actionFailed(ctx, actions.TriggerPostLogin, err)
	}
	return &result, nil
}

// actionFailed logs what went wrong with an action. The person learns that it
// did, and no more.
func (p *Provider) actionFailed(ctx context.Context, trigger actions.Trigger, err error) error {
	p.log.ErrorContext(ctx, "action failed", "trigger", string(trigger), "error", err)
	p.tenant.Record(ctx, tenant.Log{
		Type: "actions_execution_failed", Description: err.Error(), Hostname: p.host,
		Details: map[string]any{"trigger": string(trigger)},
	})
	if _, ok := errors.AsType[*actions.Error](err); ok {
		return refuse("access_denied", "The log-in was stopped by an action that failed.")
	}
	return err
}

// userEvent is event.user.
func userEvent(u *tenant.User) actions.User {
	e := actions.User{
		UserID: u.ID, Email: u.Email, EmailVerified: &u.EmailVerified, Name: u.Name, Nickname: u.Nickname, GivenName: u.GivenName,
		FamilyName: u.FamilyName, Picture: u.Picture, Username: u.Username, PhoneNumber: u.PhoneNumber,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, LastPasswordReset: u.LastPasswordReset,
		AppMetadata: u.AppMetadata, UserMetadata: u.UserMetadata,
	}
	if u.PhoneNumber != "" {
		e.PhoneVerified = &u.PhoneVerified
	}
	if e.AppMetadata == nil {
		e.AppMetadata = map[string]any{}
	}
	if e.UserMetadata == nil {
		e.UserMetadata = map[string]any{}
	}
	for _, i := range u.Identities {
		e.Identities = append(e.Identities, actions.Identity{
			Connection: i.Connection, Provider: i.Provider, UserID: i.UserID, IsSocial: i.Social, ProfileData: i.Profile,
		})
	}
	return e
}

func clientEvent(c *tenant.Client) actions.Client {
	metadata := c.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	return actions.Client{ClientID: c.ID, Name: c.Name, Metadata: metadata}
}

func (p *Provider) requestEvent(r *http.Request) actions.Request {
	client, _ := gate.ClientFromContext(r.Context())
	return actions.Request{
		IP: addressText(client), Method: r.Method, Hostname: p.host, Language: r.Header.Get("Accept-Language"),
		UserAgent: client.UserAgent, Query: map[string]any{}, Body: map[string]any{}, GeoIP: map[string]any{},
	}
}

func (p *Provider) connectionEvent(ctx context.Context, name string) (actions.Connection, error) {
	conn, err := p.tenant.Connections.ByName(ctx, name)
	if errors.Is(err, tenant.ErrNotFound) {
		return actions.Connection{Name: name}, nil
	}
	if err != nil {
		return actions.Connection{}, err
	}
	return actions.Connection{ID: conn.ID, Name: conn.Name, Strategy: conn.Strategy, Metadata: conn.Metadata}, nil
}

// event builds what all flows with a user have in common.
func (p *Provider) event(r *http.Request, c *tenant.Client, u *tenant.User, connection string, methods []tenant.AuthMethod, a access) (*postLogin, error) {
	ctx := r.Context()
	list, err := p.bound(ctx, actions.TriggerPostLogin)
	if err != nil || len(list) == 0 {
		return &postLogin{}, err // nobody looks at it
	}
	conn, err := p.connectionEvent(ctx, connection)
	if err != nil {
		return nil, err
	}
	roles, err := p.roleNames(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	e := &postLogin{
		event: actions.PostLoginEvent{
			User: userEvent(u), Authorization: &actions.Authorization{Roles: roles}, Client: clientEvent(c), Connection: conn,
			Request: p.requestEvent(r), Authentication: &actions.Authentication{Methods: []actions.Method{}},
			Stats: actions.Stats{LoginsCount: int(u.LoginsCount)}, Tenant: actions.Tenant{ID: p.tenantID()},
		},
		flow: actions.Flow{Host: p.host, OpaqueAccessToken: a.api == nil},
	}
	for _, m := range methods {
		e.event.Authentication.Methods = append(e.event.Authentication.Methods, actions.Method{Name: m.Name, Timestamp: m.At})
	}
	if a.api != nil {
		e.event.ResourceServer = &actions.ResourceServer{Identifier: a.api.Identifier}
	}
	return e, nil
}

// tenantID is the first label of the host.
func (p *Provider) tenantID() string {
	for i, r := range p.host {
		if r == '.' || r == ':' {
			return p.host[:i]
		}
	}
	return p.host
}

func (p *Provider) roleNames(ctx context.Context, userID string) ([]string, error) {
	ids, err := p.tenant.RolesOf(ctx, userID)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, id := range ids {
		role, err := p.tenant.Roles.Get(ctx, id)
		if errors.Is(err, tenant.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		names = append(names, role.Name)
	}
	slices.Sort(names)
	return names, nil
}

// loginEvent is that of a log-in in a browser.
func (p *Provider) loginEvent(r *http.Request, q *request, c *tenant.Client, ses *tenant.Session, u *tenant.User, a access) (*postLogin, error) {
	e, err := p.event(r, c, u, ses.Connection, ses.Methods, a)
	if err != nil || e.event.Authentication == nil {
		return e, err
	}
	for name, value := range q.Query {
		e.event.Request.Query[name] = value
	}
	protocol := "oidc-basic-profile"
	switch {
	case q.wants("code") && (q.wants("token") || q.wants("id_token")):
		protocol = "oidc-hybrid-profile"
	case !q.wants("code"):
		protocol = "oidc-implicit-profile"
	}
	e.event.Transaction = &actions.Transaction{
		ID: secret.Text().Reveal()[:22], Protocol: protocol, RedirectURI: q.RedirectURI, RequestedScopes: orNone(q.Scope),
		ResponseMode: q.ResponseMode, ResponseType: q.ResponseType, UILocales: orNone(params{"l": q.Locales}.list("l")),
		Prompt: q.Prompt, ACRValues: orNone(q.ACR), LoginHint: q.LoginHint, Locale: p.pages(r).Language(q.Locales, r.Header.Get("Accept-Language")),
	}
	if q.State != nil {
		e.event.Transaction.State = *q.State
	}
	e.event.Session = &actions.Session{
		ID: ses.ID, AuthenticatedAt: ses.AuthenticatedAt, CreatedAt: ses.CreatedAt, UpdatedAt: ses.UsedAt,
		ExpiresAt: ses.ExpiresAt, IdleExpiresAt: ses.IdleExpiresAt,
		Device: map[string]any{"initial_ip": ses.IP, "initial_user_agent": ses.UserAgent},
	}
	for _, id := range ses.Clients {
		e.event.Session.Clients = append(e.event.Session.Clients, actions.SessionClient{ClientID: id})
	}
	e.flow.CanRedirect = !q.asks("none")
	e.flow.State = secret.Text().Reveal()
	return e, nil
}

// orNone is l, and not null in JSON.
func orNone(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

func (p *Provider) refreshEvent(r *http.Request, c *tenant.Client, u *tenant.User, f *tenant.Family, a access) (*postLogin, error) {
	e, err := p.event(r, c, u, f.Connection, f.Methods, a)
	if err != nil || e.event.Authentication == nil {
		return e, err
	}
	e.event.Transaction = &actions.Transaction{Protocol: "oauth2-refresh-token", RequestedScopes: orNone(a.scope), UILocales: []string{}, ACRValues: []string{}}
	e.event.RefreshToken = &actions.RefreshToken{
		ID: f.ID, ClientID: f.ClientID, SessionID: f.SessionID, CreatedAt: f.CreatedAt, ExpiresAt: f.ExpiresAt,
		IdleExpiresAt: f.IdleExpiresAt, Metadata: f.Metadata,
	}
	return e, nil
}

func (p *Provider) passwordEvent(r *http.Request, c *tenant.Client, u *tenant.User, conn *tenant.Connection, a access) (*postLogin, error) {
	e, err := p.event(r, c, u, conn.Name, []tenant.AuthMethod{{Name: "pwd", At: p.now()}}, a)
	if err != nil || e.event.Authentication == nil {
		return e, err
	}
	e.event.Transaction = &actions.Transaction{Protocol: "oauth2-password", RequestedScopes: orNone(a.scope), UILocales: []string{}, ACRValues: []string{}}
	return e, nil
}

// applyWithoutBrowser does what actions said where nobody can be asked anything.
func (p *Provider) applyWithoutBrowser(ctx context.Context, u *tenant.User, i *issuance, result *actions.PostLoginResult) error {
	if err := p.saveMetadata(ctx, u, result.AppMetadata, result.UserMetadata); err != nil {
		return err
	}
	switch {
	case result.Deny != nil:
		return refuse("access_denied", result.Deny.Reason)
	case result.Challenge != nil, result.Multifactor != nil && result.Multifactor.Provider != "none":
		return refuse("mfa_required", "Multifactor authentication required")
	case result.Redirect != nil:
		return refuse("interaction_required", "An action wants to send the person elsewhere")
	}
	if id := result.PrimaryUserID; id != "" && id != u.ID {
		primary, err := p.primaryUser(ctx, u, id)
		if err != nil {
			return err
		}
		i.user = primary
	}
	i.apply(result.AccessToken.AddScope, result.AccessToken.RemoveScope)
	i.accessMore, i.idMore = result.AccessToken.Claims, result.IDToken
	return nil
}

// primaryUser returns the user whom an action made the one to log in: the
// current identity has to be among theirs.
func (p *Provider) primaryUser(ctx context.Context, u *tenant.User, id string) (*tenant.User, error) {
	primary, err := p.liveUser(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, mine := range u.Identities {
		for _, theirs := range primary.Identities {
			if mine.Provider == theirs.Provider && mine.UserID == theirs.UserID {
				return primary, nil
			}
		}
	}
	return nil, refuse("access_denied", "The primary user does not have the identity that logged in")
}

// saveMetadata writes what actions changed.
func (p *Provider) saveMetadata(ctx context.Context, u *tenant.User, app, user actions.MetadataPatch) error {
	if len(app) == 0 && len(user) == 0 {
		return nil
	}
	saved, err := p.tenant.UpdateUser(ctx, u.ID, func(u *tenant.User) error {
		mergeMetadata(&u.AppMetadata, app)
		mergeMetadata(&u.UserMetadata, user)
		return nil
	})
	if err != nil {
		return err
	}
	u.AppMetadata, u.UserMetadata, u.UpdatedAt = saved.AppMetadata, saved.UserMetadata, saved.UpdatedAt
	return nil
}

// A detour is a log-in whose person an action sent away.
type detour struct {
	Request   *request                 `json:"q"`
	SessionID string                   `json:"s"`
	Result    *actions.PostLoginResult `json:"r"`
	State     string                   `json:"st"`
}

// detourLife is how long a person may be away.
const detourLife = 20 * time.Minute

// redirectForAction sends the person to where an action wants them.
func (p *Provider) redirectForAction(w http.ResponseWriter, r *http.Request, q *request, c *tenant.Client, ses *tenant.Session, result *actions.PostLoginResult) {
	if q.asks("none") {
		p.respondError(w, r, q, c, refuse("interaction_required", "Interaction required"))
		return
	}
	q.Browser = hashText(p.browser(w, r))
	text := secret.Text()
	data, err := json.Marshal(detour{Request: q, SessionID: ses.ID, Result: result})
	if err == nil {
		err = p.tenant.CreateToken(r.Context(), text, tenant.Token{
			Kind: tenant.Redirection, UserID: ses.UserID, ClientID: c.ID, ExpiresAt: p.now().Add(detourLife), Data: data,
		})
	}
	if err != nil {
		p.faultPage(w, r, err)
		return
	}
	var out answer
	out.add("state", text.Reveal())
	noStore(w)
	target := withParameters(result.Redirect.URL, out, false)
	if r.Method == http.MethodPost {
		if err := p.pages(r).Hop(w, r, http.StatusOK, login.HopPage{Frame: p.frame(r, nil, c), Target: target}); err != nil {
			p.faultPage(w, r, err)
		}
		return
	}
	http.Redirect(w, r, target, http.StatusFound)
}

// continueRedirect goes on with a log-in when the person comes back.
func (p *Provider) continueRedirect(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	in, err := queryParams(r)
	body := params{}
	if err == nil && r.Method == http.MethodPost {
		body, err = bodyParams(w, r)
	}
	if err != nil {
		p.errorPage(w, r, err)
		return
	}
	state := in["state"]
	if state == "" {
		state = body["state"]
	}
	// Another browser must not be able to use up a state that it found.
	t, err := p.tenant.Token(ctx, tenant.Redirection, secret.String(state))
	var d detour
	if err == nil {
		err = json.Unmarshal(t.Data, &d)
	}
	if err == nil && d.Request.Browser != p.browserHash(r) {
		err = errTransaction
	}
	if err == nil {
		_, err = p.tenant.UseToken(ctx, tenant.Redirection, secret.String(state))
	}
	if errors.Is(err, tenant.ErrUsed) || errors.Is(err, tenant.ErrNotFound) {
		err = errTransaction
	}
	if err != nil {
		p.expiredPage(w, r, err)
		return
	}
	p.resume(w, r, &d, state, in, body)
}

func (p *Provider) resume(w http.ResponseWriter, r *http.Request, d *detour, state string, in, body params) {
	ctx := r.Context()
	q := d.Request
	c, err := p.tenant.Clients.Get(ctx, q.ClientID)
	ses, u, err2 := p.currentSession(r)
	switch {
	case err != nil || err2 != nil:
		p.faultPage(w, r, errors.Join(err, err2))
		return
	case ses == nil || ses.ID != d.SessionID:
		p.expiredPage(w, r, errTransaction)
		return
	}
	if ok, err := p.admits(ctx, c, ses.Connection); err != nil || !ok {
		p.expiredPage(w, r, cmp.Or(err, errTransaction))
		return
	}
	a, err := p.accessOf(ctx, c, u, q.Audience, q.Scope)
	if err != nil {
		p.authorizeError(w, r, p.back(q, c, err))
		return
	}
	e, err := p.loginEvent(r, q, c, ses, u, a)
	if err != nil {
		p.authorizeError(w, r, err)
		return
	}
	for name, value := range in {
		e.event.Request.Query[name] = value
	}
	for name, value := range body {
		e.event.Request.Body[name] = value
	}
	e.flow.State = state
	bound, err := p.bound(ctx, actions.TriggerPostLogin)
	if err != nil || p.cfg.Actions == nil {
		p.authorizeError(w, r, errors.Join(err, errTransaction))
		return
	}
	result, err := p.cfg.Actions.ContinuePostLogin(ctx, bound, e.event, e.flow, *d.Result)
	if err != nil {
		p.authorizeError(w, r, p.back(q, c, p.actionFailed(ctx, actions.TriggerPostLogin, err)))
		return
	}
	p.decide(w, r, q, c, ses, u, a, &result)
}

// runCredentialsExchange runs the actions of a token for a client, and returns
// the claims that they added.
func (p *Provider) runCredentialsExchange(r *http.Request, c *tenant.Client, a access) (map[string]any, error) {
	ctx := r.Context()
	bound, err := p.bound(ctx, actions.TriggerCredentialsExchange)
	if err != nil || len(bound) == 0 || a.api.System {
		return nil, err
	}
	result, err := p.cfg.Actions.CredentialsExchange(ctx, bound, actions.CredentialsExchangeEvent{
		AccessToken: actions.ExchangeToken{CustomClaims: map[string]any{}, Scope: orNone(a.scope)},
		Client:      clientEvent(c), Request: p.requestEvent(r), ResourceServer: &actions.ResourceServer{Identifier: a.api.Identifier},
		Transaction: &actions.Transaction{RequestedScopes: orNone(a.scope), UILocales: []string{}, ACRValues: []string{}},
		Tenant:      actions.Tenant{ID: p.tenantID()},
	})
	if err != nil {
		return nil, p.actionFailed(ctx, actions.TriggerCredentialsExchange, err)
	}
	if result.Deny != nil {
		return nil, refuse(result.Deny.Code, result.Deny.Reason)
	}
	return result.AccessToken.Claims, nil
}

func (p *Provider) registration(r *http.Request, c *tenant.Client, conn *tenant.Connection, u *tenant.User) actions.RegistrationEvent {
	e := actions.RegistrationEvent{
		User:       userEvent(u),
		Connection: actions.Connection{ID: conn.ID, Name: conn.Name, Strategy: conn.Strategy, Metadata: conn.Metadata},
		Request:    p.requestEvent(r), Tenant: actions.Tenant{ID: p.tenantID()},
	}
	if c != nil {
		client := clientEvent(c)
		e.Client = &client
	}
	return e
}

func (p *Provider) runPreRegistration(r *http.Request, c *tenant.Client, conn *tenant.Connection, u *tenant.User) (actions.PreRegistrationResult, error) {
	ctx := r.Context()
	var result actions.PreRegistrationResult
	bound, err := p.bound(ctx, actions.TriggerPreUserRegistration)
	if err != nil || len(bound) == 0 {
		return result, err
	}
	e := p.registration(r, c, conn, u)
	e.User.UserID, e.User.Identities = "", nil
	result, err = p.cfg.Actions.PreUserRegistration(ctx, bound, e)
	if err != nil {
		return result, p.actionFailed(ctx, actions.TriggerPreUserRegistration, err)
	}
	if result.Deny != nil {
		return result, &deniedError{reason: result.Deny.Reason, message: result.Deny.UserMessage}
	}
	return result, nil
}

// runPostRegistration runs in the background: it stops nobody.
func (p *Provider) runPostRegistration(r *http.Request, c *tenant.Client, conn *tenant.Connection, u *tenant.User) {
	p.behind(r, actions.TriggerPostUserRegistration, func(ctx context.Context, bound []actions.Action) error {
		return p.cfg.Actions.PostUserRegistration(ctx, bound, p.registration(r, c, conn, u))
	})
}

func (p *Provider) runPostChangePassword(r *http.Request, u *tenant.User, conn *tenant.Connection) {
	p.behind(r, actions.TriggerPostChangePassword, func(ctx context.Context, bound []actions.Action) error {
		e := p.registration(r, nil, conn, u)
		return p.cfg.Actions.PostChangePassword(ctx, bound, actions.ChangePasswordEvent{
			User: e.User, Connection: e.Connection, Request: e.Request, Tenant: e.Tenant,
		})
	})
}

func (p *Provider) behind(r *http.Request, trigger actions.Trigger, run func(context.Context, []actions.Action) error) {
	ctx := context.WithoutCancel(r.Context())
	bound, err := p.bound(ctx, trigger)
	if err != nil {
		p.log.ErrorContext(ctx, "actions were not run", "trigger", string(trigger), "error", err)
		return
	}
	if len(bound) == 0 {
		return
	}
	p.told.Go(func() {
		if err := run(ctx, bound); err != nil {
			_ = p.actionFailed(ctx, trigger, err)
		}
	})
}
