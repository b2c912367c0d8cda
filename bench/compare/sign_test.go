package main

import (
	golang "github.com/golang-jwt/jwt/v5"

	"github.com/gatewright/gate/jose"
)

// signRaw signs input, whatever it is, as ours never would.
func signRaw(m *material, input string) ([]byte, error) {
	switch m.alg {
	case jose.HS256:
		return golang.SigningMethodHS256.Sign(input, m.verify)
	case jose.RS256:
		return golang.SigningMethodRS256.Sign(input, m.private)
	case jose.ES256:
		return golang.SigningMethodES256.Sign(input, m.private)
	default:
		return golang.SigningMethodEdDSA.Sign(input, m.private)
	}
}
