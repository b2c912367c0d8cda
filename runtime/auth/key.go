package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/gatewright/gate/jose"
)

// maxKeyFile bounds the file of a private key.
const maxKeyFile = 64 << 10

// signingKeys returns the keys of access tokens, nil without tokens.
func (a *Auth) signingKeys() (*jose.KeySet, error) {
	if a.cfg.JWT == nil {
		return nil, nil //nolint:nilnil // no tokens, no keys
	}
	if a.ring != nil {
		return a.ring.Keys(), nil
	}
	key, err := a.signingKey()
	if err != nil {
		return nil, err
	}
	return jose.NewKeySet(key)
}

// signingKey returns the key that signs access tokens: the secret as it is, or
// the private key in the file.
func (a *Auth) signingKey() (*jose.Key, error) {
	alg := a.cfg.JWT.Algorithm
	if a.cfg.JWT.SecretBytes() > 0 {
		raw := []byte(a.opts.Settings.AuthSecret.Reveal())
		key, err := jose.NewHMACKey(keyID(raw), alg, raw)
		if err != nil {
			return nil, fmt.Errorf("AUTH_SECRET: %w", err)
		}
		return key, nil
	}
	src, err := os.ReadFile(a.opts.Settings.AuthKeyFile)
	if err != nil {
		return nil, fmt.Errorf("AUTH_KEY_FILE: %w", err)
	}
	if len(src) > maxKeyFile {
		return nil, fmt.Errorf("AUTH_KEY_FILE: larger than %d bytes", maxKeyFile)
	}
	key, err := jose.ParsePEM(keyID(src), alg, src)
	if err != nil {
		return nil, fmt.Errorf("AUTH_KEY_FILE: %w", err)
	}
	return key, nil
}

// keyID names a key after itself, so that another key has another name.
func keyID(material []byte) string {
	sum := sha256.Sum256(append([]byte("gate key id\x00"), material...))
	return hex.EncodeToString(sum[:8])
}
