// Package keycheck refuses weak keys, for signatures and for encryption alike.
package keycheck

import (
	"bytes"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The sizes of RSA keys that are used, in bits (RFC 7518 §3.3 and a ceiling
// that bounds the work), and the one exponent.
const (
	MinRSABits  = 2048
	MaxRSABits  = 8192
	RSAExponent = 65537
)

// MaxID bounds a key ID, in bytes.
const MaxID = 256

// ID refuses key IDs that are too long or not UTF-8; an empty one is good.
func ID(kid string) error {
	if len(kid) > MaxID {
		return fmt.Errorf("the key ID has %d bytes, more than %d", len(kid), MaxID)
	}
	if !utf8.ValidString(kid) {
		return errors.New("the key ID is not valid UTF-8")
	}
	return nil
}

// RSA refuses keys of another size or exponent, before any work is done with
// them.
func RSA(public *rsa.PublicKey) error {
	if public == nil || public.N == nil || public.N.Sign() <= 0 {
		return errors.New("an RSA key without a modulus")
	}
	if bits := public.N.BitLen(); bits < MinRSABits || bits > MaxRSABits {
		return fmt.Errorf("an RSA key has %d to %d bits, not %d", MinRSABits, MaxRSABits, bits)
	}
	if public.N.Bit(0) == 0 {
		return errors.New("an RSA key with an even modulus")
	}
	if public.E != RSAExponent {
		return fmt.Errorf("an RSA key has the exponent %d, not %d", RSAExponent, public.E)
	}
	return nil
}

// minDistinct is how many different bytes a secret has at least. Half of the
// sixteen that hexadecimal text is made of never occurs by chance.
const minDistinct = 8

// placeholders are what examples and templates have where a secret belongs, in
// small letters and without punctuation.
var placeholders = [...]string{ //nolint:gochecknoglobals // a constant, if arrays could be
	"changeme", "changethis", "changeit", "placeholder", "replaceme", "replacethis", "yoursecret", "mysecret",
	"supersecret", "topsecret", "secretkey", "jwtsecret", "insecure", "example", "notasecret", "donotuse",
}

// todo is one, too, but so short that one in ten thousand random texts has it: it counts
// as a word of its own.
var todo = regexp.MustCompile(`(?i)(^|[^a-z0-9+/=])todo([^a-z0-9+/=]|$)`)

// Secret refuses what is shorter than minSize bytes or could be guessed: a
// placeholder, a repetition, an encoded key, a document. Its errors do not quote
// it.
func Secret(secret []byte, minSize int) error {
	if len(secret) < minSize {
		return fmt.Errorf("the secret has %d bytes, it needs %d", len(secret), minSize)
	}
	if looksPublic(secret) {
		return errors.New("the secret is an encoded key or a document, not a secret")
	}
	var seen [256]bool
	distinct := 0
	for _, c := range secret {
		if !seen[c] {
			seen[c] = true
			distinct++
		}
	}
	if distinct < minDistinct {
		return fmt.Errorf("the secret has only %d different bytes", distinct)
	}
	if p := period(secret); p < 16 && p*2 <= len(secret) {
		return fmt.Errorf("the secret repeats itself every %d bytes", p)
	}
	plain := letters(secret)
	for _, word := range placeholders {
		if strings.Contains(plain, word) {
			return errors.New("the secret is a placeholder")
		}
	}
	if todo.Match(secret) {
		return errors.New("the secret is a placeholder")
	}
	return nil
}

// looksPublic reports whether secret is PEM, DER or JSON: a public key in one of
// these spellings is no secret.
func looksPublic(secret []byte) bool {
	text := bytes.TrimSpace(secret)
	if bytes.Contains(text, []byte("-----BEGIN")) || bytes.HasPrefix(text, []byte("ssh-")) {
		return true
	}
	if block, _ := pem.Decode(secret); block != nil {
		return true
	}
	if len(text) > 1 && text[0] == '{' && text[len(text)-1] == '}' {
		return true
	}
	return isSequence(secret)
}

// isSequence reports whether b is exactly one DER sequence, as all encoded keys
// are.
func isSequence(b []byte) bool {
	if len(b) < 2 || b[0] != 0x30 {
		return false
	}
	if b[1] < 0x80 {
		return int(b[1]) == len(b)-2
	}
	n := int(b[1] & 0x7f)
	if n == 0 || n > 3 || len(b) < 2+n {
		return false
	}
	size := 0
	for _, c := range b[2 : 2+n] {
		size = size<<8 | int(c)
	}
	return size == len(b)-2-n
}

// period returns the least number of bytes after which b repeats itself, len(b)
// when it does not.
func period(b []byte) int {
	for p := 1; p < len(b) && p < 16; p++ {
		if bytes.Equal(b[p:], b[:len(b)-p]) {
			return p
		}
	}
	return len(b)
}

// letters returns the letters of ASCII in b, small.
func letters(b []byte) string {
	var s strings.Builder
	for _, c := range bytes.ToLower(b) {
		if 'a' <= c && c <= 'z' {
			s.WriteByte(c)
		}
	}
	return s.String()
}
