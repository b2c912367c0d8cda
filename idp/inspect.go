package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/jose"
)

// errToken means that a token is not good. Whoever presents it learns no more.
var errToken = errors.New("token is not good")

// errTokenExpired is an errToken: one of ours whose time is over.
var errTokenExpired = fmt.Errorf("%w any more", errToken)

// errScope means that a token is good and was asked for without what this takes.
var errScope = errors.New("The token was asked for without the scope openid") //nolint:staticcheck // an error_description

// A bearer is what an access token says.
type bearer struct {
	userID   string // empty: the client acts for itself
	clientID string
	audience []string
	api      string   // of the audience; empty without one
	grants   []string // that led to it, where it says so
	scope    []string
	id       string
	epoch    string // of the user, as tokenID writes it; of a JWT
	mark     string // of the client and its credential, as clientMark; of a JWT
	sid      string // of the session that it ends with; empty: it ends with none
	expires  time.Time
	issued   time.Time
	more     map[string]any
	jwt      bool
}

// authTime is when the user of a token proved who they are; zero when the token
// does not say.
func (b *bearer) authTime() time.Time {
	c := jose.Claims{Extra: b.more}
	at, _ := c.Time("auth_time")
	return at
}

// inspect returns what an access token of ours says while it is good: opaque
// ones are looked up, JWTs are verified and looked up among the revoked ones.
func (p *Provider) inspect(ctx context.Context, token string, v *jose.Verifier) (*bearer, error) {
	if strings.Count(token, ".") != 2 {
		return p.inspectOpaque(ctx, token)
	}
	claims, err := v.Verify(ctx, token)
	if errors.Is(err, jose.ErrUnavailable) {
		return nil, err
	}
	if errors.Is(err, jose.ErrExpired) {
		return nil, errTokenExpired
	}
	if err != nil {
		return nil, errToken
	}
	if _, ok := claims.String("nonce"); ok {
		return nil, errToken // an ID token
	}
	b := &bearer{audience: claims.Audience, id: claims.ID, expires: claims.Expiry, issued: claims.IssuedAt, jwt: true, more: claims.Extra}
	_, rest, _ := strings.Cut(claims.ID, ".")
	b.epoch, b.mark, _ = strings.Cut(rest, ".")
	b.clientID, _ = claims.String("azp")
	if id, ok := claims.String("client_id"); ok {
		b.clientID = id
	}
	if b.clientID == "" || b.id == "" {
		return nil, errToken
	}
	b.api = claims.Audience[0]
	b.sid, _ = claims.String("sid")
	b.grants, _ = claims.Strings("gty")
	if grant, ok := claims.String("gty"); ok {
		b.grants = []string{grant}
	}
	if scope, ok := claims.String("scope"); ok {
		b.scope = strings.Fields(scope)
	}
	if claims.Subject != b.clientID+"@clients" {
		b.userID = claims.Subject
	}
	revoked, err := p.tenant.JWTRevoked(ctx, claims.ID)
	if err != nil {
		return nil, err
	}
	if revoked {
		return nil, errToken
	}
	return b, nil
}

func (p *Provider) inspectOpaque(ctx context.Context, token string) (*bearer, error) {
	t, err := p.tenant.Token(ctx, tenant.OpaqueToken, secret.String(token))
	if errors.Is(err, tenant.ErrNotFound) || err == nil && !t.UsedAt.IsZero() {
		return nil, errToken // used up is what a revoked one is
	}
	if err != nil {
		return nil, err
	}
	var o opaque
	if err := json.Unmarshal(t.Data, &o); err != nil {
		return nil, err
	}
	return &bearer{
		userID: t.UserID, clientID: t.ClientID, audience: []string{p.base + "/userinfo"}, grants: o.Grants, scope: o.Scope,
		expires: t.ExpiresAt, issued: t.CreatedAt, more: o.More,
	}, nil
}

// bearerToken finds the token of a request (RFC 6750 §2): one, in one place.
func bearerToken(w http.ResponseWriter, r *http.Request) (string, error) {
	var found []string
	if scheme, rest, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		found = append(found, strings.TrimSpace(rest))
	}
	in, err := queryParams(r)
	if err != nil {
		return "", err
	}
	if in["access_token"] != "" {
		found = append(found, in["access_token"])
	}
	if r.Method == http.MethodPost {
		body, err := bodyParams(w, r)
		if err != nil {
			return "", err
		}
		if body["access_token"] != "" {
			found = append(found, body["access_token"])
		}
	}
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0], nil
	}
	return "", refuse("invalid_request", "The token was sent in more than one place")
}

// userinfo is the UserInfo endpoint (OpenID Connect Core 1.0 §5.3).
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	token, err := bearerToken(w, r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if token == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token", "error_description": "Unauthorized"})
		return
	}
	u, b, err := p.userOf(r.Context(), token)
	if errors.Is(err, errToken) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token", "error_description": "Unauthorized"})
		return
	}
	if errors.Is(err, errScope) {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", error_description="`+errScope.Error()+`", scope="openid"`)
		writeJSON(w, http.StatusForbidden, map[string]string{"error": "insufficient_scope", "error_description": errScope.Error()})
		return
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	claims := profileClaims(u, b.scope)
	if !b.jwt {
		addClaims(claims, b.more)
	}
	claims["sub"] = u.ID
	writeJSON(w, http.StatusOK, claims)
}

