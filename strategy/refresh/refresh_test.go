package refresh_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/refresh"
	"github.com/gatewright/gate/strategy/strategytest"
)

const (
	good   = "q3X_refresh-token-of-ada"
	used   = "q3X_refresh-token-used-up"
	gone   = "q3X_refresh-token-of-nobody"
	banned = "q3X_refresh-token-of-bob"
	admins = "q3X_refresh-token-of-admin"
)

var (
	login   = time.Unix(1_700_000_000, 0)
	expires = login.Add(30 * 24 * time.Hour)
)

// backend is a table of tokens and accounts. Its tokens are good for ever.
type backend struct {
	mu       sync.Mutex
	err      error // of everything
	subjects error // of accounts alone
	ended    []string
	endErr   error
	client   gate.Client
	used     int
	roles    []string
	answer   func(*gate.Session, *gate.RefreshToken)
}

func (b *backend) Use(_ context.Context, token string, client gate.Client) (gate.Session, gate.RefreshToken, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used++
	b.client = client
	session := gate.Session{ID: "s1", Subject: "7", Entity: "user", AuthenticatedAt: login, ExpiresAt: expires}
	switch token {
	case good:
	case banned:
		session.Subject = "8"
	case admins:
		session.Entity = "admin"
	case used:
		return gate.Session{}, gate.RefreshToken{}, &gate.AuthError{Code: gate.ErrReused, Message: "used at noon", Subject: "7"}
	default:
		return gate.Session{}, gate.RefreshToken{}, gate.ErrNotAuthenticated
	}
	next := gate.RefreshToken{Token: "the-next-one", ExpiresAt: expires}
	if b.answer != nil {
		b.answer(&session, &next)
	}
	return session, next, b.err
}

func (b *backend) Subject(_ context.Context, id string) (*gate.Principal, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.err != nil:
		return nil, b.err
	case b.subjects != nil:
		return nil, b.subjects
	case id != "7":
		return nil, gate.ErrNotAuthenticated
	}
	return &gate.Principal{Subject: "7", Roles: b.roles}, nil
}

func (b *backend) End(_ context.Context, id string) error {
	b.ended = append(b.ended, id)
	return b.endErr
}

func fields(token any) map[string]any { return map[string]any{"refreshToken": token} }

func renew(t *testing.T, b *backend, token any) (*gate.Renewal, error) {
	t.Helper()
	return refresh.New(b, b, refresh.Config{Sessions: b}).Renew(t.Context(), gate.Credentials{Strategy: "refresh", Fields: fields(token)})
}

func TestStrategy(t *testing.T) {
	strategytest.Run(t, strategytest.Suite{
		New: func() (gate.Strategy, func(error)) {
			b := &backend{}
			return refresh.New(b, b, refresh.Config{}), func(err error) {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.err = err
			}
		},
		Subject: "7",
		Good:    []strategytest.Case{{Name: "posted", Fields: fields(good)}},
		Bad: []strategytest.Case{
			{Name: "unknown", Fields: fields(gone)},
			{Name: "used", Fields: fields(used)},
			{Name: "of a disabled account", Fields: fields(banned)},
			{Name: "of another kind of account", Fields: fields(admins)},
			{Name: "not of a token's letters", Fields: fields("q3X refresh token")},
			{Name: "empty", Fields: fields("")},
		},
	})
}

// TestSES06_reuseIsToldToTheTrail passes on that a token was used twice, and
// whose it is, but not to the one who presents it.
func TestSES06_reuseIsToldToTheTrail(t *testing.T) {
	_, err := renew(t, &backend{}, used)
	refusal, ok := errors.AsType[*gate.AuthError](err)
	if !ok || refusal.Code != gate.ErrReused || refusal.Subject != "7" || refusal.Message != "Invalid refresh token" {
		t.Errorf("got %+v", refusal)
	}
}

