package idp_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// clock is a clock that tests turn.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func withClock(t *testing.T) (*idptest.Server, *clock) {
	t.Helper()
	c := &clock{at: time.Now().Truncate(time.Second)}
	return idptest.New(t, idptest.Config{Edit: func(cfg *idp.Config) { cfg.Now = c.now }}), c
}

// enter logs a user in and returns the tokens.
func enter(t *testing.T, s *idptest.Server, browser *http.Client, email string, more ...string) map[string]any {
	t.Helper()
	res, body := s.Login(browser, authorization(more...), email, idptest.Password)
	res, tokens := exchange(s, answerOf(t, res, body).Get("code"))
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d %v", res.StatusCode, tokens)
	}
	return tokens
}

func refresh(s *idptest.Server, token any, more ...string) (*http.Response, map[string]any) {
	text, _ := token.(string)
	in := url.Values{"grant_type": {"refresh_token"}, "client_id": {idptest.SPA}, "refresh_token": {text}}
	for i := 0; i+1 < len(more); i += 2 {
		in.Set(more[i], more[i+1])
	}
	res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in)
	return res, s.JSON(body)
}

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

func TestIDP03_code(t *testing.T) {
	s, now := withClock(t)
	s.AddUser("ada@example.com")
	newCode := func(more ...string) string {
		res, body := s.Login(s.Browser(), authorization(more...), "ada@example.com", idptest.Password)
		return answerOf(t, res, body).Get("code")
	}
	for _, q := range [][]string{
		{"client_id", idptest.Web, "client_secret", idptest.Secret},
		{"redirect_uri", "http://localhost:3000/other"},
		{"redirect_uri", ""},
		{"code_verifier", strings.Repeat("x", 43)},
		{"code_verifier", ""},
	} {
		if res, body := exchange(s, newCode(), q...); res.StatusCode != http.StatusForbidden || body["error"] != "invalid_grant" {
			t.Errorf("%v: %d %v", q, res.StatusCode, body)
		}
	}
	code := newCode()
	now.turn(61 * time.Second)
	if res, body := exchange(s, code); res.StatusCode != http.StatusForbidden || body["error"] != "invalid_grant" {
		t.Errorf("after a minute: %d %v", res.StatusCode, body)
	}
	code = newCode()
	var wins, tokens sync.Map
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if res, body := exchange(s, code); res.StatusCode == http.StatusOK {
				wins.Store(i, true)
				tokens.Store("token", body)
			}
		})
	}
	all.Wait()
	n := 0
	wins.Range(func(any, any) bool { n++; return true })
	if n > 1 {
		t.Fatalf("%d of 20 exchanges of one code succeeded", n)
	}
	// The others were reuse: what the code led to has ended, or was never given out.
	value, ok := tokens.Load("token")
	if !ok {
		return
	}
	body := value.(map[string]any)
	if res, again := refresh(s, body["refresh_token"]); res.StatusCode != http.StatusForbidden {
		t.Errorf("refresh token after reuse of the code: %d %v", res.StatusCode, again)
	}
	res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+body["access_token"].(string))
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("access token after reuse of the code: %d", res.StatusCode)
	}
}

