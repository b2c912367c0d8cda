package accounts

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	sealing "github.com/gatewright/gate/internal/seal"
)

// sealLabel separates this use of a key from others.
const sealLabel = "gate refresh token: child\x00"

// seal encrypts child so that whoever has both the key and the parent can read
// it.
func seal(key []byte, parent, child string) (string, error) {
	box, err := sealer(key, parent)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(box.Seal([]byte(child), "")), nil
}

// unseal returns what seal encrypted with the same key and parent.
func unseal(key []byte, parent, sealed string) (string, error) {
	data, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return "", errors.New("unseal: malformed")
	}
	box, err := sealer(key, parent)
	if err != nil {
		return "", fmt.Errorf("unseal: %w", err)
	}
	child, err := box.Open(data, "")
	if err != nil {
		return "", errors.New("unseal: sealed with another key or for another parent")
	}
	return string(child), nil
}

func sealer(key []byte, parent string) (*sealing.Box, error) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(sealLabel + parent))
	return sealing.WithKey(mac.Sum(nil))
}
