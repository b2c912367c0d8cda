package accounts_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

// waitLocked waits until n statements wait for a lock of somebody else.
func waitLocked(t *testing.T, db *store.DB, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for waiting := 0; waiting < n; {
		select {
		case <-ctx.Done():
			t.Fatalf("%d statements wait, want %d", waiting, n)
		case <-tick.C:
		}
		err := db.Read().QueryRowContext(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestKEY03_revokeWhileRotated: the successor of a key that is made at the time
// when all are revoked is revoked with them, although the statement that revokes
// began before there was one.
func TestKEY03_revokeWhileRotated(t *testing.T) {
	for name, revoke := range map[string]func(*accounts.APIKeys, context.Context) (int, error){
		"RevokeSubject": func(k *accounts.APIKeys, ctx context.Context) (int, error) {
			return k.RevokeSubject(ctx, "user", "1")
		},
		"RevokeAll": (*accounts.APIKeys).RevokeAll,
	} {
		for _, overlap := range []time.Duration{0, time.Hour} {
			t.Run(name+" "+overlap.String(), func(t *testing.T) {
				db := storetest.Postgres(t)
				keys := newKeys(t, db, newClock(), accounts.APIKeysConfig{})
				_, first := createKey(t, keys, wanted("1"))
				_, second, err := keys.Rotate(t.Context(), "user", "1", first.ID, time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				var text string
				var rotated, revoked error
				var wg sync.WaitGroup
				// A rotation ends what the key had succeeded: it has made the
				// successor and waits for that row.
				err = db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
					_, err := tx.ExecContext(ctx, "UPDATE gate_api_keys SET name = name WHERE id = $1", first.ID)
					if err != nil {
						return err
					}
					wg.Go(func() { text, _, rotated = keys.Rotate(t.Context(), "user", "1", second.ID, overlap) })
					waitLocked(t, db, 1)
					wg.Go(func() { _, revoked = revoke(keys, t.Context()) })
					waitLocked(t, db, 2)
					return nil
				})
				wg.Wait()
				if err := errors.Join(err, rotated, revoked); err != nil {
					t.Fatal(err)
				}
				if k, err := keys.Find(t.Context(), text); err == nil {
					t.Errorf("key %s works after all were revoked", k.ID)
				}
				if list, err := keys.List(t.Context(), "user", "1"); len(list) != 0 || err != nil {
					t.Errorf("%d keys are left, %v", len(list), err)
				}
			})
		}
	}
}

// TestKEY03_revokeWhileRotating: whoever rotates a key over and over has none
// when all are revoked.
func TestKEY03_revokeWhileRotating(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		keys := newKeys(t, db, newClock(), accounts.APIKeysConfig{})
		begun := make(chan struct{})
		var wg sync.WaitGroup
		for range 3 {
			_, key := createKey(t, keys, wanted("1"))
			wg.Go(func() {
				for i := 0; ; i++ {
					_, next, err := keys.Rotate(t.Context(), "user", "1", key.ID, 0)
					if i == 5 {
						begun <- struct{}{}
					}
					switch {
					case errors.Is(err, accounts.ErrNoKey) && i > 5:
						return
					case err != nil || i == 1000:
						t.Errorf("rotation %d: %v, want %v after all were revoked", i, err, accounts.ErrNoKey)
						return
					}
					key = next
				}
			})
		}
		for range 3 {
			<-begun
		}
		if _, err := keys.RevokeSubject(t.Context(), "user", "1"); err != nil {
			t.Error(err)
		}
		if list, err := keys.List(t.Context(), "user", "1"); len(list) != 0 || err != nil {
			t.Errorf("%d keys are left, %v", len(list), err)
		}
		wg.Wait()
	})
}

// TestKEY03_createAtOnce: an account has no more than fifty keys, however many
// are asked for at the same time.
func TestKEY03_createAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		keys := newKeys(t, db, newClock(), accounts.APIKeysConfig{})
		var wg sync.WaitGroup
		for range 60 {
			wg.Go(func() {
				_, _, err := keys.Create(t.Context(), wanted("1"))
				if err != nil && !errors.Is(err, accounts.ErrTooManyKeys) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if list, err := keys.List(t.Context(), "user", "1"); len(list) != 50 || err != nil {
			t.Errorf("%d keys, %v, want 50", len(list), err)
		}
	})
}
