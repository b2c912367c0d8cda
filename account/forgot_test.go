package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/account/words"
	"github.com/gatewright/gate/mail"
)

// TestLOG02_sameAnswerSameWork: whoever asks learns nothing, neither from the
// bytes nor from the work that is done before them.
func TestLOG02_sameAnswerSameWork(t *testing.T) {
	for _, path := range []string{"/password/forgot", "/email/verification"} {
		w := newWorld(t)
		w.users["2"].account.Disabled = true
		w.add("3", "", "")
		w.users["3"].profile.Login = "nomail"
		w.add("4", "eve@kitchen.example", "Eve")
		w.users["4"].profile.EmailVerified = true
		var first string
		for i, login := range []string{"ann@kitchen.example", "nobody@kitchen.example", "ben@kitchen.example", "nomail", "eve@kitchen.example"} {
			rec := w.ask("POST", path, fmt.Sprintf(`{"email":%q}`, login))
			w.want(rec, 202)
			got := fmt.Sprint(rec.Code, rec.Header(), rec.Body)
			if i == 0 {
				first = got
			}
			if got != first {
				t.Errorf("%s: %s, for the first %s", login, got, first)
			}
			if calls := w.taken(); len(calls) != 0 {
				t.Errorf("%s %s: before the answer %v was done, want nothing", path, login, calls)
			}
			if len(w.queue) != i+1 {
				t.Errorf("%s %s: %d in the queue, want %d", path, login, len(w.queue), i+1)
			}
		}
		want := []string{"ann@kitchen.example"}
		if path == "/password/forgot" {
			want = append(want, "eve@kitchen.example")
		}
		var got []string
		for _, m := range w.letters() {
			got = append(got, m.To)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: recipients (-want +got):\n%s", path, diff)
		}
	}
}

// slow has accounts whose look-up takes an hour.
type slow struct {
	account.Users
}

func (s slow) ByLogin(ctx context.Context, name string) (*gate.Account, error) {
	if name != "ann@kitchen.example" {
		return nil, gate.ErrNotAuthenticated
	}
	time.Sleep(time.Hour)
	return s.Users.ByLogin(ctx, name)
}

// TestLOG02_times: an answer takes no time at all, while the look-up of a known
// name takes an hour and that of an unknown one none. It is the time of a bubble,
// in which nothing but waiting takes any.
func TestLOG02_times(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := new(counted)
		queue, err := mail.NewQueue(sent, mail.QueueConfig{Size: 1000, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, func(c *account.Config) { c.Users, c.Mailer = slow{c.Users}, queue })
		for i := range 5 {
			for _, name := range []string{"ann@kitchen.example", "nobody@kitchen.example"} {
				start := time.Now()
				if err := w.flows.Forgot(from(fmt.Sprintf("198.51.100.%d", i)), name); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(start); took != 0 {
					t.Errorf("the answer for %s took %s, as if there were something to look up", name, took)
				}
			}
		}
		if n := sent.n.Load(); n != 0 {
			t.Errorf("%d letters were sent before the answers", n)
		}
		if err := queue.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := sent.n.Load(); n != 5 {
			t.Errorf("%d letters were sent, want 5", n)
		}
	})
}

// counted counts letters.
type counted struct{ n atomic.Int32 }

func (c *counted) Send(context.Context, mail.Message) error {
	c.n.Add(1)
	return nil
}

// TestLOG02_fullQueue: too much to do is no answer about an account.
func TestLOG02_fullQueue(t *testing.T) {
	w := newWorld(t)
	w.full = true
	for _, login := range []string{"ann@kitchen.example", "nobody@kitchen.example"} {
		w.want(w.ask("POST", "/password/forgot", fmt.Sprintf(`{"email":%q}`, login)), 503)
	}
}

