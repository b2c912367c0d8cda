package server_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestPWD11_oneOfMany: of changes at the same time with one current password one
// is made, on both databases.
func TestPWD11_oneOfMany(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := start(t, options{change: func(s *server.Service) {
			s.Open = func(context.Context, string) (*store.DB, error) { return db, nil }
			if db.Dialect() == store.Postgres {
				s.Migrations = postgresMigrations
			}
		}})
		r.signUp(ada)
		bearer := r.login(ada)
		var all sync.WaitGroup
		var made atomic.Int64
		for i := range 4 {
			all.Go(func() {
				body := fmt.Sprintf(`{"currentPassword":%q,"password":"%s %d"}`, goodPassword, newPassword, i)
				switch a := r.do("PUT", "/api/account/password", body, bearer...); a.Status {
				case 204:
					made.Add(1)
				case 409, 401: // overtaken, or after it
				default:
					t.Errorf("%d %s", a.Status, a.Body)
				}
			})
		}
		all.Wait()
		if made.Load() != 1 {
			t.Errorf("%d changes were made with one password", made.Load())
		}
		r.do("POST", "/api/authentication", loginBody(ada, goodPassword)).is(401)
	})
}

// ruled is a service in which the rule of a field says who may update it.
func ruled(box *letterbox, name string, words ...string) options {
	o := everything(box, nil)
	o.configure = func(a *App) error {
		f, _ := a.Users.Entity().Field(name)
		a.Users.Entity().Fields[f].Update = words
		return nil
	}
	return o
}

// TestAUZ20_account: what the rule of a field says is said of the routes of one's
// own account, too.
func TestAUZ20_account(t *testing.T) {
	password := fmt.Sprintf(`{"currentPassword":%q,"password":%q}`, goodPassword, newPassword)
	email := fmt.Sprintf(`{"currentPassword":%q,"email":"new@x.example"}`, goodPassword)
	for name, tt := range map[string]struct {
		field, word            string
		password, email, reset int
	}{
		"password of nobody":     {"password", "nobody", 403, 202, 403},
		"password of the owner":  {"password", "owner", 204, 202, 400},
		"password of menu-admin": {"password", "menu-admin", 403, 202, 403},
		"password by permission": {"password", "update:items", 403, 202, 403},
		"email of nobody":        {"email", "nobody", 204, 403, 400},
		"email of the owner":     {"email", "owner", 204, 202, 400},
	} {
		t.Run(name, func(t *testing.T) {
			box := newLetterbox()
			r := start(t, ruled(box, tt.field, tt.word))
			r.signUp(ada)
			box.next(t, ada)
			bearer := r.login(ada)
			r.do("POST", "/api/account/password/forgot", `{"email":"`+ada+`"}`).is(202)
			_, token := box.next(t, ada)
			r.do("PUT", "/api/account/email", email, bearer...).is(tt.email)
			r.do("PUT", "/api/account/password", password, bearer...).is(tt.password)
			r.do("POST", "/api/account/password/reset", fmt.Sprintf(`{"token":%q,"password":"%s 2"}`, token, newPassword)).is(tt.reset)
		})
	}
	t.Run("a role that permits", func(t *testing.T) {
		box := newLetterbox()
		r := start(t, ruled(box, "password", "update:items"))
		r.signUp(ada, "menu-admin")
		r.do("PUT", "/api/account/password", password, r.login(ada)...).is(204)
	})
}

// TestAUZ20_noPasswords: where nobody logs in with a password, nobody gets one.
func TestAUZ20_noPasswords(t *testing.T) {
	p := newProvider(t)
	r := start(t, withUsers(p.auth0()))
	fresh := verified(ada)
	fresh["auth_time"] = time.Now().Unix()
	bearer := p.person("auth0|ada", fresh)
	id := fmt.Sprint(r.do("GET", "/api/me", "", bearer...).is(200).json()["id"])
	r.do("PUT", "/api/account/password", fmt.Sprintf(`{"currentPassword":"","password":%q}`, newPassword), bearer...).is(403)
	if got := r.hash(id); got != "" {
		t.Errorf("there is a password: %s", got)
	}
}
