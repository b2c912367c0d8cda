package jose

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
)

// The sizes of tokens that are accepted, in bytes: unless configured, and at
// most.
const (
	defaultMaxSize = 8 << 10
	ceilingMaxSize = 16 << 10
)

// Sign returns a token in compact form (RFC 7515 §3.1) with the header "alg",
// "typ" and, when the key has a name, "kid", in this order. typ says what kind
// of token it is, "at+jwt" for an access token (RFC 9068 §2.1).
//
// Issuer, Audience and Expiry have to be set, and nothing is added to the
// claims. What a [Verifier] would refuse to read is not signed: claims that
// differ only in case, invalid UTF-8, nesting deeper than 16, more than 8 KiB, which is a [*SizeError].
func Sign(k *Key, typ string, c *Claims) (string, error) {
	if !k.usable() {
		return "", errors.New("sign token: there is no key")
	}
	if err := checkSigned(typ, c); err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	payload, err := c.MarshalJSON()
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	if err := parseClaims(string(payload), new(Claims)); err != nil {
		return "", fmt.Errorf("sign token: claims: %w", err)
	}
	enc := base64.RawURLEncoding
	head := appendHeader(nil, k, typ)
	b := make([]byte, 0, enc.EncodedLen(len(head)+len(payload))+512)
	b = enc.AppendEncode(b, head)
	b = append(b, '.')
	b = enc.AppendEncode(b, payload)
	sig, err := k.sign(b)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	b = append(b, '.')
	b = enc.AppendEncode(b, sig)
	if len(b) > defaultMaxSize {
		return "", fmt.Errorf("sign token: %w", &SizeError{Size: len(b), Max: defaultMaxSize})
	}
	return string(b), nil
}

// checkSigned refuses what would be a token without limits.
func checkSigned(typ string, c *Claims) error {
	switch {
	case typ == "":
		return errors.New("it has no type")
	case c == nil || c.Issuer == "":
		return errors.New("it has no issuer")
	case len(c.Audience) == 0 || slices.Contains(c.Audience, ""):
		return errors.New("it has no audience, or an empty one")
	case c.Expiry.IsZero():
		return errors.New("it has no expiry")
	}
	for _, r := range typ {
		if r <= ' ' || r > '~' {
			return errors.New("its type is not plain ASCII")
		}
	}
	return nil
}

func appendHeader(b []byte, k *Key, typ string) []byte {
	b = appendText(append(b, '{'), "alg", string(k.alg))
	b = appendText(b, "typ", typ)
	b = appendText(b, "kid", k.kid)
	return append(b, '}')
}
