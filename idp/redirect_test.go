package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

func TestIDP01_redirectURI(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	for _, uri := range []string{
		"http://localhost:3000/callback/", "http://localhost:3000/callback?x", "http://localhost:3000/Callback", "http://localhost:3000/callback#",
		"http://localhost:3000/callback/..", "http://localhost:3000/./callback", "http://localhost:3000/%63allback", "http://localhost:3000//callback",
		"http://localhost:3000/..;/callback", "http://localhost:3000\\callback", "http://localhost:3000@evil.example/callback",
		"http://evil.example\\@localhost:3000/callback", "http://localhost:3000.evil.example/callback", "http://localhost.evil.example:3000/callback",
		"https://localhost:3000/callback", "http://localhost:3001/callback", "http://127.0.0.1:3000/callback", "http://user@localhost:3000/callback",
		"//localhost:3000/callback", "javascript:alert(1)", "data:text/html,x", "http://localhost:3000/callback\n", " http://localhost:3000/callback",
		"http://localhost:3000/callback%00", "http://localhost:3000/callback;x", "http://localhost:3000/callback%2f", "callback", "/callback",
		"http://localhost:3000/callback&state=x", "http://[::1]:3000/callback", "http://LOCALHOST:3000/CALLBACK",
	} {
		res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("redirect_uri", uri))
		if res.StatusCode != http.StatusForbidden || res.Header.Get("Location") != "" || !strings.Contains(body, "Callback URL mismatch") {
			t.Errorf("%q: %d %q", uri, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

// setClient changes a client.
func setClient(t *testing.T, s *idptest.Server, id string, change func(*tenant.Client)) {
	t.Helper()
	_, err := s.Tenant().Clients.Update(t.Context(), id, func(c *tenant.Client) error { change(c); return nil })
	if err != nil {
		t.Fatal(err)
	}
}

// takes reports whether a request with an address is taken. One that is not is
// refused on our page, and leads nowhere.
func takes(t *testing.T, s *idptest.Server, client, uri string) bool {
	t.Helper()
	res, body := s.Do(s.Browser(), http.MethodGet, "/authorize", authorization("client_id", client, "redirect_uri", uri))
	where := res.Header.Get("Location")
	switch {
	case res.StatusCode == http.StatusSeeOther && strings.HasPrefix(where, "/u/login?"):
		return true
	case res.StatusCode == http.StatusForbidden && where == "" && strings.Contains(body, "Callback URL mismatch"):
		return false
	}
	t.Errorf("%q: %d %q", uri, res.StatusCode, where)
	return false
}

// IDP-01, CVE-2024-8883: the port of 127.0.0.1 and [::1] is the one thing that a
// native client varies. The address is parsed, and its beginning proves nothing.
func TestIDP01_loopbackPort(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	setClient(t, s, idptest.SPA, func(c *tenant.Client) {
		c.AppType = tenant.Native
		c.Callbacks = []string{"http://127.0.0.1/cb?a=1", "http://[::1]:8080/cb", "http://127.0.0.1", "http://localhost:3000/callback", "com.example.app:/cb"}
	})
	for _, uri := range []string{
		"http://127.0.0.1/cb?a=1", "http://127.0.0.1:49152/cb?a=1", "http://[::1]:8080/cb", "http://[::1]:49152/cb", "http://[::1]/cb",
		"http://127.0.0.1", "http://127.0.0.1:49152", "http://localhost:3000/callback", "com.example.app:/cb",
	} {
		if !takes(t, s, idptest.SPA, uri) {
			t.Errorf("%q is refused", uri)
		}
	}
	for _, uri := range []string{
		"http://127.0.0.1@evil.example", "http://127.0.0.1:49152@evil.example", "http://127.0.0.1.evil.example", "http://127.0.0.1:49152\\@evil.example",
		"http://127.0.0.1:49152@evil.example/cb?a=1", "http://127.0.0.1.evil.example:49152/cb?a=1", "http://user@127.0.0.1:49152/cb?a=1",
		"http://127.0.0.1:49152/cb", "http://127.0.0.1:49152/cb?a=2", "http://127.0.0.1:49152/cb?a=1&b", "http://127.0.0.1:49152/CB?a=1",
		"http://127.0.0.1:49152/cb/?a=1", "http://127.0.0.1:49152/%63b?a=1", "http://127.0.0.1:49152//cb?a=1", "http://127.0.0.1:49152/x/../cb?a=1",
		"http://127.0.0.1:49152/..;/cb?a=1", "http://127.0.0.1:49152/cb?a=1#", "http://127.0.0.1:49152/cb?a=1#x", "http://127.0.0.1:49152/evil",
		"http://127.0.0.1:port/cb?a=1", "http://127.0.0.1:0/cb?a=1", "http://127.0.0.1:65536/cb?a=1", "http://[::1]:99999/cb", "http://127.0.0.1:00000", "http://127.0.0.2:49152/cb?a=1", "http://127.1:49152/cb?a=1", "http://2130706433:49152/cb?a=1",
		"http://0x7f.0.0.1:49152/cb?a=1", "http://0.0.0.0:49152/cb?a=1", "http://[::ffff:127.0.0.1]:49152/cb?a=1", "https://127.0.0.1:49152/cb?a=1",
		"http://[0:0:0:0:0:0:0:1]:49152/cb", "http://[::1%25lo]:49152/cb", "http://[::]:49152/cb", "http://localhost:49152/callback",
		"http://127.0.0.1:3000/callback", "com.example.app://127.0.0.1/cb", "com.example.app:/cb/", "com.example.app:/cb#x", "com.example.app.evil:/cb",
	} {
		if takes(t, s, idptest.SPA, uri) {
			t.Errorf("%q is taken", uri)
		}
	}
	// Other kinds of clients have the port that they said.
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.AppType = tenant.SPA })
	if takes(t, s, idptest.SPA, "http://127.0.0.1:49152/cb?a=1") || !takes(t, s, idptest.SPA, "http://127.0.0.1/cb?a=1") {
		t.Error("the port of a client that is not native")
	}
}

// A wildcard is for clients of our own that ask for it, stands for one label at
// the left, and nowhere else.
func TestIDP01_wildcards(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	setClient(t, s, idptest.Web, func(c *tenant.Client) {
		c.UnsafeWildcards = true
		c.Callbacks = []string{
			"https://*.preview.example.com/cb", "https://pr-*-x.dev.example.com:8443/cb?a=1", "https://app.example.com/*", "https://*.com/cb", "https://shop.*.com/cb",
		}
	})
	good := "https://a-1.preview.example.com/cb"
	for _, uri := range []string{good, "https://PR-1-X.dev.example.com:8443/cb?a=1"} {
		if !takes(t, s, idptest.Web, uri) {
			t.Errorf("%q is refused", uri)
		}
	}
	for _, uri := range []string{
		"https://preview.example.com/cb", "https://.preview.example.com/cb", "https://a.b.preview.example.com/cb", "http://a.preview.example.com/cb",
		"https://evil.example/.preview.example.com/cb", "https://evil.example?.preview.example.com/cb", "https://evil.example#.preview.example.com/cb",
		"https://evil.example\\.preview.example.com/cb", "https://evil.example:443.preview.example.com/cb", "https://u@a.preview.example.com/cb",
		"https://evil.example%2f.preview.example.com/cb", "https://evil。b.preview.example.com/cb", "https://evil%E3%80%82b.preview.example.com/cb",
		"https://evil／b.preview.example.com/cb", "https://a;b.preview.example.com/cb", "https://a.preview.example.com:8443/cb",
		"https://a.preview.example.com/cb/x", "https://a.preview.example.com/cb?x", "https://a.preview.example.com/CB", "https://a.preview.example.com/",
		"https://a.preview.example.com.evil.example/cb", "https://app.example.com/x", "https://evil.com/cb", "https://shop.evil.com/cb",
		"https://pr-1-x.dev.example.com/cb?a=1", "https://xpr-1-x.dev.example.com:8443/cb?a=1", "https://pr-1-y.dev.example.com:8443/cb?a=1",
		"https://pr-x.dev.example.com:8443/cb?a=1", "https://pr-1-x.dev.example.com:8443/cb?a=2",
	} {
		if takes(t, s, idptest.Web, uri) {
			t.Errorf("%q is taken", uri)
		}
	}
	for name, change := range map[string]func(*tenant.Client){
		"not asked for":       func(c *tenant.Client) { c.UnsafeWildcards = false },
		"a client of a third": func(c *tenant.Client) { c.UnsafeWildcards, c.FirstParty = true, false },
	} {
		setClient(t, s, idptest.Web, change)
		if takes(t, s, idptest.Web, good) {
			t.Errorf("%s: taken", name)
		}
	}
}

// What must never be gone to is not gone to, even if somebody registered it.
func TestIDP01_neverGoneTo(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	list := []string{
		"javascript:alert(1)", "JavaScript://app.example/%0aalert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://app.example/x",
		"about:blank", "https://user:pw@app.example/cb", "https://user@app.example/cb", "https://app.example/cb#x", "https://app.example/cb#", "/cb", "app.example/cb",
	}
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.Callbacks = list })
	for _, uri := range list {
		if takes(t, s, idptest.SPA, uri) {
			t.Errorf("%q is taken", uri)
		}
	}
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.Callbacks = nil })
	for _, uri := range []string{"", idptest.Callback} {
		if takes(t, s, idptest.SPA, uri) {
			t.Errorf("%q of a client without addresses is taken", uri)
		}
	}
}

