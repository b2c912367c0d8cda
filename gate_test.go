package gate_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/strategy/basic"
	"github.com/gatewright/gate/strategy/jwt"
	"github.com/gatewright/gate/strategy/local"
)

// world is a service with its strategies on stores in memory that can be made
// to fail.
type world struct {
	*gate.Service
	cfg      gate.Config
	accounts *accounts
	sessions *sessions
	hasher   *hasher
	log      *lockedBuffer
	now      atomic.Int64 // seconds
}

const (
	ada          = "ada@example.com"
	adasPassword = "correct horse battery"
)

func newWorld(t *testing.T, change ...func(*gate.Config)) *world {
	t.Helper()
	w := &world{
		accounts: &accounts{byName: map[string]*gate.Account{
			ada:                {Subject: "7", PasswordHash: "plain:" + adasPassword, Roles: []string{"cook"}},
			"off@example.com":  {Subject: "8", PasswordHash: "plain:" + adasPassword, Disabled: true},
			"none@example.com": {Subject: "9"},
		}},
		sessions: &sessions{open: make(map[string]gate.Session)},
		hasher:   &hasher{},
		log:      &lockedBuffer{},
	}
	w.now.Store(1_700_000_000)
	w.cfg = gate.Config{
		Keys: newKeys(t), Issuer: "https://gate.test", Audience: []string{"https://api.test"},
		AuthStrategies: []string{"jwt", "local"}, ParseStrategies: []string{"jwt"},
		Sessions: w.sessions, LoadEntity: w.accounts.load,
		Permissions: func(roles []string) []string {
			var list []string
			for _, role := range roles {
				list = append(list, role+":items")
			}
			return list
		},
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now:    func() time.Time { return time.Unix(w.now.Load(), 0) },
	}
	for _, f := range change {
		f(&w.cfg)
	}
	svc, err := gate.New(w.cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.Service = svc
	t.Cleanup(func() {
		if err := svc.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	door := local.New(w.accounts, w.hasher, local.Config{Logger: w.cfg.Logger})
	bearer := jwt.New(svc, w.accounts, jwt.Config{})
	if w.cfg.Entity == gate.EntityNone {
		bearer = jwt.New(svc, nil, jwt.Config{Stateless: true, RolesClaim: "roles"})
	}
	err = errors.Join(
		svc.Register("jwt", bearer),
		svc.Register("local", door),
		svc.Register("basic", basic.New(door, w.accounts, basic.Config{})),
		svc.Setup(),
	)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func newKeys(t testing.TB) *jose.KeySet {
	t.Helper()
	key, err := jose.NewHMACKey("k1", jose.HS256, []byte(strings.Repeat("0123456789abcdef", 4)))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jose.NewKeySet(key)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// login returns the credentials of ada.
func login() gate.Credentials {
	return gate.Credentials{Strategy: "local", Fields: map[string]any{"email": ada, "password": adasPassword}}
}

func bearer(token string) gate.Credentials {
	return gate.Credentials{Strategy: "jwt", Fields: map[string]any{"accessToken": token}}
}

// token logs ada in.
func (w *world) token(t *testing.T) string {
	t.Helper()
	result, err := w.Create(t.Context(), login())
	if err != nil {
		t.Fatal(err)
	}
	return result.AccessToken
}

// serve sends one request to h. Headers come in pairs.
func serve(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

type accounts struct {
	mu     sync.Mutex
	byName map[string]*gate.Account
	err    error
}

func (a *accounts) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

// change replaces the account called name by a changed copy.
func (a *accounts) change(name string, f func(*gate.Account)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := *a.byName[name]
	f(&next)
	a.byName[name] = &next
}

func (a *accounts) ByLogin(_ context.Context, name string) (*gate.Account, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return nil, a.err
	}
	account, ok := a.byName[strings.ToLower(name)]
	if !ok {
		return nil, gate.ErrNotAuthenticated
	}
	return account, nil
}

func (a *accounts) ReplaceHash(context.Context, string, string, string) error { return nil }

func (a *accounts) Subject(_ context.Context, id string) (*gate.Principal, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return nil, a.err
	}
	for _, account := range a.byName {
		if account.Subject == id && !account.Disabled {
			return &gate.Principal{Subject: id, Roles: account.Roles}, nil
		}
	}
	return nil, gate.ErrNotAuthenticated
}

type user struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

func (a *accounts) load(_ context.Context, p *gate.Principal) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, account := range a.byName {
		if account.Subject == p.Subject {
			return user{account.Subject, name}, nil
		}
	}
	return nil, gate.ErrNotAuthenticated
}

type sessions struct {
	mu   sync.Mutex
	last int
	open map[string]gate.Session
	err  error
}

func (s *sessions) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *sessions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

func (s *sessions) Create(_ context.Context, session gate.Session) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return "", s.err
	}
	s.last++
	id := "s" + strconv.Itoa(s.last)
	s.open[id] = session
	return id, nil
}

func (s *sessions) Active(_ context.Context, id, subject string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.open[id]
	return ok && session.Subject == subject, s.err
}

func (s *sessions) End(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		delete(s.open, id)
	}
	return s.err
}

type hasher struct {
	mu  sync.Mutex
	err error
	ran int
}

func (h *hasher) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
}

func (h *hasher) run() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ran++
	return h.err
}

func (h *hasher) Verify(_ context.Context, encoded, password string) (ok, rehash bool, err error) {
	err = h.run()
	return err == nil && encoded == "plain:"+password, false, err
}

func (h *hasher) Hash(_ context.Context, password string) (string, error) {
	return "plain:" + password, nil
}

func (h *hasher) Burn(context.Context, string) error {
	return h.run()
}

// strategyFunc is a strategy in one function.
type strategyFunc func(context.Context, gate.Credentials) (*gate.Principal, error)

func (f strategyFunc) Authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	return f(ctx, c)
}

// headerStrategy is a strategy that reads the header X-Key.
type headerStrategy struct {
	strategyFunc
	parse     func(*http.Request) (gate.Credentials, bool, error)
	challenge string
}

func (h headerStrategy) Parse(r *http.Request) (gate.Credentials, bool, error) {
	if h.parse != nil {
		return h.parse(r)
	}
	key := r.Header.Get("X-Key")
	return gate.Credentials{Fields: map[string]any{"key": key}}, key != "", nil
}

func (h headerStrategy) Challenge(error) string { return h.challenge }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
