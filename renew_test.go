package gate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/local"
)

// refreshTokens is a store of refresh tokens in memory, and the strategy that
// takes them.
type refreshTokens struct {
	mu    sync.Mutex
	of    map[string]string // session by token
	last  int
	used  map[string]bool
	err   error
	panic bool
}

func (r *refreshTokens) Issue(_ context.Context, session string) (gate.RefreshToken, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return gate.RefreshToken{}, r.err
	}
	r.last++
	token := fmt.Sprint("refresh", r.last)
	r.of[token] = session
	return gate.RefreshToken{Token: token, ExpiresAt: time.Unix(2_000_000_000, 0)}, nil
}

func (r *refreshTokens) Authenticate(context.Context, gate.Credentials) (*gate.Principal, error) {
	return nil, gate.ErrNotAuthenticated
}

func (r *refreshTokens) Renew(ctx context.Context, c gate.Credentials) (*gate.Renewal, error) {
	if r.panic {
		panic("secret of the store")
	}
	token, err := c.Text("refreshToken")
	if err != nil {
		return nil, err
	}
	if r.used[token] {
		return nil, &gate.AuthError{Code: gate.ErrReused, Subject: "7", Message: "Invalid refresh token"}
	}
	session, ok := r.of[token]
	if !ok {
		return nil, gate.ErrNotAuthenticated
	}
	r.used[token] = true
	next, err := r.Issue(ctx, session)
	if err != nil {
		return nil, err
	}
	return &gate.Renewal{Refresh: next, Principal: &gate.Principal{
		Subject: "7", SessionID: session, AuthenticatedAt: time.Unix(1_700_000_000, 0),
	}}, nil
}

func newRenewing(t *testing.T, change ...func(*gate.Config)) (*world, *refreshTokens) {
	t.Helper()
	tokens := &refreshTokens{of: map[string]string{}, used: map[string]bool{}}
	w := newWorld(t, append(change, func(c *gate.Config) { c.RefreshTokens = tokens })...)
	if err := w.Register("refresh", tokens); err != nil {
		t.Fatal(err)
	}
	cfg := w.Configuration()
	cfg.AuthStrategies = []string{"jwt", "local", "refresh"}
	if err := w.Configure(cfg); err != nil {
		t.Fatal(err)
	}
	return w, tokens
}

func renewal(token any) gate.Credentials {
	return gate.Credentials{Strategy: "refresh", Fields: map[string]any{"refreshToken": token}}
}

func TestRenew(t *testing.T) {
	w, _ := newRenewing(t)
	h := w.Handler()
	got := serve(h, http.MethodPost, "/", fmt.Sprintf(`{"strategy":"local","email":%q,"password":%q}`, ada, adasPassword), "Content-Type", "application/json")
	if got.Code != 201 || !strings.Contains(got.Body.String(), `","refreshToken":"refresh1","authentication":{`) {
		t.Fatalf("login: %d %s", got.Code, got.Body)
	}
	if s := w.sessions.open["s1"]; s.ExpiresAt != time.Unix(1_700_000_000, 0).Add(gate.DefaultSessionExpiresIn) {
		t.Errorf("the session expires at %v", s.ExpiresAt)
	}
	w.now.Add(3600) // the access token is long dead
	got = serve(h, http.MethodPost, "/", `{"strategy":"refresh","refreshToken":"refresh1"}`, "Content-Type", "application/json")
	var body struct {
		AccessToken    string
		RefreshToken   string
		Authentication struct{ Payload map[string]any }
		User           user
	}
	if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil || got.Code != 201 {
		t.Fatalf("%d %s: %v", got.Code, got.Body, err)
	}
	if body.RefreshToken != "refresh2" || body.User.ID != "7" || body.Authentication.Payload["sid"] != "s1" || body.Authentication.Payload["auth_time"] != 1.7e9 {
		t.Errorf("renewed: %s", got.Body)
	}
	if w.sessions.count() != 1 {
		t.Errorf("%d sessions", w.sessions.count())
	}
	if _, err := w.Authenticate(t.Context(), bearer(body.AccessToken)); err != nil {
		t.Errorf("the renewed token: %v", err)
	}
	again := serve(h, http.MethodPost, "/", `{"strategy":"refresh","refreshToken":"refresh1"}`, "Content-Type", "application/json")
	if again.Code != 401 || strings.Contains(again.Body.String(), "reused") {
		t.Errorf("a second use: %d %s", again.Code, again.Body)
	}
}

