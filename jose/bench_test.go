package jose_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"
	gojwt "github.com/go-jose/go-jose/v4/jwt"

	"github.com/gatewright/gate/internal/base64url"
	"github.com/gatewright/gate/jose"
)

// A bench is a key, and the bare check of a signature with it.
type bench struct {
	key   *jose.Key
	peer  any // the key as go-jose wants it
	floor func(input string, sig []byte) bool
}

func newBench(b *testing.B, alg jose.Algorithm) bench {
	b.Helper()
	var signer crypto.Signer
	var floor func(string, []byte) bool
	switch alg {
	case jose.HS256:
		secret := make([]byte, 32)
		_, _ = rand.Read(secret)
		k, err := jose.NewHMACKey("k", alg, secret)
		if err != nil {
			b.Fatal(err)
		}
		return bench{k, secret, func(input string, sig []byte) bool {
			h := hmac.New(sha256.New, secret)
			h.Write([]byte(input))
			return hmac.Equal(h.Sum(nil), sig)
		}}
	case jose.RS256:
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			b.Fatal(err)
		}
		signer, floor = k, func(input string, sig []byte) bool {
			sum := sha256.Sum256([]byte(input))
			return rsa.VerifyPKCS1v15(&k.PublicKey, crypto.SHA256, sum[:], sig) == nil
		}
	case jose.ES256:
		k, err := ecdsa.GenerateKey(curve(alg), rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		signer, floor = k, func(input string, der []byte) bool {
			sum := sha256.Sum256([]byte(input))
			return ecdsa.VerifyASN1(&k.PublicKey, sum[:], der)
		}
	default:
		public, k, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		signer, floor = k, func(input string, sig []byte) bool { return ed25519.Verify(public, []byte(input), sig) }
	}
	k, err := jose.NewPrivateKey("k", alg, signer)
	if err != nil {
		b.Fatal(err)
	}
	return bench{k, signer.Public(), floor}
}

// tokens returns n different tokens.
func (x bench) tokens(b *testing.B, n int) []string {
	b.Helper()
	list := make([]string, n)
	for i := range list {
		var err error
		list[i], err = jose.Sign(x.key, jose.AccessTokenType, &jose.Claims{
			Issuer: issuer, Audience: []string{audience}, Subject: fmt.Sprint("user-", i),
			ID: rand.Text(), IssuedAt: now, Expiry: now.Add(time.Hour),
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return list
}

// BenchmarkVerifyNew measures a token that has not been seen before. The cache is
// on, and far too small to help: every token is put in and pushed out.
func BenchmarkVerifyNew(b *testing.B) {
	for _, alg := range []jose.Algorithm{jose.HS256, jose.RS256, jose.ES256, jose.EdDSA} {
		x := newBench(b, alg)
		tokens := x.tokens(b, 256)
		inputs, sigs := make([]string, len(tokens)), make([][]byte, len(tokens))
		for i, token := range tokens {
			dot := strings.LastIndexByte(token, '.')
			inputs[i] = token[:dot]
			sigs[i], _ = base64url.Append(nil, token[dot+1:])
			if alg == jose.ES256 { // spelt as crypto/ecdsa wants it, which is not the floor's work
				sigs[i], _ = asn1.Marshal(struct{ R, S *big.Int }{number(sigs[i][:32]), number(sigs[i][32:])})
			}
		}
		b.Run(string(alg)+"/floor", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if j := i % len(inputs); !x.floor(inputs[j], sigs[j]) {
					b.Fatal("bad signature")
				}
			}
		})
		b.Run(string(alg)+"/ours", func(b *testing.B) {
			v := verifier(b, keySet(b, x.key), func(c *jose.VerifierConfig) { c.CacheSize = 16 })
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := v.Verify(context.Background(), tokens[i%len(tokens)]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(alg)+"/ratio", func(b *testing.B) {
			v := verifier(b, keySet(b, x.key), func(c *jose.VerifierConfig) { c.CacheSize = 16 })
			reportRatio(b,
				func(i int) bool { return x.floor(inputs[i%len(inputs)], sigs[i%len(inputs)]) },
				func(i int) bool {
					_, err := v.Verify(context.Background(), tokens[i%len(tokens)])
					return err == nil
				})
		})
		b.Run(string(alg)+"/go-jose", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := peerVerify(tokens[i%len(tokens)], alg, x.peer, new(map[string]any)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// reportRatio runs both by turns and reports how long the second takes at the
// best, measured by the first at its best. So a busy machine does not matter much.
func reportRatio(b *testing.B, floor, ours func(i int) bool) {
	b.Helper()
	const batch = 16
	best := [2]time.Duration{time.Hour, time.Hour}
	for n := 0; b.Loop(); n += batch {
		for which, f := range []func(int) bool{floor, ours} {
			began := time.Now()
			for i := range batch {
				if !f(n + i) {
					b.Fatal("bad signature")
				}
			}
			best[which] = min(best[which], time.Since(began))
		}
	}
	b.ReportMetric(float64(best[0].Nanoseconds())/batch, "floor-ns")
	b.ReportMetric(float64(best[1].Nanoseconds())/batch, "ours-ns")
	b.ReportMetric(float64(best[1])/float64(best[0]), "ratio")
}

func peerVerify(token string, alg jose.Algorithm, key, dest any) error {
	t, err := gojwt.ParseSigned(token, []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(alg)})
	if err != nil {
		return err
	}
	var c gojwt.Claims
	if err := t.Claims(key, &c, dest); err != nil {
		return err
	}
	return c.ValidateWithLeeway(gojwt.Expected{Issuer: issuer, AnyAudience: []string{audience}, Time: now}, 30*time.Second)
}

// clock costs what time.Now costs and tells the time of the tests.
func clock() time.Time {
	if time.Now().IsZero() {
		return time.Time{}
	}
	return now
}

// BenchmarkVerifySeen measures a bearer that comes again.
func BenchmarkVerifySeen(b *testing.B) {
	x := newBench(b, jose.HS256)
	token := x.tokens(b, 1)[0]
	b.Run("floor", func(b *testing.B) { // one hash and one look-up
		m := map[[sha256.Size]byte]int{sha256.Sum256([]byte(token)): 1}
		b.ReportAllocs()
		for b.Loop() {
			if m[sha256.Sum256([]byte(token))] != 1 {
				b.Fatal("not found")
			}
		}
	})
	b.Run("ours", func(b *testing.B) {
		v := verifier(b, keySet(b, x.key), func(c *jose.VerifierConfig) { c.Now = clock })
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(context.Background(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ours-parallel", func(b *testing.B) {
		v := verifier(b, keySet(b, x.key), func(c *jose.VerifierConfig) { c.Now = clock })
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := v.Verify(context.Background(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// BenchmarkKeySet measures the look-up of a key.
func BenchmarkKeySet(b *testing.B) {
	s := keySet(b, generate(b, "one", jose.EdDSA), generate(b, "two", jose.ES256), generate(b, "three", jose.HS256))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Key(context.Background(), "two", jose.ES256); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSign measures the making of a token.
func BenchmarkSign(b *testing.B) {
	x := newBench(b, jose.HS256)
	c := &jose.Claims{
		Issuer: issuer, Audience: []string{audience}, Subject: "user", ID: "id",
		IssuedAt: now, Expiry: now.Add(time.Hour),
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jose.Sign(x.key, jose.AccessTokenType, c); err != nil {
			b.Fatal(err)
		}
	}
}
