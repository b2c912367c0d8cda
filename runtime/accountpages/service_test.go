package accountpages_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/account/words"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/runtime/accountpages"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/strategy/cookie"
	"github.com/gatewright/gate/strategy/local"
)

// user is an account.
type user struct {
	ID, Email, Password string
	Name                *string
	Roles               []string
	Newsletter          *bool

	// Those of an entity where they are required.
	Called string
	Agreed bool
	Notes  json.RawMessage
}

// required is the pointer of an entity with a required name.
func (u *user) required(f model.FieldID) any {
	switch f {
	case 3:
		return &u.Called
	case 5:
		return &u.Agreed
	}
	return u.pointer(f)
}

// listed is the pointer of an entity whose name is JSON.
func (u *user) listed(f model.FieldID) any {
	if f == 3 {
		return &u.Notes
	}
	return u.pointer(f)
}

func (u *user) pointer(f model.FieldID) any {
	return []any{&u.ID, &u.Email, &u.Password, &u.Name, &u.Roles, &u.Newsletter}[f]
}

func userEntity() *model.Entity {
	admin := []string{"admin"}
	return &model.Entity{
		Name: "User", Plural: "Users", Path: "users", Table: "users",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, ID: model.UUID, Required: true, ReadOnly: true},
			{Name: "email", Column: "email", Type: model.Email, Required: true, Unique: true},
			{Name: "password", Column: "password", Type: model.Password, Required: true},
			{Name: "name", Column: "name", Type: model.Text, MaxLength: 100},
			{Name: "roles", Column: "roles", Type: model.Roles, Required: true, Create: admin, Update: admin},
			{Name: "newsletter", Column: "newsletter", Type: model.Boolean},
		},
		Owner: "id",
		Allow: model.Allow{
			View: []string{"owner", "admin"}, List: admin, Create: []string{"public"}, Update: []string{"owner", "admin"}, Delete: []string{"owner", "admin"},
		},
	}
}

const schema = `CREATE TABLE "users" (
	"id" TEXT NOT NULL PRIMARY KEY, "email" TEXT NOT NULL COLLATE NOCASE, "password" TEXT NOT NULL, "name" TEXT, "roles" TEXT NOT NULL, "newsletter" INTEGER
);
CREATE UNIQUE INDEX "users_email_key" ON "users" ("email");`

// options change how a service is started.
type options struct {
	home    string
	letters bool
	confirm bool
	keys    bool
	entity  func(*model.Entity)
	pointer func(*user, model.FieldID) any
	change  func(*auth.Config)
}

// A running is a service behind a listener.
type running struct {
	t     *testing.T
	url   string
	users *crud.Resource[user]
	app   *server.App
	log   *logged
	post  *outbox
}

// logged is a log that is written by many.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// outbox keeps letters.
type outbox struct{ letters chan mail.Message }

func (o *outbox) Send(_ context.Context, m mail.Message) error {
	o.letters <- m
	return nil
}

// letter returns the next letter.
func (r *running) letter() mail.Message {
	r.t.Helper()
	select {
	case m := <-r.post.letters:
		return m
	case <-time.After(10 * time.Second):
		r.t.Fatal("no letter came")
		return mail.Message{}
	}
}

