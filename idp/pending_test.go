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

// Who signs up where no letters are left has signed up: the password leads to the
// page that asks to confirm, and "send again" sends the letter when there is one.
func TestSignup_noLetterLeft(t *testing.T) {
	const email, network = "new@example.com", "203.0.113.7"
	c := &clock{at: time.Now().Truncate(time.Second)}
	s := idptest.New(t, idptest.Config{Wrap: fromNetworks, Edit: func(cfg *idp.Config) { cfg.Now, cfg.Signup = c.now, idp.SignupConfirm }})
	for n := range 20 {
		s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
			"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {fmt.Sprint("user", n, "@example.com")},
		}, "X-Test-Address", network)
	}
	browser := s.Browser()
	res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization("screen_hint", "signup"))
	_, page := s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
	_, page = s.Do(browser, http.MethodPost, "/u/signup", s.Fill(page, "email", email, "password", newPassword), "Origin", s.URL, "X-Test-Address", network)
	if !strings.Contains(page, "Confirm your e-mail address") {
		t.Fatalf("%.2000s", page)
	}
	c.turn(61 * time.Minute)
	res, page = s.Login(browser, authorization(), email, newPassword)
	if res.StatusCode != http.StatusOK || !strings.Contains(page, "Confirm your e-mail address") {
		t.Fatalf("the log-in: %d %.2000s", res.StatusCode, page)
	}
	s.Do(browser, http.MethodPost, "/u/confirm-email", idptest.Hidden(page), "Origin", s.URL, "X-Test-Address", network)
	if status, page := press(s, browser, linkTo(t, s, email), "/u/email-verification"); status != http.StatusOK {
		t.Fatalf("the link: %d %.2000s", status, page)
	}
	if res, body := s.Login(browser, authorization(), email, newPassword); !answerOf(t, res, body).Has("code") {
		t.Errorf("no log-in afterwards: %d", res.StatusCode)
	}
	if n := len(lettersTo(t, s, email)); n != 1 {
		t.Errorf("%d letters, want 1", n)
	}
}

// A sign-up whose letter cannot be counted is a fault, whether or not the address
// has an account, and none that a letter is on its way for.
func TestSignup_letterFault(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
	s.AddUser("known@example.com")
	// The sign-up itself is counted first, in the first row.
	if _, err := s.DB.Exec(t.Context(), `CREATE TRIGGER letters BEFORE INSERT ON gate_throttle
		WHEN (SELECT count(*) FROM gate_throttle) > 1 BEGIN SELECT RAISE(ABORT, 'no'); END`); err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"new@example.com", "known@example.com"} {
		if status, page := signUp(t, s, s.Browser(), email); status < 500 || strings.Contains(page, "Confirm your e-mail address") {
			t.Errorf("%s: %d %.1000s", email, status, page)
		}
		if _, err := s.DB.Exec(t.Context(), "DELETE FROM gate_throttle"); err != nil {
			t.Fatal(err)
		}
	}
}
