package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store/keyring"
)

// maxKeyFile bounds the file of a private key.
const maxKeyFile = 64 << 10

// A Rotation replaces the key that signs. [Rotate] makes one.
type Rotation struct {
	every time.Duration
	open  func(ctx context.Context, alg jose.Algorithm, every time.Duration, opts Options) (Keyring, error)
}

// Rotate has the key that signs replaced that often. A service that does not call it
// has nothing in it that makes keys.
func Rotate(every time.Duration) *Rotation { return &Rotation{every, openKeyring} }

// A Keyring keeps keys in the database and replaces them: a [*keyring.Keyring].
type Keyring interface {
	jose.KeySource
	Keys() *jose.KeySet
	Run(ctx context.Context)
	List(ctx context.Context) ([]keyring.Info, error)
	Rotate(ctx context.Context) (kid string, err error)
	Remove(ctx context.Context, kid string) error
}

func openKeyring(ctx context.Context, alg jose.Algorithm, every time.Duration, opts Options) (Keyring, error) {
	ring, err := keyring.Open(ctx, opts.DB, keyring.Config{
		Algorithm: alg, Secret: []byte(opts.Settings.AuthSecret.Reveal()),
		KeepFor: maxTokenLife, RotateEvery: every, Logger: opts.Logger, Now: opts.Now,
	})
	if err != nil {
		return nil, err
	}
	return ring, nil
}

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
