package jose_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
)

var algorithms = []jose.Algorithm{
	jose.HS256, jose.HS384, jose.HS512, jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// pair returns two keys that sign.
func pair(t *testing.T, alg jose.Algorithm) (*jose.Key, *jose.Key) {
	t.Helper()
	if alg == jose.RS256 || !strings.HasPrefix(string(alg), "RS") && !strings.HasPrefix(string(alg), "PS") {
		return generate(t, "", alg), generate(t, "", alg)
	}
	var keys [2]*jose.Key
	for i, private := range rsaKeys() {
		var err error
		if keys[i], err = jose.NewPrivateKey(fmt.Sprint(i), alg, private); err != nil {
			t.Fatal(err)
		}
	}
	return keys[0], keys[1]
}

func TestGenerateKey(t *testing.T) {
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			k, other := pair(t, alg)
			if k.Algorithm() != alg || k.ID() == "" || !k.CanSign() || k.Equal(other) || !k.Equal(k) {
				t.Errorf("GenerateKey() = %v", k)
			}
			v := verifier(t, keySet(t, k), nil)
			token, err := jose.Sign(k, jose.AccessTokenType, claims())
			if err != nil {
				t.Fatal(err)
			}
			accept(t, v, token)
			forged, err := jose.Sign(other, jose.AccessTokenType, claims())
			if err != nil {
				t.Fatal(err)
			}
			refuse(t, v, forged, jose.ErrUnknownKey)
			sig, err := k.SignRaw("input")
			if err != nil {
				t.Fatal(err)
			}
			if !k.VerifySignature("input", sig) || k.VerifySignature("inpux", sig) || other.VerifySignature("input", sig) {
				t.Error("the signature is not the key's")
			}
			for _, bad := range [][]byte{nil, {}, sig[:len(sig)-1], append(bytes.Clone(sig), 0), make([]byte, len(sig))} {
				if k.VerifySignature("input", bad) {
					t.Errorf("a signature of %d bytes holds", len(bad))
				}
			}
			for i := range sig {
				flipped := bytes.Clone(sig)
				flipped[i] ^= 1
				if k.VerifySignature("input", flipped) {
					t.Errorf("the signature holds with byte %d changed", i)
				}
			}
		})
	}
}

