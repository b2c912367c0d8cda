package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// cookieParts reads a Set-Cookie header by its parts, in small letters.
func cookieParts(raw string) (name string, parts map[string]bool) {
	parts = map[string]bool{}
	for i, part := range strings.Split(raw, ";") {
		if i == 0 {
			name, _, _ = strings.Cut(part, "=")
			continue
		}
		parts[strings.ToLower(strings.TrimSpace(part))] = true
	}
	return name, parts
}

// SES-02, SES-04: on https every cookie of the provider is bound to the host, no
// script reads it, and no cache keeps the answer that sets it.
func TestSES02_cookies(t *testing.T) {
	var mu sync.Mutex
	set := map[string]bool{}
	s := idptest.New(t, idptest.Config{TLS: true, Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			mu.Lock()
			defer mu.Unlock()
			for _, raw := range w.Header()["Set-Cookie"] {
				name, parts := cookieParts(raw)
				site := parts["samesite=none"] || parts["samesite=lax"] && name == "__Host-gate-device"
				if !strings.HasPrefix(name, "__Host-") || !parts["secure"] || !parts["httponly"] || !parts["path=/"] || !site || strings.Contains(strings.ToLower(raw), "domain=") {
					t.Errorf("%s %s: %s", r.Method, r.URL.Path, raw)
				}
				if !strings.Contains(w.Header().Get("Cache-Control"), "no-store") {
					t.Errorf("%s %s sets %s and may be kept: %q", r.Method, r.URL.Path, name, w.Header().Get("Cache-Control"))
				}
				if strings.HasPrefix(name, "__Host-gate_with_") { // one for each log-in
					name = "__Host-gate_with_"
				}
				set[name] = true
			}
		})
	}})
	s.AddUser("ada@example.com")
	if err := s.Tenant().Connections.Create(t.Context(), &tenant.Connection{
		ID: "con_github", Name: "github", Strategy: "github", EnabledClients: []string{idptest.SPA},
		Options: tenant.ConnectionOptions{ClientID: "Iv1.0a1b2c3d4e5f6071", ClientSecret: idptest.Secret},
	}); err != nil {
		t.Fatal(err)
	}
	browser := s.Browser()
	enter(t, s, browser, "ada@example.com")
	if res, body := s.Do(browser, http.MethodGet, "/authorize", authorization("connection", "github", "prompt", "login")); res.StatusCode != http.StatusFound {
		t.Errorf("to another provider: %d %.300s", res.StatusCode, body)
	}
	s.Do(browser, http.MethodGet, "/v2/logout", nil)
	s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"ada@example.com"}})
	s.Do(s.Browser(), http.MethodGet, letterLink(t, s), nil)
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.FirstParty = false })
	s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password) // as far as the question
	mu.Lock()
	defer mu.Unlock()
	for _, name := range []string{"__Host-gate_session", "__Host-gate_browser", "__Host-gate-device", "__Host-gate_with_"} {
		if !set[name] {
			t.Errorf("%s was not set: %v", name, set)
		}
	}
}

// SES-02: a cookie counts under its own name, and once. A page of a neighbouring
// host can set a second one, and one without the prefix.
func TestSES02_oneOfAName(t *testing.T) {
	s := idptest.New(t, idptest.Config{TLS: true})
	s.AddUser("ada@example.com")
	browser := s.Browser()
	enter(t, s, browser, "ada@example.com")
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	value := ""
	for _, c := range browser.Jar.Cookies(base) {
		if c.Name == "__Host-gate_session" {
			value = c.Value
		}
	}
	for header, want := range map[string]bool{
		"__Host-gate_session=" + value:                                    true,
		"__Host-gate_session=" + value + "; __Host-gate_session=x":        false,
		"__Host-gate_session=x; __Host-gate_session=" + value:             false,
		"__Host-gate_session=" + value + "; __Host-gate_session=" + value: false,
		"__host-gate_session=" + value:                                    false,
		"gate_session=" + value:                                           false,
		"__Secure-gate_session=" + value:                                  false,
		"__Host-gate_session=" + value[:len(value)-1]:                     false,
		"__Host-gate_session=" + value + "A":                              false,
		"__Host-gate_session=":                                            false,
	} {
		res, body := s.Do(s.Browser(), http.MethodGet, "/authorize", authorization("prompt", "none"), "Cookie", header)
		if got := answerOf(t, res, body).Has("code"); got != want {
			t.Errorf("%.60s…: logged in %v", header, got)
		}
	}
}

