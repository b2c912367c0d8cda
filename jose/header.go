package jose

import (
	"fmt"
	"strings"

	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/jose/internal/keycheck"
)

// A header is what is acted upon in the header of a token.
type header struct {
	alg  Algorithm
	kid  string
	kind string // "typ", in its canonical spelling
}

// parseHeader reads the header of a token, of which nothing is known yet to be
// genuine. Headers that would bring a key along are read past.
func parseHeader(text string) (*header, error) {
	h := new(header)
	err := parseObject(text, func(r *reader, name string) (err error) {
		switch name {
		case "alg":
			var alg string
			alg, err = textValue(r)
			h.alg = Algorithm(alg).canonical()
		case "kid":
			if h.kid, err = textValue(r); err == nil && (h.kid == "" || len(h.kid) > keycheck.MaxID) {
				err = syntaxError("the key ID is empty or too long")
			}
		case "typ":
			h.kind, err = textValue(r)
			h.kind = canonicalType(h.kind)
		default:
			switch strictjson.Fold(name) {
			case "crit", "b64":
				return syntaxError("an extension is not understood")
			case "alg", "kid", "typ": // in another case
				return errCase
			}
			_, err = r.Value()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrMalformed, err)
	}
	return h, nil
}

// canonicalType returns typ without what does not matter: case, and the prefix
// that may be left out (RFC 7515 §4.1.9).
func canonicalType(typ string) string {
	return strings.TrimPrefix(strings.ToLower(typ), "application/")
}
