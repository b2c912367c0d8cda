package idp_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
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
