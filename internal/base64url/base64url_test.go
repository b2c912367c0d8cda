package base64url_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/gatewright/gate/internal/base64url"
)

// Each byte at each place of texts of all lengths. JWT-13.
func TestJWT13_decoder(t *testing.T) {
	for size := range 20 {
		for place := range size {
			for c := range 256 {
				s := bytes.Repeat([]byte("A"), size)
				s[place] = byte(c)
				compareBase64(t, string(s))
			}
		}
	}
}

// FuzzBase64 compares the decoder with the strict one of the standard library,
// which skips line breaks. JWT-13.
func FuzzBase64(f *testing.F) {
	for _, s := range []string{"", "A", "AA", "AB", "AAA", "AAB", "AAAA", "AAAAAA==", "AA\nAA", "-_-_", "+/+/", "AAAAA", "é"} {
		f.Add(s)
	}
	f.Fuzz(compareBase64)
}

func compareBase64(t *testing.T, s string) {
	got, ok := base64url.Append(nil, s)
	want, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if wantOK := err == nil && !strings.ContainsAny(s, "\r\n"); ok != wantOK {
		t.Fatalf("Append(%q) = %t, want %t", s, ok, wantOK)
	}
	if ok && !bytes.Equal(got, want) {
		t.Errorf("Append(%q) = %x, want %x", s, got, want)
	}
}