// An address that was taken away while the page was open is not gone to.
func TestIDP01_takenAwayMeanwhile(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	browser := s.Browser()
	res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
	_, page := s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.Callbacks = []string{"http://localhost:3000/other"} })
	form := s.Fill(page, "username", "ada@example.com", "password", idptest.Password)
	res, _ = s.Do(browser, http.MethodPost, "/u/login", form, "Origin", s.URL)
	if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
		t.Errorf("%d %q", res.StatusCode, res.Header.Get("Location"))
	}
}

// IDP-02: whatever else is wrong, an address that nobody registered gets nothing.
func TestIDP02_errorsStayHere(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	for _, q := range [][]string{
		{"response_type", ""},
		{"response_type", "code foo"},
		{"response_mode", "smoke"},
		{"response_mode", "fragment"},
		{"response_mode", "form_post"},
		{"response_mode", "web_message"},
		{"prompt", "none"},
		{"prompt", "none login"},
		{"max_age", "x"},
		{"audience", "https://nothing.example"},
		{"connection", "nothing"},
		{"request", "x.y.z"},
		{"code_challenge", ""},
		{"id_token_hint", "x.y.z"},
		{"scope", ""},
		{"organization", "org_1"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			res, body := s.Do(s.Browser(), method, "/authorize", authorization(append(q, "redirect_uri", "https://evil.example/cb")...))
			if res.StatusCode != http.StatusForbidden || res.Header.Get("Location") != "" || strings.Contains(body, `action="https://evil`) ||
				strings.Contains(res.Header.Get("Content-Security-Policy"), "evil") {
				t.Errorf("%s %v: %d %q", method, q, res.StatusCode, res.Header.Get("Location"))
			}
		}
	}
}