// A verifier where no challenge was is the downgrade of CVE-2024-23647.
func TestIDP04_downgrade(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	in := authorization("client_id", idptest.Web, "code_challenge", "", "code_challenge_method", "")
	res, body := s.Login(s.HTTP, in, "ada@example.com", idptest.Password)
	code := answerOf(t, res, body).Get("code")
	res, got := exchange(s, code, "client_id", idptest.Web, "client_secret", idptest.Secret)
	if res.StatusCode != http.StatusForbidden || got["error"] != "invalid_grant" {
		t.Errorf("%d %v", res.StatusCode, got)
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
	form := idptest.Hidden(body)
	form.Set("username", "victim@example.com")
	form.Set("password", idptest.Password)
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

// LOG-01, LOG-02: nobody learns from an answer whether there is an account.
func TestLOG01_sameAnswer(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Signup = idp.SignupConfirm }})
	s.AddUser("known@example.com")
	blocked := s.AddUser("block@example.com")
	if _, err := s.Tenant().UpdateUser(t.Context(), blocked.ID, func(u *tenant.User) error { u.Blocked = true; return nil }); err != nil {
		t.Fatal(err)
	}
	mask := func(body, email string) string {
		body = strings.ReplaceAll(body, email, "E")
		for name, values := range idptest.Hidden(body) {
			if name == "state" || name == "csrf" {
				body = strings.ReplaceAll(body, values[0], name)
			}
		}
		return body
	}
	post := func(path, email, password string) (int, string) {
		browser := s.Browser()
		res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
		state := strings.TrimPrefix(res.Header.Get("Location"), "/u/login?state=")
		_, body := s.Do(browser, http.MethodGet, path+"?state="+state, nil)
		form := idptest.Hidden(body)
		form.Set("username", email)
		form.Set("email", email)
		form.Set("password", password)
		if path == "/u/signup" {
			form.Del("username")
		}
		res, body = s.Do(browser, http.MethodPost, path, form, "Origin", s.URL)
		return res.StatusCode, mask(strings.ReplaceAll(body, state, "state"), email)
	}
	for _, q := range []struct{ path, a, b, password string }{
		{"/u/login", "known@example.com", "other@example.com", "wrong password"},
		{"/u/login", "block@example.com", "other@example.com", "wrong password"},
		{"/u/reset-password/request", "known@example.com", "other@example.com", ""},
		{"/u/signup", "known@example.com", "fresh@example.com", "Tin-Otter-Marsh-77"},
	} {
		statusA, bodyA := post(q.path, q.a, q.password)
		statusB, bodyB := post(q.path, q.b, q.password)
		if statusA != statusB || bodyA != bodyB {
			t.Errorf("%s: %s is %d, %s is %d; same page %v", q.path, q.a, statusA, q.b, statusB, bodyA == bodyB)
		}
	}
	if status, body := post("/u/login", "block@example.com", idptest.Password); status != http.StatusBadRequest || !strings.Contains(body, "is not right") {
		t.Errorf("a blocked user with the right password: %d", status)
	}
}

func TestSES06_reuse(t *testing.T) {
	s, now := withClock(t)
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	first := tokens["refresh_token"]
	res, body := refresh(s, first)
	second := body["refresh_token"]
	if res.StatusCode != http.StatusOK || second == first {
		t.Fatalf("%d %v", res.StatusCode, body)
	}
	if _, body := refresh(s, first); body["refresh_token"] != second {
		t.Error("a lost answer is not given again")
	}
	now.turn(11 * time.Second)
	if res, body := refresh(s, first); res.StatusCode != http.StatusForbidden || body["error_description"] != "Unknown or invalid refresh token." {
		t.Errorf("reuse: %d %v", res.StatusCode, body)
	}
	if res, _ := refresh(s, second); res.StatusCode != http.StatusForbidden {
		t.Error("the thief goes on")
	}
}

func TestSES07_bound(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	ada := s.AddUser("ada@example.com", "menu-admin")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	if res, body := refresh(s, tokens["refresh_token"], "client_id", idptest.Web, "client_secret", idptest.Secret); res.StatusCode != http.StatusForbidden {
		t.Errorf("another client: %v", body)
	}
	if res, body := refresh(s, tokens["refresh_token"], "scope", "openid delete:items"); body["error"] != "invalid_scope" {
		t.Errorf("wider scope: %d %v", res.StatusCode, body)
	}
	if err := s.Tenant().RemoveRoles(t.Context(), ada.ID, "rol_menuadmin0000001"); err != nil {
		t.Fatal(err)
	}
	res, body := refresh(s, tokens["refresh_token"])
	if res.StatusCode != http.StatusOK || strings.Contains(claims(t, body["access_token"]), "create:items") {
		t.Errorf("a role that was taken away: %d %s", res.StatusCode, claims(t, body["access_token"]))
	}
	// LOG-13
	if _, err := s.Tenant().UpdateUser(t.Context(), ada.ID, func(u *tenant.User) error { u.Blocked = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if res, body := refresh(s, body["refresh_token"]); res.StatusCode != http.StatusForbidden || body["error_description"] != "user is blocked" {
		t.Errorf("a blocked user: %d %v", res.StatusCode, body)
	}
	res, _ = s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("prompt", "none"))
	if back := answerOf(t, res, ""); back.Get("error") != "login_required" {
		t.Errorf("the session of a blocked user: %v", back)
	}
	res, _ = s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+tokens["access_token"].(string))
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("userinfo of a blocked user: %d", res.StatusCode)
	}
}