func TestLOG12_oneAddress(t *testing.T) {
	w := newWorld(t)
	for _, login := range []string{
		"", " ", "a@x.com,ann@kitchen.example", "ann@kitchen.example,b@y.com", "ann@kitchen.example b@y.com", "a@x@y", "ann@kitchen.example\r\nBcc: b@y.com",
		"<ann@kitchen.example>", "Ann <ann@kitchen.example>", `"ann"@kitchen.example`, "ann@kitchen.example;b@y.com", "ann\x00@kitchen.example",
		strings.Repeat("a", 250) + "@x.com", "ann@", "@kitchen.example", "ann@kitchen..example", "ann@-kitchen.example", "ann@[127.0.0.1]",
		"ann\u2028@kitchen.example", "ann\u202e@kitchen.example", "ann@kitchén.example",
	} {
		if err := w.flows.Forgot(from("192.0.2.1"), login); !errors.Is(err, gate.ErrBadRequest) {
			t.Errorf("Forgot(%q) = %v, want %v", login, err, gate.ErrBadRequest)
		}
	}
	if sent := w.letters(); len(sent) != 0 {
		t.Errorf("letters: %v", sent)
	}
	for _, login := range []string{" Ann@Kitchen.Example ", "ａｎｎ@kitchen.example", "ANN@KITCHEN.EXAMPLE", "ann＠kitchen.example"} {
		if err := w.flows.Forgot(from("192.0.2.1"), login); err != nil {
			t.Errorf("Forgot(%q) = %v", login, err)
		}
		if m := w.letter(); m.To != "ann@kitchen.example" {
			t.Errorf("Forgot(%q): the letter goes to %s", login, m.To)
		}
	}
}

// TestLOG12_storedAddress: a look-up that takes ı for i sends the letter to the
// owner, not to the one who typed.
func TestLOG12_storedAddress(t *testing.T) {
	w := newWorld(t)
	w.add("5", "mike@kitchen.example", "Mike")
	if err := w.flows.Forgot(from("192.0.2.1"), "mıke@kitchen.example"); err != nil {
		t.Fatal(err)
	}
	if m := w.letter(); m.To != "mike@kitchen.example" {
		t.Errorf("the letter goes to %s", m.To)
	}
}

func TestHOK04_rates(t *testing.T) {
	w := newWorld(t)
	networks := func(i int) string { return fmt.Sprintf("2001:db8:%x::1", i) }
	count := func(n int, login, addr func(int) string) int {
		for i := range n {
			rec := w.ask("POST", "/password/forgot", fmt.Sprintf(`{"email":%q}`, login(i)), peer("["+addr(i)+"]:4711"))
			w.want(rec, 202)
		}
		return len(w.letters())
	}
	ann := func(int) string { return "ann@kitchen.example" }
	if n := count(1000, ann, networks); n != 5 {
		t.Errorf("%d letters to one address from everywhere, want 5", n)
	}
	w.advance(time.Hour)
	if n := count(10, ann, networks); n != 5 {
		t.Errorf("%d letters an hour later, want 5", n)
	}
	w.advance(time.Hour)
	for i := range 100 {
		w.add(fmt.Sprint("u", i), fmt.Sprintf("user%d@kitchen.example", i), "")
	}
	each := func(i int) string { return fmt.Sprintf("user%d@kitchen.example", i) }
	if n := count(100, each, func(i int) string { return fmt.Sprintf("2001:db8::%x", i+1) }); n != 20 {
		t.Errorf("%d letters caused by one /64, want 20", n)
	}
}

// uncertain cannot count.
type uncertain struct{}

func (uncertain) Allow(context.Context, string, int, time.Duration) (bool, error) {
	return true, errors.New("the counters are away")
}

func TestLOG16_limiterAway(t *testing.T) {
	w := newWorld(t, func(c *account.Config) { c.Limiter = uncertain{} })
	w.want(w.ask("POST", "/password/forgot", `{"email":"ann@kitchen.example"}`), 503)
}

// TestHOK04_userText: what people call themselves is in no letter, and what they
// chose as an address is no link.
func TestHOK04_userText(t *testing.T) {
	w := newWorld(t)
	w.users["1"].profile.Name = "x\r\nBcc: evil@evil.example <a href=http://evil.example>"
	w.login("1", "s1")
	token := w.resetToken("ann@kitchen.example")
	if err := w.flows.Reset(from("192.0.2.1"), token, other); err != nil {
		t.Fatal(err)
	}
	sent := w.letters()
	if err := w.flows.ChangeEmail(from("192.0.2.1"), w.ann(), "free.money@evil.example", ""); err != nil {
		t.Fatal(err)
	}
	m := w.letter()
	_, change := linked(t, m)
	if err := w.flows.Confirm(from("192.0.2.1"), change); err != nil {
		t.Fatal(err)
	}
	for _, m := range append(sent, w.letters()...) {
		if strings.Contains(m.Text+m.Subject, "evil.example") || strings.Contains(m.Text, "href") || strings.Contains(m.Text, "Bcc") {
			t.Errorf("the letter %q has a link of somebody else: %q", m.Subject, m.Text)
		}
	}
}