func TestIDP02_errors(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("client_id", "nobody"))
	if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || !strings.Contains(body, "Unknown client: nobody") {
		t.Errorf("unknown client: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	res, _ = s.Do(s.HTTP, http.MethodGet, "/authorize?"+authorization().Encode()+"&scope=openid", nil)
	if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
		t.Errorf("a parameter twice: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	for _, q := range []struct{ name, value, code string }{
		{"response_type", "code foo", "unsupported_response_type"},
		{"response_type", "token", "unauthorized_client"},
		{"response_type", "", "invalid_request"},
		{"response_mode", "smoke", "invalid_request"},
		{"audience", "https://nothing.example", "access_denied"},
		{"prompt", "none login", "invalid_request"},
		{"prompt", "none", "login_required"},
		{"max_age", "-1", "invalid_request"},
		{"connection", "nothing", "access_denied"},
		{"id_token_hint", "x.y.z", "invalid_request"},
		{"organization", "org_1", "invalid_request"},
		{"request", "x.y.z", "request_not_supported"},
		{"request_uri", "http://169.254.169.254/", "request_uri_not_supported"},
		{"code_challenge", "", "invalid_request"}, // IDP-04
		{"code_challenge_method", "plain", "invalid_request"},
		{"code_challenge_method", "", "invalid_request"},
		{"code_challenge", "short", "invalid_request"},
	} {
		res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization(q.name, q.value))
		back := answerOf(t, res, body)
		if back.Get("error") != q.code || back.Get("state") != "st==" || back.Get("iss") != s.Issuer() || back.Has("code") {
			t.Errorf("%s=%s: %v", q.name, q.value, back)
		}
	}
	// A state that was not sent does not come back.
	res, body = s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("prompt", "none", "state", ""))
	if answerOf(t, res, body).Has("state") {
		t.Error("a state out of nowhere")
	}
}

func TestIDP13_scope(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ben@example.com")
	tokens := enter(t, s, s.HTTP, "ben@example.com", "scope", "openid create:items read:users admin")
	if got := claims(t, tokens["access_token"]); !strings.Contains(got, `"scope":"openid"`) || !strings.Contains(got, `"permissions":[]`) {
		t.Errorf("%s", got)
	}
	// People get nothing of the Management API but their own account.
	tokens = enter(t, s, s.Browser(), "ben@example.com", "audience", s.Issuer()+"api/v2/", "scope", "openid read:users read:current_user")
	if got := claims(t, tokens["access_token"]); !strings.Contains(got, `"scope":"openid read:current_user"`) {
		t.Errorf("%s", got)
	}
}