func TestIDP07_clients(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	ask := func(in url.Values, header ...string) (int, map[string]any) {
		in.Set("grant_type", "client_credentials")
		in.Set("audience", idptest.Audience)
		res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in, header...)
		return res.StatusCode, s.JSON(body)
	}
	basic := "Basic " + basicOf(idptest.Machine, idptest.Secret)
	if status, body := ask(url.Values{}, "Authorization", basic); status != http.StatusOK ||
		!strings.Contains(claims(t, body["access_token"]), `"sub":"`+idptest.Machine+`@clients"`) {
		t.Fatalf("%d %v", status, body)
	}
	for name, q := range map[string]struct {
		in     url.Values
		header []string
		status int
		code   string
	}{
		"wrong secret":   {url.Values{"client_id": {idptest.Machine}, "client_secret": {"x"}}, nil, 401, "access_denied"},
		"no secret":      {url.Values{"client_id": {idptest.Machine}}, nil, 401, "access_denied"},
		"unknown client": {url.Values{"client_id": {"nobody"}, "client_secret": {idptest.Secret}}, nil, 401, "access_denied"},
		"two ways":       {url.Values{"client_secret": {idptest.Secret}}, []string{"Authorization", basic}, 400, "invalid_request"},
		"two clients":    {url.Values{"client_id": {idptest.Web}}, []string{"Authorization", basic}, 400, "invalid_request"},
		"public client":  {url.Values{"client_id": {idptest.SPA}}, nil, 403, "unauthorized_client"},
		"no assertion":   {url.Values{"client_assertion": {"x.y.z"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}, nil, 401, "invalid_client"},
		"no grant":       {url.Values{"client_id": {idptest.Web}, "client_secret": {idptest.Secret}}, nil, 403, "unauthorized_client"},
	} {
		if status, body := ask(q.in, q.header...); status != q.status || body["error"] != q.code || body["access_token"] != nil {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
	res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token?client_secret=x", url.Values{"grant_type": {"client_credentials"}})
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("secret in the address: %d %s", res.StatusCode, body)
	}
}

func TestIDP09_cors(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	for origin, want := range map[string]string{"http://localhost:3000": "http://localhost:3000", "http://evil.example": "", "null": ""} {
		res, _ := s.Do(s.HTTP, http.MethodOptions, "/oauth/token", nil, "Origin", origin, "Access-Control-Request-Method", "POST")
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != want || res.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %q", origin, got)
		}
	}
	// The origin of another client is not this one's.
	res, _ := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret}, "audience": {idptest.Audience},
	}, "Origin", "http://localhost:3000")
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("origin of another client: %q", got)
	}
	for _, path := range []string{"/authorize", "/u/login", "/u/consent", "/v2/logout", "/oidc/logout"} {
		res, _ := s.Do(s.HTTP, http.MethodOptions, path, nil, "Origin", "http://localhost:3000")
		if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

func TestIDP12_authTime(t *testing.T) {
	s, now := withClock(t)
	s.AddUser("ada@example.com")
	before := claims(t, enter(t, s, s.HTTP, "ada@example.com")["id_token"])
	now.turn(time.Minute)
	for _, more := range [][]string{{"prompt", "login"}, {"max_age", "0"}, {"max_age", "30"}} {
		res, _ := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization(more...))
		if !strings.HasPrefix(res.Header.Get("Location"), "/u/login") {
			t.Errorf("%v: %q", more, res.Header.Get("Location"))
		}
		if more[0] == "max_age" {
			res, _ := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization(append(more, "prompt", "none")...))
			if answerOf(t, res, "").Get("error") != "login_required" {
				t.Errorf("%v, silently: %q", more, res.Header.Get("Location"))
			}
		}
	}
	after := claims(t, enter(t, s, s.HTTP, "ada@example.com", "max_age", "0")["id_token"])
	if before == after || !strings.Contains(after, `"auth_time":`) {
		t.Errorf("auth_time: %s", after)
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

func TestIDP19_logout(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	loggedIn := func() bool {
		res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("prompt", "none"))
		return answerOf(t, res, body).Has("code")
	}
	// A picture on another page.
	s.Do(s.HTTP, http.MethodGet, "/v2/logout", nil, "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image")
	s.Do(s.HTTP, http.MethodGet, "/oidc/logout", nil)
	if !loggedIn() {
		t.Fatal("somebody else logged the person out")
	}
	for _, where := range []string{"http://evil.example/", "javascript:alert(1)", "http://localhost:3000.evil.example/", "//evil.example", "http://localhost:3000@evil.example/"} {
		res, body := s.Do(s.HTTP, http.MethodGet, "/v2/logout", url.Values{"client_id": {idptest.SPA}, "returnTo": {where}})
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || !strings.Contains(body, "Allowed Logout URLs") {
			t.Errorf("%s: %d %q", where, res.StatusCode, res.Header.Get("Location"))
		}
		res, _ = s.Do(s.HTTP, http.MethodGet, "/oidc/logout", url.Values{"client_id": {idptest.SPA}, "post_logout_redirect_uri": {where}})
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
			t.Errorf("OIDC %s: %d %q", where, res.StatusCode, res.Header.Get("Location"))
		}
	}
	res, _ := s.Do(s.HTTP, http.MethodGet, "/oidc/logout", url.Values{
		"id_token_hint": {tokens["id_token"].(string)}, "post_logout_redirect_uri": {idptest.LogoutURL}, "state": {"s1"},
	})
	if res.Header.Get("Location") != idptest.LogoutURL+"?state=s1" {
		t.Errorf("with a hint: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	if loggedIn() {
		t.Error("still logged in")
	}
	if res, _ := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden {
		t.Error("the refresh token of the session goes on")
	}
}

