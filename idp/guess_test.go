package idp_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/mail"
)

// A surface is all that a stranger sees of an answer.
type surface struct {
	Status  int
	Header  http.Header
	Cookies []string
	Body    string
}

// sealedState matches what is sealed in a link, with the address that was typed.
var sealedState = regexp.MustCompile(`state=[A-Za-z0-9_-]{100,}`)

// surfaceOf returns what an answer shows, with what is new each time and the
// address that was typed masked.
func surfaceOf(res *http.Response, body, email string, mask ...string) surface {
	for name, values := range idptest.Hidden(body) {
		if name == "state" || name == "csrf" {
			mask = append(mask, values[0])
		}
	}
	hide := func(text string) string {
		for _, m := range mask {
			text = strings.ReplaceAll(text, m, "new")
		}
		text = sealedState.ReplaceAllString(text, "state=new")
		return strings.NewReplacer(email, "E", url.QueryEscape(email), "E").Replace(text)
	}
	out := surface{Status: res.StatusCode, Header: res.Header.Clone(), Body: hide(body)}
	for _, c := range res.Cookies() {
		out.Cookies = append(out.Cookies, c.Name)
	}
	for _, name := range []string{"Date", "Set-Cookie", "Content-Length", "X-RateLimit-Reset"} { // of the time
		out.Header.Del(name)
	}
	for _, values := range out.Header {
		for i := range values {
			values[i] = hide(values[i])
		}
	}
	return out
}

// strangers makes accounts of all kinds that a password does not open, and one
// that it does. The addresses are of one length.
func strangers(t *testing.T, s *idptest.Server) (emails []string) {
	t.Helper()
	s.AddUser("known@example.com")
	block, loose := s.AddUser("block@example.com"), s.AddUser("loose@example.com")
	addPlain(t, s, "plain@example.com")
	for id, change := range map[string]func(*tenant.User) error{
		block.ID: func(u *tenant.User) error { u.Blocked = true; return nil },
		loose.ID: func(u *tenant.User) error { u.EmailVerified = false; return nil },
	} {
		if _, err := s.Tenant().UpdateUser(t.Context(), id, change); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"known@example.com", "block@example.com", "loose@example.com", "plain@example.com"}
}

// postPage posts a page of a log-in in a new browser.
func postPage(s *idptest.Server, path, email, password string) surface {
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
	return surfaceOf(res, body, email, state)
}

// LOG-01, LOG-02: nobody learns from an answer whether there is an account, on
// any way in.
func TestLOG01_sameAnswer(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Signup = idp.SignupConfirm }})
	emails := strangers(t, s)
	grant := func(email, password string) surface {
		res, body := s.Do(s.Browser(), http.MethodPost, "/oauth/token", url.Values{
			"grant_type": {"http://auth0.com/oauth/grant-type/password-realm"}, "realm": {idptest.Connection}, "client_id": {idptest.Web},
			"client_secret": {idptest.Secret}, "username": {email}, "password": {password},
		})
		return surfaceOf(res, body, email)
	}
	forgot := func(email, _ string) surface {
		res, body := s.Do(s.Browser(), http.MethodPost, "/dbconnections/change_password", url.Values{
			"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {email},
		})
		return surfaceOf(res, body, email)
	}
	page := func(path string) func(string, string) surface {
		return func(email, password string) surface { return postPage(s, path, email, password) }
	}
	for name, tt := range map[string]struct {
		ask      func(email, password string) surface
		password string
		status   int
	}{
		"page":                {page("/u/login"), "wrong password", http.StatusBadRequest},
		"password grant":      {grant, "wrong password", http.StatusForbidden},
		"a letter, by page":   {page("/u/reset-password/request"), "", http.StatusOK},
		"a letter, by an app": {forgot, "", http.StatusOK},
		"sign-up":             {page("/u/signup"), newPassword, http.StatusOK},
	} {
		want := tt.ask("other@example.com", tt.password)
		if want.Status != tt.status {
			t.Errorf("%s: an address of nobody is %d", name, want.Status)
		}
		for _, email := range emails {
			if diff := cmp.Diff(want, tt.ask(email, tt.password)); diff != "" {
				t.Errorf("%s: %s is not as an address of nobody:\n%s", name, email, diff)
			}
		}
	}
	// Who is blocked is told nothing that a wrong password is not.
	want := postPage(s, "/u/login", "fresh@example.com", idptest.Password)
	if diff := cmp.Diff(want, postPage(s, "/u/login", "block@example.com", idptest.Password)); diff != "" {
		t.Errorf("a blocked user with the right password:\n%s", diff)
	}
}

