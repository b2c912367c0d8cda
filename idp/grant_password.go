package idp

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/tenant"
)

// grantPassword takes a password directly (RFC 6749 §4.3), for clients that are
// allowed to: nothing else should (RFC 9700 §2.4).
func (p *Provider) grantPassword(_ http.ResponseWriter, r *http.Request, c caller, in params) (map[string]any, error) {
	ctx := r.Context()
	for _, name := range []string{"username", "password"} {
		if in[name] == "" {
			return nil, missing(name)
		}
	}
	set, err := p.tenant.Settings(ctx)
	if err != nil {
		return nil, err
	}
	realm := in["realm"]
	if in["grant_type"] == grantRealm && realm == "" {
		return nil, missing("realm")
	}
	if realm == "" {
		realm = set.DefaultDirectory
	}
	if realm == "" {
		return nil, &oauthError{
			status: http.StatusInternalServerError, code: "server_error",
			description: "Authorization server not configured with default connection.",
		}
	}
	conn, err := p.database(ctx, c.Client, realm)
	if errors.Is(err, tenant.ErrNotFound) {
		return nil, refuse("access_denied", "the connection is not enabled")
	}
	if err != nil {
		return nil, err
	}
	tried, err := p.checkPassword(ctx, conn, in["username"], in["password"])
	if err != nil {
		if errors.Is(err, errCredentials) {
			p.record(r, "fepft", c.Client, tried.user, errCredentials.description, nil)
		} else if errors.Is(err, gate.ErrTooManyRequests) {
			p.tooMany(r, c.Client, tried.user, err)
		}
		return nil, err
	}
	body, err := p.passwordTokens(r, c, in, tried.user, conn)
	p.recordDenied(r, "fepft", c.Client, tried.user, err)
	return body, err
}

// passwordTokens makes the tokens of somebody who gave their password.
func (p *Provider) passwordTokens(r *http.Request, c caller, in params, u *tenant.User, conn *tenant.Connection) (map[string]any, error) {
	ctx := r.Context()
	if p.leaked(r, c.Client, u, in["password"]) {
		return nil, refuse("password_leaked", "This password appears in lists of leaked passwords. Set another one.")
	}
	if p.mustConfirm(u) {
		return nil, refuse("unauthorized", "The e-mail address has to be confirmed first.")
	}
	audience, err := p.readAudience(ctx, in)
	if err != nil {
		return nil, err
	}
	scope, err := in.scope()
	if err != nil {
		return nil, err
	}
	scope, err = p.allowedAsked(ctx, c.Client, u, audience, scope)
	if err != nil {
		return nil, err
	}
	a, err := p.accessOf(ctx, c.Client, u, audience, scope)
	if err != nil {
		return nil, err
	}
	i := &issuance{
		client: c.Client, user: u, access: a, authTime: p.now(), grants: []string{"password"}, grantType: in["grant_type"], grantID: tenant.NewGrantID(),
		epoch:   u.Epoch,
		methods: []tenant.AuthMethod{{Name: "pwd", At: p.now()}},
	}
	event, err := p.passwordEvent(r, c.Client, u, conn, a)
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
	if result.Session.Revoke || result.RefreshToken.Revoke {
		return nil, refuse("access_denied", cmp.Or(result.Session.RevokeReason, result.RefreshToken.RevokeReason))
	}
	body, err := p.tokens(ctx, i)
	if err != nil {
		return nil, err
	}
	if err := p.addRefresh(ctx, body, i, conn.Name); err != nil {
		return nil, err
	}
	// Actions may have run for long, and a JWT is stored nowhere: whoever was blocked
	// meanwhile gets none.
	client, _ := gate.ClientFromContext(ctx)
	if err := p.tenant.NoteLoginIn(ctx, i.user.ID, i.epoch, addressText(client)); err != nil {
		return nil, err
	}
	p.record(r, "sepft", c.Client, u, "", nil)
	return body, nil
}
