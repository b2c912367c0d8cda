package idp_test

import (
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
