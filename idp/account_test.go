package idp_test

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

const newPassword = "Oak-Lantern-Reed-07"

// lettersTo returns the texts of the letters to an address, decoded.
func lettersTo(t *testing.T, s *idptest.Server, address string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Outbox, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // it is being written
		}
		if text := strings.NewReplacer("=\r\n", "", "=\n", "", "=3D", "=").Replace(string(data)); strings.Contains(text, "To: <"+address+">") || strings.Contains(text, "To: "+address) {
			out = append(out, text)
		}
	}
	return out
}

// waitLetters waits for the n-th letter to an address and returns all.
func waitLetters(t *testing.T, s *idptest.Server, address string, n int) []string {
	t.Helper()
	var out []string
	awaitLetter(t, s, func() bool { out = lettersTo(t, s, address); return len(out) >= n })
	return out
}

// awaitLetter waits until the letters are as they have to be; it looks when one
// has been written.
func awaitLetter(t *testing.T, s *idptest.Server, there func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		next := s.NextLetter()
		if there() {
			return
		}
		select {
		case <-next:
		case <-ctx.Done():
			t.Fatal("the letter did not come")
		}
	}
}

// linkIn returns the link of a letter with this path.
func linkIn(t *testing.T, letter, path string) string {
	t.Helper()
	for _, link := range links.FindAllString(letter, -1) {
		if strings.Contains(link, path) {
			return link
		}
	}
	t.Fatalf("no %s in %s", path, letter)
	return ""
}

func signupMode(mode idp.Signup) func(*idp.Config) {
	return func(c *idp.Config) { c.Signup = mode }
}

// press presses the button of a page that a link leads to.
func press(s *idptest.Server, browser *http.Client, link, path string, more ...string) (int, string) {
	_, body := s.Do(browser, http.MethodGet, link, nil)
	res, body := s.Do(browser, http.MethodPost, path, s.Fill(body, more...), "Origin", s.URL)
	return res.StatusCode, body
}

func TestSignup_confirm(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
	browser := s.Browser()
	status, page := signUp(t, s, browser, " New@Example.COM ")
	if status != http.StatusOK || !strings.Contains(page, "new@example.com") {
		t.Fatalf("%d %.2000s", status, page)
	}
	// Nobody is logged in, not even with the password.
	if back := silent(t, s, browser); back.Get("error") != "login_required" {
		t.Errorf("silently: %v", back)
	}
	letter := waitLetters(t, s, "new@example.com", 1)[0]
	link := linkIn(t, letter, "/u/email-verification?ticket=")
	// With the password the page says what is missing, and with another one nothing.
	res, body := s.Login(browser, authorization(), "NEW@example.com", newPassword)
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "Confirm your e-mail address") || !strings.Contains(body, "new@example.com") {
		t.Errorf("before the address is confirmed: %d %.300s", res.StatusCode, body)
	}
	res, body = s.Login(browser, authorization(), "new@example.com", newPassword+"x")
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(body, "is not right") {
		t.Errorf("a wrong password before the address is confirmed: %d %.300s", res.StatusCode, body)
	}
	// OTP-03: whoever looks at the link, such as a mail filter, confirms nothing.
	scanner := s.Browser()
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet} {
		if res, _ := s.Do(scanner, method, link, nil); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", method, res.StatusCode)
		}
	}
	confirmed := func() bool {
		t.Helper()
		u, err := s.Tenant().UsersByEmail(t.Context(), "new@example.com")
		if err != nil || len(u) > 1 {
			t.Fatalf("%v %v", u, err)
		}
		return len(u) == 1 && u[0].EmailVerified
	}
	if confirmed() {
		t.Fatal("a GET confirmed the address")
	}
	// A form from elsewhere does not either.
	_, page = s.Do(scanner, http.MethodGet, link, nil)
	if res, _ := s.Do(scanner, http.MethodPost, "/u/email-verification", idptest.Hidden(page), "Origin", "http://evil.example"); res.StatusCode != http.StatusBadRequest || confirmed() {
		t.Errorf("cross-site: %d", res.StatusCode)
	}
	if status, body := press(s, browser, link, "/u/email-verification"); status != http.StatusOK || !confirmed() {
		t.Errorf("%d %.2000s", status, body)
	}
	if res, body := s.Do(browser, http.MethodGet, link, nil); res.StatusCode != http.StatusOK || !strings.Contains(body, "Your e-mail address is confirmed") || strings.Contains(body, "<form") {
		t.Errorf("a used link: %d %.2000s", res.StatusCode, body)
	}
	res, body = s.Login(browser, authorization(), "NEW@example.com", newPassword)
	if !answerOf(t, res, body).Has("code") {
		t.Error("no log-in afterwards")
	}
}

