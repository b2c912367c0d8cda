package idp_test

import (
	"fmt"
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

// No page is an end: after a new password, a confirmed address and a log-in that
// is lost there is a way back to the application, to where it or the tenant says.
func TestPages_leadOn(t *testing.T) {
	const app, tenantHome = "https://app.example/login", "https://home.example/"
	for name, tt := range map[string]struct {
		initiate, home string
		want           string // with a client
	}{
		"nobody says":     {"", "", "http://localhost:3000/"},
		"the application": {app, "", app},
		"the tenant":      {"", tenantHome, tenantHome},
		"both":            {app, tenantHome, app},
	} {
		t.Run(name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
			s.AddUser("ada@example.com")
			setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.InitiateLoginURI = tt.initiate })
			if _, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error { set.DefaultRedirectionURI = tt.home; return nil }); err != nil {
				t.Fatal(err)
			}
			leads := func(what, page, to string) {
				t.Helper()
				if has := strings.Contains(page, `href="`+to+`"`); to != "" && !has {
					t.Errorf("%s does not lead to %s: %.2500s", what, to, page)
				}
				if strings.Contains(page, "evil.example") {
					t.Errorf("%s leads where the request says", what)
				}
			}
			browser := s.Browser()
			signUp(t, s, browser, "new@example.com")
			link := linkIn(t, waitLetters(t, s, "new@example.com", 1)[0], "/u/email-verification?ticket=")
			_, page := press(s, browser, strings.TrimSuffix(link, "#")+"&result_url=https://evil.example/", "/u/email-verification")
			leads("a confirmed address", page, tt.want)
			french := regexp.MustCompile(`href="([^"]+)"[^>]* hreflang="fr"`).FindStringSubmatch(page)
			if french == nil {
				t.Fatalf("a confirmed address speaks no other language: %.4000s", page)
			}
			for _, again := range []string{link, html.UnescapeString(french[1])} { // a link that was used
				_, page = s.Do(browser, http.MethodGet, again, nil)
				leads("it is confirmed already", page, tt.want)
			}
			if !strings.Contains(page, `<html lang="fr"`) || !strings.Contains(page, "new@example.com") {
				t.Errorf("in French: %.3000s", page)
			}

			res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization("screen_hint", "reset-password"))
			where := res.Header.Get("Location")
			_, page = s.Do(browser, http.MethodGet, where, nil)
			form := idptest.Hidden(page)
			form.Set("username", "ada@example.com")
			s.Do(browser, http.MethodPost, "/u/reset-password/request", form, "Origin", s.URL)
			_, page = press(s, browser, letterLink(t, s), "/u/reset-password", "password", newPassword)
			leads("a new password", page, tt.want)

			// The cookie is another one by now: the page is from before somebody cleared them.
			_, page = s.Do(browser, http.MethodGet, strings.Replace(where, "/u/reset-password/request", "/u/login", 1), nil)
			other := s.Browser()
			s.Do(other, http.MethodGet, "/authorize", authorization())
			res, page = s.Do(other, http.MethodPost, "/u/login", idptest.Hidden(page), "Origin", s.URL)
			if res.StatusCode != http.StatusBadRequest {
				t.Errorf("a form of another browser: %d", res.StatusCode)
			}
			leads("a form of another browser", page, tt.want)

			signUp(t, s, s.Browser(), "ada@example.com")
			letter := strings.Join(lettersOf(t, s, "ada@example.com", "account already"), "\n")
			if !strings.Contains(letter, "\n"+tt.want) || strings.Contains(letter, s.Issuer()+"\n") || strings.Contains(letter, s.Issuer()+"\r") {
				t.Errorf("the letter does not lead to %s: %s", tt.want, letter)
			}
		})
	}
}

// lettersOf waits for letters to an address with these words.
func lettersOf(t *testing.T, s *idptest.Server, address, words string) (found []string) {
	t.Helper()
	awaitLetter(t, s, func() bool {
		found = nil
		for _, letter := range lettersTo(t, s, address) {
			if strings.Contains(letter, words) {
				found = append(found, letter)
			}
		}
		return len(found) > 0
	})
	return found
}

