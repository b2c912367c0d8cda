package app_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/server"

	"example.com/restaurant/app"
)

// open opens the restaurant with tills.
func open(t *testing.T, tills string) (*server.Server, error) {
	t.Helper()
	cfg, err := config.Load(config.Options{
		Environ: []string{"AUTH_SECRET=vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA", "TILLS=" + tills},
		Addr:    "127.0.0.1:0", Database: filepath.Join(t.TempDir(), "restaurant.db"), SecretBytes: 32,
	})
	if err != nil {
		t.Fatal(err)
	}
	return server.Open(t.Context(), app.Service(), cfg, slog.New(slog.DiscardHandler))
}

// TestTill changes the menu at a till, and nothing else.
func TestTill(t *testing.T) {
	const bar, terrace = "9f1c27d08b3e4a5f9f1c27d08b3e4a5f", "1b7d3c5e9a2f4860b7d3c5e9a2f48601"
	srv, err := open(t, "bar="+bar+" terrace="+terrace)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	ts := httptest.NewServer(srv.Handler())
	defer ts.Close()
	const soup = `{"name":"Soup","price":4.5}`
	for _, tt := range []struct {
		name, method, path, body string
		codes                    []string
		want                     int
	}{
		{"the bar", "POST", "/api/items", soup, []string{bar}, 201},
		{"the terrace", "POST", "/api/items", soup, []string{terrace}, 201},
		{"nobody", "POST", "/api/items", soup, nil, 401},
		{"a guess", "POST", "/api/items", soup, []string{strings.Replace(bar, "9", "8", 1)}, 401},
		{"the name alone", "POST", "/api/items", soup, []string{"bar"}, 401},
		{"two codes", "POST", "/api/items", soup, []string{bar, terrace}, 401},
		{"accounts", "GET", "/api/users", "", []string{bar}, 403},
		{"an administrator", "POST", "/api/users", `{"email":"eve@example.com","password":"quince-Harbour-lantern","roles":["admin"]}`, []string{bar}, 403},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, ts.URL+tt.path, strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header["X-Till"] = tt.codes
		if tt.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != tt.want {
			t.Errorf("%s: %s %s is %d, want %d", tt.name, tt.method, tt.path, res.StatusCode, tt.want)
		}
	}
}

// TestTill_settings starts nothing with a code that could be guessed.
func TestTill_settings(t *testing.T) {
	for _, tills := range []string{"", "bar", "bar=1234", "=9f1c27d08b3e4a5f9f1c27d08b3e4a5f", "a=9f1c27d08b3e4a5f9f1c27d08b3e4a5f b=9f1c27d08b3e4a5f9f1c27d08b3e4a5f"} {
		srv, err := open(t, tills)
		if err == nil {
			_ = srv.Close()
			t.Errorf("TILLS=%q is taken", tills)
			continue
		}
		if !strings.Contains(err.Error(), "TILLS: ") || strings.Contains(err.Error(), "1234") {
			t.Errorf("TILLS=%q: %v", tills, err)
		}
	}
}
