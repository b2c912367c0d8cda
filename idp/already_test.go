package idp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// A letter to confirm an address says so when that is confirmed: by another letter,
// or by itself. When the address is another one by now it says nothing of it.
func TestVerifyEmail_already(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupOpen)})
	browser := s.Browser()
	signUp(t, s, browser, "new@example.com")
	link := strings.TrimSuffix(linkIn(t, waitLetters(t, s, "new@example.com", 1)[0], "/u/email-verification?ticket="), "#")
	res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization("screen_hint", "reset-password", "prompt", "login"))
	where := res.Header.Get("Location")
	ask := func(page, address string) string {
		t.Helper()
		form := idptest.Hidden(page)
		form.Set("username", address)
		_, page = s.Do(browser, http.MethodPost, "/u/reset-password/request", form, "Origin", s.URL)
		return page
	}
	_, page := s.Do(browser, http.MethodGet, where, nil)
	const again = "We sent it again."
	if page = ask(page, "nobody@example.com"); strings.Contains(page, again) || !strings.Contains(page, "Send again") {
		t.Errorf("the first letter: %.2000s", page)
	}
	if page = ask(page, "nobody@example.com"); !strings.Contains(page, again) {
		t.Errorf("the second letter: %.2000s", page)
	}
	if page = ask(page, "new@example.com"); strings.Contains(page, again) {
		t.Errorf("another address: %.2000s", page)
	}
	if status, page := press(s, browser, letterLink(t, s), "/u/reset-password", "password", newPassword); status != http.StatusOK {
		t.Fatalf("a new password: %d %.1500s", status, page)
	}

	const done = "Your e-mail address is confirmed"
	if res, page := s.Do(s.Browser(), http.MethodGet, link, nil); res.StatusCode != http.StatusOK || !strings.Contains(page, done) ||
		!strings.Contains(page, `href="http://localhost:3000/"`) {
		t.Errorf("a link to what is confirmed: %d %.2000s", res.StatusCode, page)
	}
	if res, page := s.Do(s.Browser(), http.MethodGet, strings.Replace(link, "ticket=", "ticket=x", 1), nil); res.StatusCode != http.StatusBadRequest || strings.Contains(page, done) {
		t.Errorf("no link of a letter: %d %.2000s", res.StatusCode, page)
	}
	u, _, err := s.Tenant().UserByLogin(t.Context(), idptest.Connection, "new@example.com")
	if err == nil {
		_, err = s.Tenant().UpdateUser(t.Context(), u.ID, func(u *tenant.User) error { u.Email = "other@example.com"; return nil })
	}
	if err != nil {
		t.Fatal(err)
	}
	if res, page := s.Do(s.Browser(), http.MethodGet, link, nil); res.StatusCode != http.StatusBadRequest || strings.Contains(page, "@example.com") {
		t.Errorf("a link to an address of before: %d %.2000s", res.StatusCode, page)
	}
}
