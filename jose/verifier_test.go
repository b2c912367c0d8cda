package jose_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
)

// JWT-01: the key says the algorithm.
func TestJWT01_keySaysAlgorithm(t *testing.T) {
	private := rsaKeys()[0]
	rs, err := jose.NewPrivateKey("", jose.RS256, private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	file := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	jwk, err := json.Marshal(rs)
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, keySet(t, rs), nil)
	accept(t, v, mint(t, rs, goodHeader(jose.RS256), goodClaims()))

	for name, secret := range map[string][]byte{
		"PEM":                 file,
		"PEM without newline": []byte(strings.TrimSpace(string(file))),
		"DER":                 der,
		"modulus":             private.N.Bytes(),
		"JWK":                 jwk,
	} {
		for _, alg := range []string{"HS256", "RS256"} {
			t.Run(name+" as secret, header "+alg, func(t *testing.T) {
				want := jose.ErrAlgorithm
				if alg == "RS256" {
					want = jose.ErrSignature
				}
				refuse(t, v, mintHMAC(`{"alg":"`+alg+`","typ":"at+jwt"}`, goodClaims(), secret), want)
			})
		}
	}

	es := generate(t, "ec", jose.ES256)
	set := keySet(t, rs, es)
	v = verifier(t, set, nil)
	for _, alg := range []string{"RS256", "PS256", "ES384", "HS256", "es256", "ES256 "} {
		t.Run("ES256 key, header "+alg, func(t *testing.T) {
			refuse(t, v, mint(t, es, `{"alg":"`+alg+`","typ":"at+jwt","kid":"ec"}`, goodClaims()), jose.ErrAlgorithm)
		})
	}
	t.Run("RS256 key, header PS256", func(t *testing.T) {
		ps, err := jose.NewPrivateKey("", jose.PS256, private)
		if err != nil {
			t.Fatal(err)
		}
		refuse(t, verifier(t, keySet(t, rs), nil), mint(t, ps, goodHeader(jose.PS256), goodClaims()), jose.ErrAlgorithm)
		refuse(t, verifier(t, keySet(t, rs), nil), mint(t, ps, goodHeader(jose.RS256), goodClaims()), jose.ErrSignature)
	})
	t.Run("a source that answers with any key", func(t *testing.T) {
		hs := hmacKey(t, "hs", jose.HS256, "x")
		v := verifier(t, sourceFunc(func() (*jose.Key, error) { return hs, nil }), nil)
		refuse(t, v, mint(t, hs, goodHeader(jose.RS256), goodClaims()), jose.ErrAlgorithm)
	})
}

// JWT-02: there is no algorithm "none".
func TestJWT02_none(t *testing.T) {
	k := hmacKey(t, "k", jose.HS256, "none")
	v := verifier(t, keySet(t, k), nil)
	for _, alg := range []string{`"none"`, `"None"`, `"NONE"`, `"nOnE"`, `""`, `null`, `0`, `["none"]`, ``} {
		header := `{"alg":` + alg + `,"typ":"at+jwt","kid":"k"}`
		if alg == "" {
			header = `{"typ":"at+jwt","kid":"k"}`
		}
		input := encode(header) + "." + encode(goodClaims())
		genuine := mint(t, k, header, goodClaims())
		for _, token := range []string{input, input + ".", input + ".AA", genuine} {
			c, err := v.Verify(t.Context(), token)
			if c != nil || !errors.Is(err, jose.ErrAlgorithm) && !errors.Is(err, jose.ErrMalformed) {
				t.Errorf("Verify(%s) = %v, %v; want ErrAlgorithm or ErrMalformed", alg, c, err)
			}
		}
	}
	unsigned := encode(goodHeader(jose.HS256)) + "." + encode(goodClaims()) // whatever the header says
	for _, token := range []string{unsigned + ".", unsigned + ".AA", unsigned} {
		if c, err := v.Verify(t.Context(), token); err == nil {
			t.Errorf("Verify(%q) = %v", token[len(unsigned):], c)
		}
	}
	if _, err := jose.NewHMACKey("", "none", make([]byte, 64)); err == nil {
		t.Error(`a key for "none" was made`)
	}
	if _, err := jose.GenerateKey("", "none"); err == nil {
		t.Error(`a key for "none" was made`)
	}
}

