package identities_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/identities"
	"github.com/gatewright/gate/store/storetest"
)

const issuer = "https://a.example/"

// each runs a test on a store in each dialect.
func each(t *testing.T, test func(t *testing.T, db *store.DB, s *identities.Store)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if _, err := db.Migrate(t.Context(), identities.Component, identities.Migrations(db.Dialect())); err != nil {
			t.Fatal(err)
		}
		s, err := identities.New(db, identities.Config{})
		if err != nil {
			t.Fatal(err)
		}
		test(t, db, s)
	})
}

// bind binds in a transaction of its own.
func bind(t *testing.T, db *store.DB, s *identities.Store, id identities.Identity) error {
	t.Helper()
	return db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return s.Bind(ctx, tx, id) })
}

// TestCLI05_identity: issuer and subject are one account's, to the byte, and an
// account is one subject's at an issuer.
func TestCLI05_identity(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *identities.Store) {
		at := time.Unix(1700000000, 0)
		if err := bind(t, db, s, identities.Identity{Issuer: issuer, Subject: "auth0|Ada", Entity: "user", Account: "1", ProfileAt: at}); err != nil {
			t.Fatal(err)
		}
		found, err := s.Find(t.Context(), issuer, "auth0|Ada")
		if err != nil || found.Account != "1" || found.Entity != "user" || !found.ProfileAt.Equal(at) {
			t.Errorf("Find = %+v, %v", found, err)
		}
		for _, other := range [][2]string{
			{issuer, "auth0|ada"},
			{"https://a.example", "auth0|Ada"},
			{"https://b.example/", "auth0|Ada"},
			{issuer + "auth0|", "Ada"},
			{issuer, ""},
			{"", ""},
			{issuer, "auth0|Ada "},
			{issuer, "%"},
		} {
			if found, err := s.Find(t.Context(), other[0], other[1]); !errors.Is(err, identities.ErrUnknown) {
				t.Errorf("Find(%q) = %+v, %v", other, found, err)
			}
		}
		for name, tt := range map[string]struct {
			id   identities.Identity
			want error
		}{
			"again":                      {identities.Identity{Issuer: issuer, Subject: "auth0|Ada", Entity: "user", Account: "1"}, identities.ErrTaken},
			"the subject elsewhere":      {identities.Identity{Issuer: issuer, Subject: "auth0|Ada", Entity: "user", Account: "2"}, identities.ErrTaken},
			"the account, same issuer":   {identities.Identity{Issuer: issuer, Subject: "auth0|Eve", Entity: "user", Account: "1"}, identities.ErrTaken},
			"the account, other issuer":  {identities.Identity{Issuer: "https://b.example/", Subject: "7", Entity: "user", Account: "1"}, nil},
			"the number, another entity": {identities.Identity{Issuer: issuer, Subject: "auth0|Bob", Entity: "staff", Account: "1"}, nil},
		} {
			if err := bind(t, db, s, tt.id); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", name, err, tt.want)
			}
		}
		for _, id := range []identities.Identity{
			{Subject: "x", Entity: "user", Account: "9"},
			{Issuer: issuer, Entity: "user", Account: "9"},
			{Issuer: issuer, Subject: "x", Account: "9"},
			{Issuer: issuer, Subject: "x", Entity: "user"},
		} {
			if err := bind(t, db, s, id); err == nil {
				t.Errorf("%+v was bound", id)
			}
		}
	})
}

// TestAUD05_removed: a deleted account leaves nothing readable, and its owner is
// known again until somebody forgets them.
func TestAUD05_removed(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *identities.Store) {
		for i, name := range []string{issuer, "https://b.example/"} {
			if err := bind(t, db, s, identities.Identity{Issuer: name, Subject: fmt.Sprint("ada-", i), Entity: "user", Account: "1"}); err != nil {
				t.Fatal(err)
			}
		}
		remove := func(account string) {
			t.Helper()
			if err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return s.Remove(ctx, tx, "user", account) }); err != nil {
				t.Fatal(err)
			}
		}
		remove("2")
		if _, err := s.Find(t.Context(), issuer, "ada-0"); err != nil {
			t.Errorf("another account was removed: %v", err)
		}
		remove("1")
		remove("1")
		if _, err := s.Find(t.Context(), issuer, "ada-0"); !errors.Is(err, identities.ErrRemoved) {
			t.Errorf("Find = %v", err)
		}
		var subjects string
		rows, err := db.Read().QueryContext(t.Context(), "SELECT subject FROM gate_identities WHERE account IS NULL")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var one string
			if err := rows.Scan(&one); err != nil {
				t.Fatal(err)
			}
			subjects += one
		}
		if err := rows.Err(); err != nil || strings.Contains(subjects, "ada-") || strings.Count(subjects, "removed:") != 2 {
			t.Errorf("what is left: %q, %v", subjects, err)
		}
		// The digest is no key to anything.
		if _, err := s.Find(t.Context(), "https://c.example/", subjects[:72]); !errors.Is(err, identities.ErrUnknown) {
			t.Errorf("the digest at another issuer: %v", err)
		}
		if err := s.Forget(t.Context(), issuer, "ada-0"); err != nil {
			t.Fatal(err)
		}
		if err := bind(t, db, s, identities.Identity{Issuer: issuer, Subject: "ada-0", Entity: "user", Account: "3"}); err != nil {
			t.Error(err)
		}
		if err := s.Forget(t.Context(), issuer, "ada-0"); err != nil {
			t.Fatal(err)
		}
		if found, err := s.Find(t.Context(), issuer, "ada-0"); err != nil || found.Account != "3" {
			t.Errorf("a living account was forgotten: %+v, %v", found, err)
		}
	})
}

