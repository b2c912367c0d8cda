package gate_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
)

// CreateSecret makes the sessions of gate_test.go ones of browsers too.
func (s *sessions) CreateSecret(ctx context.Context, session gate.Session) (id, text string, err error) {
	id, err = s.Create(ctx, session)
	return id, "secret-of-" + id, err
}

func (s *sessions) BySecret(_ context.Context, text string) (gate.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return gate.Session{}, s.err
	}
	id, _ := strings.CutPrefix(text, "secret-of-")
	session, ok := s.open[id]
	if !ok {
		return gate.Session{}, gate.ErrNotAuthenticated
	}
	session.ID = id
	return session, nil
}

func newBrowsers(t *testing.T, change ...func(*gate.Config)) (*world, http.Handler) {
	t.Helper()
	w := newWorld(t, change...)
	h, err := w.SessionHandler(gate.CookieConfig{TrustedOrigins: []string{"https://app.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	return w, h
}

var sessionBody = fmt.Sprintf(`{"strategy":"local","email":%q,"password":%q}`, ada, adasPassword)

func TestSES02_cookie(t *testing.T) {
	w, h := newBrowsers(t)
	got := serve(h, http.MethodPost, "https://gate.test/session", sessionBody, "Content-Type", "application/json", "Sec-Fetch-Site", "same-origin")
	const want = "__Host-gate=secret-of-s1; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax"
	if got.Code != 201 || got.Header().Get("Set-Cookie") != want || got.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s %s", got.Code, got.Header(), got.Body)
	}
	if body := got.Body.String(); strings.Contains(body, "oken") || strings.Contains(body, "secret") || !strings.Contains(body, `"user":{"id":"7"`) {
		t.Errorf("body %s", body)
	}
	if s := w.sessions.open["s1"]; s.IdleFor != 30*time.Minute || s.ExpiresAt != time.Unix(1_700_000_000, 0).Add(12*time.Hour) {
		t.Errorf("session %+v", s)
	}
	cookie := []string{"Cookie", "__Host-gate=secret-of-s1"}
	if got := serve(h, http.MethodGet, "/session", "", cookie...); got.Code != 200 || !strings.Contains(got.Body.String(), ada) {
		t.Errorf("GET: %d %s", got.Code, got.Body)
	}
	for name, headers := range map[string][]string{
		"none":           nil,
		"twice":          {"Cookie", "__Host-gate=secret-of-s1; __Host-gate=secret-of-s1"},
		"two headers":    {"Cookie", "__Host-gate=secret-of-s1", "Cookie", "__Host-gate=x"},
		"other case":     {"Cookie", "__host-gate=secret-of-s1"},
		"wrong":          {"Cookie", "__Host-gate=secret-of-s2"},
		"a bearer, too":  append([]string{"Authorization", "Bearer x"}, cookie...),
		"without prefix": {"Cookie", "gate=secret-of-s1"},
	} {
		if got := serve(h, http.MethodGet, "/session", "", headers...); got.Code != 401 {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
	// LOG-09: a new login has a new session, and the one before it is over.
	again := serve(h, http.MethodPost, "/session", sessionBody, "Content-Type", "application/json", "Cookie", "__Host-gate=secret-of-s1")
	if !strings.Contains(again.Header().Get("Set-Cookie"), "secret-of-s2") || w.sessions.count() != 1 {
		t.Errorf("second login: %s, %d sessions", again.Header(), w.sessions.count())
	}
	if both := serve(h, http.MethodDelete, "/session", "", "Cookie", "__Host-gate=secret-of-s2", "Authorization", "Bearer x"); both.Code != 400 || w.sessions.count() != 1 {
		t.Errorf("SES-08: a cookie and a bearer: %d, %d sessions", both.Code, w.sessions.count())
	}
	out := serve(h, http.MethodDelete, "/session", "", "Cookie", "__Host-gate=secret-of-s2")
	if out.Code != 204 || !strings.Contains(out.Header().Get("Set-Cookie"), "Max-Age=0") || w.sessions.count() != 0 ||
		out.Header().Get("Clear-Site-Data") != `"cache","cookies","storage"` {
		t.Errorf("SES-04: %d %s", out.Code, out.Header())
	}
	if out := serve(h, http.MethodDelete, "/session", "", "Cookie", "__Host-gate=secret-of-s2"); out.Code != 204 {
		t.Errorf("SES-04: a second time %d", out.Code)
	}
	if got := serve(h, http.MethodPut, "/session", ""); got.Code != 405 || got.Header().Get("Allow") == "" {
		t.Errorf("PUT: %d", got.Code)
	}
}

func TestSES08_loginCSRF(t *testing.T) {
	w, h := newBrowsers(t)
	for name, headers := range map[string][]string{
		"cross-site":     {"Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"},
		"same site":      {"Content-Type", "application/json", "Sec-Fetch-Site", "same-site"},
		"foreign origin": {"Content-Type", "application/json", "Origin", "https://evil.example"},
		"null origin":    {"Content-Type", "application/json", "Origin", "null"},
		"http twin":      {"Content-Type", "application/json", "Origin", "http://app.example.com", "Sec-Fetch-Site", "cross-site"},
		"suffix":         {"Content-Type", "application/json", "Origin", "https://app.example.com.evil.example"},
		"form":           {"Content-Type", "application/x-www-form-urlencoded"},
		"text":           {"Content-Type", "text/plain"},
	} {
		got := serve(h, http.MethodPost, "https://gate.test/session", sessionBody, headers...)
		if got.Code != 403 && got.Code != 415 || got.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s", name, got.Code, got.Header())
		}
	}
	if w.sessions.count() != 0 {
		t.Errorf("%d sessions", w.sessions.count())
	}
	serve(h, http.MethodPost, "https://gate.test/session", sessionBody, "Content-Type", "application/json", "Origin", "https://app.example.com", "Sec-Fetch-Site", "cross-site")
	if w.sessions.count() != 1 {
		t.Fatal("the trusted origin was refused")
	}
	if got := serve(h, http.MethodDelete, "https://gate.test/session", "", "Cookie", "__Host-gate=secret-of-s1", "Sec-Fetch-Site", "cross-site"); got.Code != 403 || w.sessions.count() != 1 {
		t.Errorf("logout from another site: %d", got.Code)
	}
}

func TestSessionHandler_refuses(t *testing.T) {
	w, h := newBrowsers(t, func(c *gate.Config) { c.AuthStrategies = []string{"jwt", "local"} })
	token := w.token(t)
	for name, body := range map[string]string{
		"a token":        fmt.Sprintf(`{"strategy":"jwt","accessToken":%q}`, token),
		"wrong password": fmt.Sprintf(`{"strategy":"local","email":%q,"password":"wrong"}`, ada),
		"no strategy":    `{}`,
		"not allowed":    `{"strategy":"basic"}`,
	} {
		if got := serve(h, http.MethodPost, "/", body, "Content-Type", "application/json"); got.Code != 401 || got.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %s", name, got.Code, got.Header())
		}
	}
	w.sessions.fail(errors.New("no database"))
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		got := serve(h, method, "/", sessionBody, "Content-Type", "application/json", "Cookie", "__Host-gate=secret-of-s1")
		if got.Code != 503 || got.Header().Get("Set-Cookie") != "" || strings.Contains(got.Body.String(), "database") {
			t.Errorf("LOG-16: %s %d %s", method, got.Code, got.Body)
		}
	}
	w.sessions.fail(nil)
	w.OnLoginMust(func(context.Context, *gate.Event) error { return gate.ErrForbidden })
	before := w.sessions.count()
	if got := serve(h, http.MethodPost, "/", sessionBody, "Content-Type", "application/json"); got.Code != 403 || w.sessions.count() != before {
		t.Errorf("refused by a listener: %d, %d sessions", got.Code, w.sessions.count()-before)
	}
}

func TestSES08_otherEntity(t *testing.T) {
	w, h := newBrowsers(t)
	w.sessions.open["x"] = gate.Session{Subject: "7", Entity: "staff"}
	if got := serve(h, http.MethodGet, "/", "", "Cookie", "__Host-gate=secret-of-x"); got.Code != 401 {
		t.Errorf("a session of another kind of account: %d", got.Code)
	}
}

func TestSessionHandler_configuration(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]gate.CookieConfig{
		"name":          {Name: "gate"},
		"prefix alone":  {Name: "__Host-"},
		"SES-03 life":   {ExpiresIn: 25 * time.Hour},
		"SES-03 idle":   {IdleFor: 2 * time.Hour},
		"short":         {ExpiresIn: time.Second},
		"same site":     {SameSite: http.SameSiteNoneMode},
		"origin":        {TrustedOrigins: []string{"example.com"}},
		"origin's path": {TrustedOrigins: []string{"https://example.com/app"}},
	} {
		if h, err := w.SessionHandler(c); err == nil || h != nil {
			t.Errorf("%s: not refused", name)
		}
	}
}