// userOf returns whose claims a token may read: errToken of one that is not for
// userinfo, errScope of one that is and lacks openid.
func (p *Provider) userOf(ctx context.Context, token string) (*tenant.User, *bearer, error) {
	b, err := p.inspect(ctx, token, p.verifier)
	if err != nil {
		return nil, nil, err
	}
	if b.userID == "" || !slices.Contains(b.audience, p.base+"/userinfo") {
		return nil, nil, errToken
	}
	u, err := p.judgeToken(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	if !slices.Contains(b.scope, "openid") {
		return nil, nil, errScope
	}
	return u, b, nil
}

// clientOfToken returns the client of a token, or errToken when that one is gone: one of
// its ID that was made anew is another. What ends a JWT of a client that acts for itself
// is, too, that the secret or key with which it was got proves nothing any more.
func (p *Provider) clientOfToken(ctx context.Context, b *bearer) (*tenant.Client, error) {
	c, err := p.clientAsKnown(ctx, b)
	if errors.Is(err, errToken) { // another process may have changed the client a moment ago
		p.tenant.Clients.Renew()
		c, err = p.clientAsKnown(ctx, b)
	}
	return c, err
}

func (p *Provider) clientAsKnown(ctx context.Context, b *bearer) (*tenant.Client, error) {
	c, err := p.tenant.Clients.Get(ctx, b.clientID)
	if errors.Is(err, tenant.ErrNotFound) {
		return nil, errToken
	}
	if err != nil || !b.jwt {
		return c, err
	}
	used := []string{""} // for a person
	if b.userID == "" {
		if used, err = p.credentials(c); err != nil {
			return nil, err
		}
	}
	for _, credential := range used {
		mark, err := p.clientMark(ctx, c, credential)
		if err != nil || mark == b.mark {
			return c, err
		}
	}
	return nil, errToken
}

// takes returns errToken when a client takes nobody any more who comes as this user can.
func (p *Provider) takes(ctx context.Context, c *tenant.Client, u *tenant.User) error {
	for _, i := range u.Identities {
		if taken, err := p.admits(ctx, c, i.Connection); taken || err != nil {
			return err
		}
	}
	return errToken
}

// outlived reports whether a token is from before everything of its user was
// ended, as by a new password. Opaque ones are ended with it.
func (b *bearer) outlived(u *tenant.User) bool {
	return b.jwt && b.epoch != strconv.FormatInt(u.Epoch, 36)
}

// introspect says what a token is worth (RFC 7662), to clients that can keep a
// secret, about tokens that were given to them; to a client of type
// resource_server about those for its API too.
func (p *Provider) introspect(w http.ResponseWriter, r *http.Request) {
	in, err := bodyParams(w, r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	c, err := p.authenticate(r, in)
	switch {
	case err != nil:
		p.recordClient(r, in, "feccft", err)
		p.fail(w, r, err)
		return
	case !c.confidential():
		p.fail(w, r, errClient(false))
		return
	case in["token"] == "":
		p.fail(w, r, missing("token"))
		return
	}
	body, err := p.introspection(r.Context(), c, in["token"])
	if err != nil {
		p.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

func (p *Provider) introspection(ctx context.Context, c caller, token string) (map[string]any, error) {
	inactive := map[string]any{"active": false}
	f, err := p.tenant.FindRefreshToken(ctx, secret.String(token))
	switch {
	case err == nil && f.ClientID == c.ID:
		_, a, err := p.worth(ctx, c.Client, f, f.Scope)
		if _, refused := errors.AsType[*oauthError](err); refused {
			return inactive, nil
		}
		if err != nil {
			return nil, err
		}
		out := map[string]any{
			"active": true, "client_id": f.ClientID, "sub": f.UserID, "scope": strings.Join(a.scope, " "), "iss": p.issuer,
			"iat": f.CreatedAt.Unix(), "token_type": "refresh_token",
		}
		if !f.ExpiresAt.IsZero() {
			out["exp"] = f.ExpiresAt.Unix()
		}
		return out, nil
	case err == nil:
		return inactive, nil
	case !errors.Is(err, tenant.ErrNotFound):
		return nil, err
	}
	b, err := p.inspectAll(ctx, token)
	if err == nil && b.clientID != c.ID && !slices.Contains(b.audience, apiOf(c.Client)) {
		err = errToken
	}
	if err == nil {
		_, err = p.judgeToken(ctx, b)
	}
	if errors.Is(err, errToken) {
		return inactive, nil
	}
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"active": true, "client_id": b.clientID, "scope": strings.Join(b.scope, " "), "iss": p.issuer, "aud": b.audience,
		"exp": b.expires.Unix(), "iat": b.issued.Unix(), "token_type": "Bearer",
	}
	if out["sub"] = b.userID; b.userID == "" {
		out["sub"] = b.clientID + "@clients"
	}
	return out, nil
}

// apiOf returns the identifier of the API that a client is; empty when it is
// none.
func apiOf(c *tenant.Client) string {
	var identifier string
	if c.AppType == "resource_server" {
		_ = json.Unmarshal(c.Extra["resource_server_identifier"], &identifier) // none, then
	}
	return identifier
}

// verifierForAll returns a verifier of the access tokens for APIs that are signed
// with a key of the provider.
func (p *Provider) verifierForAll(apis []*tenant.API) (*jose.Verifier, error) {
	audience := []string{p.base + "/userinfo"}
	for _, api := range apis {
		audience = append(audience, api.Identifier)
	}
	return jose.NewVerifier(jose.VerifierConfig{
		Keys: p.signing(), Issuer: p.issuer, Audience: audience, Type: []string{"JWT", jose.AccessTokenType}, Now: p.now, CacheSize: -1,
	})
}

// revoke ends a refresh token, or an opaque or JWT access token, of its client
// (RFC 7009). An unknown one is no error.
func (p *Provider) revoke(w http.ResponseWriter, r *http.Request) {
	in, err := bodyParams(w, r)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	c, err := p.authenticate(r, in)
	switch {
	case err != nil:
		p.recordClient(r, in, "fertft", err)
		p.fail(w, r, err)
		return
	case in["token"] == "":
		p.fail(w, r, missing("token"))
		return
	}
	clientOrigin(w, r, c.Client)
	if err := p.revokeToken(r, c, in["token"]); err != nil {
		p.fail(w, r, err)
		return
	}
	noStore(w)
	w.WriteHeader(http.StatusOK)
}

func (p *Provider) revokeToken(r *http.Request, c caller, token string) error {
	ctx := r.Context()
	f, err := p.tenant.OwnerOfRefreshToken(ctx, secret.String(token))
	if err == nil {
		if f.ClientID != c.ID {
			return nil
		}
		p.record(r, "srrt", c.Client, &tenant.User{ID: f.UserID}, "", nil)
		return p.tenant.RevokeGrant(ctx, f.ID)
	}
	if !errors.Is(err, tenant.ErrNotFound) {
		return err
	}
	b, err := p.inspectAll(ctx, token)
	switch {
	case errors.Is(err, errToken) || err == nil && b.clientID != c.ID:
		return nil
	case err != nil:
		return err
	case b.jwt:
		return p.tenant.RevokeJWT(ctx, b.id, b.expires)
	}
	_, err = p.tenant.UseToken(ctx, tenant.OpaqueToken, secret.String(token))
	if errors.Is(err, tenant.ErrUsed) || errors.Is(err, tenant.ErrNotFound) {
		return nil
	}
	return err
}

// endGrant ends what a code led to.
func (p *Provider) endGrant(ctx context.Context, t *tenant.Token) error {
	var issued struct {
		ID      string    `json:"jti"`
		Expires time.Time `json:"exp"`
	}
	if err := json.Unmarshal(t.Data, &issued); err != nil {
		issued.ID = "" // not exchanged to the end
	}
	return p.endIssued(ctx, t.GrantID, issued.ID, issued.Expires)
}

// endIssued ends the JWT of this ID, if there is one, and all else of a grant.
func (p *Provider) endIssued(ctx context.Context, grantID, id string, expires time.Time) error {
	if id != "" {
		if err := p.tenant.RevokeJWT(ctx, id, expires); err != nil {
			return err
		}
	}
	return p.tenant.RevokeGrant(ctx, grantID)
}

// errHint means that an ID token was not made by us.
var errHint = errors.New("not an ID token of ours")

// verifyHint returns the claims of an ID token that was made by us for any
// client, also of one that has expired: it proves nothing but what was true.
func (p *Provider) verifyHint(ctx context.Context, token string) (*jose.Claims, error) {
	clients, err := p.tenant.Clients.List(ctx)
	if err != nil {
		return nil, err
	}
	audience := make([]string, 0, len(clients))
	for _, c := range clients {
		audience = append(audience, c.ID)
	}
	if len(audience) == 0 {
		return nil, errHint
	}
	issued := claimedTime(token)
	v, err := jose.NewVerifier(jose.VerifierConfig{
		Keys: p.signing(), Issuer: p.issuer, Audience: audience, Type: []string{"JWT"}, IDToken: true, CacheSize: -1,
		Now: func() time.Time { return issued },
	})
	if err != nil {
		return nil, err
	}
	claims, err := v.Verify(ctx, token)
	if errors.Is(err, jose.ErrUnavailable) {
		return nil, err
	}
	if err != nil {
		return p.verifySecretHint(ctx, token, clients, issued)
	}
	if _, access := claims.Extra["azp"]; access || len(claims.Audience) != 1 {
		return nil, errHint // an access token says for whom it was made, whatever its audience
	}
	return claims, nil
}
