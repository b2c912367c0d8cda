package jose_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
)

// A countingSource counts how often the key is asked for.
type countingSource struct {
	*jose.KeySet
	n atomic.Int64
}

func (s *countingSource) Key(ctx context.Context, kid string, alg jose.Algorithm) (*jose.Key, error) {
	s.n.Add(1)
	return s.KeySet.Key(ctx, kid, alg)
}

// JWT-18: what was verified for one is not verified for another.
func TestJWT18_otherVerifier(t *testing.T) {
	keys := keySet(t, hmacKey(t, "", jose.HS256, "cache"))
	token := mint(t, keys.Signing(), goodHeader(jose.HS256), goodClaims())
	one := verifier(t, keys, nil)
	two := verifier(t, keys, func(c *jose.VerifierConfig) { c.Audience = []string{"https://other.test"} })
	three := verifier(t, keys, func(c *jose.VerifierConfig) { c.Issuer = "https://other.test" })
	for range 3 {
		accept(t, one, token)
		refuse(t, two, token, jose.ErrAudience)
		refuse(t, three, token, jose.ErrIssuer)
	}
}

func TestJWT18_remembers(t *testing.T) {
	keys := keySet(t, hmacKey(t, "", jose.HS256, "cache"))
	v := verifier(t, keys, nil)
	token := mint(t, keys.Signing(), goodHeader(jose.HS256), goodClaims())
	first := accept(t, v, token)
	if second := accept(t, v, token); second != first {
		t.Error("a token that comes again is verified again")
	}
	if n := v.Remembered(); n != 1 {
		t.Errorf("%d tokens are remembered, want 1", n)
	}
	// One byte of the signature is another token.
	other := []byte(token)
	other[len(other)-2] ^= 1
	refuse(t, v, string(other), jose.ErrSignature)

	off := verifier(t, keys, func(c *jose.VerifierConfig) { c.CacheSize = -1 })
	first = accept(t, off, token)
	if second := accept(t, off, token); second == first || off.Remembered() != 0 {
		t.Error("a verifier without a cache remembers a token")
	}
	off.Forget("token-1")
	off.Purge()
}

func TestJWT18_neverPastExpiry(t *testing.T) {
	keys := keySet(t, hmacKey(t, "", jose.HS256, "cache"))
	clock := now
	v := verifier(t, keys, func(c *jose.VerifierConfig) { c.Now = func() time.Time { return clock } })
	token := mint(t, keys.Signing(), goodHeader(jose.HS256), goodClaims("exp", fmt.Sprint(now.Unix()+100)))
	first := accept(t, v, token)
	clock = now.Add(99 * time.Second)
	if accept(t, v, token) != first {
		t.Error("the token is not remembered until it expires")
	}
	clock = now.Add(100 * time.Second)
	if accept(t, v, token) == first { // the leeway is on
		t.Error("the token is remembered past its expiry")
	}
	late := verifier(t, keys, func(c *jose.VerifierConfig) { c.Now = func() time.Time { return clock } })
	accept(t, late, token)
	if late.Remembered() != 0 {
		t.Error("a token that the leeway let in is remembered")
	}
	clock = now.Add(130 * time.Second)
	refuse(t, v, token, jose.ErrExpired)

	clock = now.Add(-time.Second) // a clock that is set back
	accept(t, v, token)
	clock = now.Add(-time.Hour)
	refuse(t, v, token, jose.ErrNotYetValid)

	t.Run("maximum age", func(t *testing.T) {
		clock = now
		v := verifier(t, keys, func(c *jose.VerifierConfig) {
			c.Now, c.MaxAge, c.Leeway = func() time.Time { return clock }, time.Minute, -1
		})
		accept(t, v, token)
		clock = now.Add(59 * time.Second)
		accept(t, v, token)
		clock = now.Add(60 * time.Second)
		refuse(t, v, token, jose.ErrExpired)
	})
}

