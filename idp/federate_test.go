package idp_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/idp/upstream/fake"
)

// A company is a provider with two connections to another one: "github", in the
// dialect of GitHub, and "corp", by OpenID Connect.
type company struct {
	*idptest.Server
	other *httptest.Server
	t     *testing.T
}

// ada is somebody at the other provider; her address is confirmed there.
func people() []fake.Person {
	return []fake.Person{
		{ID: 1001, Login: "ada", Name: "Ada Lovelace", Email: "Ada@Example.com", EmailVerified: true},
		{ID: 1002, Login: "grace", Name: "Grace Hopper", Email: "ada@example.com"},
		{ID: 1003, Login: "kate", Name: "Kate", Email: "\u212Aate@Corp.example", EmailVerified: true}, // KELVIN SIGN
		{ID: 1004, Login: "zoe", Name: "Zoë", Email: "Zoë.Ä@MÜLLER.example", EmailVerified: true},
	}
}

func federated(t *testing.T) *company {
	t.Helper()
	return federatedOn(t, idptest.Config{})
}

func federatedOn(t *testing.T, cfg idptest.Config) *company {
	t.Helper()
	s := idptest.New(t, cfg)
	c := &company{Server: s, t: t}
	mux := http.NewServeMux()
	c.other = httptest.NewServer(mux)
	t.Cleanup(c.other.Close)
	c.serve(mux, people())
	return c
}