// Databases of before have addresses whose host no header of a page can name.
// They lead nowhere, and to no error of ours.
func TestIDP01_unusableHosts(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	hosts := []string{"https://é.example", "https://a;b.example", "https://a'b.example", "https://(a).example", "https://a,b.example"}
	setClient(t, s, idptest.SPA, func(c *tenant.Client) {
		c.Callbacks = []string{idptest.Callback}
		for _, host := range hosts {
			c.Callbacks, c.WebOrigins, c.LogoutURLs = append(c.Callbacks, host+"/cb"), append(c.WebOrigins, host), append(c.LogoutURLs, host+"/bye")
		}
		c.Origins, c.InitiateLoginURI = c.WebOrigins, hosts[0]+"/login"
	})
	for _, host := range hosts {
		if takes(t, s, idptest.SPA, host+"/cb") {
			t.Errorf("%s is taken", host)
		}
		for _, path := range []string{"/v2/logout?client_id=" + idptest.SPA + "&returnTo=", "/oidc/logout?client_id=" + idptest.SPA + "&post_logout_redirect_uri="} {
			if res, _ := s.Do(s.Browser(), http.MethodGet, path+url.QueryEscape(host+"/bye"), nil); res.StatusCode != http.StatusBadRequest {
				t.Errorf("%s%s: %d", path, host, res.StatusCode)
			}
		}
	}
	// The pages of the client work, and leave these addresses out.
	browser := s.Browser()
	res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
	res, body := s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
	if policy := res.Header.Get("Content-Security-Policy"); res.StatusCode != http.StatusOK || strings.ContainsAny(policy, "é,(") || strings.Contains(policy, "b.example") {
		t.Errorf("log-in: %d %s %.300s", res.StatusCode, policy, body)
	}
	for _, path := range []string{"/oidc/logout?client_id=" + idptest.SPA, "/authorize?client_id=" + idptest.SPA + "&redirect_uri=https://evil.example/"} {
		if res, body := s.Do(s.Browser(), http.MethodGet, path, nil); res.StatusCode >= 500 {
			t.Errorf("%s: %d %.300s", path, res.StatusCode, body)
		}
	}
}

// The page that asks whether to log out leads back to pages alone: to an
// application on a device the log-out itself does.
func TestLogout_application(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	enter(t, s, s.HTTP, "ada@example.com")
	const bye = "com.example.app:/bye"
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.LogoutURLs = []string{bye} })
	res, page := s.Do(s.HTTP, http.MethodGet, "/oidc/logout?client_id="+idptest.SPA+"&post_logout_redirect_uri="+bye, nil)
	if res.StatusCode != http.StatusOK || strings.Contains(page, `href="`+bye) {
		t.Fatalf("%d %.500s", res.StatusCode, page)
	}
	_, action, _ := strings.Cut(page, `action="`)
	action, _, _ = strings.Cut(action, `"`)
	res, body := s.Do(s.HTTP, http.MethodPost, strings.ReplaceAll(action, "&amp;", "&"), idptest.Hidden(page), "Origin", s.URL)
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != bye {
		t.Errorf("%d %q %.300s", res.StatusCode, res.Header.Get("Location"), body)
	}
}

// IDP-02: our pages do not say what an address wants them to.
func TestIDP02_words(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	const words = "Your account was closed. Call +1 555 0100"
	for name, address := range map[string]string{
		"client":              "/authorize?" + authorization("client_id", words).Encode(),
		"long client":         "/authorize?" + authorization("client_id", strings.Repeat("Call-15550100-", 20)).Encode(),
		"client of a log-out": "/oidc/logout?" + url.Values{"client_id": {words}}.Encode(),
		"log-out":             "/v2/logout?" + url.Values{"client_id": {idptest.SPA}, "returnTo": {"https://x.example/?" + words}}.Encode(),
		"end of a session":    "/oidc/logout?" + url.Values{"client_id": {idptest.SPA}, "post_logout_redirect_uri": {"https://x.example/?" + words}}.Encode(),
		"twice":               "/authorize?" + url.Values{words: {"a", "b"}}.Encode(),
	} {
		res, page := s.Do(s.HTTP, http.MethodGet, address, nil, "Accept", "text/html")
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
		if text := strings.Join(strings.Fields(idp.PlainText(page)), ""); strings.Contains(text, "5550100") || strings.Contains(text, "account") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