// JWT-03: a shared secret is one.
func TestJWT03_secret(t *testing.T) {
	random := make([]byte, 64)
	_, _ = rand.Read(random)
	for alg, size := range map[jose.Algorithm]int{jose.HS256: 32, jose.HS384: 48, jose.HS512: 64} {
		if _, err := jose.NewHMACKey("", alg, random[:size]); err != nil {
			t.Errorf("%s with %d bytes: %v", alg, size, err)
		}
		if _, err := jose.NewHMACKey("", alg, random[:size-1]); err == nil {
			t.Errorf("%s with %d bytes is accepted", alg, size-1)
		}
	}
	for name, secret := range map[string]string{
		"hexadecimal": hex.EncodeToString(random[:32]),
		"base64":      base64.StdEncoding.EncodeToString(random),
	} {
		if _, err := jose.NewHMACKey("", jose.HS256, []byte(secret)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	file := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	for name, secret := range map[string]string{
		"empty":               "",
		"31 bytes":            string(random[:31]),
		"Change_ME!!!":        "Change_ME!!!",
		"Change_ME!!!, long":  "Change_ME!!! 0123456789 abcdefghijkl",
		"placeholder":         "this-is-a-placeholder-0123456789-xyz",
		"your secret":         "<YOUR-SECRET-KEY-GOES-HERE-PLEASE!!>",
		"super secret":        "Super.Secret.Value.0123456789.abcdef",
		"one byte":            strings.Repeat("a", 64),
		"zeros":               string(make([]byte, 64)),
		"secret, repeated":    strings.Repeat("secret", 8),
		"eight bytes again":   strings.Repeat("01234567", 8),
		"15 bytes again":      strings.Repeat("0123456789abcde", 5),
		"few different bytes": strings.Repeat("aababcabcd", 5) + "dcba",
		"PEM":                 file,
		"PEM, no newline":     strings.TrimSpace(file),
		"PEM after text":      "my key:\n" + file,
		"DER":                 string(der),
		"JWK":                 a3JWK,
		"JWK with space":      " \n" + a1JWK + "\n",
		"ssh":                 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+xyz0123456789",
	} {
		t.Run(name, func(t *testing.T) {
			k, err := jose.NewHMACKey("", jose.HS256, []byte(secret))
			if err == nil || k != nil {
				t.Fatalf("NewHMACKey() = %v, %v; want an error", k, err)
			}
			if len(secret) > 8 && strings.Contains(err.Error(), secret[:8]) {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
	for _, alg := range []jose.Algorithm{"", "hs256", jose.RS256, jose.EdDSA, "HS1"} {
		if _, err := jose.NewHMACKey("", alg, random); err == nil {
			t.Errorf("a shared secret for %q is accepted", alg)
		}
	}
}

// JWT-14: ECDSA signatures have one form and are in range, and points are on the
// curve.
func TestJWT14_ecdsa(t *testing.T) {
	for _, alg := range []jose.Algorithm{jose.ES256, jose.ES384, jose.ES512} {
		t.Run(string(alg), func(t *testing.T) {
			private, err := ecdsa.GenerateKey(curve(alg), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			k, err := jose.NewPrivateKey("", alg, private)
			if err != nil {
				t.Fatal(err)
			}
			size := (private.Params().BitSize + 7) / 8
			n := private.Params().N
			pair := func(r, s *big.Int) []byte {
				return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
			}
			zero, one := new(big.Int), big.NewInt(1)
			sig, err := k.SignRaw("input")
			if err != nil {
				t.Fatal(err)
			}
			if len(sig) != 2*size {
				t.Fatalf("the signature has %d bytes, want %d", len(sig), 2*size)
			}
			r, s := number(sig[:size]), number(sig[size:])
			der, err := private.Sign(rand.Reader, make([]byte, 32), crypto.SHA256)
			if err != nil {
				t.Fatal(err)
			}
			full := bytes.Repeat([]byte{0xff}, 2*size)
			for name, bad := range map[string][]byte{
				"r = s = 0": pair(zero, zero), "r = 0": pair(zero, s), "s = 0": pair(r, zero),
				"r = s = n": pair(n, n), "r = n": pair(n, s), "s = n": pair(r, n), "r = s = 1": pair(one, one),
				"all ones": full, "DER": der, "short": sig[1:], "long": append([]byte{0}, sig...),
				"s a byte longer":    append(append(bytes.Clone(sig[:size]), 0), sig[size:]...),
				"r, s a byte longer": append(append([]byte{0}, sig[:size]...), append([]byte{0}, sig[size:]...)...),
			} {
				if k.VerifySignature("input", bad) {
					t.Errorf("%s: the signature holds", name)
				}
			}
			for range 60 { // numbers with leading zeros, and with leading ones
				sig, err := k.SignRaw("input")
				if err != nil {
					t.Fatal(err)
				}
				if !k.VerifySignature("input", sig) {
					t.Fatalf("signature %x does not hold", sig)
				}
			}
			for _, other := range []jose.Algorithm{jose.ES256, jose.ES384, jose.ES512} {
				if _, err := jose.NewPublicKey("", other, &private.PublicKey); (err == nil) != (other == alg) {
					t.Errorf("NewPublicKey(%s) with a key for %s: %v", other, alg, err)
				}
			}
			off := &ecdsa.PublicKey{Curve: private.Curve, X: big.NewInt(1), Y: big.NewInt(1)} //nolint:staticcheck // that is the attack
			if _, err := jose.NewPublicKey("", alg, off); err == nil {
				t.Error("a point off the curve is accepted")
			}
		})
	}
	x := "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
	for name, doc := range map[string]string{
		"off the curve":   `{"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + x + `"}`,
		"at infinity":     `{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`,
		"short":           `{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}`,
		"leading zero":    strings.Replace(a3JWK, `"x":"f83O`, `"x":"AAf83O`, 1),
		"other curve":     strings.Replace(a3JWK, "P-256", "P-384", 1),
		"other algorithm": strings.Replace(a3JWK, `"kty"`, `"alg":"ES384","kty"`, 1),
		"secp256k1":       strings.Replace(a3JWK, "P-256", "secp256k1", 1),
		"another's d":     strings.Replace(a3JWK, `"d":"jps`, `"d":"kps`, 1),
		"zero d":          a3JWK[:strings.Index(a3JWK, `"d"`)] + `"d":"` + strings.Repeat("A", 43) + `"}`,
		"no y":            `{"kty":"EC","crv":"P-256","x":"` + x + `"}`,
	} {
		if k, err := jose.ParseJWK([]byte(doc)); err == nil {
			t.Errorf("%s: ParseJWK() = %v", name, k)
		}
	}
}

// JWT-15: RSA keys have a sensible size, PSS a salt, Ed25519 keys 32 bytes.
func TestJWT15_rsa(t *testing.T) {
	modulus := func(bits int) *big.Int {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		return n.SetBit(n, 0, 1)
	}
	for _, tt := range []struct {
		name string
		n    *big.Int
		e    int
		ok   bool
	}{
		{"1024", modulus(1024), 65537, false},
		{"2047", modulus(2047), 65537, false},
		{"2048", modulus(2048), 65537, true},
		{"8192", modulus(8192), 65537, true},
		{"8193", modulus(8193), 65537, false},
		{"16384", modulus(16384), 65537, false},
		{"even", new(big.Int).Lsh(big.NewInt(1), 2047), 65537, false},
		{"zero", new(big.Int), 65537, false},
		{"negative", new(big.Int).Neg(modulus(2048)), 65537, false},
		{"nil", nil, 65537, false},
		{"e = 1", modulus(2048), 1, false},
		{"e = 2", modulus(2048), 2, false},
		{"e = 3", modulus(2048), 3, false},
		{"e = 65539", modulus(2048), 65539, false},
		{"e = 0", modulus(2048), 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k, err := jose.NewPublicKey("", jose.RS256, &rsa.PublicKey{N: tt.n, E: tt.e})
			if (err == nil) != tt.ok || (k != nil) != tt.ok {
				t.Errorf("NewPublicKey() = %v, %v; want a key: %t", k, err, tt.ok)
			}
			if tt.n == nil || tt.n.Sign() < 0 {
				return
			}
			e := big.NewInt(int64(tt.e)).Bytes()
			doc := fmt.Sprintf(`{"kty":"RSA","alg":"PS256","n":%q,"e":%q}`, b64(tt.n.Bytes()), b64(e))
			parse := func() {
				if k, err := jose.ParseJWK([]byte(doc)); (err == nil) != tt.ok {
					t.Errorf("ParseJWK() = %v, %v; want a key: %t", k, err, tt.ok)
				}
			}
			if took := fastest(parse); !tt.ok && took > 20*time.Millisecond {
				t.Errorf("refusing took %v", took)
			}
		})
	}
	if _, err := jose.NewPublicKey("", jose.RS256, (*rsa.PublicKey)(nil)); err == nil {
		t.Error("a nil key is accepted")
	}
	if _, err := jose.ParseJWK([]byte(strings.Replace(a2JWK, "AQAB", "AAEAAQ", 1)), jose.RS256); err == nil {
		t.Error("a second spelling of the exponent is accepted")
	}
}

// fastest returns how long f takes when nothing else takes the processor away:
// the least of some runs.
func fastest(f func()) time.Duration {
	least := time.Duration(math.MaxInt64)
	for range 10 {
		began := time.Now()
		f()
		least = min(least, time.Since(began))
	}
	return least
}

func TestJWT15_privateSizes(t *testing.T) {
	huge := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: make([]byte, 9<<10)})
	parse := func() {
		if _, err := jose.ParsePEM("", jose.RS256, huge); err == nil {
			t.Error("a huge private key is accepted")
		}
	}
	if took := fastest(parse); took > 20*time.Millisecond {
		t.Errorf("refusing took %v", took)
	}
	bad := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 16383), E: 65537}}
	if _, err := jose.NewPrivateKey("", jose.RS256, bad); err == nil {
		t.Error("a huge private key is accepted")
	}
}

func TestJWT15_salt(t *testing.T) {
	private := rsaKeys()[0]
	k, err := jose.NewPrivateKey("", jose.PS256, private)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("input"))
	for _, salt := range []int{0, 1, 16, 31, 32, 33, 64, 222} { // 222 is as long as it can be
		if got, want := k.VerifySignature("input", signPSS(private, sum[:], salt)), salt == 32; got != want {
			t.Errorf("a salt of %d bytes: %t, want %t", salt, got, want)
		}
	}
	v15, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	if k.VerifySignature("input", v15) {
		t.Error("a PKCS #1 v1.5 signature is accepted for PS256")
	}
}

