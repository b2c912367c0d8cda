package idp_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/jose"
)

// jwksKeys returns what the provider publishes.
func jwksKeys(t *testing.T, s *idptest.Server) *jose.KeySet {
	t.Helper()
	_, body := s.Do(s.HTTP, http.MethodGet, "/.well-known/jwks.json", nil)
	keys, skipped, err := jose.ParsePublicJWKS([]byte(body))
	if err != nil || len(skipped) > 0 {
		t.Fatal(err, skipped)
	}
	set, err := jose.NewKeySet(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// A listener is a client that is told of log-outs, and verifies them as OpenID
// Connect Back-Channel Logout 1.0 §2.6 wants.
type listener struct {
	*httptest.Server
	heard chan string // the session, or what is wrong
}

func listen(t *testing.T, s *idptest.Server, client string) *listener {
	t.Helper()
	l := &listener{heard: make(chan string, 10)}
	l.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sid, err := verifyLogout(r.Context(), jwksKeys(t, s), s.Issuer(), client, r.PostFormValue("logout_token"))
		if err != nil {
			sid = err.Error()
		}
		l.heard <- sid
	}))
	t.Cleanup(l.Close)
	if _, err := s.Tenant().Clients.Update(t.Context(), client, func(c *tenant.Client) error {
		c.OIDCLogout = &tenant.OIDCLogout{BackchannelURLs: []string{l.URL}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return l
}

func verifyLogout(ctx context.Context, keys *jose.KeySet, issuer, client, token string) (string, error) {
	v, err := jose.NewVerifier(jose.VerifierConfig{Keys: keys, Issuer: issuer, Audience: []string{client}, Type: []string{"logout+jwt"}, MaxAge: 2 * time.Minute})
	if err != nil {
		return "", err
	}
	c, err := v.Verify(ctx, token)
	if err != nil {
		return "", err
	}
	events, _ := c.Extra["events"].(map[string]any)
	_, event := events["http://schemas.openid.net/event/backchannel-logout"]
	_, nonce := c.String("nonce")
	sid, _ := c.String("sid")
	if !event || nonce || c.ID == "" || c.Subject == "" || sid == "" {
		return "", fmt.Errorf("not a log-out token: %+v", c)
	}
	return sid, nil
}

func (l *listener) wait(t *testing.T) string {
	t.Helper()
	select {
	case sid := <-l.heard:
		return sid
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was heard")
	}
	return ""
}

func TestCLI12_backChannel(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	l := listen(t, s, idptest.SPA)
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	sid, _ := claimsMap(t, tokens["id_token"])["sid"].(string)
	s.Do(s.HTTP, http.MethodGet, "/v2/logout", url.Values{"client_id": {idptest.SPA}})
	if got := l.wait(t); got != sid || sid == "" {
		t.Errorf("heard of %q, want %q", got, sid)
	}
	if res, _ := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden {
		t.Error("the refresh token of the session goes on")
	}
	// A new password ends all sessions.
	tokens = enter(t, s, s.Browser(), "ada@example.com")
	s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"ada@example.com"}})
	if status, body := press(s, s.Browser(), letterLink(t, s), "/u/reset-password", "password", newPassword); status != http.StatusOK {
		t.Fatalf("%d %.500s", status, body)
	}
	if got := l.wait(t); got != claimsMap(t, tokens["id_token"])["sid"] {
		t.Errorf("heard of %q after a new password", got)
	}
	// A client that is away holds nobody up.
	l.Close()
	browser := s.Browser()
	res, body := s.Login(browser, authorization(), "ada@example.com", newPassword)
	if !answerOf(t, res, body).Has("code") {
		t.Fatal("no log-in")
	}
	if res, _ := s.Do(browser, http.MethodGet, "/v2/logout", nil); res.StatusCode != http.StatusOK {
		t.Errorf("with a client that is away: %d", res.StatusCode)
	}
}