// The language that somebody chooses on a page is that of all pages and letters
// of the log-in, whatever the browser and the application say.
func TestPages_languageLasts(t *testing.T) {
	c := federated(t)
	c.AddUser("ada@example.com")
	setClient(t, c.Server, idptest.SPA, func(client *tenant.Client) { client.FirstParty = false })
	in := func(what, page, language string) {
		t.Helper()
		if !strings.Contains(page, fmt.Sprintf("<html lang=%q", language)) {
			t.Errorf("%s is not in %s: %.200s", what, language, page)
		}
	}
	browser := c.Browser()
	res, _ := c.Do(browser, http.MethodGet, "/authorize", authorization("ui_locales", "en"))
	where := strings.Replace(res.Header.Get("Location"), "ui_locales=en", "ui_locales=fr", 1)
	_, page := c.Do(browser, http.MethodGet, where, nil)
	in("the page", page, "fr")
	form := idptest.Hidden(page)
	form.Set("username", "ada@example.com")
	form.Set("password", "wrong")
	_, page = c.Do(browser, http.MethodPost, "/u/login", form, "Origin", c.URL)
	in("a wrong password", page, "fr")
	follow := func(path string) (string, string) {
		t.Helper()
		_, rest, ok := strings.Cut(page, `href="`+path)
		target, _, _ := strings.Cut(rest, `"`)
		if !ok {
			t.Fatalf("no %s: %.3000s", path, page)
		}
		res, body := c.Do(browser, http.MethodGet, strings.ReplaceAll(path+target, "&amp;", "&"), nil)
		return res.Header.Get("Location"), body
	}
	_, signup := follow("/u/signup?")
	in("the sign-up", signup, "fr")
	_, forgot := follow("/u/reset-password/request?")
	in("the forgotten password", forgot, "fr")
	form = idptest.Hidden(forgot)
	form.Set("username", "ada@example.com")
	_, sent := c.Do(browser, http.MethodPost, "/u/reset-password/request", form, "Origin", c.URL)
	in("the letter is sent", sent, "fr")
	if letter := waitLetters(t, c.Server, "ada@example.com", 1)[0]; !strings.Contains(letter, "mot de passe") {
		t.Errorf("the letter: %s", letter)
	}
	there, _ := follow("/u/with?connection=corp&amp;")
	u, err := url.Parse(there)
	if err != nil || u.Query().Get("ui_locales") != "fr" {
		t.Errorf("the other provider is asked in %q, %v", u.Query().Get("ui_locales"), err)
	}
	_, consent := c.Do(browser, http.MethodGet, c.choose(there, "1001"), nil)
	in("the consent", consent, "fr")
	_, lost := c.Do(c.Browser(), http.MethodPost, "/u/consent", idptest.Hidden(consent), "Origin", c.URL)
	in("a log-in that is lost", lost, "fr")

	// A link of a letter is opened elsewhere; what is chosen there lasts, too.
	phone, link := c.Browser(), letterLink(t, c.Server)
	_, page = c.Do(phone, http.MethodGet, strings.Replace(link, "ui_locales=fr#", "ui_locales=de", 1), nil)
	in("the link", page, "de")
	_, rest, _ := strings.Cut(page, `action="`)
	action, _, _ := strings.Cut(rest, `"`)
	form = idptest.Hidden(page)
	form.Set("password", newPassword)
	res, page = c.Do(phone, http.MethodPost, action, form, "Origin", c.URL)
	if res.StatusCode != http.StatusOK {
		t.Errorf("%d by %q", res.StatusCode, action)
	}
	in("the new password", page, "de")
}

// A request that cannot be answered leads to where the application is, never to
// where it says.
func TestErrorPage_leadsOn(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Development = true }})
	for name, tt := range map[string]struct {
		path string
		in   url.Values
		want []string
	}{
		"address": {"/authorize", authorization("redirect_uri", "https://evil.example/"), []string{`href="http://localhost:3000/"`}},
		"log-out": {"/v2/logout", url.Values{"client_id": {idptest.SPA}, "returnTo": {"https://evil.example/"}}, []string{`href="http://localhost:3000/"`}},
		"client":  {"/authorize", authorization("client_id", "nobody"), []string{`<span class="word">gate</span> <span class="word">idp</span>`}},
	} {
		res, page := s.Do(s.Browser(), http.MethodGet, tt.path, tt.in)
		for _, want := range append(tt.want, `class="sheet duo open fault"`) {
			if !strings.Contains(page, want) {
				t.Errorf("%s: %d, no %s in %.3000s", name, res.StatusCode, want, page)
			}
		}
		if strings.Contains(page, `href="https://evil.example`) || strings.Contains(page, "`") {
			t.Errorf("%s: %s", name, page)
		}
	}
}
