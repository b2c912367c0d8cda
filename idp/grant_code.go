package idp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

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
	if err := p.tooMuch(ctx, c, in, found); err != nil {
		p.record(r, "feacft", c.Client, nil, err.Error(), nil)
		return nil, err
	}
	t, err := p.tenant.UseToken(ctx, tenant.CodeToken, text)
	switch {
	case errors.Is(err, tenant.ErrUsed):
		p.record(r, "feacft", c.Client, nil, "An authorization code was used twice; what it led to has ended", nil)
		if err := p.codeReused(ctx, text, t); err != nil {
			return nil, err
		}
		return nil, invalid
	case errors.Is(err, tenant.ErrNotFound):
		return nil, invalid
	case err != nil:
		return nil, err
	}
	var k code
	if err := json.Unmarshal(t.Data, &k); err != nil {
		return nil, err
	}
	err = checkExchange(&k, c, in)
	if err == nil {
		err = p.checkResource(in, k.Audience)
	}
	if err != nil {
		p.record(r, "feacft", c.Client, nil, err.Error(), nil)
		return nil, err
	}
	u, err := p.liveUser(ctx, t.UserID)
	if err != nil {
		return nil, err
	}
	i, err := p.issuanceOf(ctx, c, t, &k, u)
	if errors.Is(err, tenant.ErrNotFound) {
		return nil, invalid
	}
	if err != nil {
		return nil, err
	}
	body, err := p.exchange(ctx, text, t, i, k.Connection)
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, tenant.ErrEnded), errors.Is(err, tenant.ErrUsed):
		// It was used again, or all of the user ended, who may have set a new
		// password a moment ago: nothing came of it.
		p.record(r, "feacft", c.Client, u, "The authorization ended while its code was exchanged", nil)
		return nil, invalid
	case err != nil:
		return nil, err
	}
	p.record(r, "seacft", c.Client, u, "", nil)
	return body, nil
}

// issuanceOf returns what the tokens of a code are made from. The error is
// [tenant.ErrNotFound] when the API is gone.
func (p *Provider) issuanceOf(ctx context.Context, c caller, t *tenant.Token, k *code, u *tenant.User) (*issuance, error) {
	i := &issuance{
		client: c.Client, user: u, sid: k.SID, authTime: k.AuthTime, methods: k.Methods, nonce: k.Nonce, grantID: t.GrantID,
		epoch: k.Epoch, refresh: k.Refresh,
		accessMore: k.AccessMore, idMore: k.IDMore,
		access: access{scope: k.Scope, permissions: k.Permissions},
	}
	if k.Audience == "" {
		return i, nil
	}
	var err error
	i.api, err = p.tenant.APIs.ByName(ctx, k.Audience)
	return i, err
}

// muchInCode is how long what is kept with a code is when its tokens could be too
// large.
const muchInCode = 2 << 10

// tooMuch refuses a code whose tokens would be too large while it is not used up. All
// else is for the one who uses it.
func (p *Provider) tooMuch(ctx context.Context, c caller, in params, t *tenant.Token) error {
	var k code
	if len(t.Data) < muchInCode || json.Unmarshal(t.Data, &k) != nil || checkExchange(&k, c, in) != nil {
		return nil
	}
	u, err := p.liveUser(ctx, t.UserID)
	if err != nil {
		return nil //nolint:nilerr // whoever uses it is told
	}
	i, err := p.issuanceOf(ctx, c, t, &k, u)
	if err != nil {
		return nil //nolint:nilerr // whoever uses it is told
	}
	_, _, err = p.mint(ctx, i)
	return err
}

// exchange makes the tokens that a code leads to, and stores them with what is
// remembered of the code in one transaction.
func (p *Provider) exchange(ctx context.Context, text secret.String, t *tenant.Token, i *issuance, connection string) (map[string]any, error) {
	body, access, err := p.mint(ctx, i)
	if err != nil {
		return nil, err
	}
	x := &tenant.Exchange{
		Code: text, Mark: reusedMark(t), Until: access.exp, UserID: i.user.ID, Epoch: i.epoch, SessionID: i.sid, Token: access.stored,
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
		if !c.confidential {
			return refuse("invalid_grant", "Failed to verify code verifier")
		}
	case !verifies(k.Challenge, in["code_verifier"]):
		return refuse("invalid_grant", "Failed to verify code verifier")
	}
	return nil
}

// reusedMark is what a code is marked with that was used again.
func reusedMark(t *tenant.Token) secret.String { return secret.String("reused " + t.GrantID) }

// codeReused marks a code and ends what it led to. What it is leading to just now
// is stored before the mark, and is ended here, or comes after it and to nothing.
func (p *Provider) codeReused(ctx context.Context, code secret.String, t *tenant.Token) error {
	fresh, err := p.tenant.ReuseCode(ctx, code, reusedMark(t), p.now().Add(2*codeLife))
	if err == nil {
		t = fresh
	} else if !errors.Is(err, tenant.ErrNotFound) {
		return err
	}
	return p.endGrant(ctx, t)
}
