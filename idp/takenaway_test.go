package idp_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// IDP-06: what was registered when a log-in began counts no more when it has been
// taken away meanwhile: whichever way comes back, nothing is sent there.
func TestIDP06_takenAway(t *testing.T) {
	for name, take := range map[string]func(t *testing.T, s *idptest.Server){
		"the address": func(t *testing.T, s *idptest.Server) {
			setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.Callbacks = []string{"https://new.example/cb"} })
		},
		"the client": func(t *testing.T, s *idptest.Server) {
			if err := s.Tenant().Clients.Delete(t.Context(), idptest.SPA); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name+", while away at another provider", func(t *testing.T) {
			c := federated(t)
			browser := c.Browser()
			res, _ := c.Do(browser, http.MethodGet, "/authorize", authorization("connection", "github"))
			back := c.choose(res.Header.Get("Location"), "1001")
			take(t, c.Server)
			if res, _ := c.Do(browser, http.MethodGet, back, nil); res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
				t.Errorf("%d %q", res.StatusCode, res.Header.Get("Location"))
			}
		})
		t.Run(name+", while away for an action", func(t *testing.T) {
			s := idptest.New(t, idptest.Config{})
			bind(t, s, "post-login", detourAction)
			s.AddUser("ada@example.com")
			browser := s.Browser()
			res, body := s.Login(browser, authorization(), "ada@example.com", idptest.Password)
			target, err := url.Parse(leadsTo(res, body))
			if err != nil || target.Query().Get("state") == "" {
				t.Fatalf("sent to %v, %v", target, err)
			}
			take(t, s)
			res, _ = s.Do(browser, http.MethodGet, "/continue", url.Values{"state": {target.Query().Get("state")}, "accepted": {"yes"}})
			if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
				t.Errorf("%d %q", res.StatusCode, res.Header.Get("Location"))
			}
		})
	}
}
