package tenant_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestIDP03_once: of thirty uses of one code one succeeds.
func TestIDP03_once(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		text := secret.Text()
		app(t, s, "c")
		must(t, s.CreateToken(t.Context(), text, tenant.Token{
			Kind: tenant.CodeToken, UserID: "u", ClientID: "c", GrantID: "g", ExpiresAt: time.Now().Add(time.Minute), Data: json.RawMessage(`{"a":1}`),
		}))
		var winners atomic.Int32
		together(30, func(int) {
			got, err := s.UseToken(t.Context(), tenant.CodeToken, text)
			switch {
			case err == nil:
				winners.Add(1)
			case !errors.Is(err, tenant.ErrUsed):
				t.Error(err)
			}
			if got == nil || got.GrantID != "g" || string(got.Data) != `{"a":1}` || got.UsedAt.IsZero() {
				t.Errorf("token %+v", got)
			}
		})
		if winners.Load() != 1 {
			t.Errorf("%d winners", winners.Load())
		}
	})
}

func TestOTP01_tokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := open(t, db, c.Now)
		ctx := t.Context()
		text := secret.Text()
		made := tenant.Token{Kind: tenant.ResetTicket, UserID: "u", GrantID: "g", ExpiresAt: c.Now().Add(time.Minute)}
		must(t, s.CreateToken(ctx, text, made))
		want(t, "twice", s.CreateToken(ctx, text, made), tenant.ErrExists)
		for _, row := range dump(t, db) {
			if strings.Contains(row, text.Reveal()) {
				t.Error("the token is in the database")
			}
		}
		_, err := s.Token(ctx, tenant.EmailTicket, text)
		want(t, "as another kind", err, tenant.ErrNotFound)
		_, err = s.UseToken(ctx, tenant.CodeToken, text)
		want(t, "used as another kind", err, tenant.ErrNotFound)
		if got, err := s.Token(ctx, tenant.ResetTicket, text); err != nil || !got.UsedAt.IsZero() || string(got.Data) != "null" {
			t.Errorf("token %+v, %v", got, err)
		}
		other := made
		other.Kind = tenant.EmailTicket
		must(t, s.CreateToken(ctx, text, other)) // the same text, another kind
		newer := made
		newer.Alone = true
		must(t, s.CreateToken(ctx, secret.Text(), newer))
		_, err = s.UseToken(ctx, tenant.ResetTicket, text)
		want(t, "void", err, tenant.ErrNotFound)
		last := secret.Text()
		must(t, s.CreateToken(ctx, last, newer))
		want(t, "one that is there", s.CreateToken(ctx, last, made), tenant.ErrExists)
		newer.UserID = "somebody else"
		want(t, "one that is there", s.CreateToken(ctx, last, newer), tenant.ErrExists)
		_, err = s.Token(ctx, tenant.ResetTicket, last)
		must(t, err) // nobody's link goes for one that was not stored
		c.advance(time.Minute)
		_, err = s.UseToken(ctx, tenant.EmailTicket, text)
		want(t, "expired", err, tenant.ErrNotFound)

		opaque, code := secret.Text(), secret.Text()
		end := c.Now().Add(time.Hour)
		must(t, s.CreateToken(ctx, opaque, tenant.Token{Kind: tenant.OpaqueToken, GrantID: "g", ExpiresAt: end}))
		must(t, s.CreateToken(ctx, code, tenant.Token{Kind: tenant.CodeToken, GrantID: "g", ExpiresAt: end}))
		must(t, s.RevokeGrant(ctx, "g"))
		_, err = s.Token(ctx, tenant.OpaqueToken, opaque)
		want(t, "opaque token of a grant that was revoked", err, tenant.ErrNotFound)
		if _, err := s.Token(ctx, tenant.CodeToken, code); err != nil {
			t.Errorf("the code, whose reuse has to be seen: %v", err)
		}

		must(t, s.RevokeJWT(ctx, "jti", end))
		must(t, s.RevokeJWT(ctx, "jti", end))
		for id, want := range map[string]bool{"jti": true, "other": false} {
			if got, err := s.JWTRevoked(ctx, id); err != nil || got != want {
				t.Errorf("revoked(%s) = %v, %v", id, got, err)
			}
		}
	})
}

