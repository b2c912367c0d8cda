package jose_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/jose"
)

// The secret that both sides of the comparison verify with.
var fuzzSecret = []byte("Wm5wSQ8ZQyq1mYb2nJ0qk7bTTx0eTJ9J")

func fuzzVerifier(tb testing.TB) *jose.Verifier {
	tb.Helper()
	return verifier(tb, keySet(tb, must(jose.NewHMACKey("k", jose.HS256, fuzzSecret))), func(c *jose.VerifierConfig) {
		c.CacheSize = -1
		c.MaxSize = 16 << 10
	})
}

// FuzzVerify signs any header and claims, so that the fuzzer gets past the
// signature, and compares with another implementation: what we accept it
// accepts, and reads the same in it. JWT-07.
func FuzzVerify(f *testing.F) {
	for _, header := range []string{
		goodHeader(jose.HS256), `{"alg":"HS256","typ":"at+jwt","kid":"k"}`, `{"alg":"none","alg":"HS256","typ":"at+jwt"}`,
		`{"alg":"HS256","typ":"at+jwt","crit":["x"]}`, `{"ALG":"HS256","typ":"at+jwt"}`, `{}`,
	} {
		f.Add(header, goodClaims())
	}
	for _, claims := range []string{
		`{}`, goodClaims("x", `[1,2.5e-3,"\ud83d\ude00",{"a":null}]`), goodClaims("exp", "1e10"), goodClaims("Sub", `"x"`),
		goodClaims("aud", `["`+audience+`"]`), goodClaims("exp", `1900000900.25`), goodClaims("x", `1e400`),
	} {
		f.Add(goodHeader(jose.HS256), claims)
	}
	v := fuzzVerifier(f)
	f.Fuzz(func(t *testing.T, header, claims string) { compare(t, v, mintHMAC(header, claims, fuzzSecret)) })
}

// FuzzToken feeds any text.
func FuzzToken(f *testing.F) {
	good := mintHMAC(goodHeader(jose.HS256), goodClaims(), fuzzSecret)
	for _, token := range []string{"", ".", "..", good, good + "=", good + "\n", good[:len(good)-1], strings.ToUpper(good), "{}"} {
		f.Add(token)
	}
	v := fuzzVerifier(f)
	f.Fuzz(func(t *testing.T, token string) { compare(t, v, token) })
}

func compare(t *testing.T, v *jose.Verifier, token string) {
	t.Helper()
	c, err := v.Verify(context.Background(), token)
	if err != nil {
		if _, ok := errors.AsType[jose.Error](err); !ok || c != nil {
			t.Fatalf("Verify() = %v, %v; want nil and an Error", c, err)
		}
		return
	}
	var theirs map[string]any
	if err := peerVerify(token, jose.HS256, fuzzSecret, &theirs); err != nil {
		t.Fatalf("we accept what they refuse: %v", err)
	}
	if theirs["sub"] != c.Subject && (theirs["sub"] != nil || c.Subject != "") {
		t.Errorf("sub = %q, theirs is %v", c.Subject, theirs["sub"])
	}
	for name, value := range c.Extra {
		ours, err := json.Marshal(value)
		if err != nil {
			t.Fatalf("claim %q cannot be written: %v", name, err)
		}
		var got any
		if err := json.Unmarshal(ours, &got); err != nil {
			t.Fatalf("claim %q is written as %s: %v", name, ours, err)
		}
		if diff := cmp.Diff(theirs[name], got); diff != "" {
			t.Errorf("claim %q (-theirs +ours):\n%s", name, diff)
		}
	}
}

// FuzzParseClaims compares the parser with encoding/json: what we read it reads,
// and what we write we read again.
func FuzzParseClaims(f *testing.F) {
	for _, text := range []string{
		`{}`, goodClaims(), `{"a":"\ud83d\ude00\u0000","b":[[],{},-0.0e-0],"c":{"d":true,"e":false,"f":null}}`,
		`{"a":1,"A":2}`, `{"a":"\ud800"}`, `{"a":1}x`, strings.Repeat(`{"a":`, 20), "{\"\xff\":1}", ` { "a" : 1 } `,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := jose.ParseClaims(text)
		if err != nil {
			if c != nil {
				t.Fatal("a failed parse returns claims")
			}
			return
		}
		var theirs map[string]any
		if err := json.Unmarshal([]byte(text), &theirs); err != nil || !utf8.ValidString(text) {
			t.Fatalf("we accept what they refuse: %v", err)
		}
		doc, err := c.MarshalJSON()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := jose.ParseClaims(string(doc))
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		second, err := again.MarshalJSON()
		if err != nil || !bytes.Equal(doc, second) {
			t.Errorf("written first %s, then %s, %v", doc, second, err)
		}
	})
}

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
	got, ok := jose.DecodeBase64(s)
	want, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if wantOK := err == nil && !strings.ContainsAny(s, "\r\n"); ok != wantOK {
		t.Fatalf("DecodeBase64(%q) = %t, want %t", s, ok, wantOK)
	}
	if ok && !bytes.Equal(got, want) {
		t.Errorf("DecodeBase64(%q) = %x, want %x", s, got, want)
	}
}

// FuzzParseJWK checks that no document makes a key that cannot be written and
// read again, and none a panic.
func FuzzParseJWK(f *testing.F) {
	for _, doc := range []string{a1JWK, a2JWK, a3JWK, a4JWK, edJWK, rsaJWK(""), `{"kty":"EC"}`, `{"kty":"RSA","n":"AQ","e":"AQAB"}`} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		k, err := jose.ParseJWK(doc, jose.HS256, jose.RS256, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA)
		if (err == nil) != (k != nil) {
			t.Fatalf("ParseJWK() = %v, %v", k, err)
		}
		if k == nil || k.Symmetric() {
			return
		}
		again, err := jose.ParseJWK(must(k.MarshalJSON()))
		if err != nil || !again.Equal(k) {
			t.Errorf("%v reads as %v, %v", k, again, err)
		}
	})
}