// signPSS signs with a salt of size zeros (RFC 8017 §9.1.1), also where
// crypto/rsa would not: for a key of 2048 bits and SHA-256.
func signPSS(private *rsa.PrivateKey, digest []byte, size int) []byte {
	salt := make([]byte, size)
	h := sha256.Sum256(append(append(make([]byte, 8), digest...), salt...))
	db := make([]byte, 256-sha256.Size-1)
	db[len(db)-size-1] = 1
	for i := 0; i < len(db); i += sha256.Size {
		mask := sha256.Sum256(append(h[:], 0, 0, 0, byte(i/sha256.Size)))
		for j := 0; j < sha256.Size && i+j < len(db); j++ {
			db[i+j] ^= mask[j]
		}
	}
	db[0] &= 0x7f
	em := number(append(append(db, h[:]...), 0xbc))
	return em.Exp(em, private.D, private.N).FillBytes(make([]byte, 256))
}

func TestJWT15_ed25519(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 31, 33, 64} {
		if _, err := jose.NewPublicKey("", jose.EdDSA, ed25519.PublicKey(make([]byte, n))); err == nil {
			t.Errorf("a public key of %d bytes is accepted", n)
		}
		doc := fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":%q}`, b64(make([]byte, n)))
		if _, err := jose.ParseJWK([]byte(doc)); err == nil {
			t.Errorf("a JWK of %d bytes is accepted", n)
		}
	}
	for _, n := range []int{0, 31, 32, 63, 65} {
		if _, err := jose.NewPrivateKey("", jose.EdDSA, ed25519.PrivateKey(make([]byte, n))); err == nil {
			t.Errorf("a private key of %d bytes is accepted", n)
		}
	}
	for _, doc := range []string{
		strings.Replace(edJWK, "Ed25519", "Ed448", 1),
		strings.Replace(edJWK, "Ed25519", "X25519", 1),
		strings.Replace(edJWK, `"d":"nW`, `"d":"oW`, 1),
		strings.Replace(edJWK, "OKP", "EC", 1),
	} {
		if _, err := jose.ParseJWK([]byte(doc)); err == nil {
			t.Errorf("%s is accepted", doc)
		}
	}
	// EdDSA and Ed25519 are two names of one algorithm.
	one, err := jose.NewPrivateKey("", jose.EdDSA, private)
	if err != nil {
		t.Fatal(err)
	}
	two, err := jose.NewPublicKey("", "Ed25519", public)
	if err != nil {
		t.Fatal(err)
	}
	if two.Algorithm() != jose.EdDSA || !one.Equal(two) {
		t.Errorf("keys %v and %v differ", one, two)
	}
	for _, k := range []*jose.Key{one, two} {
		v := verifier(t, keySet(t, k), nil)
		accept(t, v, mint(t, one, goodHeader("EdDSA"), goodClaims()))
		accept(t, v, mint(t, one, goodHeader("Ed25519"), goodClaims()))
		refuse(t, v, mint(t, one, goodHeader("ED25519"), goodClaims()), jose.ErrAlgorithm)
		refuse(t, v, mint(t, one, goodHeader("Ed448"), goodClaims()), jose.ErrAlgorithm)
	}
}

