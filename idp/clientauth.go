package idp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/internal/unverified"
	"github.com/gatewright/gate/jose"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	maxAssertion  = 5 * time.Minute
)

// errClient is the one answer for a client that is unknown or has the wrong
// secret: nobody learns which.
func errClient(basic bool) *oauthError {
	return &oauthError{status: http.StatusUnauthorized, code: "access_denied", description: "Unauthorized", basic: basic}
}

// A caller is a client at the token endpoint.
type caller struct {
	*tenant.Client
	// credential is the one of [Provider.credentials] by which it proved who it is;
	// empty for a public client.
	credential string
}

func (c caller) confidential() bool { return c.credential != "" }

// authenticate finds out which client speaks (RFC 6749 §2.3, RFC 7523 §2.2). It
// is lenient between the header and the body, as Auth0 is, but takes one way
// only.
func (p *Provider) authenticate(r *http.Request, in params) (caller, error) {
	id, text, basic, err := basicCredentials(r)
	if err != nil {
		return caller{}, err
	}
	if basic && in["client_id"] == id && in["client_secret"] != "" && secret.String(in["client_secret"]).Equal(secret.String(text)) {
		// Some clients say the same thing twice.
		in["client_secret"] = ""
	}
	ways := 0
	for _, used := range []bool{basic, in["client_secret"] != "", in["client_assertion"] != ""} {
		if used {
			ways++
		}
	}
	switch {
	case ways > 1:
		return caller{}, refuse("invalid_request", "More than one way of client authentication was used")
	case basic && in["client_id"] != "" && in["client_id"] != id:
		return caller{}, refuse("invalid_request", "The header and the body name different clients")
	case in["client_assertion"] != "":
		return p.byAssertion(r.Context(), in)
	case !basic:
		id, text = in["client_id"], in["client_secret"]
	}
	if id == "" {
		return caller{}, missing("client_id")
	}
	c, err := p.tenant.Clients.Get(r.Context(), id)
	if errors.Is(err, tenant.ErrNotFound) {
		_ = secret.String(text).Equal(secret.String(id)) // as much work as for one that is there
		return caller{}, errClient(basic)
	}
	if err != nil {
		return caller{}, err
	}
	switch {
	case c.Global:
		return caller{}, errClient(basic)
	case c.AuthMethod == tenant.AuthNone:
		// A public client has no secret; one that is sent is ignored.
		return caller{Client: c}, nil
	case c.AuthMethod == tenant.AuthPrivateKeyJWT, c.Secret == "", !secret.String(c.Secret).Equal(secret.String(text)):
		return caller{}, errClient(basic)
	}
	return caller{c, c.Secret}, nil
}