func TestJWT18_bounded(t *testing.T) {
	keys := keySet(t, hmacKey(t, "", jose.HS256, "cache"))
	v := verifier(t, keys, func(c *jose.VerifierConfig) { c.CacheSize = 64 })
	hot := mint(t, keys.Signing(), goodHeader(jose.HS256), goodClaims("jti", `"hot"`))
	first := accept(t, v, hot)
	kept := 0
	var tokens []string
	var verified []*jose.Claims
	for i := range 1000 {
		tokens = append(tokens, mint(t, keys.Signing(), goodHeader(jose.HS256), goodClaims("jti", fmt.Sprintf(`"%d"`, i))))
		verified = append(verified, accept(t, v, tokens[i]))
		if accept(t, v, hot) == first {
			kept++
		}
	}
	if n := v.Remembered(); n > 64 || n < 48 {
		t.Errorf("%d tokens are remembered, want at most 64 and not many less", n)
	}
	if kept < 900 {
		t.Errorf("a token in use was remembered %d times of 1000", kept)
	}
	// New tokens push out old ones, whichever these are.
	newest := 0
	for i := range tokens[len(tokens)-16:] {
		if j := len(tokens) - 1 - i; accept(t, v, tokens[j]) == verified[j] {
			newest++
		}
	}
	if newest < 8 {
		t.Errorf("%d of the 16 newest tokens are remembered", newest)
	}

	small := verifier(t, keys, func(c *jose.VerifierConfig) { c.CacheSize = 3 })
	for i := range 100 {
		accept(t, small, mint(t, keys.Signing(), goodHeader(jose.HS256), goodClaims("jti", fmt.Sprintf(`"%d"`, i))))
	}
	if n := small.Remembered(); n > 3 {
		t.Errorf("%d tokens are remembered, want at most 3", n)
	}
}

func TestJWT18_onlyGoodTokens(t *testing.T) {
	keys := keySet(t, hmacKey(t, "", jose.HS256, "cache"))
	v := verifier(t, keys, nil)
	for range 2 {
		refuse(t, v, mint(t, keys.Signing(), goodHeader(jose.HS256), goodClaims("exp", "1")), jose.ErrExpired)
		refuse(t, v, mint(t, keys.Signing(), goodHeader(jose.HS256), goodClaims("aud", `"x"`)), jose.ErrAudience)
		refuse(t, v, mintHMAC(goodHeader(jose.HS256), goodClaims(), []byte("x")), jose.ErrSignature)
		refuse(t, v, "a.b.c", jose.ErrMalformed)
	}
	if n := v.Remembered(); n != 0 {
		t.Errorf("%d refused tokens are remembered", n)
	}
}

func TestJWT18_keyRemoval(t *testing.T) {
	one, two := hmacKey(t, "one", jose.HS256, "1"), hmacKey(t, "two", jose.HS256, "2")
	keys := keySet(t, one, two)
	v := verifier(t, keys, nil)
	accept(t, v, tokenOf(t, one))
	accept(t, v, tokenOf(t, two))
	if !keys.Remove("one") {
		t.Fatal("the key was not there")
	}
	refuse(t, v, tokenOf(t, one), jose.ErrUnknownKey)
	accept(t, v, tokenOf(t, two))
	if n := v.Remembered(); n != 1 {
		t.Errorf("%d tokens are remembered, want 1", n)
	}
	if err := keys.Add(hmacKey(t, "one", jose.HS256, "another")); err != nil {
		t.Fatal(err)
	}
	refuse(t, v, tokenOf(t, one), jose.ErrSignature)

	t.Run("replaced under the same name", func(t *testing.T) {
		keys := keySet(t, one)
		v := verifier(t, keys, nil)
		accept(t, v, tokenOf(t, one))
		keys.Remove("one")
		if err := keys.Add(hmacKey(t, "one", jose.HS256, "another")); err != nil {
			t.Fatal(err)
		}
		refuse(t, v, tokenOf(t, one), jose.ErrSignature)
	})
	t.Run("the same key read anew", func(t *testing.T) {
		keys := keySet(t, one)
		v := verifier(t, keys, nil)
		first := accept(t, v, tokenOf(t, one))
		keys.Remove("one")
		if err := keys.Add(hmacKey(t, "one", jose.HS256, "1")); err != nil {
			t.Fatal(err)
		}
		if accept(t, v, tokenOf(t, one)) != first {
			t.Error("the token is not remembered any more")
		}
	})
	t.Run("no name, second key", func(t *testing.T) {
		keys := keySet(t, one)
		v := verifier(t, keys, nil)
		token := mint(t, one, goodHeader(jose.HS256), goodClaims())
		accept(t, v, token)
		if err := keys.Add(two); err != nil {
			t.Fatal(err)
		}
		refuse(t, v, token, jose.ErrUnknownKey)
	})
}

