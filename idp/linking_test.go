package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// CLI-09: an ID token shows who logs in to another account while its log-in goes
// on. One from before a new password, a log-out or a block links nothing, also
// within the same second.
func TestCLI09_proofOfBefore(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *idptest.Server, *http.Client, *tenant.User){
		"": nil,
		"a new password": func(t *testing.T, s *idptest.Server, _ *http.Client, u *tenant.User) {
			t.Helper()
			provider, subject, _ := strings.Cut(u.ID, "|")
			if _, _, err := s.Tenant().SetPassword(t.Context(), tenant.PasswordChange{UserID: u.ID, Provider: provider, Subject: subject, Hash: "x"}); err != nil {
				t.Fatal(err)
			}
		},
		"a log-out": func(t *testing.T, s *idptest.Server, browser *http.Client, _ *tenant.User) {
			t.Helper()
			s.Do(browser, http.MethodGet, "/v2/logout", url.Values{"client_id": {idptest.SPA}})
		},
		"a block": func(t *testing.T, s *idptest.Server, _ *http.Client, u *tenant.User) {
			t.Helper()
			if _, err := s.Tenant().UpdateUser(t.Context(), u.ID, func(u *tenant.User) error { u.Blocked = true; return nil }); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run("after "+name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{})
			victim, mallory, browser := s.AddUser("victim@example.com"), s.AddUser("mallory@example.com"), s.Browser()
			proof, _ := enter(t, s, browser, "victim@example.com")["id_token"].(string)
			own, _ := enter(t, s, s.Browser(), "mallory@example.com", "audience", s.Issuer()+"api/v2/", "scope", "openid update:current_user_identities")["access_token"].(string)
			want := http.StatusCreated
			if end != nil {
				want = http.StatusBadRequest
				end(t, s, browser, victim)
			}
			status, got := manage(t, s, own, http.MethodPost, "users/"+url.PathEscape(mallory.ID)+"/identities", `{"link_with":"`+proof+`"}`)
			if status != want {
				t.Errorf("%d %v, want %d", status, got, want)
			}
		})
	}
}

// IDP-21: a token of before a log-out, of the person or by an administrator, links
// nothing to the account any more: what is linked logs in for good.
func TestIDP21_linkAfterLogout(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *idptest.Server, *http.Client, *tenant.User){
		"nothing": func(*testing.T, *idptest.Server, *http.Client, *tenant.User) {},
		"log-out": func(t *testing.T, s *idptest.Server, browser *http.Client, _ *tenant.User) {
			t.Helper()
			s.Do(browser, http.MethodGet, "/v2/logout", url.Values{"client_id": {idptest.SPA}})
		},
		"administrator": func(t *testing.T, s *idptest.Server, _ *http.Client, u *tenant.User) {
			t.Helper()
			if _, err := s.Tenant().EndSessions(t.Context(), u.ID); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{})
			victim, _, browser := s.AddUser("victim@example.com"), s.AddUser("mallory@example.com"), s.Browser()
			stolen, _ := enter(t, s, browser, "victim@example.com", "audience", s.Issuer()+"api/v2/", "scope", "openid update:current_user_identities")["access_token"].(string)
			proof, _ := enter(t, s, s.Browser(), "mallory@example.com")["id_token"].(string)
			end(t, s, browser, victim)
			link := func(token any, proof string) (int, any) {
				t.Helper()
				text, _ := token.(string)
				return manage(t, s, text, http.MethodPost, "users/"+url.PathEscape(victim.ID)+"/identities", `{"link_with":"`+proof+`"}`)
			}
			// One of a password has no session, and could be ended by none.
			atWeb, _ := enterWeb(t, s, s.Browser(), "mallory@example.com")["id_token"].(string)
			byPassword := byRealm(t, s, "victim@example.com", "audience", s.Issuer()+"api/v2/", "scope", "openid update:current_user_identities")
			if status, got := link(byPassword["access_token"], atWeb); status != http.StatusBadRequest {
				t.Errorf("by a password: %d %v", status, got)
			}
			if status, got := link(stolen, proof); (status == http.StatusCreated) != (name == "nothing") {
				t.Errorf("%d %v", status, got)
			}
		})
	}
}

