package idp_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// IDP-12: a log-in that is wished for anew happens, and the token says when; one
// that is called off changes nothing.
func TestIDP12_authTime(t *testing.T) {
	s, now := withClock(t)
	s.AddUser("ada@example.com")
	at := func(tokens map[string]any) time.Time {
		t.Helper()
		seconds, ok := claimsMap(t, tokens["id_token"])["auth_time"].(float64)
		if !ok {
			t.Fatalf("no auth_time: %s", claims(t, tokens["id_token"]))
		}
		return time.Unix(int64(seconds), 0)
	}
	quietly := func(more ...string) map[string]any {
		t.Helper()
		_, tokens := exchange(s, silent(t, s, s.HTTP, more...).Get("code"))
		return tokens
	}
	began := now.now()
	if got := at(enter(t, s, s.HTTP, "ada@example.com")); !got.Equal(began) {
		t.Errorf("auth_time %v, want %v", got, began)
	}
	// In the millisecond of that log-in, too, which may not have been for this request.
	for _, more := range [][]string{{"prompt", "login"}, {"max_age", "0"}} {
		if res, _ := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization(more...)); !strings.HasPrefix(res.Header.Get("Location"), "/u/login") {
			t.Errorf("%v at once: %q", more, res.Header.Get("Location"))
		}
	}
	now.turn(time.Minute)
	for _, more := range [][]string{{"prompt", "login"}, {"prompt", "select_account"}, {"max_age", "0"}, {"max_age", "30"}} {
		res, _ := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization(more...))
		if !strings.HasPrefix(res.Header.Get("Location"), "/u/login") {
			t.Errorf("%v: %q", more, res.Header.Get("Location"))
		}
		if more[0] == "max_age" {
			if back := silent(t, s, s.HTTP, more...); back.Get("error") != "login_required" {
				t.Errorf("%v, silently: %v", more, back)
			}
		}
		// The page was left: the session is what it was.
		if got := at(quietly("max_age", "90")); !got.Equal(began) {
			t.Errorf("%v, called off: auth_time %v, want %v", more, got, began)
		}
	}
	if got := at(enter(t, s, s.HTTP, "ada@example.com", "max_age", "0")); !got.Equal(now.now()) {
		t.Errorf("auth_time %v, want %v", got, now.now())
	}
	if got := at(quietly()); !got.Equal(now.now()) {
		t.Errorf("auth_time %v afterwards, want %v", got, now.now())
	}
}

// IDP-10: what answers a form sends the browser on by GET, so that no password
// is posted on to the client.
func TestIDP10_nothingIsPostedOn(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	see := func(name string, res *http.Response) {
		t.Helper()
		if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), idptest.Callback) {
			t.Errorf("%s: %d %q", name, res.StatusCode, res.Header.Get("Location"))
		}
	}
	browser := s.Browser()
	res, _ := s.Login(browser, authorization(), "ada@example.com", idptest.Password)
	see("log-in", res)
	res, _ = s.Do(browser, http.MethodPost, "/authorize", authorization())
	see("a request that is posted", res)
	res, _ = s.Do(browser, http.MethodPost, "/authorize", authorization("response_mode", "smoke"))
	see("an error", res)
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.FirstParty = false })
	for _, decision := range []string{"deny", "allow"} {
		page, _ := asks(t, s, browser, authorization())
		res, _ = decide(s, browser, page, decision)
		see(decision, res)
	}
}

// SES-03: a session ends after three days without use, and after seven in all.
func TestSES03_lives(t *testing.T) {
	for name, tt := range map[string]struct {
		life, idle float64 // hours, of the settings
		step       time.Duration
		good       int
	}{
		"idle":     {0, 0, 73 * time.Hour, 0},
		"in all":   {0, 0, 48 * time.Hour, 3},
		"settings": {2, 1, 50 * time.Minute, 2},
		"shorter":  {2, 1, 61 * time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, now := withClock(t)
			s.AddUser("ada@example.com")
			if _, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error {
				set.SessionLifetime, set.IdleSessionLifetime = tt.life, tt.idle
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			enter(t, s, s.HTTP, "ada@example.com")
			good := 0
			for range 6 {
				now.turn(tt.step)
				if !silent(t, s, s.HTTP).Has("code") {
					break
				}
				good++
			}
			if good != tt.good {
				t.Errorf("good for %d times, want %d", good, tt.good)
			}
		})
	}
}

