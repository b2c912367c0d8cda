package socketio_test

import (
	"context"
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
	"github.com/gatewright/gate/realtime/socketio"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/realtime"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/strategy/jwt"
)

// A shop of notes that belong to somebody.

type note struct {
	ID     int64
	Owner  string
	Text   string
	Remark *string
	Shared *string
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
	}
	return nil
}

func noteEntity() *model.Entity {
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
			View: []string{"owner", "manager"}, List: []string{"owner", "manager"}, Create: []string{"signed-in"},
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
CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, owner_id TEXT NOT NULL REFERENCES users (id), text TEXT NOT NULL, remark TEXT, shared TEXT)`

// people are who there is: name and roles. The password is the name.
type people struct {
	mu       sync.Mutex
	roles    map[string][]string
	sessions map[string]string // id: subject
}

// Subject implements jwt.Subjects.
func (p *people) Subject(_ context.Context, id string) (*gate.Principal, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	roles, ok := p.roles[id]
	if !ok {
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
	return subject != "" && p.sessions[id] == subject, nil
}

func (p *people) End(_ context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions[id] = ""
	return nil
}

type shop struct {
	*people

	svc   *gate.Service
	rt    *realtime.Realtime
	notes *crud.Resource[note]
	users *crud.Resource[user]
	door  *socketio.Server
	url   string
	http  *httptest.Server
}

const origin = "https://shop.example"

func newShop(t testing.TB, change func(*realtime.Config, *gate.Config)) *shop {
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
	}, sessions: map[string]string{}}}
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
		LoadEntity: func(_ context.Context, p *gate.Principal) (any, error) {
			return map[string]string{"id": p.Subject}, nil
		},
		ParseStrategies: []string{"jwt"}, Sessions: s.people, Logger: quiet,
	}
	rc := realtime.Config{Strategies: []string{"jwt"}, Origins: []string{origin}, Logger: quiet}
	if change != nil {
		change(&rc, &gc)
	}
	s.svc, err = gate.New(gc)
	check(t, err)
	check(t, errors.Join(s.svc.Register("jwt", jwt.New(s.svc, s.people, jwt.Config{})), s.svc.Register("local", s.people)))
	check(t, s.svc.Setup())

	policy, err := authz.NewPolicy([]authz.Role{{Name: "clerk"}, {Name: "manager"}})
	check(t, err)
	s.notes, err = crud.New(db, policy, noteEntity(), (*note).pointer)
	check(t, err)
	s.users, err = crud.New(db, policy, userEntity(), (*user).pointer)
	check(t, err)
	check(t, crud.Link(s.notes, s.users))

	rc.Service, rc.Entities = s.svc, []crud.Service{s.notes, s.users}
	s.rt, err = realtime.New(rc)
	check(t, err)
	mux := http.NewServeMux()
	s.door, err = socketio.New(s.rt, socketio.Config{Errors: gate.ErrorWriter{Logger: quiet}})
	check(t, err)
	mux.Handle("/socket.io/", s.door)
	s.http = httptest.NewUnstartedServer(mux)
	s.http.Config.ReadTimeout, s.http.Config.WriteTimeout = 30*time.Second, 60*time.Second
	s.http.Start()
	s.url = s.http.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		check(t, s.rt.Close(ctx))
		check(t, s.door.Close())
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