// hashes returns how many passwords are hashed while f runs: each takes 19 MiB
// where the provider is as usual, which nothing else of a request does.
func hashes(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int((after.TotalAlloc - before.TotalAlloc) / (19 << 20))
}

// LOG-01, PWD-09: a refusal costs the same work whether or not there is such an
// account, and a letter costs none. The page looks at what waits for an address
// as well.
func TestLOG01_sameWork(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) {
		c.Signup, c.PasswordCost.Memory = idp.SignupConfirm, 19456 // in tests it is less
	}})
	emails := append(strangers(t, s), "other@example.com")
	for _, tt := range []struct {
		path, password string
		want           int
	}{
		{"/u/login", "wrong password", 2}, {"/u/reset-password/request", "", 0}, {"/u/signup", newPassword, 1},
	} {
		for _, email := range emails {
			if got := hashes(func() { postPage(s, tt.path, email, tt.password) }); got != tt.want {
				t.Errorf("%s of %s hashes %d passwords, want %d", tt.path, email, got, tt.want)
			}
		}
	}
	for _, email := range emails {
		if got := hashes(func() { tryPassword(s, "", email, "wrong password") }); got != 1 {
			t.Errorf("the password grant of %s hashes %d passwords", email, got)
		}
	}
}

// A stuck sends no letter, and comes back when the test is over.
type stuck struct {
	asked atomic.Int32
	end   chan struct{}
}

func (m *stuck) Send(context.Context, mail.Message) error {
	m.asked.Add(1)
	<-m.end
	return nil
}

// LOG-02: no answer waits for a letter, so that none is slower for whom there is
// one.
func TestLOG02_noAnswerWaits(t *testing.T) {
	letters := &stuck{end: make(chan struct{})}
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Mail, c.Signup = letters, idp.SignupConfirm }})
	t.Cleanup(func() { close(letters.end) }) // before the provider closes
	s.AddUser("known@example.com")
	for _, path := range []string{"/u/reset-password/request", "/u/signup"} {
		for _, email := range []string{"known@example.com", "other@example.com"} {
			if got := postPage(s, path, email, newPassword); got.Status != http.StatusOK {
				t.Errorf("%s of %s: %d", path, email, got.Status)
			}
		}
	}
	eventually(t, func() bool { return letters.asked.Load() > 0 }) // else this proves nothing
}

