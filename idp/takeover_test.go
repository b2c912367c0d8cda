package idp_test

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// CLI-08: a stranger signs up with the victim's address; the victim confirms it
// elsewhere and chooses the password.
func TestCLI08_preHijack(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
	if status, page := signUp(t, s, s.Browser(), "victim@example.com"); status != http.StatusOK {
		t.Fatalf("%d %.1000s", status, page)
	}
	link := linkIn(t, waitLetters(t, s, "victim@example.com", 1)[0], "/u/email-verification?ticket=")
	victim := s.Browser()
	_, page := s.Do(victim, http.MethodGet, link, nil)
	res, body := s.Do(victim, http.MethodPost, "/u/email-verification", idptest.Hidden(page), "Origin", s.URL)
	if res.StatusCode != http.StatusSeeOther || !strings.Contains(res.Header.Get("Location"), "/u/reset-password?ticket=") {
		t.Fatalf("%d %.500s", res.StatusCode, body)
	}
	if res, body := s.Login(s.Browser(), authorization(), "victim@example.com", newPassword); res.StatusCode != http.StatusBadRequest {
		t.Errorf("the stranger's password: %d %.300s", res.StatusCode, body)
	}
	_, page = s.Do(victim, http.MethodGet, res.Header.Get("Location"), nil)
	if !strings.Contains(page, "Somebody else may have signed up with it before you") {
		t.Errorf("the page does not say why a password is chosen: %.3000s", page)
	}
	form := s.Fill(page, "password", "Oak-Lantern-Reed-07")
	if res, body := s.Do(victim, http.MethodPost, "/u/reset-password", form, "Origin", s.URL); res.StatusCode != http.StatusOK {
		t.Fatalf("%d %.500s", res.StatusCode, body)
	}
	res, body = s.Login(s.Browser(), authorization(), "victim@example.com", "Oak-Lantern-Reed-07")
	if !answerOf(t, res, body).Has("code") {
		t.Error("the owner cannot log in")
	}
}

// CLI-08: the owner signs up, and a stranger with the same address meanwhile. The
// owner's letter is good, and what comes of the stranger's is nothing of theirs.
func TestCLI08_preHijackMeanwhile(t *testing.T) {
	for name, opened := range map[string]int{"the owner's letter": 0, "the stranger's": 1} {
		t.Run(name, func(t *testing.T) {
			s := &squatter{Server: idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)}), t: t}
			owner := s.Browser()
			signUp(t, s.Server, owner, victim)
			letters := []string{linkIn(t, waitLetters(t, s.Server, victim, 1)[0], "/u/email-verification?ticket=")}
			res, body := s.Do(s.HTTP, http.MethodPost, "/dbconnections/signup", url.Values{
				"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {victim}, "password": {newPassword},
				"name": {"Eve"}, "given_name": {"Eve"}, "picture": {"https://evil.example/p.png"},
			})
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%d %s", res.StatusCode, body)
			}
			for _, letter := range waitLetters(t, s.Server, victim, 2) {
				if link := linkIn(t, letter, "/u/email-verification?ticket="); link != letters[0] {
					letters = append(letters, link)
				}
			}
			if opened == 0 {
				if status, page := press(s.Server, owner, letters[0], "/u/email-verification"); status != http.StatusOK {
					t.Fatalf("%d %.500s", status, page)
				}
			} else {
				s.choose(owner, s.open(owner, letters[1]))
			}
			u, err := s.Tenant().User(t.Context(), userID(t, s.Server, victim))
			if err != nil || !u.EmailVerified || u.Name != victim || u.GivenName+u.Picture != "" || u.UserMetadata != nil {
				t.Errorf("%+v, %v", u, err)
			}
			if status, _ := press(s.Server, owner, letters[1-opened], "/u/email-verification"); status == http.StatusOK {
				t.Error("the other letter is good as well")
			}
		})
	}
}

