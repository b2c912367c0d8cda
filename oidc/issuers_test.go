package oidc_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwks"
	"github.com/gatewright/gate/oidc"
	"github.com/gatewright/gate/strategy/jwt"
)

var _ jwt.TokenVerifier = (*oidc.Issuers)(nil)

// JKS-04: who is not on the list is refused, and nobody is asked.
func TestJKS04_unknownIssuer(t *testing.T) {
	n, keys := newNetwork(t)
	s := newIssuers(t, n, nil)
	words := "jwt issuer invalid. expected: " + first + " or " + second
	for _, issuer := range []string{
		"https://evil.test", strings.TrimSuffix(first, "/"), second + "/", strings.ToUpper(second), "https://Second.test", " " + second, "http://second.test",
	} {
		refuse(t, s, good(t, keys[first], issuer), words)
	}
	header := `{"alg":"ES256","typ":"at+jwt","kid":"k","jku":"https://evil.test/keys"}`
	for claims, want := range map[string]string{
		`{"sub":"7"}`: words,
		`{"iss":""}`:  words,
		`{"iss":["https://second.test","https://evil.test"]}`:             "jwt malformed",
		`{"iss":{"0":"https://second.test"}}`:                             "jwt malformed",
		`{"iss":null}`:                                                    "jwt malformed",
		`{"iss":"https://evil.test","iss":"https://second.test"}`:         "jwt malformed",
		`{"ISS":"https://second.test","iss":"https://evil.test"}`:         "jwt malformed",
		`{"iss":"https://second.test"}{}`:                                 "jwt malformed",
		`{"iss":"https://second.test","x":` + strings.Repeat("[", 10_000): "jwt malformed",
		`[]`: "jwt malformed",
	} {
		refuse(t, s, forge(header, claims), want)
	}
	for _, token := range []string{"", ".", "..", "a.b.c", "a.b.c.d", "a.b.c.d.e", strings.Repeat(".", 1<<20), strings.Repeat("A", 1<<20)} {
		refuse(t, s, token, "jwt malformed")
	}
	if asked := n.requests(); len(asked) != 0 {
		t.Errorf("somebody was asked: %v", asked)
	}
}

// JKS-05: both issuers have a key named "k".
func TestJKS05_crossedKeys(t *testing.T) {
	n, keys := newNetwork(t)
	s := newIssuers(t, n, nil)
	for range 2 { // the second time from the memory
		accept(t, s, good(t, keys[first], first))
		accept(t, s, good(t, keys[second], second))
		refuse(t, s, good(t, keys[first], second), "invalid signature")
		refuse(t, s, good(t, keys[second], first), "invalid signature")
	}
}

// The same claims under another signature are another token, although their
// issuer is remembered.
func TestJKS05_rememberedClaims(t *testing.T) {
	n, keys := newNetwork(t)
	s := newIssuers(t, n, nil)
	token := good(t, keys[first], first)
	accept(t, s, token)
	accept(t, s, token)
	head, rest, _ := strings.Cut(token, ".")
	claims, _, _ := strings.Cut(rest, ".")
	other := good(t, keys[second], first)
	refuse(t, s, head+"."+claims+other[strings.LastIndexByte(other, '.'):], "invalid signature")
	refuse(t, s, head+"."+claims+".", "invalid signature")
	refuse(t, s, head+"."+claims, "jwt malformed")
	refuse(t, s, token+".x", "jwt malformed")
}

// More claims than there are places for are not mixed up.
func TestJKS05_manyClaims(t *testing.T) {
	n, keys := newNetwork(t)
	s := newIssuers(t, n, nil)
	for i := range 1200 {
		for _, issuer := range []string{first, second} {
			token := mint(t, keys[issuer], "at+jwt", issuer, nil, func(c *jose.Claims) { c.ID = strconv.Itoa(i) })
			if c := accept(t, s, token); c.Issuer != issuer {
				t.Fatalf("token %d of %s was taken for one of %s", i, issuer, c.Issuer)
			}
		}
	}
}

