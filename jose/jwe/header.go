package jwe

import (
	"crypto/ecdh"
	"errors"
	"strings"

	"github.com/gatewright/gate/internal/base64url"
	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/jose/internal/keycheck"
)

// maxDepth is how deep a header may be nested.
const maxDepth = 16

// errHeader is all that is said about a header.
var errHeader = errors.New("header")

// A header is what is acted upon in the header of a token.
type header struct {
	alg      Algorithm
	enc      Encryption
	kid      string
	cty      string
	epk      map[string]any
	apu, apv []byte
}

// parseHeader reads the header of a token. Whatever would change what is done
// with the token, and is not known here, is refused: extensions, compression,
// passwords. Headers that would bring a key along are read past.
func parseHeader(text string) (*header, bool) {
	h := new(header)
	limits := strictjson.Limits{Depth: maxDepth, Float64: true}
	err := strictjson.ReadObject(text, limits, func(r *strictjson.Reader, name string) (err error) {
		var s string
		switch folded := strictjson.Fold(name); folded {
		case "alg", "enc", "kid", "cty", "apu", "apv", "epk":
			if name != folded { // in another case
				return errHeader
			}
			if name == "epk" {
				return h.readPoint(r)
			}
			s, err = r.String()
		case "crit", "b64", "zip", "p2c", "p2s":
			return errHeader
		default:
			_, err = r.Value()
		}
		if err != nil {
			return err
		}
		return h.set(name, s)
	})
	return h, err == nil
}

func (h *header) set(name, value string) error {
	ok := true
	switch name {
	case "alg":
		h.alg = Algorithm(value)
	case "enc":
		h.enc = Encryption(value)
	case "kid":
		h.kid, ok = value, value != "" && len(value) <= keycheck.MaxID
	case "cty":
		h.cty = strings.TrimPrefix(strings.ToLower(value), "application/")
	case "apu":
		h.apu, ok = base64url.Append(nil, value)
	case "apv":
		h.apv, ok = base64url.Append(nil, value)
	}
	if !ok {
		return errHeader
	}
	return nil
}

func (h *header) readPoint(r *strictjson.Reader) error {
	v, err := r.Value()
	h.epk, _ = v.(map[string]any)
	return err
}

// point returns the ephemeral public key (RFC 7518 §4.6.1.1), which has to be on
// the curve of the key that it is for.
func (h *header) point(curve ecdh.Curve, name string, size int) (*ecdh.PublicKey, bool) {
	if h.epk["kty"] != "EC" || h.epk["crv"] != name {
		return nil, false
	}
	point := []byte{4}
	for _, coordinate := range []string{"x", "y"} {
		s, _ := h.epk[coordinate].(string)
		b, ok := base64url.Append(nil, s)
		if !ok || len(b) != size {
			return nil, false
		}
		point = append(point, b...)
	}
	public, err := curve.NewPublicKey(point) // checks that it is on the curve
	return public, err == nil
}