func TestSES07_refreshIsForLoginAlone(t *testing.T) {
	w, tokens := newRenewing(t)
	w.token(t)
	if _, err := w.Authenticate(t.Context(), renewal("refresh1"), "refresh"); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("Authenticate = %v", err)
	}
	for _, v := range []any{"", "refresh9", nil} {
		if _, err := w.Create(t.Context(), renewal(v)); err == nil {
			t.Errorf("%v: renewed", v)
		}
	}
	if _, err := w.Create(t.Context(), renewal(map[string]any{"$ne": ""})); !errors.Is(err, gate.ErrBadRequest) {
		t.Errorf("an object: %v", err)
	}
	tokens.err = errors.New("no database")
	if _, err := w.Create(t.Context(), renewal("refresh1")); !errors.Is(err, gate.ErrUnavailable) {
		t.Errorf("failing store: %v", err)
	}
	open := w.sessions.count()
	if _, err := w.Create(t.Context(), login()); !errors.Is(err, gate.ErrUnavailable) || w.sessions.count() != open {
		t.Errorf("login without a refresh token: %v, %d sessions", err, w.sessions.count())
	}
	tokens.panic = true
	if _, err := w.Create(t.Context(), renewal("refresh1")); !errors.Is(err, gate.ErrUnavailable) {
		t.Errorf("panic: %v", err)
	}
}

func TestRefreshToken_printsNothing(t *testing.T) {
	token := gate.RefreshToken{Token: "hush", ExpiresAt: time.Unix(0, 0).UTC()}
	text, err := json.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{string(text), fmt.Sprint(token), fmt.Sprintf("%+v %#v %q", token, token, token), token.LogValue().String()} {
		if strings.Contains(s, "hush") || s == "" {
			t.Errorf("%q", s)
		}
	}
}

func TestCreateFor(t *testing.T) {
	w := newWorld(t)
	result, err := w.CreateFor(t.Context(), &gate.Principal{Subject: "7", Strategy: "sign-up"}, gate.WithPayload(map[string]any{"new": true}))
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Authenticate(t.Context(), bearer(result.AccessToken))
	if err != nil || p.Subject != "7" || p.SessionID != result.Principal.SessionID || p.SessionID == "" || p.Claims.Extra["new"] != true {
		t.Errorf("%+v, %v", p, err)
	}
	if _, ok := p.Claims.Extra["auth_time"]; ok {
		t.Error("nobody proved anything, but the token says when")
	}
	same, err := w.CreateFor(t.Context(), p)
	if err != nil || same.Principal.SessionID != p.SessionID || w.sessions.count() != 1 {
		t.Errorf("a second token of the session: %v, %d sessions", err, w.sessions.count())
	}
	if _, err := w.CreateFor(t.Context(), nil); err == nil {
		t.Error("created for nobody")
	}
	if _, err := w.CreateFor(t.Context(), &gate.Principal{}); err == nil {
		t.Error("created without a subject")
	}
}

// limited authenticates with less than the account may do.
type limited struct{ scopes []string }

func (l limited) Authenticate(context.Context, gate.Credentials) (*gate.Principal, error) {
	return &gate.Principal{Subject: "7", Roles: []string{"cook", "chef"}, Scopes: l.scopes}, nil
}

func TestKEY02_scopes(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		scopes, want []string
	}{
		{[]string{}, []string{}},
		{[]string{"cook:items"}, []string{"cook:items"}},
		{[]string{"*:items"}, []string{"cook:items", "chef:items"}},
		{[]string{"*"}, []string{"cook:items", "chef:items"}},
		{[]string{"admin:users", "owner"}, []string{}},
	} {
		name := "limited" + strings.Join(tt.scopes, "+")
		if err := w.Register(name, limited{tt.scopes}); err != nil {
			t.Fatal(err)
		}
		p, err := w.Authenticate(t.Context(), gate.Credentials{Strategy: name}, name)
		if err != nil || !slices.Equal(p.Permissions, tt.want) || p.Roles != nil {
			t.Errorf("%q: %v %v, %v", tt.scopes, p.Permissions, p.Roles, err)
		}
		if _, err := w.Create(t.Context(), gate.Credentials{Strategy: name}, gate.WithStrategies(name)); !errors.Is(err, gate.ErrNotAuthenticated) {
			t.Errorf("%q was traded for a token: %v", tt.scopes, err)
		}
	}
	if w.sessions.count() != 0 {
		t.Errorf("%d sessions", w.sessions.count())
	}
}

func TestPermits(t *testing.T) {
	for _, tt := range []struct {
		held, wanted string
		want         bool
	}{
		{"create:items", "create:items", true},
		{"create:items", "create:item", false},
		{"create:*", "create:items", true},
		{"create:*", "delete:items", false},
		{"*:items", "delete:items", true},
		{"*:items", "delete:users", false},
		{"*:items", "delete:items:all", false},
		{"items:*", "items:read:all", true},
		{"items:*", "items", false},
		{"*", "anything:at:all", true},
		{"*", "", false},
		{"", "", false},
		{"create:it*", "create:items", false},
		{"create:items", "create:*", false},
		{"*:*", "create:items", true},
		{"*:*", "create", false},
		{"create:*", "create:", false},
		{"*:items", ":items", false},
	} {
		if got := gate.Permits(tt.held, tt.wanted); got != tt.want {
			t.Errorf("Permits(%q, %q) = %t", tt.held, tt.wanted, got)
		}
	}
}

// trail is an audit trail in memory.
type trail struct {
	mu     sync.Mutex
	events []gate.AuditEvent
}

func (a *trail) Record(_ context.Context, e gate.AuditEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
}

