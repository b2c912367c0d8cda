package idp_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// The language that an application asks for goes on where no request leads on:
// behind the link of a letter in whatever browser it is opened, to the letter
// that comes then, and to the page after the log-out.
func TestLanguage_goesOn(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	german := func(what, page string, want bool) {
		t.Helper()
		if got := strings.Contains(page, `<html lang="de"`); got != want {
			t.Errorf("%s: German %t, want %t: %.300s", what, got, want, page)
		}
	}
	browser := s.Browser()
	res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization("screen_hint", "reset-password", "ui_locales", "de"))
	_, page := s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
	german("the page that asks", page, true)
	form := idptest.Hidden(page)
	form.Set("username", "ada@example.com")
	s.Do(browser, http.MethodPost, "/u/reset-password/request", form, "Origin", s.URL)

	elsewhere := s.Browser()
	_, page = s.Do(elsewhere, http.MethodGet, letterLink(t, s), nil)
	german("the page behind the link", page, true)
	const action = "/u/reset-password?ui_locales=de"
	if !strings.Contains(page, `action="`+action+`"`) {
		t.Errorf("the form forgets the language: %.3000s", page)
	}
	_, page = s.Do(elsewhere, http.MethodPost, action, s.Fill(page, "password", newPassword), "Origin", s.URL)
	german("the page after it", page, true)
	lettersOf(t, s, "ada@example.com", "Alle anderen Ger") // waits for the letter about the new password

	_, page = s.Do(browser, http.MethodGet, "/oidc/logout", nil)
	german("the page after the log-out", page, true)
	_, page = s.Do(browser, http.MethodGet, "/u/login?state=nonsense", nil)
	german("an error", page, true)

	res, _ = s.Do(browser, http.MethodGet, "/authorize", authorization())
	s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
	_, page = s.Do(browser, http.MethodGet, "/oidc/logout", nil)
	german("the page after the next log-in, which asked for none", page, false)
}

// Pages of no log-in are there in the other languages, and what cannot stand in
// a link leaves them out; pages of errors repeat no address.
func TestLanguage_links(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	for path, want := range map[string]bool{
		"/oidc/logout": true, "/authorize?client_id=nobody": false, "/u/login?state=x": false,
		`/authorize?client_id=\`: false, "/nothing": false, "//evil.example/": false, "/login/callback/x?state=y": false,
	} {
		res, page := s.Do(s.Browser(), http.MethodGet, path, nil, "Accept", "text/html")
		if got := strings.Contains(page, `hreflang="de"`); got != want || res.StatusCode >= 500 || strings.Contains(page, "//evil.example") {
			t.Errorf("%s: %d, links %t, want %t: %.300s", path, res.StatusCode, got, want, page)
		}
	}
}

// A developer reads the command with the values of the request.
func TestLogout_command(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Development = true }})
	_, page := s.Do(s.Browser(), http.MethodGet, "/oidc/logout?client_id="+idptest.SPA+"&post_logout_redirect_uri=http://localhost:1234/", nil)
	if want := "<pre>gate idp client update " + idptest.SPA + " --logout-url &#39;http://localhost:1234/&#39;</pre>"; !strings.Contains(strings.NewReplacer(`<span class="word">`, "", "</span>", "", ` tabindex="0"`, "").Replace(page), want) {
		t.Errorf("no %s in %.4000s", want, page)
	}
	_, page = s.Do(s.Browser(), http.MethodGet, "/oidc/logout?client_id="+idptest.SPA, nil)
	if !strings.Contains(page, `href="http://localhost:3000/"`) {
		t.Errorf("nothing leads to the application: %.4000s", page)
	}
}

// tongueOf returns the link of a page to itself in another language.
func tongueOf(t *testing.T, page, language string) string {
	t.Helper()
	m := regexp.MustCompile(`<a href="([^"]*)" lang="` + language + `" hreflang`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no link to %s: %.3000s", language, page)
	}
	return html.UnescapeString(m[1])
}

