package jose_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/jose"
)

// rsaJWK returns an RSA key as a private JWK with further members.
func rsaJWK(members string) string {
	k := rsaKeys()[0]
	return fmt.Sprintf(`{"kty":"RSA","n":%q,"e":"AQAB","d":%q,"p":%q,"q":%q%s}`,
		b64(k.N.Bytes()), b64(k.D.Bytes()), b64(k.Primes[0].Bytes()), b64(k.Primes[1].Bytes()), members)
}

func TestParseJWK_private(t *testing.T) {
	for name, tt := range map[string]struct {
		doc string
		alg jose.Algorithm
	}{
		"RSA":     {rsaJWK(`,"alg":"RS384","kid":"name"`), jose.RS384},
		"P-256":   {strings.Replace(a3JWK, `{`, `{"kid":"name",`, 1), jose.ES256},
		"P-521":   {strings.Replace(a4JWK, `{`, `{"kid":"name","use":"sig","key_ops":["sign","verify"],`, 1), jose.ES512},
		"Ed25519": {strings.Replace(edJWK, `{`, `{"kid":"name","alg":"Ed25519",`, 1), jose.EdDSA},
		"oct":     {strings.Replace(a1JWK, `{`, `{"kid":"name","alg":"HS512",`, 1), jose.HS512},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := jose.ParseJWK([]byte(tt.doc))
			if err != nil {
				t.Fatal(err)
			}
			if k.ID() != "name" || k.Algorithm() != tt.alg || !k.CanSign() {
				t.Errorf("ParseJWK() = %v", k)
			}
			sig, err := k.SignRaw("input")
			if err != nil || !k.VerifySignature("input", sig) {
				t.Errorf("the signature does not hold: %v", err)
			}
		})
	}
}

// JWT-01: a key that does not say its algorithm gets it from us.
func TestJWT01_algorithmOfJWK(t *testing.T) {
	for _, tt := range []struct {
		doc  string
		algs []jose.Algorithm
		want jose.Algorithm // empty means refused
	}{
		{a2JWK, nil, ""},
		{a2JWK, []jose.Algorithm{jose.RS256}, jose.RS256},
		{a2JWK, []jose.Algorithm{jose.RS256, jose.RS256}, jose.RS256},
		{a2JWK, []jose.Algorithm{jose.PS384, jose.ES256, jose.HS256}, jose.PS384},
		{a2JWK, []jose.Algorithm{jose.RS256, jose.PS256}, ""},
		{a2JWK, []jose.Algorithm{jose.HS256}, ""},
		{a2JWK, []jose.Algorithm{"none"}, ""},
		{a1JWK, nil, ""},
		{a1JWK, []jose.Algorithm{jose.RS256}, ""},
		{a1JWK, []jose.Algorithm{jose.HS256, jose.RS256}, jose.HS256},
		{a3JWK, nil, jose.ES256},
		{a3JWK, []jose.Algorithm{jose.ES384}, ""},
		{a3JWK, []jose.Algorithm{jose.ES256, jose.ES384}, jose.ES256},
		{edJWK, nil, jose.EdDSA},
		{edJWK, []jose.Algorithm{"Ed25519"}, jose.EdDSA},
		{rsaJWK(`,"alg":"RS256"`), []jose.Algorithm{jose.PS256}, ""},
		{rsaJWK(`,"alg":"RS256"`), []jose.Algorithm{jose.PS256, jose.RS256}, jose.RS256},
		{rsaJWK(`,"alg":"HS256"`), nil, ""},
		{rsaJWK(`,"alg":"ES256"`), nil, ""},
		{rsaJWK(`,"alg":"RSA-OAEP"`), nil, ""},
		{rsaJWK(`,"alg":"none"`), nil, ""},
		{rsaJWK(`,"alg":null`), []jose.Algorithm{jose.RS256}, ""},
		{rsaJWK(`,"alg":""`), []jose.Algorithm{jose.RS256}, ""},
		{rsaJWK(`,"alg":["RS256"]`), []jose.Algorithm{jose.RS256}, ""},
	} {
		k, err := jose.ParseJWK([]byte(tt.doc), tt.algs...)
		if tt.want == "" && (err == nil || k != nil) {
			t.Errorf("ParseJWK(%.60s, %v) = %v, %v; want an error", tt.doc, tt.algs, k, err)
		}
		if tt.want != "" && (err != nil || k.Algorithm() != tt.want) {
			t.Errorf("ParseJWK(%.60s, %v) = %v, %v; want %s", tt.doc, tt.algs, k, err, tt.want)
		}
	}
}