// TestOTP06_linksFromConfiguration: no header names the host of a link.
func TestOTP06_linksFromConfiguration(t *testing.T) {
	want := ""
	for name, value := range map[string]string{
		"": "", "Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "8443",
		"Forwarded": "host=evil.example", "Origin": "https://evil.example", "Referer": "https://evil.example/", "X-Forwarded-Prefix": "/evil",
		"X-Original-Url": "/evil", "X-Host": "evil.example",
	} {
		w := newWorld(t)
		w.ask("POST", "/password/forgot", `{"email":"ann@kitchen.example"}`, header(name, value), func(r *http.Request) {
			if name == "Host" {
				r.Host = value
			}
		})
		m := w.letter()
		_, token := linked(t, m)
		text := strings.ReplaceAll(m.Text, token, "TOKEN")
		if want == "" {
			want = text
		}
		if text != want || strings.Contains(text, "evil") {
			t.Errorf("%s: the letter is %q, want %q", name, text, want)
		}
		page := w.ask("GET", "/reset?token="+token, "", header(name, value), func(r *http.Request) { r.Host = "evil.example" })
		w.want(page, 200, "id.kitchen.example")
		if strings.Contains(page.Body.String(), "evil") {
			t.Errorf("%s: the page shows it", name)
		}
	}
}

// TestAUD02_typedName: what was typed and is nobody's name may be a password.
func TestAUD02_typedName(t *testing.T) {
	w := newWorld(t)
	if err := w.flows.Forgot(from("192.0.2.1"), "hunter2hunter2"); err != nil {
		t.Fatal(err)
	}
	w.letters()
	if got := fmt.Sprint(w.events, w.logs.String()); strings.Contains(got, "hunter2") {
		t.Errorf("it is kept: %s", got)
	}
	if diff := cmp.Diff([]string{"password.forgot  failure not_authenticated"}, w.trail()); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

func TestForgot_faultIsTriedAgain(t *testing.T) {
	for _, call := range []string{"ByLogin", "Profile", "Issue"} {
		w := newWorld(t)
		w.fail = call
		if err := w.flows.Forgot(from("192.0.2.1"), "ann@kitchen.example"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.queue[0](t.Context()); err == nil || errors.Is(err, mail.ErrRefused) {
			t.Errorf("%s away: %v, want an error that may pass", call, err)
		}
		w.fail = ""
		if m := w.letter(); m.To != "ann@kitchen.example" {
			t.Errorf("%s back: the letter goes to %q", call, m.To)
		}
	}
}

func TestNew_refuses(t *testing.T) {
	tests := map[string]func(*account.Config){
		"no service":        func(c *account.Config) { c.Service = "" },
		"service of lines":  func(c *account.Config) { c.Service = "a\nb" },
		"no URL":            func(c *account.Config) { c.PublicURL = nil },
		"http":              func(c *account.Config) { c.PublicURL = parse(t, "http://kitchen.example") },
		"no scheme":         func(c *account.Config) { c.PublicURL = parse(t, "kitchen.example/account") },
		"URL with a query":  func(c *account.Config) { c.PublicURL = parse(t, "https://kitchen.example/?a=b") },
		"URL with a user":   func(c *account.Config) { c.PublicURL = parse(t, "https://a:b@kitchen.example/") },
		"loopback by name":  func(c *account.Config) { c.PublicURL = parse(t, "http://localhost.evil.example/") },
		"home of a script":  func(c *account.Config) { c.HomeURL = "javascript:alert(1)" },
		"no users":          func(c *account.Config) { c.Users = nil },
		"no tokens":         func(c *account.Config) { c.Tokens = nil },
		"no sessions":       func(c *account.Config) { c.Sessions = nil },
		"no hasher":         func(c *account.Config) { c.Hasher = nil },
		"no policy":         func(c *account.Config) { c.Policy = nil },
		"no throttle":       func(c *account.Config) { c.Throttle = nil },
		"everything absent": func(c *account.Config) { *c = account.Config{} },
	}
	w := newWorld(t)
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := account.Config{
				Service: "S", PublicURL: parse(t, "http://127.0.0.1:3000/account"), Users: (*users)(w), Tokens: (*tokens)(w), Sessions: (*sessions)(w),
				Hasher: (*hasher)(w), Policy: nopolicy{}, Mailer: (*mailer)(w), Words: words.English(), Throttle: (*throttle)(w),
			}
			if _, err := account.New(cfg); err != nil {
				t.Fatal(err)
			}
			if _, err := account.WithoutLetters(cfg); err == nil {
				t.Error("WithoutLetters accepts a Mailer")
			}
			change(&cfg)
			if _, err := account.New(cfg); err == nil {
				t.Error("New accepts it")
			}
		})
	}
}

type nopolicy struct{}

func (nopolicy) Check(string, ...string) error { return nil }
