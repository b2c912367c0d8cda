package idp_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwks"
)

// newAPI returns what an API verifies tokens with, which has fetched the keys of the
// provider a moment ago.
func newAPI(t *testing.T, s *idptest.Server, now func() time.Time) *jose.Verifier {
	t.Helper()
	keys, err := jwks.New(jwks.Config{URL: s.URL + "/.well-known/jwks.json", Algorithms: []jose.Algorithm{jose.RS256}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	if err := keys.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	v, err := jose.NewVerifier(jose.VerifierConfig{
		Keys: keys, Issuer: s.Issuer(), Audience: []string{idptest.Audience}, Type: []string{"JWT"}, Now: now, CacheSize: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A seen is the tokens of a load, by the name of their key.
type seen struct {
	mu     sync.Mutex
	tokens map[string][]string
	news   chan struct{} // something was added
}

func (s *seen) add(kid, token string) {
	s.mu.Lock()
	s.tokens[kid] = append(s.tokens[kid], token)
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// of returns the tokens that a key signed, of all keys for no name.
func (s *seen) of(kid string) (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, tokens := range s.tokens {
		if kid == "" || kid == name {
			list = append(list, tokens...)
		}
	}
	return list
}

// await waits until so many tokens that a key signed have been verified.
func (s *seen) await(t *testing.T, kid string, n int) {
	t.Helper()
	late := time.After(30 * time.Second)
	for len(s.of(kid)) < n {
		select {
		case <-s.news:
		case <-late:
			t.Fatalf("%d tokens of the key %s", len(s.of(kid)), kid)
		}
	}
}

// JKS-08: the keys are changed twice while everybody asks for tokens, at one
// process and at two. No API refuses a token, be it new or old, though it has asked
// for the keys before the change and not again.
func TestJKS08_rotationUnderLoad(t *testing.T) {
	eachPlace(t, func(t *testing.T, where string) {
		c := &clock{at: time.Now().Truncate(time.Second)}
		edit := func(cfg *idp.Config) { cfg.Now = c.now }
		a := idptest.New(t, idptest.Config{DB: mustOpen(t, where), Edit: edit})
		a.AddUser("ada@example.com")
		both := []*idptest.Server{a, beside(t, a, mustOpen(t, where), edit)}
		ada := enter(t, a, a.Browser(), "ada@example.com")
		all := &seen{tokens: map[string][]string{}, news: make(chan struct{}, 1)}
		for range 2 {
			c.turn(2 * time.Hour) // the next key has been published for long enough
			inStep(t, both)
			apis := []*jose.Verifier{newAPI(t, both[0], c.now), newAPI(t, both[1], c.now)}
			before := signingKey(t, a)
			stop := load(t, both, apis, all)
			all.await(t, before, 10)
			after, _ := mustManage(t, a, managementToken(t, a), http.StatusCreated, "POST", "keys/signing/rotate", "")["kid"].(string)
			if after == before {
				t.Fatalf("the key is %s still", after)
			}
			all.await(t, after, 10)
			stop()
			for _, token := range all.of("") {
				verified(t, apis, token)
			}
			for i, s := range both {
				if res, body := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+ada["access_token"].(string)); res.StatusCode != http.StatusOK {
					t.Errorf("process %d refuses the token of a person: %d %s", i, res.StatusCode, body)
				}
			}
		}
		if n := len(all.tokens); n != 3 {
			t.Errorf("%d keys signed, want 3", n)
		}
	})
}

// inStep has each process look at the keys, as it does every minute.
func inStep(t *testing.T, providers []*idptest.Server) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, s := range providers {
		running.Go(func() { s.Run(ctx) })
	}
	published := func(s *idptest.Server) string {
		_, body := s.Do(s.HTTP, http.MethodGet, "/.well-known/jwks.json", nil)
		return body
	}
	eventually(t, func() bool { return published(providers[0]) == published(providers[1]) })
	cancel()
	running.Wait()
}

// load has four clients ask for tokens, each verified by all APIs, until it is
// stopped.
func load(t *testing.T, providers []*idptest.Server, apis []*jose.Verifier, all *seen) (stop func()) {
	t.Helper()
	over := make(chan struct{})
	var clients sync.WaitGroup
	for i := range 4 {
		s := providers[i%len(providers)]
		clients.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				status, body := machineToken(s)
				token, _ := body["access_token"].(string)
				if status != http.StatusOK || !verified(t, apis, token) {
					t.Errorf("%d %v", status, body)
					return
				}
				all.add(fmt.Sprint(header(t, token)["kid"]), token)
			}
		})
	}
	stop = sync.OnceFunc(func() { close(over); clients.Wait() })
	t.Cleanup(stop)
	return stop
}

// verified reports whether all APIs take a token.
func verified(t *testing.T, apis []*jose.Verifier, token string) bool {
	t.Helper()
	var errs []error
	for _, api := range apis {
		_, err := api.Verify(t.Context(), token)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		t.Errorf("a token of the key %v is refused: %v", header(t, token)["kid"], err)
		return false
	}
	return true
}

// signingKey is the name of the key that signs.
func signingKey(t *testing.T, s *idptest.Server) string {
	t.Helper()
	_, list := manage(t, s, managementToken(t, s), "GET", "keys/signing", "")
	items, _ := list.([]any)
	i := slices.IndexFunc(items, func(item any) bool { return item.(map[string]any)["current"] == true })
	if i < 0 {
		t.Fatalf("no key signs: %v", list)
	}
	kid, _ := items[i].(map[string]any)["kid"].(string)
	return kid
}
