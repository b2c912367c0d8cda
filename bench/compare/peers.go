package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/auth0/go-jwt-middleware/v3/validator"
	gojose "github.com/go-jose/go-jose/v4"
	gojwt "github.com/go-jose/go-jose/v4/jwt"
	golang "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwx "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/gatewright/gate/jose"
)

// What all tokens are for.
const (
	issuer   = "https://issuer.test/"
	audience = "https://api.test"
	leeway   = 30 * time.Second
)

// algorithms are those that are measured.
func algorithms() []jose.Algorithm {
	return []jose.Algorithm{jose.HS256, jose.RS256, jose.ES256, jose.EdDSA}
}

// A material is one key as everybody wants to have it.
type material struct {
	alg     jose.Algorithm
	key     *jose.Key
	verify  any           // a secret or a public key
	private crypto.Signer // nil for a secret
}

func newMaterial(alg jose.Algorithm, kid string) (*material, error) {
	if alg == jose.HS256 {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret)
		key, err := jose.NewHMACKey(kid, alg, secret)
		return &material{alg, key, secret, nil}, err
	}
	private, err := newPrivate(alg)
	if err != nil {
		return nil, err
	}
	key, err := jose.NewPrivateKey(kid, alg, private)
	return &material{alg, key, private.Public(), private}, err
}

func newPrivate(alg jose.Algorithm) (crypto.Signer, error) {
	switch alg {
	case jose.RS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	case jose.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
}

// token returns a token of a random ID.
func (m *material) token() (string, error) {
	now := time.Now()
	return jose.Sign(m.key, jose.AccessTokenType, &jose.Claims{
		Issuer: issuer, Audience: []string{audience}, Subject: "user-7", ID: rand.Text(),
		IssuedAt: now, Expiry: now.Add(time.Hour), Extra: map[string]any{"roles": []string{"cook", "guest"}},
	})
}

func (m *material) tokens(n int) ([]string, error) {
	list := make([]string, n)
	for i := range list {
		var err error
		if list[i], err = m.token(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// A verifier says whether a token is good: signature, algorithm, issuer,
// audience and times.
type verifier func(ctx context.Context, token string) error

// A peer is a library that verifies tokens.
type peer struct {
	name string
	make func(m *material) (verifier, error)
}

// ours is always the first of the peers.
func peers() []peer {
	return []peer{
		{"gate/jose", func(m *material) (verifier, error) { return newOurs(m, 0) }},
		{"golang-jwt", newGolang},
		{"go-jose", newGoJose},
		{"jwx", newJWX},
		{"keyfunc", newKeyfunc},
		{"go-jwt-middleware", newMiddleware},
	}
}

// newOurs remembers size tokens; 0 means as many as usual.
func newOurs(m *material, size int) (verifier, error) {
	keys, err := jose.NewKeySet(m.key)
	if err != nil {
		return nil, err
	}
	return oursWith(keys, size)
}

func oursWith(keys jose.KeySource, size int) (verifier, error) {
	v, err := jose.NewVerifier(jose.VerifierConfig{
		Keys: keys, Issuer: issuer, Audience: []string{audience}, Leeway: leeway, CacheSize: size,
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, token string) error {
		_, err := v.Verify(ctx, token)
		return err
	}, nil
}

func newGolang(m *material) (verifier, error) {
	return golangWith(m.alg, func(*golang.Token) (any, error) { return m.verify, nil }), nil
}

func golangParser(alg jose.Algorithm) *golang.Parser {
	return golang.NewParser(golang.WithValidMethods([]string{string(alg)}), golang.WithIssuer(issuer),
		golang.WithAudience(audience), golang.WithExpirationRequired(), golang.WithIssuedAt(), golang.WithLeeway(leeway))
}

func golangWith(alg jose.Algorithm, key golang.Keyfunc) verifier {
	p := golangParser(alg)
	return func(_ context.Context, token string) error {
		_, err := p.ParseWithClaims(token, golang.MapClaims{}, key)
		return err
	}
}

func newGoJose(m *material) (verifier, error) {
	algs := []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(m.alg)}
	return func(_ context.Context, token string) error {
		t, err := gojwt.ParseSigned(token, algs)
		if err != nil {
			return err
		}
		var c gojwt.Claims
		var all map[string]any
		if err := t.Claims(m.verify, &c, &all); err != nil {
			return err
		}
		return c.ValidateWithLeeway(gojwt.Expected{Issuer: issuer, AnyAudience: []string{audience}, Time: time.Now()}, leeway)
	}, nil
}

func newJWX(m *material) (verifier, error) {
	alg, ok := jwa.LookupSignatureAlgorithm(string(m.alg))
	if !ok {
		return nil, fmt.Errorf("jwx does not know %s", m.alg)
	}
	key, err := jwk.Import(m.verify)
	if err != nil {
		return nil, err
	}
	return jwxWith(jwx.WithKey(alg, key)), nil
}

func jwxWith(key jwx.ParseOption) verifier {
	return func(_ context.Context, token string) error {
		_, err := jwx.Parse([]byte(token), key, jwx.WithIssuer(issuer), jwx.WithAudience(audience), jwx.WithAcceptableSkew(leeway))
		return err
	}
}

func newKeyfunc(m *material) (verifier, error) {
	if m.alg == jose.HS256 {
		return nil, nil //nolint:nilnil // it is for key sets, which have no secrets
	}
	keys, err := jose.NewKeySet(m.key)
	if err != nil {
		return nil, err
	}
	k, err := keyfunc.NewJWKSetJSON(keys.JWKS())
	if err != nil {
		return nil, err
	}
	return golangWith(m.alg, k.Keyfunc), nil
}

func newMiddleware(m *material) (verifier, error) {
	key, err := jwk.Import(m.verify)
	if err != nil {
		return nil, err
	}
	return middlewareWith(m.alg, func(context.Context) (any, error) { return key, nil })
}

func middlewareWith(alg jose.Algorithm, key func(context.Context) (any, error)) (verifier, error) {
	v, err := newValidator(alg, key)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, token string) error {
		_, err := v.ValidateToken(ctx, token)
		return err
	}, nil
}

func newValidator(alg jose.Algorithm, key func(context.Context) (any, error)) (*validator.Validator, error) {
	return validator.New(
		validator.WithKeyFunc(key), validator.WithAlgorithm(validator.SignatureAlgorithm(alg)),
		validator.WithIssuer(issuer), validator.WithAudience(audience), validator.WithAllowedClockSkew(leeway),
	)
}
