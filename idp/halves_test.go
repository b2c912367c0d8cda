package idp_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
)

// broken has a statement on a table fail, while fn runs.
func broken(t *testing.T, s *idptest.Server, statement, table string, fn func()) {
	t.Helper()
	db := s.Tenant().DB()
	if _, err := db.Exec(t.Context(), "CREATE TRIGGER broken BEFORE "+statement+" ON "+table+" BEGIN SELECT RAISE(ABORT, 'disk'); END"); err != nil {
		t.Fatal(err)
	}
	fn()
	if _, err := db.Exec(t.Context(), "DROP TRIGGER broken"); err != nil {
		t.Fatal(err)
	}
}

// SES-04: a log-out that cannot end the refresh tokens is none, and the browser
// can try again.
func TestSES04_logoutAllOrNothing(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	out := url.Values{"client_id": {idptest.SPA}}
	broken(t, s, "UPDATE", "idp_refresh", func() {
		if res, _ := s.Do(s.HTTP, http.MethodGet, "/v2/logout", out); res.StatusCode < 500 {
			t.Errorf("status %d", res.StatusCode)
		}
	})
	if !silent(t, s, s.HTTP).Has("code") {
		t.Error("half of the log-out was done")
	}
	s.Do(s.HTTP, http.MethodGet, "/v2/logout", out)
	if got := silent(t, s, s.HTTP); got.Get("error") != "login_required" {
		t.Errorf("the session: %v", got)
	}
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden {
		t.Errorf("the refresh token: %d %v", res.StatusCode, body)
	}
}

// SES-04: the session of a browser is there until the next one is.
func TestSES04_reloginAllOrNothing(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	s.AddUser("bob@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	for _, email := range []string{"ada@example.com", "bob@example.com"} {
		broken(t, s, "INSERT", "idp_sessions", func() {
			if res, _ := s.Login(s.HTTP, authorization("prompt", "login"), email, idptest.Password); res.StatusCode < 500 {
				t.Errorf("%s: status %d", email, res.StatusCode)
			}
		})
		if !silent(t, s, s.HTTP).Has("code") {
			t.Errorf("%s: the session before is over", email)
		}
	}
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusOK {
		t.Errorf("the refresh token: %d %v", res.StatusCode, body)
	}
}
