package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/store/accounts"
)

// TestOTP07_resetEndsEverything: a reset logs nobody in, and what was obtained
// with the old password is over.
func TestOTP07_resetEndsEverything(t *testing.T) {
	w := newWorld(t)
	w.login("1", "s1", "s2")
	w.login("2", "b1")
	w.attempts["subject:1"] = 10
	second, first := w.resetToken("ann@kitchen.example"), w.resetToken("ann@kitchen.example")
	w.trail()
	rec := w.ask("POST", "/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, first, other))
	w.want(rec, 204)
	if len(rec.Header()["Set-Cookie"]) > 0 || rec.Body.Len() > 0 {
		t.Errorf("the answer logs in: %v %s", rec.Header(), rec.Body)
	}
	if got := w.users["1"].account.PasswordHash; got != "hash of "+other {
		t.Errorf("the hash is %q", got)
	}
	if live := w.live("1"); len(live) != 0 {
		t.Errorf("sessions %v go on", live)
	}
	if live := w.live("2"); len(live) != 1 {
		t.Error("the sessions of somebody else ended")
	}
	if diff := cmp.Diff([]string{"subject:1"}, w.resets); diff != "" {
		t.Errorf("throttle (-want +got):\n%s", diff)
	}
	if m := w.letter(); m.To != "ann@kitchen.example" || !strings.Contains(m.Text, "was changed") {
		t.Errorf("the notice is %q to %s", m.Text, m.To)
	}
	for _, used := range []string{first, second} {
		w.want(w.ask("POST", "/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, used, good)), 400, "This link cannot be used")
	}
	want := []string{"password.reset 1 success", "password.reset  failure bad_request", "password.reset  failure bad_request"}
	if diff := cmp.Diff(want, w.trail()); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// together lets nobody through until everybody has come as far.
type together struct {
	account.Hasher
	all *sync.WaitGroup
}

func (h together) Hash(ctx context.Context, pw string) (string, error) {
	h.all.Done()
	h.all.Wait()
	return h.Hasher.Hash(ctx, pw)
}

// TestOTP01_lives: a link works until its time, judged when it is used, and for
// one of many who use it at once.
func TestOTP01_lives(t *testing.T) {
	var hashing sync.WaitGroup
	hashing.Add(50)
	w := newWorld(t, func(c *account.Config) { c.Hasher = together{c.Hasher, &hashing} })
	token := w.resetToken("ann@kitchen.example")
	w.advance(30 * time.Minute)
	w.want(w.ask("GET", "/reset?token="+token, ""), 400, "This link cannot be used")
	if err := w.flows.Reset(t.Context(), token, other); !errors.Is(err, gate.ErrBadRequest) {
		t.Errorf("after 30 minutes: %v", err)
	}
	token = w.resetToken("ann@kitchen.example")
	w.advance(30*time.Minute - time.Second)
	w.want(w.ask("GET", "/reset?token="+token, ""), 200)
	var wins, losses int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			err := w.flows.Reset(t.Context(), token, other)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				wins++
			case errors.Is(err, gate.ErrBadRequest):
				losses++
			}
		})
	}
	all.Wait()
	if wins != 1 || losses != 49 {
		t.Errorf("%d succeeded and %d were refused, want 1 and 49", wins, losses)
	}
}

// snapshot is all that a link could change.
func (w *world) snapshot() string {
	var b strings.Builder
	for _, id := range []string{"1", "2"} {
		fmt.Fprintf(&b, "%+v %+v %v\n", w.users[id].account, w.users[id].profile, w.live(id))
	}
	used := 0
	for _, t := range w.tokens {
		if t.used {
			used++
		}
	}
	fmt.Fprintf(&b, "%d used, %d letters", used, len(w.queue))
	return b.String()
}

// links returns a token for each page.
func (w *world) links() map[string]string {
	w.t.Helper()
	list := map[string]string{"/reset": w.resetToken("ann@kitchen.example")}
	if err := w.flows.SendVerification(from("192.0.2.1"), w.ann()); err != nil {
		w.t.Fatal(err)
	}
	_, list["/verify"] = linked(w.t, w.letter())
	if err := w.flows.ChangeEmail(from("192.0.2.1"), w.ann(), "anna@kitchen.example", ""); err != nil {
		w.t.Fatal(err)
	}
	_, list["/email"] = linked(w.t, w.letter())
	text, _, err := (*tokens)(w).Issue(w.t.Context(), accounts.UndoEmailChange, accounts.Claim{Entity: "user", Subject: "1", Address: "old@kitchen.example"})
	if err != nil {
		w.t.Fatal(err)
	}
	list["/undo"] = text
	return list
}

