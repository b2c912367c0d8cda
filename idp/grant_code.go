package idp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// grantCode exchanges an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5). A
// code is used up by the first attempt of its client, and whatever it led to
// ends when it comes again.
func (p *Provider) grantCode(_ http.ResponseWriter, r *http.Request, c caller, in params) (map[string]any, error) {
	ctx := r.Context()
	if in["code"] == "" {
		return nil, missing("code")
	}
	invalid := refuse("invalid_grant", "Invalid authorization code")
	text := secret.String(in["code"])
	// Another client must not be able to use up a code that it found.
	found, err := p.tenant.Token(ctx, tenant.CodeToken, text)
	if errors.Is(err, tenant.ErrNotFound) || err == nil && found.ClientID != c.ID {
		p.recordRefused(r, &p.refused, "feacft", c.Client, nil, invalid.description)
		return nil, invalid
	}
	if err != nil {
		return nil, err
	}
	if !found.UsedAt.IsZero() {
		return nil, p.codeReused(r, c, text)
	}
	var k code
	if err := json.Unmarshal(found.Data, &k); err != nil {
		return nil, err
	}
	err = checkExchange(&k, c, in)
	if err == nil {
		err = p.checkResource(in, k.Audience)
	}
	var u *tenant.User
	if err == nil {
		u, err = p.liveUser(ctx, found.UserID)
	}
	var i *issuance
	if err == nil {
		i, err = p.issuanceOf(ctx, c, found, &k, u)
	}
	if errors.Is(err, tenant.ErrNotFound) {
		err = invalid
	}
	if err != nil {
		return nil, p.codeSpoilt(r, c, u, text, err)
	}
	body, err := p.exchange(ctx, text, i, k.Connection)
	switch {
	case errors.Is(err, tenant.ErrUsed): // while its tokens were made
		return nil, p.codeReused(r, c, text)
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, tenant.ErrEnded):
		// All of the user ended, who may have set a new password a moment ago.
		p.record(r, "feacft", c.Client, u, "The authorization ended while its code was exchanged", nil)
		return nil, invalid
	case err != nil:
		if refused := new(oauthError); errors.As(err, &refused) {
			p.record(r, "feacft", c.Client, u, err.Error(), nil)
		}
		return nil, err
	}
	p.record(r, "seacft", c.Client, u, "", nil)
	return body, nil
}

// issuanceOf returns what the tokens of a code are made from, which is judged once
// more: what was allowed may have been taken away since. The error is
// [tenant.ErrNotFound] when the API is gone.
func (p *Provider) issuanceOf(ctx context.Context, c caller, t *tenant.Token, k *code, u *tenant.User) (*issuance, error) {
	i := &issuance{
		client: c.Client, user: u, sid: k.SID, authTime: k.AuthTime, methods: k.Methods, nonce: k.Nonce, grantID: t.GrantID,
		epoch: k.Epoch, refresh: k.Refresh,
		accessMore: k.AccessMore, idMore: k.IDMore,
		access: access{scope: k.Scope, permissions: k.Permissions},
	}
	if k.Connection != "" {
		if ok, err := p.admits(ctx, c.Client, k.Connection); err != nil {
			return nil, err
		} else if !ok {
			return nil, errNotAdmitted
		}
	}
	if k.Audience != "" {
		var err error
		if i.api, err = p.tenant.APIs.ByName(ctx, k.Audience); err != nil {
			return nil, err
		}
	}
	if !mayGoOffline(c.Client, i.api) {
		i.scope = slices.DeleteFunc(i.scope, func(s string) bool { return s == offline })
	}
	if c.FirstParty {
		return i, nil
	}
	given, err := p.tenant.Consent(ctx, u.ID, c.ID, k.Audience)
	if err != nil {
		return nil, err
	}
	if len(given) == 0 || !k.Asked && !containsAll(given, i.scope) { // it has become one of others since
		return nil, errNotAllowed
	}
	if !k.Asked {
		i.cutPermissions()
	}
	return i, nil
}

// exchange makes the tokens that a code leads to, uses the code up and stores them
// in one transaction: of a fault nothing is left, and the code is as good as before.
func (p *Provider) exchange(ctx context.Context, text secret.String, i *issuance, connection string) (map[string]any, error) {
	body, access, err := p.mint(ctx, i)
	if err != nil {
		return nil, err
	}
	x := &tenant.Exchange{
		Code: text, Until: access.exp, UserID: i.user.ID, Epoch: i.epoch, SessionID: i.sid, Token: access.stored,
	}
	// The access token, for endGrant. An opaque one is found by its grant.
	if x.Data, err = json.Marshal(map[string]any{"jti": access.id, "exp": access.exp}); err != nil {
		return nil, err
	}
	if p.refreshes(i) {
		x.Family = p.newFamily(i, connection)
	}
	refresh, err := p.tenant.Exchange(ctx, x)
	if err == nil && x.Family != nil {
		body["refresh_token"] = refresh.Reveal()
	}
	return body, err
}

// checkExchange reports whether the exchange is of the one who asked for the
// code.
func checkExchange(k *code, c caller, in params) error {
	switch {
	case (k.RedirectGiven || in["redirect_uri"] != "") && in["redirect_uri"] != k.RedirectURI:
		return refuse("invalid_grant", "The redirect_uri is not the one of the authorization request")
	case k.Challenge == "" && in["code_verifier"] != "":
		return refuse("invalid_grant", "Failed to verify code verifier")
	case k.Challenge == "":
		if !c.confidential() {
			return refuse("invalid_grant", "Failed to verify code verifier")
		}
	case !verifies(k.Challenge, in["code_verifier"]):
		return refuse("invalid_grant", "Failed to verify code verifier")
	}
	return nil
}

// codeSpoilt uses a code up that came with what does not belong to it, or that is
// refused, and returns the refusal. The user may be nil; a fault uses nothing up.
func (p *Provider) codeSpoilt(r *http.Request, c caller, u *tenant.User, text secret.String, refused error) error {
	if _, fault := asOAuth(refused); fault {
		return refused
	}
	_, err := p.tenant.UseToken(r.Context(), tenant.CodeToken, text)
	switch {
	case errors.Is(err, tenant.ErrUsed):
		return p.codeReused(r, c, text)
	case err != nil && !errors.Is(err, tenant.ErrNotFound):
		return err
	}
	p.record(r, "feacft", c.Client, u, refused.Error(), nil)
	return refused
}

// codeReused ends what a code led to that is used again, and returns the refusal.
func (p *Provider) codeReused(r *http.Request, c caller, text secret.String) error {
	p.record(r, "feacft", c.Client, nil, "An authorization code was used twice; what it led to has ended", nil)
	t, err := p.tenant.Token(r.Context(), tenant.CodeToken, text)
	if err == nil {
		err = p.endGrant(r.Context(), t)
	}
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return err
	}
	return refuse("invalid_grant", "Invalid authorization code")
}
