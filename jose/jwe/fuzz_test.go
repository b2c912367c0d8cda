package jwe_test

import (
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwe"
)

// FuzzDecrypt feeds any text to codecs of all algorithms. What one of them takes
// another implementation takes, and reads the same in it. JWT-16, JWT-17.
func FuzzDecrypt(f *testing.F) {
	var codecs []*jwe.Codec
	var keys []any
	for _, alg := range algorithms {
		c, k := newCodec(f, alg, jwe.A128CBCHS256)
		codecs, keys = append(codecs, c), append(keys, k)
		good := encrypt(f, c, inner)
		f.Add(good)
		f.Add(good[:len(good)-1])
		f.Add(strings.Replace(good, ".", "..", 1))
	}
	for _, seed := range []string{"", "....", inner, "e30....", encode(`{"alg":"dir","enc":"A128CBC-HS256","cty":"JWT","zip":"DEF"}`) + "...."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		for i, c := range codecs {
			got, err := c.Decrypt(token)
			if err != nil {
				if got != "" || err != jose.ErrDecryption { //nolint:errorlint // exactly this one
					t.Fatalf("Decrypt() = %q, %v", got, err)
				}
				continue
			}
			theirs, err := gojose.ParseEncryptedCompact(token,
				[]gojose.KeyAlgorithm{gojose.KeyAlgorithm(algorithms[i])}, []gojose.ContentEncryption{gojose.A128CBC_HS256})
			if err != nil {
				t.Fatalf("we accept what they refuse: %v", err)
			}
			if text, err := theirs.Decrypt(keys[i]); err != nil || string(text) != got {
				t.Fatalf("they read %q, %v; we read %q", text, err, got)
			}
		}
	})
}

// FuzzHeader encrypts under any header, so that the fuzzer gets past the key.
func FuzzHeader(f *testing.F) {
	for _, header := range []string{
		goodHeader, `{"alg":"dir","enc":"A256GCM","cty":"JWT","zip":"DEF"}`, `{"alg":"dir","ALG":"dir","enc":"A256GCM","cty":"JWT"}`,
		`{"alg":"dir","enc":"A256GCM","cty":"application/jwt","kid":"","epk":{"x":1},"apu":"AA"}`, `{}`, `{"crit":[]}`, "[]",
	} {
		f.Add(header)
	}
	k := secret(32)
	c := codec(f, jwe.Config{Algorithm: jwe.Direct, Key: key(f, "", k)})
	f.Fuzz(func(t *testing.T, header string) {
		token := seal(t, k, header, inner)
		if _, err := c.Decrypt(token); err != nil {
			return
		}
		theirs, err := gojose.ParseEncryptedCompact(token, []gojose.KeyAlgorithm{gojose.DIRECT}, []gojose.ContentEncryption{gojose.A256GCM})
		if err != nil {
			t.Fatalf("we accept what they refuse: %v", err)
		}
		if text, err := theirs.Decrypt(k); err != nil || string(text) != inner {
			t.Fatalf("they read %q, %v", text, err)
		}
	})
}
