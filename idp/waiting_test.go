package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// Whoever lost the letter gets another one: at the log-in, and when the password
// is what they think they forgot.
func TestSignup_lostLetter(t *testing.T) {
	const email, path = "new+menu@example.com", "/u/email-verification?ticket="
	const application = "reset of an application"
	for name, again := range map[string]func(s *idptest.Server, browser *http.Client){
		"log-in": func(s *idptest.Server, browser *http.Client) {
			_, page := s.Login(browser, authorization(), email, newPassword)
			res, page := s.Do(browser, http.MethodPost, "/u/confirm-email", idptest.Hidden(page), "Origin", s.URL)
			if res.StatusCode != http.StatusOK || !strings.Contains(page, "Confirm your e-mail address") {
				t.Errorf("%d %.300s", res.StatusCode, page)
			}
		},
		"reset": func(s *idptest.Server, browser *http.Client) {
			res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
			where := strings.Replace(res.Header.Get("Location"), "/u/login", "/u/reset-password/request", 1)
			_, page := s.Do(browser, http.MethodGet, where, nil)
			s.Do(browser, http.MethodPost, "/u/reset-password/request", s.Fill(page, "username", email), "Origin", s.URL)
		},
		application: func(s *idptest.Server, _ *http.Client) {
			s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
				"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {email},
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
			browser := s.Browser()
			if name == application {
				signUpAPI(s, "email", email, "password", newPassword)
			} else {
				signUp(t, s, browser, email)
			}
			first := linkIn(t, waitLetters(t, s, email, 1)[0], path)
			again(s, browser)
			link := ""
			for _, letter := range waitLetters(t, s, email, 2) {
				if found := linkIn(t, letter, path); found != first {
					link = found
				}
			}
			status, page := press(s, browser, link, "/u/email-verification")
			if name == application { // the password was chosen in no browser that is known: another one is
				if status != http.StatusSeeOther {
					t.Errorf("the second letter: %d %.500s", status, page)
				}
				return
			}
			if status != http.StatusOK {
				t.Errorf("the second letter: %d %.500s", status, page)
			}
			if res, _ := s.Do(browser, http.MethodGet, first, nil); res.StatusCode != http.StatusBadRequest {
				t.Errorf("the first letter: %d", res.StatusCode)
			}
			if res, body := s.Login(browser, authorization(), email, newPassword); !answerOf(t, res, body).Has("code") {
				t.Error("no log-in afterwards")
			}
		})
	}
}

// LOG-02: who signs up with an address of others, and logs in with the password
// they chose, learns nothing about it: not by the page, and not by "send again".
func TestLOG02_waiting(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
	emails := append([]string{"other@example.com"}, strangers(t, s)...)
	for _, email := range emails {
		signUpAPI(s, "email", email, "password", newPassword) // an application: the log-in is in another browser
		waitLetters(t, s, email, 1)
	}
	want := map[string]surface{}
	for _, email := range emails {
		for name, tt := range map[string]struct {
			got    surface
			status int
		}{
			"chosen":         {postPage(s, "/u/login", email, newPassword), http.StatusOK},
			"wrong":          {postPage(s, "/u/login", email, newPassword+"x"), http.StatusBadRequest},
			"password grant": {surface{Status: tryPassword(s, "", email, newPassword)}, http.StatusForbidden},
		} {
			if _, ok := want[name]; !ok {
				want[name] = tt.got
			}
			if diff := cmp.Diff(want[name], tt.got); diff != "" || tt.got.Status != tt.status {
				t.Errorf("%s of %s: %d\n%s", name, email, tt.got.Status, diff)
			}
		}
	}
	nobody := postPage(s, "/u/login", "nobod@example.com", newPassword+"x")
	if diff := cmp.Diff(nobody, want["wrong"]); diff != "" {
		t.Errorf("a wrong password where something waits is not as where nothing does:\n%s", diff)
	}
	// The letters to an owner do nothing.
	for _, letter := range lettersTo(t, s, "known@example.com") {
		if strings.Contains(letter, "ticket=") {
			t.Error("the letter to the owner has a link that does something")
		}
	}
	if res, body := s.Login(s.Browser(), authorization(), "known@example.com", idptest.Password); !answerOf(t, res, body).Has("code") {
		t.Error("the owner cannot log in")
	}
}

// LOG-03: the password of a sign-up that waits is no way around the counter of
// guesses, neither of those at it nor of those at an account.
func TestLOG03_waiting(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
	s.AddUser("known@example.com")
	for _, email := range []string{"known@example.com", "other@example.com"} {
		signUp(t, s, s.Browser(), email)
		waitLetters(t, s, email, 1)
		status := 0
		for range 20 {
			postPage(s, "/u/login", email, newPassword)
			if status = postPage(s, "/u/login", email, "wrong password").Status; status == http.StatusTooManyRequests {
				break
			}
		}
		if status != http.StatusTooManyRequests {
			t.Errorf("%s: %d after forty tries", email, status)
		}
		if got := postPage(s, "/u/login", email, newPassword).Status; got != http.StatusTooManyRequests {
			t.Errorf("%s: the chosen password after too many tries: %d", email, got)
		}
	}
}

// An owner who was given an account and has not confirmed the address gets the
// letter that does it, whoever signed up with it in the meantime.
func TestSignup_unconfirmedOwner(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
	u := s.AddUser("ada@example.com")
	if _, err := s.Tenant().UpdateUser(t.Context(), u.ID, func(u *tenant.User) error { u.EmailVerified = false; return nil }); err != nil {
		t.Fatal(err)
	}
	signUp(t, s, s.Browser(), u.Email)
	waitLetters(t, s, u.Email, 1)
	browser := s.Browser()
	_, page := s.Login(browser, authorization(), u.Email, idptest.Password)
	waitLetters(t, s, u.Email, 2)
	s.Do(browser, http.MethodPost, "/u/confirm-email", idptest.Hidden(page), "Origin", s.URL)
	links := 0
	for _, letter := range waitLetters(t, s, u.Email, 3) {
		if strings.Contains(letter, "/u/email-verification?ticket=") {
			links++
		}
	}
	if links != 2 {
		t.Errorf("%d letters confirm the address, want 2", links)
	}
}
