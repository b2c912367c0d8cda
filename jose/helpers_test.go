package jose_test

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
)

const (
	issuer   = "https://issuer.test"
	audience = "https://api.test"
)

// now is the instant at which all tests happen.
var now = time.Unix(1_900_000_000, 0)

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// hmacKey returns a key whose secret is made of seed.
func hmacKey(tb testing.TB, kid string, alg jose.Algorithm, seed string) *jose.Key {
	tb.Helper()
	secret := crypto.SHA512.New()
	secret.Write([]byte(seed))
	k, err := jose.NewHMACKey(kid, alg, secret.Sum(nil))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// rsaKeys returns two RSA keys, which take long to make.
var rsaKeys = sync.OnceValue(func() (keys [2]*rsa.PrivateKey) {
	for i := range keys {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = k
	}
	return keys
})

func generate(tb testing.TB, kid string, alg jose.Algorithm) *jose.Key {
	tb.Helper()
	k, err := jose.GenerateKey(kid, alg)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// keyFor returns a key for any algorithm; those for RSA are the same key.
func keyFor(tb testing.TB, kid string, alg jose.Algorithm) *jose.Key {
	tb.Helper()
	if !strings.HasPrefix(string(alg), "RS") && !strings.HasPrefix(string(alg), "PS") {
		return generate(tb, kid, alg)
	}
	k, err := jose.NewPrivateKey(kid, alg, rsaKeys()[0])
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func keySet(tb testing.TB, keys ...*jose.Key) *jose.KeySet {
	tb.Helper()
	s, err := jose.NewKeySet(keys...)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// verifier returns a verifier of tokens for the issuer and the audience of these
// tests; change may be nil.
func verifier(tb testing.TB, keys jose.KeySource, change func(*jose.VerifierConfig)) *jose.Verifier {
	tb.Helper()
	cfg := jose.VerifierConfig{
		Keys: keys, Issuer: issuer, Audience: []string{audience},
		Now: func() time.Time { return now },
	}
	if change != nil {
		change(&cfg)
	}
	v, err := jose.NewVerifier(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// goodHeader is a header for alg.
func goodHeader(alg jose.Algorithm) string { return fmt.Sprintf(`{"alg":%q,"typ":"at+jwt"}`, alg) }

// goodClaims returns claims that are accepted, with changes: a member whose value
// is empty is left out, any other value is put in as it is.
func goodClaims(changes ...string) string {
	members := [][2]string{
		{"iat", fmt.Sprint(now.Unix())},
		{"exp", fmt.Sprint(now.Unix() + 900)},
		{"aud", `"` + audience + `"`},
		{"iss", `"` + issuer + `"`},
		{"sub", `"ada"`},
		{"jti", `"token-1"`},
	}
change:
	for i := 0; i+1 < len(changes); i += 2 {
		for j := range members {
			if members[j][0] == changes[i] {
				members[j][1] = changes[i+1]
				continue change
			}
		}
		members = append(members, [2]string{changes[i], changes[i+1]})
	}
	var parts []string
	for _, m := range members {
		if m[1] != "" {
			name, _ := json.Marshal(m[0])
			parts = append(parts, string(name)+":"+m[1])
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// mint signs whatever header and claims are.
func mint(tb testing.TB, k *jose.Key, header, claims string) string {
	tb.Helper()
	input := encode(header) + "." + encode(claims)
	sig, err := k.SignRaw(input)
	if err != nil {
		tb.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// refuse checks that v refuses token for the reason want, and tells nothing.
func refuse(tb testing.TB, v *jose.Verifier, token string, want error) {
	tb.Helper()
	c, err := v.Verify(context.Background(), token)
	if c != nil {
		tb.Errorf("Verify() = %v, want nothing", c)
	}
	if !errors.Is(err, want) {
		tb.Errorf("Verify() error = %v, want %v", err, want)
	}
}

// accept checks that v accepts token.
func accept(tb testing.TB, v *jose.Verifier, token string) *jose.Claims {
	tb.Helper()
	c, err := v.Verify(context.Background(), token)
	if err != nil || c == nil {
		tb.Fatalf("Verify() = %v, %v; want claims", c, err)
	}
	return c
}

// mintHMAC makes a token with any bytes as secret.
func mintHMAC(header, claims string, secret []byte) string {
	input := encode(header) + "." + encode(claims)
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// A sourceFunc is a key source that does not care who asks for what.
type sourceFunc func() (*jose.Key, error)

func (f sourceFunc) Key(context.Context, string, jose.Algorithm) (*jose.Key, error) { return f() }

// A contextSource is a key source that looks at the context.
type contextSource func(context.Context) (*jose.Key, error)

func (f contextSource) Key(ctx context.Context, _ string, _ jose.Algorithm) (*jose.Key, error) {
	return f(ctx)
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

// A brokenSigner is a private key that signs with anything.
type brokenSigner struct {
	key *jose.Key
	sig []byte
	err error
}

func (s brokenSigner) Public() crypto.PublicKey { return s.key.PublicKey() }

func (s brokenSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return s.sig, s.err }