// LOG-02: sign-up was closed after the letter was sent.
func TestLOG02_closedMeanwhile(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
	browser := s.Browser()
	signUp(t, s, browser, victim)
	link := linkIn(t, waitLetters(t, s, victim, 1)[0], "/u/email-verification?ticket=")
	conn, err := s.Tenant().Connections.ByName(t.Context(), idptest.Connection)
	if err != nil {
		t.Fatal(err)
	}
	closed := func(yes bool) {
		t.Helper()
		if _, err := s.Tenant().Connections.Update(t.Context(), conn.ID, func(c *tenant.Connection) error {
			c.Options.DisableSignup = yes
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	closed(true)
	if status, _ := press(s, browser, link, "/u/email-verification"); status == http.StatusOK {
		t.Error("the link makes an account")
	}
	if list, err := s.Tenant().UsersByEmail(t.Context(), victim); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	closed(false)
	if status, page := press(s, browser, link, "/u/email-verification"); status != http.StatusOK {
		t.Errorf("open again: %d %.300s", status, page)
	}
}

// A squatter is a stranger who signed up with the address of the victim at a
// provider whose sign-up is open, and kept what that gave.
type squatter struct {
	*idptest.Server

	t               *testing.T
	browser         *http.Client
	letter          string // the link in the letter to the victim
	refresh, opaque any
}

const victim = "victim@example.com"

func squat(t *testing.T) *squatter {
	t.Helper()
	s := &squatter{Server: idptest.New(t, idptest.Config{}), t: t}
	s.browser = s.Browser()
	tokens := func(where string) map[string]any {
		t.Helper()
		u, err := url.Parse(where)
		if err != nil {
			t.Fatal(err)
		}
		res, body := exchange(s.Server, u.Query().Get("code"))
		if res.StatusCode != http.StatusOK {
			t.Fatalf("the stranger is not in: %d %v", res.StatusCode, body)
		}
		return body
	}
	_, where := signUp(t, s.Server, s.browser, victim)
	s.refresh = tokens(where)["refresh_token"]
	res, _ := s.Do(s.browser, http.MethodGet, "/authorize", authorization("audience", "", "scope", "openid email"))
	s.opaque = tokens(res.Header.Get("Location"))["access_token"]
	s.letter = linkIn(t, waitLetters(t, s.Server, victim, 1)[0], "/u/email-verification?ticket=")
	return s
}

// link adds a further way in to the account of the victim, as when the link and the
// first proof of the address come at once, and returns the ID of the account.
func (s *squatter) link() string {
	s.t.Helper()
	id := userID(s.t, s.Server, victim)
	way := &tenant.User{Email: "mallory@example.com", Identities: []tenant.Identity{{Connection: "github", Provider: "github", UserID: "666", Social: true}}}
	var mark string // a confirmed address is without
	verified := func(yes bool) error {
		_, err := s.Tenant().UpdateUser(s.t.Context(), id, func(u *tenant.User) error {
			mark, u.EmailVerified = cmp.Or(mark, u.Own().Unproven), yes
			u.Own().Unproven = mark
			return nil
		})
		return err
	}
	err := errors.Join(s.Tenant().CreateUser(s.t.Context(), way), verified(true))
	if _, linked := s.Tenant().LinkIdentity(s.t.Context(), id, way.ID); errors.Join(err, linked, verified(false)) != nil {
		s.t.Fatal(err, linked)
	}
	return id
}

// out checks that nothing of the stranger's is good for anything.
func (s *squatter) out(password string) {
	s.t.Helper()
	if res, _ := s.Login(s.Browser(), authorization(), victim, password); res.StatusCode != http.StatusBadRequest {
		s.t.Errorf("the stranger's password: %d", res.StatusCode)
	}
	if got := silent(s.t, s.Server, s.browser); got.Get("error") != "login_required" {
		s.t.Errorf("the stranger's session: %v", got)
	}
	if res, _ := refresh(s.Server, s.refresh); res.StatusCode != http.StatusForbidden {
		s.t.Errorf("the stranger's refresh token: %d", res.StatusCode)
	}
	if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+s.opaque.(string)); res.StatusCode != http.StatusUnauthorized {
		s.t.Errorf("the stranger's access token: %d", res.StatusCode)
	}
}

// choose sets a password where a page led to, and logs in with it.
func (s *squatter) choose(browser *http.Client, where string) {
	s.t.Helper()
	const own = "Elm-Harbour-Moss-52"
	if status, page := press(s.Server, browser, where, "/u/reset-password", "password", own); status != http.StatusOK {
		s.t.Fatalf("%d %.500s", status, page)
	}
	res, body := s.Login(s.Browser(), authorization(), victim, own)
	if !answerOf(s.t, res, body).Has("code") {
		s.t.Error("the owner cannot log in")
	}
}

// open confirms the address by a link, and returns where that leads to.
func (s *squatter) open(browser *http.Client, link string) string {
	s.t.Helper()
	_, page := s.Do(browser, http.MethodGet, link, nil)
	res, body := s.Do(browser, http.MethodPost, "/u/email-verification", idptest.Hidden(page), "Origin", s.URL)
	where := res.Header.Get("Location")
	if res.StatusCode != http.StatusSeeOther || !strings.Contains(where, "/u/reset-password?ticket=") {
		s.t.Fatalf("%d %q %.500s", res.StatusCode, where, body)
	}
	return where
}

// CLI-08: the same where sign-up is open, and the account is there at once.
func TestCLI08_preHijackOpen(t *testing.T) {
	s := squat(t)
	ctx := t.Context()
	id := s.link()
	if err := s.Tenant().AddConsent(ctx, id, idptest.Web, idptest.Audience, []string{"create:items"}); err != nil {
		t.Fatal(err)
	}
	owner := s.Browser()
	where := s.open(owner, s.letter)
	s.out(newPassword)
	u, err := s.Tenant().User(ctx, id)
	if err != nil || !u.EmailVerified || len(u.Identities) != 1 || u.Identities[0].PasswordHash != "" {
		t.Errorf("%+v, %v", u, err)
	}
	if other, err := s.Tenant().UserByIdentity(ctx, "github", "666"); err != nil || other.ID == id {
		t.Errorf("a way in that the stranger linked: %v, %v", other, err)
	}
	if allowed, err := s.Tenant().Consent(ctx, id, idptest.Web, idptest.Audience); err != nil || len(allowed) > 0 {
		t.Errorf("what the stranger allowed: %v, %v", allowed, err)
	}
	s.choose(owner, where)
}

// ticket has the application send another letter, and returns its link.
func (s *squatter) ticket(email string) string {
	s.t.Helper()
	status, body := manage(s.t, s.Server, managementToken(s.t, s.Server), http.MethodPost, "tickets/email-verification",
		`{"user_id":"`+userID(s.t, s.Server, email)+`"}`)
	link, _ := body.(map[string]any)["ticket"].(string)
	if status != http.StatusCreated || link == "" {
		s.t.Fatalf("%d %v", status, body)
	}
	return link
}

// CLI-08: another letter, and what ends everything of a user, do not make the
// stranger the owner; neither does a sign-up without a browser.
func TestCLI08_preHijackWays(t *testing.T) {
	for name, link := range map[string]func(s *squatter) string{
		"another letter by the application": func(s *squatter) string { return s.ticket(victim) },
		"another letter by the owner": func(s *squatter) string {
			browser := s.Browser()
			_, page := signUp(s.t, s.Server, browser, victim)
			s.Do(browser, http.MethodPost, "/u/confirm-email", idptest.Hidden(page), "Origin", s.URL)
			link := ""
			awaitLetter(s.t, s.Server, func() bool {
				for _, letter := range lettersTo(s.t, s.Server, victim) {
					for _, found := range links.FindAllString(letter, -1) {
						if strings.Contains(found, "/u/email-verification?ticket=") && found != s.letter {
							link = found
						}
					}
				}
				return link != ""
			})
			return link
		},
		"another password before": func(s *squatter) string {
			hash, err := s.HashPassword(s.t.Context(), idptest.Password)
			if err != nil {
				s.t.Fatal(err)
			}
			id := userID(s.t, s.Server, victim)
			if _, _, err := s.Tenant().SetPassword(s.t.Context(), tenant.PasswordChange{
				UserID: id, Provider: tenant.Database, Subject: strings.TrimPrefix(id, tenant.Database+"|"), Hash: hash,
			}); err != nil {
				s.t.Fatal(err)
			}
			return s.ticket(victim)
		},
		"a log-in before": func(s *squatter) string {
			s.Login(s.browser, authorization("prompt", "login"), victim, newPassword)
			return s.ticket(victim)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := squat(t)
			owner := s.Browser()
			where := s.open(owner, link(s))
			s.out(newPassword)
			s.out(idptest.Password)
			s.choose(owner, where)
		})
	}
	t.Run("no browser", func(t *testing.T) {
		s := squat(t)
		if res, body := signUpAPI(s.Server, "email", "other@example.com"); res.StatusCode != http.StatusOK {
			t.Fatalf("%d %v", res.StatusCode, body)
		}
		s.open(s.HTTP, s.ticket("other@example.com"))
		if res, _ := s.Login(s.Browser(), authorization(), "other@example.com", "Oak-Lantern-Reed-07"); res.StatusCode != http.StatusBadRequest {
			t.Errorf("the stranger's password: %d", res.StatusCode)
		}
	})
}

// CLI-08: the owner who sets a password instead gets the account as well.
func TestCLI08_preHijackReset(t *testing.T) {
	s := squat(t)
	id := s.link()
	s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
		"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {victim},
	})
	s.choose(s.Browser(), letterLink(t, s.Server))
	s.out(newPassword)
	if u, err := s.Tenant().User(t.Context(), id); err != nil || !u.EmailVerified || len(u.Identities) != 1 {
		t.Errorf("%+v, %v", u, err)
	}
}

