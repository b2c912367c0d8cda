package idp_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// IDP-05: what was taken from a client while a page of its log-in was open is not
// given at the end of it.
func TestIDP05_takenMeanwhile(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	setClient(t, s, idptest.Web, func(c *tenant.Client) { c.WebOrigins = []string{"http://localhost:3000"} })
	for name, tt := range map[string]struct {
		in   []string
		take func()
	}{
		"grant": {
			[]string{"response_type", "id_token token", "response_mode", "fragment"},
			func() {
				setClient(t, s, idptest.Web, func(c *tenant.Client) { c.GrantTypes = []string{"client_credentials"} })
			},
		},
		"web origin": {
			[]string{"response_mode", "web_message"},
			func() { setClient(t, s, idptest.Web, func(c *tenant.Client) { c.WebOrigins = nil }) },
		},
	} {
		var before tenant.Client
		setClient(t, s, idptest.Web, func(c *tenant.Client) { before = *c })
		for _, taken := range []bool{false, true} {
			browser := s.Browser()
			res, _ := s.Do(browser, http.MethodGet, "/authorize", web(tt.in...))
			_, page := s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
			if taken {
				tt.take()
			}
			res, body := s.Do(browser, http.MethodPost, "/u/login", s.Fill(page, "username", "ada@example.com", "password", idptest.Password), "Origin", s.URL)
			given := strings.Contains(res.Header.Get("Location"), "access_token=") || strings.Contains(body, "authorization_response") || strings.Contains(body, "data-origin")
			if given == taken {
				t.Errorf("%s, taken away %t: %d %s %.300s", name, taken, res.StatusCode, res.Header.Get("Location"), body)
			}
		}
		setClient(t, s, idptest.Web, func(c *tenant.Client) { c.GrantTypes, c.WebOrigins = before.GrantTypes, before.WebOrigins })
	}
}

// The command that a developer copies from the page of a wrong callback holds nothing
// but an address: whoever made the link chose it, and a terminal obeys some letters.
func TestCallback_command(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Development = true }})
	words := strings.NewReplacer(`<span class="word">`, "", "</span>", "") // as lines are broken on the page
	for raw, want := range map[string]string{
		"https://app.example/cb?token=s3cret#x": "--callback 'https://app.example/cb'",
		"https://evil.example/cb\x1b[201~;id":   "--callback URL",
		"https://evil.example/\u009b201~cb":     "--callback 'https://evil.example/%C2%9B201~cb'",
		"https://evil\u009b201~.example/cb":     "--callback 'https://evil%C2%9B201~.example/cb'",
		"https://app.example/'$(id)":            `--callback 'https://app.example/'\''$(id)'`,
		"cb":                                    "--callback URL",
	} {
		_, page := s.Do(s.Browser(), http.MethodGet, "/authorize", web("redirect_uri", raw))
		page = html.UnescapeString(words.Replace(page))
		if !strings.Contains(page, want) || strings.ContainsAny(page, "\x1b\u009b") || strings.Contains(page, "s3cret") {
			t.Errorf("%q: no %s in %.3000s", raw, want, page)
		}
	}
	// An application in a browser needs its origin as well: one command does for a page
	// that is served from another port than the one that was registered.
	vite := authorization("redirect_uri", "http://localhost:5173/auth-callback")
	_, page := s.Do(s.Browser(), http.MethodGet, "/authorize", vite)
	page = html.UnescapeString(words.Replace(page))
	want := "gate idp client update " + idptest.SPA + " --callback 'http://localhost:5173/auth-callback' --web-origin 'http://localhost:5173'"
	if !strings.Contains(page, want+"<") || !strings.Contains(page, "in the folder of idp.yaml or, with gate dev, of the service:") {
		t.Errorf("no %s in %.3000s", want, page)
	}
}
