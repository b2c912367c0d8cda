package idp_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
)

// asks reports whether a request of somebody who is logged in leads to the
// question, which it returns.
func asks(t *testing.T, s *idptest.Server, browser *http.Client, in url.Values) (string, bool) {
	t.Helper()
	res, body := s.Do(browser, http.MethodGet, "/authorize", in)
	if res.StatusCode == http.StatusOK && strings.Contains(body, `name="decision"`) {
		return body, true
	}
	if !answerOf(t, res, body).Has("code") {
		t.Fatalf("%d %q", res.StatusCode, res.Header.Get("Location"))
	}
	return "", false
}

// decide answers the question.
func decide(s *idptest.Server, browser *http.Client, page, decision string) (*http.Response, string) {
	form := s.Fill(page, "decision", decision)
	return s.Do(browser, http.MethodPost, "/u/consent", form, "Origin", s.URL)
}

// stranger makes the single-page client one of somebody else, and logs ada in.
func stranger(t *testing.T, s *idptest.Server) *http.Client {
	t.Helper()
	s.AddUser("ada@example.com", "menu-admin")
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.FirstParty = false })
	browser := s.Browser()
	_, page := s.Login(browser, authorization("scope", "openid"), "ada@example.com", idptest.Password)
	if res, body := decide(s, browser, page, "allow"); !answerOf(t, res, body).Has("code") {
		t.Fatal("no answer after yes")
	}
	return browser
}

// IDP-11: what was allowed once is allowed to that client, for that API, and no
// more than that: whoever wants more asks again, and silently nobody gets it.
func TestIDP11_askedAgain(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	browser := stranger(t, s)
	const other = "https://cellar.example/api"
	if err := s.Tenant().APIs.Create(t.Context(), &tenant.API{
		ID: tenant.NewSubject(), Name: "Cellar", Identifier: other, Scopes: []tenant.APIScope{{Value: "read:wine", Description: "See the wine"}},
	}); err != nil {
		t.Fatal(err)
	}
	setClient(t, s, idptest.Web, func(c *tenant.Client) { c.FirstParty = false })
	for name, tt := range map[string]struct {
		in   url.Values
		asks bool
	}{
		"the same":               {authorization("scope", "openid"), false},
		"less":                   {authorization("scope", ""), false},
		"more about the person":  {authorization("scope", "openid profile"), true},
		"more at the API":        {authorization("scope", "openid create:items"), true},
		"to go on without them":  {authorization("scope", "openid offline_access"), true},
		"what nobody gets":       {authorization("scope", "openid read:secrets"), false},
		"another API":            {authorization("scope", "openid", "audience", other), true},
		"no API":                 {authorization("scope", "openid", "audience", ""), true},
		"another client":         {web("scope", "openid"), true},
		"when the client wishes": {authorization("scope", "openid", "prompt", "consent"), true},
	} {
		if _, asked := asks(t, s, browser, tt.in); asked != tt.asks {
			t.Errorf("%s: asked %v", name, asked)
		}
		if tt.in.Has("prompt") {
			continue
		}
		tt.in.Set("prompt", "none")
		res, body := s.Do(browser, http.MethodGet, "/authorize", tt.in)
		back := answerOf(t, res, body)
		if refused := back.Get("error") == "consent_required"; refused != tt.asks || refused == back.Has("code") {
			t.Errorf("%s, silently: %v", name, back)
		}
	}
	// Somebody else has allowed nothing.
	s.AddUser("bob@example.com")
	if res, page := s.Login(s.Browser(), authorization("scope", "openid"), "bob@example.com", idptest.Password); !strings.Contains(page, `name="decision"`) {
		t.Errorf("another person: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	// A no changes nothing, a yes allows what was shown.
	page, _ := asks(t, s, browser, authorization("scope", "openid create:items"))
	res, body := decide(s, browser, page, "deny")
	if back := answerOf(t, res, body); back.Get("error") != "access_denied" || back.Has("code") {
		t.Errorf("no: %v", back)
	}
	page, asked := asks(t, s, browser, authorization("scope", "openid create:items"))
	if !asked {
		t.Fatal("a no was taken for a yes")
	}
	res, body = decide(s, browser, page, "allow")
	if _, tokens := exchange(s, answerOf(t, res, body).Get("code")); !strings.Contains(claims(t, tokens["access_token"]), `"scope":"openid create:items"`) {
		t.Errorf("%v", tokens)
	}
	if _, asked := asks(t, s, browser, authorization("scope", "openid create:items")); asked {
		t.Error("asked twice for the same")
	}
	if _, asked := asks(t, s, browser, authorization("scope", "openid create:items update:items")); !asked {
		t.Error("one scope more was given silently")
	}
	// What an administrator takes back is asked for anew.
	if err := s.Tenant().RevokeConsents(t.Context(), userID(t, s, "ada@example.com"), idptest.SPA, ""); err != nil {
		t.Fatal(err)
	}
	if _, asked := asks(t, s, browser, authorization("scope", "openid")); !asked {
		t.Error("what was taken back is given")
	}
}

// Whoever gets more rights between the question and the yes was not asked about
// these.
func TestIDP11_moreMeanwhile(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	u := s.AddUser("ada@example.com")
	setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.FirstParty = false })
	browser := s.Browser()
	_, page := s.Login(browser, authorization("scope", "openid delete:items"), "ada@example.com", idptest.Password)
	if strings.Contains(page, "Remove dishes") {
		t.Fatal("asked about what she may not do")
	}
	if err := s.Tenant().AddRoles(t.Context(), u.ID, "rol_menuadmin0000001"); err != nil {
		t.Fatal(err)
	}
	res, page := decide(s, browser, page, "allow")
	if res.StatusCode != http.StatusOK || !strings.Contains(page, "Remove dishes") {
		t.Fatalf("%d %q", res.StatusCode, res.Header.Get("Location"))
	}
	res, body := decide(s, browser, page, "allow")
	if !answerOf(t, res, body).Has("code") {
		t.Error("no answer after the second yes")
	}
}

