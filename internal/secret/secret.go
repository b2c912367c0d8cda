// Package secret keeps secrets out of logs and makes new ones.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what a secret shows of itself.
const redacted = "[secret]"

// String is a secret text. However it is printed, logged or marshalled it
// answers "[secret]"; [String.Reveal] is the one way to its value. The zero
// value is the empty secret, which is redacted too.
//
// The fmt package cannot call methods on unexported fields: a struct that keeps
// a String in one and is printed with %+v has to redact itself. Nor does
// encoding/json ask a map's keys: a secret is not for one.
type String string

var (
	_ fmt.Formatter  = String("")
	_ slog.LogValuer = String("")
)

// Reveal returns the secret itself.
func (s String) Reveal() string { return string(s) }

// Equal reports whether s and other are the same secret, in a time that depends
// on their lengths alone.
func (s String) Equal(other String) bool {
	return subtle.ConstantTimeCompare([]byte(s), []byte(other)) == 1
}

// String implements [fmt.Stringer] and returns "[secret]".
func (s String) String() string { return redacted }

// Format implements [fmt.Formatter] and writes "[secret]" for every verb.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements [slog.LogValuer] and returns "[secret]".
func (s String) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler], and with it JSON, and returns
// "[secret]". Reading works as for any string.
func (s String) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Bytes returns n bytes from the system's source of randomness. It panics when
// n is negative.
func Bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}

// Text returns a new secret of 256 random bits in 43 characters that need no
// escaping in a URL, a cookie or a file.
func Text() String {
	return String(base64.RawURLEncoding.EncodeToString(Bytes(32)))
}

// Hash returns the SHA-256 of a token, which is what a store keeps of it. It
// suits random tokens and no others: a password needs a slow hash.
func Hash(token string) [sha256.Size]byte {
	return sha256.Sum256([]byte(token))
}
