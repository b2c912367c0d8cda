package tenant_test

import (
	"errors"
	"sync"
	"sync/atomic"
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
		Code: code, Data: []byte(`{"jti":"j"}`), Until: until, UserID: u.ID, Epoch: u.Epoch, SessionID: id,
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
			"the session is over": {func(x *tenant.Exchange) { endSession(t, s, x.SessionID) }, tenant.ErrEnded},
			"another epoch":       {func(x *tenant.Exchange) { x.Epoch-- }, tenant.ErrEnded},
			"no code":             {func(x *tenant.Exchange) { x.Code = secret.Text() }, tenant.ErrNotFound},
			"used before": {func(x *tenant.Exchange) {
				_, err := s.UseToken(ctx, tenant.CodeToken, x.Code)
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

// IDP-03: of exchanges of one code at the same moment one stores something, and
// the others find what it led to.
func TestIDP03_exchangedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		ctx := t.Context()
		u := newUser("ada@example.com")
		create(t, s, u)
		for range 20 {
			x := exchanged(t, s, u)
			var good, used atomic.Int32
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() {
					again, family := *x, *x.Family
					again.Family = &family
					again.Token = &tenant.NewToken{Text: secret.Text(), Token: x.Token.Token}
					_, err := s.Exchange(ctx, &again)
					switch {
					case err == nil:
						good.Add(1)
						return
					case !errors.Is(err, tenant.ErrUsed):
						t.Error(err)
					}
					used.Add(1)
					found, err := s.Token(ctx, tenant.CodeToken, x.Code)
					if err != nil || string(found.Data) != string(x.Data) || found.GrantID != x.Family.ID {
						t.Errorf("what it led to: %+v, %v", found, err)
					}
				})
			}
			all.Wait()
			if good.Load() != 1 || used.Load() != 2 {
				t.Fatalf("%d exchanges of one code succeeded, %d were refused", good.Load(), used.Load())
			}
		}
	})
}

// IDP-03: an exchange that the database did not take leaves the code as it was.
func TestIDP03_exchangeFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		connect(t, s)
		u := newUser("ada@example.com")
		create(t, s, u)
		x := exchanged(t, s, u)
		broken := *x
		broken.Family = &tenant.Family{ID: x.Family.ID, UserID: "nobody", ClientID: "client", SessionID: x.SessionID, Epoch: u.Epoch}
		broken.Token = &tenant.NewToken{Text: x.Code, Token: x.Token.Token}
		broken.Token.Kind = tenant.CodeToken // the row is there
		if _, err := s.Exchange(t.Context(), &broken); err == nil {
			t.Fatal("the database takes two tokens of one text")
		}
		if _, err := s.Exchange(t.Context(), x); err != nil {
			t.Errorf("the next try: %v", err)
		}
	})
}
