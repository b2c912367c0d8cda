package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/jose"
)

// LOG-16: while the database is away, access tokens go on working at APIs, also at
// one that starts just then; log-in and refresh say 503 and when to come again, and
// nothing is counted against anybody. Once it is back the same page and the same
// tokens go on.
func TestLOG16_awayAndBack(t *testing.T) {
	eachPlace(t, func(t *testing.T, where string) {
		m := &mortal{}
		s := idptest.New(t, idptest.Config{DB: mustOver(t, m, mustOpen(t, where))})
		s.AddUser("ada@example.com")
		tokens := enter(t, s, s.HTTP, "ada@example.com")
		bearer := "Bearer " + tokens["access_token"].(string)
		early := newAPI(t, s, nil)
		browser := s.Browser()
		res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
		_, page := s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
		form := s.Fill(page, "username", "ada@example.com", "password", idptest.Password)
		logIn := func() (*http.Response, string) {
			return s.Do(browser, http.MethodPost, "/u/login", form, "Origin", s.URL)
		}

		m.leave()
		late := newAPI(t, s, nil)
		for name, api := range map[string]*jose.Verifier{"an API": early, "one that starts now": late} {
			if _, err := api.Verify(t.Context(), tokens["access_token"].(string)); err != nil {
				t.Errorf("%s refuses a token: %v", name, err)
			}
		}
		for range 12 { // more often than a password may be wrong
			res, body := logIn()
			if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Location") != "" || !strings.Contains(body, "<html") {
				t.Fatalf("log-in: %d %.300s", res.StatusCode, body)
			}
		}
		for name, ask := range map[string]func() (*http.Response, string){
			"refresh": func() (*http.Response, string) {
				return s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {idptest.SPA}, "refresh_token": {tokens["refresh_token"].(string)}})
			},
			"userinfo": func() (*http.Response, string) {
				return s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", bearer)
			},
			"password": func() (*http.Response, string) {
				return s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
					"grant_type": {"http://auth0.com/oauth/grant-type/password-realm"}, "realm": {idptest.Connection}, "client_id": {idptest.Web},
					"client_secret": {idptest.Secret}, "username": {"ada@example.com"}, "password": {idptest.Password},
				})
			},
		} {
			res, body := ask()
			if got := s.JSON(body); res.StatusCode != http.StatusServiceUnavailable || got["error"] != "temporarily_unavailable" ||
				res.Header.Get("Retry-After") == "" || strings.Contains(body, "reset by peer") {
				t.Errorf("%s: %d %v %s", name, res.StatusCode, res.Header, body)
			}
		}
		if res, _ := s.Do(s.HTTP, http.MethodGet, "/healthz", nil); res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("health: %d", res.StatusCode)
		}

		m.comeBack()
		res, body := logIn()
		if !answerOf(t, res, body).Has("code") {
			t.Errorf("log-in, once it is back: %d", res.StatusCode)
		}
		if res, body := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", bearer); res.StatusCode != http.StatusOK {
			t.Errorf("userinfo, once it is back: %d %s", res.StatusCode, body)
		}
		if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusOK {
			t.Errorf("refresh, once it is back: %d %v", res.StatusCode, body)
		}
		if !silent(t, s, s.HTTP).Has("code") {
			t.Error("the session is over")
		}
	})
}