// SES-01, OTP-01: whoever reads the database logs in as nobody.
func TestSES01_dump(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	browser := s.Browser()
	res, body := s.Login(browser, authorization(), "ada@example.com", idptest.Password)
	code := answerOf(t, res, body).Get("code")
	_, tokens := exchange(s, code)
	secrets := []string{code, tokens["refresh_token"].(string), idptest.Secret}
	base, _ := url.Parse(s.URL)
	for _, c := range browser.Jar.Cookies(base) {
		secrets = append(secrets, c.Value)
	}
	for _, table := range []string{"idp_objects", "idp_sessions", "idp_tokens", "idp_refresh", "idp_logs", "idp_users", "idp_identities", "gate_keys"} {
		dump := dumpTable(t, s, table)
		for _, secret := range secrets {
			if strings.Contains(dump, secret) {
				t.Errorf("%s has %.12s…", table, secret)
			}
		}
		if strings.Contains(dump, "PRIVATE KEY") || strings.Contains(dump, idptest.Password) {
			t.Errorf("%s has a private key or a password", table)
		}
	}
}

// LOG-13: a client that is gone gets nothing, nor does what it has.
func TestLOG13_client(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	if err := s.Tenant().Clients.Delete(t.Context(), idptest.SPA); err != nil {
		t.Fatal(err)
	}
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d %v", res.StatusCode, body)
	}
}

// AUD-02: people type passwords where names belong.
func TestAUD02_typed(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.Login(s.HTTP, authorization(), "My-Secret-Password-1", "x")
	if err := s.Tenant().FlushLogs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(dumpTable(t, s, "idp_logs"), "My-Secret-Password-1") {
		t.Error("the log has what was typed")
	}
	logs, err := s.Tenant().Logs(t.Context(), "type = 'fp'", nil, 10, 0)
	if err != nil || len(logs) != 1 {
		t.Errorf("%d entries, %v", len(logs), err)
	}
}