func TestSessionHandler_noSessions(t *testing.T) {
	w := newWorld(t, func(c *gate.Config) { c.Sessions = nil })
	if h, err := w.SessionHandler(gate.CookieConfig{}); err == nil || h != nil {
		t.Error("cookies without sessions")
	}
}

func TestLoginHeader(t *testing.T) {
	w, h := newBrowsers(t, func(c *gate.Config) {
		c.LoginHeader = func(_ context.Context, h http.Header, r *gate.Result) { h.Set("X-Subject", r.Principal.Subject) }
	})
	for _, h := range []http.Handler{h, w.Handler()} {
		if got := serve(h, http.MethodPost, "/", sessionBody, "Content-Type", "application/json"); got.Header().Get("X-Subject") != "7" {
			t.Errorf("%d %s", got.Code, got.Header())
		}
		shown := fmt.Sprintf(`{"strategy":"jwt","accessToken":%q}`, w.token(t))
		if got := serve(h, http.MethodPost, "/", shown, "Content-Type", "application/json"); got.Header().Get("X-Subject") != "" {
			t.Errorf("LOG-04: a token that is shown: %d %s", got.Code, got.Header())
		}
		if got := serve(h, http.MethodPost, "/", `{"strategy":"local"}`, "Content-Type", "application/json"); got.Header().Get("X-Subject") != "" {
			t.Errorf("a refused login: %s", got.Header())
		}
	}
}