// RFC 8252 §8.6: any program of a machine can listen on it and claim a scheme, so
// that the address of an application there says nothing about who asks.
func TestIDP11_anybodysAddress(t *testing.T) {
	s := idptest.New(t, idptest.Config{TLS: true, Edit: func(c *idp.Config) { c.Development = false }})
	n := 0
	for name, tt := range map[string]struct {
		kind, callback string
		skips, asked   bool
		as             string // how the request spells the callback, if not like that
	}{
		"a site":                     {tenant.SPA, "https://app.example/cb", true, false, ""},
		"a site, an API that wishes": {tenant.SPA, "https://app.example/cb", false, true, ""},
		"an app at a site":           {tenant.Native, "https://app.example/cb", true, false, ""},
		"localhost":                  {tenant.SPA, "http://localhost:3000/cb", true, true, ""},
		"127.0.0.1":                  {tenant.Native, "http://127.0.0.1/cb", true, true, ""},
		"[::1]":                      {tenant.Native, "http://[::1]/cb", true, true, ""},
		"a scheme":                   {tenant.Native, "com.example.app:/cb", true, true, ""},
		"capitals":                   {tenant.SPA, "http://localhost:3000/cb", true, true, "http://LOCALHOST:3000/cb"},
		"capitals below":             {tenant.SPA, "http://app.localhost:3000/cb", true, true, "http://app.LocalHost:3000/cb"},
		"a scheme of the web":        {tenant.SPA, "http://localhost:3000/cb", true, true, "HTTP://localhost:3000/cb"},
		"a dot":                      {tenant.SPA, "http://localhost.:3000/cb", true, true, ""},
		"another loopback":           {tenant.Native, "http://127.0.0.2/cb", true, true, ""},
		"no address":                 {tenant.SPA, "http://0.0.0.0:3000/cb", true, true, ""},
		"mapped":                     {tenant.SPA, "http://[::ffff:127.0.0.1]:3000/cb", true, true, ""},
		"half an address":            {tenant.SPA, "http://127.1/cb", true, true, ""},
		"a number":                   {tenant.SPA, "http://0x7f000001/cb", true, true, ""},
		"a scheme of a page":         {tenant.SPA, "com.example.app:/cb", true, true, ""},
		"a scheme of a site":         {tenant.RegularWeb, "com.example.app:/cb", true, true, ""},
	} {
		setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.AppType, c.Callbacks = tt.kind, []string{tt.callback} })
		api, err := s.Tenant().APIs.ByName(t.Context(), idptest.Audience)
		if err == nil {
			_, err = s.Tenant().APIs.Update(t.Context(), api.ID, func(a *tenant.API) error { a.SkipConsent = tt.skips; return nil })
		}
		if err != nil {
			t.Fatal(err)
		}
		as := cmp.Or(tt.as, tt.callback)
		n++
		browser, email := s.Browser(), fmt.Sprintf("ada%d@example.com", n)
		s.AddUser(email)
		s.Login(browser, authorization("redirect_uri", as), email, idptest.Password)
		res, page := s.Do(browser, http.MethodGet, "/authorize", authorization("redirect_uri", as))
		if asked := res.StatusCode == http.StatusOK && strings.Contains(page, `name="decision"`); asked != tt.asked {
			t.Errorf("%s: asked %v: %d %q", name, asked, res.StatusCode, res.Header.Get("Location"))
		}
		res, _ = s.Do(browser, http.MethodGet, "/authorize", authorization("redirect_uri", as, "prompt", "none"))
		if where := res.Header.Get("Location"); strings.Contains(where, "error=consent_required") != tt.asked || strings.Contains(where, "code=") == tt.asked {
			t.Errorf("%s, silently: %q", name, where)
		}
		if local := tt.asked && tt.skips; local {
			// That they said yes to one program says nothing about the next one.
			if res, body := decide(s, browser, page, "allow"); !strings.Contains(res.Header.Get("Location")+body, "code=") {
				t.Errorf("%s: no answer after a yes: %d", name, res.StatusCode)
			}
			for _, prompt := range []string{"", "none"} {
				res, _ = s.Do(browser, http.MethodGet, "/authorize", authorization("redirect_uri", as, "prompt", prompt))
				if where := res.Header.Get("Location"); strings.Contains(where, "code=") {
					t.Errorf("%s, the next program, prompt %q: %q", name, prompt, where)
				}
			}
		}
	}
}

