package jose_test

import (
	"crypto/elliptic"
	"math/big"

	"github.com/gatewright/gate/jose"
)

// curve returns the curve of an ECDSA algorithm.
func curve(alg jose.Algorithm) elliptic.Curve {
	switch alg {
	case jose.ES256:
		return elliptic.P256()
	case jose.ES384:
		return elliptic.P384()
	default:
		return elliptic.P521()
	}
}

func number(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
