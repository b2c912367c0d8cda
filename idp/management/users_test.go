package management_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func TestUsers_life(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token := w.everything()
		w.connection(token, "db")
		made := w.do(token, "POST", "users", `{"connection":"db","email":"Ada@Example.com","password":"correct horse battery",
			"user_metadata":{"theme":"dark","n":1},"app_metadata":{"plan":"pro","email":"evil@example.com","blocked":true}}`, 201)
		id := made.str("user_id")
		bare, _ := strings.CutPrefix(id, "auth0|")
		want := map[string]any{
			"user_id": id, "email": "ada@example.com", "email_verified": false, "name": "ada@example.com", "nickname": "ada",
			"created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z",
			"user_metadata": map[string]any{"theme": "dark", "n": 1.0}, "app_metadata": map[string]any{"plan": "pro"},
			"identities": []any{map[string]any{"connection": "db", "provider": "auth0", "user_id": bare, "isSocial": false}},
		}
		if diff := cmp.Diff(want, made.object()); diff != "" || len(bare) != 24 {
			t.Errorf("made: %s", diff)
		}
		for _, path := range []string{id, strings.ReplaceAll(id, "|", "%7C"), strings.ReplaceAll(id, "|", "%7c")} {
			if diff := cmp.Diff(made.object(), w.do(token, "GET", "users/"+path, nil, 200).object()); diff != "" {
				t.Errorf("%s: %s", path, diff)
			}
		}
		changed := w.do(token, "PATCH", "users/"+id, `{"name":"Ada","user_metadata":{"theme":null,"lang":"en"},"app_metadata":{}}`, 200).object()
		if diff := cmp.Diff(map[string]any{"n": 1.0, "lang": "en"}, changed["user_metadata"]); diff != "" || changed["app_metadata"] != nil || changed["name"] != "Ada" {
			t.Errorf("changed: %s %v", diff, changed)
		}
		r := w.send(token, "POST", "users", `{"connection":"db","email":"ada@example.com","password":"correct horse battery"}`)
		r.refused(409, "The user already exists.")
		if r.str("errorCode") != "auth0_idp_error" {
			t.Error(r.text)
		}
		if got := w.do(token, "GET", "users-by-email?email=ada%40example.com", nil, 200).list(); len(got) != 1 {
			t.Errorf("by email: %v", got)
		}
		if got := w.do(token, "GET", "users-by-email?email=ADA%40example.com", nil, 200).list(); len(got) != 0 {
			t.Errorf("by email in capitals: %v", got)
		}
		q := url.Values{"q": {`email:"ada@example.com"`}, "search_engine": {"v3"}, "include_totals": {"true"}, "fields": {"user_id"}}
		found := w.do(token, "GET", "users?"+q.Encode(), nil, 200).object()
		wantList := map[string]any{"users": []any{map[string]any{"user_id": id}}, "start": 0.0, "limit": 50.0, "length": 1.0, "total": 1.0}
		if diff := cmp.Diff(wantList, found); diff != "" {
			t.Error(diff)
		}
		w.do(token, "DELETE", "users/"+id, nil, 204)
		w.do(token, "DELETE", "users/"+id, nil, 204)
		w.send(token, "GET", "users/"+id, nil).refused(404, "The user does not exist.")
	})
}

// The hash of a password, and the password, are in no answer and no log.
func TestIDP21_passwordHash(t *testing.T) {
	w := newWorld(t)
	token, id := w.ada()
	var all strings.Builder
	for _, r := range []reply{
		w.do(token, "PATCH", "users/"+id, `{"password":"another horse battery"}`, 200),
		w.do(token, "GET", "users/"+id, nil, 200),
		w.do(token, "GET", "users", nil, 200),
		w.do(token, "GET", "users/"+id+"?fields=password_hash,password,identities", nil, 200),
		w.do(token, "GET", "users-by-email?email=ada@example.com", nil, 200),
		w.send(token, "GET", "users?q=password_hash:H*", nil),
		w.do(token, "GET", "logs", nil, 200),
	} {
		all.WriteString(r.text)
	}
	for _, l := range w.logs() {
		all.WriteString(l)
	}
	for _, word := range []string{"HASH-OF", "horse"} {
		if strings.Contains(all.String(), word) {
			t.Errorf("%s is in %s", word, all.String())
		}
	}
	_, identity, err := w.store.UserByLogin(t.Context(), "db", "ada@example.com")
	if err != nil || identity.PasswordHash != "HASH-OF-another horse battery" {
		t.Errorf("stored %q, %v", identity.PasswordHash, err)
	}
}