// browsers recognises the cookies of newBrowsers.
type browsers struct{ *sessions }

func (b browsers) Parse(r *http.Request) (gate.Credentials, bool, error) {
	cookie, err := r.Cookie("__Host-gate")
	if err != nil {
		return gate.Credentials{}, false, nil
	}
	var c gate.Credentials
	c.SetText("cookie", cookie.Value)
	return c, true, nil
}

func (b browsers) Authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	text, _ := c.Text("cookie")
	session, err := b.BySecret(ctx, text)
	return &gate.Principal{Subject: session.Subject, SessionID: session.ID}, err
}

func (b browsers) Forget(h http.Header) { h.Add("Set-Cookie", "__Host-gate=; Max-Age=0") }

func TestGuard_deadCookie(t *testing.T) {
	w, h := newBrowsers(t)
	if err := w.Register("cookie", browsers{w.sessions}); err != nil {
		t.Fatal(err)
	}
	serve(h, http.MethodPost, "/", sessionBody, "Content-Type", "application/json")
	optional := w.Guard("jwt", "cookie").Optional()
	ask := func(g *gate.Guard, cookie string) (status int, dropped bool) {
		got := serve(g.Protect(whoami), http.MethodGet, "/", "", "Cookie", "__Host-gate="+cookie)
		return got.Code, strings.Contains(got.Header().Get("Set-Cookie"), "Max-Age=0")
	}
	for _, tt := range []struct {
		name    string
		guard   *gate.Guard
		cookie  string
		status  int
		dropped bool
	}{
		{"living", optional, "secret-of-s1", 200, false},
		{"dead, nobody needed", optional, "secret-of-s9", 200, true},
		{"dead, somebody needed", optional.Require("cook:items"), "secret-of-s9", 401, true},
		{"dead, not optional", w.Guard("cookie"), "secret-of-s9", 401, true},
	} {
		if status, dropped := ask(tt.guard, tt.cookie); status != tt.status || dropped != tt.dropped {
			t.Errorf("%s: %d, dropped %t", tt.name, status, dropped)
		}
	}
	// What a browser sends by itself does not count beside what somebody meant.
	meant := serve(optional.Protect(whoami), http.MethodGet, "/", "", "Cookie", "__Host-gate=secret-of-s1", "Authorization", "Bearer "+w.token(t))
	if meant.Body.String() != "jwt 7" {
		t.Errorf("a bearer and a cookie: %d %s", meant.Code, meant.Body)
	}
	w.sessions.fail(errors.New("no database"))
	if status, dropped := ask(optional, "secret-of-s1"); status != 503 || dropped {
		t.Errorf("LOG-16: %d, dropped %t", status, dropped)
	}
}
