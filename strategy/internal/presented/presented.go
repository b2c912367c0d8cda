// Package presented tells what a request carried from what somebody posted to
// the login, and looks at the form of opaque secrets.
package presented

import "github.com/gatewright/gate"

// MaxSecret is the length of the longest opaque secret that is looked up. Its
// exact length is for the store to check, which gives them out.
const MaxSecret = 256

// Text returns a field that a [gate.Parser] found on a request. A field that
// came in the body of a login is not one, whatever it holds: credentials that
// accompany requests are not traded for a token.
func Text(c gate.Credentials, field string) (string, bool) {
	if _, posted := c.Fields[field]; posted {
		return "", false
	}
	text, err := c.Text(field)
	return text, err == nil && text != ""
}

// IsSecret reports whether s may be an opaque secret: up to [MaxSecret] of the
// characters that need no escape anywhere (RFC 3986 §2.3).
func IsSecret(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == '~':
		default:
			return false
		}
	}
	return s != "" && len(s) <= MaxSecret
}
