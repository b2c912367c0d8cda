package jose_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/jose"
)

// rotating returns a set with a clock that can be set.
func rotating(tb testing.TB, keys ...*jose.Key) (*jose.KeySet, *time.Time) {
	tb.Helper()
	clock := now
	s := keySet(tb, keys...)
	s.Now = func() time.Time { return clock }
	return s, &clock
}

func tokenOf(tb testing.TB, k *jose.Key) string {
	tb.Helper()
	return mint(tb, k, fmt.Sprintf(`{"alg":%q,"typ":"at+jwt","kid":%q}`, k.Algorithm(), k.ID()), goodClaims())
}

// A key from its publication to its end.
func TestKeySet_rotation(t *testing.T) {
	a, b := generate(t, "a", jose.ES256), generate(t, "b", jose.EdDSA)
	s, clock := rotating(t, a)
	v := verifier(t, s, func(c *jose.VerifierConfig) { c.Now = func() time.Time { return *clock } })
	states := func(want ...jose.KeyInfo) {
		t.Helper()
		if diff := cmp.Diff(want, s.Keys()); diff != "" {
			t.Errorf("Keys() (-want +got):\n%s", diff)
		}
	}
	states(jose.KeyInfo{ID: "a", Algorithm: jose.ES256, State: jose.KeySigning})

	if err := s.Add(b); err != nil {
		t.Fatal(err)
	}
	states(jose.KeyInfo{ID: "a", Algorithm: jose.ES256, State: jose.KeySigning},
		jose.KeyInfo{ID: "b", Algorithm: jose.EdDSA, State: jose.KeyPublished})
	if !strings.Contains(string(s.JWKS()), `"kid":"b"`) || s.Signing() != a {
		t.Error("the new key is not published, or signs at once")
	}
	if err := s.Retire("a", now.Add(time.Hour)); err == nil {
		t.Error("the key that signs is retired")
	}

	if err := s.Use("b"); err != nil {
		t.Fatal(err)
	}
	states(jose.KeyInfo{ID: "a", Algorithm: jose.ES256, State: jose.KeyPublished},
		jose.KeyInfo{ID: "b", Algorithm: jose.EdDSA, State: jose.KeySigning})
	end := now.Add(10 * time.Minute)
	if err := s.Retire("a", end); err != nil {
		t.Fatal(err)
	}
	states(jose.KeyInfo{ID: "a", Algorithm: jose.ES256, State: jose.KeyRetired, Until: end},
		jose.KeyInfo{ID: "b", Algorithm: jose.EdDSA, State: jose.KeySigning})
	old := tokenOf(t, a)
	first := accept(t, v, old)

	*clock = end.Add(-time.Millisecond)
	if accept(t, v, old) != first || !strings.Contains(string(s.JWKS()), `"kid":"a"`) {
		t.Error("a retired key is gone before its time")
	}
	*clock = end
	refuse(t, v, old, jose.ErrUnknownKey)
	accept(t, v, tokenOf(t, b))
	states(jose.KeyInfo{ID: "b", Algorithm: jose.EdDSA, State: jose.KeySigning})
	if k, ok := s.ByID("a"); ok || k != nil || strings.Contains(string(s.JWKS()), `"kid":"a"`) {
		t.Error("a key whose time is over is still in the set")
	}
	if s.Remove("a") {
		t.Error("a key whose time is over can be removed")
	}
	if err := s.Add(generate(t, "a", jose.ES256)); err != nil { // the name is free
		t.Error(err)
	}
	refuse(t, v, old, jose.ErrSignature)
}