// Nobody says yes for somebody: not another site, not another page, not another
// browser, not an address that is visited.
func TestIDP11_forged(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	browser := stranger(t, s)
	more := authorization("scope", "openid delete:items")
	page, _ := asks(t, s, browser, more)
	for _, want := range []string{"Menu", "localhost:3000", "ada@example.com", "Remove dishes"} {
		if !strings.Contains(page, want) {
			t.Errorf("the question does not say %q", want)
		}
	}
	good := idptest.Hidden(page)
	good.Set("decision", "allow")
	with := func(name, value string) url.Values {
		form := url.Values{}
		for n := range good {
			form.Set(n, good.Get(n))
		}
		form.Set(name, value)
		return form
	}
	for name, tt := range map[string]struct {
		browser *http.Client
		form    url.Values
		origin  string
	}{
		"another site":         {browser, good, "https://evil.example"},
		"no origin":            {browser, good, "null"},
		"by another scheme":    {browser, good, strings.Replace(s.URL, "http://", "https://", 1)},
		"no token":             {browser, with("csrf", ""), s.URL},
		"another token":        {browser, with("csrf", strings.Repeat("A", 43)), s.URL},
		"another browser":      {s.Browser(), good, s.URL},
		"a state that is over": {browser, with("state", good.Get("state")[1:]), s.URL},
		"no decision":          {browser, with("decision", ""), s.URL},
		"neither yes nor no":   {browser, with("decision", "perhaps"), s.URL},
	} {
		res, _ := s.Do(tt.browser, http.MethodPost, "/u/consent", tt.form, "Origin", tt.origin)
		if strings.HasPrefix(res.Header.Get("Location"), idptest.Callback) {
			t.Errorf("%s: %d %q", name, res.StatusCode, res.Header.Get("Location"))
		}
		if _, asked := asks(t, s, browser, more); !asked {
			t.Fatalf("%s: it is allowed now", name)
		}
	}
	// A page that asks for something else: nobody was shown what it would allow.
	tab := s.Browser()
	res, _ := s.Do(tab, http.MethodGet, "/authorize", more)
	_, login := s.Do(tab, http.MethodGet, res.Header.Get("Location"), nil)
	enter(t, s, tab, "ada@example.com", "scope", "openid")
	foreign := idptest.Hidden(login)
	foreign.Set("decision", "allow")
	if res, _ := s.Do(tab, http.MethodPost, "/u/consent", foreign, "Origin", s.URL); !strings.HasPrefix(res.Header.Get("Location"), "/u/login") {
		t.Errorf("the form of the log-in, as an answer: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	s.Do(browser, http.MethodGet, "/u/consent", good)
	if _, asked := asks(t, s, browser, more); !asked {
		t.Error("an address that was visited allowed it")
	}
	if res, body := s.Do(browser, http.MethodPost, "/u/consent", good, "Origin", s.URL); !answerOf(t, res, body).Has("code") {
		t.Error("the true answer is refused")
	}
}

// What a client wished to see first is over once somebody has come in, by
// whichever way: their yes brings the answer, and not the page again.
func TestIDP11_screenHint(t *testing.T) {
	c := federated(t)
	c.AddUser("ada@example.com")
	page := func(browser *http.Client, hint string) (where, body string) {
		t.Helper()
		res, _ := c.Do(browser, http.MethodGet, "/authorize", authorization("screen_hint", hint, "scope", "openid", "prompt", "consent"))
		where = res.Header.Get("Location")
		_, body = c.Do(browser, http.MethodGet, where, nil)
		return where, body
	}
	ways := map[string]func(browser *http.Client, where, body string) string{
		"sign-up": func(browser *http.Client, where, _ string) string {
			_, body := c.Do(browser, http.MethodGet, "/u/signup?"+where[strings.Index(where, "state="):], nil)
			form := idptest.Hidden(body)
			form.Set("email", secret.Text().Reveal()[:10]+"@example.com")
			form.Set("password", newPassword)
			_, body = c.Do(browser, http.MethodPost, "/u/signup", form, "Origin", c.URL)
			return body
		},
		"log-in": func(browser *http.Client, _, body string) string {
			form := idptest.Hidden(body)
			form.Set("username", "ada@example.com")
			form.Set("password", idptest.Password)
			_, body = c.Do(browser, http.MethodPost, "/u/login", form, "Origin", c.URL)
			return body
		},
		"another provider": func(browser *http.Client, where, _ string) string {
			res, _ := c.Do(browser, http.MethodGet, "/u/with?connection=github&"+where[strings.Index(where, "state="):], nil)
			_, body := c.Do(browser, http.MethodGet, c.choose(res.Header.Get("Location"), "1001"), nil)
			return body
		},
	}
	for _, hint := range []string{"signup", "signup-id", "reset-password", ""} {
		for name, way := range ways {
			browser := c.Browser()
			where, body := page(browser, hint)
			res, body := decide(c.Server, browser, way(browser, where, body), "allow")
			if where := res.Header.Get("Location"); !strings.HasPrefix(where, idptest.Callback) {
				t.Errorf("%q, %s: the yes leads to %d %.60q", hint, name, res.StatusCode, where)
			} else if !answerOf(t, res, body).Has("code") {
				t.Errorf("%q, %s: %s", hint, name, where)
			}
		}
	}
	// Nor does the way over a page that an action wants to be seen.
	bind(t, c.Server, "post-login", detourAction)
	browser := c.Browser()
	where, body := page(browser, "signup")
	res, body := decide(c.Server, browser, ways["sign-up"](browser, where, body), "allow")
	target, err := url.Parse(leadsTo(res, body))
	if err != nil || target.Host != "terms.example" {
		t.Fatalf("sent to %v, %v", target, err)
	}
	res, body = c.Do(browser, http.MethodGet, "/continue", url.Values{"state": {target.Query().Get("state")}, "accepted": {"yes"}})
	if !answerOf(t, res, body).Has("code") {
		t.Error("no answer after the page of the action")
	}
}

// IDP-11: who comes back from where an action sent them is asked again for what came
// meanwhile, and only for that.
func TestIDP11_cameMeanwhile(t *testing.T) {
	for _, prompt := range []string{"", "consent"} {
		t.Run("prompt "+prompt, func(t *testing.T) {
			s := idptest.New(t, idptest.Config{})
			const more = "delete:items"
			u := s.AddUser("ada@example.com")
			may := func(name string) {
				t.Helper()
				if err := s.Tenant().AddUserPermissions(t.Context(), u.ID, tenant.Permission{API: idptest.Audience, Name: name}); err != nil {
					t.Fatal(err)
				}
			}
			may("create:items")
			setClient(t, s, idptest.SPA, func(c *tenant.Client) { c.FirstParty = false })
			bind(t, s, "post-login", `exports.onExecutePostLogin = (event, api) => api.redirect.sendUserTo('https://terms.example/read');
				exports.onContinuePostLogin = () => {};`)
			browser := s.Browser()
			away := func(res *http.Response, body string) url.Values {
				t.Helper()
				target, err := url.Parse(leadsTo(res, body))
				if err != nil || target.Host != "terms.example" {
					t.Fatalf("sent to %v, %v: %.500s", target, err, body)
				}
				return url.Values{"state": {target.Query().Get("state")}}
			}
			in := authorization("scope", "openid create:items "+more, "prompt", prompt)
			_, page := s.Login(browser, in, "ada@example.com", idptest.Password)
			state := away(decide(s, browser, page, "allow"))
			may(more)
			res, page := s.Do(browser, http.MethodGet, "/continue", state)
			if res.StatusCode != http.StatusOK || !strings.Contains(page, `name="decision"`) {
				t.Fatalf("not asked again: %d %q", res.StatusCode, res.Header.Get("Location"))
			}
			state = away(decide(s, browser, page, "allow"))
			res, page = s.Do(browser, http.MethodGet, "/continue", state)
			_, got := exchange(s, answerOf(t, res, page).Get("code"))
			if scope, _ := got["scope"].(string); !strings.Contains(scope, more) {
				t.Errorf("%v", got)
			}
		})
	}
}

// IDP-11: who is made the one who logs in, by an action that links two users, has
// not allowed what the other one did: they are asked, and silently nobody gets it.
func TestIDP11_primaryUser(t *testing.T) {
	for name, come := range map[string]func(t *testing.T, s *idptest.Server, browser *http.Client, token string, primary string){
		"log-in": func(t *testing.T, s *idptest.Server, browser *http.Client, _, primary string) {
			page, asked := asks(t, s, browser, authorization("scope", "openid"))
			if !asked {
				t.Fatal("the primary user was not asked")
			}
			res, body := decide(s, browser, page, "allow")
			_, tokens := exchange(s, answerOf(t, res, body).Get("code"))
			if access, _ := tokens["access_token"].(string); claimsMap(t, access)["sub"] != primary {
				t.Errorf("%v", tokens)
			}
		},
		"silently": func(t *testing.T, s *idptest.Server, browser *http.Client, _, _ string) {
			res, body := s.Do(browser, http.MethodGet, "/authorize", authorization("scope", "openid", "prompt", "none"))
			if back := answerOf(t, res, body); back.Get("error") != "consent_required" || back.Has("code") {
				t.Errorf("%v", back)
			}
		},
		"refresh": func(t *testing.T, s *idptest.Server, _ *http.Client, token, _ string) {
			if res, body := refresh(s, token); res.StatusCode != http.StatusBadRequest || body["error"] != "consent_required" || body["access_token"] != nil {
				t.Errorf("%d %v", res.StatusCode, body)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			runner, err := actions.New(actions.Config{InProcess: true, AllowPrivate: true, AllowedHosts: []string{"localhost"}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = runner.Close() })
			s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Actions = runner }})
			browser := stranger(t, s)
			page, _ := asks(t, s, browser, authorization("scope", "openid offline_access"))
			res, body := decide(s, browser, page, "allow")
			_, tokens := exchange(s, answerOf(t, res, body).Get("code"))
			token, _ := tokens["refresh_token"].(string)
			if token == "" {
				t.Fatalf("%v", tokens)
			}
			primary := s.AddUser("primary@example.com")
			bindLinking(t, s, primary.ID)
			come(t, s, browser, token, primary.ID)
		})
	}
}