func start(t *testing.T, o options) *running {
	t.Helper()
	r := &running{t: t, log: new(logged), post: &outbox{make(chan mail.Message, 20)}}
	if o.home == "" {
		o.home = accountpages.Path
	}
	s := server.Service{
		Name: "restaurant", Module: "example.com/restaurant", Database: "x",
		Open: func(ctx context.Context, url string) (*store.DB, error) {
			return sqlite.Open(ctx, url, sqlite.Config{})
		},
		Migrations: func() ([]store.Migration, error) {
			return []store.Migration{{Version: 1, Name: "init", SQL: schema}}, nil
		},
		Roles: []authz.Role{{Name: "customer", Default: true}, {Name: "admin"}},
		Auth:  &auth.Config{Entity: "user", Login: "email", Password: "password", Roles: "roles", Cookies: &auth.Cookies{LoginPage: "/account/login"}, Strategies: strategies},
		Build: func(a *server.App) error {
			e := userEntity()
			if o.entity != nil {
				o.entity(e)
			}
			var err error
			if o.pointer == nil {
				o.pointer = (*user).pointer
			}
			if r.users, err = crud.New(a.DB, a.Policy, e, o.pointer); err != nil {
				return err
			}
			r.app = a
			a.Serve(r.users)
			if err := a.Authenticate(r.users); err != nil {
				return err
			}
			var more []accountpages.Option
			if o.letters {
				more = append(more, accountpages.Letters())
			}
			if o.keys {
				more = append(more, accountpages.Keys())
			}
			a.Extend(accountpages.Mount(o.home, more...))
			return nil
		},
	}
	if o.letters {
		s.Auth.Letters = &auth.Letters{
			Open:  func(_, _, _ string) (mail.Sender, error) { return r.post, nil },
			Words: words.English(), By: auth.ByLetter, Confirm: o.confirm,
		}
	}
	if o.keys {
		s.Auth.APIKeys = &auth.APIKeys{}
	}
	if o.change != nil {
		o.change(s.Auth)
	}
	cfg, err := config.Load(config.Options{
		Environ: []string{"AUTH_SECRET=vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA", "MAIL_URL=smtp://localhost", "MAIL_FROM=kitchen@kitchen.example", "PUBLIC_URL=https://kitchen.example"},
		Addr:    "127.0.0.1:0", Database: filepath.Join(t.TempDir(), "data.db"), SecretBytes: 32,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.Open(t.Context(), s, cfg, slog.New(slog.NewJSONHandler(r.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(srv.Handler())
	r.url = ts.URL
	t.Cleanup(func() {
		ts.Close()
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func strategies(a *auth.Auth) error {
	return errors.Join(
		a.Register("cookie", cookie.New(a.Sessions(), a.Accounts(), cookie.Config{Entity: a.EntityKey()})),
		a.Register("local", local.New(a.Accounts(), a.Passwords(), local.Config{Throttle: a.Throttle()})),
	)
}

const (
	maria = "maria@kitchen.example"
	good  = "plum-Gravel-oyster-29"
	other = "walnut Harbor tidal 71"
)

// signUp makes an account.
func (r *running) signUp(email string) {
	r.t.Helper()
	body, err := json.Marshal(map[string]string{"email": email, "password": good})
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.users.CreateRow(authz.System(r.t.Context()), body, nil); err != nil {
		r.t.Fatal(err)
	}
}

// accounts returns how many there are.
func (r *running) accounts() int {
	r.t.Helper()
	n := 0
	if err := r.app.DB.Read().QueryRowContext(r.t.Context(), "SELECT COUNT(*) FROM users").Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// A browser keeps cookies, also on http.
type browser struct {
	*running

	t       *testing.T
	cookies map[string]string
	headers []string // name and value in turn, with each request
}

func (r *running) browser(headers ...string) *browser {
	return &browser{r, r.t, map[string]string{}, append([]string{"Sec-Fetch-Site", "same-origin"}, headers...)}
}

// an answer is a response, read to its end.
type answer struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   string
}

func (b *browser) send(method, path, body string, headers ...string) answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	headers = append(slices.Clip(b.headers), headers...)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return answer{b.t, res.StatusCode, res.Header, string(text)}
}

func (b *browser) get(path string) answer { b.t.Helper(); return b.send(http.MethodGet, path, "") }

// post sends a form: names and values in turn.
func (b *browser) post(path string, fields ...string) answer {
	b.t.Helper()
	return b.send(http.MethodPost, path, encode(fields...))
}

func encode(fields ...string) string {
	values := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return values.Encode()
}

// is fails the test unless the answer has this status and these texts.
func (a answer) is(status int, texts ...string) answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("status is %d, want %d: %s", a.Status, status, a.words())
	}
	for _, text := range texts {
		if !strings.Contains(a.Body, text) {
			a.t.Errorf("the page lacks %q: %s", text, a.words())
		}
	}
	return a
}

// lacks fails the test when a text is on the page.
func (a answer) lacks(texts ...string) answer {
	a.t.Helper()
	for _, text := range texts {
		if strings.Contains(a.Body, text) {
			a.t.Errorf("the page has %q: %s", text, a.words())
		}
	}
	return a
}

// leads fails the test unless the answer sends the browser to that place.
func (a answer) leads(to string) answer {
	a.t.Helper()
	a.is(http.StatusSeeOther)
	if got := a.Header.Get("Location"); got != to {
		a.t.Errorf("leads to %q, want %q", got, to)
	}
	return a
}

var drawing = regexp.MustCompile(`(?s)<svg.*?</svg>`)

// words is the page without what is drawn.
func (a answer) words() string { return drawing.ReplaceAllString(a.Body, "") }

// logIn logs in and returns the browser.
func (r *running) logIn(email string, headers ...string) *browser {
	r.t.Helper()
	b := r.browser(headers...)
	b.post("/account/login", "login", email, "password", good).is(http.StatusSeeOther)
	return b
}