func (c *company) serve(mux *http.ServeMux, all []fake.Person) {
	c.t.Helper()
	server, err := fake.New(fake.Config{
		Development: true, Issuer: c.other.URL, People: all,
		RedirectURIs: []string{c.URL + "/login/callback/github", c.URL + "/login/callback/corp", idptest.LogoutURL},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	mux.Handle("/", server)
	for name, strategy := range map[string]string{"github": upstream.GitHub, "corp": upstream.OIDC} {
		from := server.Connection(name, strategy)
		if _, err := c.Tenant().Connections.Get(c.t.Context(), "con_"+name); err == nil {
			continue
		}
		if err := c.Tenant().Connections.Create(c.t.Context(), &tenant.Connection{
			ID: "con_" + name, Name: name, Strategy: strategy, EnabledClients: []string{idptest.SPA, idptest.Web},
			Options: tenant.ConnectionOptions{
				ClientID: from.ClientID, ClientSecret: from.ClientSecret.Reveal(), Issuer: from.Issuer,
				AuthorizationURL: from.AuthorizationURL, TokenURL: from.TokenURL, UserInfoURL: from.UserInfoURL,
				Extra: tenant.Extra{"imitation": []byte("true")},
			},
		}); err != nil {
			c.t.Fatal(err)
		}
	}
}

// leave begins a log-in with a connection and returns where the browser goes.
func (c *company) leave(browser *http.Client, connection string) string {
	c.t.Helper()
	res, body := c.Do(browser, http.MethodGet, "/authorize", authorization("connection", connection))
	where := res.Header.Get("Location")
	if res.StatusCode != http.StatusFound || !strings.HasPrefix(where, c.other.URL) {
		c.t.Fatalf("not sent to the other provider: %d %q %.300s", res.StatusCode, where, body)
	}
	return where
}

// choose chooses a person there and returns the address of the answer.
func (c *company) choose(where, person string) string {
	c.t.Helper()
	res, body := c.Do(c.Browser(), http.MethodPost, where, url.Values{"person": {person}})
	back := res.Header.Get("Location")
	if !strings.HasPrefix(back, c.URL+"/login/callback/") {
		c.t.Fatalf("not sent back: %d %q %s", res.StatusCode, back, body)
	}
	return back
}

// with logs a person in and returns their user.
func (c *company) with(browser *http.Client, connection, person string) *tenant.User {
	c.t.Helper()
	res, body := c.Do(browser, http.MethodGet, c.choose(c.leave(browser, connection), person), nil)
	res, tokens := exchange(c.Server, answerOf(c.t, res, body).Get("code"))
	if res.StatusCode != http.StatusOK {
		c.t.Fatalf("%d %v", res.StatusCode, tokens)
	}
	sub, _ := claimsMap(c.t, tokens["id_token"])["sub"].(string)
	u, err := c.Tenant().User(c.t.Context(), sub)
	if err != nil {
		c.t.Fatalf("%s: %v", sub, err)
	}
	return u
}

// An imitation of a provider asks nobody for a password. Outside of development
// there is no way to it, whatever the database says: not by its button, its name,
// an answer that was begun before, a session, or a refresh token.
func TestIDP_imitationOff(t *testing.T) {
	var earnest atomic.Pointer[idp.Provider]
	var cfg idp.Config
	c := federatedOn(t, idptest.Config{
		Edit: func(of *idp.Config) { cfg = *of },
		Wrap: func(dev http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if p := earnest.Load(); p != nil {
					p.ServeHTTP(w, r)
					return
				}
				dev.ServeHTTP(w, r)
			})
		},
	})
	browser := c.Browser()
	res, body := c.Do(browser, http.MethodGet, c.choose(c.leave(browser, "github"), "1001"), nil)
	_, tokens := exchange(c.Server, answerOf(t, res, body).Get("code"))
	other := c.Browser()
	back := c.choose(c.leave(other, "github"), "1001")

	cfg.Development = false
	p, err := idp.Open(t.Context(), c.DB, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.WithoutCancel(t.Context())) })
	earnest.Store(p)
	res, body = c.Do(browser, http.MethodGet, "/authorize", authorization("prompt", "none"))
	if got := answerOf(t, res, body); got.Get("error") != "login_required" || got.Has("code") {
		t.Errorf("a session: %v", got)
	}
	if res, body := refresh(c.Server, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden {
		t.Errorf("a refresh token: %d %v", res.StatusCode, body)
	}
	res, body = c.Do(browser, http.MethodGet, "/authorize", authorization("connection", "github"))
	if got := answerOf(t, res, body); got.Get("error") != "access_denied" {
		t.Errorf("its name: %v", got)
	}
	res, body = c.Do(other, http.MethodGet, back, nil)
	if where := res.Header.Get("Location"); res.StatusCode != http.StatusBadRequest || where != "" {
		t.Errorf("an answer: %d %s %.300s", res.StatusCode, where, body)
	}
	browser = c.Browser()
	res, _ = c.Do(browser, http.MethodGet, "/authorize", authorization())
	where := res.Header.Get("Location")
	if res, body = c.Do(browser, http.MethodGet, where, nil); res.StatusCode != http.StatusOK || strings.Contains(body, "/u/with") {
		t.Errorf("the page has its button: %d", res.StatusCode)
	}
	with := strings.Replace(where, "/u/login?", "/u/with?connection=github&", 1)
	if res, _ = c.Do(browser, http.MethodGet, with, nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("its button: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
}

func TestCLI06_account(t *testing.T) {
	c := federated(t)
	first := c.with(c.Browser(), "github", "1001")
	if first.ID != "github|1001" || first.Name != "Ada Lovelace" || first.Email != "ada@example.com" || !first.EmailVerified ||
		first.Nickname != "ada" || len(first.Identities) != 1 || !first.Identities[0].Social || first.LoginsCount != 1 {
		t.Errorf("user %+v", first)
	}
	if again := c.with(c.Browser(), "github", "1001"); again.ID != first.ID || again.LoginsCount != 2 || !again.CreatedAt.Equal(first.CreatedAt) {
		t.Errorf("again %+v", again)
	}
	// The same number and address at another connection is somebody else.
	if corp := c.with(c.Browser(), "corp", "1001"); corp.ID != "oidc|corp|1001" || corp.Identities[0].Social {
		t.Errorf("user %+v", corp)
	}
}

// CLI-07, LOG-07: an e-mail address leads to no account of somebody else,
// whatever either side says about it.
func TestCLI07_noLinkByAddress(t *testing.T) {
	c := federated(t)
	owner := c.AddUser("ada@example.com", "menu-admin")
	unproven, err := c.Tenant().UpdateUser(t.Context(), c.AddUser("grace@example.com").ID, func(u *tenant.User) error { u.EmailVerified = false; return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct{ connection, person string }{{"github", "1001"}, {"github", "1002"}, {"corp", "1001"}, {"corp", "1002"}} {
		u := c.with(c.Browser(), q.connection, q.person)
		if u.ID == owner.ID || u.ID == unproven.ID || len(u.Identities) != 1 {
			t.Errorf("%s %s is %s with %d identities", q.connection, q.person, u.ID, len(u.Identities))
		}
		// CLI-10: whoever comes for the first time may do nothing.
		if roles, err := c.Tenant().RolesOf(t.Context(), u.ID); err != nil || len(roles) != 0 {
			t.Errorf("%s has roles %v, %v", u.ID, roles, err)
		}
	}
	for _, u := range []*tenant.User{owner, unproven} {
		got, err := c.Tenant().User(t.Context(), u.ID)
		if err != nil || len(got.Identities) != 1 || got.EmailVerified != u.EmailVerified || got.Name != u.Name {
			t.Errorf("%s was changed: %+v, %v", u.ID, got, err)
		}
	}
	// And nobody gets the letter of the other: the password is that of the one who has one.
	if res, body := c.Login(c.Browser(), authorization(), "ada@example.com", idptest.Password); !answerOf(t, res, body).Has("code") {
		t.Error("the owner cannot log in any more")
	}
}

func TestFederate_profile(t *testing.T) {
	for mode, want := range map[string]string{"": "Ada King", "on_each_login": "Ada King", "on_first_login": "Ada Lovelace", "never_on_login": "Ada Lovelace"} {
		c := federated(t)
		if _, err := c.Tenant().Connections.Update(t.Context(), "con_github", func(conn *tenant.Connection) error {
			conn.Options.SetRootAttributes = mode
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		u := c.with(c.Browser(), "github", "1001")
		if _, err := c.Tenant().UpdateUser(t.Context(), u.ID, func(u *tenant.User) error { u.AppMetadata = map[string]any{"plan": "gold"}; return nil }); err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		c.other.Config.Handler = mux
		c.serve(mux, []fake.Person{{ID: 1001, Login: "ada", Name: "Ada King", Email: "ada@king.example", EmailVerified: false}})
		u = c.with(c.Browser(), "github", "1001")
		if u.Name != want || u.AppMetadata["plan"] != "gold" {
			t.Errorf("%q: %q, %v", mode, u.Name, u.AppMetadata)
		}
		if changed := u.Email == "ada@king.example"; changed != (want == "Ada King") || changed == u.EmailVerified {
			t.Errorf("%q: %s, confirmed %v", mode, u.Email, u.EmailVerified)
		}
	}
}

func TestLOG13_federatedBlocked(t *testing.T) {
	c := federated(t)
	browser := c.Browser()
	u := c.with(browser, "github", "1001")
	if _, err := c.Tenant().UpdateUser(t.Context(), u.ID, func(u *tenant.User) error { u.Blocked = true; return nil }); err != nil {
		t.Fatal(err)
	}
	fresh := c.Browser()
	res, body := c.Do(fresh, http.MethodGet, c.choose(c.leave(fresh, "github"), "1001"), nil)
	if back := answerOf(t, res, body); back.Get("error") != "unauthorized" || back.Get("error_description") != "user is blocked" || back.Has("code") {
		t.Errorf("answer %v", back)
	}
	for _, b := range []*http.Client{browser, fresh} {
		if back := silent(t, c.Server, b); back.Get("error") != "login_required" {
			t.Errorf("session: %v", back)
		}
	}
}

// CLI-10: where strangers cannot sign up, they cannot with another provider
// either; those who are known go on.
func TestCLI10_closed(t *testing.T) {
	c := federated(t)
	known := c.with(c.Browser(), "github", "1001")
	if _, err := c.Tenant().Connections.Update(t.Context(), "con_github", func(conn *tenant.Connection) error {
		conn.Options.DisableSignup = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	browser := c.Browser()
	res, body := c.Do(browser, http.MethodGet, c.choose(c.leave(browser, "github"), "1002"), nil)
	if back := answerOf(t, res, body); back.Get("error") != "access_denied" || back.Has("code") {
		t.Errorf("a stranger: %v", back)
	}
	if _, err := c.Tenant().User(t.Context(), "github|1002"); err == nil {
		t.Error("the stranger has an account")
	}
	if u := c.with(c.Browser(), "github", "1001"); u.ID != known.ID {
		t.Errorf("user %s", u.ID)
	}
}

// CLI-01, CLI-03, IDP-06
func TestCLI01_callback(t *testing.T) {
	c := federated(t)
	browser, victim := c.Browser(), c.Browser()
	refused := func(name string, browser *http.Client, address string) {
		t.Helper()
		res, _ := c.Do(browser, http.MethodGet, address, nil)
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
			t.Errorf("%s: %d %q", name, res.StatusCode, res.Header.Get("Location"))
		}
		for _, cookie := range res.Cookies() {
			if strings.HasSuffix(cookie.Name, "gate_session") {
				t.Errorf("%s: a session", name)
			}
		}
	}
	back := c.choose(c.leave(browser, "github"), "1001")
	refused("another browser", victim, back)
	c.leave(victim, "github")
	refused("another browser with a log-in of its own", victim, back)
	// Who can write cookies into the victim's browser gives it the log-in, but not the browser that it began in.
	base, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, cookie := range browser.Jar.Cookies(base) {
		if strings.HasPrefix(cookie.Name, "gate_with_") {
			victim.Jar.SetCookies(base, []*http.Cookie{{Name: cookie.Name, Value: cookie.Value, Path: "/"}})
		}
	}
	refused("another browser with the cookie of the log-in", victim, back)
	refused("another connection", browser, strings.Replace(back, "/github?", "/corp?", 1))
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Del("state")
	refused("no state", browser, "/login/callback/github?"+query.Encode())
	query.Set("state", "x")
	refused("a state made up", browser, "/login/callback/github?"+query.Encode())
	if res, body := c.Do(browser, http.MethodGet, back, nil); !answerOf(t, res, body).Has("code") {
		t.Error("the honest answer is refused")
	}
	refused("again", browser, back)
	if users, _, err := c.Tenant().SearchUsers(t.Context(), tenant.UserQuery{}); err != nil || len(users) != 1 {
		t.Errorf("%d users, %v", len(users), err)
	}
}

func TestFederate_errors(t *testing.T) {
	c := federated(t)
	// Whoever says no there comes back to the client that asked for just that connection,
	browser := c.Browser()
	res, body := c.Do(browser, http.MethodGet, c.choose(c.leave(browser, "github"), ""), nil)
	if back := answerOf(t, res, body); back.Get("error") != "access_denied" || back.Get("state") != "st==" {
		t.Errorf("cancelled: %v", back)
	}
	// and else to the page, where there are other ways.
	with := func() (*http.Client, string) {
		browser := c.Browser()
		res, _ := c.Do(browser, http.MethodGet, "/authorize", authorization())
		_, page := c.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
		_, rest, ok := strings.Cut(page, `href="/u/with?connection=github&amp;`)
		if !ok {
			t.Fatalf("no way to GitHub on %.3000s", page)
		}
		link, _, _ := strings.Cut(rest, `"`)
		return browser, "/u/with?connection=github&" + strings.ReplaceAll(link, "&amp;", "&")
	}
	browser, link := with()
	res, _ = c.Do(browser, http.MethodGet, link, nil)
	back := c.choose(res.Header.Get("Location"), "")
	res, body = c.Do(browser, http.MethodGet, strings.Replace(back, "cancelled", "<script>alert(1)</script>", 1), nil)
	if res.StatusCode != http.StatusForbidden || !strings.Contains(body, "GitHub") || !strings.Contains(body, `name="password"`) || strings.Contains(body, "alert(1)") {
		t.Errorf("cancelled: %d %.2000s", res.StatusCode, body)
	}
	// The page is one to go on with.
	form := c.Fill(body, "username", c.AddUser("ben@example.com").Email, "password", idptest.Password)
	res, body = c.Do(browser, http.MethodPost, "/u/login", form, "Origin", c.URL)
	if !answerOf(t, res, body).Has("code") {
		t.Error("no log-in with the page")
	}
	// Away.
	browser, link = with()
	res, _ = c.Do(browser, http.MethodGet, link, nil)
	back = c.choose(res.Header.Get("Location"), "1001")
	direct := c.Browser()
	directBack := c.choose(c.leave(direct, "github"), "1001")
	c.other.Close()
	if res, body = c.Do(browser, http.MethodGet, back, nil); res.StatusCode != http.StatusBadGateway || !strings.Contains(body, "GitHub") {
		t.Errorf("away: %d %.2000s", res.StatusCode, body)
	}
	res, body = c.Do(direct, http.MethodGet, directBack, nil)
	if back := answerOf(t, res, body); back.Get("error") != "temporarily_unavailable" {
		t.Errorf("away: %v", back)
	}
	if users, _, err := c.Tenant().SearchUsers(t.Context(), tenant.UserQuery{}); err != nil || len(users) != 1 {
		t.Errorf("%d users, %v", len(users), err)
	}
}

// What a client wants back travels with the browser to another provider as well.
// What would not fit is refused at once, whichever way the person would take.
func TestFederate_longState(t *testing.T) {
	c := federated(t)
	for size, want := range map[int]string{0: "", 1500: "", 2600: "", 3400: "", 4000: "The request is too long", 5000: "state is too long"} {
		state := strings.Repeat("s", size)
		for _, connection := range []string{"github", "corp", ""} {
			browser := c.Browser()
			res, body := c.Do(browser, http.MethodGet, "/authorize", authorization("connection", connection, "state", state))
			if want != "" {
				back := answerOf(t, res, body)
				if back.Get("error") != "invalid_request" || back.Get("error_description") != want || back.Get("state") != state {
					t.Errorf("%d, %q: %v", size, connection, back)
				}
				continue
			}
			if connection == "" {
				res, body = c.Do(browser, http.MethodGet, strings.Replace(res.Header.Get("Location"), "/u/login?", "/u/with?connection=github&", 1), nil)
			}
			where := res.Header.Get("Location")
			if !strings.HasPrefix(where, c.other.URL) {
				t.Errorf("%d, %q: %d %q %.300s", size, connection, res.StatusCode, where, body)
				continue
			}
			for _, cookie := range res.Cookies() {
				if len(cookie.String()) > 4096 {
					t.Errorf("%d, %q: a cookie of %d bytes", size, connection, len(cookie.String()))
				}
			}
			res, body = c.Do(browser, http.MethodGet, c.choose(where, "1001"), nil)
			if back := answerOf(t, res, body); !back.Has("code") || back.Get("state") != state {
				t.Errorf("%d, %q: %v", size, connection, back)
			}
			base, err := url.Parse(c.URL)
			if err != nil {
				t.Fatal(err)
			}
			for _, cookie := range browser.Jar.Cookies(base) {
				if strings.HasPrefix(cookie.Name, "gate_with_") {
					t.Errorf("%d, %q: %s is left", size, connection, cookie.Name)
				}
			}
		}
	}
	// A part of it is nothing.
	browser := c.Browser()
	res, _ := c.Do(browser, http.MethodGet, "/authorize", authorization("connection", "github", "state", strings.Repeat("s", 3400)))
	back := c.choose(res.Header.Get("Location"), "1001")
	for _, cookie := range res.Cookies() {
		if strings.HasSuffix(cookie.Name, "_1") {
			cookie.MaxAge = -1
			base, err := url.Parse(c.URL)
			if err != nil {
				t.Fatal(err)
			}
			browser.Jar.SetCookies(base, []*http.Cookie{cookie})
		}
	}
	if res, _ := c.Do(browser, http.MethodGet, back, nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("half of the cookies: %d", res.StatusCode)
	}
}

// CLI-08: somebody comes from another provider with the address of the victim, who
// opens the letter. That confirms nothing for whoever is logged in elsewhere; the
// link is still good where the account is logged in.
func TestCLI08_federatedAddress(t *testing.T) {
	c := federated(t)
	stranger := c.Browser()
	u := c.with(stranger, "github", "1002")
	u, err := c.Tenant().UpdateUser(t.Context(), u.ID, func(u *tenant.User) error { u.Email, u.EmailVerified = victim, false; return nil })
	if err != nil {
		t.Fatal(err)
	}
	s := &squatter{Server: c.Server, t: t}
	link := s.ticket(victim)
	other := c.Browser()
	res, body := c.Login(other, authorization(), c.AddUser("bob@example.com").Email, idptest.Password)
	if !answerOf(t, res, body).Has("code") {
		t.Fatalf("%d %.300s", res.StatusCode, body)
	}
	for name, browser := range map[string]*http.Client{"logged in to nothing": c.Browser(), "to another account": other} {
		status, page := press(c.Server, browser, link, "/u/email-verification")
		if status != http.StatusForbidden && status != http.StatusBadRequest {
			t.Errorf("%s: %d %.500s", name, status, page)
		}
		if !strings.Contains(page, `href="http://localhost:3000/"`) || !strings.Contains(page, "Go to Menu") {
			t.Errorf("%s: no way to log in: %.3000s", name, page)
		}
		if got, err := c.Tenant().User(t.Context(), u.ID); err != nil || got.EmailVerified {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if status, page := press(c.Server, stranger, link, "/u/email-verification"); status != http.StatusOK {
		t.Errorf("where it is logged in: %d %.500s", status, page)
	}
	if got, err := c.Tenant().User(t.Context(), u.ID); err != nil || !got.EmailVerified {
		t.Errorf("where it is logged in: %+v, %v", got, err)
	}
}

// CLI-01: a trip comes to its end once. Who kept a copy of its cookies and logs in
// at the other provider again gets no second log-in by them.
func TestCLI01_keptCookies(t *testing.T) {
	c := federated(t)
	browser := c.Browser()
	base, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	where := c.leave(browser, "github")
	kept := browser.Jar.Cookies(base)
	first, second := c.choose(where, "1001"), c.choose(where, "1001")
	res, body := c.Do(browser, http.MethodGet, first, nil)
	if !answerOf(t, res, body).Has("code") {
		t.Fatalf("the first: %.300s", body)
	}
	browser.Jar.SetCookies(base, kept)
	res, body = c.Do(browser, http.MethodGet, second, nil)
	if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || len(res.Header.Values("Set-Cookie")) == 0 {
		t.Errorf("the second: %d %q %.300s", res.StatusCode, res.Header.Get("Location"), body)
	}
	for _, cookie := range res.Cookies() {
		if strings.HasSuffix(cookie.Name, "gate_session") {
			t.Error("the second has a session")
		}
	}
	// One that did not work is no end: the person may try again there.
	browser = c.Browser()
	where = c.leave(browser, "github")
	kept = browser.Jar.Cookies(base)
	state := where[strings.Index(where, "state=")+len("state="):]
	state, _, _ = strings.Cut(state, "&")
	c.Do(browser, http.MethodGet, "/login/callback/github?error=access_denied&state="+state, nil)
	browser.Jar.SetCookies(base, kept)
	res, body = c.Do(browser, http.MethodGet, c.choose(where, "1001"), nil)
	if !answerOf(t, res, body).Has("code") {
		t.Errorf("after an error: %d %.300s", res.StatusCode, body)
	}
}

// OPS-13: options that no log-in could be done with are refused when they are written,
// of each strategy, and the answer names the one that is wrong.
func TestOPS13_connectionOptions(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	token := managementToken(t, s)
	for _, strategy := range []string{"google-oauth2", "github", "windowslive", "facebook", "gitlab", "oauth2"} {
		urls := ""
		if strategy == "oauth2" {
			urls = `,"authorizationURL":"https://a.example/authorize","tokenURL":"https://a.example/token","userInfoURL":"https://a.example/me"`
		}
		body := func(options string) string {
			return `{"name":"x-` + strategy + `","strategy":"` + strategy + `","options":{"client_id":"Iv1.8a61b9b3a7aba766","client_secret":"qhGx41PzmNv8"` + urls + options + `}}`
		}
		for name, option := range map[string]string{
			"customHeaders": `,"customHeaders":{"Host":"evil.example"}`,
			"gate_params":   `,"gate_params":{"redirect_uri":"https://evil.example/"}`,
			"scope":         `,"scope":["two words"]`,
		} {
			status, got := manage(t, s, token, http.MethodPost, "connections", body(option))
			if status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(got), "options."+name) {
				t.Errorf("%s with %s: %d %v", strategy, option, status, got)
			}
		}
		made := mustManage(t, s, token, http.StatusCreated, http.MethodPost, "connections", body(`,"customHeaders":{"X-Ours":"1"}`))
		path := "connections/" + fmt.Sprint(made["id"])
		status, got := manage(t, s, token, http.MethodPatch, path, `{"options":{"client_id":"Iv1.8a61b9b3a7aba766"`+urls+`,"customHeaders":{"Cookie":"a=b"}}}`)
		if status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(got), "options.customHeaders") {
			t.Errorf("%s changed: %d %v", strategy, status, got)
		}
	}
	status, got := manage(t, s, token, http.MethodPost, "connections",
		`{"name":"entra","strategy":"waad","options":{"client_id":"Iv1.8a61b9b3a7aba766","client_secret":"qhGx41PzmNv8"}}`)
	if status != http.StatusBadRequest || !strings.Contains(fmt.Sprint(got), "options") {
		t.Errorf("a directory of nobody: %d %v", status, got)
	}
}
