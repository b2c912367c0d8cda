package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
)

// broken has a statement on a table fail, while fn runs.
func broken(t *testing.T, s *idptest.Server, statement, table string, fn func()) {
	t.Helper()
	db := s.DB
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

// A log-in that could not be counted is one.
func TestLogin_notCounted(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	broken(t, s, "UPDATE OF logins_count", "idp_users", func() {
		if tokens := enter(t, s, s.HTTP, "ada@example.com"); tokens["access_token"] == nil {
			t.Errorf("%v", tokens)
		}
	})
}

// PWD-11: once a password is set, its owner hears of it, whatever else fails.
func TestPWD11_noticeInSpiteOfFault(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	s.Login(s.Browser(), authorization(), "ada@example.com", "not-the-password") // is counted
	s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
		"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"ada@example.com"},
	})
	link := letterLink(t, s)
	broken(t, s, "DELETE", "gate_throttle", func() {
		if status, page := press(s, s.Browser(), link, "/u/reset-password", "password", "Oak-Lantern-Reed-07"); status != http.StatusOK {
			t.Errorf("%d %.500s", status, page)
		}
	})
	if letters := waitLetters(t, s, "ada@example.com", 2); !strings.Contains(strings.Join(letters, ""), "password was changed") {
		t.Errorf("letters: %q", letters)
	}
}
