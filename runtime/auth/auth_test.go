package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
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
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/strategy/basic"
	"github.com/gatewright/gate/strategy/jwt"
	"github.com/gatewright/gate/strategy/local"
)

// The strategies and this package meet in these shapes, and know nothing else of
// each other.
var (
	_ local.Users  = (*auth.Accounts)(nil)
	_ basic.Users  = (*auth.Accounts)(nil)
	_ jwt.Subjects = (*auth.Accounts)(nil)
)

type member struct {
	ID       int64
	Login    string
	Password *string
	Roles    []string
	Nick     *string
	ClubID   *int64
}

type club struct{ ID int64 }

func (c *club) pointer(model.FieldID) any { return &c.ID }

func (m *member) pointer(f model.FieldID) any {
	switch f {
	case 0:
		return &m.ID
	case 1:
		return &m.Login
	case 2:
		return &m.Password
	case 3:
		return &m.Roles
	case 4:
		return &m.Nick
	case 5:
		return &m.ClubID
	}
	return nil
}

// a system is an Auth over members in a database.
type system struct {
	*auth.Auth

	db      *store.DB
	members *crud.Resource[member]
	now     *atomic.Int64
}

func newSystem(t *testing.T, change func(*auth.Config)) (*system, error) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.Migrate(t.Context(), "app", []store.Migration{{Version: 1, Name: "init", SQL: `CREATE TABLE "members" (
		"id" INTEGER PRIMARY KEY AUTOINCREMENT, "login" TEXT NOT NULL COLLATE NOCASE UNIQUE, "password" TEXT, "roles" TEXT, "nick" TEXT, "club_id" INTEGER REFERENCES "clubs" ("id"));
		CREATE TABLE "clubs" ("id" INTEGER PRIMARY KEY AUTOINCREMENT);
		INSERT INTO "clubs" VALUES (7), (8);`}})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := authz.NewPolicy([]authz.Role{{Name: "member", Default: true}, {Name: "admin", Permissions: []string{"a:b"}}})
	if err != nil {
		t.Fatal(err)
	}
	s := &system{db: db, now: new(atomic.Int64)}
	s.now.Store(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).Unix())
	cfg := auth.Config{
		Entity: "member", Login: "login", Password: "password", Roles: "roles",
		JWT: &auth.JWT{Algorithm: jose.HS256},
		Strategies: func(a *auth.Auth) error {
			users := a.Accounts()
			passwords := local.New(users, a.Passwords(), local.Config{UsernameField: "login", Throttle: a.Throttle()})
			return errors.Join(
				a.Register("jwt", jwt.New(a.Service(), a.Accounts(), jwt.Config{})),
				a.Register("local", passwords),
				a.Register("basic", basic.New(passwords, users, basic.Config{})),
			)
		},
	}
	if change != nil {
		change(&cfg)
	}
	for _, c := range cfg.Components(db.Dialect()) {
		if _, err := db.Migrate(t.Context(), c.Name, c.Migrations); err != nil {
			t.Fatal(err)
		}
	}
	s.Auth, err = auth.New(t.Context(), cfg, auth.Options{
		Service: "club", Settings: &config.Config{AuthSecret: "vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA"}, DB: db, Policy: policy,
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Unix(s.now.Load(), 0) },
	})
	if err != nil {
		return nil, err
	}
	s.members, err = crud.New(db, policy, &model.Entity{
		Name: "Member", Plural: "Members", Path: "members", Table: "members", Tenant: "clubId",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true, ReadOnly: true},
			{Name: "login", Column: "login", Type: model.Username, Required: true, Unique: true},
			{Name: "password", Column: "password", Type: model.Password},
			{Name: "roles", Column: "roles", Type: model.Roles},
			{Name: "nick", Column: "nick", Type: model.Text},
			{Name: "clubId", Column: "club_id", Type: model.Relation, ID: model.Serial, To: "Club", View: []string{"nobody"}},
		},
	}, (*member).pointer)
	if err != nil {
		t.Fatal(err)
	}
	clubs, err := crud.New(db, policy, &model.Entity{
		Name: "Club", Plural: "Clubs", Path: "clubs", Table: "clubs",
		Fields: []model.Field{{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true, ReadOnly: true}},
	}, (*club).pointer)
	if err != nil {
		t.Fatal(err)
	}
	hasher, err := auth.NewHasher(s.Auth, "club", "password")
	if err != nil {
		t.Fatal(err)
	}
	s.members.UsePasswords(hasher)
	if err := crud.Link(s.members, clubs); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s, errors.Join(s.Use(s.members), s.Setup())
}

// add makes a member past the resource, so that nobody is told.
func (s *system) add(t *testing.T, login, hash, roles string) {
	t.Helper()
	if _, err := s.db.Exec(t.Context(), `INSERT INTO members (login, password, roles) VALUES ($1, $2, $3)`, login, hash, roles); err != nil {
		t.Fatal(err)
	}
}