func TestUsers_refusals(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	w.connection(token, "db")
	w.do(token, "POST", "connections", `{"name":"gh","strategy":"github","options":{"client_id":"x"}}`, 201)
	w.do(token, "POST", "connections", `{"name":"named","strategy":"auth0","options":{"requires_username":true}}`, 201)
	id := w.user(token, "db", "ada@example.com")
	for body, text := range map[string]string{
		`{"email":"b@example.com","password":"correct horse"}`:                                                                              "Missing required property: connection",
		`{"connection":"none","email":"b@example.com","password":"correct horse"}`:                                                          "The connection does not exist",
		`{"connection":"gh","email":"b@example.com"}`:                                                                                       "come by logging in",
		`{"connection":"db","email":"b@example.com"}`:                                                                                       "Missing required property: password",
		`{"connection":"db","password":"correct horse"}`:                                                                                    "Missing required property: email",
		`{"connection":"named","email":"b@example.com","password":"correct horse"}`:                                                         "Missing required property: username",
		`{"connection":"db","email":"b@","password":"correct horse"}`:                                                                       "format email",
		`{"connection":"db","email":"b@example.com,c@example.com","password":"correct horse"}`:                                              "format email",
		`{"connection":"db","email":"b@example.com","password":"short"}`:                                                                    "PasswordStrengthError: Password is too weak",
		`{"connection":"db","email":"b@example.com","password":"correct horse","username":"a b"}`:                                           "format username",
		`{"connection":"db","email":"b@example.com","password":"correct horse","user_id":"a|b"}`:                                            "format user-id",
		`{"connection":"db","email":"b@example.com","password":"correct horse","phone_number":"1"}`:                                         "format phone-number",
		`{"connection":"db","email":"b@example.com","password":"correct horse","picture":"javascript:x"}`:                                   "http or https",
		`{"connection":"db","email":"b@example.com","password":"correct horse","app_metadata":[]}`:                                          "Expected type object",
		`{"connection":"db","email":"b@example.com","password":"correct horse","user_metadata":{"a":"` + strings.Repeat("x", 70000) + `"}}`: "too large",
	} {
		r := w.send(token, "POST", "users", body)
		r.refused(400, text)
	}
	for _, name := range []string{"identities", "logins_count", "last_login", "created_at", "last_ip", "password_hash", "admin", "gate_x", "last_password_reset"} {
		want := "Additional properties not allowed: " + name
		w.send(token, "POST", "users", `{"connection":"db","email":"b@example.com","password":"correct horse","`+name+`":"x"}`).refused(400, want)
		w.send(token, "PATCH", "users/"+id, `{"`+name+`":"x"}`).refused(400, want)
	}
	w.send(token, "PATCH", "users/"+id, `{"user_id":"auth0|admin"}`).refused(400, "Additional properties not allowed: user_id")
	if got := w.do(token, "GET", "users", nil, 200).list(); len(got) != 1 {
		t.Errorf("%d users", len(got))
	}
	r := w.send(token, "POST", "users", `{"connection":"db","email":"b@example.com","password":"short"}`)
	if reasons, _ := r.object()["reasons"].([]any); len(reasons) == 0 {
		t.Errorf("no reasons: %s", r.text)
	}
}

