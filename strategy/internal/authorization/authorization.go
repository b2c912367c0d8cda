// Package authorization reads and writes the headers of HTTP authentication
// (RFC 9110 §11).
package authorization

import (
	"net/http"
	"strings"

	"github.com/gatewright/gate"
)

// Credentials returns what follows the scheme in the Authorization header of
// r, and whether there is a header of that scheme. The scheme is compared
// whole and in any case; exactly one blank follows it. Two headers are refused:
// which one counts would be a matter of taste.
func Credentials(r *http.Request, scheme string) (string, bool, error) {
	switch values := r.Header["Authorization"]; len(values) {
	case 0:
		return "", false, nil
	case 1:
		got, rest, _ := strings.Cut(values[0], " ")
		if !strings.EqualFold(got, scheme) {
			return "", false, nil
		}
		return rest, true, nil
	default:
		return "", false, Malformed("There must be one Authorization header")
	}
}

// Malformed refuses a header for its form.
func Malformed(message string) error {
	return &gate.AuthError{Code: gate.ErrBadRequest, Message: message}
}

// Quote returns s as a quoted-string (RFC 9110 §5.6.4). What a quoted-string
// cannot hold is left out.
func Quote(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
		case c < ' ' || c == 0x7f:
			continue
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
	return b.String()
}