// TestAtOnce: of many that bind or grant at once, one wins.
func TestAtOnce(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *identities.Store) {
		var bound, granted atomic.Int64
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				err := bind(t, db, s, identities.Identity{Issuer: issuer, Subject: "ada", Entity: "user", Account: fmt.Sprint(i)})
				if err == nil {
					bound.Add(1)
				} else if !errors.Is(err, identities.ErrTaken) {
					t.Error(err)
				}
				err = db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
					ok, err := s.Grant(ctx, tx, "user", "administrator", fmt.Sprint(i))
					if ok {
						granted.Add(1)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if bound.Load() != 1 || granted.Load() != 1 {
			t.Errorf("%d bound, %d granted", bound.Load(), granted.Load())
		}
		for name, want := range map[string]bool{"administrator": true, "other": false} {
			if got, err := s.Granted(t.Context(), "user", name); got != want || err != nil {
				t.Errorf("Granted(%s) = %t, %v", name, got, err)
			}
		}
		found, err := s.Find(t.Context(), issuer, "ada")
		if err != nil {
			t.Fatal(err)
		}
		var by atomic.Int64
		for range 10 { // the latest token counts once
			all.Go(func() {
				newer, err := s.Updated(t.Context(), issuer, "ada", time.Unix(100, 0))
				if err != nil {
					t.Error(err)
				}
				if newer {
					by.Add(1)
				}
			})
		}
		all.Wait()
		if older, err := s.Updated(t.Context(), issuer, "ada", time.Unix(99, 0)); older || err != nil || by.Load() != 1 {
			t.Errorf("%d updates, an older one %t, %v", by.Load(), older, err)
		}
		if err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			for account, want := range map[string]bool{found.Account: true, "none": false} {
				if got, err := s.Bound(ctx, tx, "user", account); got != want || err != nil {
					t.Errorf("Bound(%s) = %t, %v", account, got, err)
				}
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
}

// TestAway: while the database does not answer nobody is unknown.
func TestAway(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *identities.Store) {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Find(t.Context(), issuer, "ada"); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, identities.ErrUnknown) {
			t.Errorf("Find = %v", err)
		}
		if _, err := s.Granted(t.Context(), "user", "x"); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Granted = %v", err)
		}
	})
	if _, err := identities.New(nil, identities.Config{}); err == nil {
		t.Error("a store without a database")
	}
}

// TestCLI08_unbind: those lose an account whose address nobody verified, and no
// others; or everybody.
func TestCLI08_unbind(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *identities.Store) {
		const other = "https://b.example/"
		for _, id := range []identities.Identity{
			{Issuer: issuer, Subject: "unverified", Entity: "user", Account: "1"},
			{Issuer: other, Subject: "verified", Entity: "user", Account: "1", Verified: true},
			{Issuer: issuer, Subject: "proven later", Entity: "user", Account: "2"},
			{Issuer: issuer, Subject: "of another kind", Entity: "staff", Account: "1"},
		} {
			if err := bind(t, db, s, id); err != nil {
				t.Fatal(err)
			}
		}
		in := func(do func(ctx context.Context, tx *sql.Tx) error) {
			t.Helper()
			if err := db.InTx(t.Context(), do); err != nil {
				t.Fatal(err)
			}
		}
		in(func(ctx context.Context, tx *sql.Tx) error { return s.Prove(ctx, tx, issuer, "proven later") })
		unbind := func(account string, from identities.Circle, want int) {
			t.Helper()
			in(func(ctx context.Context, tx *sql.Tx) error {
				n, err := s.Unbind(ctx, tx, "user", account, from)
				if n != want {
					t.Errorf("%d lost account %s, want %d", n, account, want)
				}
				return err
			})
		}
		unbind("1", identities.Unverified, 1)
		unbind("2", identities.Strangers, 0)
		if _, err := s.Find(t.Context(), issuer, "unverified"); !errors.Is(err, identities.ErrUnknown) {
			t.Errorf("who was not verified: %v", err)
		}
		for subject, from := range map[string]string{"verified": other, "proven later": issuer} {
			if found, err := s.Find(t.Context(), from, subject); err != nil || !found.Verified {
				t.Errorf("%s: %+v, %v", subject, found, err)
			}
		}
		unbind("1", identities.Everybody, 1)
		if _, err := s.Find(t.Context(), other, "verified"); !errors.Is(err, identities.ErrUnknown) {
			t.Errorf("after everybody lost it: %v", err)
		}
		if found, err := s.Find(t.Context(), issuer, "of another kind"); err != nil || found.Verified {
			t.Errorf("an account of another kind: %+v, %v", found, err)
		}
		// What was verified is not the address of another one.
		in(func(ctx context.Context, tx *sql.Tx) error { return s.Moved(ctx, tx, "user", "2") })
		if found, err := s.Find(t.Context(), issuer, "proven later"); err != nil || found.Verified {
			t.Errorf("after the account got another address: %+v, %v", found, err)
		}
		unbind("2", identities.Unverified, 0)
		unbind("2", identities.Strangers, 1)
	})
}