// Of the things that people log in by one changes at a time.
func TestUsers_groups(t *testing.T) {
	w := newWorld(t)
	token, id := w.ada()
	fields := map[string]string{
		"email": `"email":"b@example.com"`, "email_verified": `"email_verified":true`, "username": `"username":"ada"`,
		"phone_number": `"phone_number":"+4915112345678"`, "phone_verified": `"phone_verified":true`,
		"password": `"password":"another horse battery"`, "blocked": `"blocked":true`,
	}
	group := map[string]string{"email_verified": "email", "phone_verified": "phone_number"}
	of := func(name string) string {
		if g := group[name]; g != "" {
			return g
		}
		return name
	}
	for a, x := range fields {
		for b, y := range fields {
			if a == b || of(a) == of(b) {
				continue
			}
			r := w.send(token, "PATCH", "users/"+id, "{"+x+","+y+"}")
			r.refused(400, "simultaneously")
		}
	}
	if got := w.do(token, "GET", "users/"+id, nil, 200).object(); got["email"] != "ada@example.com" || got["blocked"] != nil || got["username"] != nil {
		t.Errorf("changed: %v", got)
	}
	w.do(token, "PATCH", "users/"+id, `{"email":"b@example.com","email_verified":true,"name":"B","user_metadata":{"a":1}}`, 200)
}