// LOG-02: the owner of an address learns of a sign-up with it, nobody else.
func TestLOG02_signupExisting(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: signupMode(idp.SignupConfirm)})
	u := s.AddUser("ada@example.com")
	status, page := signUp(t, s, s.Browser(), "Ada@example.com")
	if status != http.StatusOK || !strings.Contains(page, "ada@example.com") {
		t.Fatalf("%d %.2000s", status, page)
	}
	resA, a := signUpAPI(s, "email", "ada@example.com")
	resB, b := signUpAPI(s, "email", "other@example.com")
	if resA.StatusCode != resB.StatusCode || len(a) != len(b) || len(a["_id"].(string)) != len(b["_id"].(string)) || a["email_verified"] != b["email_verified"] {
		t.Errorf("existing %d %v, new %d %v", resA.StatusCode, a, resB.StatusCode, b)
	}
	if strings.HasSuffix(u.ID, a["_id"].(string)) {
		t.Error("the ID of the account is told")
	}
	for _, letter := range waitLetters(t, s, "ada@example.com", 2) {
		if strings.Contains(letter, "ticket=") {
			t.Error("the letter to the owner has a link that does something")
		}
	}
	// The password is what it was.
	if res, body := s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password); !answerOf(t, res, body).Has("code") {
		t.Error("the owner cannot log in")
	}
	// The stranger's leads to the page that asks to confirm, as without an account.
	if res, body := s.Login(s.Browser(), authorization(), "ada@example.com", newPassword); res.StatusCode != http.StatusOK || !strings.Contains(body, "Confirm your e-mail address") {
		t.Errorf("the stranger's password: %d", res.StatusCode)
	}
}

func TestSignup_open(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	browser := s.Browser()
	status, where := signUp(t, s, browser, "new@example.com")
	if status != http.StatusSeeOther || !strings.HasPrefix(where, idptest.Callback+"?code=") {
		t.Fatalf("%d %s", status, where)
	}
	if !silent(t, s, browser).Has("code") {
		t.Error("not logged in")
	}
	// The address is confirmed later, if ever.
	link := linkIn(t, waitLetters(t, s, "new@example.com", 1)[0], "/u/email-verification?ticket=")
	if status, _ := press(s, browser, link, "/u/email-verification"); status != http.StatusOK {
		t.Errorf("link: %d", status)
	}
	res, body := signUpAPI(s, "email", "new@example.com")
	if res.StatusCode != http.StatusBadRequest || body["code"] != "invalid_signup" {
		t.Errorf("existing: %d %v", res.StatusCode, body)
	}
}

func TestSignup_closed(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: signupMode("")})
	browser := s.Browser()
	res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization())
	_, page := s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
	if strings.Contains(page, "/u/signup") {
		t.Error("the page leads to the sign-up")
	}
	form := s.Fill(page, "password", newPassword)
	form.Set("email", "new@example.com") // which the page does not ask for
	if res, _ := s.Do(browser, http.MethodPost, "/u/signup", form, "Origin", s.URL); res.StatusCode != http.StatusNotFound {
		t.Errorf("form: %d", res.StatusCode)
	}
	res, _ = s.Do(browser, http.MethodGet, "/authorize", authorization("screen_hint", "signup"))
	if res, _ := s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("page: %d", res.StatusCode)
	}
	if res, body := signUpAPI(s, "email", "new@example.com"); res.StatusCode != http.StatusBadRequest || body["code"] != "public_signup_disabled" {
		t.Errorf("API: %d %v", res.StatusCode, body)
	}
	if users, _, err := s.Tenant().SearchUsers(t.Context(), tenant.UserQuery{}); err != nil || len(users) != 0 {
		t.Errorf("%d users, %v", len(users), err)
	}
}

