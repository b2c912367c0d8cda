package accountpages_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/model"
)

func TestSignUp(t *testing.T) {
	r := start(t, options{home: "/menu"})
	b := r.browser()
	b.get("/account/login?next=%2Freports").is(http.StatusOK, `href="/account/signup?next=%2Freports"`)
	page := b.get("/account/signup?next=%2Freports").is(http.StatusOK, `name="email"`, `autocomplete="new-password"`, "(optional)", `value="/reports"`)
	page.lacks(`name="roles"`, `name="id"`, `name="newsletter"`) // which nobody is asked
	for name, fields := range map[string][]string{
		"roles":     {"email", maria, "password", good, "roles", "admin"},
		"roles, []": {"email", maria, "password", good, "roles[]", "admin", "id", "x"},
	} {
		form := encode(append([]string{"next", "//evil.example"}, fields...)...)
		b.send(http.MethodPost, "/account/signup", form, "Sec-Fetch-Site", "cross-site").is(http.StatusForbidden)
		if n := r.accounts(); n != 0 {
			t.Fatalf("%s: another site made %d accounts", name, n)
		}
	}
	const evil = `<img src=x onerror=alert(1)>"`
	b.post("/account/signup", "email", maria, "password", good, "name", evil, "roles", "admin", "next", "//evil.example").leads("/menu")
	b.get("/account").is(http.StatusOK, maria)
	var roles, name string
	if err := r.app.DB.Read().QueryRowContext(t.Context(), "SELECT roles, name FROM users").Scan(&roles, &name); err != nil {
		t.Fatal(err)
	}
	if roles != `["customer"]` || name != evil {
		t.Errorf("the account has roles %s and the name %s", roles, name)
	}
	b.get("/account/signup").leads("/menu")
	b.post("/account/signup", "email", "second@kitchen.example", "password", good).leads("/menu")
	if n := r.accounts(); n != 1 {
		t.Errorf("there are %d accounts, and who made the second was logged in", n)
	}
}

func TestSignUpRefused(t *testing.T) {
	r := start(t, options{})
	r.signUp(maria)
	b := r.browser()
	taken := b.post("/account/signup", "email", strings.ToUpper(maria), "password", good, "name", `"><b>x`).
		is(http.StatusConflict, "<title>Not created: ", "E-mail address is already taken.", "email-error", `value="&#34;&gt;&lt;b&gt;x"`)
	taken.lacks(good, "<b>")
	b.post("/account/signup", "email", "no address", "password", "short").
		is(http.StatusBadRequest, "Not created: check 2 details", "email-error", "password-error", "must have at least 15 characters")
	b.post("/account/signup").is(http.StatusBadRequest, "E-mail address is required.")
	b.post("/account/signup", "email", "x@kitchen.example", "password", good, "name", strings.Repeat("x", 200)).is(http.StatusBadRequest, "name-error")
	if n := r.accounts(); n != 1 {
		t.Errorf("there are %d accounts", n)
	}
	if len(b.cookies) > 0 {
		t.Errorf("got %v", b.cookies)
	}
}

// TestNoSignUp sees that the page is there only where strangers make accounts, and where a
// form can ask for what those need.
func TestNoSignUp(t *testing.T) {
	for name, o := range map[string]options{
		"not for strangers": {entity: func(e *model.Entity) { e.Allow.Create = []string{"admin"} }},
		"no login":          {entity: func(e *model.Entity) { e.Fields[1].Create = []string{"admin"} }},
		"no password":       {entity: func(e *model.Entity) { e.Fields[2].Create = []string{"admin"} }},
		"needs another's": {pointer: (*user).required, entity: func(e *model.Entity) {
			e.Fields[3].Required, e.Fields[3].Create, e.Fields[5].Required = true, []string{"admin"}, true
		}},
		"needs JSON": {pointer: (*user).listed, entity: func(e *model.Entity) {
			e.Fields[3] = model.Field{Name: "name", Column: "name", Type: model.JSON, Required: true}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, o)
			b := r.browser()
			b.get("/account/login").is(http.StatusOK).lacks("signup")
			b.get("/account/signup").is(http.StatusNotFound)
			b.post("/account/signup", "email", maria, "password", good).is(http.StatusNotFound)
			if n := r.accounts(); n != 0 {
				t.Errorf("there are %d accounts", n)
			}
		})
	}
}