// JWT-04: the key ID is a name in a map.
func TestJWT04_keyID(t *testing.T) {
	k := hmacKey(t, "k", jose.HS256, "kid")
	v := verifier(t, keySet(t, k), nil)
	for name, tt := range map[string]struct {
		kid  string
		want error
	}{
		"path":     {`"../../dev/null"`, jose.ErrUnknownKey},
		"SQL":      {`"' UNION SELECT 'x"`, jose.ErrUnknownKey},
		"verbs":    {`"%s%n%x"`, jose.ErrUnknownKey},
		"case":     {`"K"`, jose.ErrUnknownKey},
		"256":      {`"` + strings.Repeat("k", 256) + `"`, jose.ErrUnknownKey},
		"257":      {`"` + strings.Repeat("k", 257) + `"`, jose.ErrMalformed},
		"5 kB":     {`"` + strings.Repeat("k", 5000) + `"`, jose.ErrMalformed},
		"10 kB":    {`"` + strings.Repeat("k", 10000) + `"`, jose.ErrMalformed},
		"empty":    {`""`, jose.ErrMalformed},
		"number":   {`1`, jose.ErrMalformed},
		"null":     {`null`, jose.ErrMalformed},
		"object":   {`{"k":1}`, jose.ErrMalformed},
		"list":     {`["k"]`, jose.ErrMalformed},
		"NUL":      {`"k\u0000"`, jose.ErrUnknownKey},
		"newlines": {`"k\r\nx"`, jose.ErrUnknownKey},
	} {
		t.Run(name, func(t *testing.T) {
			token := mint(t, k, `{"alg":"HS256","typ":"at+jwt","kid":`+tt.kid+`}`, goodClaims())
			refuse(t, v, token, tt.want)
			if _, err := v.Verify(t.Context(), token); err != nil && strings.Contains(err.Error(), "UNION") {
				t.Errorf("the error repeats the key ID: %v", err)
			}
		})
	}
	t.Run("missing, one key", func(t *testing.T) {
		accept(t, v, mint(t, k, goodHeader(jose.HS256), goodClaims()))
	})
	t.Run("missing, two keys", func(t *testing.T) {
		v := verifier(t, keySet(t, k, hmacKey(t, "other", jose.HS256, "other")), nil)
		refuse(t, v, mint(t, k, goodHeader(jose.HS256), goodClaims()), jose.ErrUnknownKey)
	})
	t.Run("missing, two keys of different algorithms", func(t *testing.T) {
		v := verifier(t, keySet(t, k, generate(t, "other", jose.EdDSA)), nil)
		accept(t, v, mint(t, k, goodHeader(jose.HS256), goodClaims()))
	})
	t.Run("of another key", func(t *testing.T) {
		v := verifier(t, keySet(t, k, hmacKey(t, "other", jose.HS256, "other")), nil)
		refuse(t, v, mint(t, k, `{"alg":"HS256","typ":"at+jwt","kid":"other"}`, goodClaims()), jose.ErrSignature)
	})
}

// JWT-05: a token does not bring its key along.
func TestJWT05_keysInHeader(t *testing.T) {
	var connections atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { connections.Add(1) }))
	defer server.Close()

	ours, attackers := generate(t, "", jose.ES256), generate(t, "", jose.ES256)
	jwk, err := json.Marshal(attackers)
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, keySet(t, ours), nil)
	for name, member := range map[string]string{
		"jwk": string(jwk), "jku": `"` + server.URL + `"`, "x5u": `"` + server.URL + `"`,
		"x5c": `["MIIB"]`, "x5t": `"AAAA"`, "x5t#S256": `"AAAA"`,
	} {
		t.Run(name, func(t *testing.T) {
			header := fmt.Sprintf(`{"alg":"ES256","typ":"at+jwt",%q:%s}`, name, member)
			refuse(t, v, mint(t, attackers, header, goodClaims()), jose.ErrSignature)
			accept(t, v, mint(t, ours, header, goodClaims()))
			withID := fmt.Sprintf(`{"alg":"ES256","typ":"at+jwt","kid":"new",%q:%s}`, name, member)
			refuse(t, v, mint(t, attackers, withID, goodClaims()), jose.ErrUnknownKey)
		})
	}
	t.Run("nil key", func(t *testing.T) {
		v := verifier(t, sourceFunc(func() (*jose.Key, error) { return nil, nil }), nil) //nolint:nilnil // a bad source
		refuse(t, v, mint(t, attackers, `{"alg":"ES256","typ":"at+jwt","jwk":`+string(jwk)+`}`, goodClaims()), jose.ErrUnknownKey)
		v = verifier(t, sourceFunc(func() (*jose.Key, error) { return new(jose.Key), nil }), nil)
		refuse(t, v, mint(t, attackers, goodHeader(jose.ES256), goodClaims()), jose.ErrUnknownKey)
		refuse(t, v, mint(t, attackers, `{"typ":"at+jwt"}`, goodClaims()), jose.ErrUnknownKey)
	})
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections to the attacker's server", n)
	}
}