func TestVerifyAccessToken_refuses(t *testing.T) {
	n, keys := newNetwork(t)
	s := newIssuers(t, n, nil)
	k := keys[second]
	token := func(change func(*jose.Claims)) string { return mint(t, k, "at+jwt", second, nil, change) }
	refuse(t, s, token(func(c *jose.Claims) { c.Audience = []string{"third"} }), "jwt audience invalid. expected: other or "+audience)
	refuse(t, s, token(func(c *jose.Claims) { c.Expiry = time.Now().Add(-time.Minute) }), "jwt expired")
	refuse(t, s, token(func(c *jose.Claims) { c.NotBefore = time.Now().Add(time.Minute) }), "jwt not active")
	refuse(t, s, token(func(c *jose.Claims) { c.Subject = "" }), "invalid token")
	refuse(t, s, mint(t, k, "logout+jwt", second, nil, nil), "invalid token")
	refuse(t, s, good(t, generate(t, jose.EdDSA), second), "invalid algorithm")
	hmac, err := jose.GenerateKey("k", jose.HS256)
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, s, good(t, hmac, second), "invalid algorithm")
	other, err := jose.GenerateKey("unheard of", jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, s, good(t, other, second), "invalid signature")
}

func TestJWT08_accessTokensThatSayJWT(t *testing.T) {
	n, keys := newNetwork(t)
	k := keys[first]
	strict := newIssuers(t, n, only(nil))
	refuse(t, strict, mint(t, k, "JWT", first, nil, nil), "invalid token")
	accept(t, strict, mint(t, k, "application/at+jwt", first, map[string]any{"azp": audience}, nil))

	loose := newIssuers(t, n, only(func(i *oidc.Issuer) {
		i.Types = []string{"at+jwt", "JWT"}
		i.ClientIDs = []string{"web", "mobile"}
	}))
	accept(t, loose, mint(t, k, "JWT", first, map[string]any{"azp": "web"}, nil))
	accept(t, loose, mint(t, k, "JWT", first, nil, func(c *jose.Claims) { c.Audience = []string{audience, first + "userinfo"} }))
	for name, token := range map[string]string{
		"nonce":               mint(t, k, "JWT", first, map[string]any{"nonce": "n"}, nil),
		"at_hash":             mint(t, k, "JWT", first, map[string]any{"at_hash": "h"}, nil),
		"for the named party": mint(t, k, "JWT", first, map[string]any{"azp": audience}, nil),
		"for the named client": mint(t, k, "JWT", first, map[string]any{"client_id": "spa"}, func(c *jose.Claims) {
			c.Audience = []string{audience, "spa"}
		}),
		"for our client too": mint(t, k, "JWT", first, nil, func(c *jose.Claims) { c.Audience = []string{"mobile", audience} }),
	} {
		for range 2 {
			if c, err := loose.VerifyAccessToken(t.Context(), token); c != nil || !errors.Is(err, gate.ErrNotAuthenticated) {
				t.Errorf("%s: %v, %v", name, c, err)
			}
		}
	}
	refuse(t, loose, mint(t, k, "JWT", first, nil, func(c *jose.Claims) { c.Audience = []string{"web"} }),
		"jwt audience invalid. expected: "+audience)
}

// The same number at two issuers is two accounts.
func TestSubject(t *testing.T) {
	n, keys := newNetwork(t)
	both := newIssuers(t, n, nil)
	for _, issuer := range []string{first, second} {
		token := good(t, keys[issuer], issuer)
		for range 2 {
			if c := accept(t, both, token); c.Subject != issuer+"|7" || c.Issuer != issuer {
				t.Errorf("%s: the subject is %q of %q", issuer, c.Subject, c.Issuer)
			}
		}
	}
	if c := accept(t, newIssuers(t, n, only(nil)), good(t, keys[first], first)); c.Subject != "7" {
		t.Errorf("the only issuer: the subject is %q", c.Subject)
	}
	account, failure := "ada", error(nil)
	own := newIssuers(t, n, only(func(i *oidc.Issuer) {
		i.Subject = func(_ context.Context, c *jose.Claims) (string, error) { return account, failure }
	}))
	token := good(t, keys[first], first)
	if c := accept(t, own, token); c.Subject != "ada" {
		t.Errorf("the subject is %q", c.Subject)
	}
	account = ""
	refuse(t, own, token, "")
	failure = gate.ErrNotAuthenticated
	refuse(t, own, token, "")
	failure = errors.New("no connection")
	undecided(t, own, token)
	failure = gate.ErrUnavailable
	undecided(t, own, token)
	failure = gate.ErrForbidden
	undecided(t, own, token)
}