func TestNewPrivateKey_refuses(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		alg jose.Algorithm
		key crypto.Signer
	}{
		"nil":               {jose.ES256, nil},
		"P-224":             {jose.ES256, ec},
		"Ed25519 for ES256": {jose.ES256, ed},
		"Ed25519 for HS256": {jose.HS256, ed},
		"Ed25519 for RS256": {jose.RS256, ed},
		"no algorithm":      {"", ed},
		"none":              {"none", ed},
		"RSA without parts": {jose.RS256, &rsa.PrivateKey{}},
		"RSA, another's d": {jose.RS256, &rsa.PrivateKey{
			PublicKey: rsaKeys()[0].PublicKey, D: rsaKeys()[1].D, Primes: rsaKeys()[0].Primes,
		}},
	} {
		if k, err := jose.NewPrivateKey("", tt.alg, tt.key); err == nil || k != nil {
			t.Errorf("%s: NewPrivateKey() = %v, %v", name, k, err)
		}
	}
	if _, err := jose.NewPrivateKey(strings.Repeat("k", 257), jose.EdDSA, ed); err == nil {
		t.Error("a long key ID is accepted")
	}
	if _, err := jose.NewPrivateKey("\xff", jose.EdDSA, ed); err == nil {
		t.Error("a key ID that is not UTF-8 is accepted")
	}
	if _, err := jose.NewPublicKey("", jose.EdDSA, "text"); err == nil {
		t.Error("a string is accepted as a key")
	}
}