// JWT-06: there are no extensions, so none is understood.
func TestJWT06_crit(t *testing.T) {
	k := hmacKey(t, "", jose.HS256, "crit")
	v := verifier(t, keySet(t, k), nil)
	for _, member := range []string{
		`"crit":["x"],"x":1`, `"crit":[]`, `"crit":"exp"`, `"crit":["alg"]`, `"crit":["b64"],"b64":false`, `"crit":null`,
		`"crit":["exp"],"crit":["exp"]`, `"Crit":["x"]`, `"CRIT":["x"]`, `"b64":false`, `"b64":true`, `"crit":["exp","exp"],"exp":1`,
	} {
		t.Run(member, func(t *testing.T) {
			refuse(t, v, mint(t, k, `{"alg":"HS256","typ":"at+jwt",`+member+`}`, goodClaims()), jose.ErrMalformed)
			refuse(t, v, mint(t, k, `{`+member+`,"alg":"HS256","typ":"at+jwt"}`, goodClaims()), jose.ErrMalformed)
		})
	}
}

// JWT-07: what two parsers could read differently is refused.
func TestJWT07_duplicateKeys(t *testing.T) {
	k := hmacKey(t, "", jose.HS256, "duplicates")
	v := verifier(t, keySet(t, k), nil)
	for _, header := range []string{
		`{"alg":"none","alg":"HS256","typ":"at+jwt"}`,
		`{"alg":"HS256","alg":"HS256","typ":"at+jwt"}`,
		`{"ALG":"none","alg":"HS256","typ":"at+jwt"}`,
		`{"alg":"HS256","typ":"at+jwt","Alg":"none"}`,
		`{"alg":"HS256","typ":"at+jwt","\u0061lg":"none"}`,
		`{"alg":"HS256","typ":"at+jwt","TYP":"x"}`,
		`{"alg":"HS256","typ":"at+jwt","Kid":"x"}`,
		`{"alg":"HS256","typ":"at+jwt","\u212aid":"x"}`, // the Kelvin sign
		`{"alg":"HS256","typ":"at+jwt","x":1,"X":2}`,
		`{"alg":"HS256","typ":"at+jwt","x":{"y":1,"y":2}}`,
	} {
		t.Run(header, func(t *testing.T) { refuse(t, v, mint(t, k, header, goodClaims()), jose.ErrMalformed) })
	}
	for _, claims := range [][]string{
		{"sub", `"a","sub":"b"`},
		{"sub", `"a","Sub":"b"`},
		{"sub", `"a","\u017fub":"b"`}, // the long s
		{"sub", "", "SUB", `"a"`},     // alone, yet somebody else would take it for the claim
		{"exp", "", "Exp", `1900000900`},
		{"x", `1,"x":1`},
		{"x", `1,"X":1`},
		{"x", `[{"y":1,"Y":2}]`},
		{"straße", `1,"STRAßE":1`},
		{"a", many(40) + `,"k7":1`},
		{"a", many(40) + `,"K39":1`},
	} {
		t.Run(strings.Join(claims, " "), func(t *testing.T) {
			refuse(t, v, mint(t, k, goodHeader(jose.HS256), goodClaims(claims...)), jose.ErrMalformed)
		})
	}
	t.Run("different names", func(t *testing.T) {
		accept(t, v, mint(t, k, goodHeader(jose.HS256), goodClaims("a", many(40), "subs", "1", "ſ", "1")))
	})
}

// many returns a value and n more members after it.
func many(n int) string {
	var b strings.Builder
	b.WriteString("0")
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":%d`, i, i)
	}
	return b.String()
}

