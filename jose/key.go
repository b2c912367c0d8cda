package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/gatewright/gate/jose/internal/keycheck"
)

// A Key verifies, and perhaps signs, with exactly one algorithm. It is immutable
// and safe for concurrent use, and never prints its secret. The zero value is
// refused wherever a key is taken; keys come from [NewHMACKey],
// [NewPrivateKey], [NewPublicKey], [GenerateKey], [ParseJWK] and [ParsePEM],
// which refuse weak material.
type Key struct {
	kid         string
	alg         Algorithm
	scheme      scheme
	mac         *macKey            // HMAC only
	public      crypto.PublicKey   // *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey; nil for HMAC
	private     signFunc           // nil when the key can only verify
	secret      secretFunc         // nil when the secret half is not here
	fingerprint *[sha256.Size]byte // tells keys apart; a pointer, so that a copy of the key prints none of it
}

// A signFunc is the Sign of a private key. The fmt package prints no functions,
// and follows everything else.
type signFunc func(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error)

// A secretFunc returns the secret half: []byte, *rsa.PrivateKey,
// *ecdsa.PrivateKey or ed25519.PrivateKey. It is a function for the same reason.
type secretFunc func() any

var (
	_ fmt.Stringer   = (*Key)(nil)
	_ slog.LogValuer = (*Key)(nil)
)

// NewHMACKey returns a key that signs and verifies with a shared secret. The
// secret has at least as many bytes as the hash (RFC 7518 §3.2) and is nothing
// that could be guessed: a placeholder, a repetition, or a public key in any
// spelling is refused. An empty kid means that the key has no name.
func NewHMACKey(kid string, alg Algorithm, secret []byte) (*Key, error) {
	s, ok := alg.scheme()
	if !ok || s.family != familyHMAC {
		return nil, fmt.Errorf("HMAC key: algorithm %q is not for a shared secret", alg)
	}
	if err := keycheck.ID(kid); err != nil {
		return nil, fmt.Errorf("HMAC key: %w", err)
	}
	if err := keycheck.Secret(secret, s.hash.Size()); err != nil {
		return nil, fmt.Errorf("HMAC key: %w", err)
	}
	secret = bytes.Clone(secret)
	k := &Key{kid: kid, alg: alg, scheme: s, mac: newMACKey(s.hash, secret)}
	k.secret = func() any { return secret }
	k.fingerprint = fingerprint(kid, alg, secret)
	return k, nil
}

// NewPrivateKey returns a key that signs with private and verifies with its
// public half: an RSA key of 2048 to 8192 bits with the exponent 65537, an ECDSA
// key on the curve of alg, or an Ed25519 key. The private half may be anywhere,
// in an HSM for example. An empty kid means that the key has no name.
func NewPrivateKey(kid string, alg Algorithm, private crypto.Signer) (*Key, error) {
	if private == nil {
		return nil, errors.New("private key: there is none")
	}
	if p, ok := private.(*rsa.PrivateKey); ok {
		if err := keycheck.RSA(&p.PublicKey); err != nil { // before any work is done with it
			return nil, fmt.Errorf("private key: %w", err)
		}
		if err := p.Validate(); err != nil {
			return nil, fmt.Errorf("private key: %w", err)
		}
	}
	if p, ok := private.(ed25519.PrivateKey); ok && len(p) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("private key: an Ed25519 key has %d bytes, not %d", ed25519.PrivateKeySize, len(p))
	}
	k, err := NewPublicKey(kid, alg, private.Public())
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	k.private, k.secret = private.Sign, secretHalf(private)
	return k, nil
}

// NewPublicKey returns a key that verifies only. The rules are those of
// [NewPrivateKey]; public is an *rsa.PublicKey, an *ecdsa.PublicKey or an
// ed25519.PublicKey, and is copied.
func NewPublicKey(kid string, alg Algorithm, public crypto.PublicKey) (*Key, error) {
	s, ok := alg.scheme()
	if !ok || s.symmetric() {
		return nil, fmt.Errorf("public key: algorithm %q is not for a public key", alg)
	}
	if err := keycheck.ID(kid); err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	public, err := copyPublic(public, s)
	if err != nil {
		return nil, fmt.Errorf("public key for %s: %w", alg, err)
	}
	k := &Key{kid: kid, alg: alg.canonical(), scheme: s, public: public}
	k.fingerprint = fingerprint(kid, k.alg, k.thumbprintInput())
	return k, nil
}

// GenerateKey returns a new key for signing: 2048 bits for RSA, 32 to 64 bytes
// for HMAC. With an empty kid the key is named by its thumbprint (RFC 7638),
// and by chance when it is a shared secret.
func GenerateKey(kid string, alg Algorithm) (*Key, error) {
	s, ok := alg.scheme()
	if !ok {
		return nil, fmt.Errorf("generate key: algorithm %q is unknown", alg)
	}
	if s.symmetric() {
		secret := make([]byte, s.hash.Size())
		_, _ = rand.Read(secret) // never fails: crypto/rand ends the program instead
		if kid == "" {
			kid = rand.Text()
		}
		return NewHMACKey(kid, alg, secret)
	}
	private, err := generate(s)
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	k, err := NewPrivateKey(kid, alg, private)
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	if kid == "" {
		return k.named(k.Thumbprint()), nil
	}
	return k, nil
}