// Somebody who signs up and confirms in one browser keeps the password, and so
// does whoever was given an account.
func TestCLI08_owner(t *testing.T) {
	s := squat(t) // who is no stranger, this time
	if status, page := press(s.Server, s.browser, s.letter, "/u/email-verification"); status != http.StatusOK {
		t.Fatalf("%d %.500s", status, page)
	}
	if got := silent(t, s.Server, s.browser); !got.Has("code") {
		t.Errorf("the session: %v", got)
	}
	res, body := s.Login(s.Browser(), authorization(), victim, newPassword)
	if !answerOf(t, res, body).Has("code") {
		t.Error("the password")
	}
	// One who proved an address once, and one whom an administrator gave an
	// account, keep what they have when another address is confirmed anywhere.
	unconfirm := func(email string) {
		t.Helper()
		if _, err := s.Tenant().UpdateUser(t.Context(), userID(t, s.Server, email), func(u *tenant.User) error {
			u.EmailVerified = false
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	s.AddUser("ada@example.com")
	for email, password := range map[string]string{victim: newPassword, "ada@example.com": idptest.Password} {
		unconfirm(email)
		if status, page := press(s.Server, s.Browser(), s.ticket(email), "/u/email-verification"); status != http.StatusOK {
			t.Errorf("%s: %d %.500s", email, status, page)
		}
		if res, _ := s.Login(s.Browser(), authorization(), email, password); !strings.HasPrefix(res.Header.Get("Location"), idptest.Callback) {
			t.Errorf("%s lost the password: %d", email, res.StatusCode)
		}
	}
}

// A reset by the address of a linked identity proves that address and not the
// user's own, and sets the password of that identity alone.
func TestCLI07_resetOfLinkedIdentity(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	ctx := t.Context()
	ceo := s.AddUser("ceo@example.com")
	if _, err := s.Tenant().UpdateUser(ctx, ceo.ID, func(u *tenant.User) error { u.EmailVerified = false; return nil }); err != nil {
		t.Fatal(err)
	}
	me := s.AddUser("me@example.com")
	if _, err := s.Tenant().LinkIdentity(ctx, ceo.ID, me.ID); err != nil {
		t.Fatal(err)
	}
	s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
		"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"me@example.com"},
	})
	link := letterLink(t, s)
	browser := s.Browser()
	_, page := s.Do(browser, http.MethodGet, link, nil)
	form := s.Fill(page, "password", "Oak-Lantern-Reed-07")
	if res, body := s.Do(browser, http.MethodPost, "/u/reset-password", form, "Origin", s.URL); res.StatusCode != http.StatusOK {
		t.Fatalf("%d %.500s", res.StatusCode, body)
	}
	u, err := s.Tenant().User(ctx, ceo.ID)
	if err != nil || u.EmailVerified {
		t.Errorf("verified %v, %v", u.EmailVerified, err)
	}
	if res, _ := s.Login(s.Browser(), authorization(), "ceo@example.com", "Oak-Lantern-Reed-07"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("the other password was changed: %d", res.StatusCode)
	}
}

// LOG-13: whoever is blocked does not come in by another account.
func TestLOG13_blockedLink(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	ctx := t.Context()
	alt, bad := s.AddUser("alt@example.com"), s.AddUser("bad@example.com")
	if _, err := s.Tenant().UpdateUser(ctx, bad.ID, func(u *tenant.User) error { u.Blocked = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Tenant().LinkIdentity(ctx, alt.ID, bad.ID); err == nil {
		t.Error("a blocked account was linked")
	}
	other := s.AddUser("other@example.com")
	if _, err := s.Tenant().LinkIdentity(ctx, alt.ID, other.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Tenant().UpdateUser(ctx, alt.ID, func(u *tenant.User) error { u.Blocked = true; return nil }); err != nil {
		t.Fatal(err)
	}
	provider, subject, _ := strings.Cut(other.ID, "|")
	if _, _, err := s.Tenant().UnlinkIdentity(ctx, alt.ID, provider, subject); err != nil {
		t.Fatal(err)
	}
	if u, err := s.Tenant().User(ctx, other.ID); err != nil || !u.Blocked {
		t.Errorf("split off and free: %v %v", u, err)
	}
}

// IDP-11: an application of somebody else gets nothing without being allowed.
func TestIDP11_thirdParty(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com", "menu-admin")
	if _, err := s.Tenant().Clients.Update(t.Context(), idptest.SPA, func(c *tenant.Client) error { c.FirstParty = false; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, scope := range []string{"", "nonsense", "openid"} {
		browser := s.Browser()
		res, body := s.Login(browser, authorization("scope", scope), "ada@example.com", idptest.Password)
		if res.StatusCode != http.StatusOK || !strings.Contains(body, `name="decision"`) {
			t.Errorf("scope %q: %d %s", scope, res.StatusCode, res.Header.Get("Location"))
			continue
		}
		res, _ = s.Do(browser, http.MethodGet, "/authorize", authorization("scope", scope, "prompt", "none"))
		if back := answerOf(t, res, ""); back.Get("error") != "consent_required" {
			t.Errorf("scope %q, silently: %v", scope, back)
		}
		form := s.Fill(body, "decision", "allow")
		res, body = s.Do(browser, http.MethodPost, "/u/consent", form, "Origin", s.URL)
		res, tokens := exchange(s, answerOf(t, res, body).Get("code"))
		if res.StatusCode != http.StatusOK || strings.Contains(claims(t, tokens["access_token"]), "create:items") {
			t.Errorf("scope %q: permissions that nobody allowed: %s", scope, claims(t, tokens["access_token"]))
		}
		if err := s.Tenant().RevokeConsents(t.Context(), userID(t, s, "ada@example.com"), "", ""); err != nil {
			t.Fatal(err)
		}
	}
}

// The answer of a consent page is that of whom it asked.
func TestIDP11_otherPerson(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	s.AddUser("bob@example.com")
	if _, err := s.Tenant().Clients.Update(t.Context(), idptest.SPA, func(c *tenant.Client) error { c.FirstParty = false; return nil }); err != nil {
		t.Fatal(err)
	}
	browser := s.Browser()
	_, page := s.Login(browser, authorization(), "ada@example.com", idptest.Password)
	s.Login(browser, authorization("prompt", "login"), "bob@example.com", idptest.Password)
	form := s.Fill(page, "decision", "allow")
	res, _ := s.Do(browser, http.MethodPost, "/u/consent", form, "Origin", s.URL)
	if !strings.HasPrefix(res.Header.Get("Location"), "/u/login") {
		t.Errorf("%d %s", res.StatusCode, res.Header.Get("Location"))
	}
	if allowed, err := s.Tenant().Consent(t.Context(), userID(t, s, "bob@example.com"), idptest.SPA, idptest.Audience); err != nil || len(allowed) > 0 {
		t.Errorf("bob allowed %v, %v", allowed, err)
	}
}

// LOG-13: a connection that is taken from a client is taken from its sessions and
// refresh tokens, too.
func TestLOG13_connectionOff(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	_, err := s.Tenant().Connections.Update(t.Context(), "con_database00000001", func(c *tenant.Connection) error {
		c.EnabledClients = []string{idptest.Web}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	res, _ := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("prompt", "none"))
	if back := answerOf(t, res, ""); back.Get("error") != "login_required" {
		t.Errorf("silently: %v", back)
	}
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden {
		t.Errorf("refresh: %d %v", res.StatusCode, body)
	}
}

// IDP-12: somebody else than the client knows is not its person.
func TestIDP12_hintOfAnother(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	s.AddUser("bob@example.com")
	hint := enter(t, s, s.Browser(), "ada@example.com")["id_token"].(string)
	res, body := s.Login(s.Browser(), authorization("id_token_hint", hint), "bob@example.com", idptest.Password)
	if back := answerOf(t, res, body); back.Get("error") != "login_required" || back.Has("code") {
		t.Errorf("%v", back)
	}
}

// SES-04: tokens from before a re-login end with the log-out, too.
func TestSES04_relogin(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	first := enter(t, s, s.HTTP, "ada@example.com")
	enter(t, s, s.HTTP, "ada@example.com", "prompt", "login")
	s.Do(s.HTTP, http.MethodGet, "/v2/logout", url.Values{"client_id": {idptest.SPA}})
	if res, body := refresh(s, first["refresh_token"]); res.StatusCode != http.StatusForbidden {
		t.Errorf("%d %v", res.StatusCode, body)
	}
}

// OTP-08: letters that a stranger asks for do not use up the notice.
func TestOTP08_noticeComes(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	ask := url.Values{"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"ada@example.com"}}
	for range 7 {
		s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", ask)
	}
	letters := waitLetters(t, s, "ada@example.com", 5)
	var ok bool
	for _, letter := range letters { // the newest link is the good one
		browser := s.Browser()
		_, page := s.Do(browser, http.MethodGet, linkIn(t, letter, "/u/reset-password?ticket="), nil)
		if !strings.Contains(page, `name="password"`) {
			continue
		}
		form := s.Fill(page, "password", "Oak-Lantern-Reed-07")
		if res, _ := s.Do(browser, http.MethodPost, "/u/reset-password", form, "Origin", s.URL); res.StatusCode == http.StatusOK {
			ok = true
		}
	}
	if !ok {
		t.Fatal("no link worked")
	}
	waitLetters(t, s, "ada@example.com", 6)
}

// SES-07: a replay with a wrong scope is a replay.
func TestSES06_reuseBeforeScope(t *testing.T) {
	s, now := withClock(t)
	s.AddUser("ada@example.com")
	first := enter(t, s, s.HTTP, "ada@example.com")["refresh_token"]
	_, body := refresh(s, first)
	now.turn(11e9)
	if res, got := refresh(s, first, "scope", "openid admin:everything"); res.StatusCode != http.StatusForbidden {
		t.Errorf("%d %v", res.StatusCode, got)
	}
	if res, _ := refresh(s, body["refresh_token"]); res.StatusCode != http.StatusForbidden {
		t.Error("the family goes on after a replay")
	}
}

func userID(t *testing.T, s *idptest.Server, email string) string {
	t.Helper()
	list, err := s.Tenant().UsersByEmail(t.Context(), email)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d users, %v", len(list), err)
	}
	return list[0].ID
}
