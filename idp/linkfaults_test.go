package idp_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// OTP-01: a link whose work could not be done is as good as before.
func TestOTP01_faultUsesNoLinkUp(t *testing.T) {
	for name, tt := range map[string]struct {
		signup        idp.Signup
		change, table string
		done          func(users []*tenant.User) bool
	}{
		"a new account": {idp.SignupConfirm, "INSERT", "idp_users", func(users []*tenant.User) bool { return len(users) == 1 && users[0].EmailVerified }},
		"an address":    {idp.SignupOpen, "UPDATE", "idp_identities", func(users []*tenant.User) bool { return len(users) == 1 && users[0].EmailVerified }},
	} {
		t.Run(name, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Signup = tt.signup }})
			browser := s.Browser()
			res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization("screen_hint", "signup"))
			_, page := s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
			s.Do(browser, http.MethodPost, "/u/signup", s.Fill(page, "email", "new@example.com", "password", "Oak-Lantern-Reed-07"), "Origin", s.URL)
			link := linkTo(t, s, "new@example.com")
			broken(t, s, tt.change, tt.table, func() {
				if status, _ := press(s, browser, link, "/u/email-verification"); status < 500 {
					t.Errorf("fault: %d", status)
				}
			})
			if status, body := press(s, browser, link, "/u/email-verification"); status != http.StatusOK {
				t.Errorf("again: %d %.1000s", status, body)
			}
			if users, err := s.Tenant().UsersByEmail(t.Context(), "new@example.com"); err != nil || !tt.done(users) {
				t.Errorf("%v %v", users, err)
			}
			if status, _ := press(s, browser, link, "/u/email-verification"); status < 400 {
				t.Errorf("once more: %d", status)
			}
		})
	}
}

// linkTo returns the link to confirm an address in the letter to it.
func linkTo(t *testing.T, s *idptest.Server, address string) (link string) {
	t.Helper()
	awaitLetter(t, s, func() bool {
		for _, text := range lettersTo(t, s, address) {
			text = strings.NewReplacer("=\r\n", "", "=\n", "", "=3D", "=").Replace(text)
			for _, found := range links.FindAllString(text, -1) {
				if strings.Contains(found, "/u/email-verification?ticket=") {
					link = found
				}
			}
		}
		return link != ""
	})
	return link
}

// Who confirms an address after somebody else took the user name is told so.
func TestSignup_nameTakenMeanwhile(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Signup = idp.SignupConfirm }})
	for _, email := range []string{"first@example.com", "second@example.com"} {
		body := `{"client_id":"` + idptest.SPA + `","connection":"` + idptest.Connection + `","email":"` + email + `","username":"ada","password":"Oak-Lantern-Reed-07"}`
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/dbconnections/signup", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := s.HTTP.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(res.Body)
		if res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s %v", email, res.StatusCode, data, err)
		}
	}
	if status, body := press(s, s.Browser(), linkTo(t, s, "first@example.com"), "/u/email-verification"); status >= 400 {
		t.Fatalf("first: %d %s", status, body)
	}
	second := linkTo(t, s, "second@example.com")
	if status, body := press(s, s.Browser(), second, "/u/email-verification"); status != http.StatusBadRequest || !strings.Contains(body, "Somebody else took your user name") || !strings.Contains(body, "Create your account again, with another user name.") {
		t.Errorf("second: %d %.1500s", status, body)
	}
	if users, err := s.Tenant().UsersByEmail(t.Context(), "second@example.com"); err != nil || len(users) != 0 {
		t.Errorf("%v %v", users, err)
	}
}

