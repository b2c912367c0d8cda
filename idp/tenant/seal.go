package tenant

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/gatewright/gate/internal/seal"
)

// sealedPrefix tells a sealed secret from one that an operator wrote into the
// row.
const sealedPrefix = "sealed:"

var errNotSealed = errors.New("is not sealed") //nolint:gochecknoglobals // constant

// A sealer seals the secrets of objects. What it seals opens for the same
// object only.
type sealer struct{ box *seal.Box }

func (s sealer) seal(text, bound string) string {
	if text == "" {
		return ""
	}
	return sealedPrefix + base64.RawURLEncoding.EncodeToString(s.box.Seal([]byte(text), bound))
}

// Seal returns a text as it may be stored: whoever reads the database alone learns
// nothing of it. Use says for what it is kept, and [Store.Unseal] takes it for
// nothing else. The empty text stays as it is.
func (s *Store) Seal(text, use string) string { return s.seal.seal(text, "text "+use) }

// Unseal returns what was sealed for the same use.
func (s *Store) Unseal(sealed, use string) (string, error) { return s.seal.open(sealed, "text "+use) }

func (s sealer) open(sealed, bound string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	body, ok := strings.CutPrefix(sealed, sealedPrefix)
	if !ok {
		return "", errNotSealed
	}
	data, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return "", ErrWrongSecret
	}
	text, err := s.box.Open(data, bound)
	if err != nil {
		return "", ErrWrongSecret
	}
	return string(text), nil
}
