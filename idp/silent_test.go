package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// LOG-16: a fault of a request that nobody sees goes back to the client, which would
// wait for it else: it cannot read a page, and in a frame there is none.
func TestLOG16_silentFault(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	browser := s.Browser()
	enter(t, s, browser, "ada@example.com")
	ask := func(more ...string) (*http.Response, string) {
		return s.Do(browser, http.MethodGet, "/authorize", authorization(more...))
	}
	broken(t, s, "INSERT", "idp_tokens", func() { // of the code
		res, body := ask("prompt", "none")
		if back := answerOf(t, res, body); back.Get("error") != "server_error" || back.Get("state") == "" || !strings.Contains(back.Get("error_description"), "Reference: ") {
			t.Errorf("redirected: %v", back)
		}
		res, body = ask("prompt", "none", "response_mode", "web_message")
		if res.StatusCode != http.StatusOK || !strings.Contains(body, "server_error") || !strings.Contains(res.Header.Get("Content-Security-Policy"), "frame-ancestors http://localhost:3000") {
			t.Errorf("in a frame: %d %v %.1000s", res.StatusCode, res.Header, body)
		}
		if res, body = ask(); res.StatusCode != http.StatusInternalServerError || res.Header.Get("Location") != "" {
			t.Errorf("to a person: %d %.300s", res.StatusCode, body)
		}
	})
	if back := silent(t, s, browser); !back.Has("code") {
		t.Errorf("afterwards: %v", back)
	}
	// The same before it is known who asks.
	if _, err := s.DB.Exec(t.Context(), "ALTER TABLE idp_users RENAME TO idp_gone"); err != nil {
		t.Fatal(err)
	}
	res, body := ask("prompt", "none", "response_mode", "web_message")
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "server_error") {
		t.Errorf("without users: %d %.1000s", res.StatusCode, body)
	}
}

// LOG-16: so does what goes wrong before the request has been read, and what one
// network sends too much of; never to an address that is not registered.
func TestLOG16_silentUnread(t *testing.T) {
	for name, tt := range map[string]struct {
		code  string
		limit int
		spoil func(t *testing.T, s *idptest.Server, in url.Values)
	}{
		"a parameter twice": {"invalid_request", 0, func(_ *testing.T, _ *idptest.Server, in url.Values) { in["scope"] = []string{"openid", "email"} }},
		"too many":          {"temporarily_unavailable", 1, func(*testing.T, *idptest.Server, url.Values) {}},
		"nothing can be read": {"server_error", 0, func(t *testing.T, s *idptest.Server, _ url.Values) {
			_, _ = s.DB.Exec(t.Context(), "ALTER TABLE idp_changes RENAME TO idp_gone") // once
		}},
	} {
		t.Run(name, func(t *testing.T) {
			clock := &moved{time.Now()}
			s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.RequestLimit, c.Now = tt.limit, clock.Now }})
			if err := s.Tenant().Clients.Create(t.Context(), &tenant.Client{
				ID: "shy", Name: "Shy", AppType: "spa", AuthMethod: tenant.AuthNone, FirstParty: true, GrantTypes: []string{"authorization_code"},
				Callbacks: []string{"https://shy.example/cb"},
			}); err != nil {
				t.Fatal(err)
			}
			ask := func(change func(url.Values)) (*http.Response, string) {
				t.Helper()
				in := authorization("prompt", "none", "response_mode", "web_message")
				tt.spoil(t, s, in)
				change(in)
				return s.Do(s.HTTP, http.MethodGet, "/authorize", in, "Accept", "text/html")
			}
			s.Do(s.HTTP, http.MethodGet, "/authorize", authorization())
			if tt.limit == 0 {
				clock.now = clock.now.Add(2 * time.Second) // what is known is older than it may be
			}
			for range 5 * tt.limit { // all that a network may send at once
				ask(func(url.Values) {})
			}
			res, body := ask(func(url.Values) {})
			if res.StatusCode != http.StatusOK || !strings.Contains(body, tt.code) || !strings.Contains(res.Header.Get("Content-Security-Policy"), "frame-ancestors http://localhost:3000") {
				t.Errorf("in a frame: %d %.600s", res.StatusCode, body)
			}
			res, body = ask(func(in url.Values) { in.Del("response_mode") })
			if back := answerOf(t, res, body); back.Get("error") != tt.code || back.Get("state") != "st==" {
				t.Errorf("redirected: %v", back)
			}
			for why, change := range map[string]func(url.Values){
				"no application":   func(in url.Values) { in.Set("client_id", "nobody") },
				"another address":  func(in url.Values) { in.Set("redirect_uri", "http://localhost:3000/elsewhere") },
				"two addresses":    func(in url.Values) { in.Add("redirect_uri", "http://localhost:3000/elsewhere") },
				"no web origin":    func(in url.Values) { in.Set("client_id", "shy"); in.Set("redirect_uri", "https://shy.example/cb") },
				"seen by somebody": func(in url.Values) { in.Del("prompt"); in.Del("response_mode") },
			} {
				if res, body := ask(change); res.StatusCode < 400 || res.Header.Get("Location") != "" || strings.Contains(body, "authorization_response") {
					t.Errorf("%s: %d %s %.300s", why, res.StatusCode, res.Header.Get("Location"), body)
				}
			}
		})
	}
}

// IDP-10: a message goes to no origin that is not registered, whatever is wrong with the request.
func TestIDP10_noMessageElsewhere(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	if _, err := s.Tenant().Clients.Update(t.Context(), idptest.SPA, func(c *tenant.Client) error {
		c.WebOrigins = nil
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"code_challenge", "audience", "prompt"} {
		res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("response_mode", "web_message", wrong, "?"))
		if res.StatusCode != http.StatusForbidden || strings.Contains(body, "authorization_response") {
			t.Errorf("%s: %d %.300s", wrong, res.StatusCode, body)
		}
	}
	res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("response_mode", "web_message", "response_type", "id_token", "nonce", ""))
	if res.StatusCode != http.StatusForbidden || strings.Contains(body, "authorization_response") {
		t.Errorf("no nonce: %d %.300s", res.StatusCode, body)
	}
}
