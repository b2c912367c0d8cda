package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwks"
)

const (
	keysURL  = "https://issuer.test/keys"
	issuerID = "https://issuer.test"
	audience = "https://api.test"
)

// An issuer is a server on a network in memory, so that the real client and
// server of net/http run in a bubble of testing/synctest.
type issuer struct {
	answer  atomic.Pointer[http.HandlerFunc]
	serving sync.WaitGroup
	conns   chan net.Conn
	closed  chan struct{}

	mu    sync.Mutex
	asked []time.Time
}

// newIssuer returns an issuer that publishes keys.
func newIssuer(t testing.TB, keys *jose.KeySet) *issuer {
	t.Helper()
	i := &issuer{conns: make(chan net.Conn), closed: make(chan struct{})}
	i.publish(keys)
	server := &http.Server{Handler: i}
	i.serving.Go(func() { _ = server.Serve(i) })
	t.Cleanup(func() {
		_ = server.Close()
		i.serving.Wait()
	})
	return i
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.serving.Add(1)
	defer i.serving.Done()
	i.mu.Lock()
	i.asked = append(i.asked, time.Now())
	i.mu.Unlock()
	(*i.answer.Load())(w, r)
}

// does replaces what the issuer answers.
func (i *issuer) does(f http.HandlerFunc) { i.answer.Store(&f) }

func (i *issuer) publish(keys *jose.KeySet) {
	i.does(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keys.JWKS()) })
}

func (i *issuer) says(status int, body string) {
	i.does(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
}

func (i *issuer) goesDown() { i.says(http.StatusBadGateway, "") }

// requests returns when the issuer was asked.
func (i *issuer) requests() []time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]time.Time(nil), i.asked...)
}

// Accept, Close and Addr make it a net.Listener.
func (i *issuer) Accept() (net.Conn, error) {
	select {
	case c := <-i.conns:
		return c, nil
	case <-i.closed:
		return nil, net.ErrClosed
	}
}

func (i *issuer) Close() error {
	close(i.closed)
	return nil
}

func (i *issuer) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func (i *issuer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case i.conns <- there:
		return here, nil
	case <-i.closed:
		return nil, errors.New("nobody listens")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// transport returns the client's end of the network, TLS left out.
func (i *issuer) transport() http.RoundTripper {
	return &http.Transport{DialContext: i.dial, DialTLSContext: i.dial, DisableKeepAlives: true}
}

// set returns a key set that asks the issuer.
func (i *issuer) set(t testing.TB, algs ...jose.Algorithm) *jwks.Set {
	t.Helper()
	s, err := jwks.New(jwks.Config{URL: keysURL, Algorithms: algs, Transport: i.transport()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func generate(t testing.TB, kid string) *jose.Key {
	t.Helper()
	k, err := jose.GenerateKey(kid, jose.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func keySet(t testing.TB, kids ...string) *jose.KeySet {
	t.Helper()
	s := new(jose.KeySet)
	for _, kid := range kids {
		if err := s.Add(generate(t, kid)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// has checks that the set gives the key at once, without waiting for anybody.
func has(t *testing.T, s *jwks.Set, kid string) {
	t.Helper()
	began := time.Now()
	if k, err := s.Key(t.Context(), kid, jose.EdDSA); err != nil || k.ID() != kid {
		t.Errorf("Key(%q) = %v, %v; want the key", kid, k, err)
	}
	if waited := time.Since(began); waited != 0 {
		t.Errorf("Key(%q) waited %v", kid, waited)
	}
}

// lacks checks that the set refuses kid with an error that is want alone.
func lacks(t *testing.T, s *jwks.Set, kid string, want jose.Error) {
	t.Helper()
	k, err := s.Key(t.Context(), kid, jose.EdDSA)
	if k != nil || !errors.Is(err, want) {
		t.Errorf("Key(%q) = %v, %v; want %q", kid, k, err, want)
	}
	for _, other := range []jose.Error{jose.ErrUnknownKey, jose.ErrAlgorithm, jose.ErrUnavailable} {
		if other != want && errors.Is(err, other) {
			t.Errorf("Key(%q) is %q too", kid, other)
		}
	}
}

// load makes the set ask for the first time.
func load(t *testing.T, s *jwks.Set) {
	t.Helper()
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// verifier returns a verifier of tokens of the issuer.
func verifier(t testing.TB, s *jwks.Set) *jose.Verifier {
	t.Helper()
	v, err := jose.NewVerifier(jose.VerifierConfig{Keys: s, Issuer: issuerID, Audience: []string{audience}, Leeway: -1})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// token returns a token that the signing key of keys has made.
func token(t testing.TB, keys *jose.KeySet, life time.Duration) string {
	t.Helper()
	text, err := jose.Sign(keys.Signing(), jose.AccessTokenType, &jose.Claims{
		Issuer: issuerID, Audience: []string{audience}, Subject: "ada", IssuedAt: time.Now(), Expiry: time.Now().Add(life),
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func accepted(t *testing.T, v *jose.Verifier, token string) {
	t.Helper()
	if c, err := v.Verify(t.Context(), token); err != nil || c.Subject != "ada" {
		t.Fatalf("Verify() = %v, %v; want claims", c, err)
	}
}
