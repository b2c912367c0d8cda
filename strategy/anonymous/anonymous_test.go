package anonymous_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/strategy/anonymous"
	"github.com/gatewright/gate/strategy/strategytest"
)

func bare() *http.Request { return httptest.NewRequest(http.MethodGet, "/", nil) }

func TestStrategy(t *testing.T) {
	strategytest.Run(t, strategytest.Suite{
		New: func() (gate.Strategy, func(error)) {
			return anonymous.New(anonymous.Config{Roles: []string{"visitor"}}), nil
		},
		Good: []strategytest.Case{{Name: "nothing", Request: bare}},
		Bad: []strategytest.Case{
			{Name: "posted to the login", Fields: map[string]any{"nothing": "presented"}},
			{Name: "operator", Fields: map[string]any{"nothing": map[string]any{"$ne": nil}}},
			{Name: "something", Distinct: true, Request: func() *http.Request {
				r := bare()
				r.Header.Set("Authorization", "Bearer a.b.c")
				return r
			}},
		},
	})
}

func TestAuthenticate(t *testing.T) {
	cfg := anonymous.Config{Roles: []string{"visitor"}, Permissions: []string{"read:menu"}}
	s := anonymous.New(cfg)
	cfg.Roles[0], cfg.Permissions[0] = "admin", "*" // too late
	c, found, err := s.Parse(bare())
	if !found || err != nil {
		t.Fatal(found, err)
	}
	want := &gate.Principal{Roles: []string{"visitor"}, Permissions: []string{"read:menu"}}
	for range 2 {
		got, err := s.Authenticate(t.Context(), c)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		got.Roles[0], got.Permissions[0] = "admin", "*" // the caller's own
	}
}

// service returns a service with a strategy for the header X-Key before the
// anonymous one.
func service(t *testing.T, cfg anonymous.Config) *gate.Service {
	t.Helper()
	svc, err := gate.New(gate.Config{AuthStrategies: []string{"key", "anonymous"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, st := range map[string]gate.Strategy{"key": key{}, "anonymous": anonymous.New(cfg)} {
		if err := svc.Register(name, st); err != nil {
			t.Fatal(err)
		}
	}
	return svc
}

type key struct{}

func (key) Authenticate(_ context.Context, c gate.Credentials) (*gate.Principal, error) {
	if text, err := c.Text("key"); err != nil || text != "good" {
		return nil, gate.ErrInvalidCredentials
	}
	return &gate.Principal{Subject: "7"}, nil
}

func (key) Parse(r *http.Request) (c gate.Credentials, found bool, err error) {
	if values := r.Header["X-Key"]; len(values) == 1 {
		c.SetText("key", values[0])
		return c, true, nil
	}
	return c, false, nil
}

// TestLOG15_refusedIsNotAnonymous sends credentials that are wrong: they are
// refused, not ignored.
func TestLOG15_refusedIsNotAnonymous(t *testing.T) {
	svc := service(t, anonymous.Config{Permissions: []string{"read:menu"}})
	for _, tt := range []struct {
		name, header, value string
		want                int
		subject             string
	}{
		{"nothing", "X-Other", "x", http.StatusOK, ""},
		{"good key", "X-Key", "good", http.StatusOK, "7"},
		{"wrong key", "X-Key", "bad", http.StatusUnauthorized, ""},
		{"a bearer that nobody takes", "Authorization", "Bearer a.b.c", http.StatusUnauthorized, ""},
		{"a scheme that nobody knows", "Authorization", "x", http.StatusUnauthorized, ""},
		{"an empty header", "Authorization", "", http.StatusUnauthorized, ""},
	} {
		r, w := bare(), httptest.NewRecorder()
		r.Header.Set(tt.header, tt.value)
		var got *gate.Principal
		svc.Guard("key", "anonymous").Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got, _ = gate.PrincipalFromContext(r.Context())
		})).ServeHTTP(w, r)
		if w.Code != tt.want || (got != nil) != (tt.want == http.StatusOK) || got != nil && got.Subject != tt.subject {
			t.Errorf("%s: %d and %v, want %d", tt.name, w.Code, got, tt.want)
		}
	}
}

// TestKEY05_anonymousCannotLogIn asks for a token in every way that a client
// has.
func TestKEY05_anonymousCannotLogIn(t *testing.T) {
	svc := service(t, anonymous.Config{Roles: []string{"visitor"}})
	parsed, _, err := svc.Parse(bare())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]gate.Credentials{
		"by name":  {Strategy: "anonymous"},
		"by field": {Strategy: "anonymous", Fields: map[string]any{"nothing": "presented"}},
		"parsed":   parsed,
	} {
		if result, err := svc.Create(t.Context(), c); result != nil || !errors.Is(err, gate.ErrNotAuthenticated) {
			t.Errorf("%s: got %v and %v", name, result, err)
		}
	}
}

// principal returns what handlers see of a visitor.
func principal(t *testing.T, cfg anonymous.Config) *gate.Principal {
	t.Helper()
	svc := service(t, cfg)
	c, _, err := svc.Parse(bare())
	if err != nil {
		t.Fatal(err)
	}
	p, err := svc.Authenticate(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAUZ02_ownsNothing has a policy decide about a visitor.
func TestAUZ02_ownsNothing(t *testing.T) {
	policy, err := authz.NewPolicy([]authz.Role{{Name: "visitor", Permissions: []string{"read:menu"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]anonymous.Config{"plain": {}, "visitor": {Roles: []string{"visitor"}}} {
		p := principal(t, cfg)
		if p.Subject != "" || !p.AuthenticatedAt.IsZero() {
			t.Errorf("%s is %+v", name, p)
		}
		for _, word := range []string{"owner", "signed-in", "create:items", "admin", "nobody"} {
			if d := policy.Decide(p, authz.MustRule(word)); d >= authz.OwnRows {
				t.Errorf("%s, %s: %v", name, word, d)
			}
		}
		if d := policy.Decide(p, authz.MustRule("public")); d != authz.Allowed {
			t.Errorf("%s, public: %v", name, d)
		}
	}
}
