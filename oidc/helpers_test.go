package oidc_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/oidc"
)

const (
	first    = "https://first.test/tenant/"
	second   = "https://second.test"
	audience = "https://api.test"
)

// A network answers requests without any wire, and remembers them.
type network struct {
	mu    sync.Mutex
	pages map[string]string // by URL
	asked []string
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, r.URL.String())
	w := httptest.NewRecorder()
	if page, ok := n.pages[r.URL.String()]; !ok {
		w.WriteHeader(http.StatusNotFound)
	} else if location, ok := strings.CutPrefix(page, "302 "); ok {
		http.Redirect(w, r, location, http.StatusFound)
	} else if page == "down" {
		return nil, errors.New("connection refused")
	} else {
		fmt.Fprint(w, page)
	}
	return w.Result(), nil
}

// set puts a page on the network.
func (n *network) set(url, page string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pages[url] = page
}

// requests returns what was asked for since it was called last.
func (n *network) requests() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	asked := n.asked
	n.asked = nil
	return asked
}

// newNetwork returns one with two issuers, each with a key named "k".
func newNetwork(t testing.TB) (*network, map[string]*jose.Key) {
	t.Helper()
	keys := map[string]*jose.Key{first: generate(t, jose.ES256), second: generate(t, jose.ES256)}
	return &network{pages: map[string]string{
		first + ".well-known/openid-configuration": metadata(first, "https://first.test/keys"),
		"https://first.test/keys":                  jwksOf(t, keys[first]),
		"https://second.test/jwks":                 jwksOf(t, keys[second]),
	}}, keys
}

func metadata(issuer, jwksURI string) string {
	return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q,"token_endpoint":"https://first.test/token","scopes_supported":["openid"]}`, issuer, jwksURI)
}

func generate(t testing.TB, alg jose.Algorithm) *jose.Key {
	t.Helper()
	k, err := jose.GenerateKey("k", alg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func jwksOf(t testing.TB, keys ...*jose.Key) string {
	t.Helper()
	s, err := jose.NewKeySet(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return string(s.JWKS())
}

// newIssuers trusts both issuers; change may be nil.
func newIssuers(t testing.TB, n *network, change func(*oidc.Config)) *oidc.Issuers {
	t.Helper()
	cfg := oidc.Config{
		Issuers: []oidc.Issuer{
			{Issuer: first, Audiences: []string{audience}, Algorithms: []jose.Algorithm{jose.ES256}},
			{
				Issuer: second, Audiences: []string{"other", audience}, Algorithms: []jose.Algorithm{jose.ES256, jose.RS256},
				JWKSURL: "https://second.test/jwks",
			},
		},
		Options: oidc.Options{Transport: n},
	}
	if change != nil {
		change(&cfg)
	}
	s, err := oidc.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// only trusts the first issuer, changed.
func only(change func(*oidc.Issuer)) func(*oidc.Config) {
	return func(c *oidc.Config) {
		c.Issuers = c.Issuers[:1]
		if change != nil {
			change(&c.Issuers[0])
		}
	}
}

// mint signs a token of type typ for 7, with changes to its claims.
func mint(t testing.TB, k *jose.Key, typ, issuer string, extra map[string]any, change func(*jose.Claims)) string {
	t.Helper()
	c := &jose.Claims{
		Issuer: issuer, Subject: "7", Audience: []string{audience},
		IssuedAt: time.Now(), Expiry: time.Now().Add(time.Hour), Extra: maps.Clone(extra),
	}
	if change != nil {
		change(c)
	}
	token, err := jose.Sign(k, typ, c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func good(t testing.TB, k *jose.Key, issuer string) string {
	t.Helper()
	return mint(t, k, "at+jwt", issuer, nil, nil)
}

// forge returns a token with these parts and the signature of nobody.
func forge(header, claims string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(header)) + "." + enc([]byte(claims)) + "." + enc(make([]byte, 64))
}

func accept(t testing.TB, s *oidc.Issuers, token string) *jose.Claims {
	t.Helper()
	c, err := s.VerifyAccessToken(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refuse checks that the answer is no, 401, with these words.
func refuse(t testing.TB, s *oidc.Issuers, token, message string) {
	t.Helper()
	c, err := s.VerifyAccessToken(t.Context(), token)
	e, ok := errors.AsType[*gate.AuthError](err)
	if c != nil || !ok || e.Code != gate.ErrNotAuthenticated || e.Message != message {
		t.Errorf("got %v, %v; want %q", c, err, message)
	}
}

// undecided checks that there is no answer, 503.
func undecided(t testing.TB, s *oidc.Issuers, token string) {
	t.Helper()
	c, err := s.VerifyAccessToken(t.Context(), token)
	if c != nil || !errors.Is(err, gate.ErrUnavailable) || errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("got %v, %v; want %v", c, err, gate.ErrUnavailable)
	}
}