// basicCredentials reads the Authorization header. Both halves are form-encoded
// (RFC 6749 §2.3.1); halves that were not encoded are understood too, as no ID
// and no secret of ours has a character that encoding changes but '%' and '+'.
func basicCredentials(r *http.Request) (id, text string, ok bool, err error) {
	header := r.Header.Get("Authorization")
	scheme, rest, found := strings.Cut(header, " ")
	if header == "" || !found || !strings.EqualFold(scheme, "Basic") {
		return "", "", false, nil
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	if err != nil {
		return "", "", true, errClient(true)
	}
	id, text, found = strings.Cut(string(data), ":")
	if !found {
		return "", "", true, errClient(true)
	}
	if decoded, err := url.QueryUnescape(id); err == nil {
		id = decoded
	}
	if decoded, err := url.QueryUnescape(text); err == nil {
		text = decoded
	}
	return id, text, true, nil
}

// byAssertion authenticates a client by a JWT that it signed itself.
func (p *Provider) byAssertion(ctx context.Context, in params) (caller, error) {
	bad := func(why string) (caller, error) { return caller{}, refuse("invalid_client", why) }
	if in["client_assertion_type"] != assertionType {
		return bad("client_assertion_type has to be " + assertionType)
	}
	token := in["client_assertion"]
	issuer := claimedIssuer(token)
	if issuer == "" {
		return bad("The assertion is not a JWT")
	}
	c, err := p.tenant.Clients.Get(ctx, issuer)
	if errors.Is(err, tenant.ErrNotFound) {
		return bad("The assertion could not be verified")
	}
	if err != nil {
		return caller{}, err
	}
	if in["client_id"] != "" && in["client_id"] != c.ID || c.Global || c.AuthMethod != tenant.AuthPrivateKeyJWT {
		return bad("The assertion could not be verified")
	}
	keys, err := p.credentialKeys(c)
	if err != nil {
		return caller{}, err
	}
	used := &noted{KeySource: keys}
	v, err := jose.NewVerifier(jose.VerifierConfig{
		Keys: used, Issuer: c.ID, Audience: []string{p.issuer, p.base, p.base + "/oauth/token"},
		Type: []string{"", "JWT", "client-authentication+jwt"}, CacheSize: -1, Now: p.now, MaxAge: maxAssertion + time.Minute,
	})
	if err != nil {
		return caller{}, err
	}
	claims, err := v.Verify(ctx, token)
	if errors.Is(err, jose.ErrUnavailable) {
		return caller{}, err
	}
	if err != nil || claims.Subject != c.ID || claims.ID == "" || len(claims.Audience) != 1 || claims.Expiry.After(p.now().Add(maxAssertion+time.Minute)) {
		return bad("The assertion could not be verified")
	}
	// Good for once.
	err = p.tenant.CreateToken(ctx, secret.String(c.ID+" "+claims.ID), tenant.Token{
		Kind: tenant.AssertionID, ClientID: c.ID, ExpiresAt: claims.Expiry.Add(time.Minute),
	})
	if errors.Is(err, tenant.ErrExists) {
		return bad("The assertion was used before")
	}
	if err != nil {
		return caller{}, err
	}
	return caller{c, used.key.Thumbprint()}, nil
}

// A noted source of keys notes the key that it gave last.
type noted struct {
	jose.KeySource
	key *jose.Key
}

// Key implements [jose.KeySource].
func (n *noted) Key(ctx context.Context, kid string, alg jose.Algorithm) (*jose.Key, error) {
	var err error
	n.key, err = n.KeySource.Key(ctx, kid, alg)
	return n.key, err
}

// claimedIssuer returns whom a token says that it is from, to look up the keys
// that it is then verified with.
func claimedIssuer(token string) string {
	t, err := unverified.DecodeUnverified(token)
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err := json.Unmarshal(t.Claims, &claims); err != nil {
		return ""
	}
	return claims.Issuer
}

// credentialKeys returns the keys of a client that are still good.
func (p *Provider) credentialKeys(c *tenant.Client) (*jose.KeySet, error) {
	set := &jose.KeySet{Now: p.now}
	for _, cred := range c.Credentials {
		if !cred.ExpiresAt.IsZero() && !cred.ExpiresAt.After(p.now()) {
			continue
		}
		alg := jose.Algorithm(cred.Algorithm)
		if !slices.Contains([]jose.Algorithm{jose.RS256, jose.RS384, jose.PS256, jose.ES256}, alg) {
			continue
		}
		key, err := jose.ParsePEM(cred.KeyID, alg, []byte(cred.PEM))
		if err != nil {
			return nil, err
		}
		if err := set.Add(key.Public()); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// credentials returns what a client can prove itself by now: its secret, or the
// thumbprints of its keys that are still good.
func (p *Provider) credentials(c *tenant.Client) ([]string, error) {
	switch {
	case c.Global, c.AuthMethod == tenant.AuthNone, c.AuthMethod != tenant.AuthPrivateKeyJWT && c.Secret == "":
		return nil, nil
	case c.AuthMethod != tenant.AuthPrivateKeyJWT:
		return []string{c.Secret}, nil
	}
	keys, err := p.credentialKeys(c)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, k := range keys.Keys() {
		if key, ok := keys.ByID(k.ID); ok {
			list = append(list, key.Thumbprint())
		}
	}
	return list, nil
}

// may refuses a client that is not allowed a grant.
func (c caller) may(grant string) error {
	if slices.Contains(c.GrantTypes, grant) {
		return nil
	}
	return refuse("unauthorized_client", "Grant type '"+grant+"' not allowed for the client.")
}

// claimedTime returns when a token says that it was issued.
func claimedTime(token string) time.Time {
	t, err := unverified.DecodeUnverified(token)
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		IssuedAt int64 `json:"iat"`
	}
	if err := json.Unmarshal(t.Claims, &claims); err != nil {
		return time.Time{}
	}
	return time.Unix(claims.IssuedAt, 0)
}