// JKS-03: outside of development a client is told at public addresses only: not
// even a connection is made to others.
func TestCLI12_publicOnly(t *testing.T) {
	s := idptest.New(t, idptest.Config{TLS: true, Edit: func(c *idp.Config) { c.Development = false }})
	private, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	visited := make(chan bool, 1)
	go func() {
		conn, err := private.Accept()
		if err == nil {
			_ = conn.Close()
		}
		visited <- err == nil
	}()
	if _, err := s.Tenant().Clients.Update(t.Context(), idptest.SPA, func(c *tenant.Client) error {
		c.OIDCLogout = &tenant.OIDCLogout{BackchannelURLs: []string{"https://" + private.Addr().String() + "/"}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s.AddUser("ada@example.com")
	browser := s.Browser()
	res, body := s.Login(browser, authorization(), "ada@example.com", idptest.Password)
	if res.StatusCode == http.StatusOK { // the client is on this machine: the person is asked whether it may
		form := s.Fill(body, "decision", "allow")
		res, body = s.Do(browser, http.MethodPost, "/u/consent", form, "Origin", s.URL)
	}
	if !answerOf(t, res, body).Has("code") {
		t.Fatalf("%d %.500s", res.StatusCode, body)
	}
	if res, _ := s.Do(browser, http.MethodGet, "/v2/logout", nil); res.StatusCode != http.StatusOK {
		t.Errorf("%d", res.StatusCode)
	}
	if err := s.Close(t.Context()); err != nil { // waits for what is on its way
		t.Fatal(err)
	}
	if err := private.Close(); err != nil {
		t.Fatal(err)
	}
	if <-visited {
		t.Error("a program on this machine was visited")
	}
}

// IDP-03: a code belongs to a session. Who logs out before the client exchanges
// it has logged out.
func TestIDP03_loggedOut(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	ada := s.AddUser("ada@example.com")
	for name, end := range map[string]func(*http.Client){
		"log-out": func(browser *http.Client) { s.Do(browser, http.MethodGet, "/v2/logout", nil) },
		"administrator": func(*http.Client) {
			mustManage(t, s, managementToken(t, s), http.StatusAccepted, "DELETE", "users/"+url.PathEscape(ada.ID)+"/sessions", "")
		},
	} {
		browser := s.Browser()
		res, body := s.Login(browser, authorization(), "ada@example.com", idptest.Password)
		code := answerOf(t, res, body).Get("code")
		end(browser)
		if res, got := exchange(s, code); res.StatusCode != http.StatusForbidden || got["error"] != "invalid_grant" || got["access_token"] != nil {
			t.Errorf("%s: %d %v", name, res.StatusCode, got)
		}
	}
}

func TestLogout_auth0(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	if _, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error {
		set.LogoutURLs = []string{"https://shop.example/bye"}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	ada := s.AddUser("ada@example.com")
	for _, tt := range []struct{ query, where string }{
		{"", "https://shop.example/bye"}, // without a client the list is the tenant's
		{"returnTo=https%3A%2F%2Fshop.example%2Fbye%3Fa%3D1%23x", "https://shop.example/bye?a=1#x"},
		{"client_id=" + idptest.SPA, idptest.LogoutURL},
		{"client_id=" + idptest.SPA + "&returnTo=http%3A%2F%2Flocalhost%3A3000%2F&federated", idptest.LogoutURL},
		{"client_id=" + idptest.SPA + "&returnTo=http%3A%2F%2FLOCALHOST%3A3000%2F%3Fx%3D1", "http://LOCALHOST:3000/?x=1"},
		{"federated&client_id=" + idptest.SPA, idptest.LogoutURL},
	} {
		browser := s.Browser()
		enter(t, s, browser, "ada@example.com")
		res, body := s.Do(browser, http.MethodGet, "/v2/logout?"+tt.query, nil)
		if res.StatusCode != http.StatusFound || res.Header.Get("Location") != tt.where || !strings.Contains(res.Header.Get("Clear-Site-Data"), "storage") {
			t.Errorf("%s: %d %q %.300s", tt.query, res.StatusCode, res.Header.Get("Location"), body)
		}
		if back := silent(t, s, browser); back.Get("error") != "login_required" {
			t.Errorf("%s: still logged in: %v", tt.query, back)
		}
	}
	for _, query := range []string{
		"returnTo=http%3A%2F%2Flocalhost%3A3000%2F", // of a client that is not named
		"client_id=" + idptest.SPA + "&returnTo=https%3A%2F%2Fshop.example%2Fbye", "client_id=nobody", "client_id=" + idptest.SPA + "&client_id=x",
		"client_id=" + idptest.SPA + "&returnTo=http%3A%2F%2Flocalhost%3A3000%2Fother",
	} {
		browser := s.Browser()
		enter(t, s, browser, "ada@example.com")
		res, _ := s.Do(browser, http.MethodGet, "/v2/logout?"+query, nil)
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
			t.Errorf("%s: %d %q", query, res.StatusCode, res.Header.Get("Location"))
		}
		if !silent(t, s, browser).Has("code") {
			t.Errorf("%s: logged out", query)
		}
	}
	// Nowhere to go, nobody logged in.
	if _, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error { set.LogoutURLs = nil; return nil }); err != nil {
		t.Fatal(err)
	}
	if res, body := s.Do(s.Browser(), http.MethodGet, "/v2/logout", nil); res.StatusCode != http.StatusOK || body != "OK" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
	if sessions, err := s.Tenant().SessionsOf(t.Context(), ada.ID); err != nil || len(sessions) != 5 {
		t.Errorf("%d sessions are left, %v", len(sessions), err)
	}
}

func TestIDP19_hints(t *testing.T) {
	s, now := withClock(t)
	s.AddUser("ada@example.com")
	s.AddUser("ben@example.com")
	ben, _ := enter(t, s, s.Browser(), "ben@example.com")["id_token"].(string)
	browser := s.Browser()
	ada, _ := enter(t, s, browser, "ada@example.com")["id_token"].(string)
	sid, _ := claimsMap(t, ada)["sid"].(string)
	loggedIn := func() bool { t.Helper(); return silent(t, s, browser).Has("code") }
	for name, q := range map[string]url.Values{
		"a hint made up":          {"id_token_hint": {ada[:len(ada)-6] + "AAAAAA"}},
		"no JWT":                  {"id_token_hint": {"x"}},
		"another client":          {"id_token_hint": {ada}, "client_id": {idptest.Web}},
		"another session":         {"id_token_hint": {ada}, "logout_hint": {"else"}},
		"an address of nobody":    {"id_token_hint": {ada}, "post_logout_redirect_uri": {"http://evil.example/"}},
		"an address of no client": {"logout_hint": {sid}, "post_logout_redirect_uri": {idptest.LogoutURL}},
	} {
		res, _ := s.Do(browser, http.MethodGet, "/oidc/logout", q)
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
			t.Errorf("%s: %d %q", name, res.StatusCode, res.Header.Get("Location"))
		}
	}
	// Somebody else's hint proves nothing: the person is asked.
	for name, q := range map[string]url.Values{"the hint of another person": {"id_token_hint": {ben}}, "no hint": {}, "a session of nobody": {"logout_hint": {"else"}}} {
		if res, body := s.Do(browser, http.MethodGet, "/oidc/logout", q); res.StatusCode != http.StatusOK || !strings.Contains(body, `action="/u/logout`) {
			t.Errorf("%s: %d %.300s", name, res.StatusCode, body)
		}
	}
	if !loggedIn() {
		t.Fatal("logged out without proof")
	}
	// The page that asks: its form, from elsewhere and from here.
	_, page := s.Do(browser, http.MethodGet, "/oidc/logout", url.Values{"client_id": {idptest.SPA}, "post_logout_redirect_uri": {idptest.LogoutURL}, "state": {"a&b"}})
	form := idptest.Hidden(page)
	_, rest, _ := strings.Cut(page, `action="/u/logout?`)
	query, _, _ := strings.Cut(rest, `"`)
	action := "/u/logout?" + strings.ReplaceAll(query, "&amp;", "&")
	for _, bad := range []struct {
		form   url.Values
		header []string
	}{{form, []string{"Origin", "http://evil.example"}}, {url.Values{}, []string{"Origin", s.URL}}, {url.Values{"csrf": {"x"}}, []string{"Origin", s.URL}}} {
		if res, _ := s.Do(browser, http.MethodPost, action, bad.form, bad.header...); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: %d", bad, res.StatusCode)
		}
	}
	if !loggedIn() {
		t.Fatal("logged out by another site")
	}
	if res, body := s.Do(browser, http.MethodPost, action, form, "Origin", s.URL); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != idptest.LogoutURL+"?state=a%26b" {
		t.Errorf("confirmed: %d %q %.300s", res.StatusCode, res.Header.Get("Location"), body)
	}
	if loggedIn() {
		t.Error("still logged in")
	}
	// A hint that has expired is as good.
	ada, _ = enter(t, s, browser, "ada@example.com")["id_token"].(string)
	now.turn(20 * time.Hour)
	if res, _ := s.Do(browser, http.MethodGet, "/oidc/logout", url.Values{"id_token_hint": {ada}, "post_logout_redirect_uri": {idptest.LogoutURL}}); res.Header.Get("Location") != idptest.LogoutURL {
		t.Errorf("an old hint: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	if loggedIn() {
		t.Error("still logged in")
	}
	// By the ID of the session alone, and without one at all.
	sid, _ = claimsMap(t, enter(t, s, browser, "ada@example.com")["id_token"])["sid"].(string)
	for range 2 {
		if res, body := s.Do(browser, http.MethodPost, "/oidc/logout", url.Values{"logout_hint": {sid}}); res.StatusCode != http.StatusOK || strings.Contains(body, `action="/u/logout`) {
			t.Errorf("by logout_hint: %d %.300s", res.StatusCode, body)
		}
	}
	if loggedIn() {
		t.Error("still logged in")
	}
}

// RP-Initiated Logout 1.0 §3: state is a parameter of the query, also where the
// address has a fragment, as of applications that route by it.
func TestLogout_fragment(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	const bye = "https://app.example/?a=b#/bye"
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.LogoutURLs = []string{bye} })
	q := url.Values{"id_token_hint": {tokens["id_token"].(string)}, "post_logout_redirect_uri": {bye}, "state": {"x y"}}
	res, body := s.Do(s.HTTP, http.MethodGet, "/oidc/logout", q)
	if got := res.Header.Get("Location"); got != "https://app.example/?a=b&state=x%20y#/bye" {
		t.Errorf("%d %q %.300s", res.StatusCode, got, body)
	}
}
