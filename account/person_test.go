package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
)

type everything struct{}

// TestPWD11_change: the other sessions and every refresh token are over,
// whatever the caller leaves out.
func TestPWD11_change(t *testing.T) {
	for name, tt := range map[string]struct {
		change    func(*account.Config)
		principal func(*gate.Principal)
		live      []string
		refresh   int
	}{
		"cookie or token":          {nil, nil, []string{"s1"}, 1},
		"no session":               {nil, func(p *gate.Principal) { p.SessionID = "" }, nil, 0},
		"refresh tokens elsewhere": {func(c *account.Config) { c.RefreshTokens = nil }, nil, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *account.Config) {
				if tt.change != nil {
					tt.change(c)
				}
			})
			w.login("1", "s1", "s2", "s3")
			w.login("2", "b1")
			p := w.ann()
			p.AuthenticatedAt = w.now.Add(-24 * time.Hour) // the password is proof enough
			if tt.principal != nil {
				tt.principal(p)
			}
			w.want(w.ask("PUT", "/password", fmt.Sprintf(`{"currentPassword":%q,"password":%q}`, good, other), as(p)), 204)
			if diff := cmp.Diff(tt.live, w.live("1")); diff != "" {
				t.Errorf("sessions (-want +got):\n%s", diff)
			}
			if w.refresh != tt.refresh {
				t.Errorf("all refresh tokens were ended %d times, want %d", w.refresh, tt.refresh)
			}
			if len(w.live("2")) != 1 {
				t.Error("the sessions of somebody else ended")
			}
			if m := w.letter(); m.To != "ann@kitchen.example" {
				t.Errorf("the notice goes to %s", m.To)
			}
			if diff := cmp.Diff([]string{"password.change 1 success"}, w.trail()); diff != "" {
				t.Errorf("trail (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPWD11_currentPassword: a session alone does not set a password, and
// guessing at it counts as logging in does.
func TestPWD11_currentPassword(t *testing.T) {
	w := newWorld(t)
	w.login("1", "s1")
	try := func(current string) int {
		return w.ask("PUT", "/password", fmt.Sprintf(`{"currentPassword":%q,"password":%q}`, current, other), as(w.ann())).Code
	}
	w.want(w.ask("PUT", "/password", fmt.Sprintf(`{"password":%q}`, other), as(w.ann())), 401)
	for i := range 9 {
		if code := try(fmt.Sprint("wrong", i)); code != 401 {
			t.Fatalf("wrong password: %d", code)
		}
	}
	w.taken()
	if code := try(good); code != 429 {
		t.Errorf("after ten failures: %d, want 429", code)
	}
	if calls := w.taken(); slices.Contains(calls, "Verify") {
		t.Error("the password was looked at")
	}
	if w.attempts["subject:1"] != 10 {
		t.Errorf("counted %v, want ten under the key of the login", w.attempts)
	}
	if w.users["1"].account.PasswordHash != "hash of "+good {
		t.Error("the password was changed")
	}
}

// TestSES10_noPassword: an account without a password gets one from a fresh
// login only.
func TestSES10_noPassword(t *testing.T) {
	w := newWorld(t)
	w.users["1"].account.PasswordHash = ""
	p := w.ann()
	p.AuthenticatedAt = w.now.Add(-account.DefaultFresh - time.Second)
	w.want(w.ask("PUT", "/password", fmt.Sprintf(`{"currentPassword":"","password":%q}`, other), as(p)), 401)
	if err := w.flows.ChangePassword(t.Context(), p, "x", other); !errors.Is(err, gate.ErrStepUpRequired) {
		t.Errorf("6 minutes after the login: %v, want %v", err, gate.ErrStepUpRequired)
	}
	w.want(w.ask("PUT", "/password", fmt.Sprintf(`{"password":%q}`, other), as(w.ann())), 204)
}

// TestOTP08_change: another address counts once it is confirmed, and the former
// one can take it back.
func TestOTP08_change(t *testing.T) {
	w := newWorld(t)
	w.login("1", "s1")
	p := w.ann()
	p.AuthenticatedAt = w.now.Add(-6 * time.Minute)
	w.want(w.ask("PUT", "/email", `{"email":"anna@kitchen.example"}`, as(p)), 401)
	w.want(w.ask("PUT", "/email", `{"email":"anna@kitchen.example","currentPassword":"wrong"}`, as(p)), 401)
	w.want(w.ask("PUT", "/email", `{"email":"anna@kitchen.example","email_verified":true}`, as(p)), 400)
	w.want(w.ask("PUT", "/email", `{"email":"a@b.c,d@e.f"}`, as(w.ann())), 400)
	if sent := w.letters(); len(sent) != 0 {
		t.Fatalf("letters %v", sent)
	}
	w.trail()
	w.want(w.ask("PUT", "/email", fmt.Sprintf(`{"email":"Anna@Kitchen.example","currentPassword":%q}`, good), as(p)), 202)
	m := w.letter()
	path, token := linked(t, m)
	if m.To != "anna@kitchen.example" || path != "/account/email" {
		t.Fatalf("letter to %s with %s", m.To, path)
	}
	if got := w.users["1"].profile; got.Email != "ann@kitchen.example" || got.EmailVerified {
		t.Errorf("before it is confirmed: %+v", got)
	}
	w.want(w.ask("POST", "/email/confirm", fmt.Sprintf(`{"token":%q}`, token)), 204)
	if got := w.users["1"].profile; got.Email != "anna@kitchen.example" || !got.EmailVerified {
		t.Errorf("after it is confirmed: %+v", got)
	}
	notice := w.letter()
	path, undo := linked(t, notice)
	if notice.To != "ann@kitchen.example" || path != "/account/undo" {
		t.Fatalf("notice to %s with %s", notice.To, path)
	}
	w.keys, w.keyOwner["thief's"] = append(w.keys, account.Key{ID: "thief's"}), "1"
	w.advance(7*24*time.Hour - time.Second)
	w.want(w.ask("POST", "/email/undo", fmt.Sprintf(`{"token":%q}`, undo)), 204)
	if got := w.users["1"]; got.profile.Email != "ann@kitchen.example" || got.account.PasswordHash == "hash of "+good || len(w.live("1"))+len(w.keyOwner) != 0 {
		t.Errorf("after it is undone: %+v %+v, sessions %v", got.profile, got.account, w.live("1"))
	}
	m = w.letter()
	path, reset := linked(t, m)
	if m.To != "ann@kitchen.example" || path != "/account/reset" {
		t.Fatalf("letter to %s with %s", m.To, path)
	}
	w.want(w.ask("POST", "/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, reset, other)), 204)
	want := []string{
		"email_change.request 1 success", "email.change 1 success", "email.undo 1 success", "password.reset 1 success",
	}
	if diff := cmp.Diff(want, w.trail()); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// TestOTP08_secondChange: whoever took an account over changes the address
// twice, and the password; the owner still comes back, and stays.
func TestOTP08_secondChange(t *testing.T) {
	w := newWorld(t)
	w.login("1", "s1")
	move := func(to string) []string {
		if err := w.flows.ChangeEmail(from("192.0.2.1"), w.ann(), to, ""); err != nil {
			t.Fatal(err)
		}
		_, token := linked(t, w.letter())
		if err := w.flows.Confirm(from("192.0.2.1"), token); err != nil {
			t.Fatal(err)
		}
		var undo []string
		for _, m := range w.letters() {
			if strings.Contains(m.Text, "https://") {
				_, token := linked(t, m)
				undo = append(undo, token)
			}
		}
		return undo
	}
	owner := move("thief@evil.example")
	if len(owner) != 1 {
		t.Fatalf("%d links for the owner, want 1", len(owner))
	}
	if err := w.flows.ChangePassword(from("192.0.2.1"), w.ann(), good, other); err != nil {
		t.Fatal(err)
	}
	w.letters()
	if thief := append(move("thief2@evil.example"), move("thief3@evil.example")...); len(thief) != 0 {
		t.Fatalf("%d links for the thief, want 0", len(thief))
	}
	if err := w.flows.Undo(from("192.0.2.1"), owner[0]); err != nil {
		t.Fatal(err)
	}
	if got := w.users["1"]; got.profile.Email != "ann@kitchen.example" || got.account.PasswordHash == "hash of "+other {
		t.Errorf("after it is undone: %+v", got)
	}
}

// TestOTP08_undoTaken: whoever took an account over opens another one with the
// owner's address. The owner locks them out all the same, and the link works once
// the address is free.
func TestOTP08_undoTaken(t *testing.T) {
	w := newWorld(t)
	if err := w.flows.ChangeEmail(from("192.0.2.1"), w.ann(), "thief@evil.example", ""); err != nil {
		t.Fatal(err)
	}
	_, token := linked(t, w.letter())
	if err := w.flows.Confirm(from("192.0.2.1"), token); err != nil {
		t.Fatal(err)
	}
	_, undo := linked(t, w.letter())
	reset := w.resetToken("thief@evil.example")
	w.login("1", "thief")
	w.keys, w.keyOwner["thief's"] = append(w.keys, account.Key{ID: "thief's"}), "1"
	w.add("3", "ann@kitchen.example", "Thief")
	const what = "But another account has your address now. Ask for a new password with that address"
	for range 2 {
		w.want(w.ask("POST", "/email/undo", fmt.Sprintf(`{"token":%q}`, undo)), 409, what)
		if got := w.users["1"]; got.account.PasswordHash == "hash of "+good || len(w.live("1"))+len(w.keyOwner) != 0 {
			t.Errorf("the account is open: %+v, sessions %v, keys %v", got.account, w.live("1"), w.keyOwner)
		}
	}
	w.want(w.ask("POST", "/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, reset, other)), 400)
	w.want(w.form("/undo", url.Values{"token": {undo}}), 409, what)
	if sent := w.letters(); len(sent) != 0 {
		t.Errorf("letters about what was not done: %v", sent)
	}
	w.users["3"].profile.Login, w.users["3"].profile.Email = "x@kitchen.example", "x@kitchen.example"
	w.want(w.ask("POST", "/email/undo", fmt.Sprintf(`{"token":%q}`, undo)), 204)
	if got := w.users["1"].profile.Email; got != "ann@kitchen.example" {
		t.Errorf("the address is %s", got)
	}
	if m := w.letter(); m.To != "ann@kitchen.example" {
		t.Errorf("the letter goes to %s", m.To)
	}
	w.want(w.ask("POST", "/email/undo", fmt.Sprintf(`{"token":%q}`, undo)), 400)
}

// TestLOG16_undo: whatever fails, the link works when all is back.
func TestLOG16_undo(t *testing.T) {
	for _, call := range []string{"Hash", "SetPassword", "EndSubject", "Void", "RevokeSubject", "SetEmail", "ConfirmEmail", "Redeem"} {
		w := newWorld(t)
		undo := w.links()["/undo"]
		w.fail = call
		w.want(w.ask("POST", "/email/undo", fmt.Sprintf(`{"token":%q}`, undo)), 503)
		w.fail = ""
		w.want(w.ask("POST", "/email/undo", fmt.Sprintf(`{"token":%q}`, undo)), 204)
		if got := w.users["1"].profile.Email; got != "old@kitchen.example" {
			t.Errorf("%s: the address is %s", call, got)
		}
	}
}

// TestOTP08_takenAddress: nobody learns from asking that an address has an
// account.
func TestOTP08_takenAddress(t *testing.T) {
	w := newWorld(t)
	free := w.ask("PUT", "/email", `{"email":"anna@kitchen.example"}`, as(w.ann()))
	taken := w.ask("PUT", "/email", `{"email":"ben@kitchen.example"}`, as(w.ann()))
	if free.Code != 202 || fmt.Sprint(free.Code, free.Header(), free.Body) != fmt.Sprint(taken.Code, taken.Header(), taken.Body) {
		t.Errorf("a free address: %d %s, a taken one: %d %s", free.Code, free.Body, taken.Code, taken.Body)
	}
	sent := w.letters()
	_, token := linked(t, sent[len(sent)-1])
	w.want(w.ask("POST", "/email/confirm", fmt.Sprintf(`{"token":%q}`, token)), 409)
	if got := w.users["1"].profile.Email; got != "ann@kitchen.example" {
		t.Errorf("the address is %s", got)
	}
	if pending, _ := (*tokens)(w).Pending(t.Context(), "undo_email_change", "user", "1"); pending {
		t.Error("a link to undo what was not done works")
	}
}

func TestVerification(t *testing.T) {
	w := newWorld(t)
	w.want(w.ask("POST", "/email/verification", `{}`, as(w.ann())), 202)
	path, token := linked(t, w.letter())
	if path != "/account/verify" {
		t.Errorf("the link leads to %s", path)
	}
	w.want(w.ask("POST", "/email/confirm", fmt.Sprintf(`{"token":%q}`, token)), 204)
	if !w.users["1"].profile.EmailVerified {
		t.Error("the address is not confirmed")
	}
	w.want(w.ask("POST", "/email/verification", `{}`, as(w.ann())), 202)
	if sent := w.letters(); len(sent) != 0 {
		t.Errorf("letters to a confirmed address: %v", sent)
	}
	w.want(w.ask("POST", "/email/verification", `{}`), 400)
	if diff := cmp.Diff([]string{"verification.send 1 success", "email.verify 1 success"}, w.trail()); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// TestSES05_ownSessions: a person sees and ends their own logins, and those of
// others are not there.
func TestSES05_ownSessions(t *testing.T) {
	w := newWorld(t)
	w.login("1", "s1", "s2", "s3")
	w.login("2", "b1")
	w.want(w.ask("GET", "/sessions", ""), 401)
	rec := w.ask("GET", "/sessions", "", as(w.ann()))
	w.want(rec, 200, `{"id":"s1","current":true,"strategy":"local","userAgent":"Firefox","address":"198.51.100.7"`, `"id":"s2","current":false`)
	if strings.Contains(rec.Body.String(), "b1") {
		t.Errorf("the list has a session of somebody else: %s", rec.Body)
	}
	foreign := w.ask("DELETE", "/sessions/b1", "", as(w.ann()))
	missing := w.ask("DELETE", "/sessions/nothing", "", as(w.ann()))
	w.want(foreign, 404)
	if fmt.Sprint(foreign.Header(), foreign.Body) != fmt.Sprint(missing.Header(), missing.Body) {
		t.Errorf("somebody else's: %s, none: %s", foreign.Body, missing.Body)
	}
	w.want(w.ask("DELETE", "/sessions/s2", "", as(w.ann())), 204)
	if diff := cmp.Diff([]string{"s1", "s3"}, w.live("1")); diff != "" {
		t.Errorf("after ending one (-want +got):\n%s", diff)
	}
	w.want(w.ask("DELETE", "/sessions", "", as(w.ann())), 204)
	if diff := cmp.Diff([]string{"s1"}, w.live("1")); diff != "" {
		t.Errorf("after ending all others (-want +got):\n%s", diff)
	}
	if len(w.live("2")) != 1 {
		t.Error("the session of somebody else ended")
	}
	want := []string{"session.end 1 failure", "session.end 1 failure", "session.end 1 success", "session.end_others 1 success"}
	if diff := cmp.Diff(want, w.trail()); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
}

// TestKEY02_keys: a key is of the one who is logged in, just now, and can no
// more than they.
func TestKEY02_keys(t *testing.T) {
	w := newWorld(t)
	const ask = `{"name":"deploy","scopes":["items:read"]}`
	w.want(w.ask("POST", "/api-keys", ask), 401)
	w.want(w.ask("POST", "/api-keys", `{"name":"deploy","scopes":["items:read"],"userId":"2"}`), 401)
	w.want(w.ask("POST", "/api-keys", `{"name":"deploy","scopes":["items:read"],"userId":"2"}`, as(w.ann())), 400)
	stale := w.ann()
	stale.AuthenticatedAt = w.now.Add(-6 * time.Minute)
	w.want(w.ask("POST", "/api-keys", ask, as(stale)), 401)
	never := w.ann()
	never.AuthenticatedAt = time.Time{}
	w.want(w.ask("POST", "/api-keys", ask, as(never)), 401)
	key := w.ann()
	key.Scopes = []string{"items:*"}
	for _, r := range []struct{ method, path, body string }{
		{"POST", "/api-keys", ask},
		{"GET", "/api-keys", ""},
		{"DELETE", "/api-keys/key1", ""},
		{"POST", "/api-keys/key1/rotate", "{}"},
		{"PUT", "/password", fmt.Sprintf(`{"currentPassword":%q,"password":%q}`, good, other)},
		{"PUT", "/email", fmt.Sprintf(`{"email":"a@b.example","currentPassword":%q}`, good)},
		{"GET", "/sessions", ""},
		{"DELETE", "/sessions", ""},
		{"DELETE", "/sessions/s1", ""},
		{"POST", "/email/verification", "{}"},
	} {
		w.want(w.ask(r.method, r.path, r.body, as(key)), 403)
	}
	for _, scopes := range []string{`["orders:write"]`, `["*"]`, `["items:read","users:read"]`, `["orders:*"]`, `["*:read"]`} {
		w.want(w.ask("POST", "/api-keys", `{"name":"deploy","scopes":`+scopes+`}`, as(w.ann())), 403)
	}
	for _, body := range []string{
		`{"name":"deploy","scopes":[]}`, `{"name":"deploy"}`, `{"name":"","scopes":["items:read"]}`, `{"name":"a\nb","scopes":["items:read"]}`, `{"name":"deploy","scopes":[""]}`,
		`{"name":"deploy","scopes":["items:read"],"expiresInDays":366}`, `{"name":"deploy","scopes":["items:read"],"expiresInDays":0}`,
		`{"name":"deploy","scopes":["items:read"],"expiresInDays":1.5}`, `{"name":"deploy","scopes":["items:read"],"expiresInDays":"9"}`, `{"name":"deploy","scopes":"items:read"}`, `{"name":"deploy","scopes":[{"$ne":1}]}`,
	} {
		w.want(w.ask("POST", "/api-keys", body, as(w.ann())), 400)
	}
	if len(w.keys) != 0 {
		t.Fatalf("keys were made: %v", w.keys)
	}
	rec := w.ask("POST", "/api-keys", `{"name":"deploy","scopes":["items:*","items:read","owner"],"expiresInDays":30}`, as(w.ann()))
	w.want(rec, 201, `"key":"gk_live_key1"`, `"scopes":["items:*","items:read","owner"]`, `"expiresAt":"2026-12-21T12:00:00Z"`)
	w.want(w.ask("POST", "/api-keys", ask, as(w.ann())), 201, `"expiresAt":"2027-02-19T12:00:00Z"`) // 90 days
	if rec := w.ask("GET", "/api-keys", "", as(w.ann())); strings.Contains(rec.Body.String(), "gk_live") || !strings.Contains(rec.Body.String(), `"id":"key2"`) {
		t.Errorf("the list is %s", rec.Body)
	}
	ben := &gate.Principal{Subject: "2", AuthenticatedAt: w.now, Permissions: []string{"*"}}
	w.want(w.ask("DELETE", "/api-keys/key1", "", as(ben)), 404)
	w.want(w.ask("POST", "/api-keys/key1/rotate", "{}", as(ben)), 404)
	reduced := w.ann()
	reduced.Permissions = []string{"orders:read"}
	w.want(w.ask("POST", "/api-keys/key1/rotate", "{}", as(reduced)), 403)
	w.want(w.ask("POST", "/api-keys/key1/rotate", "{}", as(stale)), 401)
	w.want(w.ask("POST", "/api-keys/key1/rotate", "{}", as(w.ann())), 201, `"key":"gk_live_key3"`)
	w.want(w.ask("DELETE", "/api-keys/key1", "", as(stale)), 204) // revoking is never held up
	w.want(w.ask("DELETE", "/api-keys/key1", "", as(w.ann())), 404)
	without := newWorld(t, func(c *account.Config) { c.Keys = nil })
	without.want(without.ask("GET", "/api-keys", "", as(without.ann())), 404)
}

// Leaked implements [account.Breach].
func (everything) Leaked(context.Context, string) bool { return true }