// TestSES03_expiry: a session ends when it is not used and at its end, whatever
// comes, and its cookie is not in the database.
func TestSES03_expiry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := open(t, db, c.Now)
		ctx := t.Context()
		u := create(t, s, newUser("ada@example.com"))
		text := secret.Text()
		ses := &tenant.Session{
			ID: "s1", UserID: u.ID, Epoch: u.Epoch, CreatedAt: c.Now(), AuthenticatedAt: c.Now(),
			IdleExpiresAt: c.Now().Add(time.Hour), ExpiresAt: c.Now().Add(2 * time.Hour),
		}
		must(t, s.CreateSession(ctx, text, ses))
		want(t, "twice", s.CreateSession(ctx, text, ses), tenant.ErrExists)
		for _, row := range dump(t, db) {
			if strings.Contains(row, text.Reveal()) {
				t.Error("the cookie is in the database")
			}
		}
		nobody := *ses
		nobody.ID, nobody.UserID = "s2", "auth0|nobody"
		want(t, "of nobody", s.CreateSession(ctx, secret.Text(), &nobody), tenant.ErrEnded)

		c.advance(time.Hour - time.Millisecond)
		got, err := s.SessionBySecret(ctx, text)
		must(t, err)
		must(t, s.TouchSession(ctx, got, "c1", c.Now().Add(time.Hour)))
		c.advance(time.Hour - time.Millisecond)
		must(t, s.TouchSession(ctx, got, "c1", c.Now().Add(time.Hour)))
		if _, err = s.Session(ctx, "s1"); err != nil {
			t.Errorf("in use: %v", err)
		}
		c.advance(2 * time.Millisecond)
		_, err = s.SessionBySecret(ctx, text)
		want(t, "after its end", err, tenant.ErrNotFound)

		idle := *ses
		idle.ID, idle.IdleExpiresAt, idle.ExpiresAt = "s3", c.Now().Add(time.Minute), c.Now().Add(time.Hour)
		text = secret.Text()
		must(t, s.CreateSession(ctx, text, &idle))
		c.advance(time.Minute)
		_, err = s.SessionBySecret(ctx, text)
		want(t, "not used", err, tenant.ErrNotFound)
		want(t, "touch when it is over", s.TouchSession(ctx, &idle, "c2", c.Now().Add(time.Hour)), tenant.ErrEnded)
		_, err = s.SessionBySecret(ctx, text)
		want(t, "touched when it was over", err, tenant.ErrNotFound)
		if list, err := s.SessionsOf(ctx, u.ID); err != nil || len(list) != 0 {
			t.Errorf("sessions %v, %v", list, err)
		}
	})
}

// TestSession_clients: two clients that use a session at once are both known to it:
// both are told when it ends.
func TestSession_clients(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		u := create(t, s, newUser("ada@example.com"))
		end := time.Now().Add(time.Hour)
		text := secret.Text()
		must(t, s.CreateSession(t.Context(), text, &tenant.Session{ID: "s1", UserID: u.ID, Epoch: u.Epoch, CreatedAt: time.Now(), IdleExpiresAt: end, ExpiresAt: end}))
		together(8, func(i int) {
			ses, err := s.SessionBySecret(t.Context(), text)
			if err == nil {
				err = s.TouchSession(t.Context(), ses, string(rune('a'+i)), end)
			}
			if err != nil {
				t.Error(err)
			}
		})
		ses, err := s.Session(t.Context(), "s1")
		must(t, err)
		if len(ses.Clients) != 8 {
			t.Errorf("clients %v, want eight", ses.Clients)
		}
		endSession(t, s, "s1")
		_, err = s.Session(t.Context(), "s1")
		want(t, "ended", err, tenant.ErrNotFound)
		endSession(t, s, "s1")
	})
}

