package idp

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

var errRefresh = refuse("invalid_grant", "Unknown or invalid refresh token.") //nolint:gochecknoglobals // constant; SDKs look for this text

// errNotAllowed is the answer to a client of others that brings what was given out
// when it was none: people are asked at the authorization endpoint.
var errNotAllowed = refuse("invalid_grant", "The person has not allowed this application what it was given.") //nolint:gochecknoglobals // constant

// errNotAdmitted is the answer to a code of somebody who came by a connection that was
// taken from the client since.
var errNotAdmitted = refuse("invalid_grant", "The connection is not enabled for the client any more.") //nolint:gochecknoglobals // constant

// grantRefresh exchanges a refresh token (RFC 6749 §6, RFC 9700 §4.14). Roles,
// permissions and the claims of actions are those of now.
func (p *Provider) grantRefresh(_ http.ResponseWriter, r *http.Request, c caller, in params) (map[string]any, error) {
	ctx := r.Context()
	if in["refresh_token"] == "" {
		return nil, missing("refresh_token")
	}
	policy := refreshPolicy(c.Client)
	var i *issuance
	var body map[string]any
	var owner string
	f, next, err := p.tenant.UseRefreshToken(ctx, secret.String(in["refresh_token"]), c.ID, func(f *tenant.Family) (tenant.Use, error) {
		owner = f.UserID
		use := tenant.Use{Rotate: policy.Rotation == "rotating", Leeway: time.Duration(policy.Leeway) * time.Second}
		if policy.Expiration == "expiring" && !policy.InfiniteIdle {
			use.Idle = time.Duration(policy.IdleLifetime) * time.Second
		}
		use.Then = func() (*tenant.NewToken, error) {
			var t accessToken
			var err error
			if i, err = p.renew(r, c, in, f); err == nil {
				body, t, err = p.mint(ctx, i)
			}
			return t.stored, err
		}
		return use, nil
	})
	switch {
	case errors.Is(err, tenant.ErrReused):
		p.record(r, "ferrt", c.Client, &tenant.User{ID: f.UserID}, "A refresh token was used again; its family has ended", nil)
		return nil, errRefresh
	case errors.Is(err, tenant.ErrNotFound):
		p.recordRefused(r, &p.refused, "fertft", c.Client, nil, errRefresh.description)
		return nil, errRefresh
	case err != nil:
		p.recordDenied(r, "fertft", c.Client, &tenant.User{ID: owner}, err)
		return nil, err
	}
	// A crash before this leaves a token that nobody has got.
	if err := p.limitFamily(ctx, c.Client, f, i.refresh); err != nil {
		return nil, err
	}
	body["refresh_token"] = next.Reveal()
	p.record(r, "sertft", c.Client, i.user, "", nil)
	return body, nil
}

// renew decides what a refresh token is worth now.
func (p *Provider) renew(r *http.Request, c caller, in params, f *tenant.Family) (*issuance, error) {
	ctx := r.Context()
	scope, audience := f.Scope, f.Audience
	if in["audience"] != "" && in["audience"] != f.Audience {
		return nil, refuse("invalid_grant", "The refresh token is for another audience")
	}
	if err := p.checkResource(in, audience); err != nil {
		return nil, err
	}
	asked, err := in.scope()
	if err != nil {
		return nil, err
	}
	if len(asked) > 0 {
		if !containsAll(f.Scope, asked) {
			return nil, refuse("invalid_scope", "The scope is wider than the one that was granted")
		}
		scope = asked
	}
	u, a, err := p.worth(ctx, c.Client, f, scope)
	if err != nil {
		return nil, err
	}
	i := &issuance{
		client: c.Client, user: u, access: a, sid: f.SessionID, authTime: f.AuthTime, methods: f.Methods, grantID: f.ID, epoch: u.Epoch,
		grants: append([]string{"refresh_token"}, slices.DeleteFunc(slices.Clone(f.Grants), func(g string) bool { return g == "refresh_token" })...),
	}
	event, err := p.refreshEvent(r, c.Client, u, f, a)
	if err != nil {
		return nil, err
	}
	result, err := p.runPostLogin(ctx, event)
	if err != nil {
		return nil, err
	}
	if err := p.applyWithoutBrowser(r, u, i, audience, scope, result); err != nil {
		return nil, err
	}
	return i, p.refreshWished(ctx, f, result)
}

// worth returns what a refresh token would bring its client now, of a scope, and
// whom it is about. What it was given for may have been taken since: then the error is a
// refusal.
func (p *Provider) worth(ctx context.Context, c *tenant.Client, f *tenant.Family, scope []string) (*tenant.User, access, error) {
	u, err := p.liveUser(ctx, f.UserID)
	if err != nil {
		return nil, access{}, err
	}
	if f.Connection != "" {
		if ok, err := p.admits(ctx, c, f.Connection); err != nil {
			return nil, access{}, err
		} else if !ok {
			return nil, access{}, errRefresh
		}
	}
	if slices.Contains(f.Grants, "password") && !slices.ContainsFunc(c.GrantTypes, func(g string) bool {
		return g == f.GrantType || f.GrantType == "" && (g == "password" || g == grantRealm)
	}) {
		return nil, access{}, errRefresh
	}
	// The client may have become one of others.
	if scope, err = p.stillAllowed(ctx, c, u, f.Audience, f.Grants, scope); err != nil {
		return nil, access{}, err
	}
	a, err := p.accessOf(ctx, c, u, f.Audience, scope)
	if err == nil && !mayGoOffline(c, a.api) {
		err = refuse("invalid_grant", errRefresh.description+" The API allows no refresh tokens any more.")
	}
	return u, a, err
}

// checkResource refuses a resource (RFC 8707 §2.2) other than the one that was
// granted: the API, or without one the UserInfo endpoint.
func (p *Provider) checkResource(in params, audience string) error {
	if audience == "" {
		audience = p.base + "/userinfo"
	}
	if resource := in["resource"]; resource != "" && resource != audience {
		return refuse("invalid_target", "The resource is not the one that was granted")
	}
	return nil
}

// refreshWished does what actions want of the session of a refresh token, and
// ends the token when they do.
func (p *Provider) refreshWished(ctx context.Context, f *tenant.Family, result *actions.PostLoginResult) error {
	session, now := endsOf(&result.Session), p.now()
	var err error
	switch {
	case result.Session.Revoke:
		err = p.revokeSession(ctx, f.UserID, f.SessionID, result.Session.KeepTokens)
	case session.over(now):
		err = p.endSession(ctx, f.SessionID)
	default:
		err = p.limitSessionOf(ctx, f, session)
	}
	if err != nil {
		return err
	}
	if result.Session.Revoke && !result.Session.KeepTokens || result.RefreshToken.Revoke || endsOf(&result.RefreshToken).over(now) {
		if err := p.tenant.RevokeGrant(ctx, f.ID); err != nil {
			return err
		}
		return errRefresh
	}
	if result.Session.Revoke {
		return refuse("access_denied", result.Session.RevokeReason)
	}
	return nil
}

// liveUser returns a user who may get tokens.
func (p *Provider) liveUser(ctx context.Context, id string) (*tenant.User, error) {
	u, err := p.tenant.User(ctx, id)
	if errors.Is(err, tenant.ErrNotFound) {
		return nil, refuse("invalid_grant", "The account is gone.")
	}
	if err != nil {
		return nil, err
	}
	if u.Blocked {
		return nil, refuse("invalid_grant", "user is blocked")
	}
	return u, nil
}