// LOG-09: a log-in makes a new session, and the one before it ends.
func TestLOG09_newSession(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	s.AddUser("mallory@example.com")
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	session := func(browser *http.Client) *http.Cookie {
		for _, c := range browser.Jar.Cookies(base) {
			if c.Name == "gate_session" {
				return c
			}
		}
		t.Fatal("no session")
		return nil
	}
	// The attacker has a session of their own, and puts it into the victim's browser.
	attacker := s.Browser()
	tokens := enter(t, s, attacker, "mallory@example.com")
	fixed := *session(attacker)
	victim := s.Browser()
	victim.Jar.SetCookies(base, []*http.Cookie{{Name: fixed.Name, Value: fixed.Value, Path: "/"}})
	enter(t, s, victim, "ada@example.com", "prompt", "login")
	if session(victim).Value == fixed.Value {
		t.Error("the session has the name of the one before")
	}
	if back := silent(t, s, attacker); back.Get("error") != "login_required" {
		t.Errorf("the attacker's session: %v", back)
	}
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden {
		t.Errorf("what was given out in it goes on: %v", body)
	}
	// The same person again: the cookie of before is good for nothing.
	before := *session(victim)
	enter(t, s, victim, "ada@example.com", "prompt", "login")
	old := s.Browser()
	old.Jar.SetCookies(base, []*http.Cookie{{Name: before.Name, Value: before.Value, Path: "/"}})
	if back := silent(t, s, old); back.Get("error") != "login_required" {
		t.Errorf("the session before: %v", back)
	}
	if !silent(t, s, victim).Has("code") {
		t.Error("the new session is none")
	}
}

// LOG-09: a session cookie that somebody made up beforehand logs nobody in.
func TestLOG09_fixedCookie(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	fixed := strings.Repeat("a", 43)
	browser := s.Browser()
	browser.Jar.SetCookies(base, []*http.Cookie{{Name: "gate_session", Value: fixed, Path: "/"}})
	res, body := s.Login(browser, authorization(), "ada@example.com", idptest.Password)
	if !answerOf(t, res, body).Has("code") {
		t.Fatal("no log-in")
	}
	attacker := s.Browser()
	attacker.Jar.SetCookies(base, []*http.Cookie{{Name: "gate_session", Value: fixed, Path: "/"}})
	res, _ = s.Do(attacker, http.MethodGet, "/authorize", authorization("prompt", "none"))
	if back := answerOf(t, res, ""); back.Get("error") != "login_required" {
		t.Errorf("%v", back)
	}
}

// Who begins a log-in and has somebody else end it gets nothing of it.
func TestIDP06_otherBrowser(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("victim@example.com")
	attacker, victim := s.Browser(), s.Browser()
	res, _ := s.Do(attacker, http.MethodGet, "/authorize", authorization())
	page := res.Header.Get("Location")
	if res, _ := s.Do(victim, http.MethodGet, page, nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("page of another browser: %d", res.StatusCode)
	}
	_, body := s.Do(attacker, http.MethodGet, page, nil)
	form := s.Fill(body, "username", "victim@example.com", "password", idptest.Password)
	// The victim has a browser cookie of its own.
	s.Do(victim, http.MethodGet, "/authorize", authorization())
	res, _ = s.Do(victim, http.MethodPost, "/u/login", form, "Origin", s.URL)
	if res.StatusCode != http.StatusBadRequest || len(res.Cookies()) > 0 {
		t.Errorf("form of another browser: %d %v", res.StatusCode, res.Cookies())
	}
	// SES-08: the right form, sent by another site.
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "http://evil.example"}, {"Origin", "null"}} {
		if res, _ := s.Do(attacker, http.MethodPost, "/u/login", form, header...); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: %d", header, res.StatusCode)
		}
	}
}