func TestJWT18_forget(t *testing.T) {
	keys := keySet(t, hmacKey(t, "", jose.HS256, "cache"))
	source := &countingSource{KeySet: keys}
	v := verifier(t, source, nil)
	names := []string{"a", "b", "c"}
	fill := func() (tokens []string, claims []*jose.Claims) {
		for i, name := range names {
			token := mint(t, keys.Signing(), goodHeader(jose.HS256),
				goodClaims("jti", fmt.Sprintf("%q", name), "sid", fmt.Sprintf(`"session-%d"`, i/2)))
			tokens, claims = append(tokens, token), append(claims, accept(t, v, token))
		}
		return tokens, claims
	}
	for _, tt := range []struct {
		name   string
		forget func()
		want   []bool // still remembered?
	}{
		{"one token", func() { v.Forget("b") }, []bool{true, false, true}},
		{"a session", func() { v.Forget("session-0") }, []bool{false, false, true}},
		{"several", func() { v.Forget("a", "session-1") }, []bool{false, true, false}},
		{"nobody's", func() { v.Forget("", "x", "session-") }, []bool{true, true, true}},
		{"nothing", func() { v.Forget() }, []bool{true, true, true}},
		{"everything", v.Purge, []bool{false, false, false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tokens, claims := fill()
			tt.forget()
			for i, token := range tokens {
				if got := accept(t, v, token) == claims[i]; got != tt.want[i] {
					t.Errorf("token %s is remembered: %t, want %t", names[i], got, tt.want[i])
				}
			}
		})
	}
	if source.n.Load() == 0 {
		t.Error("the source was never asked")
	}

	t.Run("without a name", func(t *testing.T) {
		token := mint(t, keys.Signing(), goodHeader(jose.HS256), goodClaims("jti", ""))
		first := accept(t, v, token)
		v.Forget("")
		if accept(t, v, token) != first {
			t.Error("an empty name forgets what has none")
		}
	})
}

// A token that is being verified while it is forgotten is not remembered.
func TestJWT18_forgetDuringVerify(t *testing.T) {
	k := hmacKey(t, "", jose.HS256, "cache")
	var v *jose.Verifier
	v = verifier(t, sourceFunc(func() (*jose.Key, error) {
		v.Forget("token-1")
		return k, nil
	}), nil)
	accept(t, v, mint(t, k, goodHeader(jose.HS256), goodClaims()))
	if n := v.Remembered(); n != 0 {
		t.Errorf("%d tokens are remembered, want 0", n)
	}
}

func TestJWT18_concurrent(t *testing.T) {
	old, other := hmacKey(t, "old", jose.HS256, "old"), hmacKey(t, "other", jose.HS256, "other")
	keys := keySet(t, old, other)
	v := verifier(t, keys, func(c *jose.VerifierConfig) { c.CacheSize = 32 })
	var tokens []string
	for i := range 100 {
		k := old
		if i%2 == 1 {
			k = other
		}
		tokens = append(tokens, mint(t, k, fmt.Sprintf(`{"alg":"HS256","typ":"at+jwt","kid":%q}`, k.ID()),
			goodClaims("jti", fmt.Sprintf(`"%d"`, i))))
	}
	var removed atomic.Bool
	var workers sync.WaitGroup
	for w := range 8 {
		workers.Go(func() {
			for i := range 2000 {
				n := (i*7 + w) % len(tokens)
				gone := removed.Load()
				c, err := v.Verify(t.Context(), tokens[n])
				switch {
				case err == nil && c.ID != fmt.Sprint(n):
					t.Errorf("token %d has the claims of token %s", n, c.ID)
				case err == nil && gone && n%2 == 0:
					t.Errorf("token %d is accepted after its key was removed", n)
				case err != nil && !errors.Is(err, jose.ErrUnknownKey):
					t.Errorf("token %d: %v", n, err)
				}
				if w == 0 && i == 1000 {
					keys.Remove("old")
					removed.Store(true)
				}
				if w == 1 && i%100 == 0 {
					v.Forget(fmt.Sprint(n))
				}
			}
		})
	}
	workers.Wait()
}
