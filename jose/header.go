package jose

import (
	"fmt"
	"strings"
)

// maxKeyID bounds a key ID, in bytes.
const maxKeyID = 256

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
	err := parseObject(text, func(p *parser, name string) (err error) {
		switch name {
		case "alg":
			var alg string
			alg, err = p.stringValue()
			h.alg = Algorithm(alg).canonical()
		case "kid":
			if h.kid, err = p.stringValue(); err == nil && (h.kid == "" || len(h.kid) > maxKeyID) {
				err = syntaxError("the key ID is empty or too long")
			}
		case "typ":
			h.kind, err = p.stringValue()
			h.kind = canonicalType(h.kind)
		default:
			switch fold(name) {
			case "crit", "b64":
				return syntaxError("an extension is not understood")
			case "alg", "kid", "typ": // in another case
				return errDuplicate
			}
			_, err = p.value()
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
