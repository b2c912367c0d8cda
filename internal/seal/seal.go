// Package seal keeps values secret and whole while they are out of the process: with
// AES-256-GCM, under keys that are derived from a secret of the operator.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// Key derives the key of 32 bytes for a purpose from a secret (RFC 5869), so that one
// secret serves many purposes.
func Key(secret []byte, purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return key, nil
}

// A Box seals and opens values. It is safe for concurrent use.
type Box struct{ aead cipher.AEAD }

// New returns a box with the key that is derived for a purpose.
func New(secret []byte, purpose string) (*Box, error) {
	key, err := Key(secret, purpose)
	if err != nil {
		return nil, err
	}
	return WithKey(key)
}

// WithKey returns a box with a key of 32 bytes.
func WithKey(key []byte) (*Box, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return &Box{aead}, nil
}

// Seal seals a value and binds it to what it belongs to, which Open has to name too.
func (b *Box) Seal(value []byte, bound string) []byte {
	return b.aead.Seal(nil, nil, value, []byte(bound)) //nolint:gosec // this AEAD draws its own nonces
}

// Open returns the value that was sealed and bound to the same.
func (b *Box) Open(sealed []byte, bound string) ([]byte, error) {
	return b.aead.Open(nil, nil, sealed, []byte(bound))
}