// Pages that came of a form are there in the other languages, too: what somebody is
// asked to allow, and that a letter was sent. They do nothing but say it again, in
// the browser that they were for.
func TestLanguage_afterForms(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
	s.AddUser("ada@example.com", "menu-admin")
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.FirstParty = false })
	consents := s.Browser()
	_, consent := s.Login(consents, authorization("scope", "openid create:items"), "ada@example.com", idptest.Password)
	signups := s.Browser()
	_, confirm := signUp(t, s, signups, "new@example.com")
	forgets := s.Browser()
	res, _ := s.Do(forgets, http.MethodGet, "/authorize", authorization("screen_hint", "reset-password"))
	_, ask := s.Do(forgets, http.MethodGet, res.Header.Get("Location"), nil)
	_, forgot := s.Do(forgets, http.MethodPost, "/u/reset-password/request", s.Fill(ask, "username", "ada@example.com"), "Origin", s.URL)
	waitLetters(t, s, "ada@example.com", 1)
	waitLetters(t, s, "new@example.com", 1)
	for name, tt := range map[string]struct {
		browser *http.Client
		page    string
		says    string
	}{
		"consent":        {consents, consent, "create:items"},
		"confirm e-mail": {signups, confirm, "new@example.com"},
		"forgot":         {forgets, forgot, "ada@example.com"},
	} {
		german := tongueOf(t, tt.page, "de")
		res, page := s.Do(tt.browser, http.MethodGet, german, nil)
		if res.StatusCode != http.StatusOK || !strings.Contains(page, `<html lang="de"`) || !strings.Contains(page, tt.says) {
			t.Errorf("%s in German: %d %.1000s", name, res.StatusCode, page)
			continue
		}
		if _, page := s.Do(tt.browser, http.MethodGet, tongueOf(t, page, "fr"), nil); !strings.Contains(page, `<html lang="fr"`) {
			t.Errorf("%s, and on to French: %.1000s", name, page)
		}
		if res, page := s.Do(s.Browser(), http.MethodGet, german, nil); res.StatusCode == http.StatusOK || strings.Contains(page, tt.says) {
			t.Errorf("%s in another browser: %d %.1000s", name, res.StatusCode, page)
		}
		if name == "consent" {
			if res, body := decide(s, tt.browser, page, "allow"); !answerOf(t, res, body).Has("code") {
				t.Error("the German consent does not count")
			}
			if res, _ := s.Do(tt.browser, http.MethodGet, "/u/consent?state="+idptest.Hidden(ask).Get("state"), nil); res.StatusCode == http.StatusOK {
				t.Error("a request of another browser shows a consent")
			}
		}
	}
	if got := len(lettersTo(t, s, "ada@example.com")) + len(lettersTo(t, s, "new@example.com")); got != 2 {
		t.Errorf("%d letters", got)
	}
	// A request for which nothing was sent shows no such page.
	for _, path := range []string{"/u/confirm-email", "/u/reset-password/sent", "/u/consent"} {
		if res, _ := s.Do(forgets, http.MethodGet, path+"?state="+idptest.Hidden(ask).Get("state"), nil); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s of nothing: %d", path, res.StatusCode)
		}
	}
}

// The page after a log-out speaks of other devices where there are some, and of a
// session that ended where one did.
func TestLoggedOut_others(t *testing.T) {
	const others, ended = "Other devices", "Session ended"
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	s.AddUser("ben@example.com")
	first, second := s.Browser(), s.Browser()
	tokens := enter(t, s, first, "ada@example.com")
	hint := enter(t, s, second, "ada@example.com")["id_token"].(string)
	enter(t, s, s.Browser(), "ben@example.com")
	page := func(browser *http.Client, hint any) string {
		_, page := s.Do(browser, http.MethodGet, "/oidc/logout", url.Values{"id_token_hint": {hint.(string)}})
		if !strings.Contains(page, "You are logged out") {
			t.Fatalf("%.1000s", page)
		}
		return page
	}
	if got := page(first, tokens["id_token"]); !strings.Contains(got, others) || !strings.Contains(got, ended) {
		t.Errorf("one of two: %.3000s", got)
	}
	if got := page(second, hint); strings.Contains(got, others) || !strings.Contains(got, ended) {
		t.Errorf("the last one: %.3000s", got)
	}
	if got := page(second, hint); strings.Contains(got, others) || strings.Contains(got, ended) {
		t.Errorf("nobody was logged in: %.3000s", got)
	}
}
