package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/jose"
)

// SES-02: on https every cookie of the provider is bound to the host, and no
// script reads it.
func TestSES02_cookies(t *testing.T) {
	s := idptest.New(t, idptest.Config{TLS: true})
	s.AddUser("ada@example.com")
	browser := s.Browser()
	res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
	set := res.Cookies()
	res, _ = s.Login(browser, authorization(), "ada@example.com", idptest.Password)
	set = append(set, res.Cookies()...)
	names := map[string]bool{}
	for _, c := range set {
		names[c.Name] = true
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
			t.Errorf("%s", c.Raw)
		}
	}
	if !names["__Host-gate_session"] || !names["__Host-gate_browser"] {
		t.Errorf("cookies %v", names)
	}
}

// LOG-09: a session cookie that somebody fixed beforehand logs nobody in.
func TestLOG09_fixedCookie(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	fixed := strings.Repeat("a", 43)
	browser := s.Browser()
	browser.Jar.SetCookies(base, []*http.Cookie{{Name: "gate_session", Value: fixed, Path: "/"}})
	res, body := s.Login(browser, authorization(), "ada@example.com", idptest.Password)
	if !answerOf(t, res, body).Has("code") {
		t.Fatal("no log-in")
	}
	attacker := s.Browser()
	attacker.Jar.SetCookies(base, []*http.Cookie{{Name: "gate_session", Value: fixed, Path: "/"}})
	res, _ = s.Do(attacker, http.MethodGet, "/authorize", authorization("prompt", "none"))
	if back := answerOf(t, res, ""); back.Get("error") != "login_required" {
		t.Errorf("%v", back)
	}
}

// IDP-07: an assertion is good for once, for minutes, and signed with the key of
// the client.
func TestIDP07_assertions(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	key, err := jose.GenerateKey("k1", jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Tenant().Clients.Update(t.Context(), idptest.Machine, func(c *tenant.Client) error {
		c.AuthMethod = tenant.AuthPrivateKeyJWT
		c.Credentials = []tenant.Credential{{ID: "cred_1", KeyID: "k1", Type: "public_key", Algorithm: "ES256", PEM: string(pem)}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	hmac, err := jose.NewHMACKey("k1", jose.HS256, []byte(idptest.Secret))
	if err != nil {
		t.Fatal(err)
	}
	sign := func(k *jose.Key, id string, life time.Duration, subject string) string {
		now := time.Now()
		text, err := jose.Sign(k, "JWT", &jose.Claims{
			Issuer: idptest.Machine, Subject: subject, Audience: []string{s.Issuer()}, ID: id, IssuedAt: now, Expiry: now.Add(life),
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	ask := func(assertion string) int {
		res, _ := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
			"grant_type": {"client_credentials"}, "audience": {idptest.Audience}, "client_assertion": {assertion},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		})
		return res.StatusCode
	}
	good := sign(key, "j1", time.Minute, idptest.Machine)
	for i, want := range []int{http.StatusOK, http.StatusUnauthorized} {
		if got := ask(good); got != want {
			t.Errorf("use %d: %d", i+1, got)
		}
	}
	for name, assertion := range map[string]string{
		"an hour":      sign(key, "j2", time.Hour, idptest.Machine),
		"no name":      sign(key, "", time.Minute, idptest.Machine),
		"other client": sign(key, "j3", time.Minute, idptest.Web),
		"HMAC":         sign(hmac, "j4", time.Minute, idptest.Machine),
	} {
		if got := ask(assertion); got != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, got)
		}
	}
	res, _ := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "audience": {idptest.Audience}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret},
	})
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the secret beside the key: %d", res.StatusCode)
	}
}

// IDP-08: a database that does not answer is no success of a revocation.
func TestIDP08_databaseAway(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	if err := s.Tenant().DB().Close(); err != nil {
		t.Fatal(err)
	}
	for path, in := range map[string]url.Values{
		"/oauth/revoke":     {"client_id": {idptest.SPA}, "token": {tokens["refresh_token"].(string)}},
		"/oauth/introspect": {"client_id": {idptest.Web}, "client_secret": {idptest.Secret}, "token": {tokens["refresh_token"].(string)}},
	} {
		if res, body := s.Do(s.HTTP, http.MethodPost, path, in); res.StatusCode < http.StatusInternalServerError {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
}