// TestOTP03_looking: scanners open links; only the button does anything.
func TestOTP03_looking(t *testing.T) {
	for _, path := range []string{"/reset", "/verify", "/email", "/undo"} {
		w := newWorld(t)
		w.login("1", "s1")
		token := w.links()[path]
		before := w.snapshot()
		for _, method := range []string{"GET", "GET", "HEAD", "GET", "HEAD"} {
			rec := w.ask(method, path+"?token="+token, "", peer("203.0.113.9:1"))
			w.want(rec, 200)
		}
		w.want(w.ask("GET", path+"?token="+token, ""), 200, "ann@kitchen.example", `method="post"`)
		if got := w.snapshot(); got != before {
			t.Errorf("%s: looking changed something:\n%s\nbefore:\n%s", path, got, before)
		}
		rec := w.form(path, url.Values{"token": {token}, "password": {other}})
		w.want(rec, 200, "https://kitchen.example/")
		if w.snapshot() == before {
			t.Errorf("%s: the button does nothing", path)
		}
		w.want(w.form(path, url.Values{"token": {token}, "password": {other}}), 400, "This link cannot be used")
	}
}

// TestOTP05_bound: a token is good for one purpose, one kind of account and one
// address.
func TestOTP05_bound(t *testing.T) {
	w := newWorld(t)
	list := w.links()
	ends := map[string]string{"/reset": "/password/reset", "/undo": "/email/undo", "confirm": "/email/confirm"}
	for from, token := range list {
		for name, path := range ends {
			if name == from || name == "confirm" && (from == "/verify" || from == "/email") {
				continue
			}
			body := fmt.Sprintf(`{"token":%q}`, token)
			if name == "/reset" {
				body = fmt.Sprintf(`{"token":%q,"password":%q}`, token, other)
			}
			w.want(w.ask("POST", path, body), 400, "This link cannot be used")
		}
		for path := range list {
			if path != from {
				w.want(w.ask("GET", path+"?token="+token, ""), 400)
				w.want(w.form(path, url.Values{"token": {token}, "password": {other}}), 400)
			}
		}
	}
	// Every token still works for its own purpose: none of that used it up.
	for path, token := range list {
		w.want(w.ask("GET", path+"?token="+token, ""), 200)
	}
	w.users["1"].profile.Email = "moved@kitchen.example"
	for _, path := range []string{"/reset", "/verify"} {
		w.want(w.ask("GET", path+"?token="+list[path], ""), 400)
	}
	w.users["1"].account.Disabled = true
	for path, token := range list {
		w.want(w.ask("GET", path+"?token="+token, ""), 400)
	}
	text, _, err := (*tokens)(w).Issue(t.Context(), accounts.ResetPassword, accounts.Claim{Entity: "admin", Subject: "2", Address: "ben@kitchen.example"})
	if err != nil {
		t.Fatal(err)
	}
	w.want(w.ask("GET", "/reset?token="+text, ""), 400)
}

// TestOTP05_voided: a new password or address ends the links on their way, but
// not the one that undoes a change of address.
func TestOTP05_voided(t *testing.T) {
	changes := map[string]func(w *world) error{
		"reset": func(w *world) error {
			return w.flows.Reset(from("192.0.2.1"), w.resetToken("ann@kitchen.example"), other)
		},
		"password": func(w *world) error {
			return w.flows.ChangePassword(from("192.0.2.1"), w.ann(), good, other)
		},
		"address": func(w *world) error {
			var c accounts.Claim
			for _, one := range w.tokens {
				if one.purpose == accounts.ChangeEmail {
					c = one.claim
				}
			}
			c.Address = "x@kitchen.example"
			text, _, err := (*tokens)(w).Issue(w.t.Context(), accounts.ChangeEmail, c)
			if err != nil {
				return err
			}
			return w.flows.Confirm(from("192.0.2.1"), text)
		},
	}
	for name, change := range changes {
		w := newWorld(t)
		list := w.links()
		if err := change(w); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for path, token := range list {
			want := 400
			if path == "/undo" {
				want = 200
			}
			if rec := w.ask("GET", path+"?token="+token, ""); rec.Code != want {
				t.Errorf("after a change of %s: %s is %d, want %d", name, path, rec.Code, want)
			}
		}
	}
}

