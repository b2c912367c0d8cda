package management_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

const issuer = "https://tenant.example/"

// A world is an API over an empty tenant.
type world struct {
	t     *testing.T
	api   *management.API
	store *tenant.Store
	db    *store.DB
	log   *bytes.Buffer

	mu     sync.Mutex
	now    time.Time
	tokens map[string]management.Caller
	fault  error // of Verify
	ended  []string
	mails  []string
	ticket management.TicketRequest
}

func newWorld(t *testing.T, change ...func(*management.Config)) *world {
	t.Helper()
	return openWorld(t, storetest.SQLite(t), change...)
}

func openWorld(t *testing.T, db *store.DB, change ...func(*management.Config)) *world {
	t.Helper()
	w := &world{t: t, db: db, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), tokens: map[string]management.Caller{}, log: new(bytes.Buffer)}
	clock := func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }
	if _, err := db.Migrate(t.Context(), tenant.Component, tenant.Migrations(db.Dialect())); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.store, err = tenant.Open(t.Context(), db, tenant.Config{Secret: bytes.Repeat([]byte("k"), 32), Now: clock}); err != nil {
		t.Fatal(err)
	}
	cfg := management.Config{
		Tenant: w.store, Issuer: issuer, Verify: w.verify, VerifyIDToken: w.verify, Hasher: hasher{}, Now: clock,
		Logger: slog.New(slog.NewTextHandler(w.log, nil)),
		SessionsEnded: func(_ context.Context, user string, s []*tenant.Session) {
			w.ended = append(w.ended, fmt.Sprint(user, " ", len(s)))
		},
		SendVerification: func(_ context.Context, u *tenant.User, client string) error {
			w.mails = append(w.mails, u.Email+" "+client)
			return nil
		},
		Ticket: func(_ context.Context, r management.TicketRequest) (string, error) {
			w.ticket = r
			return issuer + "u/reset-password?ticket=abc#", nil
		},
	}
	for _, c := range change {
		c(&cfg)
	}
	if w.api, err = management.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := errors.Join(w.api.Close(ctx), w.store.Close(ctx)); err != nil {
			t.Error(err)
		}
	})
	return w
}

type hasher struct{}

func (hasher) Hash(_ context.Context, password string) (string, error) {
	return "HASH-OF-" + password, nil
}

func (w *world) verify(_ context.Context, token string) (management.Caller, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault != nil {
		return management.Caller{}, w.fault
	}
	c, known := w.tokens[token]
	if !known {
		return c, fmt.Errorf("signature: %w", management.ErrBadToken)
	}
	return c, nil
}

// machine returns the token of a machine with these scopes.
func (w *world) machine(scopes string) string {
	return w.bearer(management.Caller{ClientID: "robot", Subject: "robot@clients", Scopes: strings.Fields(scopes), ID: "jti-1"})
}

func (w *world) bearer(c management.Caller) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	token := fmt.Sprintf("token-%d", len(w.tokens))
	w.tokens[token] = c
	return token
}

// everything returns a token with all scopes.
func (w *world) everything() string {
	var all []string
	for _, s := range management.Scopes() {
		all = append(all, s.Value)
	}
	return w.machine(strings.Join(all, " "))
}

// A reply is an answer that was read.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	text   string
}

// send sends a request; a body that is no text or reader is marshalled.
func (w *world) send(token, method, path string, body any) reply {
	w.t.Helper()
	media := "application/json"
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	case form:
		r, media = strings.NewReader(b.body), b.media
	default:
		data, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	req := httptest.NewRequestWithContext(w.t.Context(), method, "/api/v2/"+path, r)
	if r != nil {
		req.Header.Set("Content-Type", media)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return w.serve(req)
}

type form struct{ body, media string }

func (w *world) serve(req *http.Request) reply {
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, req)
	return reply{w.t, rec.Code, rec.Header(), rec.Body.String()}
}

// do is send with a status that has to come.
func (w *world) do(token, method, path string, body any, status int) reply {
	w.t.Helper()
	r := w.send(token, method, path, body)
	if r.status != status {
		w.t.Fatalf("%s %s: status %d, want %d: %s", method, path, r.status, status, r.text)
	}
	return r
}

// object returns the answer as an object.
func (r reply) object() map[string]any {
	r.t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(r.text), &o); err != nil {
		r.t.Fatalf("%v: %s", err, r.text)
	}
	return o
}