// PWD-11: a log-in that began before everything of a person was ended makes
// nothing afterwards: no session, no code, no refresh token.
func TestPWD11_nothingFromBefore(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	u := s.AddUser("ada@example.com")
	end := time.Now().Add(time.Hour)
	creators := map[string]func(epoch int64) error{
		"session": func(epoch int64) error {
			return s.Tenant().CreateSession(t.Context(), secret.Text(), &tenant.Session{
				ID: tenant.NewGrantID(), UserID: u.ID, Epoch: epoch, IdleExpiresAt: end, ExpiresAt: end,
			})
		},
		"code": func(epoch int64) error {
			return s.Tenant().CreateToken(t.Context(), secret.Text(), tenant.Token{Kind: tenant.CodeToken, UserID: u.ID, ExpiresAt: end, Epoch: &epoch})
		},
		"opaque token": func(epoch int64) error {
			return s.Tenant().CreateToken(t.Context(), secret.Text(), tenant.Token{Kind: tenant.OpaqueToken, UserID: u.ID, ExpiresAt: end, Epoch: &epoch})
		},
		"refresh token": func(epoch int64) error {
			_, err := s.Tenant().CreateFamily(t.Context(), &tenant.Family{ID: tenant.NewGrantID(), UserID: u.ID, ClientID: idptest.SPA, Epoch: epoch})
			return err
		},
	}
	for name, f := range creators {
		if err := f(u.Epoch); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Tenant().EndAll(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	for name, f := range creators {
		if err := f(u.Epoch); !errors.Is(err, tenant.ErrEnded) {
			t.Errorf("%s from before: %v", name, err)
		}
	}
}

// PWD-11, IDP-21: tokens that were given out before a new password are good at no
// endpoint of ours, nor are those of somebody who is blocked or gone.
func TestPWD11_tokensOfBefore(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *idptest.Server, *tenant.User){
		"a new password": func(t *testing.T, s *idptest.Server, u *tenant.User) {
			t.Helper()
			s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {u.Email}})
			if status, body := press(s, s.Browser(), letterLink(t, s), "/u/reset-password", "password", newPassword); status != http.StatusOK {
				t.Fatalf("%d %.300s", status, body)
			}
		},
		"blocked": func(t *testing.T, s *idptest.Server, u *tenant.User) {
			t.Helper()
			if _, err := s.Tenant().UpdateUser(t.Context(), u.ID, func(u *tenant.User) error { u.Blocked = true; return nil }); err != nil {
				t.Fatal(err)
			}
		},
		"removed": func(t *testing.T, s *idptest.Server, u *tenant.User) {
			t.Helper()
			if err := s.Tenant().DeleteUser(t.Context(), u.ID); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := withClock(t)
			u := s.AddUser("ada@example.com")
			token := func(audience string) string {
				t.Helper()
				res, body := s.Login(s.Browser(), web("audience", audience, "scope", "openid read:current_user"), "ada@example.com", idptest.Password)
				_, tokens := exchange(s, answerOf(t, res, body).Get("code"), "client_id", idptest.Web, "client_secret", idptest.Secret)
				text, _ := tokens["access_token"].(string)
				return text
			}
			jwt, opaque, own := token(idptest.Audience), token(""), token(s.Issuer()+"api/v2/")
			good := func() (out []string) {
				t.Helper()
				for name, text := range map[string]string{"JWT": jwt, "opaque": opaque} {
					if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+text); res.StatusCode == http.StatusOK {
						out = append(out, "userinfo with "+name)
					}
					_, body := s.Do(s.HTTP, http.MethodPost, "/oauth/introspect", url.Values{"client_id": {idptest.Web}, "client_secret": {idptest.Secret}, "token": {text}})
					if s.JSON(body)["active"] != false {
						out = append(out, "introspection of "+name)
					}
				}
				if status, _ := manage(t, s, own, http.MethodGet, "users/"+url.PathEscape(u.ID), ""); status == http.StatusOK {
					out = append(out, "Management API")
				}
				return out
			}
			if got := good(); len(got) != 5 {
				t.Fatalf("before: %v", got)
			}
			end(t, s, u) // within the second of the tokens
			if got := good(); len(got) > 0 {
				t.Errorf("they go on: %v", got)
			}
		})
	}
}

// LOG-13, IDP-13: who was removed is nobody at every door, and whoever comes
// under the same address is somebody else.
func TestLOG13_removed(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	before := s.AddUser("ada@example.com", "menu-admin")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	opaque := enter(t, s, s.HTTP, "ada@example.com", "audience", "", "prompt", "login")
	res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("prompt", "none"))
	code := answerOf(t, res, body).Get("code")
	if err := s.Tenant().DeleteUser(t.Context(), before.ID); err != nil {
		t.Fatal(err)
	}
	after := s.AddUser("ada@example.com")
	if after.ID == before.ID {
		t.Fatal("an ID was given out twice")
	}
	if back := silent(t, s, s.HTTP); back.Get("error") != "login_required" {
		t.Errorf("the session: %v", back)
	}
	if res, got := exchange(s, code); res.StatusCode != http.StatusForbidden {
		t.Errorf("the code: %d %v", res.StatusCode, got)
	}
	for name, t1 := range map[string]map[string]any{"JWT": tokens, "opaque": opaque} {
		if res, got := refresh(s, t1["refresh_token"]); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s: the refresh token: %d %v", name, res.StatusCode, got)
		}
		if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+t1["access_token"].(string)); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: userinfo: %d", name, res.StatusCode)
		}
	}
	if got := claims(t, enter(t, s, s.HTTP, "ada@example.com")["access_token"]); strings.Contains(got, before.ID) || strings.Contains(got, "create:items") {
		t.Errorf("the new one has what the old one had: %s", got)
	}
}

