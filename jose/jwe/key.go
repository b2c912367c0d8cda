package jwe

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"

	"github.com/gatewright/gate/jose/internal/keycheck"
)

// minSecret is how short a secret can be, in bytes; most algorithms need more.
const minSecret = 16

// A Key encrypts tokens and, unless it is a public key, decrypts them. It is
// immutable, safe for concurrent use and never prints its secret. The zero value
// is refused wherever a key is taken.
type Key struct {
	id       string
	material func() material // a function, which the fmt package does not look into
}

// A material is what a key is made of: one of the three.
type material struct {
	secret []byte
	rsa    *rsa.PublicKey
	ec     *ecdsa.PublicKey
	// The private halves; nil when the key is public.
	rsaPrivate *rsa.PrivateKey
	ecPrivate  *ecdh.PrivateKey
}

var (
	_ fmt.Stringer   = (*Key)(nil)
	_ slog.LogValuer = (*Key)(nil)
)

// NewKey returns a key from what crypto/x509 and crypto/rand return: a []byte, an
// *rsa.PrivateKey, an *ecdsa.PrivateKey, or the public half of one of the two,
// which encrypts only. An RSA key has 2048 to 8192 bits and the exponent 65537;
// an elliptic-curve key is on P-256, P-384 or P-521; how long a secret has to be
// is known to [NewCodec]. A key for encryption must not be used to sign.
//
// id is the "kid" of tokens, by which the right key is found; an empty one means
// that the key has no name.
func NewKey(id string, secret any) (*Key, error) {
	if err := keycheck.ID(id); err != nil {
		return nil, fmt.Errorf("encryption key: %w", err)
	}
	m, err := newMaterial(secret)
	if err != nil {
		return nil, fmt.Errorf("encryption key: %w", err)
	}
	return &Key{id: id, material: func() material { return m }}, nil
}

// ID returns the key's name, the "kid" in the header of its tokens; empty means
// that it has none.
func (k *Key) ID() string { return k.id }

// String implements [fmt.Stringer] and names the key, nothing more.
func (k *Key) String() string {
	if k == nil {
		return "no encryption key"
	}
	return fmt.Sprintf("encryption key %q", k.id)
}

// GoString implements [fmt.GoStringer] like String.
func (k *Key) GoString() string { return k.String() }

// LogValue implements [slog.LogValuer] like String.
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

func newMaterial(secret any) (m material, err error) {
	switch secret := secret.(type) {
	case []byte:
		m.secret = bytes.Clone(secret)
		err = keycheck.Secret(secret, minSecret)
	case *rsa.PublicKey:
		m.rsa = secret
		err = keycheck.RSA(secret)
	case *rsa.PrivateKey:
		if secret == nil {
			return m, errors.New("there is none")
		}
		m.rsa, m.rsaPrivate = &secret.PublicKey, secret
		if err = keycheck.RSA(m.rsa); err == nil {
			err = secret.Validate()
		}
	case *ecdsa.PublicKey:
		m.ec = secret
		err = checkPoint(secret)
	case *ecdsa.PrivateKey:
		if secret == nil {
			return m, errors.New("there is none")
		}
		m.ec = &secret.PublicKey
		if err = checkPoint(m.ec); err == nil {
			m.ecPrivate, err = secret.ECDH()
		}
	default:
		err = fmt.Errorf("%T is no kind of key that is known", secret)
	}
	return m, err
}

// checkPoint refuses what is no point on one of the three curves.
func checkPoint(public *ecdsa.PublicKey) error {
	if public == nil || public.Curve == nil {
		return errors.New("an elliptic-curve key without a curve")
	}
	switch public.Curve {
	case elliptic.P256(), elliptic.P384(), elliptic.P521():
		_, err := public.ECDH()
		return err
	default:
		return fmt.Errorf("an elliptic-curve key on %s", public.Curve.Params().Name)
	}
}

// curveName returns the name of the key's curve, as a JWK says it.
func (m material) curveName() string { return m.ec.Curve.Params().Name }

// random returns size bytes that nobody can guess.
func random(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}
