package idp_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
)

// AUD-04: whoever proves nothing makes a bounded number of entries with what is
// refused, and none of them is long.
func TestAUD04_refusals(t *testing.T) {
	const here = "192.0.2.1"
	for name, tt := range map[string]struct {
		kind string
		try  func(t *testing.T, s *idptest.Server, from string)
	}{
		"unknown client": {"f", func(t *testing.T, s *idptest.Server, from string) {
			in := authorization("client_id", strings.Repeat("x", 900))
			if res, _ := s.Do(s.HTTP, http.MethodGet, "/authorize", in, "X-Test-Address", from); res.StatusCode != http.StatusBadRequest {
				t.Fatalf("%d", res.StatusCode)
			}
		}},
		"bad request": {"f", func(t *testing.T, s *idptest.Server, from string) {
			in := authorization("response_type", strings.Repeat("y", 900))
			if res, _ := s.Do(s.HTTP, http.MethodGet, "/authorize", in, "X-Test-Address", from); res.StatusCode != http.StatusFound {
				t.Fatalf("%d", res.StatusCode)
			}
		}},
		"silent log-in of nobody": {"fsa", func(t *testing.T, s *idptest.Server, from string) {
			in := authorization("prompt", "none")
			if res, _ := s.Do(s.HTTP, http.MethodGet, "/authorize", in, "X-Test-Address", from); res.StatusCode != http.StatusFound {
				t.Fatalf("%d", res.StatusCode)
			}
		}},
		"code of nobody": {"feacft", func(t *testing.T, s *idptest.Server, from string) {
			in := url.Values{"grant_type": {"authorization_code"}, "client_id": {idptest.SPA}, "code": {"x"}, "code_verifier": {strings.Repeat("v", 43)}}
			if res, _ := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in, "X-Test-Address", from); res.StatusCode != http.StatusForbidden {
				t.Fatalf("%d", res.StatusCode)
			}
		}},
		"token of nobody": {"fertft", func(t *testing.T, s *idptest.Server, from string) {
			in := url.Values{"grant_type": {"refresh_token"}, "client_id": {idptest.SPA}, "refresh_token": {"x"}}
			if res, _ := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in, "X-Test-Address", from); res.StatusCode != http.StatusForbidden {
				t.Fatalf("%d", res.StatusCode)
			}
		}},
		"closed account": {"limit_wc", func(t *testing.T, s *idptest.Server, from string) { tryPassword(s, from, "ada@example.com", "wrong") }},
	} {
		t.Run(name, func(t *testing.T) {
			c := &clock{at: time.Now().Truncate(time.Second)}
			s := idptest.New(t, idptest.Config{Wrap: fromNetworks, Edit: func(cfg *idp.Config) { cfg.Now = c.now }})
			s.AddUser("ada@example.com")
			for range 20 {
				tt.try(t, s, here)
			}
			list := types(t, s, tt.kind)
			if len(list) != 5 {
				t.Fatalf("%d entries from one network, want 5", len(list))
			}
			if n := len(list[0].Description); n == 0 || n > 200 {
				t.Errorf("a description of %d bytes", n)
			}
			c.turn(time.Minute)
			for range 12 {
				tt.try(t, s, here)
			}
			list = types(t, s, tt.kind)
			if len(list) < 6 || len(list) > 10 {
				t.Fatalf("%d entries of two minutes, want 6 to 10", len(list))
			}
			if untold, _ := list[len(list)-6].Details["not_recorded"].(float64); untold == 0 || untold > 15 {
				t.Errorf("the first of the second minute tells of %v others", untold)
			}
		})
	}
	t.Run("many networks", func(t *testing.T) {
		c := &clock{at: time.Now().Truncate(time.Second)}
		s := idptest.New(t, idptest.Config{Wrap: fromNetworks, Edit: func(cfg *idp.Config) { cfg.Now = c.now }})
		for n := range 120 {
			s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("client_id", "nobody"), "X-Test-Address", fmt.Sprintf("198.51.100.%d", n))
		}
		if n := len(types(t, s, "f")); n != 100 {
			t.Errorf("%d entries of a minute, want 100", n)
		}
		// Who tries the secrets of clients shows all the same.
		s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {idptest.Machine}, "client_secret": {"wrong"}})
		if n := len(types(t, s, "feccft")); n != 1 {
			t.Errorf("%d entries of a wrong secret, want 1", n)
		}
	})
}
