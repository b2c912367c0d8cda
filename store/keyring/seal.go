package keyring

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/gatewright/gate/internal/seal"
	"github.com/gatewright/gate/jose"
)

const rsaBits = 2048

// hashSize returns the bytes of a shared secret for alg, zero for an algorithm
// with a private key.
func hashSize(alg jose.Algorithm) int {
	switch alg { //nolint:exhaustive // the others have none
	case jose.HS256:
		return 32
	case jose.HS384:
		return 48
	case jose.HS512:
		return 64
	}
	return 0
}

func supported(alg jose.Algorithm) bool {
	switch alg {
	case jose.HS256, jose.HS384, jose.HS512, jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
		jose.ES256, jose.ES384, jose.ES512, jose.EdDSA:
		return true
	}
	return false
}

// A sealer makes, seals and opens the private halves of keys.
type sealer struct {
	box  *seal.Box
	ring string
}

// generate returns a new key under its name: that of its public half
// (RFC 7638), of a shared secret one by chance.
func (s sealer) generate(alg jose.Algorithm) (id, sealed string, err error) {
	material, err := newMaterial(alg)
	if err != nil {
		return "", "", err
	}
	if id = rand.Text(); hashSize(alg) == 0 {
		key, err := parse(id, alg, material)
		if err != nil {
			return "", "", err
		}
		id = key.Thumbprint()
	}
	return id, base64.StdEncoding.EncodeToString(s.box.Seal(material, s.bound(id, alg))), nil
}

// open returns a key that was sealed under this name, for this algorithm.
func (s sealer) open(id string, alg jose.Algorithm, sealed string) (*jose.Key, error) {
	text, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", id, err)
	}
	material, err := s.box.Open(text, s.bound(id, alg))
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", id, ErrWrongSecret)
	}
	key, err := parse(id, alg, material)
	if err != nil {
		return nil, fmt.Errorf("signing key %s: %w", id, err)
	}
	return key, nil
}

// bound is what a sealed key belongs to, so that rows cannot be exchanged.
func (s sealer) bound(id string, alg jose.Algorithm) string {
	text := "gate key\x00" + string(alg) + "\x00" + id
	if s.ring != "" {
		text += "\x00" + s.ring
	}
	return text
}

// newMaterial returns a new private key as PKCS#8, or a shared secret.
func newMaterial(alg jose.Algorithm) ([]byte, error) {
	if n := hashSize(alg); n > 0 {
		secret := make([]byte, n)
		_, _ = rand.Read(secret) // never fails
		return secret, nil
	}
	var (
		private crypto.Signer
		err     error
	)
	switch alg { //nolint:exhaustive // the rest are RSA
	case jose.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.ES384:
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case jose.ES512:
		private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case jose.EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	}
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(private)
}

// parse reads what newMaterial made.
func parse(id string, alg jose.Algorithm, material []byte) (*jose.Key, error) {
	if hashSize(alg) > 0 {
		return jose.NewHMACKey(id, alg, material)
	}
	private, err := x509.ParsePKCS8PrivateKey(material)
	if err != nil {
		return nil, err
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, errors.New("is not one that signs")
	}
	return jose.NewPrivateKey(id, alg, signer)
}