// tokens is a verifier of one's own that knows one token.
type tokens string

func (own tokens) VerifyAccessToken(_ context.Context, token string) (*jose.Claims, error) {
	if token != string(own) {
		return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "not ours"}
	}
	return &jose.Claims{Issuer: "gate", Subject: "7"}, nil
}

func TestLocal(t *testing.T) {
	n, keys := newNetwork(t)
	ours := good(t, generate(t, jose.EdDSA), "gate")
	s := newIssuers(t, n, func(c *oidc.Config) {
		only(nil)(c)
		c.Local, c.LocalIssuer = tokens(ours), "gate"
	})
	if c := accept(t, s, ours); c.Subject != "7" {
		t.Errorf("our own subject is %q", c.Subject)
	}
	if c := accept(t, s, good(t, keys[first], first)); c.Subject != first+"|7" {
		t.Errorf("their subject is %q, which could be ours", c.Subject)
	}
	n.requests()
	refuse(t, s, good(t, keys[first], "gate"), "not ours")
	refuse(t, s, good(t, keys[first], "Gate"), "jwt issuer invalid. expected: gate or "+first)
	if asked := n.requests(); len(asked) != 0 {
		t.Errorf("somebody was asked: %v", asked)
	}
}

// TestLocal_encrypted: an encrypted token names nobody who could be read, and is
// one of our own or of nobody; nobody elsewhere is asked about it.
func TestLocal_encrypted(t *testing.T) {
	n, keys := newNetwork(t)
	theirs := good(t, keys[first], first)
	claims := strings.Split(theirs, ".")[1]
	ours := "e30." + claims + ".iv.text.tag" // where an encrypted key would be
	s := newIssuers(t, n, func(c *oidc.Config) {
		only(nil)(c)
		c.Local, c.LocalIssuer = tokens(ours), "gate"
	})
	accept(t, s, theirs)
	n.requests()
	if c := accept(t, s, ours); c.Subject != "7" || c.Issuer != "gate" {
		t.Errorf("our own subject is %q of %q", c.Subject, c.Issuer)
	}
	for _, token := range []string{"", "x", theirs + ".x", "e30." + claims + ".iv.text.other", strings.Repeat(".", 1<<20)} {
		refuse(t, s, token, "not ours")
	}
	for _, token := range []string{"..", "a.b.c"} {
		refuse(t, s, token, "jwt malformed")
	}
	if asked := n.requests(); len(asked) != 0 {
		t.Errorf("somebody was asked: %v", asked)
	}
}

func TestJKS06_couldNotFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, keys := newNetwork(t)
		config := n.pages[first+".well-known/openid-configuration"]
		n.set(first+".well-known/openid-configuration", "down")
		s := newIssuers(t, n, nil)
		if asked := n.requests(); len(asked) != 0 {
			t.Errorf("New asked for %v", asked)
		}
		undecided(t, s, good(t, keys[first], first))
		accept(t, s, good(t, keys[second], second)) // the other one is up
		if err := s.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), first) || strings.Contains(err.Error(), second) {
			t.Errorf("Ready() = %v", err)
		}
		n.set(first+".well-known/openid-configuration", config)
		n.set("https://first.test/keys", "<!doctype html>")
		time.Sleep(jwks.CoolDown)
		undecided(t, s, good(t, keys[first], first))
		n.set("https://first.test/keys", jwksOf(t, keys[first]))
		time.Sleep(jwks.CoolDown)
		synctest.Wait()
		accept(t, s, good(t, keys[first], first))
		if err := s.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		undecided(t, s, good(t, keys[first], first))
	})
}

