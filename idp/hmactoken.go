package idp

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/jose"
)

// inspectAll is [Provider.inspect] for the tokens of all APIs. Those of an API
// whose tokens are signed with HS256 can be made by whoever keeps its secret. So
// they speak for that API alone: they are told from others by the secret, and one
// that names another audience besides is none. UserInfo and the Management API
// take none of them.
func (p *Provider) inspectAll(ctx context.Context, token string) (*bearer, error) {
	apis, err := p.tenant.APIs.List(ctx)
	if err != nil {
		return nil, err
	}
	v, err := p.verifierForAll(apis)
	if err != nil {
		return nil, err
	}
	b, err := p.inspect(ctx, token, v)
	if !errors.Is(err, errToken) || strings.Count(token, ".") != 2 {
		return b, err
	}
	for _, api := range apis {
		if jose.Algorithm(api.SigningAlg) != jose.HS256 {
			continue
		}
		v, err := p.verifierFor(api)
		if err != nil {
			continue // its secret cannot sign either
		}
		b, err := p.inspect(ctx, token, v)
		switch {
		case err == nil && p.onlyFor(b, api):
			return p.ofSecret(ctx, b, api)
		case err != nil && !errors.Is(err, errToken):
			return nil, err
		}
	}
	return nil, errToken
}

// verifierFor returns a verifier of tokens that are signed with the secret of an
// API.
func (p *Provider) verifierFor(api *tenant.API) (*jose.Verifier, error) {
	keys, err := secretKeys(api.SigningSecret)
	if err != nil {
		return nil, err
	}
	return jose.NewVerifier(jose.VerifierConfig{
		Keys: keys, Issuer: p.issuer, Audience: []string{api.Identifier}, Type: []string{"JWT", jose.AccessTokenType}, Now: p.now, CacheSize: -1,
	})
}

// onlyFor reports whether a token is for an API and nothing else; the address of
// UserInfo is in every one with the scope openid.
func (p *Provider) onlyFor(b *bearer, api *tenant.API) bool {
	return !slices.ContainsFunc(b.audience, func(a string) bool { return a != api.Identifier && a != p.base+"/userinfo" })
}

// ofSecret gives a token a name that no other API can use up: the one in it was
// perhaps chosen by whoever keeps the secret.
func (p *Provider) ofSecret(ctx context.Context, b *bearer, api *tenant.API) (*bearer, error) {
	b.id = "hs256|" + api.ID + "|" + hashText(b.id)
	revoked, err := p.tenant.JWTRevoked(ctx, b.id)
	if err != nil {
		return nil, err
	}
	if revoked {
		return nil, errToken
	}
	return b, nil
}

// verifySecretHint is [Provider.verifyHint] for ID tokens that are signed with the
// secret of their client: one that is set to that, the only one that they name.
// Such a token can be made by whoever keeps the secret.
func (p *Provider) verifySecretHint(ctx context.Context, token string, clients []*tenant.Client, at time.Time) (*jose.Claims, error) {
	for _, c := range clients {
		if !secretSigned(c) {
			continue
		}
		keys, err := secretKeys(c.Secret)
		if err != nil {
			continue // it cannot sign either
		}
		v, err := jose.NewVerifier(jose.VerifierConfig{
			Keys: keys, Issuer: p.issuer, Audience: []string{c.ID}, Type: []string{"JWT"}, IDToken: true, CacheSize: -1,
			Now: func() time.Time { return at },
		})
		if err != nil {
			return nil, err
		}
		if claims, err := v.Verify(ctx, token); err == nil && len(claims.Audience) == 1 {
			return claims, nil
		}
	}
	return nil, errHint
}

// secretKeys is a key set of one secret, for HS256 alone.
func secretKeys(text string) (*jose.KeySet, error) {
	key, err := jose.NewHMACKey("", jose.HS256, []byte(text))
	if err != nil {
		return nil, err
	}
	return jose.NewKeySet(key)
}
