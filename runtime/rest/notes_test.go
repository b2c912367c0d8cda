package rest_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/idempotency"
)

// Notes belong to who made them; editors see all, and what is said of them.

type Note struct {
	ID       string
	Title    string
	Remark   *string
	AuthorID *string
	Version  int64
	Deleted  *time.Time
}

const (
	NoteID model.FieldID = iota
	NoteTitle
	NoteRemark
	NoteAuthor
	NoteVersion
	NoteDeleted
)

func (r *Note) pointer(f model.FieldID) any {
	return []any{&r.ID, &r.Title, &r.Remark, &r.AuthorID, &r.Version, &r.Deleted}[f]
}

type User struct{ ID string }

func (r *User) pointer(model.FieldID) any { return &r.ID }

func noteEntity() *model.Entity {
	return &model.Entity{
		Name: "Note", Plural: "Notes", Path: "notes", Table: "notes", Owner: "authorId", Version: "version", SoftDelete: "deletedAt",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "title", Column: "title", Type: model.Text, Required: true, MaxLength: 100, Unique: true},
			{Name: "remark", Column: "remark", Type: model.Text, MaxLength: 100, View: []string{"editor"}},
			{Name: "authorId", Column: "author_id", Type: model.Relation, To: "User"},
			{Name: "version", Column: "version", Type: model.Integer, Required: true, ReadOnly: true, Default: int64(1)},
			{Name: "deletedAt", Column: "deleted_at", Type: model.DateTime, ReadOnly: true, View: []string{"nobody"}},
		},
		Allow: model.Allow{
			View: []string{"owner", "editor"}, List: []string{"owner", "editor"}, Create: []string{"signed-in"},
			Update: []string{"owner", "editor"}, Delete: []string{"owner", "editor"},
		},
	}
}

// notes is a service of notes.
type notes struct {
	t     *testing.T
	db    *store.DB
	notes *crud.Resource[Note]
	mux   *http.ServeMux
}

const (
	ann   = "01941f29-7c00-7a3e-8b1d-000000000001"
	bob   = "01941f29-7c00-7a3e-8b1d-000000000002"
	ed    = "01941f29-7c00-7a3e-8b1d-000000000003" // an editor
	noOne = ""
)

func newNotes(t *testing.T, db *store.DB) *notes {
	t.Helper()
	key := map[store.Dialect]string{store.SQLite: "TEXT", store.Postgres: "uuid"}[db.Dialect()]
	at := map[store.Dialect]string{store.SQLite: "TEXT", store.Postgres: "timestamptz"}[db.Dialect()]
	for _, stmt := range []string{
		`CREATE TABLE users (id ` + key + ` PRIMARY KEY)`,
		`CREATE TABLE notes (id ` + key + ` PRIMARY KEY, title TEXT NOT NULL, remark TEXT, author_id ` + key + ` REFERENCES users (id), version BIGINT NOT NULL, deleted_at ` + at + `)`,
		`CREATE UNIQUE INDEX notes_title_key ON notes (title) WHERE (deleted_at IS NULL)`,
		`INSERT INTO users (id) VALUES ('` + ann + `'), ('` + bob + `'), ('` + ed + `')`,
	} {
		if _, err := db.Exec(t.Context(), stmt); err != nil {
			t.Fatalf("%s: %v", stmt, err)
		}
	}
	policy, err := authz.NewPolicy([]authz.Role{{Name: "editor"}})
	if err != nil {
		t.Fatal(err)
	}
	n := &notes{t: t, db: db, mux: http.NewServeMux()}
	users, err := crud.New(db, policy, &model.Entity{
		Name: "User", Plural: "Users", Path: "users", Table: "users",
		Fields: []model.Field{{Name: "id", Column: "id", Type: model.ID, Required: true}},
	}, (*User).pointer)
	if err != nil {
		t.Fatal(err)
	}
	if n.notes, err = crud.New(db, policy, noteEntity(), (*Note).pointer); err != nil {
		t.Fatal(err)
	}
	if err := crud.Link(users, n.notes); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(t.Context(), idempotency.Component, idempotency.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
	once, err := idempotency.New(db, idempotency.Config{})
	if err != nil {
		t.Fatal(err)
	}
	api := rest.API{Policy: policy, Protect: who, Once: once, Errors: gate.ErrorWriter{Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}}
	for _, route := range api.Routes(n.notes) {
		n.mux.Handle(route.Method+" "+route.Path, route.Handler)
	}
	return n
}

// who believes the header X-Who.
func who(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subject := r.Header.Get("X-Who"); subject != noOne {
			p := &gate.Principal{Subject: subject}
			if subject == ed && r.Header.Get("X-Demoted") == "" {
				p.Roles = []string{"editor"}
			}
			r = r.WithContext(gate.ContextWithPrincipal(r.Context(), p))
		}
		next.ServeHTTP(w, r)
	})
}

// do makes a request; headers are pairs of names and values.
func (n *notes) do(as, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	n.t.Helper()
	r := httptest.NewRequestWithContext(n.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("X-Who", as)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	n.mux.ServeHTTP(w, r)
	return w
}

// row returns the members of an answer.
func row(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return out
}

// made makes a note and returns its id.
func (n *notes) made(as, title string) string {
	n.t.Helper()
	w := n.do(as, "POST", "/api/notes", `{"title":"`+title+`"}`)
	id, _ := row(n.t, w)["id"].(string)
	if w.Code != http.StatusCreated || id == "" {
		n.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return id
}

// list returns the rows of an answer.
func list(t *testing.T, w *httptest.ResponseRecorder) []map[string]any {
	t.Helper()
	var out []map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return out
}