// OTP-01, OTP-05: a link is for one thing, one address, and a time.
func TestOTP05_tickets(t *testing.T) {
	s, now := withClock(t)
	signUp(t, s, s.Browser(), "new@example.com")
	verify := linkIn(t, waitLetters(t, s, "new@example.com", 1)[0], "/u/email-verification?ticket=")
	s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"new@example.com"}})
	reset := letterLink(t, s)
	for _, link := range []string{
		strings.Replace(verify, "/u/email-verification", "/u/reset-password", 1), strings.Replace(reset, "/u/reset-password", "/u/email-verification", 1),
		strings.Replace(verify, "ticket=", "ticket=xx", 1), s.URL + "/u/reset-password", s.URL + "/u/reset-password?ticket=x",
	} {
		if res, _ := s.Do(s.Browser(), http.MethodGet, link, nil); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", link, res.StatusCode)
		}
	}
	users, err := s.Tenant().UsersByEmail(t.Context(), "new@example.com")
	if err != nil || len(users) != 1 {
		t.Fatal(err)
	}
	change := func(to string) {
		t.Helper()
		if _, err := s.Tenant().UpdateUser(t.Context(), users[0].ID, func(u *tenant.User) error { u.Email = to; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	change("else@example.com")
	for _, link := range []string{verify, reset} {
		if res, _ := s.Do(s.Browser(), http.MethodGet, link, nil); res.StatusCode != http.StatusBadRequest {
			t.Errorf("after a change of the address: %s %d", link, res.StatusCode)
		}
	}
	change("new@example.com")
	browser := s.Browser()
	_, page := s.Do(browser, http.MethodGet, reset, nil)
	now.turn(31 * time.Minute)
	form := s.Fill(page, "password", "Elm-Harbour-Flint-88")
	if res, _ := s.Do(browser, http.MethodPost, "/u/reset-password", form, "Origin", s.URL); res.StatusCode != http.StatusBadRequest {
		t.Errorf("after 31 minutes: %d", res.StatusCode)
	}
	now.turn(24 * time.Hour)
	if res, _ := s.Do(s.Browser(), http.MethodGet, verify, nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("after a day: %d", res.StatusCode)
	}
}

// fromNetworks lets requests come from the address that a header names.
func fromNetworks(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if addr := r.Header.Get("X-Test-Address"); addr != "" {
			r.RemoteAddr = addr + ":1"
		}
		h.ServeHTTP(w, r)
	})
}

// There are five letters an hour to an address and twenty for a network; who
// asks for more sees what the others see.
func TestLetters_limits(t *testing.T) {
	c := &clock{at: time.Now().Truncate(time.Second)}
	s := idptest.New(t, idptest.Config{Wrap: fromNetworks, Edit: func(cfg *idp.Config) { cfg.Now = c.now }})
	ask := func(email, address string) {
		t.Helper()
		res, body := s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
			"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {email},
		}, "X-Test-Address", address)
		if res.StatusCode != http.StatusOK || !strings.Contains(body, "We've just sent you an email") {
			t.Errorf("%d %s", res.StatusCode, body)
		}
	}
	s.AddUser("ada@example.com")
	for i := range 8 {
		ask("ada@example.com", "198.51.100."+string(rune('1'+i)))
	}
	for i := range 25 {
		email := "user" + string(rune('a'+i)) + "@example.com"
		addPlain(t, s, email)
		ask(email, "203.0.113.7")
	}
	addPlain(t, s, "last@example.com")
	ask("last@example.com", "192.0.2.1")
	waitLetters(t, s, "last@example.com", 1)
	// Letters are written side by side, in any order.
	forNetwork := func() (n int) {
		for i := range 25 {
			n += len(lettersTo(t, s, "user"+string(rune('a'+i))+"@example.com"))
		}
		return n
	}
	awaitLetter(t, s, func() bool { return len(lettersTo(t, s, "ada@example.com")) >= 5 && forNetwork() >= 20 })
	if n := len(lettersTo(t, s, "ada@example.com")); n != 5 {
		t.Errorf("%d letters to one address", n)
	}
	if n := forNetwork(); n != 20 {
		t.Errorf("%d letters for one network", n)
	}
	c.turn(61 * time.Minute)
	ask("ada@example.com", "198.51.100.99")
	waitLetters(t, s, "ada@example.com", 6)
}