// IDP-11: who is logged in as somebody else than they are need not answer for them:
// another person logs in for the same request, and is asked themselves. Until then
// nothing has changed.
func TestIDP11_somebodyElse(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	browser := stranger(t, s)
	s.AddUser("bob@example.com")
	in := authorization("scope", "openid create:items", "login_hint", "ada@example.com")
	page, _ := asks(t, s, browser, in)
	_, rest, found := strings.Cut(page, `Not you? <a href="`)
	way, _, _ := strings.Cut(rest, `"`)
	way = strings.ReplaceAll(way, "&amp;", "&")
	if !found || !strings.HasPrefix(way, "/u/login?state=") {
		t.Fatalf("no way out: %.3000s", page)
	}
	// Nobody follows the link of another browser.
	if res, body := s.Do(s.Browser(), http.MethodGet, way, nil); res.StatusCode != http.StatusBadRequest || strings.Contains(body, `name="password"`) {
		t.Errorf("in another browser: %d", res.StatusCode)
	}
	res, form := s.Do(browser, http.MethodGet, way, nil)
	if res.StatusCode != http.StatusOK || strings.Contains(form, "ada@example.com") || strings.Contains(form, `name="decision"`) {
		t.Fatalf("%d %.3000s", res.StatusCode, form)
	}
	if _, asked := asks(t, s, browser, authorization("scope", "openid")); asked {
		t.Error("the link ended the session")
	}
	_, page = s.Do(browser, http.MethodPost, "/u/login", s.Fill(form, "username", "bob@example.com", "password", idptest.Password), "Origin", s.URL)
	if !strings.Contains(page, `name="decision"`) || !strings.Contains(page, "bob@example.com") {
		t.Fatalf("the other one was not asked: %.3000s", page)
	}
	res, body := decide(s, browser, page, "allow")
	back := answerOf(t, res, body)
	if _, tokens := exchange(s, back.Get("code")); !strings.Contains(claims(t, tokens["access_token"]), `"sub":"`+userID(t, s, "bob@example.com")+`"`) {
		t.Errorf("%v %v", back, tokens)
	}
}
