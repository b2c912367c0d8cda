package idp

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store/keyring"
)

func itoa(n int) string { return strconv.Itoa(n) }

// managementAPI returns the Management API.
func (p *Provider) managementAPI() (*management.API, error) {
	return management.New(management.Config{
		Tenant: p.tenant, Issuer: p.issuer, Verify: p.managementCaller, Hasher: p.hasher,
		Ticket: func(ctx context.Context, t management.TicketRequest) (string, error) {
			return p.ticket(ctx, ticket{
				Kind: t.Kind, UserID: t.User.ID, ClientID: t.ClientID, Email: t.User.Email, ResultURL: t.ResultURL, MarkVerified: t.MarkVerified,
			}, t.TTL)
		},
		CheckAction: p.checkAction,
		SessionsEnded: func(_ context.Context, _ string, sessions []*tenant.Session) {
			for _, ses := range sessions {
				p.tellLogout(ses)
			}
		},
		Keys: rotation{p.keys},
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
		Limit: management.Limit{PerSecond: float64(p.cfg.ManagementLimit)}, Logger: p.log, Now: p.now,
	})
}

// rotation rotates keys as Auth0 does: the next key signs at once, for it has
// been known long enough.
type rotation struct{ *keyring.Keyring }

// Rotate has the next key sign, and returns its name.
func (r rotation) Rotate(ctx context.Context) (string, error) {
	info, err := r.Promote(ctx)
	return info.ID, err
}

// managementCaller judges a token for the Management API.
func (p *Provider) managementCaller(ctx context.Context, token string) (management.Caller, error) {
	b, err := p.inspect(ctx, token, p.verifier)
	if errors.Is(err, errToken) || err == nil && (!b.jwt || !slices.Contains(b.audience, p.base+"/api/v2/")) {
		return management.Caller{}, management.ErrBadToken
	}
	if err != nil {
		return management.Caller{}, err
	}
	// A client that was removed, and a user who was, may do nothing any more.
	if _, err := p.tenant.Clients.Get(ctx, b.clientID); errors.Is(err, tenant.ErrNotFound) {
		return management.Caller{}, management.ErrBadToken
	} else if err != nil {
		return management.Caller{}, err
	}
	c := management.Caller{ClientID: b.clientID, Subject: b.clientID + "@clients", Scopes: b.scope, ID: b.id}
	if b.userID != "" {
		c.Subject = b.userID
		if _, err := p.liveUser(ctx, b.userID); err != nil {
			var refused *oauthError
			if errors.As(err, &refused) {
				return management.Caller{}, management.ErrBadToken
			}
			return management.Caller{}, err
		}
	}
	return c, nil
}

// checkAction compiles an action for each of its triggers.
func (p *Provider) checkAction(ctx context.Context, a *tenant.Action) (string, error) {
	if p.cfg.Actions == nil {
		return "", nil
	}
	for _, t := range a.Triggers {
		err := p.cfg.Actions.Compile(ctx, actions.Action{ID: a.ID, Name: a.Name, Code: a.Code, Runtime: a.Runtime}, actions.Trigger(t.ID))
		var problem *actions.Error
		if errors.As(err, &problem) {
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
func (p *Provider) Style() []string { return p.pages.Style() }
