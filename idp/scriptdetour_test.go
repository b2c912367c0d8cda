package idp_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// IDP-06: a log-in whose person an action sent away goes on with the session that it
// left with, and with what the client may use by then.
func TestIDP06_otherPersonComesBack(t *testing.T) {
	for name, meanwhile := range map[string]func(*testing.T, *idptest.Server, *http.Client){
		"as somebody else": func(t *testing.T, s *idptest.Server, browser *http.Client) {
			res, body := s.Login(browser, authorization("prompt", "login"), "ben@example.com", idptest.Password)
			if where, err := url.Parse(leadsTo(res, body)); err != nil || where.Host != "terms.example" {
				t.Fatalf("%v %v", where, err)
			}
		},
		"logged out": func(t *testing.T, s *idptest.Server, browser *http.Client) {
			if res, _ := s.Do(browser, http.MethodGet, "/v2/logout", url.Values{"client_id": {idptest.SPA}}); res.StatusCode != http.StatusFound {
				t.Fatalf("%d", res.StatusCode)
			}
		},
		"without the connection": func(t *testing.T, s *idptest.Server, _ *http.Client) {
			if _, err := s.Tenant().Connections.Update(t.Context(), "con_database00000001", func(c *tenant.Connection) error {
				c.EnabledClients = []string{idptest.Web}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{})
			bind(t, s, "post-login", detourAction)
			s.AddUser("ada@example.com")
			s.AddUser("ben@example.com")
			browser := s.Browser()
			res, body := s.Login(browser, authorization(), "ada@example.com", idptest.Password)
			target, err := url.Parse(leadsTo(res, body))
			if err != nil || target.Host != "terms.example" {
				t.Fatalf("%v %v", target, err)
			}
			meanwhile(t, s, browser)
			res, _ = s.Do(browser, http.MethodGet, "/continue", url.Values{"state": {target.Query().Get("state")}, "accepted": {"yes"}})
			if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
				t.Errorf("%d %q", res.StatusCode, res.Header.Get("Location"))
			}
		})
	}
}

// IDP-22: what actions said of the roles that a person had when one sent them away is
// said anew when one of those was taken meanwhile.
func TestIDP22_rolesMeanwhile(t *testing.T) {
	const says = `exports.onExecutePostLogin = (event, api) => { api.idToken.setCustomClaim('https://menu.example/roles', event.authorization.roles.join()); };`
	for name, tt := range map[string]struct {
		meanwhile func(*idptest.Server, *tenant.User) error
		again     bool
		want      string
	}{
		"nothing": {func(*idptest.Server, *tenant.User) error { return nil }, false, "menu-admin"},
		"taken": {func(s *idptest.Server, u *tenant.User) error {
			return s.Tenant().RemoveRoles(t.Context(), u.ID, "rol_menuadmin0000001")
		}, true, ""},
		"given": {func(s *idptest.Server, u *tenant.User) error {
			r := &tenant.Role{ID: "rol_cook000000000001", Name: "cook"}
			return errors.Join(s.Tenant().Roles.Create(t.Context(), r), s.Tenant().AddRoles(t.Context(), u.ID, r.ID))
		}, false, "menu-admin"},
		"renamed": {func(s *idptest.Server, _ *tenant.User) error {
			_, err := s.Tenant().Roles.Update(t.Context(), "rol_menuadmin0000001", func(r *tenant.Role) error { r.Name = "cook"; return nil })
			return err
		}, true, "cook"},
	} {
		t.Run(name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{})
			bind(t, s, "post-login", says, detourAction)
			ada, browser := s.AddUser("ada@example.com", "menu-admin"), s.Browser()
			res, body := s.Login(browser, authorization(), ada.Email, idptest.Password)
			comeBack := func() {
				t.Helper()
				target, err := url.Parse(leadsTo(res, body))
				if err != nil || target.Host != "terms.example" {
					t.Fatalf("%v %v", target, err)
				}
				res, body = s.Do(browser, http.MethodGet, "/continue", url.Values{"state": {target.Query().Get("state")}, "accepted": {"yes"}})
			}
			if err := tt.meanwhile(s, ada); err != nil {
				t.Fatal(err)
			}
			comeBack()
			if tt.again {
				comeBack()
			}
			_, tokens := exchange(s, answerOf(t, res, body).Get("code"))
			if got := claimsMap(t, tokens["id_token"]); got["https://menu.example/roles"] != tt.want || got["https://menu.example/accepted"] != "yes" {
				t.Errorf("%v, want %q", got, tt.want)
			}
		})
	}
}
