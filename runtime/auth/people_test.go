package auth_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/auth"
)

// A voucher is an issuer whose people have accounts.
type voucher struct {
	t      *testing.T
	name   string
	key    *jose.Key
	status atomic.Int64 // of the next discoveries; zero means a good answer
	info   func(w http.ResponseWriter, subject string)
	// how often it was asked
	discovered, told atomic.Int64
}

func newVoucher(t *testing.T) *voucher {
	t.Helper()
	v := &voucher{t: t}
	var err error
	if v.key, err = jose.GenerateKey("k", jose.ES256); err != nil {
		t.Fatal(err)
	}
	keys, err := jose.NewKeySet(v.key)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	ts := httptest.NewServer(mux)
	t.Cleanup(ts.Close)
	v.name = ts.URL
	mux.Handle("GET /keys", keys.Handler(time.Minute))
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		v.discovered.Add(1)
		if status := v.status.Load(); status != 0 {
			w.WriteHeader(int(status))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": v.name, "jwks_uri": v.name + "/keys", "userinfo_endpoint": v.name + "/userinfo"})
	})
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		v.told.Add(1)
		w.Header().Set("Content-Type", "application/json")
		v.info(w, r.Header.Get("Authorization"))
	})
	return v
}

// vouched is a system that only v vouches for.
func (v *voucher) vouched() *system {
	return mustSystem(v.t, alone(auth.OIDC{
		Issuer: v.name, Audience: "club", Algorithm: jose.ES256,
		Users: &auth.Users{Create: true, Email: "login", Update: true, Fields: map[string]string{"nick": "nickname"}},
	}))
}

// token is about a subject, made that many seconds before now.
func (v *voucher) token(s *system, subject string, ago int64, claims map[string]any) string {
	v.t.Helper()
	at := time.Unix(s.now.Load()-ago, 0)
	extra := map[string]any{"sid": "s"}
	maps.Copy(extra, claims)
	token, err := jose.Sign(v.key, jose.AccessTokenType, &jose.Claims{
		Issuer: v.name, Subject: subject, Audience: []string{"club", v.name + "/userinfo"}, IssuedAt: at, Expiry: at.Add(time.Hour), Extra: extra,
	})
	if err != nil {
		v.t.Fatal(err)
	}
	return token
}

// status returns how the service answers who has the token.
func (s *system) status(t *testing.T, token string) int {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, r)
	return w.Code
}

// TestUsers_updateFails: an account that could not be brought up to date is, when
// the same token comes again.
func TestUsers_updateFails(t *testing.T) {
	v := newVoucher(t)
	s := v.vouched()
	profile := func(nick string) map[string]any {
		return map[string]any{"email": "ada@x.example", "email_verified": true, "nickname": nick}
	}
	if got := s.status(t, v.token(s, "ada", 60, profile("old"))); got != 200 {
		t.Fatalf("the first token: %d", got)
	}
	s.now.Add(10)
	newer := v.token(s, "ada", 0, profile("new"))
	if _, err := s.db.Exec(t.Context(), `ALTER TABLE "members" RENAME COLUMN "nick" TO "away"`); err != nil {
		t.Fatal(err)
	}
	if got := s.status(t, newer); got != 503 {
		t.Fatalf("with a table that is broken: %d", got)
	}
	if _, err := s.db.Exec(t.Context(), `ALTER TABLE "members" RENAME COLUMN "away" TO "nick"`); err != nil {
		t.Fatal(err)
	}
	if got := s.status(t, newer); got != 200 {
		t.Fatalf("the same token again: %d", got)
	}
	var nick string
	if err := s.db.Read().QueryRowContext(t.Context(), `SELECT nick FROM members`).Scan(&nick); err != nil || nick != "new" {
		t.Errorf("the account says %q, %v", nick, err)
	}
}

// TestUsers_issuerFails: an issuer that fails is not asked again for each request.
func TestUsers_issuerFails(t *testing.T) {
	answer := func(subject string) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, _ string) {
			fmt.Fprintf(w, `{"sub":%q,"email":"%s@x.example","email_verified":true}`, subject, subject)
		}
	}
	refuse := func(status int) func(http.ResponseWriter, string) {
		return func(w http.ResponseWriter, _ string) { w.WriteHeader(status) }
	}
	for name, tt := range map[string]struct {
		discovery int64
		info      func(http.ResponseWriter, string)
		others    int // the answer to somebody else meanwhile
	}{
		"no discovery": {503, answer("bob"), 503},
		"no userinfo":  {0, refuse(502), 503},
		"too many":     {0, refuse(429), 200},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVoucher(t)
			s := v.vouched()
			if got := s.status(t, v.token(s, "first", 0, map[string]any{"email": "first@x.example"})); got != 200 {
				t.Fatalf("before: %d", got) // the keys are known
			}
			v.discovered.Store(0)
			v.status.Store(tt.discovery)
			v.info = tt.info
			token := v.token(s, "ada", 0, nil)
			for range 5 {
				if got := s.status(t, token); got != 503 {
					t.Fatalf("an issuer that fails: %d", got)
				}
			}
			if d, i := v.discovered.Load(), v.told.Load(); d != 1 || i > 1 {
				t.Errorf("asked %d times where it tells, %d times who it is", d, i)
			}
			v.status.Store(0)
			v.info = answer("bob")
			if got := s.status(t, v.token(s, "bob", 0, nil)); got != tt.others {
				t.Errorf("somebody else: %d, want %d", got, tt.others)
			}
			s.now.Add(16)
			v.info = answer("ada")
			if got := s.status(t, token); got != 200 {
				t.Errorf("a moment later: %d", got)
			}
		})
	}
}
