package idp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/jose"
)

// The lives of tokens where client and API say nothing.
const (
	idTokenLife     = 10 * time.Hour
	accessTokenLife = 24 * time.Hour
	webTokenLife    = 2 * time.Hour
)

// An issuance is what tokens are made from.
type issuance struct {
	client *tenant.Client
	user   *tenant.User // nil for a client that acts for itself
	// credential is that of a client that acts for itself, see [caller].
	credential string
	access
	// grants are the grant types that led here, the newest first, where the
	// token says them.
	grants     []string
	grantType  string // see [tenant.FamilyDetails]
	sid        string
	authTime   time.Time
	methods    []tenant.AuthMethod
	nonce      string
	grantID    string
	epoch      int64 // of the user, when they proved who they are
	atEndpoint bool  // tokens that the authorization endpoint gives out live shorter
	accessMore map[string]any
	idMore     map[string]any
	code       string // for c_hash
	refresh    ends   // that actions want of the refresh token
}

// An accessToken is a token with what the client is told of it.
type accessToken struct {
	text string
	id   string // jti, of a JWT
	life time.Duration
	exp  time.Time
	// stored is what the text stands for in the database; nil for a JWT.
	stored *tenant.NewToken
}

// accessToken makes the access token, and stores it where that is needed.
func (p *Provider) accessToken(ctx context.Context, i *issuance) (accessToken, error) {
	t, err := p.mintAccess(ctx, i)
	if err != nil {
		return t, err
	}
	return t, p.keep(ctx, t)
}

// keep stores an access token that is no JWT.
func (p *Provider) keep(ctx context.Context, t accessToken) error {
	if t.stored == nil {
		return nil
	}
	return p.tenant.CreateToken(ctx, t.stored.Text, t.stored.Token)
}

// tokenID makes the jti of a JWT. For that of a user the epoch is in it in which they
// proved who they are: whatever ends everything of theirs ends what it was good for
// at this provider, to the moment and not to the second of "iat". It ends with the
// mark of its client.
func (p *Provider) tokenID(ctx context.Context, i *issuance) (string, error) {
	epoch := ""
	if i.user != nil {
		epoch = strconv.FormatInt(i.epoch, 36)
	}
	mark, err := p.clientMark(ctx, i.client, i.credential)
	return secret.Text().Reveal()[:22] + "." + epoch + "." + mark, err
}

// clientMark tells a client from one that was made anew under its ID; of one that
// acts for itself also from what it was before that credential was another.
func (p *Provider) clientMark(ctx context.Context, c *tenant.Client, credential string) (string, error) {
	made, err := p.tenant.Clients.Made(ctx, c.ID)
	if err != nil && !errors.Is(err, tenant.ErrNotFound) { // gone meanwhile: nothing takes the token
		return "", err
	}
	mac := hmac.New(sha256.New, p.markKey)
	_, _ = fmt.Fprintf(mac, "%d", made.UnixMilli())
	if credential != "" {
		_, _ = fmt.Fprintf(mac, " %q", credential)
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:9]), nil
}

// mintAccess makes the access token: a JWT for an API; without one an opaque
// token, which is good for nothing until it is stored.
func (p *Provider) mintAccess(ctx context.Context, i *issuance) (accessToken, error) {
	now := p.now()
	if i.api == nil {
		return p.opaqueToken(i, now)
	}
	id, err := p.tokenID(ctx, i)
	if err != nil {
		return accessToken{}, err
	}
	t := accessToken{life: seconds(i.api.TokenLifetime, accessTokenLife), id: id}
	if i.atEndpoint {
		t.life = min(t.life, seconds(i.api.TokenLifetimeForWeb, webTokenLife))
	}
	t.exp = now.Add(t.life)
	claims := &jose.Claims{
		Issuer: p.issuer, Audience: []string{i.api.Identifier}, IssuedAt: now, Expiry: t.exp, ID: t.id,
		Extra: map[string]any{},
	}
	addClaims(claims.Extra, i.accessMore)
	x := claims.Extra
	if i.user != nil {
		claims.Subject = i.user.ID
		if i.api.System {
			if !i.authTime.IsZero() {
				x["auth_time"] = i.authTime.Unix() // linking accounts asks for a fresh log-in
			}
			if i.sid != "" {
				x["sid"] = i.sid // a token that is good here alone ends with its session
			}
		}
		if slices.Contains(i.scope, "openid") && jose.Algorithm(i.api.SigningAlg) != jose.HS256 {
			claims.Audience = append(claims.Audience, p.base+"/userinfo")
		}
	} else {
		claims.Subject = i.client.ID + "@clients"
	}
	if len(i.scope) > 0 {
		x["scope"] = strings.Join(i.scope, " ")
	}
	typ, client := "JWT", "azp"
	if strings.HasPrefix(i.api.TokenDialect, "rfc9068_profile") {
		typ, client = jose.AccessTokenType, "client_id"
	}
	x[client] = i.client.ID
	if typ == "JWT" || slices.Contains(i.grants, "password") { // of which nobody was asked; see [Provider.stillAllowed]
		switch len(i.grants) {
		case 0:
		case 1:
			x["gty"] = i.grants[0]
		default:
			x["gty"] = i.grants
		}
	}
	if !i.client.FirstParty {
		x["third_party"] = true // APIs grant by scope: what else is in it, nobody was asked for
	}
	if i.permissions != nil {
		x["permissions"] = i.permissions
	}
	t.text, err = p.signAccess(typ, i.api, claims)
	return t, p.tooLarge(ctx, i, "access token", err)
}