// TestPWD11_endAll: nothing of a user's is left that could log them in, and
// everything of another's is.
func TestPWD11_endAll(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		end := time.Now().Add(time.Hour)
		type things struct {
			user                     *tenant.User
			cookie, code, refreshing secret.String
		}
		var both [2]things
		for i, email := range []string{"ada@example.com", "bob@example.com"} {
			x := things{user: create(t, s, newUser(email)), cookie: secret.Text(), code: secret.Text()}
			must(t, s.CreateSession(ctx, x.cookie, &tenant.Session{ID: email, UserID: x.user.ID, Epoch: x.user.Epoch, IdleExpiresAt: end, ExpiresAt: end}))
			must(t, s.CreateToken(ctx, x.code, tenant.Token{Kind: tenant.CodeToken, UserID: x.user.ID, ExpiresAt: end}))
			_, x.refreshing = family(t, s, x.user, nil)
			both[i] = x
		}
		must(t, s.EndAll(ctx, both[0].user.ID))
		for i, target := range []error{tenant.ErrNotFound, nil} {
			_, err := s.SessionBySecret(ctx, both[i].cookie)
			want(t, "session", err, target)
			_, err = s.UseToken(ctx, tenant.CodeToken, both[i].code)
			want(t, "code", err, target)
			_, _, err = s.UseRefreshToken(ctx, both[i].refreshing, "client", rotating(0))
			want(t, "refresh token", err, target)
		}
	})
}

// TestSweep: what has expired goes, what has not stays.
func TestSweep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		s := open(t, db, c.Now)
		ctx := t.Context()
		u := create(t, s, newUser("ada@example.com"))
		for i, life := range []time.Duration{time.Minute, 1000 * time.Hour} {
			end := c.Now().Add(life)
			id := string(rune('a' + i))
			must(t, s.CreateSession(ctx, secret.Text(), &tenant.Session{ID: id, UserID: u.ID, Epoch: u.Epoch, IdleExpiresAt: end, ExpiresAt: c.Now().Add(2000 * time.Hour)}))
			must(t, s.CreateToken(ctx, secret.Text(), tenant.Token{Kind: tenant.CodeToken, ExpiresAt: end}))
			must(t, s.RevokeJWT(ctx, id, end))
			family(t, s, u, func(f *tenant.Family) { f.IdleExpiresAt = end })
			family(t, s, u, func(f *tenant.Family) { f.ExpiresAt = end })
		}
		revoked, _ := family(t, s, u, nil)
		must(t, s.RevokeGrant(ctx, revoked.ID))
		s.Record(ctx, tenant.Log{Type: "s"})
		must(t, s.FlushLogs(ctx))
		if n, err := s.Sweep(ctx); err != nil || n != 0 {
			t.Fatalf("at once: %d, %v", n, err)
		}
		_, err := s.UpdateSettings(ctx, func(set *tenant.Settings) error {
			set.LogRetentionDays = 30
			return nil
		})
		must(t, err)
		c.advance(31 * 24 * time.Hour)
		s.Record(ctx, tenant.Log{Type: "f"})
		must(t, s.FlushLogs(ctx))
		n, err := s.Sweep(ctx)
		must(t, err)
		if n != 7 { // session, token, jti, three families, log entry
			t.Errorf("%d rows, want 7", n)
		}
		for _, table := range []string{"idp_sessions", "idp_tokens", "idp_revoked", "idp_logs"} {
			if got := count(t, db, table); got != 1 {
				t.Errorf("%d rows left in %s", got, table)
			}
		}
		if got := count(t, db, "idp_refresh"); got != 2 {
			t.Errorf("%d families left", got)
		}
	})
}

func count(t testing.TB, db *store.DB, table string) (n int) {
	t.Helper()
	must(t, db.Read().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n))
	return n
}
