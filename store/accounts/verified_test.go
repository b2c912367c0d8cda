package accounts_test

import (
	"errors"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/accounts"
	"github.com/gatewright/gate/store/storetest"
)

func TestOTP08_verified(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if _, err := db.Migrate(t.Context(), accounts.Component, accounts.Migrations(db.Dialect())); err != nil {
			t.Fatal(err)
		}
		v, err := accounts.NewVerified(db, accounts.VerifiedConfig{})
		if err != nil {
			t.Fatal(err)
		}
		is := func(entity, subject, address string, want bool) {
			t.Helper()
			if got, err := v.Is(t.Context(), entity, subject, address); got != want || err != nil {
				t.Errorf("Is(%q, %q, %q) = %t, %v", entity, subject, address, got, err)
			}
		}
		is("user", "1", "a@example.com", false)
		for _, address := range []string{"a@example.com", "a@example.com", "b@example.com"} {
			if err := v.Set(t.Context(), "user", "1", address); err != nil {
				t.Fatal(err)
			}
			is("user", "1", address, true)
		}
		is("user", "1", "a@example.com", false)
		is("user", "1", "B@example.com", false)
		is("user", "1", "", false)
		is("staff", "1", "b@example.com", false)
		is("user", "2", "b@example.com", false)
		if err := v.Clear(t.Context(), "user", "1"); err != nil {
			t.Fatal(err)
		}
		is("user", "1", "b@example.com", false)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Is(t.Context(), "user", "1", "b@example.com"); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("closed database: %v", err)
		}
	})
	if _, err := accounts.NewVerified(nil, accounts.VerifiedConfig{}); err == nil {
		t.Error("a store without a database")
	}
}

// TestCLI08_owned: an address is owned as it was set, and stays so while it is the
// same.
func TestCLI08_owned(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if _, err := db.Migrate(t.Context(), accounts.Component, accounts.Migrations(db.Dialect())); err != nil {
			t.Fatal(err)
		}
		v, err := accounts.NewVerified(db, accounts.VerifiedConfig{})
		if err != nil {
			t.Fatal(err)
		}
		const a, b = "a@example.com", "b@example.com"
		for i, step := range []struct {
			set     func() error
			address string
			want    bool
		}{
			{func() error { return nil }, a, false},
			{func() error { return v.Set(t.Context(), "user", "1", a) }, a, false},
			{func() error { return v.SetOwned(t.Context(), "user", "1", a) }, a, true},
			{func() error { return v.Set(t.Context(), "user", "1", a) }, a, true},
			{func() error { return nil }, b, false},
			{func() error { return v.Set(t.Context(), "user", "1", b) }, b, false},
			{func() error { return v.Set(t.Context(), "user", "1", a) }, a, false},
		} {
			if err := step.set(); err != nil {
				t.Fatal(err)
			}
			if got, err := v.Owned(t.Context(), "user", "1", step.address); got != step.want || err != nil {
				t.Errorf("step %d: Owned = %t, %v", i, got, err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Owned(t.Context(), "user", "1", a); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("closed database: %v", err)
		}
	})
}