func TestOTP_reset(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	res, body := s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
		"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"ada@example.com"},
	}, "Host", "evil.example", "X-Forwarded-Host", "evil.example")
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "We've just sent you an email") {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	link := letterLink(t, s)
	if !strings.HasPrefix(link, s.URL+"/") { // OTP-06
		t.Fatalf("link %q", link)
	}
	browser := s.Browser()
	for range 3 { // OTP-03
		_, body = s.Do(browser, http.MethodGet, link, nil)
	}
	form := idptest.Hidden(body)
	form.Set("password", "short")
	if res, _ := s.Do(browser, http.MethodPost, "/u/reset-password", form, "Origin", s.URL); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a weak password: %d", res.StatusCode)
	}
	form.Set("password", "Oak-Lantern-Reed-07")
	if res, body := s.Do(browser, http.MethodPost, "/u/reset-password", form, "Origin", s.URL); res.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	if res, _ := s.Do(browser, http.MethodPost, "/u/reset-password", form, "Origin", s.URL); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a link twice: %d", res.StatusCode)
	}
	if res, _ := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden { // OTP-07
		t.Error("the refresh token goes on after a reset")
	}
	res, _ = s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("prompt", "none"))
	if answerOf(t, res, "").Has("code") {
		t.Error("the session goes on after a reset")
	}
	res, body = s.Login(s.Browser(), authorization(), "ada@example.com", "Oak-Lantern-Reed-07")
	if !answerOf(t, res, body).Has("code") {
		t.Error("the new password is of no use")
	}
}

func TestLOG03_throttle(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	for _, email := range []string{"ada@example.com", "nobody@example.com"} {
		var statuses []int
		for range 12 {
			res, _ := s.Login(s.Browser(), authorization(), strings.ToUpper(email), "wrong")
			statuses = append(statuses, res.StatusCode)
		}
		if slices.Contains(statuses[:10], http.StatusTooManyRequests) || statuses[10] != http.StatusTooManyRequests || statuses[11] != http.StatusTooManyRequests {
			t.Errorf("%s: %v", email, statuses)
		}
	}
	res, body := s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password)
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
		t.Errorf("the right password after ten wrong ones: %d %.200s", res.StatusCode, body)
	}
}

func TestLOG16_databaseAway(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	if err := s.Tenant().DB().Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/openid-configuration"} {
		if res, _ := s.Do(s.HTTP, http.MethodGet, path, nil); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	for _, answer := range []func() int{
		func() int {
			res, _ := s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password)
			return res.StatusCode
		},
		func() int { res, _ := refresh(s, tokens["refresh_token"]); return res.StatusCode },
		func() int {
			res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+tokens["access_token"].(string))
			return res.StatusCode
		},
	} {
		if status := answer(); status < 500 {
			t.Errorf("without a database: %d", status)
		}
	}
}

func TestOpen_refuses(t *testing.T) {
	for name, edit := range map[string]func(*idp.Config){
		"issuer without slash":    func(c *idp.Config) { c.Issuer = "https://id.example.com" },
		"issuer with a path":      func(c *idp.Config) { c.Issuer = "https://id.example.com/auth/" },
		"http elsewhere":          func(c *idp.Config) { c.Issuer = "http://id.example.com/" },
		"short secret":            func(c *idp.Config) { c.Secret = []byte("short") },
		"development in the open": func(c *idp.Config) { c.Issuer, c.Development = "https://id.example.com/", true },
		"unknown sign-up":         func(c *idp.Config) { c.Signup = "maybe" },
		"no mail":                 func(c *idp.Config) { c.Mail = nil },
	} {
		cfg := idp.Config{Issuer: "http://localhost:1/", Secret: make([]byte, 32), Mail: discard{}}
		edit(&cfg)
		if _, err := idp.Open(t.Context(), nil, cfg); err == nil {
			t.Errorf("%s: opened", name)
		} else if errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