// LOG-04: strangers close an account, and the browser that its owner used before
// goes on, with attempts of its own.
func TestLOG04_device(t *testing.T) {
	s := idptest.New(t, idptest.Config{TLS: true})
	s.AddUser("ada@example.com")
	s.AddUser("mallory@example.com")
	in := func(browser *http.Client, email, password string) int {
		res, _ := s.Login(browser, authorization("prompt", "login"), email, password)
		return res.StatusCode
	}
	owner, mallory := s.Browser(), s.Browser()
	if in(owner, "ada@example.com", idptest.Password) != http.StatusSeeOther || in(mallory, "mallory@example.com", idptest.Password) != http.StatusSeeOther {
		t.Fatal("no log-in")
	}
	for range 10 {
		if status := tryPassword(s, "", "ada@example.com", "wrong"); status != http.StatusForbidden {
			t.Fatalf("a guess: %d", status)
		}
	}
	// A device of somebody else, or one made up, is none.
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	forged := s.Browser()
	for _, c := range owner.Jar.Cookies(base) {
		if c.Name == "__Host-gate-device" {
			forged.Jar.SetCookies(base, []*http.Cookie{{Name: c.Name, Value: "AAAA" + c.Value[4:], Path: "/", Secure: true}})
		}
	}
	for name, browser := range map[string]*http.Client{"a new browser": s.Browser(), "the device of another": mallory, "a device made up": forged} {
		if status := in(browser, "ada@example.com", idptest.Password); status != http.StatusTooManyRequests {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status := in(owner, "ada@example.com", idptest.Password); status != http.StatusSeeOther {
		t.Errorf("the owner's browser: %d", status)
	}
	// Its attempts are counted, too.
	var statuses []int
	for range 11 {
		statuses = append(statuses, in(owner, "ada@example.com", "wrong"))
	}
	if slices.Contains(statuses[:10], http.StatusTooManyRequests) || statuses[10] != http.StatusTooManyRequests {
		t.Errorf("guesses in the owner's browser: %v", statuses)
	}
}

// LOG-05, CVE-2025-24806: an account has one counter, however it is called.
func TestLOG05_oneCounter(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	hash, err := s.HashPassword(t.Context(), idptest.Password)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tenant().CreateUser(t.Context(), &tenant.User{
		Email: "ada@example.com", EmailVerified: true, Username: "ada", Identities: []tenant.Identity{{
			Connection: idptest.Connection, Provider: tenant.Database, UserID: tenant.NewSubject(), Email: "ada@example.com", Username: "ada", PasswordHash: hash,
		}},
	}); err != nil {
		t.Fatal(err)
	}
	spellings := []string{"ada", "ada@example.com", " ADA ", "Ada@Example.COM", "ada@EXAMPLE.com "}
	for i := range 12 {
		want := http.StatusForbidden
		if i >= 10 {
			want = http.StatusTooManyRequests
		}
		if got := tryPassword(s, "", spellings[i%len(spellings)], "wrong"); got != want {
			t.Errorf("guess %d, of %q: %d", i+1, spellings[i%len(spellings)], got)
		}
	}
}

// LOG-06: an attempt counts before the password is looked at, so that no more
// are looked at than may be, however many come at once.
func TestLOG06_parallel(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	statuses := make([]int, 30)
	n := hashes(func() {
		var all sync.WaitGroup
		for i := range statuses {
			all.Go(func() { statuses[i] = tryPassword(s, "", "ada@example.com", "wrong") })
		}
		all.Wait()
	})
	if n > 10 {
		t.Errorf("%d passwords were looked at: %v", n, statuses)
	}
	if status := tryPassword(s, "", "ada@example.com", idptest.Password); status != http.StatusTooManyRequests {
		t.Errorf("the right password after that: %d", status)
	}
}

// LOG-12, CVE-2022-35924: an address is one address.
func TestLOG12_oneAddress(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("victim@example.com")
	hostile := []string{
		"attacker@example.com,victim@example.com", "victim@example.com,attacker@example.com", "victim@example.com;attacker@example.com",
		"victim@example.com attacker@example.com", "victim@example.com\r\nBcc: attacker@example.com", "<victim@example.com>", "v <victim@example.com>",
		"victim@example.com@attacker.example", `"victim"@example.com`, "v\u0131ctim@example.com", "victim@example.com.",
	}
	for _, email := range hostile {
		res, _ := s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
			"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {email},
		})
		if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusBadRequest {
			t.Errorf("a letter to %q: %d", email, res.StatusCode)
		}
		if email == "v\u0131ctim@example.com" || email == "victim@example.com." {
			continue // an address of somebody else, perhaps
		}
		if res, body := signUpAPI(s, "email", email); res.StatusCode != http.StatusBadRequest {
			t.Errorf("a sign-up as %q: %d %v", email, res.StatusCode, body)
		}
	}
	s.AddUser("last@example.com")
	s.Do(s.HTTP, http.MethodPost, "/dbconnections/change_password", url.Values{
		"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"last@example.com"},
	})
	waitLetters(t, s, "last@example.com", 1) // what was written before is there
	for _, email := range []string{"attacker@example.com", "victim@example.com", "v\u0131ctim@example.com"} {
		if n := len(lettersTo(t, s, email)); n > 0 {
			t.Errorf("%d letters to %q", n, email)
		}
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
	logs, _, err := s.Tenant().SearchLogs(t.Context(), tenant.LogQuery{Q: "type:fp", Limit: 10})
	if err != nil || len(logs) != 1 {
		t.Errorf("%d entries, %v", len(logs), err)
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
