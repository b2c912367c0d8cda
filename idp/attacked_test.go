package idp_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

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
			maps.Copy(in, values)
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

// CLI-08: whoever came in by a way that is taken from an account is out, and whoever
// came in by another stays.
func TestCLI08_unlinked(t *testing.T) {
	c := federated(t)
	ada := c.AddUser("ada@example.com", "menu-admin")
	mallory := c.with(c.Browser(), "github", "1001")
	if _, err := c.Tenant().LinkIdentity(t.Context(), ada.ID, mallory.ID); err != nil {
		t.Fatal(err)
	}
	owner, thief := c.Browser(), c.Browser()
	own := enter(t, c.Server, owner, "ada@example.com")
	res, body := c.Do(thief, http.MethodGet, c.choose(c.leave(thief, "github"), "1001"), nil)
	_, stolen := exchange(c.Server, answerOf(t, res, body).Get("code"))
	if sub := claimsMap(t, stolen["id_token"])["sub"]; sub != ada.ID {
		t.Fatalf("not ada: %v", sub)
	}
	provider, subject, _ := strings.Cut(mallory.ID, "|")
	mustManage(t, c.Server, managementToken(t, c.Server), http.StatusOK, "DELETE", "users/"+url.PathEscape(ada.ID)+"/identities/"+provider+"/"+subject, "")
	for name, tt := range map[string]struct {
		browser *http.Client
		refresh any
		in      bool
	}{"the thief": {thief, stolen["refresh_token"], false}, "the owner": {owner, own["refresh_token"], true}} {
		if res, _ := refresh(c.Server, tt.refresh); (res.StatusCode == http.StatusOK) != tt.in {
			t.Errorf("%s refreshes: %d", name, res.StatusCode)
		}
		res, body := c.Do(tt.browser, http.MethodGet, "/authorize", authorization("prompt", "none"))
		if code := answerOf(t, res, body).Get("code"); (code != "") != tt.in {
			t.Errorf("%s: code %q", name, code)
		}
	}
}

// CLI-07: what a person takes back is taken back from codes on their way and from
// opaque tokens, too.
func TestCLI07_consentTakenBack(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	browser := stranger(t, s)
	page, asked := asks(t, s, browser, authorization("audience", "", "scope", "openid profile email"))
	if !asked {
		t.Fatal("not asked")
	}
	res, body := decide(s, browser, page, "allow")
	_, tokens := exchange(s, answerOf(t, res, body).Get("code"))
	res, body = s.Do(browser, http.MethodGet, "/authorize", authorization("audience", "", "scope", "openid profile email"))
	code := answerOf(t, res, body).Get("code")
	info := func() int {
		res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+fmt.Sprint(tokens["access_token"]))
		return res.StatusCode
	}
	if status := info(); status != http.StatusOK || code == "" {
		t.Fatalf("before: %d, code %q", status, code)
	}
	ada := userID(t, s, "ada@example.com")
	if status, got := manage(t, s, managementToken(t, s), "DELETE", "grants?user_id="+url.QueryEscape(ada), ""); status >= 300 {
		t.Fatal(status, got)
	}
	if status := info(); status != http.StatusUnauthorized {
		t.Errorf("the opaque token: %d", status)
	}
	if res, _ := exchange(s, code); res.StatusCode == http.StatusOK {
		t.Error("the code is good")
	}
}

// SES-07: a token that was revoked stays so while a verifier with a leeway takes
// tokens that have expired.
func TestSES07_revokedInLeeway(t *testing.T) {
	s, now := withClock(t)
	_, got := machineToken(s)
	client := url.Values{"client_id": {idptest.Machine}, "client_secret": {idptest.Secret}, "token": {fmt.Sprint(got["access_token"])}}
	if res, _ := s.Do(s.HTTP, http.MethodPost, "/oauth/revoke", client); res.StatusCode != http.StatusOK {
		t.Fatal(res.StatusCode)
	}
	life := claimsMap(t, got["access_token"])["exp"].(float64)
	now.turn(time.Unix(int64(life), 0).Add(10 * time.Second).Sub(now.now()))
	if _, err := s.Tenant().Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, body := s.Do(s.HTTP, http.MethodPost, "/oauth/introspect", client); s.JSON(body)["active"] != false {
		t.Errorf("active again: %s", body)
	}
}

// CLI-08: an address that another provider confirmed does not become another one, and
// is confirmed in whatever letters it is, each time.
func TestCLI08_kelvin(t *testing.T) {
	c := federated(t)
	for person, want := range map[string]string{"1003": "\u212Aate@corp.example", "1004": "zoë.Ä@mÜller.example"} {
		for _, connection := range []string{"corp", "github", "corp"} {
			if u := c.with(c.Browser(), connection, person); u.Email != want || !u.EmailVerified {
				t.Errorf("%s: %q, confirmed: %t", connection, u.Email, u.EmailVerified)
			}
		}
	}
}
