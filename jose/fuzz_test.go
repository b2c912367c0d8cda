package jose_test

import (
	"bytes"
	"context"
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
		if k == nil {
			return
		}
		if k.CanSign() {
			again, err := jose.ParseJWK(must(k.MarshalPrivateJWK()))
			if err != nil || !again.Equal(k) || !again.CanSign() {
				t.Errorf("%v reads with its secret half as %v, %v", k, again, err)
			}
		}
		if k.Symmetric() {
			return
		}
		again, err := jose.ParseJWK(must(k.MarshalJSON()))
		if err != nil || !again.Equal(k) {
			t.Errorf("%v reads as %v, %v", k, again, err)
		}
	})
}

// FuzzParseHeader signs under any header: what we act upon in it is what another
// implementation reads.
func FuzzParseHeader(f *testing.F) {
	for _, text := range []string{
		goodHeader(jose.HS256), `{"alg":"HS256","kid":"k","typ":"application/AT+JWT"}`, `{"alg":"none"}`, `{"Alg":"HS256"}`,
		`{"alg":"HS256","crit":[]}`, `{"alg":"HS256","jwk":{"kty":"oct","k":"AA"}}`, `{"alg":"HS256","kid":"\u006b"}`, `[]`, `{"kid":""}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		alg, kid, kind, err := jose.ParseHeader(text)
		if err != nil {
			if !errors.Is(err, jose.ErrMalformed) || alg != "" || kid != "" || kind != "" {
				t.Fatalf("ParseHeader() = %q, %q, %q, %v", alg, kid, kind, err)
			}
			return
		}
		var theirs struct{ Alg, Kid, Typ string }
		if err := json.Unmarshal([]byte(text), &theirs); err != nil {
			t.Fatalf("we accept what they refuse: %v", err)
		}
		if theirs.Alg == "Ed25519" {
			theirs.Alg = "EdDSA"
		}
		if theirs.Alg != string(alg) || theirs.Kid != kid || len(kid) > 256 {
			t.Errorf("alg %q, kid %q, theirs %+v", alg, kid, theirs)
		}
	})
}

// FuzzParseJWKS checks that both readers agree on sets, and that nothing secret
// comes out of the public one.
func FuzzParseJWKS(f *testing.F) {
	set := `{"keys":[` + strings.Join([]string{a1JWK, a2JWK, a3JWK, edJWK}, ",") + `]}`
	for _, doc := range []string{set, `{"keys":[]}`, `{"keys":[null,1,{}]}`, `{"keys":{}}`, `{"keys":[],"Keys":[]}`, `{}`, set[:len(set)-1], "[]"} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		public, skipped, err := jose.ParsePublicJWKS(doc, jose.HS256, jose.RS256, jose.ES256, jose.EdDSA)
		if err != nil && (public != nil || skipped != nil) {
			t.Fatalf("an error, and %v, %v as well", public, skipped)
		}
		for _, k := range public {
			if k.CanSign() || k.Symmetric() {
				t.Errorf("%v is not public", k)
			}
		}
		own, ownErr := jose.ParseJWKS(doc, jose.HS256, jose.RS256, jose.ES256, jose.EdDSA)
		if ownErr != nil && own != nil || ownErr == nil && (err != nil || len(own) < len(public)) {
			t.Errorf("ParseJWKS() = %v, %v; ParsePublicJWKS() = %v, %v", own, ownErr, public, err)
		}
	})
}

// FuzzParsePEM checks that what is read can be written and read again.
func FuzzParsePEM(f *testing.F) {
	for _, alg := range []jose.Algorithm{jose.ES256, jose.ES512, jose.EdDSA, jose.RS256} {
		f.Add(must(generate(f, "", alg).PublicPEM()))
	}
	for _, file := range []string{
		"", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
		"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, alg := range []jose.Algorithm{"", jose.RS256} {
			k, err := jose.ParsePEM("k", alg, file)
			if (err == nil) != (k != nil) {
				t.Fatalf("ParsePEM() = %v, %v", k, err)
			}
			if k == nil {
				continue
			}
			again, err := jose.ParsePEM("k", k.Algorithm(), must(k.PublicPEM()))
			if err != nil || !again.Equal(k) {
				t.Errorf("%v reads as %v, %v", k, again, err)
			}
		}
	})
}
