package jwe_test

import (
	"crypto/elliptic"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	josecipher "github.com/go-jose/go-jose/v4/cipher"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwe"
)

const goodHeader = `{"alg":"dir","enc":"A256GCM","cty":"JWT"}`

// JWT-16: nothing is inflated, no password is stretched.
func TestJWT16_compressionAndPasswords(t *testing.T) {
	k := secret(32)
	c := codec(t, jwe.Config{Algorithm: jwe.Direct, Key: key(t, "", k)})
	accept(t, c, seal(t, k, goodHeader, inner))
	for _, member := range []string{ // the text is what it has to be: it is the member that is refused
		`"zip":"DEF"`, `"zip":""`, `"zip":null`, `"ZIP":"DEF"`, `"p2c":2147483648`, `"p2c":1`, `"P2C":1`, `"p2s":"c2FsdA"`,
		`"crit":["x"]`, `"crit":[]`, `"b64":false`,
	} {
		refuse(t, c, seal(t, k, strings.Replace(goodHeader, "{", "{"+member+",", 1), inner))
	}
	options := &gojose.EncrypterOptions{Compression: gojose.DEFLATE}
	bomb := peerEncrypt(t, gojose.Recipient{Algorithm: gojose.DIRECT, Key: k}, jwe.A256GCM, options.WithContentType("JWT"),
		strings.Repeat("A", 4<<20))
	password := peerEncrypt(t, gojose.Recipient{Algorithm: gojose.PBES2_HS256_A128KW, Key: k, PBES2Count: 1000}, jwe.A256GCM,
		new(gojose.EncrypterOptions).WithContentType("JWT"), inner)
	slow := encode(`{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","cty":"JWT","p2s":"c2FsdHNhbHQ","p2c":2147483648}`) +
		password[strings.IndexByte(password, '.'):]
	for name, token := range map[string]string{"bomb": bomb, "password": password, "slow password": slow} {
		began := time.Now()
		if size := allocated(func() { refuse(t, c, token) }); size > 256<<10 {
			t.Errorf("%s: %d bytes are allocated", name, size)
		}
		if took := time.Since(began); took > 30*time.Second { // whatever else the machine does: the slow one would take minutes
			t.Errorf("%s: refusing took %v", name, took)
		}
	}
}

