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

// giving rotates, and stores an access token of the user with it; between is
// called before, when the token was found good.
func giving(u *tenant.User, text secret.String, leeway time.Duration, between func()) func(*tenant.Family) (tenant.Use, error) {
	return func(f *tenant.Family) (tenant.Use, error) {
		return tenant.Use{Rotate: true, Leeway: leeway, Idle: time.Hour, Then: func() (*tenant.NewToken, error) {
			if between != nil {
				between()
			}
			return &tenant.NewToken{Text: text, Token: tenant.Token{
				Kind: tenant.OpaqueToken, UserID: u.ID, ClientID: f.ClientID, GrantID: f.ID, ExpiresAt: time.Now().Add(24 * time.Hour), Epoch: &u.Epoch,
			}}, nil
		}}, nil
	}
}

func stored(t *testing.T, s *tenant.Store, text secret.String) bool {
	t.Helper()
	_, err := s.Token(t.Context(), tenant.OpaqueToken, text)
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// TestSES06_oneToken: of thirty uses of one token without a leeway no access
// token is left, as the losers end what the winner got; with one each has its
// own.
func TestSES06_oneToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, leeway := range []time.Duration{0, time.Minute} {
			s := open(t, db, nil)
			u := create(t, s, newUser(tenant.NewSubject()+"@example.com"))
			_, first := family(t, s, u, nil)
			var mu sync.Mutex
			given, refused := []secret.String{}, []secret.String{}
			together(30, func(int) {
				text := secret.Text()
				_, _, err := s.UseRefreshToken(t.Context(), first, "client", giving(u, text, leeway, nil))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					given = append(given, text)
				case leeway > 0 || !errors.Is(err, tenant.ErrReused) && !errors.Is(err, tenant.ErrNotFound):
					t.Error(err)
				default:
					refused = append(refused, text)
				}
			})
			if leeway == 0 && len(given) != 1 {
				t.Errorf("%d winners", len(given))
			}
			for _, text := range given {
				if got, want := stored(t, s, text), leeway > 0; got != want {
					t.Errorf("leeway %v: the access token of a use that was answered is stored: %v, want %v", leeway, got, want)
				}
			}
			for _, text := range refused {
				if stored(t, s, text) {
					t.Errorf("leeway %v: an access token is stored that nobody was given", leeway)
				}
			}
		}
	})
}

// TestSES06_endedBetween: what ends between the look at a refresh token and its
// use leaves neither a successor nor an access token, in the leeway too.
func TestSES06_endedBetween(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		for name, end := range map[string]func(*tenant.User, *tenant.Family) error{
			"user":   func(u *tenant.User, _ *tenant.Family) error { return s.EndAll(t.Context(), u.ID) },
			"family": func(_ *tenant.User, f *tenant.Family) error { return s.RevokeGrant(t.Context(), f.ID) },
			"gone":   func(u *tenant.User, _ *tenant.Family) error { return s.DeleteUser(t.Context(), u.ID) },
		} {
			for _, leeway := range []time.Duration{0, time.Minute} {
				u := create(t, s, newUser(tenant.NewSubject()+"@example.com"))
				f, first := family(t, s, u, nil)
				if leeway > 0 {
					_, _, err := s.UseRefreshToken(t.Context(), first, "client", rotating(leeway))
					must(t, err)
				}
				text := secret.Text()
				_, next, err := s.UseRefreshToken(t.Context(), first, "client", giving(u, text, leeway, func() { must(t, end(u, f)) }))
				if !errors.Is(err, tenant.ErrEnded) && !errors.Is(err, tenant.ErrNotFound) {
					t.Errorf("%s ended, leeway %v: %v", name, leeway, err)
				}
				if next != "" || stored(t, s, text) {
					t.Errorf("%s ended, leeway %v: successor %v, access token %v", name, leeway, next != "", stored(t, s, text))
				}
			}
		}
	})
}

// TestSES06_allOrNothing: an access token that cannot be stored leaves the
// refresh token as it was.
func TestSES06_allOrNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		u := create(t, s, newUser("ada@example.com"))
		_, first := family(t, s, u, nil)
		taken := secret.Text()
		must(t, s.CreateToken(t.Context(), taken, tenant.Token{Kind: tenant.OpaqueToken, UserID: u.ID, ExpiresAt: time.Now().Add(time.Hour)}))
		_, _, err := s.UseRefreshToken(t.Context(), first, "client", giving(u, taken, 0, nil))
		want(t, "the text is taken", err, tenant.ErrExists)
		if _, err := s.FindRefreshToken(t.Context(), first); err != nil {
			t.Errorf("the refresh token is not the current one any more: %v", err)
		}
	})
}