func TestNew_refuses(t *testing.T) {
	n, _ := newNetwork(t)
	for name, change := range map[string]func(*oidc.Config){
		"nobody":                 func(c *oidc.Config) { c.Issuers = nil },
		"twice the same":         func(c *oidc.Config) { c.Issuers = append(c.Issuers, c.Issuers[0]) },
		"no issuer":              only(func(i *oidc.Issuer) { i.Issuer = "" }),
		"no URL":                 only(func(i *oidc.Issuer) { i.Issuer = "first" }),
		"http":                   only(func(i *oidc.Issuer) { i.Issuer = "http://first.test" }),
		"query":                  only(func(i *oidc.Issuer) { i.Issuer = "https://first.test?a=b" }),
		"empty query":            only(func(i *oidc.Issuer) { i.Issuer = "https://first.test?" }),
		"bar":                    only(func(i *oidc.Issuer) { i.Issuer = "https://first.test/|7" }),
		"credentials":            only(func(i *oidc.Issuer) { i.Issuer = "https://a:b@first.test" }),
		"no audience":            only(func(i *oidc.Issuer) { i.Audiences = nil }),
		"empty audience":         only(func(i *oidc.Issuer) { i.Audiences = []string{""} }),
		"audience of a client":   only(func(i *oidc.Issuer) { i.ClientIDs = []string{audience} }),
		"shared secret":          only(func(i *oidc.Issuer) { i.Algorithms = []jose.Algorithm{jose.HS256} }),
		"none":                   only(func(i *oidc.Issuer) { i.Algorithms = []jose.Algorithm{"none"} }),
		"leeway":                 only(func(i *oidc.Issuer) { i.Leeway = 61 * time.Second }),
		"keys over http":         only(func(i *oidc.Issuer) { i.JWKSURL = "http://first.test/keys" }),
		"local without issuer":   func(c *oidc.Config) { c.Local = tokens("") },
		"issuer without local":   func(c *oidc.Config) { c.LocalIssuer = "gate" },
		"local and remote":       func(c *oidc.Config) { c.Local, c.LocalIssuer = tokens(""), first },
		"guarded, and a way out": func(c *oidc.Config) { c.Options.Guarded = true },
	} {
		cfg := oidc.Config{
			Issuers: []oidc.Issuer{{Issuer: first, Audiences: []string{audience}}}, Options: oidc.Options{Transport: n},
		}
		change(&cfg)
		if s, err := oidc.New(cfg); s != nil || err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	var zero oidc.Issuers
	if c, err := zero.VerifyAccessToken(t.Context(), forge(`{"alg":"ES256"}`, `{"iss":"x"}`)); c != nil || err == nil {
		t.Errorf("the zero value accepts: %v, %v", c, err)
	}
}

// Without algorithms it is RS256, also for keys that do not say.
func TestAlgorithms_default(t *testing.T) {
	n, keys := newNetwork(t)
	s := newIssuers(t, n, only(func(i *oidc.Issuer) { i.Algorithms = nil }))
	refuse(t, s, good(t, keys[first], first), "invalid algorithm")
	if asked := n.requests(); len(asked) != 0 {
		t.Errorf("somebody was asked: %v", asked)
	}
	rsa := generate(t, jose.RS256)
	n.set("https://first.test/keys", strings.Replace(jwksOf(t, rsa), `"alg":"RS256",`, "", 1))
	accept(t, s, good(t, rsa, first))
}

// BenchmarkVerifyAccessToken measures a bearer that comes again.
func BenchmarkVerifyAccessToken(b *testing.B) {
	n, keys := newNetwork(b)
	for name, s := range map[string]*oidc.Issuers{"one": newIssuers(b, n, only(nil)), "several": newIssuers(b, n, nil)} {
		token := good(b, keys[first], first)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.VerifyAccessToken(context.Background(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