func TestUsers_newAddress(t *testing.T) {
	w := newWorld(t)
	token, id := w.ada()
	w.do(token, "PATCH", "users/"+id, `{"email_verified":true}`, 200)
	ticket := secretText("reset")
	err := w.store.CreateToken(t.Context(), ticket, tenant.Token{Kind: tenant.ResetTicket, UserID: id, ExpiresAt: w.now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	got := w.do(token, "PATCH", "users/"+id, `{"email":"New@Example.com","verify_email":true,"client_id":"web"}`, 200)
	if got.str("email") != "new@example.com" || got.object()["email_verified"] != false {
		t.Errorf("a new address is verified: %s", got.text)
	}
	if len(w.mails) != 1 || w.mails[0] != "new@example.com web" {
		t.Errorf("letters: %v", w.mails)
	}
	if _, err := w.store.Token(t.Context(), tenant.ResetTicket, ticket); err == nil {
		t.Error("a link that went to the address before still works")
	}
	if _, _, err := w.store.UserByLogin(t.Context(), "db", "new@example.com"); err != nil {
		t.Errorf("log-in by the new address: %v", err)
	}
	other := w.user(token, "db", "bob@example.com")
	w.send(token, "PATCH", "users/"+other, `{"email":"new@example.com"}`).refused(409, "The user already exists.")
}

// A user who asks for a letter is stored with one on its way, or not at all where
// there are none; a letter that fails later leaves the user and the answer.
func TestUsers_letters(t *testing.T) {
	asked := map[string]any{"connection": "db", "email": "ada@example.com", "password": "correct horse battery", "verify_email": true}
	t.Run("none", func(t *testing.T) {
		w := newWorld(t, func(c *management.Config) { c.SendVerification = nil })
		token, id := w.ada()
		asked := maps.Clone(asked)
		asked["email"] = "bob@example.com"
		w.send(token, "POST", "users", asked).refused(400, "Letters are not sent here")
		w.send(token, "PATCH", "users/"+id, `{"email":"new@example.com","verify_email":true}`).refused(400, "Letters are not sent here")
		if list := w.do(token, "GET", "users", nil, 200).list(); len(list) != 1 || list[0]["email"] != "ada@example.com" {
			t.Errorf("users: %v", list)
		}
	})
	t.Run("fails", func(t *testing.T) {
		w := newWorld(t, func(c *management.Config) {
			c.SendVerification = func(context.Context, *tenant.User, string) error { return errors.New("the queue is full") }
		})
		token := w.everything()
		w.connection(token, "db")
		id := w.do(token, "POST", "users", asked, 201).str("user_id")
		w.do(token, "PATCH", "users/"+id, `{"email":"new@example.com","verify_email":true}`, 200)
		if n := strings.Count(w.log.String(), "letter was not sent"); n != 2 {
			t.Errorf("%d letters are missed in\n%s", n, w.log)
		}
	})
}

// A new password, a block and a deletion end what is open.
func TestSES_endedByManagement(t *testing.T) {
	for name, change := range map[string]func(w *world, token, id string){
		"password": func(w *world, token, id string) {
			w.do(token, "PATCH", "users/"+id, `{"password":"another horse battery"}`, 200)
		},
		"blocked":  func(w *world, token, id string) { w.do(token, "PATCH", "users/"+id, `{"blocked":true}`, 200) },
		"deletion": func(w *world, token, id string) { w.do(token, "DELETE", "users/"+id, nil, 204) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			token, id := w.ada()
			w.session(id, "s1")
			family := w.family(id, "s1")
			change(w, token, id)
			if _, err := w.store.Session(t.Context(), "s1"); err == nil {
				t.Error("the session goes on")
			}
			if f, err := w.store.Family(t.Context(), family); err == nil && f.RevokedAt.IsZero() {
				t.Error("the refresh token goes on")
			}
			if len(w.ended) != 1 || w.ended[0] != id+" 1" {
				t.Errorf("told: %v", w.ended)
			}
		})
	}
}

// Scopes for the current user hold for the current user.
func TestIDP21_currentUser(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	w.connection(token, "db")
	ada, bob := w.user(token, "db", "ada@example.com"), w.user(token, "db", "bob@example.com")
	me := w.bearer(management.Caller{
		ClientID: "spa", Subject: ada, AuthTime: w.now,
		Scopes: []string{"read:current_user", "update:current_user_metadata", "update:current_user_identities"},
	})
	w.do(me, "GET", "users/"+ada, nil, 200)
	w.do(me, "PATCH", "users/"+ada, `{"user_metadata":{"theme":"dark"}}`, 200)
	for _, path := range []string{bob, strings.ReplaceAll(bob, "|", "%7C"), "x"} {
		w.send(me, "GET", "users/"+path, nil).refused(403, "Insufficient scope")
		w.send(me, "PATCH", "users/"+path, `{"user_metadata":{}}`).refused(403, "Insufficient scope")
		w.send(me, "POST", "users/"+path+"/identities", `{"link_with":"x"}`).refused(403, "Insufficient scope")
	}
	for _, body := range []string{
		`{"app_metadata":{"plan":"gold"}}`, `{"email_verified":true}`, `{"email":"x@example.com"}`, `{"password":"another horse battery"}`,
		`{"name":"x"}`, `{"blocked":false}`, `{"user_metadata":{},"app_metadata":{}}`, `{"connection":"db"}`,
	} {
		w.send(me, "PATCH", "users/"+ada, body).refused(403, "update:users")
	}
	for _, r := range [][2]string{
		{"GET", "users"},
		{"DELETE", "users/" + ada},
		{"GET", "users/" + ada + "/roles"},
		{"POST", "users/" + ada + "/roles"},
		{"GET", "users-by-email?email=ada@example.com"},
		{"POST", "users/" + ada + "/permissions"},
		{"GET", "clients"},
		{"DELETE", "users/" + ada + "/sessions"},
	} {
		w.send(me, r[0], r[1], nil).refused(403, "Insufficient scope")
	}
	// Whoever may write, and not read, is shown what they may write.
	theirs := w.do(token, "PATCH", "users/"+ada, `{"app_metadata":{"plan":"secret"},"user_metadata":{"theme":"light"}}`, 200)
	writer := w.bearer(management.Caller{ClientID: "spa", Subject: ada, AuthTime: w.now, Scopes: []string{"update:current_user_metadata"}})
	for path, body := range map[string]string{"": `{}`, "?fields=email,identities,user_metadata": `{"user_metadata":{"a":1}}`} {
		got := w.do(writer, "PATCH", "users/"+ada+path, body, 200)
		if !strings.Contains(got.text, `"theme"`) || strings.Contains(got.text, "secret") || strings.Contains(got.text, "ada@") || strings.Contains(got.text, "identities") {
			t.Errorf("a writer is shown %s, of %s", got.text, theirs.text)
		}
	}
	if got := w.do(w.machine("update:users_app_metadata"), "PATCH", "users/"+ada, `{}`, 200); !strings.Contains(got.text, "secret") || strings.Contains(got.text, "theme") ||
		strings.Contains(got.text, "ada@") {
		t.Errorf("a program that writes is shown %s", got.text)
	}
	// A machine's subject is no user, and the empty subject is nobody.
	nobody := w.bearer(management.Caller{ClientID: "robot", Scopes: []string{"read:current_user"}})
	w.send(nobody, "GET", "users/"+ada, nil).refused(403, "Insufficient scope")
	app := w.machine("update:users_app_metadata")
	w.do(app, "PATCH", "users/"+bob, `{"app_metadata":{"plan":"gold"}}`, 200)
	for _, body := range []string{`{"email_verified":true}`, `{"blocked":true}`, `{"user_metadata":{}}`, `{"password":"another horse battery"}`} {
		w.send(app, "PATCH", "users/"+bob, body).refused(403, "update:users")
	}
}

func TestUsers_linking(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token := w.everything()
		w.connection(token, "db")
		w.connection(token, "other")
		ada, second, third := w.user(token, "db", "ada@example.com"), w.user(token, "other", "ada@example.com"), w.user(token, "db", "c@example.com")
		bare := strings.TrimPrefix(second, "auth0|")
		w.session(second, "s2")
		got := w.do(token, "POST", "users/"+ada+"/identities", map[string]string{"provider": "auth0", "user_id": second}, 201).list()
		if len(got) != 2 || got[1]["user_id"] != bare || got[1]["profileData"] == nil {
			t.Errorf("linked: %v", got)
		}
		if len(w.ended) != 1 {
			t.Errorf("sessions of the second: %v", w.ended)
		}
		w.send(token, "GET", "users/"+second, nil).refused(404, "The user does not exist.")
		w.send(token, "POST", "users/"+third+"/identities", map[string]string{"provider": "auth0", "user_id": bare}).refused(409, "belongs to another user")
		w.send(token, "POST", "users/"+ada+"/identities", map[string]string{"provider": "auth0", "user_id": ada}).refused(400, "different")
		w.send(token, "POST", "users/"+ada+"/identities", map[string]string{"provider": "auth0", "user_id": "nobody"}).refused(404, "The user does not exist.")
		// With two identities a password needs its connection.
		w.send(token, "PATCH", "users/"+ada, `{"password":"another horse battery"}`).refused(400, "Missing required property: connection")
		w.do(token, "PATCH", "users/"+ada, `{"password":"another horse battery","connection":"other"}`, 200)
		if _, i, err := w.store.UserByLogin(t.Context(), "other", "ada@example.com"); err != nil || i.PasswordHash != "HASH-OF-another horse battery" {
			t.Errorf("password of the linked identity: %v", err)
		}
		w.send(token, "PATCH", "users/"+ada, `{"password":"another horse battery","connection":"third"}`).refused(400, "no identity in this connection")

		w.send(token, "DELETE", "users/"+ada+"/identities/auth0/"+strings.TrimPrefix(ada, "auth0|"), nil).refused(400, "primary")
		if got := w.do(token, "DELETE", "users/"+ada+"/identities/auth0/"+bare, nil, 200).list(); len(got) != 1 {
			t.Errorf("unlinked: %v", got)
		}
		w.do(token, "GET", "users/"+second, nil, 200)
	})
}