// signAccess signs with the algorithm of the API.
func (p *Provider) signAccess(typ string, api *tenant.API, claims *jose.Claims) (string, error) {
	key := p.keys.Keys().Signing()
	var err error
	switch jose.Algorithm(api.SigningAlg) {
	case jose.HS256:
		if key, err = jose.NewHMACKey("", jose.HS256, []byte(api.SigningSecret)); err != nil {
			return "", fmt.Errorf("API %q: %w", api.Identifier, err)
		}
	case jose.ES256:
		key = p.ec.Keys().Signing()
	case jose.PS256:
		if key, err = p.pss.signing(); err != nil {
			return "", err
		}
	case jose.RS256, "":
	default:
		return "", fmt.Errorf("API %q: signing algorithm %q is not supported", api.Identifier, api.SigningAlg)
	}
	return jose.Sign(key, typ, claims)
}

func seconds(n int, otherwise time.Duration) time.Duration {
	if n <= 0 {
		return otherwise
	}
	return min(time.Duration(n)*time.Second, longestToken)
}

// An opaque is what an opaque access token stands for.
type opaque struct {
	Scope  []string `json:"scope"`
	Grants []string `json:"grants,omitempty"`
	// More are the claims that actions gave the ID token.
	More map[string]any `json:"more,omitempty"`
}

func (p *Provider) opaqueToken(i *issuance, now time.Time) (accessToken, error) {
	text := secret.Text()
	data, err := json.Marshal(opaque{Scope: i.scope, Grants: i.grants, More: i.idMore})
	if err != nil {
		return accessToken{}, err
	}
	t := accessToken{text: text.Reveal(), life: accessTokenLife, exp: now.Add(accessTokenLife)}
	t.stored = &tenant.NewToken{Text: text, Token: tenant.Token{
		Kind: tenant.OpaqueToken, UserID: i.user.ID, ClientID: i.client.ID, GrantID: i.grantID, ExpiresAt: t.exp, Data: data,
		Epoch: &i.epoch,
	}}
	return t, nil
}

// addClaims adds the claims of actions. One that an action set to null goes, and so
// does one that differs from a claim of ours in case alone: some would read it as ours.
func addClaims(claims, more map[string]any) {
	ours := slices.Collect(maps.Keys(claims))
	for name, value := range more {
		if !slices.ContainsFunc(ours, func(our string) bool { return our != name && strings.EqualFold(our, name) }) {
			claims[name] = value
		}
	}
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
}

// idToken makes the ID token (OpenID Connect Core 1.0 §2).
func (p *Provider) idToken(ctx context.Context, i *issuance, access string) (string, error) {
	now := p.now()
	claims := &jose.Claims{
		Issuer: p.issuer, Subject: i.user.ID, Audience: []string{i.client.ID}, IssuedAt: now,
		Expiry: now.Add(seconds(i.client.JWT.LifetimeSeconds, idTokenLife)), Extra: profileClaims(i.user, i.scope),
	}
	addClaims(claims.Extra, i.idMore)
	x := claims.Extra
	if i.sid != "" {
		x["sid"] = i.sid
	}
	if !i.authTime.IsZero() {
		x["auth_time"] = i.authTime.Unix()
	}
	if i.nonce != "" {
		x["nonce"] = i.nonce
	}
	if access != "" && i.atEndpoint {
		x["at_hash"] = halfHash(access)
	}
	if i.code != "" {
		x["c_hash"] = halfHash(i.code)
	}
	key := p.keys.Keys().Signing()
	var err error
	switch {
	case secretSigned(i.client):
		if key, err = jose.NewHMACKey("", jose.HS256, []byte(i.client.Secret)); err != nil {
			return "", fmt.Errorf("client %q: %w", i.client.ID, err)
		}
	case jose.Algorithm(i.client.JWT.Algorithm) == jose.PS256:
		if key, err = p.pss.signing(); err != nil {
			return "", err
		}
	}
	text, err := jose.Sign(key, "JWT", claims)
	return text, p.tooLarge(ctx, i, "ID token", err)
}