func TestJWT07_strictJSON(t *testing.T) {
	k := hmacKey(t, "", jose.HS256, "strict")
	v := verifier(t, keySet(t, k), nil)
	good := strings.TrimSuffix(goodClaims(), "}")
	for name, claims := range map[string]string{
		"empty":             "",
		"space":             " ",
		"null":              "null",
		"list":              "[" + goodClaims() + "]",
		"string":            `"` + "x" + `"`,
		"trailing object":   goodClaims() + "{}",
		"trailing byte":     goodClaims() + "x",
		"trailing NUL":      goodClaims() + "\x00",
		"byte order mark":   "\ufeff" + goodClaims(),
		"invalid UTF-8":     good + ",\"x\":\"\xff\"}",
		"invalid name":      good + ",\"\xff\":1}",
		"overlong UTF-8":    good + ",\"x\":\"\xc0\x80\"}",
		"surrogate bytes":   good + ",\"x\":\"\xed\xa0\x80\"}",
		"lone surrogate":    good + `,"x":"\ud800"}`,
		"swapped pair":      good + `,"x":"\udc00\ud800"}`,
		"half a pair":       good + `,"x":"\ud800x"}`,
		"surrogate, escape": good + `,"x":"\ud800\n"}`,
		"bad escape":        good + `,"x":"\x41"}`,
		"short escape":      good + `,"x":"\u12"}`,
		"line break":        good + ",\"x\":\"a\nb\"}",
		"line break, slow":  good + ",\"x\":\"\\n\nb\"}",
		"comma at the end":  good + `,}`,
		"comma first":       `{,"x":1}`,
		"two commas":        good + `,,"x":1}`,
		"no comma":          good + ` "x":1}`,
		"no colon":          good + `,"x" 1}`,
		"no value":          good + `,"x":}`,
		"open":              good,
		"open list":         good + `,"x":[1}`,
		"list comma":        good + `,"x":[1,]}`,
		"name not quoted":   good + `,x:1}`,
		"single quotes":     good + `,'x':1}`,
		"comment":           good + `,"x":1/**/}`,
		"leading zero":      good + `,"x":01}`,
		"plus":              good + `,"x":+1}`,
		"point":             good + `,"x":1.}`,
		"point first":       good + `,"x":.1}`,
		"exponent":          good + `,"x":1e}`,
		"minus":             good + `,"x":-}`,
		"NaN":               good + `,"x":NaN}`,
		"infinite":          good + `,"x":1e400}`,
		"infinite, long":    good + `,"x":` + strings.Repeat("9", 400) + `}`,
		"hexadecimal":       good + `,"x":0x1}`,
		"True":              good + `,"x":True}`,
		"tru":               good + `,"x":tru}`,
		"deep":              good + `,"x":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `}`,
		"deep objects":      good + `,"x":` + strings.Repeat(`{"a":`, 16) + "1" + strings.Repeat("}", 16) + `}`,
		"brackets":          strings.Repeat("[", 5000),
		"brackets inside":   good + `,"x":` + strings.Repeat("[", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			token := mint(t, k, goodHeader(jose.HS256), claims)
			if claims == "" {
				token = encode(goodHeader(jose.HS256)) + ".." + "AA"
			}
			refuse(t, v, token, jose.ErrMalformed)
			refuse(t, v, mint(t, k, strings.ReplaceAll(claims, `"iat"`, `"alg":"HS256","typ":"at+jwt","iat"`), goodClaims()), jose.ErrMalformed)
		})
	}
	t.Run("fifteen deep, escapes, white space", func(t *testing.T) {
		c := accept(t, v, mint(t, k, goodHeader(jose.HS256), " \t\r\n"+good+
			` , "x" : `+strings.Repeat("[", 15)+strings.Repeat("]", 15)+
			`, "s":"\"\\\/\b\f\n\r\té\ud83d\ude00", "n":-1.5e+3, "t":true, "f":false, "z":null, "o":{} } `))
		if s, _ := c.String("s"); s != "\"\\/\b\f\n\r\té😀" {
			t.Errorf("s = %q", s)
		}
		if n, ok := c.Float64("n"); !ok || n != -1500 {
			t.Errorf("n = %v, %t", n, ok)
		}
		if _, ok := c.Extra["z"]; !ok || c.Extra["t"] != true || c.Extra["f"] != false {
			t.Errorf("z, t, f = %v", c.Extra)
		}
	})
}

// JWT-08: each kind of token has its own verifier.
func TestJWT08_type(t *testing.T) {
	k := hmacKey(t, "", jose.HS256, "type")
	set := keySet(t, k)
	v := verifier(t, set, nil)
	for _, typ := range []string{
		`"typ":"JWT"`, `"typ":"logout+jwt"`, `"typ":"dpop+jwt"`, `"typ":"state+jwt"`, `"typ":"access"`, `"typ":""`, `"x":1`,
		`"typ":"at+jwt "`, `"typ":"application/application/at+jwt"`, `"typ":"text/at+jwt"`, `"typ":"client-authentication+jwt"`,
	} {
		t.Run(typ, func(t *testing.T) { refuse(t, v, mint(t, k, `{"alg":"HS256",`+typ+`}`, goodClaims()), jose.ErrType) })
	}
	for _, typ := range []string{`null`, `1`, `["at+jwt"]`} {
		t.Run(typ, func(t *testing.T) {
			refuse(t, v, mint(t, k, `{"alg":"HS256","typ":`+typ+`}`, goodClaims()), jose.ErrMalformed)
		})
	}
	for _, typ := range []string{"at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"} {
		t.Run(typ, func(t *testing.T) { accept(t, v, mint(t, k, `{"alg":"HS256","typ":"`+typ+`"}`, goodClaims())) })
	}

	jwt := verifier(t, set, func(c *jose.VerifierConfig) { c.Type = []string{"JWT", ""} })
	accept(t, jwt, mint(t, k, `{"alg":"HS256","typ":"jwt"}`, goodClaims()))
	accept(t, jwt, mint(t, k, `{"alg":"HS256"}`, goodClaims()))
	refuse(t, jwt, mint(t, k, goodHeader(jose.HS256), goodClaims()), jose.ErrType)
	id := verifier(t, set, func(c *jose.VerifierConfig) { c.Type, c.IDToken = []string{"JWT"}, true })
	for _, claim := range []string{"nonce", "at_hash"} {
		t.Run("ID token by "+claim, func(t *testing.T) {
			token := mint(t, k, `{"alg":"HS256","typ":"JWT"}`, goodClaims(claim, `"x"`))
			refuse(t, jwt, token, jose.ErrType)
			refuse(t, jwt, mint(t, k, `{"alg":"HS256"}`, goodClaims(claim, "null")), jose.ErrType)
			accept(t, id, token)
		})
	}
}

// JWT-09: a token has an end, and a time.
func TestJWT09_times(t *testing.T) {
	k := hmacKey(t, "", jose.HS256, "times")
	v := verifier(t, keySet(t, k), nil)
	at := func(seconds int64) string { return fmt.Sprint(now.Unix() + seconds) }
	for _, tt := range []struct {
		claim, value string
		want         error // nil means accepted
	}{
		{"exp", "", jose.ErrMalformed},
		{"exp", `"` + at(900) + `"`, jose.ErrMalformed},
		{"exp", "null", jose.ErrMalformed},
		{"exp", "true", jose.ErrMalformed},
		{"exp", "[" + at(900) + "]", jose.ErrMalformed},
		{"exp", "{}", jose.ErrMalformed},
		{"exp", "1e400", jose.ErrMalformed},
		{"exp", "1e300", jose.ErrMalformed},
		{"exp", "-1", jose.ErrMalformed},
		{"exp", "-0", jose.ErrMalformed},
		{"exp", "9007199254740993", jose.ErrMalformed},
		{"exp", "9223372036854775808", jose.ErrMalformed},
		{"exp", strings.Repeat("9", 200), jose.ErrMalformed},
		{"exp", "9007199254740992", nil},
		{"exp", "0", jose.ErrExpired},
		{"exp", at(-31), jose.ErrExpired},
		{"exp", at(-30), jose.ErrExpired},
		{"exp", at(-29), nil},
		{"exp", at(-30) + ".5", nil},
		{"exp", at(-31) + ".9", jose.ErrExpired},
		{"exp", "1.90000001e9", nil},
		{"nbf", at(30), nil},
		{"nbf", at(31), jose.ErrNotYetValid},
		{"nbf", at(30) + ".5", jose.ErrNotYetValid},
		{"nbf", `"0"`, jose.ErrMalformed},
		{"nbf", "null", jose.ErrMalformed},
		{"nbf", at(3600), jose.ErrNotYetValid},
		{"iat", at(3600), jose.ErrNotYetValid},
		{"iat", at(31), jose.ErrNotYetValid},
		{"iat", at(30), nil},
		{"iat", "", nil},
		{"iat", "-1", jose.ErrMalformed},
		{"iat", `"` + at(0) + `"`, jose.ErrMalformed},
	} {
		t.Run(tt.claim+" "+tt.value, func(t *testing.T) {
			token := mint(t, k, goodHeader(jose.HS256), goodClaims(tt.claim, tt.value))
			if tt.want == nil {
				accept(t, v, token)
			} else {
				refuse(t, v, token, tt.want)
			}
		})
	}
	t.Run("no leeway", func(t *testing.T) {
		v := verifier(t, keySet(t, k), func(c *jose.VerifierConfig) { c.Leeway = -1 })
		refuse(t, v, mint(t, k, goodHeader(jose.HS256), goodClaims("exp", at(0))), jose.ErrExpired)
		accept(t, v, mint(t, k, goodHeader(jose.HS256), goodClaims("exp", at(1))))
		refuse(t, v, mint(t, k, goodHeader(jose.HS256), goodClaims("nbf", at(1))), jose.ErrNotYetValid)
	})
	t.Run("maximum age", func(t *testing.T) {
		v := verifier(t, keySet(t, k), func(c *jose.VerifierConfig) { c.MaxAge = time.Minute })
		accept(t, v, mint(t, k, goodHeader(jose.HS256), goodClaims("iat", at(-89))))
		refuse(t, v, mint(t, k, goodHeader(jose.HS256), goodClaims("iat", at(-90))), jose.ErrExpired)
		refuse(t, v, mint(t, k, goodHeader(jose.HS256), goodClaims("iat", "")), jose.ErrExpired)
	})
}

// JWT-10: the issuer is one string, and the token is for us.
func TestJWT10_issuerAndAudience(t *testing.T) {
	k := hmacKey(t, "", jose.HS256, "audience")
	v := verifier(t, keySet(t, k), nil)
	for _, tt := range []struct {
		claim, value string
		want         error
	}{
		{"aud", "", jose.ErrAudience},
		{"aud", `[]`, jose.ErrAudience},
		{"aud", `""`, jose.ErrAudience},
		{"aud", `[""]`, jose.ErrAudience},
		{"aud", `["other"]`, jose.ErrAudience},
		{"aud", `"` + audience + `/"`, jose.ErrAudience},
		{"aud", `"HTTPS://API.TEST"`, jose.ErrAudience},
		{"aud", `"https://api"`, jose.ErrAudience},
		{"aud", `{"0":"` + audience + `"}`, jose.ErrMalformed},
		{"aud", `[["` + audience + `"]]`, jose.ErrMalformed},
		{"aud", `["` + audience + `",1]`, jose.ErrMalformed},
		{"aud", `null`, jose.ErrMalformed},
		{"aud", `1`, jose.ErrMalformed},
		{"aud", `["other","` + audience + `"]`, nil},
		{"iss", "", jose.ErrIssuer},
		{"iss", `""`, jose.ErrIssuer},
		{"iss", `"` + issuer + `/"`, jose.ErrIssuer},
		{"iss", `"` + strings.ToUpper(issuer) + `"`, jose.ErrIssuer},
		{"iss", `" ` + issuer + `"`, jose.ErrIssuer},
		{"iss", `"evil"`, jose.ErrIssuer},
		{"iss", `["` + issuer + `","evil"]`, jose.ErrMalformed},
		{"iss", `["` + issuer + `"]`, jose.ErrMalformed},
		{"iss", `null`, jose.ErrMalformed},
		{"sub", `1`, jose.ErrMalformed},
		{"jti", `{}`, jose.ErrMalformed},
	} {
		t.Run(tt.claim+" "+tt.value, func(t *testing.T) {
			token := mint(t, k, goodHeader(jose.HS256), goodClaims(tt.claim, tt.value))
			if tt.want == nil {
				accept(t, v, token)
			} else {
				refuse(t, v, token, tt.want)
			}
		})
	}
}

func TestJWT10_configuration(t *testing.T) {
	keys := keySet(t, hmacKey(t, "", jose.HS256, "configuration"))
	good := jose.VerifierConfig{Keys: keys, Issuer: issuer, Audience: []string{audience}}
	if _, err := jose.NewVerifier(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*jose.VerifierConfig){
		"no keys":           func(c *jose.VerifierConfig) { c.Keys = nil },
		"no issuer":         func(c *jose.VerifierConfig) { c.Issuer = "" },
		"no audience":       func(c *jose.VerifierConfig) { c.Audience = nil },
		"empty audience":    func(c *jose.VerifierConfig) { c.Audience = []string{audience, ""} },
		"leeway":            func(c *jose.VerifierConfig) { c.Leeway = 61 * time.Second },
		"negative age":      func(c *jose.VerifierConfig) { c.MaxAge = -1 },
		"size over ceiling": func(c *jose.VerifierConfig) { c.MaxSize = 16<<10 + 1 },
		"negative size":     func(c *jose.VerifierConfig) { c.MaxSize = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			change(&cfg)
			if v, err := jose.NewVerifier(cfg); err == nil || v != nil {
				t.Errorf("NewVerifier() = %v, %v; want an error", v, err)
			}
		})
	}
	t.Run("zero verifier", func(t *testing.T) {
		refuse(t, new(jose.Verifier), mint(t, keys.Signing(), goodHeader(jose.HS256), goodClaims()), jose.ErrUnavailable)
		new(jose.Verifier).Forget("x")
	})
	t.Run("later changes", func(t *testing.T) {
		list := []string{audience}
		v := verifier(t, keys, func(c *jose.VerifierConfig) { c.Audience = list })
		list[0] = "other"
		refuse(t, v, mint(t, keys.Signing(), goodHeader(jose.HS256), goodClaims("aud", `"other"`)), jose.ErrAudience)
	})
}

// JWT-11: a bad signature outranks everything else, and nothing is readable.
func TestJWT11_signatureFirst(t *testing.T) {
	ours, attackers := hmacKey(t, "", jose.HS256, "ours"), hmacKey(t, "", jose.HS256, "attacker's")
	v := verifier(t, keySet(t, ours), nil)
	for name, claims := range map[string]string{
		"good":       goodClaims(),
		"expired":    goodClaims("exp", "1"),
		"early":      goodClaims("nbf", "9000000000"),
		"issuer":     goodClaims("iss", `"evil"`),
		"audience":   goodClaims("aud", `"evil"`),
		"not JSON":   "not JSON",
		"duplicates": goodClaims("x", `1,"x":1`),
		"no claims":  "{}",
	} {
		t.Run(name, func(t *testing.T) {
			refuse(t, v, mint(t, attackers, goodHeader(jose.HS256), claims), jose.ErrSignature)
			refuse(t, v, mint(t, attackers, `{"alg":"HS256","typ":"evil"}`, claims), jose.ErrSignature)
		})
	}
	t.Run("claims not base64url", func(t *testing.T) {
		refuse(t, v, encode(goodHeader(jose.HS256))+".=.AAAA", jose.ErrSignature)
	})
}

// JWT-12: size before work.
func TestJWT12_size(t *testing.T) {
	k := hmacKey(t, "", jose.HS256, "size")
	v := verifier(t, keySet(t, k), nil)
	for name, token := range map[string]string{
		"1 MiB of dots":    strings.Repeat(".", 1<<20),
		"1 MiB of A":       strings.Repeat("A", 1<<20),
		"8 KiB of dots":    strings.Repeat(".", 8<<10),
		"8 KiB of A":       strings.Repeat("A", 8<<10),
		"empty":            "",
		"one dot":          "a.b",
		"two dots":         "..",
		"three dots":       mint(t, k, goodHeader(jose.HS256), goodClaims()) + ".AA",
		"JWE":              "e30.AA.AA.AA.AA",
		"no header":        "." + encode(goodClaims()) + ".AA",
		"no claims":        encode(goodHeader(jose.HS256)) + "..AA",
		"8 KiB and 1 byte": strings.Repeat("A", 8<<10+1),
	} {
		t.Run(name, func(t *testing.T) {
			refuse(t, v, token, jose.ErrMalformed)
			if bytes := allocated(func() { _, _ = v.Verify(t.Context(), token) }); bytes >= 10_000 {
				t.Errorf("%d bytes were allocated", bytes)
			}
		})
	}
	t.Run("limit", func(t *testing.T) {
		pad := func(n int) string {
			return mint(t, k, goodHeader(jose.HS256), goodClaims("x", `"`+strings.Repeat("x", n)+`"`))
		}
		accept(t, v, pad(5500))
		refuse(t, v, pad(6000), jose.ErrMalformed)
		accept(t, verifier(t, keySet(t, k), func(c *jose.VerifierConfig) { c.MaxSize = 16 << 10 }), pad(6000))
	})
}

// JWT-13: a token has one spelling.
func TestJWT13_oneSpelling(t *testing.T) {
	for _, k := range []*jose.Key{hmacKey(t, "", jose.HS256, "spelling"), generate(t, "", jose.ES256), generate(t, "", jose.EdDSA)} {
		t.Run(string(k.Algorithm()), func(t *testing.T) {
			v := verifier(t, keySet(t, k), nil)
			token := mint(t, k, goodHeader(k.Algorithm()), goodClaims("x", `"~~~???"`))
			accept(t, v, token)
			head, rest, _ := strings.Cut(token, ".")
			body, sig, _ := strings.Cut(rest, ".")
			spellings := map[string]string{
				"padded signature": token + "=",
				"padded header":    head + "=." + body + "." + sig,
				"padded claims":    head + "." + body + "=." + sig,
				"line break":       token + "\n",
				"line break first": "\n" + token,
				"space":            token + " ",
				"inner break":      head + "." + body + "." + sig[:4] + "\r\n" + sig[4:],
				"header break":     head[:4] + "\n" + head[4:] + "." + body + "." + sig,
				"truncated":        token[:len(token)-1],
				"truncated by 4":   token[:len(token)-4],
				"extended":         token + "A",
				"extended by 4":    token + "AAAA",
				"no signature":     head + "." + body + ".",
				"NUL":              token + "\x00",
				"percent":          strings.Replace(token, ".", "%2E", 1),
				"Bearer":           "Bearer " + token,
				"UTF-8":            token + "é",
				"flattened JSON":   `{"payload":"` + body + `","protected":"` + head + `","signature":"` + sig + `"}`,
				"general JSON":     `{"payload":"` + body + `","signatures":[{"protected":"` + head + `","signature":"` + sig + `"}]}`,
			}
			if s := strings.NewReplacer("-", "+", "_", "/").Replace(token); s != token {
				spellings["standard alphabet"] = s
			}
			for name, s := range spellings {
				if c, err := v.Verify(t.Context(), s); c != nil || !errors.Is(err, jose.ErrMalformed) && !errors.Is(err, jose.ErrSignature) {
					t.Errorf("%s: Verify() = %v, %v; want ErrMalformed or ErrSignature", name, c, err)
				}
			}
			// The last character of the signature has bits to spare.
			const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
			for _, c := range alphabet {
				if other := token[:len(token)-1] + string(c); other != token {
					refuse(t, v, other, jose.ErrSignature)
				}
			}
		})
	}
	t.Run("claims spelt in a signed way", func(t *testing.T) {
		k := hmacKey(t, "", jose.HS256, "spelling")
		for _, body := range []string{encode(goodClaims()) + "=", encode(goodClaims()) + "\n", "+/+/", "A", "AB"} {
			input := encode(goodHeader(jose.HS256)) + "." + body
			sig, err := k.SignRaw(input)
			if err != nil {
				t.Fatal(err)
			}
			refuse(t, verifier(t, keySet(t, k), nil), input+"."+base64.RawURLEncoding.EncodeToString(sig), jose.ErrMalformed)
		}
	})
}

func TestVerifier_undecided(t *testing.T) {
	k := hmacKey(t, "", jose.HS256, "undecided")
	token := mint(t, k, goodHeader(jose.HS256), goodClaims())
	down := errors.New("issuer is down")
	var fail bool
	v := verifier(t, sourceFunc(func() (*jose.Key, error) {
		if fail {
			return nil, down
		}
		return k, nil
	}), nil)
	fail = true
	refuse(t, v, token, jose.ErrUnavailable)
	refuse(t, v, token, down)
	if n := v.Remembered(); n != 0 {
		t.Errorf("%d tokens are remembered, want 0", n)
	}
	fail = false
	accept(t, v, token)
	fail = true // what was verified before is not let through either
	refuse(t, v, token, jose.ErrUnavailable)
	fail = false
	accept(t, v, token)
}

func TestVerifier_context(t *testing.T) {
	k := hmacKey(t, "", jose.HS256, "context")
	type key struct{}
	var got any
	v := verifier(t, contextSource(func(ctx context.Context) (*jose.Key, error) {
		got = ctx.Value(key{})
		return k, ctx.Err()
	}), nil)
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "x"))
	token := mint(t, k, goodHeader(jose.HS256), goodClaims())
	if _, err := v.Verify(ctx, token); err != nil || got != "x" {
		t.Errorf("Verify() error = %v, the source got %v", err, got)
	}
	cancel()
	if c, err := v.Verify(ctx, token); c != nil || !errors.Is(err, jose.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("Verify() = %v, %v; want ErrUnavailable and context.Canceled", c, err)
	}
}