func TestIDP19_logout(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	loggedIn := func() bool {
		res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("prompt", "none"))
		return answerOf(t, res, body).Has("code")
	}
	// A picture on another page.
	s.Do(s.HTTP, http.MethodGet, "/v2/logout", nil, "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image")
	s.Do(s.HTTP, http.MethodGet, "/oidc/logout", nil)
	if !loggedIn() {
		t.Fatal("somebody else logged the person out")
	}
	for _, where := range []string{"http://evil.example/", "javascript:alert(1)", "http://localhost:3000.evil.example/", "//evil.example", "http://localhost:3000@evil.example/"} {
		res, body := s.Do(s.HTTP, http.MethodGet, "/v2/logout", url.Values{"client_id": {idptest.SPA}, "returnTo": {where}})
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || !strings.Contains(body, "Allowed Logout URLs") {
			t.Errorf("%s: %d %q", where, res.StatusCode, res.Header.Get("Location"))
		}
		res, _ = s.Do(s.HTTP, http.MethodGet, "/oidc/logout", url.Values{"client_id": {idptest.SPA}, "post_logout_redirect_uri": {where}})
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
			t.Errorf("OIDC %s: %d %q", where, res.StatusCode, res.Header.Get("Location"))
		}
	}
	res, _ := s.Do(s.HTTP, http.MethodGet, "/oidc/logout", url.Values{
		"id_token_hint": {tokens["id_token"].(string)}, "post_logout_redirect_uri": {idptest.LogoutURL}, "state": {"s1"},
	})
	if res.Header.Get("Location") != idptest.LogoutURL+"?state=s1" {
		t.Errorf("with a hint: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	if loggedIn() {
		t.Error("still logged in")
	}
	if res, _ := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden {
		t.Error("the refresh token of the session goes on")
	}
}

func TestOTP_reset(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	res, body := s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
		"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"ada@example.com"},
	}, "Host", "evil.example", "X-Forwarded-Host", "evil.example")
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "We've just sent you an email") {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	link := letterLink(t, s)
	if !strings.HasPrefix(link, s.URL+"/") { // OTP-06
		t.Fatalf("link %q", link)
	}
	browser := s.Browser()
	for range 3 { // OTP-03
		_, body = s.Do(browser, http.MethodGet, link, nil)
	}
	form := s.Fill(body, "password", "short")
	if res, _ := s.Do(browser, http.MethodPost, "/u/reset-password", form, "Origin", s.URL); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a weak password: %d", res.StatusCode)
	}
	form.Set("password", "Oak-Lantern-Reed-07")
	if res, body := s.Do(browser, http.MethodPost, "/u/reset-password", form, "Origin", s.URL); res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	if res, _ := s.Do(browser, http.MethodPost, "/u/reset-password", form, "Origin", s.URL); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a link twice: %d", res.StatusCode)
	}
	if res, _ := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden { // OTP-07
		t.Error("the refresh token goes on after a reset")
	}
	res, _ = s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("prompt", "none"))
	if answerOf(t, res, "").Has("code") {
		t.Error("the session goes on after a reset")
	}
	res, body = s.Login(s.Browser(), authorization(), "ada@example.com", "Oak-Lantern-Reed-07")
	if !answerOf(t, res, body).Has("code") {
		t.Error("the new password is of no use")
	}
}

func TestLOG16_databaseAway(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	browser := s.Browser() // is at the page when it happens: clients are remembered for a moment alone
	res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
	_, page := s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
	form := s.Fill(page, "username", "ada@example.com", "password", idptest.Password)
	if err := s.DB.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/openid-configuration"} {
		if res, _ := s.Do(s.HTTP, http.MethodGet, path, nil); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	for _, answer := range []func() int{
		func() int {
			res, _ := s.Do(browser, http.MethodPost, "/u/login", form, "Origin", s.URL)
			return res.StatusCode
		},
		func() int { res, _ := refresh(s, tokens["refresh_token"]); return res.StatusCode },
		func() int {
			res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+tokens["access_token"].(string))
			return res.StatusCode
		},
	} {
		if status := answer(); status < 500 {
			t.Errorf("without a database: %d", status)
		}
	}
}
