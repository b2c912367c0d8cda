package account_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/account"
	"github.com/gatewright/gate/account/words"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store/accounts"
)

const (
	good  = "seven wet dogs sing" // passwords that the policy lets through
	other = "nine cold spoons rust"
)

// world is everything behind the flows, in memory, and counted.
type world struct {
	t     testing.TB
	mu    sync.Mutex
	now   time.Time
	calls []string // what was asked of users, tokens, sessions and hasher
	fail  string   // the call that fails

	users    map[string]*user // by subject
	tokens   map[string]*token
	sessions []accounts.Session
	refresh  int // how often all refresh tokens were ended
	keys     []account.Key
	keyOwner map[string]string
	queue    []mail.Compose
	full     bool
	attempts map[string]int
	outcomes []gate.Outcome
	resets   []string
	arrivals []account.Arrival
	events   []gate.AuditEvent
	logs     strings.Builder

	flows *account.Flows
}

type user struct {
	account gate.Account
	profile account.Profile
}

type token struct {
	purpose accounts.Purpose
	claim   accounts.Claim
	expires time.Time
	used    bool
}

func newWorld(t testing.TB, change ...func(*account.Config)) *world {
	t.Helper()
	w := &world{
		t: t, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
		users: make(map[string]*user), tokens: make(map[string]*token),
		keyOwner: make(map[string]string), attempts: make(map[string]int),
	}
	w.add("1", "ann@kitchen.example", "Ann Baker")
	w.add("2", "ben@kitchen.example", "Ben Cook")
	cfg := account.Config{
		Service: "Orchard Kitchen", PublicURL: parse(t, "https://id.kitchen.example/account"), HomeURL: "https://kitchen.example/",
		Users: (*users)(w), Tokens: (*tokens)(w), Sessions: (*sessions)(w), RefreshTokens: (*refresh)(w), Keys: (*keys)(w),
		Hasher: (*hasher)(w), Policy: password.Policy{}, Mailer: (*mailer)(w), Words: words.English(), Throttle: (*throttle)(w), Audit: (*auditor)(w),
		Logger: slog.New(slog.NewTextHandler(&w.logs, nil)), Now: w.clock,
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if w.flows, err = account.New(cfg); err != nil {
		t.Fatal(err)
	}
	return w
}

func parse(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (w *world) add(subject, email, name string) {
	w.users[subject] = &user{
		gate.Account{Subject: subject, PasswordHash: "hash of " + good},
		account.Profile{Subject: subject, Login: email, Email: email, Name: name},
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// call notes a call, and fails it when it is to fail.
func (w *world) call(name string) error {
	w.calls = append(w.calls, name)
	if w.fail == name {
		return errors.New("the disk is on fire")
	}
	return nil
}

// taken empties and returns the list of calls.
func (w *world) taken() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = nil
	return calls
}

type mailer world

func (m *mailer) Later(_ context.Context, compose mail.Compose) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		return mail.ErrFull
	}
	m.queue = append(m.queue, compose)
	return nil
}

// letters does what the queue does, and returns what was sent.
func (w *world) letters() []mail.Message {
	w.t.Helper()
	w.mu.Lock()
	queue := w.queue
	w.queue = nil
	w.mu.Unlock()
	var sent []mail.Message
	for _, compose := range queue {
		m, ok, err := compose(from("192.0.2.1"))
		if err != nil {
			w.t.Errorf("write letter: %v", err)
		}
		if !ok {
			continue
		}
		if err := m.Validate(); err != nil {
			w.t.Errorf("%v: %v", m, err)
		}
		sent = append(sent, m)
	}
	return sent
}

// letter returns the one letter that was sent.
func (w *world) letter() mail.Message {
	w.t.Helper()
	sent := w.letters()
	if len(sent) != 1 {
		w.t.Fatalf("%d letters: %v, want 1", len(sent), sent)
	}
	return sent[0]
}

// linked returns the path of the link in a letter, and its token.
func linked(t testing.TB, m mail.Message) (path, token string) {
	t.Helper()
	const base = "https://id.kitchen.example/account/"
	_, rest, ok := strings.Cut(m.Text, base)
	if !ok || strings.Count(m.Text, "https://") != 1 {
		t.Fatalf("not one link in %q", m.Text)
	}
	link := strings.Fields(rest)[0]
	u := parse(t, base+link)
	return u.Path, u.Query().Get("token")
}

type throttle world

func (th *throttle) Begin(_ context.Context, account string) (func(gate.Outcome), error) {
	th.mu.Lock()
	defer th.mu.Unlock()
	if th.attempts[account] >= 10 {
		return nil, &gate.AuthError{Code: gate.ErrTooManyRequests, RetryAfter: time.Minute}
	}
	th.attempts[account]++
	return func(o gate.Outcome) {
		th.mu.Lock()
		defer th.mu.Unlock()
		th.outcomes = append(th.outcomes, o)
		if o != gate.Failed {
			th.attempts[account]--
		}
	}, nil
}

func (th *throttle) Reset(_ context.Context, account string) error {
	th.mu.Lock()
	defer th.mu.Unlock()
	delete(th.attempts, account)
	th.resets = append(th.resets, account)
	return nil
}

type auditor world

func (a *auditor) Record(_ context.Context, e gate.AuditEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
}

// trail empties and returns the trail as text.
func (w *world) trail() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, e := range w.events {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.Action, e.Subject, e.Outcome, e.Reason)))
	}
	w.events = nil
	return list
}