// SES-08: each form of the pages counts with the token of its browser and from
// this origin alone; the rest is answered before anything is done.
func TestSES08_forms(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
	s.AddUser("ada@example.com")
	browser := s.Browser()
	s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"ada@example.com"}})
	reset := letterLink(t, s)
	signUp(t, s, browser, "new@example.com")
	verify := linkIn(t, waitLetters(t, s, "new@example.com", 1)[0], "/u/email-verification?ticket=")
	res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
	where := res.Header.Get("Location")
	for path, page := range map[string]string{
		"/u/login": where, "/u/signup": strings.Replace(where, "/u/login", "/u/signup", 1), "/u/consent": where, "/u/confirm-email": where,
		"/u/reset-password/request": strings.Replace(where, "/u/login", "/u/reset-password/request", 1), "/u/reset-password": reset,
		"/u/email-verification": verify,
	} {
		_, body := s.Do(browser, http.MethodGet, page, nil)
		form := idptest.Hidden(body)
		for name, value := range map[string]string{
			"username": "ada@example.com", "email": "ada@example.com", "password": newPassword, "decision": "allow",
		} {
			form.Set(name, value)
		}
		forged := url.Values{}
		for name := range form {
			forged.Set(name, form.Get(name))
		}
		forged.Set("csrf", strings.Repeat("A", 43))
		for name, tt := range map[string]struct {
			form   url.Values
			header []string
		}{
			"another site":         {form, []string{"Origin", "https://evil.example"}},
			"another port":         {form, []string{"Origin", "http://localhost:1"}},
			"a neighbour":          {form, []string{"Origin", strings.Replace(s.URL, "localhost", "other.localhost", 1), "Sec-Fetch-Site", "same-site"}},
			"no origin":            {form, []string{"Origin", "null"}},
			"as the browser says":  {form, []string{"Sec-Fetch-Site", "cross-site"}},
			"a token made up":      {forged, []string{"Origin", s.URL}},
			"over another browser": {form, []string{"Origin", s.URL, "Cookie", "gate_browser=" + strings.Repeat("A", 43)}},
		} {
			by := browser
			if len(tt.header) == 4 && tt.header[2] == "Cookie" {
				by = s.Browser()
			}
			res, _ := s.Do(by, http.MethodPost, path, tt.form, tt.header...)
			if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || len(res.Cookies()) > 0 {
				t.Errorf("%s from %s: %d %q", path, name, res.StatusCode, res.Header.Get("Location"))
			}
		}
	}
	if n := len(types(t, s, "fp")) + len(types(t, s, "scp")) + len(types(t, s, "sv")); n > 0 {
		t.Errorf("%d entries in the log: something was done", n)
	}
}

// IDP-06: what a log-in is about is sealed. What a form says of it is not read.
func TestIDP06_hiddenFields(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	browser := s.Browser()
	res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
	state := strings.TrimPrefix(res.Header.Get("Location"), "/u/login?state=")
	_, page := s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
	form := idptest.Hidden(page)
	for name, value := range map[string]string{
		"username": "ada@example.com", "password": idptest.Password, "redirect_uri": "https://evil.example/cb", "client_id": idptest.Web,
		"scope": "openid delete:items", "state": state, "nonce": "evil", "code_challenge": strings.Repeat("A", 43),
	} {
		form.Set(name, value)
	}
	for i := range len(state) - 1 { // one letter of it is another
		if i%40 != 0 {
			continue
		}
		other := "A"
		if state[i] == 'A' {
			other = "B"
		}
		if res, _ := s.Do(browser, http.MethodGet, "/u/login?state="+state[:i]+other+state[i+1:], nil); res.StatusCode != http.StatusBadRequest {
			t.Errorf("a state that was changed at %d: %d", i, res.StatusCode)
		}
	}
	res, body := s.Do(browser, http.MethodPost, "/u/login", form, "Origin", s.URL)
	back := answerOf(t, res, body)
	if back.Get("state") != "st==" {
		t.Errorf("%v", back)
	}
	_, tokens := exchange(s, back.Get("code"))
	id := claimsMap(t, tokens["id_token"])
	if id["nonce"] != "n1" || id["aud"] != idptest.SPA || strings.Contains(claims(t, tokens["access_token"]), "delete:items") {
		t.Errorf("%v", id)
	}
}

