package upstream

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/internal/unverified"
	"github.com/gatewright/gate/jose"
)

// maxIDToken leaves room for the groups that Entra puts into tokens.
const maxIDToken = 16 << 10

// verifyIDToken returns the claims of an ID token that holds (OpenID Connect
// Core 1.0 §3.1.3.7).
func (c *Connection) verifyIDToken(ctx context.Context, p *Pending, t *Tokens) (*jose.Claims, error) {
	raw := t.ID.Reveal()
	named, alg, err := peek(raw)
	if err != nil {
		return nil, because(ErrInvalid, fmt.Errorf("ID token: %w", err))
	}
	v, err := jose.NewVerifier(jose.VerifierConfig{
		Keys: c.keys, Issuer: c.issuerOf(named), Audience: []string{c.cfg.ClientID},
		Type: []string{"JWT", ""}, IDToken: true, MaxSize: maxIDToken, CacheSize: -1, Now: c.now,
	})
	if err != nil {
		return nil, fmt.Errorf("verify ID token: %w", err)
	}
	claims, err := v.Verify(ctx, raw)
	if reason, ok := errors.AsType[jose.Error](err); err != nil && ok && reason != jose.ErrUnavailable {
		return nil, because(ErrInvalid, fmt.Errorf("ID token: %w", err))
	}
	if err != nil {
		return nil, because(ErrUnavailable, fmt.Errorf("ID token: %w", err))
	}
	if err := c.checkIDToken(claims, p, t, alg); err != nil {
		return nil, err
	}
	return claims, nil
}

// checkIDToken checks what is peculiar to ID tokens.
func (c *Connection) checkIDToken(claims *jose.Claims, p *Pending, t *Tokens, alg string) error {
	invalid := func(text string) error { return because(ErrInvalid, errors.New("ID token: "+text)) }
	nonce, _ := claims.String("nonce")
	party, named := claims.Extra["azp"]
	switch {
	case !secret.String(nonce).Equal(secret.String(p.Nonce)):
		return invalid("the nonce is another")
	case named && party != c.cfg.ClientID, !named && len(claims.Audience) > 1:
		return invalid("it was issued to another client")
	case !subject(claims.Subject):
		return invalid("there is no good subject")
	}
	if hash, there := claims.Extra["at_hash"]; there && hash != leftHalf(alg, t.Access.Reveal()) {
		return invalid("it goes with another access token")
	}
	if p.MaxAge > 0 {
		at, ok := claims.Time("auth_time")
		if !ok || time.Unix(p.Started, 0).Sub(at) > time.Duration(p.MaxAge)*time.Second+clockSkew {
			return invalid("the person was not asked again")
		}
	}
	if !c.microsoft() {
		return nil
	}
	tenant, ok := tenantOf(claims.Issuer)
	if tid, _ := claims.String("tid"); !ok || tid != tenant {
		return invalid("tenant and issuer differ")
	}
	if !slices.Contains(c.cfg.Tenants, tenant) && !slices.Contains(c.cfg.Tenants, AnyTenant) {
		return because(ErrNotAllowed, fmt.Errorf("the tenant %s is not on the list", tenant))
	}
	return nil
}

// microsoft reports whether issuers depend on the tenant of the account.
func (c *Connection) microsoft() bool {
	return c.preset.issuer == "" && (c.cfg.Strategy == Entra || c.cfg.Strategy == MicrosoftAccount)
}

// issuerOf returns who has to have issued a token that names an issuer: the one
// of the connection, whatever the token says, unless the provider has several
// names.
func (c *Connection) issuerOf(named string) string {
	if c.microsoft() {
		if _, ok := tenantOf(named); ok {
			return named
		}
		return microsoftHost + c.cfg.Tenant + "/v2.0"
	}
	if c.cfg.Strategy == Google && !c.cfg.Imitation && named == "accounts.google.com" {
		return named // as Google documents
	}
	return c.preset.issuer
}

// tenantOf returns the tenant in an issuer of Microsoft.
func tenantOf(issuer string) (string, bool) {
	rest, ours := strings.CutPrefix(issuer, microsoftHost)
	tenant, ok := strings.CutSuffix(rest, "/v2.0")
	return tenant, ours && ok && guid.MatchString(tenant)
}

// peek returns what a token says about its issuer and its algorithm before
// anything is known to be true. The issuer chooses among those that are
// trusted anyway; the algorithm is used after the signature held.
func peek(token string) (issuer, alg string, err error) {
	parts, err := unverified.DecodeUnverified(token)
	if err != nil {
		return "", "", err
	}
	for _, part := range []struct {
		raw  []byte
		name string
		to   *string
	}{{parts.Claims, "iss", &issuer}, {parts.Header, "alg", &alg}} {
		members, err := strictjson.Members(part.raw)
		if err != nil {
			return "", "", err
		}
		for _, m := range members {
			if m.Key != part.name {
				continue
			}
			if *part.to, err = strictjson.Unquote(m.Value); err != nil {
				return "", "", err
			}
		}
	}
	return issuer, alg, nil
}

// leftHalf returns what at_hash has to be (OpenID Connect Core 1.0 §3.1.3.6).
func leftHalf(alg, token string) string {
	var sum []byte
	switch {
	case strings.HasSuffix(alg, "256"):
		h := sha256.Sum256([]byte(token))
		sum = h[:]
	case strings.HasSuffix(alg, "384"):
		h := sha512.Sum384([]byte(token))
		sum = h[:]
	default: // 512, and Ed25519 which has SHA-512 in it
		h := sha512.Sum512([]byte(token))
		sum = h[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
