package tenant_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// listening makes the client "told", which wants to hear of log-outs, and "other",
// which does not.
func listening(t *testing.T, s *tenant.Store) {
	t.Helper()
	must(t, s.Clients.Create(t.Context(), &tenant.Client{ID: "told", Name: "told", OIDCLogout: &tenant.OIDCLogout{BackchannelURLs: []string{"https://app.example/out"}}}))
	must(t, s.Clients.Create(t.Context(), &tenant.Client{ID: "other", Name: "other"}))
}

// known logs a user in to both clients, and to one that is gone.
func known(t *testing.T, s *tenant.Store, u *tenant.User, id string) *tenant.Session {
	t.Helper()
	end := time.Now().AddDate(10, 0, 0)
	ses := &tenant.Session{ID: id, UserID: u.ID, Epoch: u.Epoch, CreatedAt: time.Now(), IdleExpiresAt: end, ExpiresAt: end}
	ses.Clients, ses.Connection = []string{"gone", "other", "told"}, "db"
	must(t, s.CreateSession(t.Context(), secret.Text(), ses))
	return ses
}

// CLI-12: however a session ends, which clients are to be told is stored with its
// end; a session that goes on in another one does not end.
func TestCLI12_queued(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		listening(t, s)
		must(t, s.Connections.Create(t.Context(), &tenant.Connection{ID: "con", Name: "db", Strategy: tenant.Database}))
		ben := create(t, s, newUser("ben@example.com"))
		replace := func(ctx context.Context, ses *tenant.Session, by *tenant.User) error {
			next := &tenant.Session{ID: "next " + ses.ID, UserID: by.ID, Epoch: by.Epoch, CreatedAt: time.Now(), IdleExpiresAt: ses.ExpiresAt, ExpiresAt: ses.ExpiresAt}
			_, err := s.ReplaceSession(ctx, ses, secret.Text(), next)
			return err
		}
		for name, tt := range map[string]struct {
			end  func(ctx context.Context, u *tenant.User, ses *tenant.Session) error
			kept bool // the session goes on
		}{
			"ended": {end: func(ctx context.Context, _ *tenant.User, ses *tenant.Session) error {
				_, err := s.EndSession(ctx, ses.ID)
				return err
			}},
			"revoked": {end: func(ctx context.Context, u *tenant.User, ses *tenant.Session) error {
				_, err := s.RevokeSession(ctx, u.ID, ses.ID)
				return err
			}},
			"all": {end: func(ctx context.Context, u *tenant.User, _ *tenant.Session) error {
				_, err := s.EndSessions(ctx, u.ID)
				return err
			}},
			"unlinked": {end: func(ctx context.Context, u *tenant.User, _ *tenant.Session) error {
				linked := create(t, s, newUser("linked@example.com"))
				if _, err := s.LinkIdentity(ctx, u.ID, linked.ID); err != nil {
					return err
				}
				_, _, err := s.UnlinkIdentity(ctx, u.ID, tenant.Database, linked.Identities[0].UserID)
				return err
			}},
			"linked": {end: func(ctx context.Context, u *tenant.User, _ *tenant.Session) error {
				_, err := s.LinkIdentity(ctx, ben.ID, u.ID)
				return err
			}},
			"blocked":    {end: func(ctx context.Context, u *tenant.User, _ *tenant.Session) error { return s.EndAll(ctx, u.ID) }},
			"deleted":    {end: func(ctx context.Context, u *tenant.User, _ *tenant.Session) error { return s.DeleteUser(ctx, u.ID) }},
			"of another": {end: func(ctx context.Context, _ *tenant.User, ses *tenant.Session) error { return replace(ctx, ses, ben) }},
			"renewed":    {end: func(ctx context.Context, u *tenant.User, ses *tenant.Session) error { return replace(ctx, ses, u) }, kept: true},
		} {
			u := create(t, s, newUser(name[:3]+"@example.com"))
			ses := known(t, s, u, "s "+name)
			must(t, tt.end(t.Context(), u, ses))
			l, err := s.Logout(t.Context(), ses.ID)
			if tt.kept {
				want(t, name, err, tenant.ErrNotFound)
				continue
			}
			if err != nil || l.UserID != u.ID || !slices.Equal(l.Clients, []string{"told"}) {
				t.Errorf("%s: %+v, %v", name, l, err)
			}
		}
		cat := create(t, s, newUser("cat@example.com"))
		known(t, s, cat, "s with its connection")
		must(t, s.Connections.Delete(t.Context(), "con"))
		if l, err := s.Logout(t.Context(), "s with its connection"); err != nil || l.UserID != cat.ID {
			t.Errorf("with its connection: %+v, %v", l, err)
		}
		must(t, s.Connections.Create(t.Context(), &tenant.Connection{ID: "corp", Name: "corp", Strategy: "oidc"}))
		dan, second := create(t, s, newUser("dan@example.com")), newUser("")
		second.Identities[0] = tenant.Identity{Connection: "corp", Provider: "oidc", UserID: "corp|1"}
		_, err := s.LinkIdentity(t.Context(), dan.ID, create(t, s, second).ID)
		must(t, err)
		end := time.Now().Add(time.Hour)
		opaque := map[string]secret.String{}
		for _, way := range []string{"db", "corp"} {
			by := &tenant.Session{ID: "s by " + way, UserID: dan.ID, Epoch: dan.Epoch, IdleExpiresAt: end, ExpiresAt: end}
			by.Clients, by.Connection = []string{"told"}, way
			must(t, s.CreateSession(t.Context(), secret.Text(), by))
			f, _ := family(t, s, dan, func(f *tenant.Family) {
				f.Connection, f.Metadata = way, map[string]any{"by an action": "\x00", "connection": "corp"}
			})
			opaque[way] = secret.Text()
			must(t, s.CreateToken(t.Context(), opaque[way], tenant.Token{Kind: tenant.OpaqueToken, UserID: dan.ID, ClientID: f.ClientID, GrantID: f.ID, ExpiresAt: end}))
		}
		must(t, s.Connections.Delete(t.Context(), "corp"))
		if l, err := s.Logout(t.Context(), "s by corp"); err != nil || l.UserID != dan.ID {
			t.Errorf("by a linked identity of the connection: %+v, %v", l, err)
		}
		if list, err := s.FamiliesOf(t.Context(), dan.ID); err != nil || len(list) != 1 || list[0].Connection != "db" {
			t.Errorf("families after that: %v, %v", list, err)
		}
		_, err = s.Session(t.Context(), "s by db")
		must(t, err)
		_, err = s.Token(t.Context(), tenant.OpaqueToken, opaque["db"])
		must(t, err)
		_, err = s.Token(t.Context(), tenant.OpaqueToken, opaque["corp"])
		want(t, "opaque token by a linked identity", err, tenant.ErrNotFound)
		quiet := create(t, s, newUser("quiet@example.com"))
		must(t, s.CreateSession(t.Context(), secret.Text(), &tenant.Session{
			ID: "quiet", UserID: quiet.ID, Epoch: quiet.Epoch, IdleExpiresAt: end, ExpiresAt: end,
			SessionDetails: tenant.SessionDetails{Clients: []string{"other"}},
		}))
		endSession(t, s, "quiet")
		_, err = s.Logout(t.Context(), "quiet")
		want(t, "nobody wants to be told", err, tenant.ErrNotFound)
	})
}

