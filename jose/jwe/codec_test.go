package jwe_test

import (
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/gatewright/gate/jose/jwe"
)

// Every algorithm with every encryption: what we make another implementation
// reads, and the other way round.
func TestCodec_everyAlgorithm(t *testing.T) {
	for _, alg := range algorithms {
		for _, enc := range encryptions {
			t.Run(string(alg)+" "+string(enc), func(t *testing.T) {
				c, m := newCodec(t, alg, enc)
				ours := encrypt(t, c, inner)
				accept(t, c, ours)
				if again := encrypt(t, c, inner); again == ours {
					t.Error("a token is encrypted twice the same way")
				}
				theirs, err := gojose.ParseEncryptedCompact(ours,
					[]gojose.KeyAlgorithm{gojose.KeyAlgorithm(alg)}, []gojose.ContentEncryption{gojose.ContentEncryption(enc)})
				if err != nil {
					t.Fatal(err)
				}
				if got, err := theirs.Decrypt(m); err != nil || string(got) != inner {
					t.Errorf("they read %q, %v", got, err)
				}
				if h := theirs.Header; h.KeyID != "k" || h.ExtraHeaders["cty"] != "JWT" {
					t.Errorf("header = %+v", h)
				}
				to := gojose.Recipient{Algorithm: gojose.KeyAlgorithm(alg), Key: m, KeyID: "k"}
				for _, cty := range []gojose.ContentType{"JWT", "jwt", "application/jwt"} {
					accept(t, c, peerEncrypt(t, to, enc, new(gojose.EncrypterOptions).WithContentType(cty), inner))
				}
			})
		}
	}
}

func TestCodec_curves(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		k := ecKey(t, curve)
		for _, alg := range []jwe.Algorithm{jwe.ECDHES, jwe.ECDHESA256KW} {
			c := codec(t, jwe.Config{Algorithm: alg, Key: key(t, "", k)})
			for range 4 {
				accept(t, c, encrypt(t, c, inner))
			}
		}
	}
}

// A key takes over from another one, whose tokens are still read.
func TestCodec_rotation(t *testing.T) {
	for _, alg := range algorithms {
		older, newer := material(t, alg, jwe.A256GCM), material(t, alg, jwe.A256GCM)
		first := codec(t, jwe.Config{Algorithm: alg, Key: key(t, "1", older)})
		both := codec(t, jwe.Config{Algorithm: alg, Key: key(t, "2", newer), Previous: []*jwe.Key{key(t, "1", older)}})
		last := codec(t, jwe.Config{Algorithm: alg, Key: key(t, "2", newer)})
		old := encrypt(t, first, inner)
		accept(t, both, old)
		accept(t, both, encrypt(t, both, inner))
		accept(t, last, encrypt(t, both, inner))
		refuse(t, last, old)
		refuse(t, first, encrypt(t, both, inner))
	}
}

// A token without a name is for the only key; one with a name is for that key.
func TestCodec_keyID(t *testing.T) {
	one, two := secret(32), secret(32)
	header := func(kid string) string { return `{"alg":"dir","enc":"A256GCM","cty":"JWT"` + kid + `}` }
	named := codec(t, jwe.Config{Algorithm: jwe.Direct, Key: key(t, "1", one)})
	accept(t, named, seal(t, one, header(""), inner))
	accept(t, named, seal(t, one, header(`,"kid":"1"`), inner))
	nameless := codec(t, jwe.Config{Algorithm: jwe.Direct, Key: key(t, "", one)})
	accept(t, nameless, seal(t, one, header(""), inner))
	refuse(t, nameless, seal(t, one, header(`,"kid":"1"`), inner))
	both := codec(t, jwe.Config{Algorithm: jwe.Direct, Key: key(t, "1", one), Previous: []*jwe.Key{key(t, "2", two)}})
	refuse(t, both, seal(t, one, header(""), inner))
	refuse(t, both, seal(t, one, header(`,"kid":"2"`), inner))
	for _, kid := range []string{`""`, `1`, `null`, `["1"]`, `"../../dev/null"`, `"` + strings.Repeat("k", 257) + `"`} {
		refuse(t, named, seal(t, one, header(`,"kid":`+kid), inner))
	}
}

func TestNewCodec_refuses(t *testing.T) {
	good := key(t, "k", secret(32))
	for name, cfg := range map[string]jwe.Config{
		"zero":                  {},
		"no algorithm":          {Key: good},
		"none":                  {Algorithm: "none", Key: good},
		"RSA1_5":                {Algorithm: "RSA1_5", Key: key(t, "", rsaKey())},
		"RSA-OAEP with SHA-1":   {Algorithm: "RSA-OAEP", Key: key(t, "", rsaKey())},
		"PBES2":                 {Algorithm: "PBES2-HS512+A256KW", Key: good},
		"small letters":         {Algorithm: "DIR", Key: good},
		"unknown encryption":    {Algorithm: jwe.Direct, Encryption: "A192GCM", Key: good},
		"no key":                {Algorithm: jwe.Direct},
		"zero key":              {Algorithm: jwe.Direct, Key: new(jwe.Key)},
		"nil previous key":      {Algorithm: jwe.Direct, Key: good, Previous: []*jwe.Key{nil}},
		"same name":             {Algorithm: jwe.Direct, Key: good, Previous: []*jwe.Key{key(t, "k", secret(32))}},
		"short secret":          {Algorithm: jwe.Direct, Encryption: jwe.A256GCM, Key: key(t, "", secret(16))},
		"long secret":           {Algorithm: jwe.A256KW, Key: key(t, "", secret(64))},
		"secret for RSA":        {Algorithm: jwe.RSAOAEP256, Key: good},
		"secret for ECDH":       {Algorithm: jwe.ECDHES, Key: good},
		"RSA key for AES":       {Algorithm: jwe.A256KW, Key: key(t, "", rsaKey())},
		"RSA key for ECDH":      {Algorithm: jwe.ECDHESA256KW, Key: key(t, "", rsaKey())},
		"previous of a kind":    {Algorithm: jwe.Direct, Key: good, Previous: []*jwe.Key{key(t, "", rsaKey())}},
		"size above ceiling":    {Algorithm: jwe.Direct, Key: good, MaxSize: 16<<10 + 1},
		"size less than nought": {Algorithm: jwe.Direct, Key: good, MaxSize: -1},
	} {
		if c, err := jwe.NewCodec(cfg); err == nil || c != nil {
			t.Errorf("%s: NewCodec() = %v, %v", name, c, err)
		}
	}
	var zero jwe.Codec
	refuse(t, &zero, inner)
	if got, err := zero.Encrypt(inner); err == nil {
		t.Errorf("a zero codec encrypts: %q", got)
	}
}