// TestOTP05_notVoided: links are dead after a change although it failed before
// they were voided.
func TestOTP05_notVoided(t *testing.T) {
	changes := map[string]func(w *world) error{
		"password": func(w *world) error { return w.flows.ChangePassword(from("192.0.2.1"), w.ann(), good, other) },
		"address": func(w *world) error {
			if err := (*users)(w).SetEmail(w.t.Context(), "1", "moved@kitchen.example"); err != nil {
				return err
			}
			return w.flows.PasswordChanged(w.t.Context(), "1")
		},
	}
	for name, change := range changes {
		for _, call := range []string{"EndSubject", "Void"} {
			w := newWorld(t)
			list := w.links()
			w.fail = call
			if err := change(w); err == nil && call == "Void" {
				t.Fatalf("%s: nothing fails", name)
			}
			w.fail = ""
			for path, token := range list {
				want := 400
				if path == "/undo" {
					want = 200
				}
				if rec := w.ask("GET", path+"?token="+token, ""); rec.Code != want {
					t.Errorf("after a change of %s without %s: %s is %d, want %d", name, call, path, rec.Code, want)
				}
			}
		}
	}
}

// TestLOG01_linkRefusals: whatever is wrong with a link, it is answered alike.
func TestLOG01_linkRefusals(t *testing.T) {
	w := newWorld(t)
	used, foreign := w.resetToken("ann@kitchen.example"), w.links()["/verify"]
	if err := w.flows.Reset(t.Context(), used, other); err != nil {
		t.Fatal(err)
	}
	w.letters()
	gone := w.resetToken("ben@kitchen.example")
	delete(w.users, "2")
	var first string
	for i, token := range []string{"", "x", used, foreign, gone, strings.Repeat("a", 1000)} {
		rec := w.ask("POST", "/password/reset", fmt.Sprintf(`{"token":%q,"password":"pw"}`, token))
		got := fmt.Sprint(rec.Code, rec.Header(), rec.Body)
		if i == 0 {
			first = got
		}
		if got != first || rec.Code != 400 {
			t.Errorf("%.20q: %s, for the first %s", token, got, first)
		}
	}
}

