package tenant_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestSES04_replace: a session goes on in the next one of the same user, and ends
// with its tokens when somebody else logs in. Without the next one it stays.
func TestSES04_replace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		ada, bob := create(t, s, newUser("ada@example.com")), create(t, s, newUser("bob@example.com"))
		text := session(t, s, ada, "old")
		old, err := s.Session(ctx, "old")
		must(t, err)
		must(t, s.TouchSession(ctx, &tenant.Session{ID: "old", UserID: ada.ID, Epoch: ada.Epoch}, "client", time.Now().Add(time.Hour))) // by another request
		f, _ := family(t, s, ada, func(f *tenant.Family) { f.SessionID = "old" })
		fresh := func(u *tenant.User) *tenant.Session {
			next := *old
			next.ID, next.UserID, next.Epoch = tenant.NewGrantID(), u.ID, u.Epoch
			return &next
		}

		late := fresh(ada)
		late.Epoch--
		_, err = s.ReplaceSession(ctx, old, secret.Text(), late)
		want(t, "after the end of everything", err, tenant.ErrEnded)
		if _, err := s.SessionBySecret(ctx, text); err != nil {
			t.Fatalf("the session that was not replaced: %v", err)
		}

		next := fresh(ada)
		ended, err := s.ReplaceSession(ctx, old, secret.Text(), next)
		if err != nil || ended != nil || next.ID != "old" || !slices.Equal(next.Clients, []string{"client"}) {
			t.Errorf("the same user: %+v ended, %+v, %v", ended, next, err)
		}
		_, err = s.SessionBySecret(ctx, text)
		want(t, "the secret of before", err, tenant.ErrNotFound)
		if got, err := s.Family(ctx, f.ID); err != nil || !got.RevokedAt.IsZero() {
			t.Errorf("its refresh token: %+v, %v", got, err)
		}

		other := fresh(bob)
		ended, err = s.ReplaceSession(ctx, next, secret.Text(), other)
		if err != nil || ended == nil || ended.ID != "old" || other.ID == "old" {
			t.Errorf("another user: %+v ended, %+v, %v", ended, other, err)
		}
		if got, err := s.Family(ctx, f.ID); err != nil || got.RevokedAt.IsZero() {
			t.Errorf("the refresh token of the one before: %+v, %v", got, err)
		}
		if list, err := s.SessionsOf(ctx, ada.ID); err != nil || len(list) != 0 {
			t.Errorf("sessions of the one before: %v, %v", list, err)
		}
	})
}

// TestSES04_revokeSession: a session takes the refresh tokens of its own along,
// also when it has ended before them.
func TestSES04_revokeSession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t, db, nil)
		ctx := t.Context()
		u := create(t, s, newUser("ada@example.com"))
		session(t, s, u, "one")
		session(t, s, u, "two")
		its, _ := family(t, s, u, func(f *tenant.Family) { f.SessionID = "one" })
		kept, _ := family(t, s, u, func(f *tenant.Family) { f.SessionID = "two" })
		endSession(t, s, "one")
		if ended, err := s.RevokeSession(ctx, u.ID, "one"); err != nil || ended != nil {
			t.Errorf("one that has ended: %+v, %v", ended, err)
		}
		if list, err := s.FamiliesOf(ctx, u.ID); err != nil || len(list) != 1 || list[0].ID != kept.ID {
			t.Errorf("live: %v, %v; want %s and not %s", list, err, kept.ID, its.ID)
		}
		if ended, err := s.RevokeSession(ctx, u.ID, "two"); err != nil || ended == nil || ended.ID != "two" {
			t.Errorf("a live one: %+v, %v", ended, err)
		}
		if list, err := s.FamiliesOf(ctx, u.ID); err != nil || len(list) != 0 {
			t.Errorf("live: %v, %v", list, err)
		}
	})
}