// TestSES07_rolesOfNow has the roles change between two uses.
func TestSES07_rolesOfNow(t *testing.T) {
	b := &backend{roles: []string{"chef"}}
	ctx := gate.ContextWithClient(t.Context(), gate.Client{Address: netip.MustParseAddr("192.0.2.7"), UserAgent: "phone"})
	s := refresh.New(b, b, refresh.Config{})
	for _, roles := range [][]string{{"chef"}, {"cook"}, nil} {
		b.roles = roles
		renewal, err := s.Renew(ctx, gate.Credentials{Fields: fields(good)})
		if err != nil {
			t.Fatal(err)
		}
		want := &gate.Renewal{
			Principal: &gate.Principal{Subject: "7", SessionID: "s1", Roles: roles, AuthenticatedAt: login, ExpiresAt: expires},
			Refresh:   gate.RefreshToken{Token: "the-next-one", ExpiresAt: expires},
		}
		if diff := cmp.Diff(want, renewal, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	}
	if b.client.UserAgent != "phone" || b.client.Address.String() != "192.0.2.7" {
		t.Errorf("the store was told of the client %v", b.client)
	}
}

// TestSES01_form keeps what cannot be a token from the store.
func TestSES01_form(t *testing.T) {
	for name, token := range map[string]string{
		"empty": "", "blank": " ", "too long": good + string(make([]byte, 300)), "long": longToken(257),
		"a path": "../" + good, "quoted": `"` + good + `"`, "padded": good + "=", "line break": good + "\n",
	} {
		b := &backend{}
		if _, err := renew(t, b, token); !errors.Is(err, gate.ErrNotAuthenticated) || b.used != 0 {
			t.Errorf("%s: got %v after %d look-ups", name, err, b.used)
		}
	}
	b := &backend{}
	if _, _ = renew(t, b, longToken(256)); b.used != 1 {
		t.Error("a token of 256 characters was not looked up")
	}
}

func longToken(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = 'A'
	}
	return string(text)
}

// TestLOG13_endsTheSession has the account be gone: no, and the session ends
// with it. When it could not be told, it does not.
func TestLOG13_endsTheSession(t *testing.T) {
	b := &backend{}
	if _, err := renew(t, b, banned); !errors.Is(err, gate.ErrNotAuthenticated) || !cmp.Equal(b.ended, []string{"s1"}) {
		t.Errorf("got %v, ended %v", err, b.ended)
	}
	b = &backend{endErr: errors.New("down")}
	if _, err := renew(t, b, banned); !errors.Is(err, gate.ErrNotAuthenticated) || errors.Is(err, gate.ErrUnavailable) {
		t.Errorf("when it cannot be ended got %v", err)
	}
	for _, fault := range []error{errors.New("down"), &gate.AuthError{Code: gate.ErrUnavailable, Err: gate.ErrNotAuthenticated}, gate.ErrForbidden} {
		b = &backend{subjects: fault}
		if _, err := renew(t, b, good); !errors.Is(err, gate.ErrUnavailable) || b.ended != nil {
			t.Errorf("%v: got %v, ended %v", fault, err, b.ended)
		}
	}
	b = &backend{}
	if _, err := refresh.New(b, b, refresh.Config{}).Renew(t.Context(), gate.Credentials{Fields: fields(banned)}); !errors.Is(err, gate.ErrNotAuthenticated) {
		t.Errorf("without somebody to end it got %v", err)
	}
}

// TestLOG16_oddStores has stores that answer nonsense or in codes of others:
// that is no decision.
func TestLOG16_oddStores(t *testing.T) {
	for name, b := range map[string]*backend{
		"forbids":       {err: gate.ErrForbidden},
		"throttles":     {err: gate.ErrTooManyRequests},
		"no session":    {answer: func(s *gate.Session, _ *gate.RefreshToken) { *s = gate.Session{} }},
		"no next token": {answer: func(_ *gate.Session, next *gate.RefreshToken) { next.Token = "" }},
		"no subject":    {answer: func(s *gate.Session, _ *gate.RefreshToken) { s.Subject = "" }},
	} {
		if renewal, err := renew(t, b, good); renewal != nil || !errors.Is(err, gate.ErrUnavailable) {
			t.Errorf("%s: got %v and %v, want ErrUnavailable", name, renewal, err)
		}
	}
}

func TestConfig(t *testing.T) {
	b := &backend{}
	s := refresh.New(b, b, refresh.Config{Field: "refresh_token", Entity: "admin"})
	renewal, err := s.Renew(t.Context(), gate.Credentials{Fields: map[string]any{"refresh_token": admins}})
	if err != nil || renewal.Principal.Subject != "7" {
		t.Errorf("got %v and %v", renewal, err)
	}
	for name, s := range map[string]*refresh.Strategy{
		"no tokens":   refresh.New(nil, b, refresh.Config{}),
		"no subjects": refresh.New(b, nil, refresh.Config{}),
		"one field":   refresh.New(b, b, refresh.Config{Field: "strategy"}),
	} {
		if s.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
