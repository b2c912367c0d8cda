package realtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/realtime"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/strategy/jwt"
)

// A shop: items that everybody sees, but their cost only managers; and notes
// that belong to somebody, with a remark that their owners do not see.

type item struct {
	ID, Name string
	Price    int64
	Cost     *int64
}

func (r *item) pointer(f model.FieldID) any {
	switch f {
	case 0:
		return &r.ID
	case 1:
		return &r.Name
	case 2:
		return &r.Price
	case 3:
		return &r.Cost
	}
	return nil
}

func itemEntity() *model.Entity {
	manager := []string{"manager"}
	return &model.Entity{
		Name: "Item", Plural: "Items", Path: "items", Table: "items",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "name", Column: "name", Type: model.Text, Required: true, MinLength: 1, MaxLength: 100},
			{Name: "price", Column: "price", Type: model.Integer, Required: true},
			{Name: "cost", Column: "cost", Type: model.Integer, View: manager, Create: manager, Update: manager},
		},
		Allow: model.Allow{
			View: []string{"public"}, List: []string{"public"}, Create: []string{"clerk", "manager"},
			Update: []string{"clerk", "manager"}, Delete: []string{"manager"},
		},
	}
}

type note struct {
	ID     int64
	Owner  string
	Text   string
	Remark *string
	Shared *string

	Version   int64
	UpdatedAt time.Time
	To        *int64
}

func (r *note) pointer(f model.FieldID) any {
	switch f {
	case 0:
		return &r.ID
	case 1:
		return &r.Owner
	case 2:
		return &r.Text
	case 3:
		return &r.Remark
	case 4:
		return &r.Shared
	case 5:
		return &r.Version
	case 6:
		return &r.UpdatedAt
	case 7:
		return &r.To
	}
	return nil
}

func noteEntity(view ...string) *model.Entity {
	manager := []string{"manager"}
	return &model.Entity{
		Name: "Note", Plural: "Notes", Path: "notes", Table: "notes", Owner: "ownerId",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true},
			{Name: "ownerId", Column: "owner_id", Type: model.Relation, To: "User", ID: model.CUID2, Required: true, Create: manager, Update: manager},
			{Name: "text", Column: "text", Type: model.Text, Required: true, MaxLength: 100},
			{Name: "remark", Column: "remark", Type: model.Text, MaxLength: 100, View: manager, Create: manager, Update: manager},
			{Name: "shared", Column: "shared", Type: model.Text, MaxLength: 100, View: []string{"owner"}},
		},
		Allow: model.Allow{
			View: view, List: view, Create: []string{"signed-in"},
			Update: []string{"owner", "manager"}, Delete: []string{"owner", "manager"},
		},
	}
}

type user struct{ ID string }

func (r *user) pointer(model.FieldID) any { return &r.ID }

func userEntity() *model.Entity {
	owner := []string{"owner"}
	return &model.Entity{
		Name: "User", Plural: "Users", Path: "users", Table: "users", Owner: "id",
		Fields: []model.Field{{Name: "id", Column: "id", Type: model.ID, ID: model.CUID2, Required: true}},
		Allow:  model.Allow{View: owner, List: owner, Create: []string{"nobody"}, Update: owner, Delete: owner},
	}
}

const schema = `
CREATE TABLE users (id TEXT PRIMARY KEY);
CREATE TABLE items (id TEXT PRIMARY KEY, name TEXT NOT NULL, price INTEGER NOT NULL, cost INTEGER);
CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, owner_id TEXT NOT NULL REFERENCES users (id), text TEXT NOT NULL, remark TEXT, shared TEXT,
  version INTEGER NOT NULL DEFAULT 1, updated_at TEXT NOT NULL DEFAULT '2026-01-01T00:00:00.000Z',
  to_id INTEGER REFERENCES notes (id));
CREATE TABLE abouts (from_id INTEGER NOT NULL REFERENCES notes (id), to_id INTEGER NOT NULL REFERENCES notes (id), PRIMARY KEY (from_id, to_id))`

// people are who there is: name and roles. The password is the name.
type people struct {
	mu       sync.Mutex
	roles    map[string][]string
	sessions map[string]string // id: subject
	fault    error             // of the next questions
	asked    int
	ended    func(ctx context.Context, id string) // is told of each end; may be nil
}

func (p *people) set(name string, roles ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.roles[name] = roles
}

func (p *people) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = err
}

// Subject implements jwt.Subjects.
func (p *people) Subject(_ context.Context, id string) (*gate.Principal, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	roles, ok := p.roles[id]
	switch {
	case p.fault != nil:
		return nil, p.fault
	case !ok:
		return nil, gate.ErrNotAuthenticated
	}
	return &gate.Principal{Subject: id, Roles: roles}, nil
}

// Authenticate is a strategy of name and password.
func (p *people) Authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	name, err := c.Text("name")
	if err != nil {
		return nil, err
	}
	password, err := c.Text("password")
	if err != nil {
		return nil, err
	}
	if name != password {
		return nil, gate.ErrInvalidCredentials
	}
	return p.Subject(ctx, name)
}

