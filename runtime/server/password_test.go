package server_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

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