// JWT-18: the cache does not outlive a retired key, however long its token does.
func TestJWT18_keyRetired(t *testing.T) {
	a, b := hmacKey(t, "a", jose.HS256, "a"), hmacKey(t, "b", jose.HS256, "b")
	s, clock := rotating(t, b, a)
	v := verifier(t, s, nil) // its own clock stands still
	token := tokenOf(t, a)
	accept(t, v, token)
	if err := s.Retire("a", now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	accept(t, v, token)
	*clock = now.Add(time.Minute)
	refuse(t, v, token, jose.ErrUnknownKey)
	if n := v.Remembered(); n != 0 {
		t.Errorf("%d tokens are remembered", n)
	}
	*clock = now // a clock that is set back brings nothing back that was forgotten
	if err := s.Retire("a", now); err != nil {
		t.Fatal(err)
	}
	refuse(t, v, token, jose.ErrUnknownKey)
}

func TestKeySet_Retire(t *testing.T) {
	a, b, c := hmacKey(t, "a", jose.HS256, "a"), hmacKey(t, "b", jose.HS256, "b"), hmacKey(t, "c", jose.HS256, "c")
	s, clock := rotating(t, a, b, c)
	if err := s.Retire("x", now.Add(time.Hour)); !errors.Is(err, jose.ErrUnknownKey) {
		t.Errorf("an unknown key: %v", err)
	}
	if err := s.Retire("b", time.Time{}); err == nil {
		t.Error("a key is retired for ever")
	}
	if err := s.Retire("b", now.Add(-time.Second)); err != nil || len(s.Keys()) != 2 {
		t.Errorf("a time that has passed: %v, %v", err, s.Keys())
	}
	if err := s.Retire("c", time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil || len(s.Keys()) != 2 {
		t.Errorf("a time far away: %v, %v", err, s.Keys())
	}
	// The end can be moved, and a retired key can come back.
	for _, until := range []time.Duration{time.Hour, time.Minute} {
		if err := s.Retire("c", now.Add(until)); err != nil {
			t.Fatal(err)
		}
	}
	// A retired key does not take over from one that is removed.
	if !s.Remove("a") || s.Signing() != nil {
		t.Errorf("Signing() = %v, want none", s.Signing())
	}
	if err := s.Use("c"); err != nil || s.Signing() != c {
		t.Errorf("Use(): %v, Signing() = %v", err, s.Signing())
	}
	*clock = now.Add(24 * time.Hour)
	if k, ok := s.ByID("c"); !ok || k != c || len(s.Keys()) != 1 {
		t.Error("a key that is used again ends")
	}
}

// JWT-04: without a name there is one key of an algorithm, or none; those whose
// time is over do not count.
func TestJWT04_namelessAndRetired(t *testing.T) {
	a, b := hmacKey(t, "a", jose.HS256, "a"), hmacKey(t, "b", jose.HS256, "b")
	s, clock := rotating(t, a, b)
	if k, err := s.Key(t.Context(), "", jose.HS256); k != nil || !errors.Is(err, jose.ErrUnknownKey) {
		t.Errorf("Key() = %v, %v", k, err)
	}
	if err := s.Retire("b", now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if k, err := s.Key(t.Context(), "", jose.HS256); k != nil || !errors.Is(err, jose.ErrUnknownKey) {
		t.Errorf("Key() = %v, %v", k, err)
	}
	*clock = now.Add(time.Minute)
	if k, err := s.Key(t.Context(), "", jose.HS256); k != a || err != nil {
		t.Errorf("Key() = %v, %v; want a", k, err)
	}
	if err := s.Use("a"); err != nil {
		t.Fatal(err)
	}
	if k, err := s.Key(t.Context(), "", jose.ES256); k != nil || !errors.Is(err, jose.ErrAlgorithm) {
		t.Errorf("Key() = %v, %v", k, err)
	}
}

// A set with many keys finds each of them.
func TestKeySet_many(t *testing.T) {
	s, clock := rotating(t)
	for i := range 50 {
		if err := s.Add(hmacKey(t, fmt.Sprint(i), jose.HS256, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Retire("7", now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	*clock = now.Add(time.Hour)
	for i := range 51 {
		k, err := s.Key(t.Context(), fmt.Sprint(i), jose.HS256)
		if want := i < 50 && i != 7; (err == nil) != want || want && k.ID() != fmt.Sprint(i) {
			t.Errorf("Key(%d) = %v, %v", i, k, err)
		}
	}
	if n := len(s.Keys()); n != 49 {
		t.Errorf("%d keys, want 49", n)
	}
}

// Readers see a whole set at any time.
func TestKeySet_concurrent(t *testing.T) {
	a, b := hmacKey(t, "a", jose.HS256, "a"), hmacKey(t, "b", jose.HS256, "b")
	s := keySet(t, a, b)
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for i := range 500 {
				switch w {
				case 0:
					_ = s.Use([]string{"a", "b"}[i%2])
				case 1:
					_ = s.Retire([]string{"a", "b"}[i%2], time.Now().Add(time.Hour))
				default:
					if k, err := s.Key(t.Context(), "a", jose.HS256); err != nil || k != a {
						t.Errorf("Key() = %v, %v", k, err)
					}
					signing := 0
					for _, k := range s.Keys() {
						if k.State == jose.KeySigning {
							signing++
						}
					}
					if signing != 1 {
						t.Errorf("%d keys sign", signing)
					}
				}
			}
		})
	}
	workers.Wait()
}

// JKS-08: the document has public members only.
func TestJKS08_onlyPublicMembers(t *testing.T) {
	s := keySet(t)
	for _, alg := range algorithms {
		if err := s.Add(keyFor(t, string(alg), alg)); err != nil {
			t.Fatal(err)
		}
	}
	var doc struct{ Keys []map[string]any }
	w := httptest.NewRecorder()
	s.Handler(0).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Keys) != len(algorithms)-3 {
		t.Errorf("%d keys, want all but the shared secrets", len(doc.Keys))
	}
	for _, k := range doc.Keys {
		for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, ok := k[member]; ok {
				t.Errorf("key %v has the member %q", k["kid"], member)
			}
		}
	}
	if keys, skipped, err := jose.ParsePublicJWKS(w.Body.Bytes()); err != nil || len(skipped) > 0 || len(keys) != len(doc.Keys) {
		t.Errorf("the document reads as %v, %v, %v", keys, skipped, err)
	}
}

func TestKeySet_Handler(t *testing.T) {
	s, clock := rotating(t, generate(t, "a", jose.ES256), generate(t, "b", jose.ES256))
	if err := s.Retire("b", now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	serve := func(h http.Handler, method, etag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/.well-known/jwks.json", nil)
		if etag != "" {
			r.Header.Set("If-None-Match", etag)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	h := s.Handler(10 * time.Minute)
	got := serve(h, http.MethodGet, "")
	etag := got.Header().Get("Etag")
	for name, want := range map[string]string{
		"Content-Type": "application/jwk-set+json", "Cache-Control": "public, max-age=600", "X-Content-Type-Options": "nosniff",
	} {
		if value := got.Header().Get(name); value != want {
			t.Errorf("%s = %q, want %q", name, value, want)
		}
	}
	if got.Code != http.StatusOK || got.Body.String() != string(s.JWKS()) || !strings.HasPrefix(etag, `"`) {
		t.Errorf("status %d, %d bytes, tag %s", got.Code, got.Body.Len(), etag)
	}
	for _, tt := range []struct {
		method, etag string
		want         int
	}{
		{http.MethodHead, "", 200},
		{http.MethodGet, etag, 304},
		{http.MethodHead, etag, 304},
		{http.MethodGet, `"x", ` + etag, 304},
		{http.MethodGet, `"x"`, 200},
		{http.MethodPost, "", 405},
		{http.MethodPut, "", 405},
		{http.MethodDelete, etag, 405},
		{http.MethodOptions, "", 405},
	} {
		got := serve(h, tt.method, tt.etag)
		if body := got.Body.Len() > 0; got.Code == 200 && body != (tt.method == http.MethodGet) || got.Code == 304 && body {
			t.Errorf("%s %s: status %d with a body: %t", tt.method, tt.etag, got.Code, body)
		}
		if got.Code != tt.want {
			t.Errorf("%s %s: status %d, want %d", tt.method, tt.etag, got.Code, tt.want)
		}
		if allow := got.Header().Get("Allow"); (tt.want == 405) != (allow == "GET, HEAD") {
			t.Errorf("%s: Allow = %q", tt.method, allow)
		}
	}
	*clock = now.Add(time.Minute) // without b it is another document
	if got := serve(h, http.MethodGet, etag); got.Code != 200 || got.Header().Get("Etag") == etag {
		t.Errorf("status %d, tag %s", got.Code, got.Header().Get("Etag"))
	}
	for age, want := range map[time.Duration]string{0: "public, max-age=300", -1: "public, max-age=300", 90 * time.Second: "public, max-age=90"} {
		if got := serve(s.Handler(age), http.MethodGet, "").Header().Get("Cache-Control"); got != want {
			t.Errorf("maximum age %v: %q, want %q", age, got, want)
		}
	}
	var empty *jose.KeySet
	if got := serve(empty.Handler(0), http.MethodGet, ""); got.Code != 200 || got.Body.String() != `{"keys":[]}` {
		t.Errorf("an empty set: status %d, %d bytes", got.Code, got.Body.Len())
	}
}

func TestKeyState_String(t *testing.T) {
	for state, want := range map[jose.KeyState]string{
		0: "no state", jose.KeyPublished: "published", jose.KeySigning: "signing", jose.KeyRetired: "retired",
	} {
		if got := state.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}
