package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/gatewright/gate/internal/base64url"
	"github.com/gatewright/gate/jose/internal/keycheck"
)

// The sizes of documents that are read.
const (
	maxJWK  = 16 << 10  // bytes of one key
	maxJWKS = 256 << 10 // bytes of a set
	maxKeys = 100       // keys in a set
)

// A jwk is a JSON Web Key (RFC 7517) whose members are not understood yet.
type jwk map[string]any

// ParseJWK reads one key, public, private or shared, from a JSON Web Key
// (RFC 7517). algs are the algorithms it may be for; none means all of them.
//
// A JWK that names no algorithm gets it from algs, when exactly one of them
// fits. Without algs that is an error for RSA keys and shared secrets: whoever
// made the key has to say what it is for (RFC 8725 §3.1). A key for encryption,
// with a member twice, with a private half that does not fit or of weak material
// is refused.
func ParseJWK(data []byte, algs ...Algorithm) (*Key, error) {
	if len(data) > maxJWK {
		return nil, fmt.Errorf("parse JWK: %d bytes, more than %d", len(data), maxJWK)
	}
	j := make(jwk)
	err := parseObject(string(data), func(r *reader, name string) (err error) {
		j[name], err = r.Value()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("parse JWK: %w", err)
	}
	k, err := j.key(algs)
	if err != nil {
		return nil, fmt.Errorf("parse JWK: %w", err)
	}
	return k, nil
}

// ParseJWKS reads our own JSON Web Key Set (RFC 7517 §5). Every key has to be
// good and its name the only one of its kind; see [ParseJWK] for algs.
func ParseJWKS(data []byte, algs ...Algorithm) ([]*Key, error) {
	set, err := parseSet(data)
	if err != nil {
		return nil, fmt.Errorf("parse JWKS: %w", err)
	}
	var keys []*Key
	for i, j := range set {
		k, err := j.key(algs)
		if err != nil {
			return nil, fmt.Errorf("parse JWKS: key %d: %w", i, err)
		}
		if named(keys, k.kid) {
			return nil, fmt.Errorf("parse JWKS: key %d: the name %q is taken", i, k.kid)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// ParsePublicJWKS reads somebody else's JSON Web Key Set and returns its usable
// public keys. What is not usable is left out, as RFC 7517 §5 has it: unknown
// kinds, weak keys, keys for encryption, algorithms other than algs, a second
// key of one name; and shared secrets always. skipped says why, a reason for
// each. The error is about the document as a whole. See [ParseJWK] for algs.
func ParsePublicJWKS(data []byte, algs ...Algorithm) (keys []*Key, skipped []error, err error) {
	set, err := parseSet(data)
	if err != nil {
		return nil, nil, fmt.Errorf("parse JWKS: %w", err)
	}
	for i, j := range set {
		k, err := j.key(algs)
		switch {
		case err != nil:
		case k.Symmetric():
			err = errors.New("a shared secret")
		case named(keys, k.kid):
			err = errors.New("a second key of one name")
		default:
			keys = append(keys, k.Public())
		}
		if err != nil {
			skipped = append(skipped, fmt.Errorf("key %d: %w", i, err))
		}
	}
	return keys, skipped, nil
}

func named(keys []*Key, kid string) bool {
	return slices.ContainsFunc(keys, func(k *Key) bool { return k.kid == kid })
}

func parseSet(data []byte) ([]jwk, error) {
	if len(data) > maxJWKS {
		return nil, fmt.Errorf("%d bytes, more than %d", len(data), maxJWKS)
	}
	var members any
	err := parseObject(string(data), func(r *reader, name string) error {
		v, err := r.Value()
		if name == "keys" {
			members = v
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	list, ok := members.([]any)
	if !ok {
		return nil, errors.New(`there is no list "keys"`)
	}
	if len(list) > maxKeys {
		return nil, fmt.Errorf("%d keys, more than %d", len(list), maxKeys)
	}
	set := make([]jwk, len(list))
	for i, v := range list {
		set[i], _ = v.(map[string]any) // what is no object has no members, and is refused for that
	}
	return set, nil
}

// key makes a key of j.
func (j jwk) key(algs []Algorithm) (*Key, error) {
	if err := j.checkUse(); err != nil {
		return nil, err
	}
	kid, err := j.text("kid")
	if err != nil {
		return nil, err
	}
	alg, err := j.algorithm(algs)
	if err != nil {
		return nil, err
	}
	if s, _ := alg.scheme(); s.symmetric() {
		secret, err := j.bytes("k")
		if err != nil {
			return nil, err
		}
		return NewHMACKey(kid, alg, secret)
	}
	_, private := j["d"]
	switch kty, _ := j.text("kty"); {
	case kty == "RSA" && private:
		return j.private(kid, alg, j.rsaPrivate)
	case kty == "RSA":
		return j.public(kid, alg, j.rsaPublic)
	case kty == "EC":
		return j.ecdsaKey(kid, alg, private)
	default:
		return j.ed25519Key(kid, alg, private)
	}
}

// checkUse refuses keys that are not for signatures (RFC 7517 §4.2, §4.3).
func (j jwk) checkUse() error {
	if use, err := j.text("use"); err != nil || use != "" && use != "sig" {
		return errors.New("it is not for signatures")
	}
	ops, ok := j["key_ops"]
	if !ok {
		return nil
	}
	list, _ := ops.([]any)
	if !slices.Contains(list, any("verify")) && !slices.Contains(list, any("sign")) {
		return errors.New("it is not for signatures")
	}
	return nil
}

// algorithm returns the one algorithm that j says, or that is left of algs.
func (j jwk) algorithm(algs []Algorithm) (Algorithm, error) {
	name, err := j.text("alg")
	if err != nil {
		return "", err
	}
	if name != "" {
		alg := Algorithm(name).canonical()
		if len(algs) > 0 && !slices.ContainsFunc(algs, func(a Algorithm) bool { return a.canonical() == alg }) {
			return "", fmt.Errorf("algorithm %q is not wanted", name)
		}
		if !j.fits(alg) {
			return "", fmt.Errorf("algorithm %q does not fit the key", name)
		}
		return alg, nil
	}
	if len(algs) == 0 { // these are the kinds with one algorithm a curve
		algs = []Algorithm{ES256, ES384, ES512, EdDSA}
	}
	var found Algorithm
	for _, alg := range algs {
		switch {
		case !j.fits(alg) || found == alg.canonical():
		case found == "":
			found = alg.canonical()
		default:
			return "", errors.New("it names no algorithm, and several fit")
		}
	}
	if found == "" {
		return "", errors.New("it names no algorithm, and none fits")
	}
	return found, nil
}

// fits reports whether the kind and the curve of j are those of alg.
func (j jwk) fits(alg Algorithm) bool {
	s, ok := alg.scheme()
	if !ok {
		return false
	}
	curve, _ := j["crv"].(string)
	switch j["kty"] {
	case "oct":
		return s.family == familyHMAC
	case "RSA":
		return s.family == familyRSA || s.family == familyPSS
	case "EC":
		return s.family == familyECDSA && s.curve == curve
	case "OKP":
		return s.family == familyEd25519 && s.curve == curve
	default:
		return false
	}
}

func (j jwk) public(kid string, alg Algorithm, material func() (*rsa.PublicKey, error)) (*Key, error) {
	public, err := material()
	if err != nil {
		return nil, err
	}
	return NewPublicKey(kid, alg, public)
}

func (j jwk) private(kid string, alg Algorithm, material func() (*rsa.PrivateKey, error)) (*Key, error) {
	private, err := material()
	if err != nil {
		return nil, err
	}
	return NewPrivateKey(kid, alg, private)
}

func (j jwk) rsaPublic() (*rsa.PublicKey, error) {
	n, err := j.bytes("n")
	if err != nil {
		return nil, err
	}
	e, err := j.bytes("e")
	if err != nil {
		return nil, err
	}
	if !slices.Equal(e, []byte{1, 0, 1}) {
		return nil, fmt.Errorf("an RSA key has the exponent %d, spelled AQAB", keycheck.RSAExponent)
	}
	public := &rsa.PublicKey{N: newInt(n), E: keycheck.RSAExponent}
	return public, keycheck.RSA(public)
}

func (j jwk) rsaPrivate() (*rsa.PrivateKey, error) {
	public, err := j.rsaPublic()
	if err != nil {
		return nil, err
	}
	if _, ok := j["oth"]; ok {
		return nil, errors.New("an RSA key of more than two primes is not supported")
	}
	var parts [3][]byte
	for i, name := range []string{"d", "p", "q"} {
		if parts[i], err = j.bytes(name); err != nil {
			return nil, err
		}
		if len(parts[i]) > keycheck.MaxRSABits/8 {
			return nil, fmt.Errorf("member %q is too long", name)
		}
	}
	private := &rsa.PrivateKey{PublicKey: *public, D: newInt(parts[0])}
	private.Primes = append(private.Primes, newInt(parts[1]), newInt(parts[2]))
	if err := private.Validate(); err != nil {
		return nil, err
	}
	private.Precompute()
	return private, nil
}

func (j jwk) ecdsaKey(kid string, alg Algorithm, private bool) (*Key, error) {
	s, _ := alg.scheme()
	curve := curveByName(s.curve)
	size := (curve.Params().BitSize + 7) / 8
	point := []byte{4}
	for _, name := range []string{"x", "y"} {
		b, err := j.sized(name, size)
		if err != nil {
			return nil, err
		}
		point = append(point, b...)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, err
	}
	if !private {
		return NewPublicKey(kid, alg, public)
	}
	d, err := j.sized("d", size)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.ParseRawPrivateKey(curve, d)
	if err != nil {
		return nil, err
	}
	return pair(kid, alg, key, key.PublicKey.Equal(public))
}

func (j jwk) ed25519Key(kid string, alg Algorithm, private bool) (*Key, error) {
	x, err := j.sized("x", ed25519.PublicKeySize)
	if err != nil {
		return nil, err
	}
	public := ed25519.PublicKey(x)
	if !private {
		return NewPublicKey(kid, alg, public)
	}
	seed, err := j.sized("d", ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(seed)
	return pair(kid, alg, key, public.Equal(key.Public()))
}

// pair returns the private key, when the public half that came with it is its.
func pair(kid string, alg Algorithm, private crypto.Signer, same bool) (*Key, error) {
	if !same {
		return nil, errors.New("the two halves do not belong together")
	}
	return NewPrivateKey(kid, alg, private)
}

// text returns the member name, which is a string when it is there.
func (j jwk) text(name string) (string, error) {
	v, ok := j[name]
	if !ok {
		return "", nil
	}
	s, ok := v.(string)
	if !ok || s == "" {
		return "", fmt.Errorf("member %q is not a text", name)
	}
	return s, nil
}

// bytes returns what the member name spells in base64url.
func (j jwk) bytes(name string) ([]byte, error) {
	s, _ := j[name].(string)
	b, ok := base64url.Append(nil, s)
	if !ok || len(b) == 0 {
		return nil, fmt.Errorf("member %q is missing or not base64url", name)
	}
	return b, nil
}

// sized returns what the member name spells, which has exactly size bytes.
func (j jwk) sized(name string, size int) ([]byte, error) {
	b, err := j.bytes(name)
	if err == nil && len(b) != size {
		err = fmt.Errorf("member %q has %d bytes, not %d", name, len(b), size)
	}
	return b, err
}

// MarshalJSON implements [encoding/json.Marshaler]. It gives the public half as a
// JSON Web Key (RFC 7517) and never anything else; a shared secret has none and
// is an error.
func (k *Key) MarshalJSON() ([]byte, error) {
	if !k.usable() || k.Symmetric() {
		return nil, errors.New("marshal key: it has no public half")
	}
	return k.appendPublic(nil), nil
}

// appendPublic appends the public half as a JWK. The members that make up the
// key come first.
func (k *Key) appendPublic(b []byte) []byte {
	b = append(b, k.thumbprintInput()...)
	return k.appendCommon(b[:len(b)-1])
}

// appendCommon appends what all keys say about themselves, and closes the JWK.
func (k *Key) appendCommon(b []byte) []byte {
	b = append(b, `,"use":"sig"`...)
	b = appendText(b, "alg", string(k.alg))
	b = appendText(b, "kid", k.kid)
	return append(b, '}')
}

// thumbprintInput returns the members that make up a public key, in the order
// of RFC 7638 §3.2.
func (k *Key) thumbprintInput() []byte {
	enc := base64.RawURLEncoding.EncodeToString
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		return fmt.Appendf(nil, `{"e":"AQAB","kty":"RSA","n":%q}`, enc(public.N.Bytes()))
	case *ecdsa.PublicKey:
		point, _ := public.Bytes() // has been checked
		x, y := point[1:len(point)/2+1], point[len(point)/2+1:]
		return fmt.Appendf(nil, `{"crv":%q,"kty":"EC","x":%q,"y":%q}`, k.scheme.curve, enc(x), enc(y))
	case ed25519.PublicKey:
		return fmt.Appendf(nil, `{"crv":"Ed25519","kty":"OKP","x":%q}`, enc(public))
	default:
		return nil
	}
}
