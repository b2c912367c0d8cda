package idp_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/gatewright/gate/auth0"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// IDP-11: the action of a service puts roles and profile into tokens of its own
// applications. One of somebody else gets what the person was asked for, and its
// tokens say whose they are, whatever an action says of that.
func TestIDP11_rolesOfThirdParty(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com", "menu-admin")
	bind(t, s, "post-login", auth0.DefaultAction("https://menu.example", idptest.Audience, true),
		`exports.onExecutePostLogin = async (event, api) => {
			for (const n of ['third_party', 'Third_party', 'THIRD_PARTY']) api.accessToken.setCustomClaim(n, false); };`)
	const user, roles = "https://menu.example/user", "https://menu.example/roles"
	tokens := enter(t, s, s.Browser(), "ada@example.com")
	if got := claimsMap(t, tokens["access_token"]); got[roles] == nil || got[user] == nil || got["third_party"] == true {
		t.Errorf("of our own: %v", got)
	}
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.FirstParty = false })
	for scope, profile := range map[string]int{"openid offline_access": 0, "openid profile": 0, "openid email": 3, "openid email profile": 4} {
		browser := s.Browser()
		res, body := s.Login(browser, authorization("scope", scope), "ada@example.com", idptest.Password)
		if res.StatusCode == http.StatusOK {
			res, body = s.Do(browser, http.MethodPost, "/u/consent", s.Fill(body, "decision", "allow"), "Origin", s.URL)
		}
		_, tokens := exchange(s, answerOf(t, res, body).Get("code"))
		check := func() {
			t.Helper()
			access, id := claimsMap(t, tokens["access_token"]), claimsMap(t, tokens["id_token"])
			if access[roles] != nil || id[roles] != nil || access["third_party"] != true {
				t.Errorf("%s: %v, %v", scope, access, id)
			}
			if got, _ := access[user].(map[string]any); len(got) != profile {
				t.Errorf("%s: profile %v", scope, got)
			}
		}
		check()
		if token := tokens["refresh_token"]; token != nil {
			_, tokens = refresh(s, token)
			check()
		}
	}
}

// IDP-11: so do the tokens of a program of somebody else, which no scope makes one
// that is signed in like the programs of the service.
func TestIDP11_programOfThirdParty(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	for _, first := range []bool{true, false} {
		setClient(t, s, idptest.Machine, func(c *tenant.Client) { c.FirstParty = first })
		_, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
			"grant_type": {"client_credentials"}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret}, "audience": {idptest.Audience},
		})
		var tokens map[string]any
		if err := json.Unmarshal([]byte(body), &tokens); err != nil {
			t.Fatal(err)
		}
		if says := claimsMap(t, tokens["access_token"])["third_party"]; (says == true) == first {
			t.Errorf("first party %t: third_party is %v", first, says)
		}
	}
}
