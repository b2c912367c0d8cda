package app_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/server"

	"example.com/restaurant/app"
)

// TestMenuOfTheDay asks the code of this restaurant's own over HTTP.
func TestMenuOfTheDay(t *testing.T) {
	cfg, err := config.Load(config.Options{
		Environ: []string{"AUTH_SECRET=vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA", "DOCS=on"}, Addr: "127.0.0.1:0",
		Database: filepath.Join(t.TempDir(), "restaurant.db"), SecretBytes: 32,
	})
	if err != nil {
		t.Fatal(err)
	}
	service := app.Service()
	build := service.Build
	var restaurant *server.App
	service.Build = func(a *server.App) error { restaurant = a; return build(a) }
	srv, err := server.Open(t.Context(), service, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = srv.Close() }()
	for _, dish := range []string{`{"name":"Lobster","price":60}`, `{"name":"Soup","price":4.5}`, `{"name":"Bread","price":2}`} {
		if _, err := restaurant.Entities()[0].CreateRow(authz.System(t.Context()), []byte(dish), nil); err != nil {
			t.Fatal(err)
		}
	}
	ts := httptest.NewServer(srv.Handler())
	defer ts.Close()
	for _, tt := range []struct {
		path   string
		status int
		body   string
	}{
		{"/api/menu-of-the-day?most=2", 200, `[{"name":"Bread","price":2.00},{"name":"Soup","price":4.50}]`},
		{"/api/menu-of-the-day?most=11", 400, `"message":"must be 10 or less"`},
		{"/api/menu-of-the-day?least=1", 400, `"field":"least"`},
		{"/api/openapi.json", 200, `/api/menu-of-the-day`},
		{"/api/nothing", 404, `"code":404`},
	} {
		res, err := http.Get(ts.URL + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != tt.status || !strings.Contains(string(body), tt.body) {
			t.Errorf("%s: %d %s %v, want %d and %s", tt.path, res.StatusCode, body, err, tt.status, tt.body)
		}
		if link := res.Header.Get("Link"); !strings.Contains(link, "openapi.json") {
			t.Errorf("%s: no link to the description: %q", tt.path, link)
		}
	}
}
