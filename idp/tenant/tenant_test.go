package tenant_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func open(t *testing.T, db *store.DB, now func() time.Time) *tenant.Store {
	t.Helper()
	if _, err := db.Migrate(t.Context(), tenant.Component, tenant.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
	s, err := tenant.Open(t.Context(), db, tenant.Config{Secret: bytes.Repeat([]byte("k"), 32), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	return s
}

func TestRefresh(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		s := open(t, db, func() time.Time { return now })
		ctx := t.Context()
		u := &tenant.User{Email: "ada@example.com", Identities: []tenant.Identity{{Connection: "db", Provider: "auth0", UserID: tenant.NewSubject(), Email: "ada@example.com"}}}
		if err := s.CreateUser(ctx, u); err != nil {
			t.Fatal(err)
		}
		f := &tenant.Family{ID: tenant.NewGrantID(), UserID: u.ID, ClientID: "c", FamilyDetails: tenant.FamilyDetails{Scope: []string{"openid"}}}
		first, err := s.CreateFamily(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		use := func(*tenant.Family) (tenant.Use, error) {
			return tenant.Use{Rotate: true, Leeway: 10 * time.Second, Idle: time.Hour}, nil
		}
		_, second, err := s.UseRefreshToken(ctx, first, "c", use)
		if err != nil {
			t.Fatal(err)
		}
		if _, again, err := s.UseRefreshToken(ctx, first, "c", use); err != nil || again != second {
			t.Fatalf("within the leeway: %v, same %v", err, again == second)
		}
		if _, _, err := s.UseRefreshToken(ctx, second, "other", use); !errors.Is(err, tenant.ErrNotFound) {
			t.Fatalf("by another client: %v", err)
		}
		now = now.Add(11 * time.Second)
		if _, _, err := s.UseRefreshToken(ctx, first, "c", use); !errors.Is(err, tenant.ErrReused) {
			t.Fatalf("after the leeway: %v", err)
		}
		if _, _, err := s.UseRefreshToken(ctx, second, "c", use); !errors.Is(err, tenant.ErrNotFound) {
			t.Fatalf("after reuse: %v", err)
		}
	})
}

func TestCollection_extra(t *testing.T) {
	s := open(t, storetest.SQLite(t), nil)
	c := new(tenant.Client)
	if err := c.UnmarshalJSON([]byte(`{"client_id":"c1","client_secret":"hush","name":"Web","mobile":{"ios":{"team_id":"x"}}}`)); err != nil {
		t.Fatal(err)
	}
	if err := s.Clients.Create(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	got, err := s.Clients.Get(t.Context(), "c1")
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Extra["mobile"]) != `{"ios":{"team_id":"x"}}` || got.Secret != "hush" {
		t.Fatalf("got %+v", got)
	}
	if err := s.Clients.Create(t.Context(), c); !errors.Is(err, tenant.ErrExists) {
		t.Fatalf("twice: %v", err)
	}
}