func mustSystem(t *testing.T, change func(*auth.Config)) *system {
	t.Helper()
	s, err := newSystem(t, change)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAccounts_subject(t *testing.T) {
	s := mustSystem(t, nil)
	s.add(t, "ada", "hash", `["admin","member"]`)
	p, err := s.Accounts().Subject(t.Context(), "1")
	if err != nil || p.Subject != "1" || !slices.Equal(p.Roles, []string{"admin", "member"}) {
		t.Errorf("Subject = %+v, %v", p, err)
	}
	for _, id := range []string{"2", "", "0", "-1", "01", "+1", "1.0", "1 ", "x", "1' OR '1'='1", "99999999999999999999", "0198c1f0-0000-7000-8000-000000000000"} {
		if p, err := s.Accounts().Subject(t.Context(), id); p != nil || !errors.Is(err, gate.ErrNotAuthenticated) {
			t.Errorf("Subject(%q) = %v, %v", id, p, err)
		}
	}
}

func TestAccounts_byLogin(t *testing.T) {
	s := mustSystem(t, nil)
	s.add(t, "Ada", "hash", `["admin"]`)
	users := s.Accounts()
	for _, name := range []string{"Ada", "ada", "ADA"} {
		a, err := users.ByLogin(t.Context(), name)
		if err != nil || a.Subject != "1" || a.PasswordHash != "hash" || a.Disabled || !slices.Equal(a.Roles, []string{"admin"}) {
			t.Errorf("ByLogin(%q) = %+v, %v", name, a, err)
		}
	}
	for _, name := range []string{"", "ad", "ada ", "%", "a_a", "ada\x00", "' OR 1=1 --"} {
		if a, err := users.ByLogin(t.Context(), name); a != nil || !errors.Is(err, gate.ErrNotAuthenticated) {
			t.Errorf("ByLogin(%q) = %v, %v", name, a, err)
		}
	}
}

// TestAccounts_noRolesField: accounts whose entity keeps no roles have the
// default ones.
func TestAccounts_noRolesField(t *testing.T) {
	s := mustSystem(t, func(c *auth.Config) { c.Roles = "" })
	s.add(t, "ada", "hash", `["admin"]`)
	if p, err := s.Accounts().Subject(t.Context(), "1"); err != nil || !slices.Equal(p.Roles, []string{"member"}) {
		t.Errorf("Subject = %+v, %v", p, err)
	}
}

// TestAUZ16_cache: what another process changed is seen within five seconds,
// what this one did at once.
func TestAUZ16_cache(t *testing.T) {
	s := mustSystem(t, nil)
	s.add(t, "ada", "hash", `["admin"]`)
	roles := func() []string {
		t.Helper()
		p, err := s.Accounts().Subject(t.Context(), "1")
		if err != nil {
			t.Fatal(err)
		}
		a, err := s.Auth.Accounts().ByLogin(t.Context(), "ada")
		if err != nil || !slices.Equal(a.Roles, p.Roles) {
			t.Fatalf("ByLogin = %+v, %v; Subject has %v", a, err, p.Roles)
		}
		return p.Roles
	}
	roles()
	if _, err := s.db.Exec(t.Context(), `UPDATE members SET roles = '[]'`); err != nil {
		t.Fatal(err)
	}
	s.now.Add(4)
	roles() // remembered or not: both are right
	s.now.Add(1)
	if got := roles(); len(got) != 0 {
		t.Errorf("after five seconds the roles are %v", got)
	}
	if _, err := s.members.PatchRow(authz.System(t.Context()), "1", []byte(`{"roles":["member"]}`), nil); err != nil {
		t.Fatal(err)
	}
	if got := roles(); !slices.Equal(got, []string{"member"}) {
		t.Errorf("after a change here the roles are %v", got)
	}
	if _, err := s.members.RemoveRow(authz.System(t.Context()), "1", nil); err != nil {
		t.Fatal(err)
	}
	if p, err := s.Accounts().Subject(t.Context(), "1"); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("after its end the account is %v, %v", p, err)
	}
}

// TestLOG16_undecided: a database that does not answer is no refusal.
func TestLOG16_undecided(t *testing.T) {
	s := mustSystem(t, nil)
	s.add(t, "ada", "hash", `not a list`)
	if _, err := s.Accounts().Subject(t.Context(), "1"); err == nil || errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("roles that cannot be read: %v", err)
	}
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Accounts().Subject(t.Context(), "1"); !errors.Is(err, store.ErrUnavailable) || errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("closed database: %v", err)
	}
	if _, err := s.Auth.Accounts().ByLogin(t.Context(), "ada"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("closed database: %v", err)
	}
}

