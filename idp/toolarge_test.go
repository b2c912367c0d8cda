package idp_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// logLines is a log in memory.
type logLines struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(b)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// JWT-12: a client cannot have an ID token made that nobody reads.
func TestJWT12_nonce(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	for size, want := range map[int]string{1024: "", 1025: "nonce is too long"} {
		res, body := s.Do(s.Browser(), http.MethodGet, "/authorize", authorization("nonce", strings.Repeat("n", size)))
		if want == "" {
			if !strings.HasPrefix(res.Header.Get("Location"), "/u/login?state=") {
				t.Errorf("%d: %d %q", size, res.StatusCode, res.Header.Get("Location"))
			}
			continue
		}
		got := answerOf(t, res, body)
		if got.Get("error") != "invalid_request" || got.Get("error_description") != want {
			t.Errorf("%d: %v", size, got)
		}
	}
}

// JWT-12: a token that would be larger than anybody reads is an answer that says so,
// and the code is good when there is less to say.
func TestJWT12_tooLarge(t *testing.T) {
	log := new(logLines)
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Logger = slog.New(slog.NewJSONHandler(log, nil)) }})
	ctx := t.Context()
	u := s.AddUser("ada@example.com", "menu-admin")
	api, err := s.Tenant().APIs.ByName(ctx, idptest.Audience)
	if err != nil {
		t.Fatal(err)
	}
	var many []tenant.Permission
	_, err = s.Tenant().APIs.Update(ctx, api.ID, func(a *tenant.API) error {
		for i := range 200 {
			name := fmt.Sprintf("%03d:%s", i, strings.Repeat("x", 40))
			a.Scopes = append(a.Scopes, tenant.APIScope{Value: name})
			many = append(many, tenant.Permission{API: idptest.Audience, Name: name})
		}
		return nil
	})
	if err == nil {
		err = s.Tenant().AddUserPermissions(ctx, u.ID, many...)
	}
	if err != nil {
		t.Fatal(err)
	}
	res, body := s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password)
	code := answerOf(t, res, body).Get("code")
	for range 2 { // the code is not used up by it
		res, got := exchange(s, code)
		if text := fmt.Sprint(got["error_description"]); res.StatusCode != http.StatusBadRequest || got["error"] != "invalid_request" ||
			!strings.Contains(text, "access token would have") || !strings.Contains(text, "8192") {
			t.Errorf("%d %v", res.StatusCode, got)
		}
	}
	if !strings.Contains(log.String(), "a token would be too large") {
		t.Error("whoever runs the provider is not told")
	}
	// The authorization endpoint refuses it, too.
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.GrantTypes = append(c.GrantTypes, "implicit") })
	res, body = s.Login(s.Browser(), authorization("response_type", "token"), "ada@example.com", idptest.Password)
	if got := answerOf(t, res, body); got.Get("error") != "invalid_request" || !strings.Contains(got.Get("error_description"), "8192") {
		t.Errorf("%d %v", res.StatusCode, got)
	}
}
