package idp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// allowed returns the origin that a preflight allows.
func allowed(s *idptest.Server, origin string) string {
	r := httptest.NewRequest(http.MethodOptions, "/oauth/token", nil)
	r.Header.Set("Origin", origin)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Header().Get("Access-Control-Allow-Origin")
}

// What is remembered of the origins is that of the clients of this moment.
func TestCORS_changes(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	const first, second = "https://first.example", "https://second.example"
	for _, origin := range []string{first, second, "null", "*", "", "https://localhost:3000", "http://localhost:3000/", "HTTP://LOCALHOST:3000"} {
		if got := allowed(s, origin); got != "" {
			t.Errorf("%q: %q", origin, got)
		}
	}
	set := func(edit func(*tenant.Client)) {
		t.Helper()
		if _, err := s.Tenant().Clients.Update(t.Context(), idptest.SPA, func(c *tenant.Client) error { edit(c); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	set(func(c *tenant.Client) { c.WebOrigins = []string{first} })
	if got := allowed(s, first); got != first {
		t.Errorf("added: %q", got)
	}
	set(func(c *tenant.Client) { c.WebOrigins, c.Origins = nil, []string{second} })
	if got := allowed(s, first); got != "" {
		t.Errorf("taken away: %q", got)
	}
	if got := allowed(s, second); got != second {
		t.Errorf("added in its place: %q", got)
	}
	if err := s.Tenant().Clients.Delete(t.Context(), idptest.SPA); err != nil {
		t.Fatal(err)
	}
	if got := allowed(s, second); got != "" {
		t.Errorf("of a client that was deleted: %q", got)
	}
}

// manyClients adds clients, each with pages of its own.
func manyClients(tb testing.TB, s *idptest.Server, n int) {
	tb.Helper()
	for i := range n {
		if err := s.Tenant().Clients.Create(tb.Context(), &tenant.Client{
			ID: tenant.NewSubject(), Name: fmt.Sprint("Shop ", i), AppType: tenant.SPA, AuthMethod: tenant.AuthNone,
			Callbacks: []string{fmt.Sprintf("https://shop-%d.example/callback", i)}, WebOrigins: []string{fmt.Sprintf("https://shop-%d.example", i)},
		}); err != nil {
			tb.Fatal(err)
		}
	}
}

// A preflight costs the same for few clients and for many.
func TestCORS_allocations(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	few := testing.AllocsPerRun(100, func() { allowed(s, "https://nobody.example") })
	manyClients(t, s, 300)
	allowed(s, "https://nobody.example")
	if many := testing.AllocsPerRun(100, func() { allowed(s, "https://nobody.example") }); many > few+20 { // a look at the database in between
		t.Errorf("%v allocations for 300 clients, %v for a few", many, few)
	}
}

func BenchmarkPreflight(b *testing.B) {
	s := idptest.New(b, idptest.Config{})
	manyClients(b, s, 300)
	for b.Loop() {
		allowed(s, "https://nobody.example")
	}
}