func (a *trail) take() (list []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.events {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", e.Action, e.Outcome, e.Reason, e.Subject, e.SessionID)))
	}
	a.events = nil
	return list
}

func TestAUD01_trail(t *testing.T) {
	audit := &trail{}
	w, tokens := newRenewing(t, func(c *gate.Config) { c.Audit = audit })
	expect := func(what string, want ...string) {
		t.Helper()
		if got := audit.take(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	result, err := w.Create(t.Context(), login())
	if err != nil {
		t.Fatal(err)
	}
	expect("login", "login success  7 s1")
	wrong := login()
	wrong.Fields["password"] = "wrong horse battery"
	_, _ = w.Create(t.Context(), wrong)
	expect("wrong password", "login failure invalid_credentials 7")
	_, _ = w.Create(t.Context(), gate.Credentials{Strategy: "local", Fields: map[string]any{"email": "my password", "password": "x"}})
	expect("AUD-02: unknown name", "login failure invalid_credentials")
	_, _ = w.Create(t.Context(), renewal("refresh1"))
	expect("refresh", "refresh success  7 s1")
	_, _ = w.Create(t.Context(), renewal("refresh1"))
	expect("reuse", "refresh failure reused 7")
	if _, err := w.Create(t.Context(), bearer(result.AccessToken)); err != nil {
		t.Fatal(err)
	}
	expect("a token shown again")
	tokens.err = errors.New("no database")
	_, _ = w.Create(t.Context(), login())
	expect("fault", "login error unavailable")
	serve(w.Guard("jwt").Require("admin:users").Protect(whoami), http.MethodGet, "/", "", "Authorization", "Bearer "+result.AccessToken)
	expect("refusal", "access failure forbidden 7 s1")
	if _, err := w.Remove(t.Context(), "", bearer(result.AccessToken)); err != nil {
		t.Fatal(err)
	}
	expect("logout", "logout success  7 s1")
}

// backwards is no encryption, but its own inverse.
type backwards struct{}

func (backwards) Encrypt(token string) (string, error) {
	b := []byte(token)
	slices.Reverse(b)
	return "e:" + string(b), nil
}

func (backwards) Decrypt(token string) (string, error) {
	inner, ok := strings.CutPrefix(token, "e:")
	if !ok {
		return "", errors.New("not encrypted")
	}
	b := []byte(inner)
	slices.Reverse(b)
	return string(b), nil
}

func TestEncryption(t *testing.T) {
	w := newWorld(t, func(c *gate.Config) { c.Encryption = backwards{} })
	token := w.token(t)
	if !strings.HasPrefix(token, "e:") {
		t.Fatalf("the token is %s", token)
	}
	if _, err := w.VerifyAccessToken(t.Context(), token); err != nil {
		t.Error(err)
	}
	signed, _ := backwards{}.Decrypt(token)
	if _, err := w.VerifyAccessToken(t.Context(), signed); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("JWT-17: a token that is only signed: %v", err)
	}
}

// TestRenew_refusedByAListener: a fault of a listener ends no login that was
// there before.
func TestRenew_refusedByAListener(t *testing.T) {
	w, _ := newRenewing(t)
	token := w.token(t)
	w.OnLoginMust(func(context.Context, *gate.Event) error { return errors.New("no database") })
	if _, err := w.Create(t.Context(), renewal("refresh1"), gate.External()); !errors.Is(err, gate.ErrUnavailable) {
		t.Fatalf("renewed: %v", err)
	}
	if _, err := w.Authenticate(t.Context(), bearer(token)); err != nil {
		t.Errorf("the session ended: %v", err)
	}
	if _, err := w.Create(t.Context(), login(), gate.External()); !errors.Is(err, gate.ErrUnavailable) || w.sessions.count() != 1 {
		t.Errorf("a refused login left a session: %v, %d sessions", err, w.sessions.count())
	}
}

// TestPWD11_changedMeanwhile: a login with the old password that is under way
// while the password is changed opens no session.
func TestPWD11_changedMeanwhile(t *testing.T) {
	proof := local.Proof("plain:" + adasPassword)
	var fault error
	w := newWorld(t, func(c *gate.Config) {
		c.Proof = func(context.Context, string) (string, error) { return proof, fault }
	})
	if _, err := w.Create(t.Context(), login()); err != nil {
		t.Fatal(err)
	}
	h, err := w.SessionHandler(gate.CookieConfig{})
	if err != nil {
		t.Fatal(err)
	}
	proof = local.Proof("plain:another")
	if _, err := w.Create(t.Context(), login()); !errors.Is(err, gate.ErrUnavailable) {
		t.Errorf("changed: %v", err)
	}
	if got := serve(h, http.MethodPost, "/", sessionBody, "Content-Type", "application/json"); got.Code != 503 {
		t.Errorf("changed, cookie: %d", got.Code)
	}
	fault = errors.New("no database")
	if _, err := w.Create(t.Context(), login()); !errors.Is(err, gate.ErrUnavailable) {
		t.Errorf("fault: %v", err)
	}
	if w.sessions.count() != 1 {
		t.Errorf("%d sessions", w.sessions.count())
	}
}
