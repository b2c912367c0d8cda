package idp

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store/keyring"
)

func itoa(n int) string { return strconv.Itoa(n) }

// managementAPI returns the Management API.
func (p *Provider) managementAPI() (*management.API, error) {
	cfg := p.ManagementConfig()
	cfg.Verify = p.managementCaller
	cfg.Limit = management.Limit{PerSecond: float64(p.cfg.ManagementLimit)}
	return management.New(cfg)
}

// ManagementConfig returns what the Management API of the provider is made with, for
// a program in this process that has one of its own: the same rules for passwords
// and actions, the same letters, clients that hear of a log-out. Verify is for that
// program to set, and without one there is no API; Limit is none.
func (p *Provider) ManagementConfig() management.Config {
	return management.Config{
		Tenant: p.tenant, Issuer: p.issuer, Hasher: p.hasher,
		Ticket: func(ctx context.Context, t management.TicketRequest) (string, error) {
			k := ticket{Kind: t.Kind, UserID: t.User.ID, Email: t.User.Email}
			if t.Kind == tenant.ResetTicket {
				var ok bool
				if k, ok = resetTicket(t.User, t.Identity); !ok {
					return "", fmt.Errorf("user %w with a password", tenant.ErrNotFound)
				}
			}
			k.ClientID, k.ResultURL, k.MarkVerified, k.IncludeEmail, k.Maker = t.ClientID, t.ResultURL, t.MarkVerified, t.IncludeEmail, t.Maker
			return p.ticket(ctx, k, t.TTL)
		},
		Stands:          p.stands,
		VerifyIDToken:   p.linkedIdentity,
		Policy:          p.managementPolicy,
		CheckAction:     p.checkAction,
		CheckConnection: p.checkConnection, FindConnection: p.findConnection,
		TestAction: p.testAction,
		SendVerification: func(ctx context.Context, u *tenant.User, clientID string) error {
			c, err := p.tenant.Clients.Get(ctx, clientID)
			if err != nil && !errors.Is(err, tenant.ErrNotFound) {
				return err
			}
			return p.askedVerification(background(ctx), u, c)
		},
		PasswordChanged: func(ctx context.Context, u *tenant.User, conn *tenant.Connection) {
			p.passwordChanged(background(ctx), u, conn, false)
		},
		SessionsEnded: func(_ context.Context, _ string, sessions []*tenant.Session) {
			for _, ses := range sessions {
				p.tellLogout(ses)
			}
		},
		Blocks: blocks{p},
		Keys:   rotation{p.keys, p.log},
		Certificate: func(_ context.Context, kid string) (string, error) {
			key, ok := p.keys.Keys().ByID(kid)
			if !ok {
				return "", tenant.ErrNotFound
			}
			cert, err := p.certs.of(key, p.host)
			if err != nil {
				return "", err
			}
			return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})), nil
		},
		RemoteIP: func(r *http.Request) string {
			c, _ := gate.ClientFromContext(r.Context())
			return addressText(c)
		},
		Logger: p.log, Now: p.now,
	}
}

// rotation rotates keys as Auth0 does, as far as that takes nobody by surprise.
type rotation struct {
	*keyring.Keyring
	log *slog.Logger
}

// Rotate has the next key sign, and returns its name: at once when it has been
// published for long enough, and else as soon as it has, however often it is asked
// until then.
func (r rotation) Rotate(ctx context.Context) (string, error) {
	kid, err := r.Keyring.Rotate(ctx)
	if err != nil {
		return "", err
	}
	if err := r.Refresh(ctx); err != nil { // the key after it, to be published from now on
		r.log.WarnContext(ctx, "the signing key after the next was not made, and will be tried again", "err", err)
	}
	return kid, nil
}

// managementCaller judges a token for the Management API.
func (p *Provider) managementCaller(ctx context.Context, token string) (management.Caller, error) {
	b, err := p.inspect(ctx, token, p.verifier)
	if err == nil && (!b.jwt || !slices.Contains(b.audience, p.base+"/api/v2/")) {
		err = errToken
	}
	if err == nil {
		_, err = p.judgeToken(ctx, b)
	}
	switch {
	case errors.Is(err, errTokenExpired):
		return management.Caller{}, management.ErrExpiredToken
	case errors.Is(err, errToken):
		return management.Caller{}, management.ErrBadToken
	case err != nil:
		return management.Caller{}, err
	}
	c := management.Caller{ClientID: b.clientID, Subject: b.clientID + "@clients", Scopes: b.scope, ID: b.id}
	if c.Maker, err = json.Marshal(maker{b.clientID, b.mark}); err != nil {
		return management.Caller{}, err
	}
	if b.userID != "" {
		c.Subject, c.Scopes = b.userID, both(b.scope, selfScopes)
	}
	if b.sid != "" { // who has no session proves nothing by the time of a log-in: none can be ended
		c.AuthTime = b.authTime()
	}
	return c, nil
}

// A maker is what a link keeps of the token by which a program made it. People make
// none: no scope of theirs lets them.
type maker struct {
	ClientID string `json:"client_id"`
	Mark     string `json:"mark"`
}

// stands reports whether who made a link may still do what takes a scope. What the
// provider made itself has no maker.
func (p *Provider) stands(ctx context.Context, by json.RawMessage, scope string) (bool, error) {
	if by == nil {
		return true, nil
	}
	var m maker
	if err := json.Unmarshal(by, &m); err != nil {
		return false, err
	}
	b := &bearer{clientID: m.ClientID, mark: m.Mark, api: p.base + "/api/v2/", scope: []string{scope}, jwt: true}
	_, err := p.judgeToken(ctx, b)
	if err != nil && !errors.Is(err, errToken) {
		return false, err
	}
	if err == nil && len(b.scope) > 0 {
		return true, nil
	}
	p.log.InfoContext(ctx, "a link of the Management API was refused: who made it may not any more", "client_id", m.ClientID, "scope", scope)
	return false, nil
}