func TestNewKey_refuses(t *testing.T) {
	weak := *rsaKey()
	weak.E = 3
	half := ecKey(t, elliptic.P256())
	half.X = big.NewInt(1)
	for name, m := range map[string]any{
		"nil": nil, "text": "secret", "empty": []byte{}, "15 bytes": secret(15), "zeros": make([]byte, 32),
		"placeholder": []byte("change-me-change-me-change-me-32"), "repeated": []byte(strings.Repeat("0123456789ab", 4)[:32]),
		"nil RSA": (*rsa.PrivateKey)(nil), "nil public RSA": (*rsa.PublicKey)(nil), "RSA by value": *rsaKey(),
		"e = 3": &weak, "RSA of 1024 bits": &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537},
		"RSA of 16384 bits": &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 16383, 1), E: 65537},
		"P-224":             ecKey(t, elliptic.P224()), "off the curve": &half.PublicKey,
	} {
		if k, err := jwe.NewKey("", m); err == nil || k != nil {
			t.Errorf("%s: NewKey() = %v, %v", name, k, err)
		}
	}
	for name, id := range map[string]string{"long": strings.Repeat("k", 257), "not UTF-8": "\xff"} {
		if k, err := jwe.NewKey(id, secret(32)); err == nil {
			t.Errorf("%s name: NewKey() = %v", name, k)
		}
	}
}

// A public key encrypts, and decrypts nothing.
func TestCodec_publicKey(t *testing.T) {
	ec := ecKey(t, elliptic.P384())
	for alg, halves := range map[jwe.Algorithm][2]any{
		jwe.RSAOAEP256: {rsaKey(), &rsaKey().PublicKey}, jwe.ECDHES: {ec, &ec.PublicKey}, jwe.ECDHESA256KW: {ec, &ec.PublicKey},
	} {
		private := codec(t, jwe.Config{Algorithm: alg, Key: key(t, "k", halves[0])})
		public := codec(t, jwe.Config{Algorithm: alg, Key: key(t, "k", halves[1])})
		token := encrypt(t, public, inner)
		accept(t, private, token)
		refuse(t, public, token)
	}
}

func TestKey_quiet(t *testing.T) {
	raw := []byte("Wm5wSQ8ZQyq1mYb2nJ0qk7bTTx0eTJ9J")
	k := key(t, "name", raw)
	raw[0] = 'x' // the key is a copy
	c := codec(t, jwe.Config{Algorithm: jwe.Direct, Key: k})
	cfg := jwe.Config{Key: k, Previous: []*jwe.Key{k}}
	text := fmt.Sprintf("%v %+v %#v %v %v %+v %#v %v", k, k, k, *k, cfg, cfg, cfg, slog.AnyValue(k).Resolve())
	text += fmt.Sprintf("%v %+v", c, *k)
	for _, secret := range []string{"5wSQ8ZQy", "53 119 83 81", "35775351"} { // as text, numbers and hexadecimal
		if strings.Contains(text, secret) {
			t.Errorf("the secret is printed: %s", text)
		}
	}
	if k.ID() != "name" || (*jwe.Key)(nil).String() != "no encryption key" {
		t.Errorf("ID() = %q, nil prints as %v", k.ID(), (*jwe.Key)(nil))
	}
	accept(t, c, seal(t, []byte("Wm5wSQ8ZQyq1mYb2nJ0qk7bTTx0eTJ9J"), `{"alg":"dir","enc":"A256GCM","cty":"JWT"}`, inner))
}

func TestCodec_Encrypt_refuses(t *testing.T) {
	c, _ := newCodec(t, jwe.Direct, jwe.A256GCM)
	for name, token := range map[string]string{
		"empty": "", "claims": `{"sub":"ada"}`, "two parts": "a.b", "unsigned": "e30.e30.", "encrypted": encrypt(t, c, inner),
		"no header": ".e30.e30", "padding": "e30=.e30.e30", "huge": "e30." + strings.Repeat("A", 8<<10) + ".e30",
	} {
		if got, err := c.Encrypt(token); err == nil {
			t.Errorf("%s: Encrypt() = %q", name, got)
		}
	}
}

// A codec is for everybody at once.
func TestCodec_concurrent(t *testing.T) {
	for _, alg := range algorithms {
		c, _ := newCodec(t, alg, jwe.A256GCM)
		var workers sync.WaitGroup
		for range 4 {
			workers.Go(func() {
				for range 5 {
					sealed, err := c.Encrypt(inner)
					if err != nil {
						t.Error(err)
					}
					accept(t, c, sealed)
				}
			})
		}
		workers.Wait()
	}
}
