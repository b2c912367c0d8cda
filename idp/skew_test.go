package idp_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/jose"
)

// JWT-09: two processes whose clocks differ by as much as is forgiven are one
// provider: what the one makes the other takes, whichever is ahead.
func TestJWT09_processesApart(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"ahead": 25 * time.Second, "behind": -25 * time.Second} {
		t.Run(name, func(t *testing.T) {
			here := &clock{at: time.Now().Truncate(time.Second)}
			there := &clock{at: here.at.Add(ahead)}
			a := idptest.New(t, idptest.Config{Edit: func(cfg *idp.Config) { cfg.Now = here.now }})
			b := beside(t, a, a.DB, func(cfg *idp.Config) { cfg.Now = there.now })
			a.AddUser("ada@example.com")
			browser := a.Browser()
			res, body := a.Login(browser, authorization(), "ada@example.com", idptest.Password)
			res, tokens := exchange(b, answerOf(t, res, body).Get("code"))
			if res.StatusCode != http.StatusOK {
				t.Fatalf("a code of the one at the other: %d %v", res.StatusCode, tokens)
			}
			for i, s := range []*idptest.Server{a, b, a} {
				if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+tokens["access_token"].(string)); res.StatusCode != http.StatusOK {
					t.Errorf("userinfo, %d: %d", i, res.StatusCode)
				}
				if !silent(t, s, browser).Has("code") {
					t.Errorf("no session, %d", i)
				}
				if res, tokens = refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusOK {
					t.Fatalf("refresh, %d: %d %v", i, res.StatusCode, tokens)
				}
			}
			if status, got := manage(t, b, managementToken(t, a), "GET", "clients", ""); status != http.StatusOK {
				t.Errorf("a token for the Management API: %d %v", status, got)
			}
		})
	}
}

// JWT-09: an API that forgives nothing takes a token at once: what its time is
// about is not in the future, and there is no "nbf".
func TestJWT09_neverAhead(t *testing.T) {
	c := &clock{at: time.Now().Truncate(time.Second).Add(999 * time.Millisecond)}
	s := idptest.New(t, idptest.Config{Edit: func(cfg *idp.Config) { cfg.Now = c.now }})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	_, renewed := refresh(s, tokens["refresh_token"])
	_, machine := machineToken(s)
	for name, token := range map[string]any{
		"access token": tokens["access_token"], "ID token": tokens["id_token"], "renewed": renewed["access_token"],
		"renewed ID token": renewed["id_token"], "of a program": machine["access_token"],
	} {
		got := claimsMap(t, token)
		if issued, ok := got["iat"].(float64); !ok || int64(issued) != c.now().Unix() {
			t.Errorf("%s: issued at %v, now is %d", name, got["iat"], c.now().Unix())
		}
		if at, ok := got["auth_time"].(float64); ok && int64(at) > c.now().Unix() {
			t.Errorf("%s: auth_time %v is in the future", name, at)
		}
		if _, ok := got["nbf"]; ok {
			t.Errorf("%s: has nbf", name)
		}
	}
}

// assertions returns the key of a client, and what signs an assertion with it.
func assertions(t *testing.T, s *idptest.Server) (tenant.Credential, func(id string, at time.Time) string) {
	t.Helper()
	key, err := jose.GenerateKey("k1", jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	sign := func(id string, at time.Time) string {
		t.Helper()
		text, err := jose.Sign(key, "JWT", &jose.Claims{
			Issuer: idptest.Machine, Subject: idptest.Machine, Audience: []string{s.Issuer()}, ID: id, IssuedAt: at, Expiry: at.Add(2 * time.Minute),
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	return tenant.Credential{ID: "cred_1", KeyID: "k1", Type: "public_key", Algorithm: "ES256", PEM: string(pem)}, sign
}

// assertionForm asks for a token of the client with an assertion.
func assertionForm(assertion string) url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "audience": {idptest.Audience}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
}

// IDP-07: a client whose clock is less than a minute off can show who it is, and one
// whose clock is further off cannot.
func TestIDP07_clocksOfClients(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	key, sign := assertions(t, s)
	setClient(t, s, idptest.Machine, func(c *tenant.Client) {
		c.AuthMethod, c.Credentials = tenant.AuthPrivateKeyJWT, []tenant.Credential{key}
	})
	for name, tt := range map[string]struct {
		off  time.Duration
		want int
	}{
		"a little ahead":  {25 * time.Second, http.StatusOK},
		"a little behind": {-25 * time.Second, http.StatusOK},
		"far ahead":       {7 * time.Minute, http.StatusUnauthorized},
		"far behind":      {-7 * time.Minute, http.StatusUnauthorized},
	} {
		res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", assertionForm(sign(name, time.Now().Add(tt.off))))
		if res.StatusCode != tt.want {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
}
