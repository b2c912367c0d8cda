package tenant

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// sealedPrefix tells a sealed secret from one that an operator wrote into the
// row.
const sealedPrefix = "sealed:"

var errNotSealed = errors.New("is not sealed") //nolint:gochecknoglobals // constant

// A sealer seals the secrets of objects. What it seals opens for the same
// object only.
type sealer struct{ aead cipher.AEAD }

func newSealer(secret []byte, purpose string) (*sealer, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("tenant: derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("tenant: derive key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("tenant: derive key: %w", err)
	}
	return &sealer{aead}, nil
}

func (s *sealer) seal(text, bound string) string {
	if text == "" {
		return ""
	}
	sealed := s.aead.Seal(nil, nil, []byte(text), []byte(bound)) //nolint:gosec // this AEAD draws its own nonces
	return sealedPrefix + base64.RawURLEncoding.EncodeToString(sealed)
}

func (s *sealer) open(sealed, bound string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	body, ok := strings.CutPrefix(sealed, sealedPrefix)
	if !ok {
		return "", errNotSealed
	}
	data, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return "", ErrWrongSecret
	}
	text, err := s.aead.Open(nil, nil, data, []byte(bound))
	if err != nil {
		return "", ErrWrongSecret
	}
	return string(text), nil
}
