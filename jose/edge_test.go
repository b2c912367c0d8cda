package jose_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"testing"

	"github.com/gatewright/gate/jose"
)

func fromBase64(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// JWT-14: each number of an ECDSA signature at the edges of its range, in the
// fields of another curve, and as it must not be spelled.
func TestJWT14_edges(t *testing.T) {
	for _, alg := range []jose.Algorithm{jose.ES256, jose.ES384, jose.ES512} {
		private := must(ecdsa.GenerateKey(curve(alg), rand.Reader))
		k := must(jose.NewPrivateKey("", alg, private))
		size := (private.Params().BitSize + 7) / 8
		n, p := private.Params().N, private.Params().P
		sig := must(k.SignRaw("input"))
		r, s := number(sig[:size]), number(sig[size:])
		most := number(bytes.Repeat([]byte{0xff}, size))
		edges := map[string]*big.Int{
			"0": new(big.Int), "1": big.NewInt(1), "n-1": new(big.Int).Sub(n, big.NewInt(1)), "n": n, "n+1": new(big.Int).Add(n, big.NewInt(1)),
			"p": p, "p-n": new(big.Int).Sub(p, n), "2^n": most,
		}
		for one, a := range edges {
			for other, b := range edges {
				if k.VerifySignature("input", append(a.FillBytes(make([]byte, size)), b.FillBytes(make([]byte, size))...)) {
					t.Errorf("%s: r = %s, s = %s holds", alg, one, other)
				}
			}
		}
		bad := map[string][]byte{"empty": {}, "one byte": {0}, "r alone": sig[:size], "twice": append(bytes.Clone(sig), sig...)}
		for _, other := range []int{32, 48, 66} {
			if other != size {
				b := make([]byte, 2*other)
				copy(b[max(other-size, 0):], sig[:size])
				copy(b[other+max(other-size, 0):], sig[size:])
				bad[fmt.Sprintf("in fields of %d", other)] = b
			}
		}
		for name, x := range map[string]*big.Int{"r + n": new(big.Int).Add(r, n), "s + n": new(big.Int).Add(s, n)} {
			if x.BitLen() > 8*size {
				continue
			}
			b := bytes.Clone(sig)
			if name == "r + n" {
				x.FillBytes(b[:size])
			} else {
				x.FillBytes(b[size:])
			}
			bad[name] = b
		}
		for name, b := range bad {
			if k.VerifySignature("input", b) {
				t.Errorf("%s: %s holds", alg, name)
			}
		}
		// The other root is a signature too (RFC 7515 does not forbid it): a token
		// has two spellings, and each is one entry of the cache.
		if !k.VerifySignature("input", append(bytes.Clone(sig[:size]), new(big.Int).Sub(n, s).FillBytes(make([]byte, size))...)) {
			t.Errorf("%s: r, n-s does not hold", alg)
		}
	}
}

// JWT-15: an Ed25519 signature has one S (RFC 8032 §5.1.7), and 64 bytes.
func TestJWT15_ed25519Edges(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := must(jose.NewPrivateKey("", jose.EdDSA, private))
	sig := must(k.SignRaw("input"))
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	little := func(x *big.Int) []byte {
		b := x.FillBytes(make([]byte, 32))
		for i := range 16 {
			b[i], b[31-i] = b[31-i], b[i]
		}
		return b
	}
	s := number(little(number(sig[32:])))
	for name, x := range map[string]*big.Int{
		"S + L": new(big.Int).Add(s, order), "L": order, "0": new(big.Int), "L - S": new(big.Int).Sub(order, s),
		"2^256 - 1": number(bytes.Repeat([]byte{0xff}, 32)),
	} {
		if k.VerifySignature("input", append(bytes.Clone(sig[:32]), little(x)...)) {
			t.Errorf("S = %s holds", name)
		}
	}
	for i := range sig {
		bad := bytes.Clone(sig)
		bad[i] ^= 0x80
		if k.VerifySignature("input", bad) || k.VerifySignature("input", sig[:i]) {
			t.Errorf("a signature with byte %d changed, or cut there, holds", i)
		}
	}
	if k.VerifySignature("input", append(bytes.Clone(sig), 0)) || !k.VerifySignature("input", sig) {
		t.Error("65 bytes hold, or 64 do not")
	}
}

// JWT-15: RSA signatures are as long as the modulus, less than it, and padded for
// the hash of the algorithm.
func TestJWT15_rsaEdges(t *testing.T) {
	private := rsaKeys()[0]
	sum256, sum512 := sha256.Sum256([]byte("input")), sha512.Sum512([]byte("input"))
	v15 := must(rsa.SignPKCS1v15(nil, private, crypto.SHA256, sum256[:]))
	pss := must(rsa.SignPSS(rand.Reader, private, crypto.SHA256, sum256[:], &rsa.PSSOptions{SaltLength: 32}))
	// A digest without saying of what (RFC 8017 §9.2 has the name in front).
	raw := must(rsa.SignPKCS1v15(nil, private, crypto.Hash(0), sum256[:]))
	for _, tt := range []struct {
		alg  jose.Algorithm
		good []byte
		bad  map[string][]byte
	}{
		{jose.RS256, v15, map[string][]byte{
			"PSS": pss, "no hash name": raw,
			"SHA-512": must(rsa.SignPKCS1v15(nil, private, crypto.SHA512, sum512[:])), "SHA-1": must(rsa.SignPKCS1v15(nil, private, crypto.SHA1, sum256[:20])),
		}},
		{jose.PS256, pss, map[string][]byte{
			"PKCS #1 v1.5": v15, "SHA-512": must(rsa.SignPSS(rand.Reader, private, crypto.SHA512, sum512[:], &rsa.PSSOptions{SaltLength: 32})),
			"salt of 31": signPSS(private, sum256[:], 31), "no salt": signPSS(private, sum256[:], 0),
		}},
	} {
		k := must(jose.NewPublicKey("", tt.alg, &private.PublicKey))
		n := private.N
		maps.Copy(tt.bad, map[string][]byte{
			"empty": {}, "0": make([]byte, 256), "1": big.NewInt(1).FillBytes(make([]byte, 256)), "n": n.Bytes(),
			"n-1": new(big.Int).Sub(n, big.NewInt(1)).Bytes(), "zero in front": append([]byte{0}, tt.good...), "zero behind": append(bytes.Clone(tt.good), 0),
			"cut": tt.good[:255], "cut in front": tt.good[1:], "twice": append(bytes.Clone(tt.good), tt.good...),
		})
		if more := new(big.Int).Add(number(tt.good), n); more.BitLen() <= 2048 {
			tt.bad["s + n"] = more.Bytes()
		}
		for name, b := range tt.bad {
			if k.VerifySignature("input", b) {
				t.Errorf("%s: %s holds", tt.alg, name)
			}
		}
		if !k.VerifySignature("input", tt.good) {
			t.Errorf("%s: a good signature does not hold", tt.alg)
		}
	}
}

// JWT-03: a MAC is whole; a part of it is easy to guess.
func TestJWT03_truncatedMAC(t *testing.T) {
	for _, alg := range []jose.Algorithm{jose.HS256, jose.HS384, jose.HS512} {
		k := hmacKey(t, "", alg, "truncated")
		mac := must(k.SignRaw("input"))
		for size := range len(mac) {
			if k.VerifySignature("input", mac[:size]) || k.VerifySignature("input", mac[len(mac)-size:]) {
				t.Errorf("%s: %d bytes of a MAC hold", alg, size)
			}
		}
		if k.VerifySignature("input", append(bytes.Clone(mac), 0)) || !k.VerifySignature("input", mac) {
			t.Errorf("%s: a MAC and a byte holds, or a MAC does not", alg)
		}
	}
}
