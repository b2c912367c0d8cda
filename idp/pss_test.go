package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/jose"
)

// Clients and APIs that want PS256 get it, by a key that the key set has for that
// alone; the provider knows these tokens again.
func TestTokens_ps256(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	setClient(t, s, idptest.Web, func(c *tenant.Client) { c.JWT.Algorithm = "PS256" })
	if _, err := s.Tenant().APIs.Update(t.Context(), apiID(t, s, idptest.Audience), func(a *tenant.API) error { a.SigningAlg = "PS256"; return nil }); err != nil {
		t.Fatal(err)
	}
	browser := s.Browser()
	res, body := s.Login(browser, web("scope", "openid email", "audience", idptest.Audience), "ada@example.com", idptest.Password)
	_, tokens := exchange(s, answerOf(t, res, body).Get("code"), "client_id", idptest.Web, "client_secret", idptest.Secret)
	id, _ := tokens["id_token"].(string)
	access, _ := tokens["access_token"].(string)
	keys := jwksKeys(t, s)
	for name, tt := range map[string]struct {
		text, audience string
		id             bool
	}{"ID token": {id, idptest.Web, true}, "access token": {access, idptest.Audience, false}} {
		v, err := jose.NewVerifier(jose.VerifierConfig{Keys: keys, Issuer: s.Issuer(), Audience: []string{tt.audience}, Type: []string{"JWT"}, IDToken: tt.id})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), tt.text); err != nil || header(t, tt.text)["alg"] != "PS256" {
			t.Errorf("%s: %v, %v", name, err, header(t, tt.text))
		}
		kid, _ := header(t, tt.text)["kid"].(string)
		if key, ok := keys.ByID(strings.TrimSuffix(kid, ".ps256")); !ok || key.Algorithm() != jose.RS256 {
			t.Errorf("%s: of %s there is no key for RS256", name, kid)
		}
	}
	if res, body := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+access); res.StatusCode != http.StatusOK {
		t.Errorf("userinfo: %d %s", res.StatusCode, body)
	}
	res, body = s.Do(s.HTTP, http.MethodPost, "/oauth/introspect", url.Values{"token": {access}, "client_id": {idptest.Web}, "client_secret": {idptest.Secret}})
	if res.StatusCode != http.StatusOK || s.JSON(body)["active"] != true {
		t.Errorf("introspect: %d %s", res.StatusCode, body)
	}
	res, body = s.Do(browser, http.MethodGet, "/authorize", web("scope", "openid", "prompt", "none", "id_token_hint", id))
	if back := answerOf(t, res, body); !back.Has("code") {
		t.Errorf("silently, with a hint: %v", back)
	}
}
