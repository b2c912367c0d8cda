package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

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

// IDP-03: a code that comes again was stolen from somebody, whose tokens end.
func TestIDP03_reuse(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	for _, more := range [][]string{nil, {"code_verifier", strings.Repeat("x", 43)}, {"redirect_uri", "http://evil.example/cb"}} {
		for _, audience := range []string{idptest.Audience, ""} { // a JWT, an opaque token
			res, body := s.Login(s.Browser(), authorization("audience", audience), "ada@example.com", idptest.Password)
			code := answerOf(t, res, body).Get("code")
			res, first := exchange(s, code)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%d %v", res.StatusCode, first)
			}
			bearer := "Bearer " + first["access_token"].(string)
			if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", bearer); res.StatusCode != http.StatusOK {
				t.Fatalf("before: %d", res.StatusCode)
			}
			if res, again := exchange(s, code, more...); res.StatusCode != http.StatusForbidden || again["error"] != "invalid_grant" || again["access_token"] != nil {
				t.Errorf("%v: %d %v", more, res.StatusCode, again)
			}
			if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", bearer); res.StatusCode != http.StatusUnauthorized {
				t.Errorf("%v: the access token goes on: %d", more, res.StatusCode)
			}
			if res, got := refresh(s, first["refresh_token"]); res.StatusCode != http.StatusForbidden {
				t.Errorf("%v: the refresh token goes on: %v", more, got)
			}
		}
	}
	// Another client that found a code does not use it up, and ends nothing.
	res, body := s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password)
	code := answerOf(t, res, body).Get("code")
	for range 2 {
		if res, got := exchange(s, code, "client_id", idptest.Web, "client_secret", idptest.Secret); res.StatusCode != http.StatusForbidden {
			t.Errorf("another client: %d %v", res.StatusCode, got)
		}
	}
	res, tokens := exchange(s, code)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("its own client: %d %v", res.StatusCode, tokens)
	}
	exchange(s, code, "client_id", idptest.Web, "client_secret", idptest.Secret)
	if res, got := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusOK {
		t.Errorf("another client ended it: %v", got)
	}
}

// IDP-04: a client without a secret has a challenge, and the method is S256.
func TestIDP04_required(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	for name, more := range map[string][]string{
		"nothing":      {"code_challenge", "", "code_challenge_method", ""},
		"no challenge": {"code_challenge", ""},
		"no method":    {"code_challenge_method", ""},
		"plain":        {"code_challenge", verifier, "code_challenge_method", "plain"},
		"in small":     {"code_challenge_method", "s256"},
		"short":        {"code_challenge", "short"},
		"not base64":   {"code_challenge", strings.Repeat("=", 43)},
	} {
		res, body := s.Do(s.Browser(), http.MethodGet, "/authorize", authorization(more...))
		if back := answerOf(t, res, body); back.Get("error") != "invalid_request" {
			t.Errorf("%s: %v", name, back)
		}
	}
	_, body := s.Do(s.HTTP, http.MethodGet, "/.well-known/openid-configuration", nil)
	if diff := cmp.Diff([]any{"S256"}, s.JSON(body)["code_challenge_methods_supported"]); diff != "" {
		t.Error(diff)
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

// SES-06: tokens of a client without a secret rotate and end, and a used one is
// forgiven for a minute at most, whatever the client says.
func TestSES06_publicClients(t *testing.T) {
	s, now := withClock(t)
	s.AddUser("ada@example.com")
	setClient(t, s, idptest.SPA, func(c *tenant.Client) {
		c.Refresh = &tenant.RefreshPolicy{Rotation: "non-rotating", Expiration: "non-expiring", Leeway: 86400, InfiniteLifetime: true, InfiniteIdle: true}
	})
	first := enter(t, s, s.HTTP, "ada@example.com")["refresh_token"]
	_, body := refresh(s, first)
	if body["refresh_token"] == first || body["refresh_token"] == nil {
		t.Fatalf("it does not rotate: %v", body)
	}
	now.turn(61 * time.Second)
	if res, body := refresh(s, first); res.StatusCode != http.StatusForbidden {
		t.Errorf("a used one after a minute: %v", body)
	}
	if res, _ := refresh(s, body["refresh_token"]); res.StatusCode != http.StatusForbidden {
		t.Error("the thief goes on")
	}
	// Without leeway there is none.
	setClient(t, s, idptest.SPA, func(c *tenant.Client) {
		c.Refresh = &tenant.RefreshPolicy{Rotation: "rotating", Expiration: "expiring"}
	})
	first = enter(t, s, s.Browser(), "ada@example.com")["refresh_token"]
	refresh(s, first)
	if res, body := refresh(s, first); res.StatusCode != http.StatusForbidden {
		t.Errorf("a used one at once: %v", body)
	}
}

// SES-07: a refresh token lives for 15 days without use, and for 30 in all.
func TestSES07_lives(t *testing.T) {
	for name, tt := range map[string]struct {
		policy *tenant.RefreshPolicy
		step   time.Duration
		good   int
	}{
		"idle":             {nil, 15*24*time.Hour + time.Minute, 0},
		"in all":           {nil, 14 * 24 * time.Hour, 2},
		"without end":      {&tenant.RefreshPolicy{Rotation: "non-rotating", Expiration: "non-expiring", InfiniteLifetime: true, InfiniteIdle: true}, 14 * 24 * time.Hour, 2},
		"as it says":       {&tenant.RefreshPolicy{Rotation: "rotating", Expiration: "expiring", Lifetime: 3600, IdleLifetime: 600}, 9 * time.Minute, 6},
		"idle, as it says": {&tenant.RefreshPolicy{Rotation: "rotating", Expiration: "expiring", Lifetime: 3600, IdleLifetime: 600}, 11 * time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, now := withClock(t)
			s.AddUser("ada@example.com")
			setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.Refresh = tt.policy })
			token := enter(t, s, s.HTTP, "ada@example.com")["refresh_token"]
			good := 0
			for range 8 {
				now.turn(tt.step)
				res, body := refresh(s, token)
				if res.StatusCode != http.StatusOK {
					break
				}
				good++
				token = body["refresh_token"]
			}
			if good != tt.good {
				t.Errorf("good for %d times, want %d", good, tt.good)
			}
		})
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
	if res, body := refresh(s, tokens["refresh_token"], "audience", s.Issuer()+"api/v2/"); body["error_description"] != "The refresh token is for another audience" {
		t.Errorf("another API: %d %v", res.StatusCode, body)
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

// IDP-13: a new API of the same name does not inherit what people allowed the old
// one.
func TestIDP13_apiAnew(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com", "menu-admin")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	api, err := s.Tenant().APIs.ByName(t.Context(), idptest.Audience)
	if err != nil {
		t.Fatal(err)
	}
	again := *api
	if err := s.Tenant().APIs.Delete(t.Context(), api.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Tenant().APIs.Create(t.Context(), &again); err != nil {
		t.Fatal(err)
	}
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden || body["error"] != "invalid_grant" {
		t.Errorf("a token of the API that was removed: %d %v", res.StatusCode, body)
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
