package jose

import (
	"crypto"
	_ "crypto/sha256" // registers the hash of the 256 algorithms
	_ "crypto/sha512" // registers the hashes of the 384 and 512 algorithms
)

// An Algorithm is how a key signs, by its registered name (RFC 7518 §3.1,
// RFC 8037 §3.1). The zero value is no algorithm; there is none called "none".
type Algorithm string

// The algorithms. EdDSA is with Ed25519 only; the fully specified name
// "Ed25519" (RFC 9864) is understood and means the same.
const (
	HS256 Algorithm = "HS256"
	HS384 Algorithm = "HS384"
	HS512 Algorithm = "HS512"
	RS256 Algorithm = "RS256"
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256"
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	ES256 Algorithm = "ES256"
	ES384 Algorithm = "ES384"
	ES512 Algorithm = "ES512"
	EdDSA Algorithm = "EdDSA"
)

// ed25519Name is the other name of EdDSA (RFC 9864 §2.2).
const ed25519Name Algorithm = "Ed25519"

type family uint8

const (
	familyHMAC family = iota + 1
	familyRSA
	familyPSS
	familyECDSA
	familyEd25519
)

// A scheme is what an algorithm's name stands for.
type scheme struct {
	family family
	hash   crypto.Hash // zero for Ed25519, which hashes by itself
	curve  string      // as a JWK says it; ECDSA and Ed25519 only
}

// canonical returns the one name of a that this package uses.
func (a Algorithm) canonical() Algorithm {
	if a == ed25519Name {
		return EdDSA
	}
	return a
}

// scheme returns what a stands for. Names are case-sensitive (RFC 7515 §4.1.1).
func (a Algorithm) scheme() (scheme, bool) {
	switch a.canonical() {
	case HS256:
		return scheme{family: familyHMAC, hash: crypto.SHA256}, true
	case HS384:
		return scheme{family: familyHMAC, hash: crypto.SHA384}, true
	case HS512:
		return scheme{family: familyHMAC, hash: crypto.SHA512}, true
	case RS256:
		return scheme{family: familyRSA, hash: crypto.SHA256}, true
	case RS384:
		return scheme{family: familyRSA, hash: crypto.SHA384}, true
	case RS512:
		return scheme{family: familyRSA, hash: crypto.SHA512}, true
	case PS256:
		return scheme{family: familyPSS, hash: crypto.SHA256}, true
	case PS384:
		return scheme{family: familyPSS, hash: crypto.SHA384}, true
	case PS512:
		return scheme{family: familyPSS, hash: crypto.SHA512}, true
	case ES256:
		return scheme{family: familyECDSA, hash: crypto.SHA256, curve: "P-256"}, true
	case ES384:
		return scheme{family: familyECDSA, hash: crypto.SHA384, curve: "P-384"}, true
	case ES512:
		return scheme{family: familyECDSA, hash: crypto.SHA512, curve: "P-521"}, true
	case EdDSA:
		return scheme{family: familyEd25519, curve: "Ed25519"}, true
	default:
		return scheme{}, false
	}
}

// symmetric reports whether who can verify can also sign.
func (s scheme) symmetric() bool { return s.family == familyHMAC }
