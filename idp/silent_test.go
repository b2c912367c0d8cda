package idp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
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