// TestPWD08_replaceHash: a new hash takes the place of the very one it was made
// for, and of no other.
func TestPWD08_replaceHash(t *testing.T) {
	s := mustSystem(t, nil)
	s.add(t, "ada", "old", `[]`)
	users := s.Accounts()
	hash := func() string {
		t.Helper()
		a, err := users.ByLogin(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		return a.PasswordHash
	}
	hash()
	for _, tt := range []struct{ subject, old, next, want string }{
		{"1", "other", "new", "old"},
		{"2", "old", "new", "old"},
		{"x", "old", "new", "old"},
		{"1", "old", "new", "new"},
		{"1", "old", "newer", "new"},
	} {
		if err := users.ReplaceHash(t.Context(), tt.subject, tt.old, tt.next); err != nil {
			t.Fatal(err)
		}
		if got := hash(); got != tt.want {
			t.Errorf("%+v: the hash is %q", tt, got)
		}
	}
}

// TestPWD12_otherLogin: the administrator of a service whose accounts have user
// names.
func TestPWD12_otherLogin(t *testing.T) {
	s := mustSystem(t, nil)
	file := filepath.Join(t.TempDir(), ".gate", "admin.json")
	admin, err := s.FirstAdministrator(t.Context(), file)
	if err != nil || admin == nil || admin.Login != "admin" {
		t.Fatalf("FirstAdministrator = %v, %v", admin, err)
	}
	p, err := s.Service().Authenticate(t.Context(), gate.Credentials{
		Strategy: "local", Fields: map[string]any{"login": "admin", "password": admin.Password.Reveal()},
	})
	if err != nil || !p.HasRole("admin") || !p.HasRole("member") || !p.HasPermission("a:b") {
		t.Errorf("Authenticate = %+v, %v", p, err)
	}
	if again, err := s.FirstAdministrator(t.Context(), file); again != nil || err != nil {
		t.Errorf("a second time: %v, %v", again, err)
	}
}

// TestStaleRoles: the first administrator holds every role, also when the design has
// one less; the statement of the warning takes it away.
func TestStaleRoles(t *testing.T) {
	s := mustSystem(t, nil)
	stale := func() string {
		t.Helper()
		text, err := s.StaleRoles(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if got := stale(); got != "" {
		t.Errorf("nobody is there: %s", got)
	}
	if _, err := s.FirstAdministrator(t.Context(), filepath.Join(t.TempDir(), "admin.json")); err != nil {
		t.Fatal(err)
	}
	if got := stale(); got != "" {
		t.Errorf("all are known: %s", got)
	}
	s.add(t, "other", "", `["cook"]`)
	if _, err := s.db.Exec(t.Context(), `UPDATE members SET roles = '["admin","cook","member","baker"]' WHERE login = 'admin'`); err != nil {
		t.Fatal(err)
	}
	about, statement, _ := strings.Cut(stale(), "in the database: ")
	if !strings.HasPrefix(about, "admin still holds cook, baker, which the design does not have") {
		t.Errorf("%q", about)
	}
	if _, err := s.db.Exec(t.Context(), statement); err != nil {
		t.Errorf("%s: %v", statement, err)
	}
	var roles string
	if err := s.db.Read().QueryRowContext(t.Context(), "SELECT roles FROM members WHERE login = 'admin'").Scan(&roles); err != nil || roles != `["admin","member"]` {
		t.Errorf("roles %s, %v", roles, err)
	}
	if got := stale(); got != "" {
		t.Errorf("mended: %s", got)
	}
}

func TestNew_refuses(t *testing.T) {
	for name, change := range map[string]func(*auth.Config){
		"no login":          func(c *auth.Config) { c.Login = "" },
		"no strategies":     func(c *auth.Config) { c.Strategies = nil },
		"no such field":     func(c *auth.Config) { c.Login = "email" },
		"no such password":  func(c *auth.Config) { c.Password = "pin" },
		"no such roles":     func(c *auth.Config) { c.Roles = "groups" },
		"algorithm none":    func(c *auth.Config) { c.JWT.Algorithm = "none" },
		"secret too short":  func(c *auth.Config) { c.JWT.Algorithm = jose.HS512 },
		"no key file":       func(c *auth.Config) { c.JWT.Algorithm = jose.RS256 },
		"strategy refuses":  func(c *auth.Config) { c.Strategies = func(*auth.Auth) error { return errors.New("no") } },
		"token of no time":  func(c *auth.Config) { c.JWT.ExpiresIn = time.Millisecond },
		"name of an answer": func(c *auth.Config) { c.Entity = "accessToken" },
		"letters by none":   func(c *auth.Config) { c.Letters = &auth.Letters{} },
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := newSystem(t, change); err == nil {
				t.Error("not refused")
			}
		})
	}
}

func TestJWT_secretBytes(t *testing.T) {
	for alg, want := range map[jose.Algorithm]int{jose.HS256: 32, jose.HS384: 48, jose.HS512: 64, jose.RS256: 0, jose.EdDSA: 0} {
		if got := (&auth.JWT{Algorithm: alg}).SecretBytes(); got != want {
			t.Errorf("%s: %d, want %d", alg, got, want)
		}
	}
	if got := (*auth.JWT)(nil).SecretBytes(); got != 0 {
		t.Errorf("no tokens: %d", got)
	}
}