// IDP-06: the page of an hour ago is over.
func TestIDP06_old(t *testing.T) {
	s, now := withClock(t)
	s.AddUser("ada@example.com")
	browser := s.Browser()
	res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
	page := res.Header.Get("Location")
	now.turn(59 * time.Minute)
	if res, _ := s.Do(browser, http.MethodGet, page, nil); res.StatusCode != http.StatusOK {
		t.Errorf("after 59 minutes: %d", res.StatusCode)
	}
	now.turn(2 * time.Minute)
	if res, _ := s.Do(browser, http.MethodGet, page, nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("after 61 minutes: %d", res.StatusCode)
	}
}

// A browser that comes by a link gets one cookie, the one that its form answers.
func TestSES_oneBrowserCookie(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	browser := s.Browser()
	res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
	_, page := s.Do(browser, http.MethodGet, strings.Replace(res.Header.Get("Location"), "/u/login?", "/u/reset-password/request?", 1), nil)
	form := idptest.Hidden(page)
	form.Set("username", "ada@example.com")
	s.Do(browser, http.MethodPost, "/u/reset-password/request", form, "Origin", s.URL)
	link := linkIn(t, waitLetters(t, s, "ada@example.com", 1)[0], "/u/reset-password?ticket=")
	phone := s.Browser()
	res, page = s.Do(phone, http.MethodGet, link, nil)
	given := 0
	for _, c := range res.Cookies() {
		if strings.HasSuffix(c.Name, "gate_browser") {
			given++
		}
	}
	if given != 1 {
		t.Errorf("%d cookies", given)
	}
	form = idptest.Hidden(page)
	form.Set("password", newPassword)
	if res, body := s.Do(phone, http.MethodPost, "/u/reset-password", form, "Origin", s.URL); res.StatusCode != http.StatusOK {
		t.Errorf("%d %.500s", res.StatusCode, body)
	}
}

// A tenant whose browsers forget a session when they are closed sends it without an
// end.
func TestSession_cookieMode(t *testing.T) {
	for mode, forgets := range map[string]bool{"": false, "persistent": false, "non-persistent": true} {
		s := idptest.New(t, idptest.Config{})
		s.AddUser("ada@example.com")
		if _, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error {
			if mode != "" {
				set.SessionCookie = &tenant.SessionCookie{Mode: mode}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		jar := &seenCookies{}
		browser := s.Browser()
		jar.CookieJar, browser.Jar = browser.Jar, jar
		enter(t, s, browser, "ada@example.com")
		if got := jar.last["gate_session"]; got == nil || got.Value == "" || (got.MaxAge == 0 && got.Expires.IsZero()) != forgets {
			t.Errorf("%q: %v", mode, got)
		}
	}
}

// seenCookies keeps cookies as they were sent.
type seenCookies struct {
	http.CookieJar
	last map[string]*http.Cookie
}

func (s *seenCookies) SetCookies(u *url.URL, cookies []*http.Cookie) {
	if s.last == nil {
		s.last = map[string]*http.Cookie{}
	}
	for _, c := range cookies {
		s.last[c.Name] = c
	}
	s.CookieJar.SetCookies(u, cookies)
}
