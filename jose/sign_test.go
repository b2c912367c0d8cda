package jose_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/jose"
)

// parts returns what the header and the claims of a token spell.
func parts(t *testing.T, token string) (header, claims string) {
	t.Helper()
	p := strings.Split(token, ".")
	if len(p) != 3 {
		t.Fatalf("%s has %d parts", token, len(p))
	}
	h, err := base64.RawURLEncoding.DecodeString(p[0])
	if err != nil {
		t.Fatal(err)
	}
	c, err := base64.RawURLEncoding.DecodeString(p[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(h), string(c)
}

func TestSign_order(t *testing.T) {
	k := hmacKey(t, "key-1", jose.HS256, "sign")
	c := claims()
	c.Extra = map[string]any{"z": 1, "a": []string{"x"}, "sid": "s<>&\u2028"}
	token, err := jose.Sign(k, "at+jwt", c)
	if err != nil {
		t.Fatal(err)
	}
	header, payload := parts(t, token)
	if want := `{"alg":"HS256","typ":"at+jwt","kid":"key-1"}`; header != want {
		t.Errorf("header = %s, want %s", header, want)
	}
	want := `{"a":["x"],"sid":"s<>&\u2028","z":1,"iat":1900000000,"exp":1900000900,` +
		`"aud":"https://api.test","iss":"https://issuer.test","sub":"ada","jti":"token-1"}`
	if payload != want {
		t.Errorf("claims = %s, want %s", payload, want)
	}

	c.Audience, c.NotBefore, c.Extra = []string{"a", `"b"`}, now, nil
	_, payload = parts(t, must(jose.Sign(hmacKey(t, "", jose.HS256, "sign"), "at+jwt", c)))
	want = `{"iat":1900000000,"nbf":1900000000,"exp":1900000900,"aud":["a","\"b\""],"iss":"https://issuer.test","sub":"ada","jti":"token-1"}`
	if payload != want {
		t.Errorf("claims = %s, want %s", payload, want)
	}
	header, _ = parts(t, must(jose.Sign(hmacKey(t, "", jose.HS256, "sign"), "at+jwt", c)))
	if want := `{"alg":"HS256","typ":"at+jwt"}`; header != want {
		t.Errorf("header = %s, want %s", header, want)
	}
}

func TestSign_refuses(t *testing.T) {
	k := hmacKey(t, "", jose.HS256, "sign")
	deep := any("x")
	for range 16 {
		deep = []any{deep}
	}
	for name, change := range map[string]func(*jose.Claims){
		"no issuer":           func(c *jose.Claims) { c.Issuer = "" },
		"no audience":         func(c *jose.Claims) { c.Audience = nil },
		"empty audience":      func(c *jose.Claims) { c.Audience = []string{"a", ""} },
		"no expiry":           func(c *jose.Claims) { c.Expiry = time.Time{} },
		"before 1970":         func(c *jose.Claims) { c.Expiry = time.Unix(-1, 0) },
		"registered in Extra": func(c *jose.Claims) { c.Extra = map[string]any{"exp": 1} },
		"in another case":     func(c *jose.Claims) { c.Extra = map[string]any{"ISS": "evil"} },
		"by the long s":       func(c *jose.Claims) { c.Extra = map[string]any{"\u017fub": "evil"} },
		"case alone":          func(c *jose.Claims) { c.Extra = map[string]any{"a": 1, "A": 1} },
		"nested case alone":   func(c *jose.Claims) { c.Extra = map[string]any{"a": map[string]any{"b": 1, "B": 1}} },
		"invalid UTF-8":       func(c *jose.Claims) { c.Subject = "\xff" },
		"invalid name":        func(c *jose.Claims) { c.Extra = map[string]any{"\xff": 1} },
		"a function":          func(c *jose.Claims) { c.Extra = map[string]any{"f": func() {}} },
		"not a number":        func(c *jose.Claims) { c.Extra = map[string]any{"f": math.NaN()} },
		"too deep":            func(c *jose.Claims) { c.Extra = map[string]any{"f": deep} },
		"too big":             func(c *jose.Claims) { c.Subject = strings.Repeat("x", 8<<10) },
	} {
		t.Run(name, func(t *testing.T) {
			c := claims()
			change(c)
			if token, err := jose.Sign(k, "at+jwt", c); err == nil || token != "" {
				t.Errorf("Sign() = %s, %v; want an error", token, err)
			}
		})
	}
	if doc, err := json.Marshal(&jose.Claims{Extra: map[string]any{"Exp": 1}}); err == nil {
		t.Errorf("a registered claim in Extra is written: %s", doc)
	}
	for _, typ := range []string{"", "at jwt", "at\njwt", "é"} {
		if token, err := jose.Sign(k, typ, claims()); err == nil || token != "" {
			t.Errorf("Sign(%q) = %s, %v; want an error", typ, token, err)
		}
	}
	if _, err := jose.Sign(nil, "at+jwt", claims()); err == nil {
		t.Error("Sign() without a key")
	}
	if _, err := jose.Sign(new(jose.Key), "at+jwt", claims()); err == nil {
		t.Error("Sign() with the zero key")
	}
	if _, err := jose.Sign(k, "at+jwt", nil); err == nil {
		t.Error("Sign() without claims")
	}
}

func TestSign_verify(t *testing.T) {
	for _, k := range []*jose.Key{
		hmacKey(t, `name "1"`, jose.HS512, "sign"), generate(t, "", jose.ES384), generate(t, "x", jose.EdDSA),
		must(jose.NewPrivateKey("rsa", jose.PS384, rsaKeys()[0])),
	} {
		t.Run(k.String(), func(t *testing.T) {
			want := claims()
			want.Subject = "é\u0000\n\"\\😀</script>"
			want.NotBefore = now
			want.Audience = []string{"other", audience}
			want.Extra = map[string]any{
				"roles": []any{"admin", "user"}, "n": json.Number("12345678901234567890"), "on": true, "nothing": nil,
				"deep": map[string]any{"a": []any{json.Number("1.5")}}, "": "no name",
			}
			token, err := jose.Sign(k, "at+jwt", want)
			if err != nil {
				t.Fatal(err)
			}
			got := accept(t, verifier(t, keySet(t, k), nil), token)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClaims_getters(t *testing.T) {
	k := hmacKey(t, "", jose.HS256, "getters")
	c := accept(t, verifier(t, keySet(t, k), nil), mint(t, k, goodHeader(jose.HS256), goodClaims(
		"s", `"text"`, "l", `["a","b"]`, "m", `["a",1]`, "e", `[]`, "t", "true", "i", "42", "f", "1.5", "big", "9223372036854775808", "time", "1700000000", "neg", "-1")))
	own := &jose.Claims{Extra: map[string]any{"l": []string{"a"}, "i": 42, "j": int64(43), "f": 1.5}}

	if s, ok := c.String("s"); !ok || s != "text" {
		t.Errorf("String(s) = %q, %t", s, ok)
	}
	for _, name := range []string{"i", "t", "x", "sub"} {
		if s, ok := c.String(name); ok {
			t.Errorf("String(%s) = %q", name, s)
		}
	}
	list, ok := c.Strings("l")
	if diff := cmp.Diff([]string{"a", "b"}, list); diff != "" || !ok {
		t.Errorf("Strings(l), %t (-want +got):\n%s", ok, diff)
	}
	if list, ok := c.Strings("e"); !ok || len(list) != 0 {
		t.Errorf("Strings(e) = %v, %t", list, ok)
	}
	for _, name := range []string{"m", "s", "x"} {
		if list, ok := c.Strings(name); ok || list != nil {
			t.Errorf("Strings(%s) = %v, %t", name, list, ok)
		}
	}
	list, _ = own.Strings("l")
	list[0] = "changed"
	if list, _ := own.Strings("l"); list[0] != "a" {
		t.Error("Strings() gives the list itself")
	}
	if v, ok := c.Bool("t"); !ok || !v {
		t.Errorf("Bool(t) = %t, %t", v, ok)
	}
	if v, ok := c.Bool("i"); ok || v {
		t.Errorf("Bool(i) = %t, %t", v, ok)
	}
	for _, tt := range []struct {
		claims *jose.Claims
		name   string
		i      int64
		iok    bool
		f      float64
		fok    bool
	}{
		{c, "i", 42, true, 42, true},
		{c, "f", 0, false, 1.5, true},
		{c, "big", 0, false, 1 << 63, true},
		{c, "s", 0, false, 0, false},
		{c, "neg", -1, true, -1, true},
		{own, "i", 42, true, 42, true},
		{own, "j", 43, true, 43, true},
		{own, "f", 0, false, 1.5, true},
	} {
		if i, ok := tt.claims.Int64(tt.name); ok != tt.iok || ok && i != tt.i {
			t.Errorf("Int64(%s) = %d, %t", tt.name, i, ok)
		}
		if f, ok := tt.claims.Float64(tt.name); ok != tt.fok || f != tt.f {
			t.Errorf("Float64(%s) = %v, %t", tt.name, f, ok)
		}
	}
	if at, ok := c.Time("time"); !ok || at.Unix() != 1_700_000_000 {
		t.Errorf("Time(time) = %v, %t", at, ok)
	}
	for _, name := range []string{"neg", "s", "big"} {
		if at, ok := c.Time(name); ok {
			t.Errorf("Time(%s) = %v", name, at)
		}
	}

	clone := c.Clone()
	clone.Audience[0], clone.Extra["s"], clone.Subject = "x", "x", "x"
	if c.Audience[0] != audience || c.Extra["s"] != "text" || c.Subject != "ada" {
		t.Error("a change of the clone changed the claims")
	}
}

// A signer that does not do what it should makes no token.
func TestSign_badSigner(t *testing.T) {
	es := generate(t, "", jose.ES256)
	for name, sig := range map[string][]byte{
		"nothing": nil, "not ASN.1": []byte("signature"), "zero": {0x30, 6, 2, 1, 0, 2, 1, 0}, "negative": {0x30, 6, 2, 1, 0xff, 2, 1, 1},
		"trailing": {0x30, 6, 2, 1, 1, 2, 1, 1, 0},
		"too long": append(append([]byte{0x30, 0x26, 2, 0x21, 1}, make([]byte, 32)...), 2, 1, 1),
	} {
		t.Run(name, func(t *testing.T) {
			k, err := jose.NewPrivateKey("", jose.ES256, brokenSigner{es, sig, nil})
			if err != nil {
				t.Fatal(err)
			}
			if token, err := jose.Sign(k, "at+jwt", claims()); err == nil || token != "" {
				t.Errorf("Sign() = %s, %v; want an error", token, err)
			}
		})
	}
	down := errors.New("the HSM is down")
	k, err := jose.NewPrivateKey("", jose.ES256, brokenSigner{es, nil, down})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jose.Sign(k, "at+jwt", claims()); !errors.Is(err, down) {
		t.Errorf("Sign() error = %v, want %v", err, down)
	}
}
