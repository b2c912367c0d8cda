package idp

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate"
)

// The names of grants that are not in RFC 6749.
const (
	grantRealm = "http://auth0.com/oauth/grant-type/password-realm"
)

// token is the token endpoint (RFC 6749 §3.2).
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	in, err := bodyParams(w, r)
	if err == nil && r.URL.RawQuery != "" {
		// Addresses are logged (RFC 6749 §2.3.1).
		err = refuse("invalid_request", "Parameters belong in the body, not in the address")
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	grant, ok := p.grant(in["grant_type"])
	switch {
	case in["grant_type"] == "":
		p.fail(w, r, missing("grant_type"))
		return
	case !ok:
		p.fail(w, r, refuse("unsupported_grant_type", "Unsupported grant type: "+echo(in["grant_type"])))
		return
	}
	c, err := p.authenticate(r, in)
	if err != nil {
		p.recordClient(r, in, failedExchange(in["grant_type"]), err)
		p.fail(w, r, err)
		return
	}
	clientOrigin(w, r, c.Client)
	r = p.forwarded(r, c)
	if err := c.may(in["grant_type"]); err != nil {
		p.fail(w, r, err)
		return
	}
	body, err := grant(w, r, c, in)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

// A grantHandler makes the answer of the token endpoint to one grant type.
type grantHandler func(http.ResponseWriter, *http.Request, caller, params) (map[string]any, error)

func (p *Provider) grant(name string) (grantHandler, bool) {
	switch name {
	case "authorization_code":
		return p.grantCode, true
	case "refresh_token":
		return p.grantRefresh, true
	case "client_credentials":
		return p.grantClientCredentials, true
	case "password", grantRealm:
		return p.grantPassword, true
	}
	return nil, false
}

// forwarded takes over the address of the person for whom a confidential client
// speaks, where the client is trusted to say it.
func (p *Provider) forwarded(r *http.Request, c caller) *http.Request {
	header := r.Header.Get("auth0-forwarded-for")
	if header == "" || !c.confidential() || !c.TrustsForwardedFor {
		return r
	}
	first, _, _ := strings.Cut(header, ",")
	addr, err := parseAddr(strings.TrimSpace(first))
	if err != nil {
		return r
	}
	client, _ := gate.ClientFromContext(r.Context())
	client.Address = addr
	return r.WithContext(gate.ContextWithClient(r.Context(), client))
}

// tokens makes the answer of the token endpoint, and stores what it brings.
func (p *Provider) tokens(ctx context.Context, i *issuance) (map[string]any, error) {
	body, t, err := p.mint(ctx, i)
	if err != nil {
		return nil, err
	}
	return body, p.keep(ctx, t)
}

// mint makes the answer of the token endpoint. An opaque token is not stored
// yet. A token that would be too large is a refusal.
func (p *Provider) mint(ctx context.Context, i *issuance) (map[string]any, accessToken, error) {
	var id string
	var idErr error
	signed := func() {}
	if i.user != nil && slices.Contains(i.scope, "openid") {
		signed = beside(func() { id, idErr = p.idToken(ctx, i, "") })
	}
	t, err := p.mintAccess(ctx, i)
	signed()
	if err = cmp.Or(err, idErr); err != nil {
		return nil, t, err
	}
	body := map[string]any{"access_token": t.text, "token_type": "Bearer", "expires_in": int(t.life / time.Second)}
	if len(i.scope) > 0 {
		body["scope"] = strings.Join(i.scope, " ")
	}
	if id != "" {
		body["id_token"] = id
	}
	return body, t, nil
}

// beside starts f: a signature of RSA takes longer than all else that a request
// needs, and a free processor may make it. The function returned waits for it, and
// panics as f did.
func beside(f func()) func() {
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		f()
	}()
	return func() {
		if p := <-done; p != nil {
			panic(p)
		}
	}
}

// verifies reports whether a verifier belongs to an S256 challenge (RFC 7636
// §4.6).
func verifies(challenge, verifier string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}