// CLI-09: an action links who logs in to another user, and makes that one the one
// who logs in: with the rights of that one, and none of the other's.
func TestCLI09_primaryUser(t *testing.T) {
	for _, flow := range []string{"password", "code"} {
		t.Run(flow, func(t *testing.T) {
			runner, err := actions.New(actions.Config{InProcess: true, AllowPrivate: true, AllowedHosts: []string{"localhost"}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = runner.Close() })
			s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Actions = runner }})
			primary := s.AddUser("primary@example.com")
			s.AddUser("second@example.com", "menu-admin")
			if err := s.Tenant().EndAll(t.Context(), primary.ID); err != nil { // another epoch than the second's
				t.Fatal(err)
			}
			if _, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error { set.DefaultDirectory = idptest.Connection; return nil }); err != nil {
				t.Fatal(err)
			}
			bindLinking(t, s, primary.ID)
			var tokens map[string]any
			if flow == "password" {
				_, text := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
					"grant_type": {"password"}, "client_id": {idptest.Web}, "client_secret": {idptest.Secret}, "username": {"second@example.com"},
					"password": {idptest.Password}, "scope": {"openid"}, "audience": {idptest.Audience},
				})
				tokens = s.JSON(text)
			} else {
				tokens = enter(t, s, s.Browser(), "second@example.com")
			}
			access, _ := tokens["access_token"].(string)
			c := claimsMap(t, access)
			if rights, _ := c["permissions"].([]any); c["sub"] != primary.ID || len(rights) > 0 {
				t.Errorf("%v of %v may %v", tokens["error_description"], c["sub"], c["permissions"])
			}
			if res, body := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+access); res.StatusCode != http.StatusOK {
				t.Errorf("userinfo: %d %s", res.StatusCode, body)
			}
			u, err := s.Tenant().User(t.Context(), primary.ID)
			if err != nil || len(u.Identities) != 2 || u.UserMetadata["linked"] != true {
				t.Errorf("%+v %v", u, err)
			}
		})
	}
}

// CLI-09: a client of others that knows a password changes nothing of the account with
// it, unless the person allowed that client to.
func TestCLI09_passwordIsNoConsent(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	u := s.AddUser("ada@example.com")
	const link, realm = "update:current_user_identities", "http://auth0.com/oauth/grant-type/password-realm"
	setClient(t, s, idptest.Web, func(c *tenant.Client) {
		c.FirstParty, c.GrantTypes = false, append(c.GrantTypes, realm)
	})
	scope := func() string {
		t.Helper()
		_, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
			"grant_type": {realm}, "realm": {idptest.Connection}, "client_id": {idptest.Web}, "client_secret": {idptest.Secret},
			"username": {"ada@example.com"}, "password": {idptest.Password}, "audience": {s.Issuer() + "api/v2/"}, "scope": {"openid " + link},
		})
		got := s.JSON(body)
		if got["access_token"] == nil {
			t.Fatalf("%v", got)
		}
		text, _ := got["scope"].(string)
		return text
	}
	if got := scope(); strings.Contains(got, link) {
		t.Errorf("without a consent: %q", got)
	}
	if err := s.Tenant().AddConsent(t.Context(), u.ID, idptest.Web, s.Issuer()+"api/v2/", []string{link}); err != nil {
		t.Fatal(err)
	}
	if got := scope(); !strings.Contains(got, link) {
		t.Errorf("with one: %q", got)
	}
}

// bindLinking binds an action that links whoever logs in to a user, who is then
// the one who logs in.
func bindLinking(t *testing.T, s *idptest.Server, primary string) {
	t.Helper()
	bind(t, s, "post-login", `exports.onExecutePostLogin = async (event, api) => {
		if (event.user.user_id === '`+primary+`') return;
		const [provider, id] = event.user.user_id.split('|');
		const r = await fetch('`+s.URL+`/api/v2/users/`+url.PathEscape(primary)+`/identities', {method: 'POST',
			headers: {'Authorization': 'Bearer `+managementToken(t, s)+`', 'Content-Type': 'application/json'},
			body: JSON.stringify({provider: provider, user_id: id})});
		if (!r.ok) throw new Error('link ' + r.status);
		api.user.setUserMetadata('linked', true);
		api.authentication.setPrimaryUser('`+primary+`');
	};`)
}