// A key does not change when what it was made of does, and prints no secret.
func TestKey_immutableAndQuiet(t *testing.T) {
	secret := make([]byte, 64)
	_, _ = rand.Read(secret)
	original := bytes.Clone(secret)
	k, err := jose.NewHMACKey("name", jose.HS512, secret)
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sig := ed25519.Sign(private, []byte("input"))
	p, err := jose.NewPublicKey("", jose.EdDSA, public)
	if err != nil {
		t.Fatal(err)
	}
	clear(secret)
	clear(public)
	if !p.VerifySignature("input", sig) {
		t.Error("the public key changed")
	}
	again, err := jose.NewHMACKey("name", jose.HS512, original)
	if err != nil {
		t.Fatal(err)
	}
	mac, err := again.SignRaw("input")
	if err != nil {
		t.Fatal(err)
	}
	if !k.VerifySignature("input", mac) || !k.Equal(again) {
		t.Error("the secret changed")
	}

	ed, err := jose.NewPrivateKey("", jose.EdDSA, private)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []*jose.Key{k, ed} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			for _, arg := range []any{key, *key, struct{ k *jose.Key }{key}, struct{ k jose.Key }{*key}, []*jose.Key{key}} {
				got := fmt.Sprintf(verb, arg)
				for _, material := range [][]byte{original[:8], private.Seed()[:8]} {
					decimal := strings.Trim(fmt.Sprintf("%d", material), "[]")
					for _, form := range []string{string(material), hex.EncodeToString(material), decimal} {
						if strings.Contains(got, form) {
							t.Errorf("Sprintf(%s, %T) tells the key", verb, arg)
						}
					}
				}
			}
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).InfoContext(t.Context(), "key", "key", k)
	if got := log.String(); !strings.Contains(got, `HS512 key \"name\"`) {
		t.Errorf("the log says %s", got)
	}
	if _, err := json.Marshal(k); err == nil {
		t.Error("a shared secret is marshalled")
	}
	if k.Public() != nil || k.Thumbprint() != "" || !k.Symmetric() {
		t.Error("a shared secret has a public half")
	}
	if got := (*jose.Key)(nil).String(); got != "no key" {
		t.Errorf("a nil key says %s", got)
	}
}

func TestKey_public(t *testing.T) {
	k := generate(t, "name", jose.ES256)
	p := k.Public()
	if p.CanSign() || p.ID() != "name" || !p.Equal(k) || p.Public() != p {
		t.Errorf("Public() = %v", p)
	}
	if _, err := p.SignRaw("x"); err == nil {
		t.Error("a public key signs")
	}
	if _, err := jose.Sign(p, "at+jwt", claims()); err == nil {
		t.Error("a public key signs")
	}
	for _, other := range []*jose.Key{nil, new(jose.Key), generate(t, "name", jose.ES256)} {
		if k.Equal(other) {
			t.Errorf("Equal(%v) = true", other)
		}
	}
	if new(jose.Key).Equal(k) {
		t.Error("the zero key equals a key")
	}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func claims() *jose.Claims {
	return &jose.Claims{
		Issuer: issuer, Audience: []string{audience}, Subject: "ada", ID: "token-1", IssuedAt: now, Expiry: now.Add(15 * time.Minute),
	}
}
