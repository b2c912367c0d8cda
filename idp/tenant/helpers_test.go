package tenant_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/store"
)

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func masterSecret() []byte { return bytes.Repeat([]byte("k"), 32) }

func migrate(t testing.TB, db *store.DB) {
	t.Helper()
	if _, err := db.Migrate(t.Context(), tenant.Component, tenant.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, db *store.DB, now func() time.Time) *tenant.Store {
	t.Helper()
	migrate(t, db)
	return openWith(t, db, tenant.Config{Now: now})
}

func openWith(t testing.TB, db *store.DB, cfg tenant.Config) *tenant.Store {
	t.Helper()
	if cfg.Secret == nil {
		cfg.Secret = masterSecret()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := tenant.Open(t.Context(), db, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, s.Close(context.WithoutCancel(t.Context()))) })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, what string, err error, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: %v, want %v", what, err, target)
	}
}

// newUser returns a user of the connection db who logs in by an address.
func newUser(email string) *tenant.User {
	return &tenant.User{Email: email, Name: email, Identities: []tenant.Identity{{
		Connection: "db", Provider: tenant.Database, UserID: tenant.NewSubject(), Email: email, PasswordHash: "hash of " + email,
	}}}
}

func create(t testing.TB, s *tenant.Store, u *tenant.User) *tenant.User {
	t.Helper()
	must(t, s.CreateUser(t.Context(), u))
	return u
}

// family returns the first token of a new family.
func family(t testing.TB, s *tenant.Store, u *tenant.User, change func(*tenant.Family)) (*tenant.Family, secret.String) {
	t.Helper()
	f := &tenant.Family{ID: tenant.NewGrantID(), UserID: u.ID, Epoch: u.Epoch, ClientID: "client", FamilyDetails: tenant.FamilyDetails{Scope: []string{"openid"}}}
	if change != nil {
		change(f)
	}
	app(t, s, f.ClientID)
	text, err := s.CreateFamily(t.Context(), f)
	must(t, err)
	return f, text
}

// app makes a client, if it is not there.
func app(t testing.TB, s *tenant.Store, id string) {
	t.Helper()
	if err := s.Clients.Create(t.Context(), &tenant.Client{ID: id, Name: id}); !errors.Is(err, tenant.ErrExists) {
		must(t, err)
	}
}

func rotating(leeway time.Duration) func(*tenant.Family) (tenant.Use, error) {
	return func(*tenant.Family) (tenant.Use, error) {
		return tenant.Use{Rotate: true, Leeway: leeway, Idle: time.Hour}, nil
	}
}

func ids(users []*tenant.User) (list []string) {
	for _, u := range users {
		list = append(list, u.Email)
	}
	return list
}

func endSession(t *testing.T, s *tenant.Store, id string) {
	t.Helper()
	_, err := s.EndSession(t.Context(), id)
	must(t, err)
}