func TestSignUpAsks(t *testing.T) {
	r := start(t, options{pointer: (*user).required, entity: func(e *model.Entity) {
		e.Fields[3].Required, e.Fields[3].Description = true, "What we call you."
		e.Fields[5].Required = true
	}})
	b := r.browser()
	b.get("/account/signup").is(http.StatusOK, `name="newsletter"`, "What we call you.").lacks("(optional)")
	b.post("/account/signup", "email", maria, "password", good).is(http.StatusBadRequest, "Name is required.")
	b.post("/account/signup", "email", maria, "password", good, "name", "Maria", "newsletter", "1").leads("/account")
	yes := false
	if err := r.app.DB.Read().QueryRowContext(t.Context(), "SELECT newsletter FROM users").Scan(&yes); err != nil || !yes {
		t.Errorf("newsletter is %v, %v", yes, err)
	}
}

// TestSignUpTellsNothing sees that, where there are letters, an address that is taken is
// answered like any other, and its owner is told.
func TestSignUpTellsNothing(t *testing.T) {
	r := start(t, options{letters: true})
	r.signUp(maria)
	fresh, taken := r.browser(), r.browser()
	a := fresh.post("/account/signup", "email", "fresh@kitchen.example", "password", good).is(http.StatusOK, "Confirm your e-mail address")
	if m := r.letter(); m.To != "fresh@kitchen.example" || !strings.Contains(m.Subject, "confirm") {
		t.Errorf("the letter is %q to %s", m.Subject, m.To)
	}
	z := taken.post("/account/signup", "email", maria, "password", other).is(http.StatusOK)
	m := r.letter()
	if m.To != maria || !strings.Contains(m.Subject, "you have an account already") || !strings.Contains(m.Text, "/api/account/reset?token=") {
		t.Errorf("the letter is %q to %s: %s", m.Subject, m.To, m.Text)
	}
	if got, want := strings.ReplaceAll(z.Body, maria, "X"), strings.ReplaceAll(a.Body, "fresh@kitchen.example", "X"); got != want {
		t.Errorf("the pages differ: %s and %s", z.words(), a.words())
	}
	for _, h := range []http.Header{a.Header, z.Header} {
		h.Del("X-Request-Id")
		h.Del("Date")
		h.Del("Content-Length")
	}
	if len(a.Header) != len(z.Header) || len(fresh.cookies)+len(taken.cookies) > 0 {
		t.Errorf("the headers differ: %v and %v", a.Header, z.Header)
	}
	r.browser().post("/account/login", "login", maria, "password", other).is(http.StatusUnauthorized)
	r.logIn(maria)
}

var linkIn = regexp.MustCompile(`https://kitchen\.example(\S+)`)

// follow opens the link of a letter and returns its path and token.
func follow(t *testing.T, text string) (path, token string) {
	t.Helper()
	found := linkIn.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no link in %s", text)
	}
	u, err := url.Parse(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return u.Path, u.Query().Get("token")
}

