package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/audit"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/strategy/jwt"
	"github.com/gatewright/gate/strategy/local"
)

// both is an Auth over members, who are the accounts, and guests.
type both struct {
	*auth.Auth

	db              *store.DB
	members, guests *crud.Resource[member]
}

// openBoth opens it on a database. change may change what would be right.
func openBoth(t *testing.T, file string, change func(*auth.Config, *model.Entity)) (*both, error) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), file, sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	table := func(name string) string {
		return `CREATE TABLE "` + name + `" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "login" TEXT NOT NULL COLLATE NOCASE UNIQUE, "password" TEXT, "roles" TEXT);`
	}
	if _, err := db.Migrate(t.Context(), "app", []store.Migration{{Version: 1, Name: "init", SQL: table("members") + table("guests")}}); err != nil {
		t.Fatal(err)
	}
	policy, err := authz.NewPolicy([]authz.Role{{Name: "member", Default: true}, {Name: "admin", Permissions: []string{"a:b"}}, {Name: "guest", Entity: "Guest", Default: true}})
	if err != nil {
		t.Fatal(err)
	}
	entity := func(name string, in bool) *model.Entity {
		return &model.Entity{
			Name: name, Plural: name + "s", Path: strings.ToLower(name) + "s", Table: strings.ToLower(name) + "s", LogsIn: in,
			Allow: model.Allow{Update: []string{"admin"}, View: []string{"admin"}, Delete: []string{"admin"}},
			Fields: []model.Field{
				{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true, ReadOnly: true},
				{Name: "login", Column: "login", Type: model.Username, Required: true, Unique: true},
				{Name: "password", Column: "password", Type: model.Password},
				{Name: "roles", Column: "roles", Type: model.Roles},
			},
		}
	}
	b := &both{db: db}
	guest := entity("Guest", true)
	cfg := auth.Config{
		Entity: "member", Login: "login", Password: "password", Roles: "roles", JWT: &auth.JWT{Algorithm: jose.HS256}, APIKeys: &auth.APIKeys{},
		Also: []auth.Also{{Entity: "guest", Strategy: "local-guest", Login: "login", Password: "password", Roles: "roles"}},
		Strategies: func(a *auth.Auth) error {
			return errors.Join(
				a.Register("jwt", jwt.New(a.Service(), a.Accounts(), jwt.Config{})),
				a.Register("local", local.New(a.Accounts(), a.Passwords(), local.Config{UsernameField: "login", Throttle: a.Throttle()})),
				a.Register("local-guest", local.New(a.AccountsOf("Guest"), a.Passwords(), local.Config{UsernameField: "login", Throttle: a.ThrottleOf("Guest")})),
			)
		},
	}
	if change != nil {
		change(&cfg, guest)
	}
	for _, c := range cfg.Components(db.Dialect()) {
		if _, err := db.Migrate(t.Context(), c.Name, c.Migrations); err != nil {
			t.Fatal(err)
		}
	}
	b.Auth, err = auth.New(t.Context(), cfg, auth.Options{
		Service: "club", Settings: &config.Config{AuthSecret: "vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA"}, DB: db, Policy: policy, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	for e, r := range map[*model.Entity]**crud.Resource[member]{entity("Member", false): &b.members, guest: &b.guests} {
		if *r, err = crud.New(db, policy, e, (*member).pointer); err != nil {
			t.Fatal(err)
		}
		hasher, err := auth.NewHasher(b.Auth, "club", "password")
		if err != nil {
			t.Fatal(err)
		}
		(*r).UsePasswords(hasher)
	}
	if err := crud.Link(b.members, b.guests); err != nil {
		t.Fatal(err)
	}
	return b, errors.Join(b.Use(b.members, b.guests), b.Setup())
}

func mustBoth(t *testing.T, file string) *both {
	t.Helper()
	b, err := openBoth(t, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// meet makes member 1 and guest 1, who have the same name and password.
func (b *both) meet(t *testing.T) {
	t.Helper()
	for _, r := range []*crud.Resource[member]{b.members, b.guests} {
		if _, err := r.CreateRow(authz.System(t.Context()), []byte(`{"login":"ada","password":"correct horse battery staple"}`), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func (b *both) logIn(t *testing.T, strategy string) *gate.Result {
	t.Helper()
	c := gate.Credentials{Strategy: strategy}
	c.SetText("login", "ada")
	c.SetText("password", "correct horse battery staple")
	r, err := b.Service().Create(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAlso_subjects has accounts of two entities with the same id, each by its own
// subject and with its own roles, whatever stands in the table.
func TestAlso_subjects(t *testing.T) {
	b := mustBoth(t, filepath.Join(t.TempDir(), "test.db"))
	b.meet(t)
	if _, err := b.db.Exec(t.Context(), `UPDATE guests SET roles = '["admin","guest","member"]'`); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ strategy, subject, roles, entity string }{
		{"local", "1", "member", "member"}, {"local-guest", "Guest/1", "guest", "guest"},
	} {
		r := b.logIn(t, tt.strategy)
		if p := r.Principal; p.Subject != tt.subject || strings.Join(p.Roles, " ") != tt.roles || r.EntityName != tt.entity {
			t.Errorf("%s: %q with %v, as %s", tt.strategy, p.Subject, p.Roles, r.EntityName)
		}
		p, err := b.Accounts().Subject(t.Context(), tt.subject)
		if err != nil || p.Subject != tt.subject || strings.Join(p.Roles, " ") != tt.roles {
			t.Errorf("Subject(%s) = %+v, %v", tt.subject, p, err)
		}
		if mine, err := b.Accounts().Proof(t.Context(), tt.subject); err != nil || mine != r.Principal.Proof {
			t.Errorf("Proof(%s): %v", tt.subject, err)
		}
	}
	for _, id := range []string{"2", "Guest/2", "Guest/", "Guest", "guest/1", "Guest/1/", "Guest//1", "/1", "Guest/Guest/1", "Member/1", "Guest/01", "Guest/1 ", " Guest/1"} {
		if p, err := b.Accounts().Subject(t.Context(), id); p != nil || !errors.Is(err, gate.ErrNotAuthenticated) {
			t.Errorf("Subject(%q) = %v, %v", id, p, err)
		}
		if p, err := b.AccountsOf("Guest").Subject(t.Context(), id); p != nil || !errors.Is(err, gate.ErrNotAuthenticated) {
			t.Errorf("Subject(%q) of guests = %v, %v", id, p, err)
		}
	}
	if p, err := b.AccountsOf("Guest").Subject(t.Context(), "1"); p != nil || !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("a member among the guests: %v, %v", p, err)
	}
	if b.AccountsOf("Member") != nil || b.AccountsOf("") != nil {
		t.Error("the accounts are those of an entity beside them")
	}
}

// TestAlso_moved: a role that rows hold belongs to the accounts now. Who holds it there
// takes it away, changes how such a row logs in, and deletes it; nobody else does.
func TestAlso_moved(t *testing.T) {
	b := mustBoth(t, filepath.Join(t.TempDir(), "test.db"))
	b.meet(t)
	if _, err := b.db.Exec(t.Context(), `UPDATE guests SET roles = '["admin","guest"]'`); err != nil {
		t.Fatal(err)
	}
	as := func(subject string, roles ...string) context.Context {
		return gate.ContextWithPrincipal(t.Context(), &gate.Principal{Subject: subject, Strategy: "local", Roles: roles, AuthenticatedAt: time.Now()})
	}
	admin := as("7", "member", "admin", "guest")
	for _, body := range []string{`{"login":"eve"}`, `{"roles":["guest"]}`} {
		if _, err := b.guests.PatchRow(as("Guest/2", "guest"), "1", []byte(body), nil); err == nil {
			t.Errorf("a guest: %s is done", body)
		}
	}
	if _, err := b.guests.PatchRow(admin, "1", []byte(`{"login":"eve"}`), nil); err != nil {
		t.Errorf("another name: %v", err)
	}
	if _, err := b.guests.PatchRow(admin, "1", []byte(`{"roles":["admin"]}`), nil); err == nil {
		t.Error("a guest gets a role of the accounts")
	}
	if _, err := b.guests.PatchRow(admin, "1", []byte(`{"roles":["guest"]}`), nil); err != nil {
		t.Errorf("without the role: %v", err)
	}
	if _, err := b.db.Exec(t.Context(), `UPDATE guests SET roles = '["admin"]'`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.guests.RemoveRow(admin, "1", nil); err != nil {
		t.Errorf("the end: %v", err)
	}
}

// TestAlso_trail writes about each what happened to each, under the entity whose row it
// is; a refusal of nobody is that of the log-in.
func TestAlso_trail(t *testing.T) {
	b := mustBoth(t, filepath.Join(t.TempDir(), "test.db"))
	b.meet(t)
	b.logIn(t, "local-guest")
	if _, err := b.guests.PatchRow(authz.System(t.Context()), "1", []byte(`{"password":"another horse battery staple"}`), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.guests.RemoveRow(authz.System(t.Context()), "1", nil); err != nil {
		t.Fatal(err)
	}
	b.logIn(t, "local")
	for _, strategy := range []string{"local", "local-guest"} {
		c := gate.Credentials{Strategy: strategy}
		c.SetText("login", "nobody")
		c.SetText("password", "correct horse battery staple")
		if _, err := b.Service().Create(t.Context(), c); !errors.Is(err, gate.ErrInvalidCredentials) {
			t.Fatalf("%s: nobody: %v", strategy, err)
		}
	}
	if err := b.Trail().Close(t.Context()); err != nil { // everything is written then
		t.Fatal(err)
	}
	for entity, want := range map[string][]string{
		"member": {"account.create of 1", "login of ", "login of 1"},
		"guest":  {"account.create of Guest/1", "account.delete of Guest/1", "login of ", "login of Guest/1", "password.change of Guest/1"},
	} {
		entries, err := b.Trail().List(t.Context(), audit.Filter{Entity: entity})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Action+" of "+e.Subject)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("of the entity %s: %q, want %q", entity, got, want)
		}
	}
}

// TestAlso_exchanged: the entities change places, and with them who has the id as
// subject. What members had opens nothing as guests then.
func TestAlso_exchanged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "test.db")
	before := mustBoth(t, file)
	before.meet(t)
	token := before.logIn(t, "local")
	after, err := openBoth(t, file, func(c *auth.Config, guest *model.Entity) {
		c.Entity, c.Also[0].Entity = "guest", "member"
	})
	if err != nil {
		t.Fatal(err)
	}
	for of, want := range map[*both]bool{before: true, after: false} {
		if active, err := of.Sessions().Active(t.Context(), token.Principal.SessionID, "1"); active != want || err != nil {
			t.Errorf("a session of member 1: %t, want %t, %v", active, want, err)
		}
	}
}

// TestAlso_refused opens nothing that would be half of it.
func TestAlso_refused(t *testing.T) {
	for name, change := range map[string]func(*auth.Config, *model.Entity){
		"letters": func(c *auth.Config, _ *model.Entity) { c.Letters = &auth.Letters{} },
		"an issuer": func(c *auth.Config, _ *model.Entity) {
			c.OIDC = &auth.OIDC{Issuer: "https://issuer.example", Audience: "club"}
		},
		"no login":     func(c *auth.Config, _ *model.Entity) { c.Also[0].Login = "" },
		"no password":  func(c *auth.Config, _ *model.Entity) { c.Also[0].Password = "" },
		"no roles":     func(c *auth.Config, _ *model.Entity) { c.Also[0].Roles = "" },
		"the same key": func(c *auth.Config, _ *model.Entity) { c.Also[0].Entity = "member" },
		"a taken key":  func(c *auth.Config, _ *model.Entity) { c.Also[0].Entity = "accessToken" },
		"one too many": func(c *auth.Config, _ *model.Entity) {
			c.Also = append(c.Also, auth.Also{Entity: "x", Login: "login", Password: "password", Roles: "roles"})
		},
		"one too few":   func(c *auth.Config, _ *model.Entity) { c.Also = nil },
		"tenants":       func(_ *auth.Config, guest *model.Entity) { guest.Tenant = "id" },
		"it says so":    func(_ *auth.Config, guest *model.Entity) { guest.LogsIn = false },
		"another field": func(c *auth.Config, _ *model.Entity) { c.Also[0].Login = "name" },
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := openBoth(t, filepath.Join(t.TempDir(), "test.db"), change); err == nil {
				t.Error("it opens")
			}
		})
	}
}
