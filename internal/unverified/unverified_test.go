package unverified_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/gatewright/gate/internal/unverified"
)

func TestDecodeUnverified(t *testing.T) {
	enc := base64.RawURLEncoding.EncodeToString
	header, claims := `{"alg":"none","typ":"x"}`, `{"sub":"Ada"}`
	good := enc([]byte(header)) + "." + enc([]byte(claims)) + ".forged"

	got, err := unverified.DecodeUnverified(good)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Header) != header || string(got.Claims) != claims {
		t.Errorf("DecodeUnverified() = %s, %s; want %s, %s", got.Header, got.Claims, header, claims)
	}

	for name, token := range map[string]string{
		"empty":        "",
		"one part":     "abc",
		"two parts":    "e30.e30",
		"four parts":   "e30.e30.a.b",
		"JWE":          "e30.e30.a.b.c",
		"padding":      "e30=.e30.a",
		"line break":   "e3\n0.e30.a",
		"tail bits":    "e31.e30.a",
		"header text":  enc([]byte("text")) + ".e30.a",
		"claims array": "e30." + enc([]byte("[]")) + ".a",
		"no claims":    "e30..a",
		"huge":         strings.Repeat("A", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := unverified.DecodeUnverified(token); err == nil || got != nil {
				t.Errorf("DecodeUnverified() = %v, %v; want an error and nothing", got, err)
			}
		})
	}
}

func FuzzDecodeUnverified(f *testing.F) {
	f.Add("e30.e30.a")
	f.Fuzz(func(t *testing.T, token string) {
		if got, err := unverified.DecodeUnverified(token); (err == nil) != (got != nil) {
			t.Errorf("DecodeUnverified() = %v, %v", got, err)
		}
	})
}