// list returns the answer as a list of objects.
func (r reply) list() []map[string]any {
	r.t.Helper()
	var l []map[string]any
	if err := json.Unmarshal([]byte(r.text), &l); err != nil {
		r.t.Fatalf("%v: %s", err, r.text)
	}
	return l
}

// str returns a member of the answer.
func (r reply) str(name string) string {
	r.t.Helper()
	s, _ := r.object()[name].(string)
	return s
}

// refused wants a refusal with this text in its message.
func (r reply) refused(status int, message string) {
	r.t.Helper()
	got, _ := r.object()["message"].(string)
	if r.status != status || !strings.Contains(got, message) || r.object()["statusCode"] != float64(status) ||
		r.object()["error"] != http.StatusText(status) {
		r.t.Errorf("status %d, want %d with %q: %s", r.status, status, message, r.text)
	}
}

// logs returns the types of log entries with what they say.
func (w *world) logs() []string {
	w.t.Helper()
	if err := w.store.FlushLogs(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	list, _, err := w.store.SearchLogs(w.t.Context(), tenant.LogQuery{Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, l := range list {
		lines = append(lines, l.Type+" "+l.Description)
	}
	return lines
}

// connection creates a database connection.
func (w *world) connection(token, name string) string {
	w.t.Helper()
	return w.do(token, "POST", "connections", map[string]any{"name": name, "strategy": "auth0"}, 201).str("id")
}

// user creates a user in a connection.
func (w *world) user(token, connection, email string) string {
	w.t.Helper()
	body := map[string]any{"connection": connection, "email": email, "password": "correct horse battery"}
	return w.do(token, "POST", "users", body, 201).str("user_id")
}

// epoch returns the epoch in which a user is.
func (w *world) epoch(user string) int64 {
	w.t.Helper()
	u, err := w.store.User(w.t.Context(), user)
	if err != nil {
		w.t.Fatal(err)
	}
	return u.Epoch
}

// session stores a session of a user.
func (w *world) session(user, id string) {
	w.t.Helper()
	at := w.now
	err := w.store.CreateSession(w.t.Context(), "secret-"+secretText(id), &tenant.Session{
		ID: id, UserID: user, Epoch: w.epoch(user), CreatedAt: at, AuthenticatedAt: at, IdleExpiresAt: at.Add(time.Hour), ExpiresAt: at.Add(time.Hour),
		SessionDetails: tenant.SessionDetails{Clients: []string{"c1"}, IP: "192.0.2.1"},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// family stores a refresh token of a user.
func (w *world) family(user, session string) string {
	w.t.Helper()
	f := &tenant.Family{
		ID: tenant.NewGrantID(), UserID: user, Epoch: w.epoch(user), ClientID: "c1", SessionID: session,
		FamilyDetails: tenant.FamilyDetails{Audience: "https://api.example/", Scope: []string{"openid"}},
	}
	api := &tenant.API{ID: "api_family", Identifier: f.Audience}
	if err := w.store.APIs.Create(w.t.Context(), api); err != nil && !errors.Is(err, tenant.ErrExists) {
		w.t.Fatal(err)
	}
	w.app(f.ClientID)
	if _, err := w.store.CreateFamily(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
	return f.ID
}

// ada makes the user ada@example.com of the connection "db", and returns the token
// of a caller who may do everything, with her ID.
func (w *world) ada() (token, id string) {
	w.t.Helper()
	token = w.everything()
	w.connection(token, "db")
	return token, w.user(token, "db", "ada@example.com")
}

// app makes a client, if it is not there.
func (w *world) app(id string) {
	w.t.Helper()
	if err := w.store.Clients.Create(w.t.Context(), &tenant.Client{ID: id, Name: id}); err != nil && !errors.Is(err, tenant.ErrExists) {
		w.t.Fatal(err)
	}
}

// consent has a user allow the client c1 something at the API urn:a.
func (w *world) consent(user string, scope ...string) {
	w.t.Helper()
	w.app("c1")
	if err := w.store.APIs.Create(w.t.Context(), &tenant.API{ID: "a", Identifier: "urn:a", Name: "A"}); err != nil && !errors.Is(err, tenant.ErrExists) {
		w.t.Fatal(err)
	}
	if err := w.store.AddConsent(w.t.Context(), user, "c1", "urn:a", scope); err != nil {
		w.t.Fatal(err)
	}
}
