package idp

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is the SHA-1 of a certificate (RFC 7517 §4.8)
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/keyring"
)

// longestToken is the longest life of an access token or ID token.
const longestToken = 30 * 24 * time.Hour

func (p *Provider) openKeys(ctx context.Context, db *store.DB) (err error) {
	cfg := keyring.Config{
		Ring: "idp-rs256", Algorithm: jose.RS256, Secret: p.cfg.Secret, KeepFor: longestToken, RotateEvery: p.cfg.RotateEvery,
		PublishBefore: time.Hour, AlwaysNext: true, Logger: p.log, Now: p.now,
	}
	if p.keys, err = keyring.Open(ctx, db, cfg); err != nil {
		return err
	}
	cfg.Ring, cfg.Algorithm = "idp-es256", jose.ES256
	if p.ec, err = keyring.Open(ctx, db, cfg); err != nil {
		return err
	}
	p.pss = &pssKeys{ring: p.keys, known: map[string]*jose.Key{}}
	p.certs = &certificates{known: map[string]*x509.Certificate{}}
	p.verifier, err = jose.NewVerifier(jose.VerifierConfig{
		Keys: p.signing(), Issuer: p.issuer, Audience: []string{p.base + "/userinfo", p.base + "/api/v2/"},
		Type: []string{"JWT", jose.AccessTokenType}, Now: p.now,
	})
	return err
}

// signingKeys are the keys of the provider, private halves and all: they stay in
// this package.
type signingKeys struct {
	rsa, ec *keyring.Keyring
	pss     *pssKeys
}

func (p *Provider) signing() signingKeys { return signingKeys{p.keys, p.ec, p.pss} }

// Key implements [jose.KeySource].
func (k signingKeys) Key(ctx context.Context, kid string, alg jose.Algorithm) (*jose.Key, error) {
	switch alg {
	case jose.ES256:
		return k.ec.Key(ctx, kid, alg)
	case jose.PS256:
		return k.pss.Key(ctx, kid, alg)
	}
	return k.rsa.Key(ctx, kid, alg)
}

// jwks serves the public keys, those for RS256 with a certificate, which old
// libraries ask for, and once more for PS256.
func (p *Provider) jwks(w http.ResponseWriter, r *http.Request) {
	data, err := p.jwksDocument()
	if err != nil {
		p.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=600, stale-while-revalidate=600")
	sum := sha256.Sum256(data)
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data)) // or 304, when they are the same
}

func (p *Provider) jwksDocument() ([]byte, error) {
	var all []map[string]any
	for _, ring := range []*keyring.Keyring{p.keys, p.ec} {
		for _, info := range ring.Keys().Keys() {
			key, ok := ring.Keys().ByID(info.ID)
			if !ok {
				continue
			}
			keys := []*jose.Key{key}
			if ring == p.keys {
				pss, err := p.pss.of(key)
				if err != nil {
					return nil, err
				}
				keys = append(keys, pss)
			}
			for _, key := range keys {
				jwk, err := p.jwk(key)
				if err != nil {
					return nil, err
				}
				all = append(all, jwk)
			}
		}
	}
	return json.Marshal(map[string]any{"keys": all})
}

func (p *Provider) jwk(key *jose.Key) (map[string]any, error) {
	data, err := key.MarshalJSON()
	if err != nil {
		return nil, err
	}
	jwk := map[string]any{}
	if err := json.Unmarshal(data, &jwk); err != nil {
		return nil, err
	}
	jwk["use"] = "sig"
	delete(jwk, "key_ops")
	if key.Algorithm() != jose.RS256 {
		return jwk, nil
	}
	cert, err := p.certs.of(key, p.host)
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum(cert.Raw) //nolint:gosec // see the import
	jwk["x5t"] = base64.RawURLEncoding.EncodeToString(sum[:])
	jwk["x5c"] = []string{base64.StdEncoding.EncodeToString(cert.Raw)}
	return jwk, nil
}

// certificates are those of the signing keys. A certificate is made from nothing
// but the key, with a signature that is not random, so that each process makes
// the same.
type certificates struct {
	mu    sync.Mutex
	known map[string]*x509.Certificate
}

func (c *certificates) of(key *jose.Key, host string) (*x509.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cert, ok := c.known[key.ID()]; ok {
		return cert, nil
	}
	private, err := rsaKey(key)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", key.ID(), err)
	}
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes([]byte(key.ID())[:min(8, len(key.ID()))]),
		Subject:      pkix.Name{CommonName: host},
		NotBefore:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2046, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA:         true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", key.ID(), err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", key.ID(), err)
	}
	c.known[key.ID()] = cert
	return cert, nil
}

// rsaKey returns the private half of an RSA key.
func rsaKey(key *jose.Key) (*rsa.PrivateKey, error) {
	data, err := key.MarshalPrivateJWK()
	if err != nil {
		return nil, err
	}
	var parts map[string]any
	if err := json.Unmarshal(data, &parts); err != nil {
		return nil, err
	}
	number := func(name string) *big.Int {
		text, _ := parts[name].(string)
		raw, _ := base64.RawURLEncoding.DecodeString(text)
		return new(big.Int).SetBytes(raw)
	}
	private := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: number("n"), E: int(number("e").Int64())},
		D:         number("d"), Primes: []*big.Int{number("p"), number("q")},
	}
	private.Precompute()
	return private, private.Validate()
}

func (p *Provider) currentCertificate() (*x509.Certificate, error) {
	return p.certs.of(p.keys.Keys().Signing(), p.host)
}

func (p *Provider) pem(w http.ResponseWriter, r *http.Request) {
	cert, err := p.currentCertificate()
	if err != nil {
		p.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(bytes.TrimSpace(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
}

func (p *Provider) cer(w http.ResponseWriter, r *http.Request) {
	cert, err := p.currentCertificate()
	if err != nil {
		p.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/pkix-cert")
	_, _ = w.Write(cert.Raw)
}