// tooLarge makes a refusal of a token that would be larger than anybody reads: what
// is in it was given by the client, or by whoever runs the provider, who reads the
// log. Any other error stays what it is.
func (p *Provider) tooLarge(ctx context.Context, i *issuance, what string, err error) error {
	size, ok := errors.AsType[*jose.SizeError](err)
	if !ok {
		return err
	}
	audience, user := "", ""
	if i.api != nil {
		audience = i.api.Identifier
	}
	if i.user != nil {
		user = i.user.ID
	}
	p.log.WarnContext(ctx, "a token would be too large: give the person fewer permissions, or have actions add less", "token", what,
		"bytes", size.Size, "most", size.Max, "client_id", i.client.ID, "audience", audience, "user_id", user,
		"scopes", len(i.scope), "permissions", len(i.permissions))
	return refuse("invalid_request", fmt.Sprintf("The %s would have %d bytes, more than the %d that are read: ask for less", what, size.Size, size.Max))
}

// secretSigned reports whether the ID tokens of a client are signed with its
// secret.
func secretSigned(c *tenant.Client) bool {
	return c.JWT.Algorithm == string(jose.HS256) && c.Secret != "" && c.AuthMethod != tenant.AuthNone
}

func halfHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// profileClaims returns what scopes let a client know about a user (OpenID
// Connect Core 1.0 §5.4, with updated_at as Auth0 writes it).
func profileClaims(u *tenant.User, scope []string) map[string]any {
	out := map[string]any{}
	set := func(name, value string, scopes ...string) {
		if value != "" && slices.ContainsFunc(append(scopes, name), func(s string) bool { return slices.Contains(scope, s) }) {
			out[name] = value
		}
	}
	set("name", u.Name, "profile")
	set("nickname", u.Nickname, "profile")
	set("given_name", u.GivenName, "profile")
	set("family_name", u.FamilyName, "profile")
	set("picture", u.Picture, "profile")
	set("email", u.Email, "email")
	set("phone_number", u.PhoneNumber, "phone")
	if slices.Contains(scope, "profile") {
		out["updated_at"] = u.UpdatedAt.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	if u.Email != "" && (slices.Contains(scope, "email") || slices.Contains(scope, "email_verified")) {
		out["email_verified"] = u.EmailVerified
	}
	if u.PhoneNumber != "" && slices.Contains(scope, "phone") {
		out["phone_number_verified"] = u.PhoneVerified
	}
	if slices.Contains(scope, "created_at") {
		out["created_at"] = u.CreatedAt.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return out
}

// refreshPolicy returns how the refresh tokens of a client live. What a client
// does not say is the safe thing: they rotate, and end.
func refreshPolicy(c *tenant.Client) tenant.RefreshPolicy {
	policy := tenant.RefreshPolicy{
		Rotation: "rotating", Expiration: "expiring", Leeway: 10, Lifetime: 2592000, IdleLifetime: 1296000,
	}
	if c.Refresh == nil {
		return policy
	}
	policy = *c.Refresh
	if policy.Lifetime <= 0 {
		policy.Lifetime = 2592000
	}
	if policy.IdleLifetime <= 0 {
		policy.IdleLifetime = 1296000
	}
	policy.Leeway = min(max(policy.Leeway, 0), 60)
	if c.AuthMethod == tenant.AuthNone {
		// A token that cannot be bound to a secret has to rotate and to end
		// (RFC 9700 §4.14.2).
		policy.Rotation, policy.Expiration = "rotating", "expiring"
		policy.InfiniteLifetime, policy.InfiniteIdle = false, false
	}
	return policy
}

// newFamily returns the refresh tokens of a grant, which are not stored yet.
func (p *Provider) newFamily(i *issuance, connection string) *tenant.Family {
	f := &tenant.Family{
		ID: i.grantID, UserID: i.user.ID, ClientID: i.client.ID, SessionID: i.sid, Epoch: i.epoch,
		FamilyDetails: tenant.FamilyDetails{
			Scope: i.scope, AuthTime: i.authTime, Connection: connection, Methods: i.methods, Grants: i.grants, GrantType: i.grantType,
		},
	}
	if i.api != nil {
		f.Audience = i.api.Identifier
	}
	e := i.refresh.within(refreshEnds(i.client, p.now(), p.now()))
	f.ExpiresAt, f.IdleExpiresAt = e.At, e.Idle
	return f
}
