package idp

import (
	"context"
	"errors"
	"slices"

	"github.com/gatewright/gate/idp/tenant"
)

// judgeToken returns whose an access token is, nobody's when its client acts for itself,
// and leaves in its scope what counts now; or errToken. A token says what was given when it
// was made: whoever takes a grant, a consent, a connection, a session or a secret away
// does not wait for its end.
func (p *Provider) judgeToken(ctx context.Context, b *bearer) (*tenant.User, error) {
	c, err := p.clientOfToken(ctx, b)
	if err != nil {
		return nil, err
	}
	if b.userID == "" {
		g, err := p.tenant.Grants.ByName(ctx, c.ID+" "+b.api)
		if errors.Is(err, tenant.ErrNotFound) || err == nil && !slices.Contains(c.GrantTypes, "client_credentials") {
			return nil, errToken
		}
		if err == nil {
			b.scope = both(b.scope, g.Scope)
		}
		return nil, err
	}
	u, err := p.holder(ctx, b)
	if err == nil {
		err = p.takes(ctx, c, u)
	}
	if err == nil {
		b.scope, err = p.stillAllowed(ctx, c, u, b.api, b.grants, b.scope)
	}
	if errors.Is(err, errNotAllowed) {
		err = errToken
	}
	return u, err
}

// holder returns the user of a token who may still act by it, or errToken.
func (p *Provider) holder(ctx context.Context, b *bearer) (*tenant.User, error) {
	u, err := p.tenant.User(ctx, b.userID)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && (u.Blocked || b.outlived(u)) {
		return nil, errToken
	}
	if err != nil {
		return nil, err
	}
	none, err := p.imagined(ctx, u)
	if err == nil && none {
		err = errToken
	}
	if err == nil && b.sid != "" {
		_, err = p.sessionAt(ctx, b.sid, u.ID, b.clientID)
	}
	return u, err
}

// sessionAt returns the session of this ID while it goes on, or errToken when it is not
// one in which this user logged in to this client.
func (p *Provider) sessionAt(ctx context.Context, id, user, client string) (*tenant.Session, error) {
	ses, err := p.tenant.Session(ctx, id)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && (ses.UserID != user || !slices.Contains(ses.Clients, client)) {
		return nil, errToken
	}
	return ses, err
}

// stillAllowed leaves in a scope what the person allowed a client of others, or returns
// errNotAllowed when that is nothing. Of a password grant, which asks nobody, it is what
// that grant gives.
func (p *Provider) stillAllowed(ctx context.Context, c *tenant.Client, u *tenant.User, audience string, grants, scope []string) ([]string, error) {
	switch {
	case c.FirstParty:
		return scope, nil
	case slices.Contains(grants, "password"):
		return p.allowedAsked(ctx, c, u, audience, slices.Clone(scope))
	}
	given, err := p.tenant.Consent(ctx, u.ID, c.ID, audience)
	if err == nil && len(given) == 0 {
		err = errNotAllowed
	}
	return both(scope, given), err
}

// both returns those of a list that are in another one, too.
func both(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !slices.Contains(other, s) })
}