// background is the request of something that no browser asked for.
func background(ctx context.Context) *http.Request {
	return (&http.Request{Header: http.Header{}, URL: &url.URL{}}).WithContext(ctx)
}

// linkedIdentity judges an ID token by which somebody shows that they log in to
// another account, too.
func (p *Provider) linkedIdentity(ctx context.Context, token string) (management.Caller, error) {
	claims, err := p.verifyHint(ctx, token)
	if errors.Is(err, errHint) || err == nil && !claims.Expiry.After(p.now()) {
		return management.Caller{}, management.ErrBadToken
	}
	if err != nil {
		return management.Caller{}, err
	}
	// The log-in goes on: nothing ended it, as a new password would have.
	sid, _ := claims.String("sid")
	ses, err := p.sessionAt(ctx, sid, claims.Subject, claims.Audience[0])
	if errors.Is(err, errToken) {
		return management.Caller{}, management.ErrBadToken
	}
	if err != nil {
		return management.Caller{}, err
	}
	_, err = p.liveUser(ctx, claims.Subject)
	if _, refused := errors.AsType[*oauthError](err); refused {
		return management.Caller{}, management.ErrBadToken
	}
	if err != nil {
		return management.Caller{}, err
	}
	// Whoever keeps the secret of a client may have made the token, so that the
	// session says the time, and that the person is logged in to that client.
	at, said := claims.Time("auth_time")
	if !said || ses.AuthenticatedAt.Before(at) {
		at = ses.AuthenticatedAt
	}
	return management.Caller{ClientID: claims.Audience[0], Subject: claims.Subject, AuthTime: at}, nil
}

// managementPolicy judges a password that an administrator sets, as one that
// the owner chooses.
func (p *Provider) managementPolicy(ctx context.Context, conn *tenant.Connection, u *tenant.User, text string) error {
	if code := p.judge(ctx, conn, text, u.Email, u.Username, u.Name); code != "" {
		return &password.PolicyError{Reasons: []string{demand(code, pagePolicy(conn))}}
	}
	return nil
}

// demand says what a password lacks to whoever sets it for somebody else.
func demand(code login.Code, policy login.Policy) string {
	switch code {
	case login.PasswordTooShort:
		return fmt.Sprintf("it takes at least %d characters", policy.MinLength)
	case login.PasswordTooWeak:
		return fmt.Sprintf("it takes %d of small letters, capital letters, digits and other characters", policy.Classes)
	}
	return strings.ReplaceAll(string(code), "_", " ")
}

// testAction runs the draft of an action with an event.
func (p *Provider) testAction(ctx context.Context, a *tenant.Action, event json.RawMessage) (json.RawMessage, error) {
	if p.cfg.Actions == nil || len(a.Triggers) == 0 {
		return nil, errors.New("nothing runs actions here")
	}
	draft := *a
	draft.Deployed = &tenant.ActionVersion{Code: a.Code, Secrets: a.Secrets, Runtime: a.Runtime}
	list := []actions.Action{runnable(&draft)}
	var result any
	var err error
	switch trigger := actions.Trigger(a.Triggers[0].ID); trigger { //nolint:exhaustive // the others answer nothing
	case actions.TriggerCredentialsExchange:
		var e actions.CredentialsExchangeEvent
		if err = json.Unmarshal(event, &e); err == nil {
			result, err = p.cfg.Actions.CredentialsExchange(ctx, list, e)
		}
	case actions.TriggerPreUserRegistration:
		var e actions.RegistrationEvent
		if err = json.Unmarshal(event, &e); err == nil {
			result, err = p.cfg.Actions.PreUserRegistration(ctx, list, e)
		}
	case actions.TriggerPostLogin:
		var e actions.PostLoginEvent
		if err = json.Unmarshal(event, &e); err == nil {
			result, err = p.cfg.Actions.PostLogin(ctx, list, e, actions.Flow{CanRedirect: true, Host: p.host, State: "test"})
		}
	default:
		err = errors.New("actions of " + string(trigger) + " answer nothing that could be shown")
	}
	if err != nil {
		return json.Marshal(map[string]string{"error": err.Error()})
	}
	return json.Marshal(result)
}

// checkAction compiles an action for each of its triggers.
func (p *Provider) checkAction(ctx context.Context, a *tenant.Action) (string, error) {
	if p.cfg.Actions == nil {
		return "", nil
	}
	for _, t := range a.Triggers {
		err := p.cfg.Actions.Compile(ctx, actions.Action{ID: a.ID, Name: a.Name, Code: a.Code, Runtime: a.Runtime}, actions.Trigger(t.ID))
		if problem, ok := errors.AsType[*actions.Error](err); ok {
			return problem.Error(), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

// HashPassword returns the hash under which a password is stored, for programs
// that make users. It does not judge the password. Errors are those of
// [password.Hasher.Hash].
func (p *Provider) HashPassword(ctx context.Context, text string) (string, error) {
	return p.hasher.Hash(ctx, text)
}

// Style returns the paths of the style sheets of the pages, for further pages on
// the same host.
func (p *Provider) Style() []string { return p.settled.now.Load().pages.Style() }