// Two accounts become one when the owner has just logged in to both.
func TestUsers_linkWithToken(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	w.clients("spa", "evil")
	w.connection(token, "db")
	ada, bob := w.user(token, "db", "ada@example.com"), w.user(token, "db", "bob@example.com")
	bearer := func(subject, client string, age time.Duration) string {
		return w.bearer(management.Caller{ClientID: client, Subject: subject, Scopes: []string{"update:current_user_identities"}, AuthTime: w.now.Add(-age)})
	}
	for name, tt := range map[string]struct{ me, with string }{
		"stale proof":    {bearer(ada, "spa", 0), bearer(bob, "spa", 11*time.Minute)},
		"stale caller":   {bearer(ada, "spa", 11*time.Minute), bearer(bob, "spa", 0)},
		"other client":   {bearer(ada, "spa", 0), bearer(bob, "evil", 0)},
		"from to come":   {bearer(ada, "spa", 0), bearer(bob, "spa", -time.Hour)},
		"oneself":        {bearer(ada, "spa", 0), bearer(ada, "spa", 0)},
		"no such token":  {bearer(ada, "spa", 0), "forged"},
		"without a time": {bearer(ada, "spa", 0), w.bearer(management.Caller{ClientID: "spa", Subject: bob})},
	} {
		if r := w.send(tt.me, "POST", "users/"+ada+"/identities", map[string]string{"link_with": tt.with}); r.status != 400 {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	w.send(bearer(ada, "spa", 0), "POST", "users/"+ada+"/identities", map[string]string{"provider": "auth0", "user_id": bob}).refused(403, "update:users")
	if got := w.do(bearer(ada, "spa", 0), "POST", "users/"+ada+"/identities", map[string]string{"link_with": bearer(bob, "spa", 0)}, 201).list(); len(got) != 2 {
		t.Errorf("linked: %v", got)
	}
	// Taking it away asks for the same of the person, and of an administrator not.
	path := "users/" + ada + "/identities/auth0/" + strings.TrimPrefix(bob, "auth0|")
	for name, me := range map[string]string{
		"stale": bearer(ada, "spa", 11*time.Minute), "from to come": bearer(ada, "spa", -time.Hour),
		"without a time": w.bearer(management.Caller{ClientID: "spa", Subject: ada, Scopes: []string{"update:current_user_identities"}}),
	} {
		if r := w.send(me, "DELETE", path, nil); r.status != 400 || !strings.Contains(r.text, "log in again") {
			t.Errorf("unlink, %s: %d %s", name, r.status, r.text)
		}
	}
	if got := w.do(bearer(ada, "spa", 9*time.Minute), "DELETE", path, nil, 200).list(); len(got) != 1 {
		t.Errorf("unlinked: %v", got)
	}
}

// CLI-09: a log-in from before the password was set anew vouches for nothing, nor
// does one of an account whose address nobody has proven.
func TestCLI09_linkWithOldLogin(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	w.clients("spa", "evil")
	w.connection(token, "db")
	ada, bob := w.user(token, "db", "ada@example.com"), w.user(token, "db", "bob@example.com")
	bearer := func(subject string, age time.Duration) string {
		return w.bearer(management.Caller{ClientID: "spa", Subject: subject, Scopes: []string{"update:current_user_identities"}, AuthTime: w.now.Add(-age)})
	}
	change := func(id string, change func(*tenant.User)) {
		t.Helper()
		if _, err := w.store.UpdateUser(t.Context(), id, func(u *tenant.User) error { change(u); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	for _, fresh := range []string{bob, ada} {
		change(fresh, func(u *tenant.User) { u.LastPasswordReset = w.now })
		r := w.send(bearer(ada, 0), "POST", "users/"+ada+"/identities", map[string]string{"link_with": bearer(bob, 0)})
		r.refused(400, "log in again")
		change(fresh, func(u *tenant.User) { u.LastPasswordReset = w.now.Add(-time.Minute) })
	}
	for _, stranger := range []string{bob, ada} {
		mark := func(browser string) {
			change(stranger, func(u *tenant.User) { u.Identities[0].Unproven, u.EmailVerified = browser, false })
		}
		mark(tenant.NoBrowser)
		w.send(bearer(ada, 0), "POST", "users/"+ada+"/identities", map[string]string{"link_with": bearer(bob, 0)}).refused(400, "confirmed")
		mark("")
	}
	w.do(bearer(ada, 0), "POST", "users/"+ada+"/identities", map[string]string{"link_with": bearer(bob, 0)}, 201)
}

// clients makes clients of one's own.
func (w *world) clients(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		if err := w.store.Clients.Create(w.t.Context(), &tenant.Client{ID: id, Name: id, FirstParty: true}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// CLI-09: whoever gave a client of others an ID token allowed it to know who they
// are, and not to give their account to somebody: neither that one's users nor a
// program link with it.
func TestCLI09_linkWithThirdParty(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	w.clients("spa", "third")
	w.connection(token, "db")
	ada, bob := w.user(token, "db", "ada@example.com"), w.user(token, "db", "bob@example.com")
	bearer := func(subject, client string) string {
		return w.bearer(management.Caller{ClientID: client, Subject: subject, Scopes: []string{"update:current_user_identities"}, AuthTime: w.now})
	}
	link := func(me, with string) reply {
		t.Helper()
		return w.send(me, "POST", "users/"+ada+"/identities", map[string]string{"link_with": with})
	}
	if _, err := w.store.Clients.Update(t.Context(), "third", func(c *tenant.Client) error { c.FirstParty = false; return nil }); err != nil {
		t.Fatal(err)
	}
	link(bearer(ada, "third"), bearer(bob, "third")).refused(400, "third-party client")
	link(token, bearer(bob, "third")).refused(400, "third-party client")
	link(token, bearer(bob, "gone")).refused(400, "a client that is not there")
	if r := link(token, bearer(bob, "spa")); r.status != 201 {
		t.Errorf("%d %s", r.status, r.text)
	}
}

func TestUsers_ceiling(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	w.do(token, "GET", "users?page=9&per_page=100", nil, 200)
	w.send(token, "GET", "users?page=10&per_page=100", nil).refused(400, "You can only page through the first 1000 records")
	w.send(token, "GET", "users?q=email%3A(", nil).refused(400, "query cannot be read")
	w.send(token, "GET", "users?search_engine=v1", nil).refused(400, "search_engine")
	w.send(token, "GET", "users?sort=email:up", nil).refused(400, "query cannot be read")
	w.send(token, "GET", "users?take=5", nil).refused(400, "no checkpoints")
	w.send(token, "GET", "users-by-email", nil).refused(400, "Missing required property: email")
}

func TestUsers_race(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token, id := w.ada()
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() { w.send(token, "PATCH", "users/"+id, fmt.Sprintf(`{"user_metadata":{"k%d":1}}`, i)) })
			wg.Go(func() {
				w.send(token, "POST", "users", `{"connection":"db","email":"same@example.com","password":"correct horse battery"}`)
			})
		}
		wg.Wait()
		if got, _ := w.do(token, "GET", "users/"+id, nil, 200).object()["user_metadata"].(map[string]any); len(got) != 8 {
			t.Errorf("%d of 8 changes are left", len(got))
		}
		if got := w.do(token, "GET", "users-by-email?email=same@example.com", nil, 200).list(); len(got) != 1 {
			t.Errorf("%d users have one address", len(got))
		}
	})
}

// Where no letters are sent, what asks for none that is due is no mistake.
func TestUsers_noLetterDue(t *testing.T) {
	w := newWorld(t, func(c *management.Config) { c.SendVerification = nil })
	token := w.everything()
	w.connection(token, "db")
	id := w.do(token, "POST", "users", `{"connection":"db","email":"ada@example.com","email_verified":true,"password":"correct horse battery","verify_email":true}`, 201).str("user_id")
	w.do(token, "PATCH", "users/"+id, `{"name":"Ada","verify_email":true}`, 200)
	w.send(token, "PATCH", "users/"+id, `{"email":"new@example.com","verify_email":true}`).refused(400, "Letters are not sent here")
	if got := w.do(token, "GET", "users/"+id, nil, 200).str("email"); got != "ada@example.com" {
		t.Errorf("the address is %s", got)
	}
	body := `{"connection":"db","email":"bob@example.com","password":"correct horse battery","verify_email":true}`
	w.send(token, "POST", "users", body).refused(400, "Letters are not sent here")
}