// Somebody who logs in again and again has a bounded number of sessions, and
// takes none from others.
func TestSessions_bound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := open(t, db, c.Now)
		listening(t, s)
		ada, ben := create(t, s, newUser("ada@example.com")), create(t, s, newUser("ben@example.com"))
		end := c.Now().AddDate(1, 0, 0)
		add := func(u *tenant.User, id string) {
			t.Helper()
			c.advance(time.Second)
			ses := &tenant.Session{ID: id, UserID: u.ID, Epoch: u.Epoch, CreatedAt: c.Now(), UsedAt: c.Now(), IdleExpiresAt: end, ExpiresAt: end}
			ses.Clients = []string{"told"}
			must(t, s.CreateSession(t.Context(), secret.Text(), ses))
		}
		add(ben, "of another")
		for i := range tenant.MaxSessions + 2 {
			add(ada, fmt.Sprint("s", i))
		}
		list, err := s.SessionsOf(t.Context(), ada.ID)
		must(t, err)
		if len(list) != tenant.MaxSessions || list[0].ID != fmt.Sprint("s", tenant.MaxSessions+1) {
			t.Errorf("%d sessions, the newest %s", len(list), list[0].ID)
		}
		for id, there := range map[string]bool{"s0": false, "s1": false, "s2": true, "of another": true} {
			if _, err := s.Session(t.Context(), id); (err == nil) != there {
				t.Errorf("%s: %v", id, err)
			}
			if _, err := s.Logout(t.Context(), id); (err == nil) == there {
				t.Errorf("clients hear of the end of %s: %v", id, err)
			}
		}
	})
}