// The page that asks before a log-out knows whose addresses count: those of the
// client of the hint.
func TestLogout_confirmedWithHintAlone(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	browser := s.Browser()
	before := enter(t, s, browser, "ada@example.com")
	s.Do(browser, http.MethodGet, "/v2/logout", url.Values{"client_id": {idptest.SPA}})
	enter(t, s, browser, "ada@example.com") // another session, the application kept its ID token
	in := url.Values{"id_token_hint": {fmt.Sprint(before["id_token"])}, "post_logout_redirect_uri": {idptest.LogoutURL}}
	res, page := s.Do(browser, http.MethodGet, "/oidc/logout", in)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d %q", res.StatusCode, res.Header.Get("Location"))
	}
	_, action, _ := strings.Cut(page, `action="`)
	action, _, _ = strings.Cut(action, `"`)
	res, body := s.Do(browser, http.MethodPost, strings.ReplaceAll(action, "&amp;", "&"), idptest.Hidden(page), "Origin", s.URL)
	if res.StatusCode != http.StatusSeeOther {
		t.Errorf("whoever pressed the button: %d %.1200s", res.StatusCode, body)
	}
	if got := silent(t, s, browser); got.Get("error") != "login_required" {
		t.Error("and is logged in still")
	}
}

// IDP-11: what was allowed stays allowed when something else is allowed, too.
func TestIDP11_beside(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	browser := stranger(t, s)
	page, _ := asks(t, s, browser, authorization("scope", "openid create:items"))
	decide(s, browser, page, "allow")
	page, _ = asks(t, s, browser, authorization("scope", "openid update:items"))
	decide(s, browser, page, "allow")
	if _, again := asks(t, s, browser, authorization("scope", "openid create:items")); again {
		t.Error("asked again for what was allowed")
	}
}

// Whom a token is for is said alike at every door: by audience or resource (RFC 8707
// §2), not by both, and userinfo is one.
func TestResource_everywhere(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	if _, err := s.Tenant().UpdateSettings(t.Context(), func(set *tenant.Settings) error { set.DefaultDirectory = idptest.Connection; return nil }); err != nil {
		t.Fatal(err)
	}
	web := url.Values{
		"grant_type": {"password"}, "client_id": {idptest.Web}, "client_secret": {idptest.Secret},
		"username": {"ada@example.com"}, "password": {idptest.Password}, "scope": {"openid"},
	}
	machine := url.Values{"grant_type": {"client_credentials"}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret}}
	for name, tt := range map[string]struct {
		by                 url.Values
		audience, resource string
		parts              int    // of the token: three of a JWT, none of a refusal
		code               string // of the refusal
	}{
		"password, userinfo":    {web, s.URL + "/userinfo", "", 1, ""},
		"password, resource":    {web, "", idptest.Audience, 3, ""},
		"password, both":        {web, idptest.Audience, idptest.Audience, 3, ""},
		"password, two":         {web, idptest.Audience, s.URL + "/userinfo", 0, "invalid_target"},
		"password, none such":   {web, "https://nobody.example/", "", 0, "access_denied"},
		"password, no resource": {web, "", "https://nobody.example/", 0, "invalid_target"},
		"a program, resource":   {machine, "", idptest.Audience, 3, ""},
		"a program, two":        {machine, idptest.Audience, "https://other.example/", 0, "invalid_target"},
		"a program, none such":  {machine, "", "https://nobody.example/", 0, "access_denied"},
	} {
		in := url.Values{"audience": {tt.audience}, "resource": {tt.resource}}
		maps.Copy(in, tt.by)
		res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in)
		token, _ := s.JSON(body)["access_token"].(string)
		parts := 0
		if token != "" {
			parts = strings.Count(token, ".") + 1
		}
		code, _ := s.JSON(body)["error"].(string)
		if parts != tt.parts || code != tt.code || (parts > 0) != (res.StatusCode == http.StatusOK) {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
}

// An error_description repeats nothing that RFC 6749 §5.2 does not allow there.
func TestEcho(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	const odd = "x\r\n\"\\\u00fc\x1b[31m"
	_, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{"grant_type": {odd + strings.Repeat("y", 1000)}})
	got, _ := s.JSON(body)["error_description"].(string)
	if !strings.HasPrefix(got, "Unsupported grant type: x??????[31m") || len(got) > 300 {
		t.Errorf("%q", got)
	}
	res, _ := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("response_type", odd))
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil || back.Query().Get("error_description") != "Unsupported response type: x??????[31m" {
		t.Errorf("%d %v %v", res.StatusCode, back, err)
	}
}
