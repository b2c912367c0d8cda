package idp_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
)

// OPS-02: a list of scopes that no client needs is refused at every door before it
// is looked at.
func TestOPS02_scope(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	many := "openid"
	for i := range 2000 {
		many += fmt.Sprintf(" s%d", i)
	}
	res, body := s.Do(s.Browser(), http.MethodPost, "/authorize", authorization("scope", many))
	if to := answerOf(t, res, body); to.Get("error") != "invalid_scope" {
		t.Errorf("authorize: %v", to)
	}
	secret := url.Values{"client_secret": {idptest.Secret}, "audience": {idptest.Audience}, "scope": {many}}
	for grant, more := range map[string]url.Values{
		"refresh_token":      {"client_id": {idptest.SPA}, "refresh_token": {tokens["refresh_token"].(string)}, "client_secret": nil},
		"client_credentials": {"client_id": {idptest.Machine}},
		"http://auth0.com/oauth/grant-type/password-realm": {
			"client_id": {idptest.Web}, "realm": {idptest.Connection}, "username": {"ada@example.com"}, "password": {idptest.Password},
		},
	} {
		in := url.Values{"grant_type": {grant}}
		for _, values := range []url.Values{secret, more} {
			for name, v := range values {
				in[name] = v
			}
		}
		res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in)
		if res.StatusCode != http.StatusBadRequest || s.JSON(body)["error"] != "invalid_scope" {
			t.Errorf("%s: %d %s", grant, res.StatusCode, body)
		}
	}
}

// IDP-23: scopes that an action adds are power over everybody at the Management API
// where they have the names of its own. A person has none of those there.
func TestIDP23_scopesOfManagement(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	bind(t, s, "post-login", `exports.onExecutePostLogin = async (event, api) => {
		for (const scope of ['read:users', 'update:current_user_metadata']) api.accessToken.addScope(scope);
	};`)
	tokens := enter(t, s, s.Browser(), "ada@example.com", "audience", s.Issuer()+"api/v2/", "scope", "openid offline_access read:current_user")
	check := func(token any) {
		t.Helper()
		scope := fmt.Sprint(claimsMap(t, token)["scope"])
		if strings.Contains(scope, "read:users") || !strings.Contains(scope, "update:current_user_metadata") {
			t.Errorf("scope %s", scope)
		}
		if status, got := manage(t, s, fmt.Sprint(token), "GET", "users", ""); status != http.StatusForbidden {
			t.Errorf("a person lists everybody: %d %v", status, got)
		}
	}
	check(tokens["access_token"])
}
