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
	if list := types(t, s, "feacft"); len(list) != 1 || list[0].UserID != u.ID || !strings.Contains(list[0].Description, "not allowed") {
		t.Errorf("in the log: %+v", list)
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
	// A code is for all of it or nothing: people are asked for the rest.
	exchanged := func(scope string) (*http.Response, map[string]any) {
		t.Helper()
		setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.FirstParty = true })
		res, body := s.Do(browser, http.MethodGet, "/authorize", authorization("scope", scope))
		code := answerOf(t, res, body).Get("code")
		setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.FirstParty = false })
		return exchange(s, code)
	}
	if res, got := exchanged("openid create:items"); res.StatusCode != http.StatusForbidden || got["error"] != "invalid_grant" {
		t.Errorf("exchanged more than was allowed: %d %v", res.StatusCode, got)
	}
	res, got = exchanged("openid")
	if res.StatusCode != http.StatusOK || got["scope"] != "openid" || strings.Contains(claims(t, got["access_token"]), "items") {
		t.Errorf("exchanged what was allowed: %d %v %s", res.StatusCode, got, claims(t, got["access_token"]))
	}
	// What an action adds nobody is asked for, and a client of others does not get it.
	bind(t, s, "post-login", `exports.onExecutePostLogin = async (event, api) => api.accessToken.addScope('update:items');`)
	res, body = s.Do(browser, http.MethodGet, "/authorize", authorization("scope", "openid"))
	if res, got := exchange(s, answerOf(t, res, body).Get("code")); res.StatusCode != http.StatusOK || got["scope"] != "openid" {
		t.Errorf("exchanged what an action added: %d %v", res.StatusCode, got)
	}
}

// SES-06: an API that allows no refresh tokens any more ends those that there are, and
// no code that was given out before makes one.
func TestSES06_offlineTakenAway(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	u := s.AddUser("ada@example.com")
	allow := func(allowed bool) {
		t.Helper()
		if _, err := s.Tenant().APIs.Update(t.Context(), apiID(t, s, idptest.Audience), func(a *tenant.API) error { a.AllowOfflineAccess = allowed; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	browser := s.Browser()
	tokens := enter(t, s, browser, "ada@example.com")
	elsewhere := enter(t, s, s.Browser(), "ada@example.com", "audience", "")
	code := silent(t, s, browser).Get("code")
	allow(false)
	res, got := refresh(s, tokens["refresh_token"])
	told, _ := got["error_description"].(string)
	// SDKs look for these words to log in again.
	if res.StatusCode != http.StatusForbidden || got["error"] != "invalid_grant" || !strings.Contains(told, "invalid refresh token") {
		t.Errorf("refreshed: %d %v", res.StatusCode, got)
	}
	if list := types(t, s, "fertft"); len(list) != 1 || list[0].UserID != u.ID || !strings.Contains(list[0].Description, "allows no refresh tokens") {
		t.Errorf("in the log: %+v", list)
	}
	if res, got := exchange(s, code); res.StatusCode != http.StatusOK || got["refresh_token"] != nil || strings.Contains(got["scope"].(string), "offline_access") {
		t.Errorf("exchanged: %d %v", res.StatusCode, got)
	}
	if res, got := refresh(s, elsewhere["refresh_token"]); res.StatusCode != http.StatusOK {
		t.Errorf("for no API: %d %v", res.StatusCode, got)
	}
	bind(t, s, "post-login", `exports.onExecutePostLogin = async (event, api) => api.accessToken.addScope('offline_access');`)
	if tokens := enter(t, s, s.Browser(), "ada@example.com", "scope", "openid"); tokens["refresh_token"] != nil {
		t.Errorf("by an action: %v", tokens["scope"])
	}
	allow(true)
	if res, got := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusOK {
		t.Errorf("allowed again: %d %v", res.StatusCode, got)
	}
}
