package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
)

// MarshalPrivateJWK returns the key with its secret half as a JSON Web Key
// (RFC 7517), for [ParseJWK] to read. Whoever has the text can sign as the
// owner of the key: encrypt it before it is stored, and log it nowhere.
//
// It is the one way out for a secret; String, GoString, LogValue, MarshalJSON
// and the JWKS never have it. A key that only verifies, and one whose secret
// half is not in memory, in an HSM for example, is an error.
func (k *Key) MarshalPrivateJWK() ([]byte, error) {
	if !k.usable() || k.secret == nil {
		return nil, errors.New("marshal private key: there is no secret half here")
	}
	b, err := k.appendPrivate(nil)
	if err != nil {
		return nil, fmt.Errorf("marshal private key: %w", err)
	}
	return b, nil
}

func (k *Key) appendPrivate(b []byte) ([]byte, error) {
	enc := base64.RawURLEncoding.EncodeToString
	b = append(b, k.thumbprintInput()...)
	if len(b) > 0 {
		b = b[:len(b)-1] // without the brace
	}
	switch secret := k.secret().(type) {
	case []byte:
		b = fmt.Appendf(b, `{"kty":"oct","k":%q`, enc(secret))
	case ed25519.PrivateKey:
		b = fmt.Appendf(b, `,"d":%q`, enc(secret.Seed()))
	case *ecdsa.PrivateKey:
		d, err := secret.Bytes()
		if err != nil {
			return nil, err
		}
		b = fmt.Appendf(b, `,"d":%q`, enc(d))
	case *rsa.PrivateKey:
		if len(secret.Primes) != 2 {
			return nil, fmt.Errorf("an RSA key of %d primes is not supported", len(secret.Primes))
		}
		own := &rsa.PrivateKey{PublicKey: secret.PublicKey, D: secret.D, Primes: secret.Primes}
		own.Precompute() // who made the key may not have done it
		crt := own.Precomputed
		b = fmt.Appendf(b, `,"d":%q,"p":%q,"q":%q,"dp":%q,"dq":%q,"qi":%q`, enc(secret.D.Bytes()),
			enc(secret.Primes[0].Bytes()), enc(secret.Primes[1].Bytes()),
			enc(crt.Dp.Bytes()), enc(crt.Dq.Bytes()), enc(crt.Qinv.Bytes()))
	}
	return k.appendCommon(b), nil
}

// secretHalf returns what gives the secret half of private, nil when it is
// somewhere else.
func secretHalf(private crypto.Signer) secretFunc {
	switch private.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		return func() any { return private }
	default:
		return nil
	}
}