// allocated returns how many bytes f allocates, at the least of several runs.
func allocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// JWT-16: the configuration says the algorithm, the token does not.
func TestJWT16_pinned(t *testing.T) {
	k := secret(32)
	c := codec(t, jwe.Config{Algorithm: jwe.Direct, Key: key(t, "", k)})
	for _, header := range []string{
		`{"alg":"none","enc":"A256GCM","cty":"JWT"}`, `{"alg":"DIR","enc":"A256GCM","cty":"JWT"}`, `{"enc":"A256GCM","cty":"JWT"}`,
		`{"alg":"A256KW","enc":"A256GCM","cty":"JWT"}`, `{"alg":"dir","enc":"A128GCM","cty":"JWT"}`, `{"alg":"dir","cty":"JWT"}`,
		`{"alg":"dir","enc":"a256gcm","cty":"JWT"}`, `{"alg":["dir"],"enc":"A256GCM","cty":"JWT"}`,
		`{"alg":"dir","enc":"A256GCM"}`, `{"alg":"dir","enc":"A256GCM","cty":""}`, `{"alg":"dir","enc":"A256GCM","cty":"text"}`,
		`{"alg":"dir","alg":"dir","enc":"A256GCM","cty":"JWT"}`, `{"ALG":"dir","alg":"dir","enc":"A256GCM","cty":"JWT"}`,
		`{"Alg":"dir","enc":"A256GCM","cty":"JWT"}`, `{"alg":"dir","enc":"A256GCM","cty":"JWT","KID":"k"}`,
		`{"alg":"dir","enc":"A256GCM","cty":"JWT","EPK":"x"}`, `{"alg":"dir","enc":"A256GCM","cty":"JWT","apU":"AA"}`, goodHeader + "x",
		`[` + goodHeader + `]`, "{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"cty\":\"JWT\",\"x\":\"\xff\"}",
		`{"alg":"dir","enc":"A256GCM","cty":"JWT","x":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `}`,
	} {
		refuse(t, c, seal(t, k, header, inner))
	}
	// A public key for one is no key for another, nor a secret.
	for _, alg := range algorithms {
		c, m := newCodec(t, alg, jwe.A256GCM)
		to := gojose.Recipient{Algorithm: gojose.KeyAlgorithm(alg), Key: m, KeyID: "k"}
		options := new(gojose.EncrypterOptions).WithContentType("JWT")
		if alg != jwe.Direct {
			refuse(t, c, peerEncrypt(t, to, jwe.A128CBCHS256, options, inner))
		}
		for _, other := range []gojose.KeyAlgorithm{gojose.RSA1_5, gojose.RSA_OAEP} {
			if to.Algorithm = other; alg == jwe.RSAOAEP256 {
				refuse(t, c, peerEncrypt(t, to, jwe.A256GCM, options, inner))
			}
		}
		if to.Algorithm = gojose.ECDH_ES_A128KW; alg == jwe.ECDHES || alg == jwe.ECDHESA256KW {
			refuse(t, c, peerEncrypt(t, to, jwe.A256GCM, options, inner))
		}
	}
}

// JWT-12, JWT-13 and JWT-16: five parts in one spelling, and not too many bytes.
func TestJWT16_form(t *testing.T) {
	c, m := newCodec(t, jwe.A256KW, jwe.A256GCM)
	good := encrypt(t, c, inner)
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"empty": "", "four parts": strings.Join(parts[:4], "."), "six parts": good + ".", "signed": inner,
		"JSON": `{"protected":"` + parts[0] + `"}`, "dots": strings.Repeat(".", 4), "blank": good + " ", "line": good[:20] + "\n" + good[20:],
		"padding": good + "=", "plus": good[:len(good)-1] + "+", "1 MiB": strings.Repeat("A", 1<<20), "1 MiB of dots": strings.Repeat(".", 1<<20),
		"text longer": parts[0] + "." + parts[1] + "." + parts[2] + "." + parts[3] + "AAAA." + parts[4],
	} {
		if size := allocated(func() { refuse(t, c, token) }); size > 10<<10 {
			t.Errorf("%s: %d bytes are allocated", name, size)
		}
	}
	long := "e30." + strings.Repeat("A", 6500) + ".e30"
	bigger := codec(t, jwe.Config{Algorithm: jwe.A256KW, Key: key(t, "k", m), MaxSize: 16 << 10})
	sealed := encrypt(t, bigger, long)
	if got, err := bigger.Decrypt(sealed); err != nil || got != long || len(sealed) <= 8<<10 {
		t.Fatalf("Decrypt() of %d bytes: %v", len(sealed), err)
	}
	refuse(t, c, sealed)
}

// JWT-17: whatever is wrong looks the same, and all is done that is done for a
// good token.
func TestJWT17_oneError(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, alg := range algorithms {
		for _, enc := range []jwe.Encryption{jwe.A256GCM, jwe.A128CBCHS256} {
			c, _ := newCodec(t, alg, enc)
			good := encrypt(t, c, inner)
			accept(t, c, good)
			step := 1
			if alg == jwe.RSAOAEP256 {
				step = 7
			}
			for i := 0; i < len(good); i += step {
				bad := []byte(good)
				if bad[i] == '.' {
					bad[i] = 'A'
				} else {
					bad[i] = alphabet[(strings.IndexByte(alphabet, bad[i])+1)%len(alphabet)]
				}
				refuse(t, c, string(bad))
			}
			parts := strings.Split(good, ".")
			for i := range parts {
				for _, part := range []string{"", "AA", parts[i] + "AAAA", parts[i][:len(parts[i])/8*4]} {
					if part == parts[i] {
						continue
					}
					changed := append([]string(nil), parts...)
					changed[i] = part
					refuse(t, c, strings.Join(changed, "."))
				}
			}
		}
	}
}

// JWT-17: a bad key of a token is replaced by a random one (RFC 7516 §11.5).
func TestJWT17_randomKey(t *testing.T) {
	for _, alg := range algorithms {
		c, _ := newCodec(t, alg, jwe.A128CBCHS256)
		parts := strings.Split(encrypt(t, c, inner), ".")
		decrypted := 0
		c.Watch(func() { decrypted++ })
		for i, wrapped := range []string{"", "AAAA", strings.Repeat("A", 342), strings.Repeat("A", 54), encode(string(secret(40)))} {
			if wrapped == parts[1] {
				continue
			}
			decrypted = 0
			refuse(t, c, strings.Join([]string{parts[0], wrapped, parts[2], parts[3], parts[4]}, "."))
			if decrypted != 1 {
				t.Errorf("%s, key %d: the text is decrypted %d times, want once", alg, i, decrypted)
			}
		}
	}
}

// JWT-17: the ephemeral key is a point on the curve of our key.
func TestJWT17_epk(t *testing.T) {
	x := "Ze2loSV3wrroKUN_4zhwGhCqo3Xhu1td4QjeQ5wIVR0"
	y := "HlLtdXARY_f55A3fnzQbPcm6hgr34Mp8p-nuzQCE0Zw"
	for _, alg := range []jwe.Algorithm{jwe.ECDHES, jwe.ECDHESA256KW} {
		c := codec(t, jwe.Config{Algorithm: alg, Key: key(t, "", ecKey(t, elliptic.P256()))})
		parts := strings.Split(encrypt(t, c, inner), ".")
		other := codec(t, jwe.Config{Algorithm: alg, Key: key(t, "", ecKey(t, elliptic.P384()))})
		refuse(t, c, encrypt(t, other, inner))
		for name, epk := range map[string]string{
			"missing": ``, "null": `,"epk":null`, "text": `,"epk":"x"`, "empty": `,"epk":{}`,
			"off the curve": `,"epk":{"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + x + `"}`,
			"zero":          `,"epk":{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`,
			"other curve":   `,"epk":{"kty":"EC","crv":"P-384","x":"` + x + `","y":"` + y + `"}`,
			"other kind":    `,"epk":{"kty":"OKP","crv":"X25519","x":"` + x + `"}`,
			"compressed":    `,"epk":{"kty":"EC","crv":"P-256","x":"` + x + `"}`,
			"short":         `,"epk":{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}`,
			"long":          `,"epk":{"kty":"EC","crv":"P-256","x":"AA` + x[1:] + `A","y":"` + y + `"}`,
			"another's":     `,"epk":{"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + y + `"}`,
			"bad apu":       `,"apu":"=","epk":{"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + y + `"}`,
		} {
			t.Run(string(alg)+" "+name, func(t *testing.T) {
				parts[0] = encode(fmt.Sprintf(`{"alg":%q,"enc":"A256GCM","cty":"JWT"%s}`, alg, epk))
				refuse(t, c, strings.Join(parts, "."))
			})
		}
	}
}

// JWT-17: an ephemeral key says what it is, also when all else is genuine.
func TestJWT17_epkLabels(t *testing.T) {
	k, ephemeral := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P256())
	c := codec(t, jwe.Config{Algorithm: jwe.ECDHES, Key: key(t, "", k)})
	cek := josecipher.DeriveECDHES("A256GCM", nil, nil, ephemeral, &k.PublicKey, 32)
	point, err := ephemeral.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	token := func(labels string) string {
		return seal(t, cek, fmt.Sprintf(`{"alg":"ECDH-ES","enc":"A256GCM","cty":"JWT","epk":{%s"x":%q,"y":%q}}`,
			labels, encode(string(point[1:33])), encode(string(point[33:]))), inner)
	}
	accept(t, c, token(`"kty":"EC","crv":"P-256",`))
	for _, labels := range []string{
		``, `"kty":"EC",`, `"crv":"P-256",`, `"kty":"EC","crv":"P-384",`, `"kty":"OKP","crv":"P-256",`, `"kty":"ec","crv":"P-256",`,
		`"kty":"EC","crv":"P-256","crv":"P-256",`,
	} {
		refuse(t, c, token(labels))
	}
}

// JWT-17: a flaw in a library is a refusal.
func TestJWT17_panic(t *testing.T) {
	c, _ := newCodec(t, jwe.A256KW, jwe.A256GCM)
	token := encrypt(t, c, inner)
	c.Watch(func() { panic("a flaw") })
	refuse(t, c, token)
}

// JWT-17: encrypting is not signing.
func TestJWT17_notSigned(t *testing.T) {
	c, m := newCodec(t, jwe.RSAOAEP256, jwe.A256GCM)
	to := gojose.Recipient{Algorithm: gojose.RSA_OAEP_256, Key: m, KeyID: "k"}
	options := new(gojose.EncrypterOptions).WithContentType("JWT")
	claims := `{"iss":"https://issuer.test","aud":"https://api.test","sub":"admin","exp":9000000000}`
	for _, text := range []string{
		claims, encode(claims), encode(`{"alg":"none"}`) + "." + encode(claims) + ".", "", ".", "..", encrypt(t, c, inner),
	} {
		refuse(t, c, peerEncrypt(t, to, jwe.A256GCM, options, text))
	}

	keys, err := jose.NewKeySet(generate(t))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jose.NewVerifier(jose.VerifierConfig{Keys: keys, Issuer: "https://issuer.test", Audience: []string{"https://api.test"}})
	if err != nil {
		t.Fatal(err)
	}
	good := &jose.Claims{Issuer: "https://issuer.test", Audience: []string{"https://api.test"}, Expiry: time.Now().Add(time.Hour)}
	for name, k := range map[string]*jose.Key{"ours": keys.Signing(), "the attacker's": generate(t)} {
		token, err := jose.Sign(k, jose.AccessTokenType, good)
		if err != nil {
			t.Fatal(err)
		}
		sealed := encrypt(t, c, token)
		if claims, err := v.Verify(t.Context(), sealed); err == nil {
			t.Errorf("%s: a verifier decrypts: %v", name, claims)
		}
		opened, err := c.Decrypt(sealed)
		if err != nil || opened != token {
			t.Fatalf("%s: Decrypt() = %q, %v", name, opened, err)
		}
		if _, err := v.Verify(t.Context(), opened); (err == nil) != (name == "ours") {
			t.Errorf("%s: Verify() error = %v", name, err)
		}
	}
}

func generate(tb testing.TB) *jose.Key {
	tb.Helper()
	k, err := jose.GenerateKey("", jose.EdDSA)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// JWT-17: tags have one length; a short one is easy to guess.
func TestJWT17_tagLength(t *testing.T) {
	for _, enc := range encryptions {
		c, _ := newCodec(t, jwe.Direct, enc)
		good := encrypt(t, c, inner)
		cut := strings.LastIndexByte(good, '.') + 1
		tag := decode(t, good[cut:])
		for size := range len(tag) {
			refuse(t, c, good[:cut]+encode(string(tag[:size])))
		}
		refuse(t, c, good[:cut]+encode(string(tag)+"\x00"))
		parts := strings.Split(good, ".") // the same bytes, cut elsewhere
		text := decode(t, parts[3])
		for _, move := range []int{1, 8, len(tag)} {
			parts[3], parts[4] = encode(string(text)+string(tag[:move])), encode(string(tag[move:]))
			refuse(t, c, strings.Join(parts, "."))
			parts[3], parts[4] = encode(string(text[:len(text)-move])), encode(string(text[len(text)-move:])+string(tag))
			refuse(t, c, strings.Join(parts, "."))
		}
		accept(t, c, good)
	}
}
