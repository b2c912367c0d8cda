package idp_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// AUD-04: a network that goes on when it is refused makes no entry for each request
// that is let through in between.
func TestAUD04_requestLimit(t *testing.T) {
	c := &clock{at: time.Now().Truncate(time.Second)}
	s := idptest.New(t, idptest.Config{Wrap: fromNetworks, Edit: func(cfg *idp.Config) { cfg.Now, cfg.RequestLimit = c.now, 1 }})
	get := func(from string) int {
		res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "X-Test-Address", from)
		return res.StatusCode
	}
	for range 5 {
		get("192.0.2.1")
	}
	for range 30 {
		if let := get("192.0.2.1"); let != http.StatusTooManyRequests {
			t.Fatalf("%d, want a refusal", let)
		}
		c.turn(time.Second)
		if let := get("192.0.2.1"); let != http.StatusUnauthorized {
			t.Fatalf("%d, want one that is let through", let)
		}
	}
	if n := len(types(t, s, "api_limit")); n != 5 {
		t.Errorf("%d entries of half a minute, want 5", n)
	}
	c.turn(time.Minute)
	for range 6 {
		get("192.0.2.1")
	}
	list := types(t, s, "api_limit")
	if untold, _ := list[0].Details["not_recorded"].(float64); len(list) != 6 || untold != 25 {
		t.Errorf("%d entries, the last tells of %v others, want 6 and 25", len(list), untold)
	}
}

// AUD-04: letters and accounts are there for everybody to ask for, and a connection
// that cannot work to be led to; none of that makes more entries than a refusal.
func TestAUD04_asking(t *testing.T) {
	c := &clock{at: time.Now().Truncate(time.Second)}
	s := idptest.New(t, idptest.Config{Wrap: fromNetworks, Edit: func(cfg *idp.Config) { cfg.Now = c.now }})
	protect(t, s, "suspicious-ip-throttling", `{"stage":{"pre-user-registration":{"max_attempts":1,"rate":1000}}}`)
	if err := s.Tenant().Connections.Create(t.Context(), &tenant.Connection{
		ID: "con_broken0000000001", Name: "broken", Strategy: "apple", EnabledClients: []string{idptest.SPA},
		Options: tenant.ConnectionOptions{ClientID: "menu", ClientSecret: "no key"},
	}); err != nil {
		t.Fatal(err)
	}
	signUp(t, s, s.Browser(), "first@example.com")
	for name, tt := range map[string]struct {
		kind string
		ask  func() int
		want int
	}{
		"letter": {"scpr", func() int {
			res, _ := s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
				"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"ada@example.com"},
			})
			return res.StatusCode
		}, http.StatusOK},
		"account": {"fs", func() int {
			status, _ := signUp(t, s, s.Browser(), "next@example.com")
			return status
		}, http.StatusTooManyRequests},
		"connection": {"f", func() int {
			res, _ := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("connection", "broken"))
			return res.StatusCode
		}, http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			for range 12 {
				if got := tt.ask(); got != tt.want {
					t.Fatalf("%d, want %d", got, tt.want)
				}
			}
			if n := len(types(t, s, tt.kind)); n != 5 {
				t.Errorf("%d entries, want 5", n)
			}
			c.turn(time.Minute)
			tt.ask()
			list := types(t, s, tt.kind)
			if untold, _ := list[0].Details["not_recorded"].(float64); len(list) != 6 || untold != 7 {
				t.Errorf("%d entries, the last tells of %v others, want 6 and 7", len(list), untold)
			}
		})
	}
}
