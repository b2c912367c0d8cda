package auth_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/auth"
)

// newProvider returns an issuer on a loopback address, and what signs its tokens.
func newProvider(t *testing.T) (issuer string, key *jose.Key) {
	t.Helper()
	key, err := jose.GenerateKey("k", jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jose.NewKeySet(key)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	ts := httptest.NewServer(mux)
	t.Cleanup(ts.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": ts.URL, "jwks_uri": ts.URL + "/keys"})
	})
	mux.Handle("GET /keys", keys.Handler(time.Minute))
	return ts.URL, key
}

// foreign has the service take tokens of an issuer besides its own.
func foreign(o auth.OIDC) func(*auth.Config) {
	return func(c *auth.Config) {
		before := c.Strategies
		c.OIDC = &o
		c.Strategies = func(a *auth.Auth) error { return errors.Join(before(a), a.RegisterIssuer()) }
	}
}

// alone has it take them and nothing else.
func alone(o auth.OIDC) func(*auth.Config) {
	return func(c *auth.Config) { c.JWT, c.OIDC, c.Strategies = nil, &o, (*auth.Auth).RegisterIssuer }
}

// TestOIDC_noDatabase: whom a remote token is about is not looked for among the
// accounts, not even when the database is gone.
func TestOIDC_noDatabase(t *testing.T) {
	issuer, key := newProvider(t)
	o := auth.OIDC{Issuer: issuer, Audience: "club", Algorithm: jose.ES256, RolesClaim: "roles"}
	for name, change := range map[string]func(*auth.Config){"beside": foreign(o), "alone": alone(o)} {
		t.Run(name, func(t *testing.T) {
			s := mustSystem(t, change)
			if err := s.db.Close(); err != nil {
				t.Fatal(err)
			}
			now := time.Unix(s.now.Load(), 0)
			token, err := jose.Sign(key, jose.AccessTokenType, &jose.Claims{
				Issuer: issuer, Subject: "1", Audience: []string{"club"}, IssuedAt: now, Expiry: now.Add(time.Hour),
				Extra: map[string]any{"roles": []string{"admin", "root"}, "sid": "s"},
			})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/api/me", http.NoBody)
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			var p *gate.Principal
			me := s.Me(gate.ErrorWriter{})
			s.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				p, _ = gate.PrincipalFromContext(r.Context())
				me.ServeHTTP(w, r)
			})).ServeHTTP(w, r)
			if got, want := w.Body.String(), `{"id":"`+issuer+`|1","roles":["admin"]}`; w.Code != 200 || got != want {
				t.Fatalf("me: %d %s, want %s", w.Code, got, want)
			}
			if p.Subject != issuer+"|1" || p.Issuer != issuer || p.SessionID != "" || p.Strategy != "jwt" || !p.HasPermission("a:b") {
				t.Errorf("principal is %+v", p)
			}
			if sid, _ := p.Claims.String("sid"); sid != "s" {
				t.Errorf("the claims were lost: %+v", p.Claims)
			}
			if found, err := s.Accounts().Subject(t.Context(), p.Subject); found != nil || !errors.Is(err, gate.ErrNotAuthenticated) {
				t.Errorf("Subject = %v, %v", found, err)
			}
		})
	}
}

func TestOIDC_refused(t *testing.T) {
	good := auth.OIDC{Issuer: "https://login.example/", Audience: "urn:club"}
	for name, tt := range map[string]struct {
		change func(*auth.OIDC)
		want   string
	}{
		"no issuer":            {func(o *auth.OIDC) { o.Issuer = "" }, "host"},
		"issuer without TLS":   {func(o *auth.OIDC) { o.Issuer = "http://login.example/" }, "https"},
		"JWT-10 no audience":   {func(o *auth.OIDC) { o.Audience = "" }, "audience"},
		"JWT-02 shared secret": {func(o *auth.OIDC) { o.Algorithm = jose.HS256 }, "HS256"},
		"algorithm none":       {func(o *auth.OIDC) { o.Algorithm = "none" }, "none"},
		"JWT-08 no client":     {func(o *auth.OIDC) { o.Type = "JWT" }, "client ID"},
		"JWT-08 ID tokens":     {func(o *auth.OIDC) { o.Type, o.ClientID = "JWT", "urn:club" }, "ID tokens"},
	} {
		for place, change := range map[string]func(auth.OIDC) func(*auth.Config){"beside": foreign, "alone": alone} {
			o := good
			tt.change(&o)
			if _, err := newSystem(t, change(o)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s, %s: %v, want %q", name, place, err, tt.want)
			}
		}
	}
	if _, err := newSystem(t, func(c *auth.Config) {
		foreign(good)(c)
		c.JWT.Issuer = good.Issuer
	}); err == nil || !strings.Contains(err.Error(), "tokens of the service say the same") {
		t.Errorf("two issuers of one name: %v", err)
	}
	if _, err := newSystem(t, func(c *auth.Config) { c.Strategies = (*auth.Auth).RegisterIssuer }); err == nil {
		t.Error("an issuer was registered that is not there")
	}
	if err := (*auth.Auth)(nil).RegisterIssuer(); err != nil {
		t.Errorf("a service without authentication: %v", err)
	}
}
