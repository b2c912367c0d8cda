package gate_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/basic"
	"github.com/gatewright/gate/strategy/jwt"
)

// okHandler is the handler that is guarded: what is measured is the guard.
var okHandler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"ok":true}`)) })

// fixed is one account that costs nothing to look up.
type fixed struct{ gate.Account }

func (f *fixed) ByLogin(context.Context, string) (*gate.Account, error) { return &f.Account, nil }

func (f *fixed) Subject(context.Context, string) (*gate.Principal, error) {
	return &gate.Principal{Subject: f.Account.Subject, Roles: f.Roles}, nil
}

func (f *fixed) Verify(context.Context, string, string) (*gate.Principal, error) {
	return &gate.Principal{Subject: f.Account.Subject, Roles: f.Roles}, nil
}

// guards returns the bare handler and the same behind guards, each with the
// Authorization header that opens it.
func guards(b *testing.B) []struct {
	name, authorization string
	handler             http.Handler
} {
	b.Helper()
	permissions := []string{"view:items"}
	svc, err := gate.New(gate.Config{
		Keys: newKeys(b), Issuer: "https://gate.test", Audience: []string{"https://api.test"},
		Permissions: func([]string) []string { return permissions },
	})
	if err != nil {
		b.Fatal(err)
	}
	account := &fixed{gate.Account{Subject: "7", PasswordHash: "x", Roles: []string{"cook"}}}
	if err := svc.Register("jwt", jwt.New(svc, account, jwt.Config{})); err != nil {
		b.Fatal(err)
	}
	if err := svc.Register("basic", basic.New(account, account, basic.Config{})); err != nil {
		b.Fatal(err)
	}
	token, _, err := svc.CreateAccessToken(b.Context(), nil, gate.TokenOptions{Subject: "7"})
	if err != nil {
		b.Fatal(err)
	}
	guarded := svc.Guard("jwt", "basic").Require("view:items").Protect(okHandler)
	return []struct {
		name, authorization string
		handler             http.Handler
	}{
		{"bare", "Bearer " + token, okHandler},
		{"jwt", "Bearer " + token, guarded},
		{"basic", basicRequest(adasPassword).Header.Get("Authorization"), guarded},
	}
}

// BenchmarkGuard measures what a guard adds to a handler called directly.
func BenchmarkGuard(b *testing.B) {
	for _, g := range guards(b) {
		b.Run(g.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/items/1", nil)
			r.Header.Set("Authorization", g.authorization)
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				w.Body.Reset()
				g.handler.ServeHTTP(w, r)
			}
			if w.Code != http.StatusOK {
				b.Fatal(w.Body)
			}
		})
	}
}

// BenchmarkGuardHTTP measures the same over HTTP on kept connections; "bare" is
// the floor.
func BenchmarkGuardHTTP(b *testing.B) {
	for _, g := range guards(b) {
		b.Run(g.name, func(b *testing.B) {
			server := httptest.NewServer(g.handler)
			defer server.Close()
			client := server.Client()
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Authorization", g.authorization)
			for b.Loop() {
				response, err := client.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				if response.StatusCode != http.StatusOK {
					b.Fatal(response.Status)
				}
			}
		})
	}
}
