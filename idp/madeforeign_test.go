package idp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// IDP-11: a client that becomes one of others keeps nothing that people did not
// allow it: neither codes nor refresh tokens of before lead on.
func TestIDP11_madeForeign(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	u := s.AddUser("ada@example.com", "menu-admin")
	in := authorization("scope", "openid offline_access create:items")
	browser := s.Browser()
	res, body := s.Login(browser, in, "ada@example.com", idptest.Password)
	_, tokens := exchange(s, answerOf(t, res, body).Get("code"))
	res, body = s.Do(browser, http.MethodGet, "/authorize", in)
	code := answerOf(t, res, body).Get("code")
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.FirstParty = false })
	if res, got := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden || got["error"] != "invalid_grant" {
		t.Errorf("refreshed what nobody allowed: %d %v", res.StatusCode, got["scope"])
	}
	if res, got := exchange(s, code); res.StatusCode != http.StatusForbidden || got["error"] != "invalid_grant" {
		t.Errorf("exchanged what nobody allowed: %d %v", res.StatusCode, got["scope"])
	}
	// What was allowed meanwhile is given, and no more.
	if err := s.Tenant().AddConsent(t.Context(), u.ID, idptest.SPA, idptest.Audience, []string{"login:", "openid", "offline_access"}); err != nil {
		t.Fatal(err)
	}
	res, got := refresh(s, tokens["refresh_token"])
	if res.StatusCode != http.StatusOK || got["scope"] != "openid offline_access" || strings.Contains(claims(t, got["access_token"]), "create:items") {
		t.Errorf("refreshed: %d %v %s", res.StatusCode, got["scope"], claims(t, got["access_token"]))
	}
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.FirstParty = true })
	if res, got := refresh(s, got["refresh_token"]); res.StatusCode != http.StatusOK || got["scope"] != "openid offline_access create:items" {
		t.Errorf("its own again: %d %v", res.StatusCode, got)
	}
}
