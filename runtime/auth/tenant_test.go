package auth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/strategy/refresh"
)

// TestAUZ09_tenantOfAccounts: whatever somebody authenticates with, the tenant is
// what the row of the account says: here at once, of another process within five
// seconds.
func TestAUZ09_tenantOfAccounts(t *testing.T) {
	s := mustSystem(t, nil)
	hash, err := s.Passwords().Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	s.add(t, "ada", hash, `["member"]`)
	login, err := s.Service().CreateFor(t.Context(), &gate.Principal{Subject: "1", Tenant: "8"})
	if err != nil {
		t.Fatal(err)
	}
	var tenant string
	handler := s.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p, _ := gate.PrincipalFromContext(r.Context())
		tenant = p.Tenant
	}))
	ways := map[string]func(*http.Request){
		"token":    func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+login.AccessToken) },
		"password": func(r *http.Request) { r.SetBasicAuth("ada", "correct horse") },
	}
	want := func(want string) {
		t.Helper()
		for range 2 { // the second time a password is remembered
			for name, set := range ways {
				r := httptest.NewRequest(http.MethodGet, "/?clubId=8&tenant=8", http.NoBody)
				r.Header.Set("X-Tenant", "8")
				set(r)
				tenant = "nobody asked"
				handler.ServeHTTP(httptest.NewRecorder(), r)
				if tenant != want {
					t.Errorf("by %s the tenant is %q, want %q", name, tenant, want)
				}
			}
		}
		p, err := s.Service().Authenticate(t.Context(), credentials("local", "ada", "correct horse"), "local")
		if err != nil || p.Tenant != want {
			t.Errorf("by log-in the tenant is %q, want %q, %v", p.Tenant, want, err)
		}
	}
	want("")
	if _, err := s.members.PatchRow(authz.System(t.Context()), "1", []byte(`{"clubId":7}`), nil); err != nil {
		t.Fatal(err)
	}
	want("7")
	if _, err := s.db.Exec(t.Context(), `UPDATE members SET club_id = 8`); err != nil {
		t.Fatal(err)
	}
	s.now.Add(5)
	want("8")
}

func credentials(strategy, name, password string) gate.Credentials {
	c := gate.Credentials{Strategy: strategy}
	c.SetText("login", name)
	c.SetText("password", password)
	return c
}

// TestAUZ09_moveTakesMore: to put an account into another tenant takes a fresh log-in,
// and ends what prolongs the old ones.
func TestAUZ09_moveTakesMore(t *testing.T) {
	s := mustSystem(t, func(c *auth.Config) {
		c.JWT.Refresh = &auth.Refresh{}
		strategies := c.Strategies
		c.Strategies = func(a *auth.Auth) error {
			return errors.Join(strategies(a), a.Register("refresh", refresh.New(a.Refresh(), a.Accounts(), refresh.Config{Entity: a.EntityKey(), Sessions: a.Sessions()})))
		}
	})
	s.add(t, "ada", "", `["member"]`)
	login, err := s.Service().CreateFor(t.Context(), &gate.Principal{Subject: "1"})
	if err != nil || login.Refresh.Token == "" {
		t.Fatalf("no refresh token: %v", err)
	}
	change := crud.Changed{Action: authz.Update, ID: "1", Set: model.Fields(5)}
	made := crud.Changed{Action: authz.Create, ID: "2", Set: model.Fields(1, 5)}
	stale := &gate.Principal{Subject: "2", AuthenticatedAt: time.Unix(s.now.Load(), 0).Add(-time.Hour)}
	for _, c := range []crud.Changed{change, made} {
		if err := s.Judge(gate.ContextWithPrincipal(t.Context(), stale), c); !errors.Is(err, gate.ErrStepUpRequired) {
			t.Errorf("%v by somebody who logged in an hour ago: %v", c.Action, err)
		}
	}
	if _, err := s.members.PatchRow(authz.System(t.Context()), "1", []byte(`{"nick":"countess"}`), nil); err != nil {
		t.Fatal(err)
	}
	renew := func() error {
		c := gate.Credentials{Strategy: "refresh"}
		c.SetText("refreshToken", login.Refresh.Token)
		var err error
		if next, e := s.Service().Create(t.Context(), c); e == nil {
			login = next
		} else {
			err = e
		}
		return err
	}
	if err := renew(); err != nil {
		t.Fatalf("before the move: %v", err)
	}
	if _, err := s.members.PatchRow(authz.System(t.Context()), "1", []byte(`{"clubId":7}`), nil); err != nil {
		t.Fatal(err)
	}
	if err := renew(); err == nil {
		t.Error("a log-in is renewed in another tenant")
	}
}

// TestAUZ09_tenantOfTheVouchedFor: a token of an issuer says of nobody in which
// tenant they are; the account does, and who comes for the first time is in none.
func TestAUZ09_tenantOfTheVouchedFor(t *testing.T) {
	v := newVoucher(t)
	s := v.vouched()
	claims := map[string]any{"email": "ada@x.example", "email_verified": true, "clubId": 8, "club_id": "8", "org_id": "8", "tenant": "8"}
	ask := func() (tenant string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+v.token(s, "ada", 0, claims))
		tenant = "nobody asked"
		s.Protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			p, _ := gate.PrincipalFromContext(r.Context())
			tenant = p.Tenant
		})).ServeHTTP(httptest.NewRecorder(), r)
		return tenant
	}
	if got := ask(); got != "" {
		t.Errorf("the first token: %q", got)
	}
	if _, err := s.members.PatchRow(authz.System(t.Context()), "1", []byte(`{"clubId":7}`), nil); err != nil {
		t.Fatal(err)
	}
	if got := ask(); got != "7" {
		t.Errorf("in a tenant: %q", got)
	}
}