// from is the context of a request from this address.
func from(addr string) context.Context {
	return gate.ContextWithClient(context.Background(), gate.Client{Address: netip.MustParseAddr(addr)})
}

// ann is somebody who has just logged in.
func (w *world) ann() *gate.Principal {
	return &gate.Principal{
		Subject: "1", Strategy: "local", SessionID: "s1", AuthenticatedAt: w.clock(),
		Permissions: []string{"items:*", "orders:read"},
	}
}

// login adds sessions.
func (w *world) login(subject string, ids ...string) {
	for _, id := range ids {
		w.sessions = append(w.sessions, accounts.Session{
			Session: gate.Session{
				ID: id, Subject: subject, Entity: "user", Strategy: "local", ExpiresAt: w.now.Add(time.Hour),
				Client: gate.Client{Address: netip.MustParseAddr("198.51.100.7"), UserAgent: "Firefox"},
			},
			CreatedAt: w.now, LastSeenAt: w.now,
		})
	}
}

func (w *world) live(subject string) []string {
	var ids []string
	for _, s := range w.sessions {
		if s.Subject == subject {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// request changes a request before it is sent.
type request func(*http.Request)

func as(p *gate.Principal) request {
	return func(r *http.Request) { *r = *r.WithContext(gate.ContextWithPrincipal(r.Context(), p)) }
}

func header(name, value string) request {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = []string{value} }
}

func peer(addr string) request { return func(r *http.Request) { r.RemoteAddr = addr } }

// ask sends a request to an endpoint.
func (w *world) ask(method, path, body string, change ...request) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, "https://id.kitchen.example/account"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	w.flows.Handler("/account").ServeHTTP(rec, r)
	return rec
}

// form sends a form as a browser does.
func (w *world) form(path string, values url.Values, change ...request) *httptest.ResponseRecorder {
	w.t.Helper()
	change = append([]request{
		header("Content-Type", "application/x-www-form-urlencoded"), header("Sec-Fetch-Site", "same-origin"), header("Origin", "null"),
	}, change...)
	return w.ask("POST", path, values.Encode(), change...)
}

func (w *world) want(rec *httptest.ResponseRecorder, status int, has ...string) {
	w.t.Helper()
	body, _ := io.ReadAll(rec.Result().Body)
	if rec.Code != status {
		w.t.Errorf("status %d, want %d: %s", rec.Code, status, body)
	}
	for _, text := range has {
		if !strings.Contains(string(body), text) {
			w.t.Errorf("the answer lacks %q: %s", text, body)
		}
	}
	if rec.Header().Get("Cache-Control") != "no-store" {
		w.t.Errorf("Cache-Control is %q", rec.Header().Get("Cache-Control"))
	}
}

// resetToken has a link to set a new password sent.
func (w *world) resetToken(email string) string {
	w.t.Helper()
	if err := w.flows.Forgot(from("192.0.2.1"), email); err != nil {
		w.t.Fatal(err)
	}
	_, token := linked(w.t, w.letter())
	return token
}
