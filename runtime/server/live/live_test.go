package live_test

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/realtime"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/runtime/server/live"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/strategy/jwt"
)

type note struct {
	ID   int64
	Text string
}

func (n *note) pointer(f model.FieldID) any {
	if f == 0 {
		return &n.ID
	}
	return &n.Text
}

func entity() *model.Entity {
	return &model.Entity{
		Name: "Note", Plural: "Notes", Path: "notes", Table: "notes",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true, ReadOnly: true},
			{Name: "text", Column: "text", Type: model.Text, Required: true},
		},
		Allow: model.Allow{View: []string{"public"}, List: []string{"public"}},
	}
}

// TestMount: a service tells of its rows over a connection that ends with it.
func TestMount(t *testing.T) {
	var notes *crud.Resource[note]
	s := server.Service{
		Name: "notes",
		Open: func(ctx context.Context, url string) (*store.DB, error) {
			return sqlite.Open(ctx, url, sqlite.Config{})
		},
		Migrations: func() ([]store.Migration, error) {
			return []store.Migration{{Version: 1, Name: "init", SQL: `CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL)`}}, nil
		},
		Build: func(a *server.App) (err error) {
			if notes, err = crud.New(a.DB, a.Policy, entity(), (*note).pointer); err != nil {
				return err
			}
			a.Serve(notes)
			a.Extend(live.Mount)
			return nil
		},
	}
	cfg, err := config.Load(config.Options{
		Environ: []string{"PUBLIC_URL=https://notes.example"}, Addr: "127.0.0.1:0", Database: filepath.Join(t.TempDir(), "data.db"),
	})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.Open(t.Context(), s, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx, l) }()

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+live.EventsPath+"?entities=notes", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("%d %s", res.StatusCode, res.Header)
	}
	if _, err := notes.CreateRow(authz.System(t.Context()), []byte(`{"text":"hello"}`), nil); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && lines.Text() != `data: {"id":1,"text":"hello"}` {
	}
	if lines.Text() == "" {
		t.Error("the stream ended without the event")
	}
	stop()
	if err := <-served; err != nil { // it would say that requests still ran
		t.Error(err)
	}
	for lines.Scan() { // until it is closed
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
}

type member struct {
	ID   int64
	Name string
}

func (m *member) pointer(f model.FieldID) any {
	if f == 0 {
		return &m.ID
	}
	return &m.Name
}

// TestSES09_sessionEnds: connections close before the call returns that ended
// their session, those of other sessions do not.
func TestSES09_sessionEnds(t *testing.T) {
	var app *server.App
	var rt *realtime.Realtime
	s := server.Service{
		Name: "club",
		Open: func(ctx context.Context, url string) (*store.DB, error) {
			return sqlite.Open(ctx, url, sqlite.Config{})
		},
		Migrations: func() ([]store.Migration, error) {
			return []store.Migration{{
				Version: 1, Name: "init",
				SQL: `CREATE TABLE members (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE); INSERT INTO members VALUES (1, 'ann')`,
			}}, nil
		},
		Auth: &auth.Config{
			Login: "name", JWT: &auth.JWT{Algorithm: jose.HS256},
			Strategies: func(a *auth.Auth) error {
				return a.Register("jwt", jwt.New(a.Service(), a.Accounts(), jwt.Config{}))
			},
		},
		Build: func(a *server.App) error {
			members, err := crud.New(a.DB, a.Policy, &model.Entity{
				Name: "Member", Plural: "Members", Path: "members", Table: "members",
				Fields: []model.Field{
					{Name: "id", Column: "id", Type: model.ID, ID: model.Serial, Required: true, ReadOnly: true},
					{Name: "name", Column: "name", Type: model.Username, Required: true, Unique: true},
				},
			}, (*member).pointer)
			if err != nil {
				return err
			}
			a.Serve(members)
			a.Extend(func(a *server.App) error {
				app = a
				rt, err = live.For(a)
				return err
			})
			return a.Auth.Use(members)
		},
	}
	cfg, err := config.Load(config.Options{
		Environ: []string{"AUTH_SECRET=vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA"}, Addr: "127.0.0.1:0",
		Database: filepath.Join(t.TempDir(), "data.db"), SecretBytes: 32,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.Open(t.Context(), s, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	connect := func() (*realtime.Conn, string) {
		t.Helper()
		login, err := app.Auth.Service().CreateFor(t.Context(), &gate.Principal{Subject: "1"})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+login.AccessToken)
		c, err := rt.Open(r)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = c.Run(context.Background(), nil) }()
		return c, login.Principal.SessionID
	}
	ended, id := connect()
	other, _ := connect()
	if err := app.Auth.Sessions().End(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended.Closed():
	default:
		t.Error("a connection outlives its session")
	}
	select {
	case <-other.Closed():
		t.Error("the connection of another session is closed")
	default:
	}
	if err := rt.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
}