func generate(s scheme) (crypto.Signer, error) {
	switch s.family {
	case familyECDSA:
		return ecdsa.GenerateKey(curveByName(s.curve), rand.Reader)
	case familyEd25519:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	default:
		return rsa.GenerateKey(rand.Reader, keycheck.MinRSABits)
	}
}

// ID returns the key's name, the "kid" in the header of its tokens; empty means
// that it has none.
func (k *Key) ID() string { return k.kid }

// Algorithm returns the one algorithm of the key.
func (k *Key) Algorithm() Algorithm { return k.alg }

// CanSign reports whether the key signs, as opposed to verifies only.
func (k *Key) CanSign() bool { return k.mac != nil || k.private != nil }

// Symmetric reports whether the key is a shared secret, which has no public
// half.
func (k *Key) Symmetric() bool { return k.mac != nil }

// Public returns the public half of the key, which is the key itself when it
// only verifies, and nil when it is a shared secret.
func (k *Key) Public() *Key {
	switch {
	case k.Symmetric():
		return nil
	case k.private == nil:
		return k
	default:
		public := *k
		public.private, public.secret = nil, nil
		return &public
	}
}

// Equal reports whether k and other verify the same tokens: same name, same
// algorithm, same key.
func (k *Key) Equal(other *Key) bool {
	return k == other || k.usable() && other.usable() && *k.fingerprint == *other.fingerprint
}

// Thumbprint returns the SHA-256 thumbprint of a public key (RFC 7638) in
// base64url. It is empty for a shared secret, whose hash is nobody's business.
func (k *Key) Thumbprint() string {
	if !k.usable() || k.Symmetric() {
		return ""
	}
	sum := sha256.Sum256(k.thumbprintInput())
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// String implements [fmt.Stringer] and names the key and its algorithm, nothing
// more.
func (k *Key) String() string {
	if k == nil {
		return "no key"
	}
	return fmt.Sprintf("%s key %q", k.alg, k.kid)
}

// GoString implements [fmt.GoStringer] like String.
func (k *Key) GoString() string { return k.String() }

// LogValue implements [slog.LogValuer] like String.
func (k *Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// named returns k under another name.
func (k *Key) named(kid string) *Key {
	c := *k
	c.kid = kid
	c.fingerprint = fingerprint(kid, c.alg, c.thumbprintInput())
	return &c
}

// usable reports whether k came from a constructor.
func (k *Key) usable() bool { return k != nil && (k.mac != nil || k.public != nil) }

func fingerprint(kid string, alg Algorithm, material []byte) *[sha256.Size]byte {
	var b []byte
	for _, part := range [][]byte{[]byte(kid), []byte(alg), material} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	sum := sha256.Sum256(b)
	return &sum
}

// copyPublic returns a copy of public after checking that it is fit for s.
func copyPublic(public crypto.PublicKey, s scheme) (crypto.PublicKey, error) {
	switch public := public.(type) {
	case *rsa.PublicKey:
		if s.family != familyRSA && s.family != familyPSS {
			return nil, errors.New("an RSA key does not fit")
		}
		return copyRSA(public)
	case *ecdsa.PublicKey:
		if s.family != familyECDSA {
			return nil, errors.New("an ECDSA key does not fit")
		}
		return copyECDSA(public, s.curve)
	case ed25519.PublicKey:
		if s.family != familyEd25519 {
			return nil, errors.New("an Ed25519 key does not fit")
		}
		if len(public) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("an Ed25519 key has %d bytes, not %d", ed25519.PublicKeySize, len(public))
		}
		return append(ed25519.PublicKey(nil), public...), nil
	default:
		return nil, fmt.Errorf("%T is no kind of key that is known", public)
	}
}

func copyRSA(public *rsa.PublicKey) (*rsa.PublicKey, error) {
	if err := keycheck.RSA(public); err != nil {
		return nil, err
	}
	c := &rsa.PublicKey{N: newInt(public.N.Bytes()), E: public.E}
	return c, nil
}

func copyECDSA(public *ecdsa.PublicKey, curve string) (*ecdsa.PublicKey, error) {
	if public == nil || public.Curve == nil {
		return nil, errors.New("an ECDSA key without a curve")
	}
	if public.Curve != curveByName(curve) {
		return nil, fmt.Errorf("an ECDSA key on %s, not on %s", public.Curve.Params().Name, curve)
	}
	point, err := public.Bytes() // checks that it is on the curve
	if err != nil {
		return nil, err
	}
	return ecdsa.ParseUncompressedPublicKey(public.Curve, point)
}

func curveByName(name string) elliptic.Curve {
	switch name {
	case "P-256":
		return elliptic.P256()
	case "P-384":
		return elliptic.P384()
	case "P-521":
		return elliptic.P521()
	default:
		return nil
	}
}