func TestSignup_names(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	if _, err := s.Tenant().Connections.Update(t.Context(), "con_database00000001", func(c *tenant.Connection) error {
		c.Options.RequiresUsername = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "has blank", "ada@example.com", "аda", strings.Repeat("x", 65), "a\u200bb", "a/b"} {
		if res, body := signUpAPI(s, "email", "x@example.com", "username", name); res.StatusCode != http.StatusBadRequest || body["code"] != "invalid_body" {
			t.Errorf("%q: %d %v", name, res.StatusCode, body)
		}
	}
	if res, body := signUpAPI(s, "email", "ada@example.com", "username", "Ada.L"); res.StatusCode != http.StatusOK || body["username"] != "ada.l" {
		t.Fatalf("%d %v", res.StatusCode, body)
	}
	if res, body := signUpAPI(s, "email", "other@example.com", "username", "ADA.L"); res.StatusCode != http.StatusBadRequest || body["code"] != "username_exists" {
		t.Errorf("a name twice: %d %v", res.StatusCode, body)
	}
	status, page := signUp(t, s, s.Browser(), "other@example.com", "username", "ada.l")
	if status != http.StatusBadRequest || !strings.Contains(page, `name="username"`) {
		t.Errorf("%d %.1000s", status, page)
	}
	for _, typed := range []string{"ADA.l", " ada.l ", "Ada@example.com"} {
		if res, body := s.Login(s.Browser(), authorization(), typed, newPassword); !answerOf(t, res, body).Has("code") {
			t.Errorf("no log-in as %q", typed)
		}
	}
}

func TestSignup_passwords(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Breach = leaked("Leaked-Word-Of-All-55") }})
	for _, tt := range []struct{ policy, password, code string }{
		{"good", "", "invalid_body"},
		{"good", "Aa1!xyz", "invalid_password"},
		{"good", "onlysmall", "invalid_password"},
		{"good", "Password1", "password_dictionary_error"},
		{"good", "Leaked-Word-Of-All-55", "password_leaked"},
		{"good", "correct horse battery staple barn", ""},
		{"good", "xk7Rbnqw", ""},
		{"low", "zugkwmqy", ""},
		{"low", "zugkwmq", "invalid_password"},
		{"none", "zugkwmqx", ""},
		{"none", "z", "invalid_password"}, // never below eight
		{"excellent", "xk7Rbnqw", "invalid_password"},
		{"excellent", "xk7Rbnqwaaa!", "invalid_password"},
		{"excellent", "xk7Rbnqwaba!", ""},
		{"unheard of", "onlysmall", "invalid_password"},
	} {
		if _, err := s.Tenant().Connections.Update(t.Context(), "con_database00000001", func(c *tenant.Connection) error {
			c.Options.PasswordPolicy = tt.policy
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		email := tenant.NewSubject() + "@example.com"
		res, body := signUpAPI(s, "email", email, "password", tt.password)
		if tt.code == "" && res.StatusCode != http.StatusOK || tt.code != "" && (res.StatusCode != http.StatusBadRequest || body["code"] != tt.code) {
			t.Errorf("%s %q: %d %v", tt.policy, tt.password, res.StatusCode, body)
		}
		if tt.code == "invalid_password" && (body["name"] != "PasswordStrengthError" || body["policy"] == nil) {
			t.Errorf("%s %q: %v", tt.policy, tt.password, body)
		}
	}
}

// There are fifty sign-ups an hour for a network; twenty where each takes a letter,
// of which there are not more.
func TestSignup_throttle(t *testing.T) {
	for mode, most := range map[idp.Signup]int{idp.SignupOpen: 50, idp.SignupConfirm: 20} {
		t.Run(string(mode), func(t *testing.T) { throttledSignups(t, mode, most) })
	}
}

func throttledSignups(t *testing.T, mode idp.Signup, most int) {
	t.Helper()
	s := idptest.New(t, idptest.Config{Wrap: fromNetworks, Edit: signupMode(mode)})
	var last int
	for i := range most + 1 {
		in := url.Values{
			"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "password": {newPassword},
			"email": {"user" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + "@example.com"},
		}
		res, body := s.Do(s.HTTP, http.MethodPost, "/dbconnections/signup", in, "X-Test-Address", "203.0.113.7")
		if last = res.StatusCode; i < most && last != http.StatusOK {
			t.Fatalf("sign-up %d: %d %s", i, last, body)
		}
		if i == most && res.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("one more: %d", last)
	}
	in := url.Values{"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "password": {newPassword}, "email": {"elsewhere@example.com"}}
	if res, body := s.Do(s.HTTP, http.MethodPost, "/dbconnections/signup", in, "X-Test-Address", "198.51.100.1"); res.StatusCode != http.StatusOK {
		t.Errorf("another network: %d %s", res.StatusCode, body)
	}
}

// leaked is the one password that was leaked.
type leaked string

func (l leaked) Leaked(_ context.Context, text string) bool { return text == string(l) }

// addPlain makes a user of the database without a password.
func addPlain(t *testing.T, s *idptest.Server, email string) {
	t.Helper()
	u := &tenant.User{Email: email, Identities: []tenant.Identity{{
		Connection: idptest.Connection, Provider: tenant.Database, UserID: tenant.NewSubject(), Email: email,
	}}}
	if err := s.Tenant().CreateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

// What keeps a sign-up from going on is said on its page, with what was typed,
// and when it is worth another try.
func TestSignup_refused(t *testing.T) {
	s := guarded(t, nil)
	bind(t, s, "pre-user-registration", `exports.onExecutePreUserRegistration = (event) => { if (event.user.email.startsWith('broken')) throw new Error('hunter2'); };`)
	protect(t, s, "suspicious-ip-throttling", `{"stage":{"pre-user-registration":{"max_attempts":2,"rate":1000}}}`)
	try := func(email string) (*http.Response, string) {
		t.Helper()
		browser := s.Browser()
		res, _ := s.Do(browser, http.MethodGet, "/authorize", authorization("screen_hint", "signup"))
		_, page := s.Do(browser, http.MethodGet, res.Header.Get("Location"), nil)
		form := idptest.Hidden(page)
		form.Set("email", email)
		form.Set("password", newPassword)
		return s.Do(browser, http.MethodPost, "/u/signup", form, "Origin", s.URL)
	}
	res, page := try("broken@example.com")
	if res.StatusCode != http.StatusForbidden || !strings.Contains(page, "refuses this") || strings.Contains(page, "hunter2") || strings.Contains(page, "our side") {
		t.Errorf("an action that fails: %d %.2000s", res.StatusCode, page)
	}
	if res, page := try("first@example.com"); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %.2000s", res.StatusCode, page)
	}
	res, page = try("third@example.com")
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" || !strings.Contains(page, "Too many accounts") ||
		!strings.Contains(page, `value="third@example.com"`) || !strings.Contains(page, `action="/u/signup"`) {
		t.Errorf("too many: %d %q %.3000s", res.StatusCode, res.Header.Get("Retry-After"), page)
	}
	if logs := types(t, s, "fs"); len(logs) != 1 {
		t.Errorf("%d entries", len(logs))
	}
}

// Who typed an address and then cannot remember the password does not type it
// again: after a try it is in the page that sends the link, and a script brings it
// there before, by a part of the address that no server sees.
func TestForgot_keepsTheAddress(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	browser := s.Browser()
	res, body := s.Login(browser, authorization(), "ada@example.com", "wrong-password")
	if res.StatusCode != http.StatusBadRequest {
		t.Fatalf("%d %.300s", res.StatusCode, body)
	}
	_, rest, _ := strings.Cut(body, `class="keeps" href="`)
	link, _, _ := strings.Cut(rest, `"`)
	if !strings.HasPrefix(link, "/u/reset-password/request?state=") || strings.Contains(link, "ada") {
		t.Fatalf("%q", link)
	}
	res, page := s.Do(browser, http.MethodGet, link, nil)
	if res.StatusCode != http.StatusOK || !strings.Contains(page, `value="ada@example.com"`) || !strings.Contains(page, "data-kept") || !strings.Contains(page, "/reveal.js") {
		t.Errorf("%d %.3000s", res.StatusCode, page)
	}
	form := s.Fill(page, "username", "ada@example.com")
	if res, page = s.Do(browser, http.MethodPost, "/u/reset-password/request", form, "Origin", s.URL); res.StatusCode != http.StatusOK {
		t.Errorf("%d %.300s", res.StatusCode, page)
	}
	letterLink(t, s)
}
