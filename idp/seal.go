package idp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

func derive(master []byte, purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, master, nil, purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return key, nil
}

// A box seals what travels through a browser and comes back.
type box struct{ aead cipher.AEAD }

func newBox(master []byte, purpose string) (*box, error) {
	key, err := derive(master, purpose)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return &box{aead}, nil
}

// close seals v for one use, which open has to name too.
func (b *box) close(use string, v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	sealed := b.aead.Seal(nil, nil, data, []byte(use)) //nolint:gosec // this AEAD draws its own nonces
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

var errSealed = errors.New("not sealed by us for this use")

func (b *box) open(use, text string, v any) error {
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return errSealed
	}
	if data, err = b.aead.Open(nil, nil, data, []byte(use)); err != nil {
		return errSealed
	}
	return json.Unmarshal(data, v)
}

// csrf returns the token of forms in a browser.
func (p *Provider) csrf(browser string) string {
	mac := hmac.New(sha256.New, p.csrfKey)
	mac.Write([]byte(browser))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
