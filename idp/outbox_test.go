package idp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/store/storetest"
)

// The pages that say that a letter was sent lead to the outbox where there is
// one, which is in development alone.
func TestPages_outbox(t *testing.T) {
	const link = `href="/outbox"`
	for name, path := range map[string]string{"": "", "outbox": "/outbox"} {
		s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Signup, c.Outbox = idp.SignupConfirm, path }})
		_, page := signUp(t, s, s.Browser(), "new@example.com")
		browser := s.Browser()
		res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
		_, forgot := s.Do(browser, http.MethodGet, strings.Replace(res.Header.Get("Location"), "/u/login", "/u/reset-password/request", 1), nil)
		_, sent := s.Do(browser, http.MethodPost, "/u/reset-password/request", s.Fill(forgot, "username", "ada@example.com"), "Origin", s.URL)
		for at, page := range map[string]string{"confirm": page, "sent": sent} {
			if strings.Contains(page, link) != (path != "") {
				t.Errorf("with %q, %s: %.3000s", name, at, page)
			}
		}
	}
	cfg := idp.Config{Issuer: "https://id.example.com/", Secret: make([]byte, 32), Mail: discard{}, Outbox: "/outbox"}
	if _, err := idp.Open(t.Context(), storetest.SQLite(t), cfg); err == nil || !strings.Contains(err.Error(), "development") {
		t.Errorf("in production: %v", err)
	}
}