func TestPWD02_length(t *testing.T) {
	w := newWorld(t)
	token := w.resetToken("ann@kitchen.example")
	w.taken()
	const emoji = "😀🐘🚲🌵🎻🧊🍋🏔🪁🦉🧵🌋🛶🥨"
	for name, pw := range map[string]string{
		"14 emoji": emoji, "empty": "", "over a kilobyte": strings.Repeat("é", 600), "a megabyte": strings.Repeat("x", 1<<20), "257": strings.Repeat("ab ", 86),
	} {
		rec := w.ask("POST", "/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, token, pw))
		if rec.Code != 400 && rec.Code != 413 {
			t.Errorf("%s: %d, want a refusal", name, rec.Code)
		}
	}
	if calls := w.taken(); slices.Contains(calls, "Hash") || slices.Contains(calls, "Redeem") {
		t.Errorf("before the refusal: %v", calls)
	}
	w.want(w.ask("POST", "/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, token, emoji+"🪐")), 204)
}

func TestPWD06_resetAndChange(t *testing.T) {
	w := newWorld(t)
	for pw, reason := range map[string]string{
		"passwordpassword": "tried first", "ann@kitchen.example": "made from your name", "Orchard Kitchen 2026!": "made from your name", "AnnBakerAnnBaker": "made from your name",
		"short": "at least 15",
	} {
		token := w.resetToken("ann@kitchen.example")
		w.want(w.ask("POST", "/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, token, pw)), 400, reason, `"errors":[{"field":"password","code":"weak","message":`)
		w.want(w.ask("PUT", "/password", fmt.Sprintf(`{"currentPassword":%q,"password":%q}`, good, pw), as(w.ann())), 400, reason)
		w.want(w.form("/reset", url.Values{"token": {token}, "password": {pw}}), 400, reason, `aria-invalid="true"`, "<title>Error: ")
		if rec := w.form("/reset", url.Values{"token": {token}, "password": {pw}}); strings.Contains(rec.Body.String(), pw) && pw != "ann@kitchen.example" {
			t.Errorf("the page shows the password %q", pw)
		}
		w.advance(time.Hour)
	}
	if w.users["1"].account.PasswordHash != "hash of "+good {
		t.Error("a refused password was set")
	}
	leaked := newWorld(t, func(c *account.Config) { c.Breach = everything{} })
	token := leaked.resetToken("ann@kitchen.example")
	leaked.want(leaked.ask("POST", "/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, token, other)), 400, "leaked")
}

// TestReset_showsPassword: of two inputs the visible one counts.
func TestReset_showsPassword(t *testing.T) {
	w := newWorld(t)
	values := url.Values{"token": {w.resetToken("ann@kitchen.example")}, "password": {good}, "password_shown": {other}, "reveal": {"1"}}
	w.want(w.form("/reset", values), 200, "Your password is set")
	if got := w.users["1"].account.PasswordHash; got != "hash of "+other {
		t.Errorf("the hash is %q", got)
	}
}

// TestLOG16_faults: what cannot be decided is a 503, counts for nobody and says
// nothing.
func TestLOG16_faults(t *testing.T) {
	for _, call := range []string{"Peek", "Profile", "ByLogin", "Hash", "Redeem", "SetPassword", "EndSubject", "Void"} {
		w := newWorld(t)
		token := w.resetToken("ann@kitchen.example")
		w.trail()
		w.fail = call
		rec := w.ask("POST", "/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, token, other))
		w.want(rec, 503)
		if strings.Contains(rec.Body.String(), "fire") {
			t.Errorf("%s: the answer tells: %s", call, rec.Body)
		}
		if trail := w.trail(); len(trail) != 1 || !strings.Contains(trail[0], "error unavailable") {
			t.Errorf("%s: trail %v", call, trail)
		}
	}
	for _, call := range []string{"Profile", "ByLogin", "Verify", "Hash", "SetPassword", "EndSubject", "Void"} {
		w := newWorld(t)
		w.fail = call
		w.want(w.ask("PUT", "/password", fmt.Sprintf(`{"currentPassword":%q,"password":%q}`, good, other), as(w.ann())), 503)
		if w.attempts["subject:1"] != 0 {
			t.Errorf("%s: the attempt counts", call)
		}
	}
	w := newWorld(t)
	token := w.resetToken("ann@kitchen.example")
	w.fail = "Peek"
	rec := w.ask("GET", "/reset?token="+token, "")
	w.want(rec, 503, "This does not work right now")
	_, rest, _ := strings.Cut(rec.Body.String(), "<dd><code>")
	reference, _, _ := strings.Cut(rest, "<")
	if len(reference) != 9 || !strings.Contains(w.logs.String(), reference) || strings.Contains(w.logs.String(), token) {
		t.Errorf("reference %q, log %s", reference, w.logs.String())
	}
}

// TestLOG10_noReturnTarget: nothing in a request decides where a page leads.
func TestLOG10_noReturnTarget(t *testing.T) {
	w := newWorld(t)
	token := w.resetToken("ann@kitchen.example")
	for _, name := range []string{"redirect", "next", "return_to", "url", "continue"} {
		for _, target := range []string{"//evil.example", `/\evil.example`, "https://evil.example", "javascript:alert(1)", "https:evil.example", ".evil.example", "@evil.example", "/%09/evil.example"} {
			query := url.Values{"token": {token}, name: {target}}
			for _, rec := range []*httptest.ResponseRecorder{
				w.ask("GET", "/reset?"+query.Encode(), ""), w.form("/reset?"+query.Encode(), url.Values{"token": {"x"}, name: {target}}),
			} {
				if rec.Header().Get("Location") != "" || rec.Code >= 300 && rec.Code < 400 {
					t.Errorf("%s=%s redirects", name, target)
				}
			}
			if page := w.ask("GET", "/reset?"+query.Encode(), "").Body.String(); strings.Contains(page, "evil") || strings.Contains(page, "alert") {
				t.Errorf("%s=%s is on the page", name, target)
			}
		}
	}
}