func (p *people) Create(_ context.Context, s gate.Session) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := "s" + strconv.Itoa(len(p.sessions))
	p.sessions[id] = s.Subject
	return id, nil
}

func (p *people) Active(_ context.Context, id, subject string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return subject != "" && p.sessions[id] == subject, p.fault
}

func (p *people) End(ctx context.Context, id string) error {
	p.mu.Lock()
	p.sessions[id] = ""
	p.mu.Unlock()
	if p.ended != nil {
		p.ended(ctx, id)
	}
	return nil
}

// live returns how many sessions there are that did not end.
func (p *people) live() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, subject := range p.sessions {
		if subject != "" {
			n++
		}
	}
	return n
}

type shop struct {
	*people

	svc   *gate.Service
	rt    *realtime.Realtime
	items *crud.Resource[item]
	notes *crud.Resource[note]
	users *crud.Resource[user]
	url   string
	http  *httptest.Server
	db    *store.DB
}

const origin = "https://shop.example"

func newShop(t testing.TB, change func(*realtime.Config, *gate.Config, *model.Entity)) *shop {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "shop.db"), sqlite.Config{})
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for statement := range strings.SplitSeq(schema, ";\n") {
		_, err := db.Exec(t.Context(), statement)
		check(t, err)
	}
	s := &shop{people: &people{roles: map[string][]string{
		"ann": {}, "bob": {}, "cleo": {"clerk"}, "max": {"manager"},
	}, sessions: map[string]string{}}, db: db}
	for name := range s.roles {
		_, err := db.Exec(t.Context(), "INSERT INTO users VALUES ($1)", name)
		check(t, err)
	}
	quiet := slog.New(slog.DiscardHandler)
	key, err := jose.GenerateKey("1", jose.ES256)
	check(t, err)
	keys, err := jose.NewKeySet(key)
	check(t, err)
	gc := gate.Config{
		Keys: keys, Issuer: "shop", Audience: []string{"shop"}, AuthStrategies: []string{"jwt", "local"},
		ParseStrategies: []string{"jwt"}, Sessions: s.people, Logger: quiet,
	}
	notes := noteEntity("owner", "manager")
	rc := realtime.Config{Strategies: []string{"jwt"}, Origins: []string{origin}, Logger: quiet}
	if change != nil {
		change(&rc, &gc, notes)
	}
	s.svc, err = gate.New(gc)
	check(t, err)
	check(t, errors.Join(s.svc.Register("jwt", jwt.New(s.svc, s.people, jwt.Config{})), s.svc.Register("local", s.people)))
	check(t, s.svc.Setup())

	policy, err := authz.NewPolicy([]authz.Role{{Name: "clerk"}, {Name: "manager"}})
	check(t, err)
	s.items, err = crud.New(db, policy, itemEntity(), (*item).pointer)
	check(t, err)
	s.notes, err = crud.New(db, policy, notes, (*note).pointer)
	check(t, err)
	s.users, err = crud.New(db, policy, userEntity(), (*user).pointer)
	check(t, err)
	check(t, crud.Link(s.items, s.notes, s.users))

	rc.Service, rc.Entities = s.svc, []crud.Service{s.items, s.notes, s.users}
	s.rt, err = realtime.New(rc)
	check(t, err)
	mux := http.NewServeMux()
	mux.Handle("GET /ws", s.rt.WebSocket())
	mux.Handle("GET /events", s.rt.Events())
	s.http = httptest.NewUnstartedServer(mux)
	s.http.Config.ReadTimeout, s.http.Config.WriteTimeout = 2*time.Second, 2*time.Second // of requests, not of streams
	s.http.Start()
	s.url = s.http.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		check(t, s.rt.Close(ctx))
		s.http.Close()
	})
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// token logs somebody in.
func (s *shop) token(t testing.TB, name string) string {
	t.Helper()
	result, err := s.svc.Create(t.Context(), gate.Credentials{Strategy: "local", Fields: map[string]any{"name": name, "password": name}}, gate.External())
	check(t, err)
	return result.AccessToken
}

// as returns the context of somebody's request; the empty name is nobody.
func (s *shop) as(t testing.TB, name string) context.Context {
	t.Helper()
	if name == "" {
		return t.Context()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return gate.ContextWithPrincipal(t.Context(), &gate.Principal{Subject: name, Strategy: "local", Roles: s.roles[name]})
}

func (s *shop) newItem(t testing.TB, body string) string {
	t.Helper()
	row, err := s.items.CreateRow(authz.System(t.Context()), []byte(body), nil)
	check(t, err)
	return row.ID
}

// newNote makes a note of ann's.
func (s *shop) newNote(t testing.TB, text string) string {
	t.Helper()
	row, err := s.notes.CreateRow(s.as(t, "ann"), []byte(`{"text":`+strconv.Quote(text)+`}`), nil)
	check(t, err)
	return row.ID
}

// values decodes an object.
func values(t testing.TB, raw []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return m
}
