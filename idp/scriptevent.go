package idp

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

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
	return actions.Client{ClientID: c.ID, Name: c.Name, Metadata: metadata, FirstParty: c.FirstParty}
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