func TestForgot(t *testing.T) {
	r := start(t, options{letters: true})
	r.signUp(maria)
	b := r.browser()
	b.get("/account/login").is(http.StatusOK, `href="/account/forgot"`)
	b.get("/account/forgot").is(http.StatusOK, "It works once, for 30 minutes.")
	b.post("/account/forgot", "login", "no\x01name").is(http.StatusBadRequest, "login-error")
	unknown := b.post("/account/forgot", "login", "nobody@kitchen.example").is(http.StatusOK, "has an account, a link to set a new password is on its way.")
	known := b.post("/account/forgot", "login", maria).is(http.StatusOK)
	if got, want := strings.ReplaceAll(known.Body, maria, "X"), strings.ReplaceAll(unknown.Body, "nobody@kitchen.example", "X"); got != want {
		t.Errorf("the pages differ: %s", known.words())
	}
	m := r.letter()
	if m.To != maria {
		t.Fatalf("the first letter is to %s", m.To)
	}
	inside := r.logIn(maria)
	path, token := follow(t, m.Text)
	b.get(path+"?token="+url.QueryEscape(token)).is(http.StatusOK, "Set a new password")
	b.post(path, "token", token, "password", "short").is(http.StatusBadRequest)
	b.post(path, "token", token, "password", other).is(http.StatusOK, "Your password is set", `href="https://kitchen.example/account/login"`)
	b.post(path, "token", token, "password", good).is(http.StatusBadRequest, "This link cannot be used") // replayed
	inside.get("/account").leads("/account/login?next=%2Faccount")
	b.post("/account/login", "login", maria, "password", other).leads("/account")
}

func TestEmail(t *testing.T) {
	r := start(t, options{letters: true})
	r.signUp("eve@kitchen.example")
	r.browser().post("/account/signup", "email", maria, "password", good).is(http.StatusOK)
	r.letter()
	b := r.logIn(maria)
	b.get("/account").is(http.StatusOK, "not confirmed", "Send the link again")
	b.post("/account/verify").leads("/account?done=verify")
	_, again := follow(t, r.letter().Text)
	b.post("/api/account/verify", "token", again).is(http.StatusOK)
	b.get("/account").is(http.StatusOK, "confirmed").lacks("not confirmed", "Send the link again")

	b.get("/account/email").is(http.StatusOK, maria)
	b.post("/account/email", "email", "new@kitchen.example").is(http.StatusBadRequest, "The current password is not right.", `value="new@kitchen.example"`)
	b.post("/account/email", "email", "new@kitchen.example", "current", other).is(http.StatusBadRequest, "The current password is not right.")
	b.post("/account/email", "email", "none", "current", good).is(http.StatusBadRequest, "This is not an e-mail address.").lacks(good)
	b.post("/account/email", "email", "eve@kitchen.example", "current", good).leads("/account?done=email") // which tells nothing
	if m := r.letter(); m.To != "eve@kitchen.example" {
		t.Errorf("the letter is to %s", m.To)
	}
	b.post("/account/email", "email", "new@kitchen.example", "current", good).leads("/account?done=email")
	path, token := follow(t, r.letter().Text)
	b.get("/account").is(http.StatusOK, maria).lacks("new@kitchen.example")
	b.post(path, "token", token).is(http.StatusOK, "Your e-mail address is changed")
	r.logIn("new@kitchen.example").get("/account").is(http.StatusOK, "new@kitchen.example")
}

func TestConfirmFirst(t *testing.T) {
	r := start(t, options{letters: true, confirm: true})
	b := r.browser()
	b.post("/account/signup", "email", maria, "password", good).is(http.StatusOK)
	r.letter()
	b.post("/account/login", "login", maria, "password", good).is(http.StatusUnauthorized, `href="/account/verify"`)
	unknown := b.post("/account/verify", "login", "nobody@kitchen.example").is(http.StatusOK)
	known := b.post("/account/verify", "login", maria).is(http.StatusOK)
	if strings.ReplaceAll(known.Body, maria, "X") != strings.ReplaceAll(unknown.Body, "nobody@kitchen.example", "X") {
		t.Errorf("the pages differ: %s", known.words())
	}
	path, token := follow(t, r.letter().Text)
	b.post(path, "token", token).is(http.StatusOK)
	b.post("/account/login", "login", maria, "password", good).leads("/account")
}

func TestNoLetters(t *testing.T) {
	b := start(t, options{}).browser()
	for _, page := range []string{"/forgot", "/verify", "/email"} {
		b.get("/account" + page).is(http.StatusNotFound)
	}
	b.get("/account/login").is(http.StatusOK).lacks("forgot", "Forgot")
}