func TestParseJWK_refuses(t *testing.T) {
	other := rsaKeys()[1]
	for name, doc := range map[string]string{
		"empty":             "",
		"not JSON":          "key",
		"list":              "[" + a3JWK + "]",
		"empty object":      "{}",
		"trailing":          a3JWK + "{}",
		"JWT-07 duplicate":  strings.Replace(a3JWK, `{`, `{"x":"AA",`, 1),
		"JWT-07 other case": strings.Replace(a3JWK, `{`, `{"KTY":"RSA",`, 1),
		"no kty":            strings.Replace(a3JWK, `"kty":"EC",`, ``, 1),
		"unknown kty":       strings.Replace(a3JWK, `"EC"`, `"AKP"`, 1),
		"kty number":        strings.Replace(a3JWK, `"EC"`, `1`, 1),
		"for encryption":    strings.Replace(a3JWK, `{`, `{"use":"enc",`, 1),
		"use null":          strings.Replace(a3JWK, `{`, `{"use":null,`, 1),
		"key_ops":           strings.Replace(a3JWK, `{`, `{"key_ops":["encrypt"],`, 1),
		"key_ops text":      strings.Replace(a3JWK, `{`, `{"key_ops":"verify",`, 1),
		"kid number":        strings.Replace(a3JWK, `{`, `{"kid":1,`, 1),
		"kid empty":         strings.Replace(a3JWK, `{`, `{"kid":"",`, 1),
		"kid long":          strings.Replace(a3JWK, `{`, `{"kid":"`+strings.Repeat("k", 257)+`",`, 1),
		"padding":           strings.Replace(a3JWK, `RVEU"`, `RVEU="`, 1),
		"line break":        strings.Replace(a3JWK, `"f83O`, `"f8\n3O`, 1),
		"d null":            a3JWK[:strings.Index(a3JWK, `"d"`)] + `"d":null}`,
		"huge":              a3JWK[:len(a3JWK)-1] + `,"z":"` + strings.Repeat("z", 16<<10) + `"}`,
		"RSA no e":          strings.Replace(rsaJWK(`,"alg":"RS256"`), `"e":"AQAB",`, ``, 1),
		"RSA oth":           rsaJWK(`,"alg":"RS256","oth":[]`),
		"RSA another's n":   strings.Replace(rsaJWK(`,"alg":"RS256"`), b64(rsaKeys()[0].N.Bytes()), b64(other.N.Bytes()), 1),
		"RSA another's d":   strings.Replace(rsaJWK(`,"alg":"RS256"`), b64(rsaKeys()[0].D.Bytes()), b64(other.D.Bytes()), 1),
		"RSA p = q":         strings.Replace(rsaJWK(`,"alg":"RS256"`), b64(rsaKeys()[0].Primes[1].Bytes()), b64(rsaKeys()[0].Primes[0].Bytes()), 1),
		"RSA only d":        strings.Replace(a2JWK, `{`, `{"alg":"RS256","d":"AQ",`, 1),
		"weak oct":          `{"kty":"oct","alg":"HS256","k":"` + b64(bytes.Repeat([]byte("secret"), 10)) + `"}`,
		"short oct":         `{"kty":"oct","alg":"HS256","k":"AQID"}`,
		"kty RSA, HS256":    strings.Replace(a1JWK, `"oct"`, `"RSA","alg":"HS256"`, 1),
		"kty EC, RS256":     strings.Replace(a3JWK, `{`, `{"alg":"RS256",`, 1),
		"Ed25519, short d":  strings.Replace(edJWK, `"d":"nWGx`, `"d":"`, 1),
		"no k":              `{"kty":"oct","alg":"HS256"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if k, err := jose.ParseJWK([]byte(doc)); err == nil || k != nil {
				t.Errorf("ParseJWK() = %v, %v; want an error", k, err)
			}
		})
	}
}

func TestParseJWKS(t *testing.T) {
	set := `{"keys":[` + rsaJWK(`,"alg":"RS256","kid":"a"`) + `,` + strings.Replace(edJWK, `{`, `{"kid":"b",`, 1) + `],"x":1}`
	keys, err := jose.ParseJWKS([]byte(set))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(keys); got != `[RS256 key "a" EdDSA key "b"]` {
		t.Errorf("ParseJWKS() = %s", got)
	}
	for name, doc := range map[string]string{
		"empty":       ``,
		"HTML":        `<html>`,
		"no list":     `{}`,
		"object":      `{"keys":{}}`,
		"null":        `{"keys":null}`,
		"twice":       `{"keys":[],"keys":[]}`,
		"other case":  `{"keys":[],"Keys":[]}`,
		"same name":   `{"keys":[` + edJWK + `,` + a3JWK + `]}`,
		"no object":   `{"keys":[1]}`,
		"bad key":     `{"keys":[{"kty":"EC"}]}`,
		"101 keys":    `{"keys":[` + strings.TrimSuffix(strings.Repeat(`{},`, 101), ",") + `]}`,
		"over 256 KB": `{"keys":[],"x":"` + strings.Repeat("x", 256<<10) + `"}`,
	} {
		if keys, err := jose.ParseJWKS([]byte(doc)); err == nil || keys != nil {
			t.Errorf("%s: ParseJWKS() = %v, %v; want an error", name, keys, err)
		}
	}
}

func TestParsePublicJWKS(t *testing.T) {
	weak := fmt.Sprintf(`{"kty":"RSA","alg":"RS256","kid":"weak","e":"AQAB","n":%q}`, b64(new(big.Int).Lsh(big.NewInt(1), 1023).Bytes()))
	set := `{"keys":[` + strings.Join([]string{
		`{"kty":"unknown","kid":"u"}`,
		strings.Replace(a1JWK, `{`, `{"alg":"HS256","kid":"oct",`, 1),
		strings.Replace(a3JWK, `{`, `{"kid":"enc","use":"enc",`, 1),
		weak,
		strings.Replace(a3JWK, `{`, `{"kid":"good",`, 1),
		strings.Replace(edJWK, `{`, `{"kid":"good",`, 1),
		`1`,
		rsaJWK(`,"alg":"PS256","kid":"not wanted"`),
		rsaJWK(`,"kid":"also good"`),
	}, ",") + `]}`
	keys, skipped, err := jose.ParsePublicJWKS([]byte(set), jose.ES256, jose.EdDSA, jose.RS256, jose.HS256)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(keys); got != `[ES256 key "good" RS256 key "also good"]` {
		t.Errorf("ParsePublicJWKS() = %s", got)
	}
	if slices.ContainsFunc(keys, (*jose.Key).CanSign) {
		t.Error("a key of somebody else's set signs")
	}
	if len(skipped) != 7 {
		t.Errorf("%d keys were skipped, want 7: %v", len(skipped), skipped)
	}
	for _, doc := range []string{`<html>`, `{"keys":[` + strings.TrimSuffix(strings.Repeat(`{},`, 101), ",") + `]}`} {
		if keys, _, err := jose.ParsePublicJWKS([]byte(doc)); err == nil || keys != nil {
			t.Errorf("ParsePublicJWKS(%.20s…) = %v, %v; want an error", doc, keys, err)
		}
	}
}

// JKS-08 for the document of one key: public members only.
func TestKey_MarshalJSON(t *testing.T) {
	for _, k := range []*jose.Key{
		must(jose.NewPrivateKey("a", jose.RS256, rsaKeys()[0])), generate(t, `b"\`, jose.ES256), generate(t, "", jose.ES512),
		generate(t, "d", jose.EdDSA), must(jose.NewPrivateKey("", jose.PS512, rsaKeys()[1])),
	} {
		t.Run(k.String(), func(t *testing.T) {
			doc, err := json.Marshal(k)
			if err != nil {
				t.Fatal(err)
			}
			var members map[string]any
			if err := json.Unmarshal(doc, &members); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
				if _, ok := members[name]; ok {
					t.Errorf("the document has %q: %s", name, doc)
				}
			}
			again, err := jose.ParseJWK(doc)
			if err != nil {
				t.Fatal(err)
			}
			if !again.Equal(k) || again.CanSign() || again.Thumbprint() != k.Thumbprint() {
				t.Errorf("the key reads as %v", again)
			}
		})
	}
	if _, err := new(jose.Key).MarshalJSON(); err == nil {
		t.Error("the zero key is marshalled")
	}
}

func TestParsePEM(t *testing.T) {
	ec := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	pkcs8 := func(k crypto.PrivateKey) string { return block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(k))) }
	pkix := func(k crypto.PublicKey) string { return block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(k))) }
	rs := rsaKeys()[0]
	sec1 := block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ec)))
	parameters := block("EC PARAMETERS", []byte{6, 5, 0x2b, 0x81, 4, 0, 0x22})
	for name, tt := range map[string]struct {
		file string
		alg  jose.Algorithm // empty means by itself
		want jose.Algorithm // empty means refused
		sign bool
	}{
		"PKCS#8 RSA":         {pkcs8(rs), jose.RS512, jose.RS512, true},
		"PKCS#8 P-384":       {pkcs8(ec), "", jose.ES384, true},
		"PKCS#8 Ed25519":     {pkcs8(ed), "", jose.EdDSA, true},
		"PKCS#1":             {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rs)), jose.PS256, jose.PS256, true},
		"PKCS#1 public":      {block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rs.PublicKey)), jose.RS256, jose.RS256, false},
		"SEC 1":              {sec1, jose.ES384, jose.ES384, true},
		"SEC 1 by openssl":   {parameters + sec1, "", jose.ES384, true},
		"PKIX RSA":           {pkix(&rs.PublicKey), jose.RS256, jose.RS256, false},
		"PKIX P-384":         {pkix(&ec.PublicKey), "", jose.ES384, false},
		"PKIX Ed25519":       {"comment\n" + pkix(ed.Public()) + "\n\n", "", jose.EdDSA, false},
		"RSA, no algorithm":  {pkcs8(rs), "", "", false},
		"P-384 for ES256":    {pkcs8(ec), jose.ES256, "", false},
		"RSA for HS256":      {pkix(&rs.PublicKey), jose.HS256, "", false},
		"empty":              {"", jose.RS256, "", false},
		"text":               {"-----BEGIN PRIVATE KEY-----", jose.RS256, "", false},
		"only parameters":    {parameters, "", "", false},
		"two keys":           {pkcs8(ed) + pkcs8(ed), "", "", false},
		"trailing text":      {pkcs8(ed) + "x", "", "", false},
		"certificate":        {block("CERTIFICATE", []byte{0x30, 0}), "", "", false},
		"encrypted":          {block("ENCRYPTED PRIVATE KEY", []byte{0x30, 0}), "", "", false},
		"old encryption":     {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\nMAA=\n-----END RSA PRIVATE KEY-----\n", jose.RS256, "", false},
		"nothing in it":      {block("PRIVATE KEY", nil), jose.RS256, "", false},
		"wrong label":        {block("PUBLIC KEY", x509.MarshalPKCS1PrivateKey(rs)), jose.RS256, "", false},
		"P-224":              {pkcs8(must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))), "", "", false},
		"huge file":          {strings.Repeat("\n", 25<<10) + pkcs8(ed), "", "", false},
		"X25519":             {block("PUBLIC KEY", append([]byte{0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 3, 0x21, 0}, make([]byte, 32)...)), "", "", false},
		"JWT-15 RSA of 1024": {pkix(&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}), jose.RS256, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := jose.ParsePEM("name", tt.alg, []byte(tt.file))
			if tt.want == "" {
				if err == nil || k != nil {
					t.Errorf("ParsePEM() = %v, %v; want an error", k, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if k.Algorithm() != tt.want || k.ID() != "name" || k.CanSign() != tt.sign {
				t.Errorf("ParsePEM() = %v, signs: %t", k, k.CanSign())
			}
			file, err := k.PublicPEM()
			if err != nil {
				t.Fatal(err)
			}
			if public, err := jose.ParsePEM("name", tt.want, file); err != nil || !public.Equal(k) || public.CanSign() {
				t.Errorf("the public half reads as %v, %v", public, err)
			}
		})
	}
	if _, err := hmacKey(t, "", jose.HS256, "pem").PublicPEM(); err == nil {
		t.Error("a shared secret is marshalled")
	}
}

