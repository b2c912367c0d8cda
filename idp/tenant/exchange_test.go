package tenant_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// exchanged stores a code of a session and returns what its exchange leads to.
func exchanged(t *testing.T, s *tenant.Store, u *tenant.User) *tenant.Exchange {
	t.Helper()
	id := tenant.NewGrantID()
	session(t, s, u, id)
	code, grant := secret.Text(), tenant.NewGrantID()
	must(t, s.CreateToken(t.Context(), code, tenant.Token{Kind: tenant.CodeToken, UserID: u.ID, GrantID: grant, ExpiresAt: time.Now().Add(time.Minute)}))
	until := time.Now().Add(time.Hour)
	return &tenant.Exchange{
		Code: code, Mark: "reused " + secret.String(grant), Data: []byte(`{"jti":"j"}`), Until: until, UserID: u.ID, Epoch: u.Epoch, SessionID: id,
		Family: &tenant.Family{ID: grant, UserID: u.ID, ClientID: "client", SessionID: id, Epoch: u.Epoch},
		Token:  &tenant.NewToken{Text: secret.Text(), Token: tenant.Token{Kind: tenant.OpaqueToken, UserID: u.ID, GrantID: grant, ExpiresAt: until}},
	}
}

// SES-05: what a code leads to is stored whole, or not at all when the log-in is
// over, all of the user has ended, or the code was used again.
func TestSES05_exchange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		ctx := t.Context()
		u := newUser("ada@example.com")
		create(t, s, u)
		for name, tt := range map[string]struct {
			before func(x *tenant.Exchange)
			want   error
		}{
			"all goes on":         {func(*tenant.Exchange) {}, nil},
			"the session is over": {func(x *tenant.Exchange) { must(t, s.EndSession(ctx, x.SessionID)) }, tenant.ErrEnded},
			"another epoch":       {func(x *tenant.Exchange) { x.Epoch-- }, tenant.ErrEnded},
			"no code":             {func(x *tenant.Exchange) { x.Code = secret.Text() }, tenant.ErrNotFound},
			"used again": {func(x *tenant.Exchange) {
				_, err := s.ReuseCode(ctx, x.Code, x.Mark, time.Now().Add(time.Minute))
				must(t, err)
			}, tenant.ErrUsed},
		} {
			x := exchanged(t, s, u)
			tt.before(x)
			text, err := s.Exchange(ctx, x)
			if !errors.Is(err, tt.want) || (text == "") != (tt.want != nil) {
				t.Errorf("%s: %v", name, err)
			}
			_, family := s.Family(ctx, x.Family.ID)
			_, token := s.Token(ctx, tenant.OpaqueToken, x.Token.Text)
			if stored := family == nil; stored != (tt.want == nil) || stored != (token == nil) {
				t.Errorf("%s: family %v, token %v", name, family, token)
			}
		}
	})
}

// IDP-03: however an exchange and a second use of its code meet, one of them sees
// the other.
func TestIDP03_exchangeAndReuse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		ctx := t.Context()
		u := newUser("ada@example.com")
		create(t, s, u)
		for range 20 {
			x := exchanged(t, s, u)
			var both sync.WaitGroup
			both.Go(func() {
				if _, err := s.Exchange(ctx, x); err != nil && !errors.Is(err, tenant.ErrUsed) {
					t.Error(err)
				}
			})
			both.Go(func() {
				found, err := s.ReuseCode(ctx, x.Code, x.Mark, time.Now().Add(time.Minute))
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.RevokeGrant(ctx, found.GrantID); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			if f, err := s.Family(ctx, x.Family.ID); err == nil && f.RevokedAt.IsZero() {
				t.Fatal("a refresh token is good")
			}
			if _, err := s.Token(ctx, tenant.OpaqueToken, x.Token.Text); err == nil {
				t.Fatal("an access token is good")
			}
		}
	})
}