// A session does not end without a note of whom to tell.
func TestCLI12_bothOrNeither(t *testing.T) {
	db := storetest.SQLite(t)
	s := open(t, db, nil)
	listening(t, s)
	u := create(t, s, newUser("ada@example.com"))
	known(t, s, u, "one")
	if _, err := db.Exec(t.Context(), "CREATE TRIGGER broken BEFORE INSERT ON idp_logouts BEGIN SELECT RAISE(ABORT, 'killed'); END"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RevokeSession(t.Context(), u.ID, "one"); err == nil {
		t.Error("the end of a session that nobody hears of")
	}
	if _, err := s.Session(t.Context(), "one"); err != nil {
		t.Errorf("the session: %v", err)
	}
}

// Of several processes one takes a log-out, and for as long as it may be telling.
func TestCLI12_oneTakes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := newClock()
		processes := []*tenant.Store{open(t, db, now.Now), open(t, db, now.Now)}
		s := processes[0]
		listening(t, s)
		u := create(t, s, newUser("ada@example.com"))
		for _, id := range []string{"one", "two", "three"} {
			known(t, s, u, id)
			endSession(t, s, id)
		}
		take := func() (n int64) {
			var taken atomic.Int64
			together(8, func(i int) {
				list, err := processes[i%2].TakeLogouts(t.Context(), 2)
				if err != nil {
					t.Error(err)
				}
				taken.Add(int64(len(list)))
			})
			return taken.Load()
		}
		if n := take(); n != 0 {
			t.Errorf("%d taken while those who ended the sessions tell of them", n)
		}
		now.advance(tenant.LogoutLease)
		if n := take(); n != 3 {
			t.Errorf("%d of 3 taken", n)
		}
		one, err := s.Logout(t.Context(), "one")
		if err != nil || one.Tries != 1 {
			t.Fatalf("%+v, %v", one, err)
		}
		must(t, s.KeepLogout(t.Context(), one, now.Now().Add(time.Hour)))
		two, err := s.Logout(t.Context(), "two")
		must(t, err)
		two.Clients = nil
		must(t, s.KeepLogout(t.Context(), two, now.Now()))
		now.advance(tenant.LogoutLease)
		list, err := s.TakeLogouts(t.Context(), 10)
		if err != nil || len(list) != 1 || list[0].SessionID != "three" || list[0].Tries != 2 {
			t.Errorf("%+v, %v; want the third, once more", list, err)
		}
		now.advance(time.Hour)
		if list, err = s.TakeLogouts(t.Context(), 10); err != nil || len(list) != 2 {
			t.Errorf("%+v, %v; want those that are left", list, err)
		}
	})
}