func TestKeySet(t *testing.T) {
	a, b, c := hmacKey(t, "a", jose.HS256, "a"), generate(t, "b", jose.ES256), generate(t, "c", jose.EdDSA)
	if (*jose.KeySet)(nil).Signing() != nil {
		t.Error("a nil set signs")
	}
	var s jose.KeySet
	if s.Signing() != nil || s.Remove("a") || string(s.JWKS()) != `{"keys":[]}` {
		t.Error("the zero set is not empty")
	}
	if _, err := s.Key(t.Context(), "", jose.HS256); err != jose.ErrAlgorithm { //nolint:errorlint // exactly this one
		t.Errorf("Key() error = %v", err)
	}
	add := func(k *jose.Key) {
		t.Helper()
		if err := s.Add(k); err != nil {
			t.Fatal(err)
		}
	}
	add(c.Public())
	if s.Signing() != nil {
		t.Error("a public key signs")
	}
	add(a)
	add(b)
	if s.Signing() != a {
		t.Errorf("Signing() = %v, want the first that can", s.Signing())
	}
	for name, k := range map[string]*jose.Key{"nil": nil, "zero": new(jose.Key), "same name": hmacKey(t, "b", jose.HS256, "b")} {
		if err := s.Add(k); err == nil {
			t.Errorf("%s: Add() accepts it", name)
		}
	}
	if err := s.Use("b"); err != nil || s.Signing() != b {
		t.Errorf("Use(b): %v, Signing() = %v", err, s.Signing())
	}
	for _, kid := range []string{"c", "x", ""} {
		if err := s.Use(kid); err == nil || s.Signing() != b {
			t.Errorf("Use(%q): %v, Signing() = %v", kid, err, s.Signing())
		}
	}
	if k, ok := s.ByID("a"); !ok || k != a {
		t.Errorf("ByID(a) = %v, %t", k, ok)
	}
	if k, ok := s.ByID("x"); ok || k != nil {
		t.Errorf("ByID(x) = %v, %t", k, ok)
	}

	var doc struct{ Keys []map[string]any }
	marshalled := must(json.Marshal(&s))
	if !bytes.Equal(marshalled, s.JWKS()) {
		t.Errorf("json.Marshal() = %s, JWKS() = %s", marshalled, s.JWKS())
	}
	if err := json.Unmarshal(marshalled, &doc); err != nil {
		t.Fatal(err)
	}
	var names []any
	for _, k := range doc.Keys {
		names = append(names, k["kid"])
		if k["d"] != nil || k["k"] != nil || k["kty"] == "oct" {
			t.Errorf("the document has a secret: %v", k)
		}
	}
	if diff := cmp.Diff([]any{"c", "b"}, names); diff != "" {
		t.Errorf("keys of the document (-want +got):\n%s", diff)
	}
	s.JWKS()[0] = 'x'
	if s.JWKS()[0] != '{' {
		t.Error("the document can be changed from outside")
	}

	if !s.Remove("b") || s.Signing() != a {
		t.Errorf("Signing() = %v, want the newest that can", s.Signing())
	}
	if !s.Remove("a") || s.Signing() != nil || s.Remove("a") {
		t.Errorf("Signing() = %v, want none", s.Signing())
	}
	if _, err := jose.NewKeySet(a, a); err == nil {
		t.Error("a key is in the set twice")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
