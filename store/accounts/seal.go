package accounts

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// sealLabel separates this use of a key from others.
const sealLabel = "gate refresh token: child\x00"

// seal encrypts child so that whoever has both the key and the parent can read
// it.
func seal(key []byte, parent, child string) (string, error) {
	aead, err := sealer(key, parent)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	sealed := aead.Seal(nil, nil, []byte(child), nil) //nolint:gosec // the nonce is random and made inside
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// unseal returns what seal encrypted with the same key and parent.
func unseal(key []byte, parent, sealed string) (string, error) {
	data, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return "", errors.New("unseal: malformed")
	}
	aead, err := sealer(key, parent)
	if err != nil {
		return "", fmt.Errorf("unseal: %w", err)
	}
	child, err := aead.Open(nil, nil, data, nil)
	if err != nil {
		return "", errors.New("unseal: sealed with another key or for another parent")
	}
	return string(child), nil
}

func sealer(key []byte, parent string) (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(sealLabel + parent))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
