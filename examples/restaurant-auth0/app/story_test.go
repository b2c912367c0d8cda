package app_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/server"

	"example.com/restaurant/app"
)

// issuer is a provider on a loopback address.
func issuer(t *testing.T) (name string, key *jose.Key) {
	t.Helper()
	key, err := jose.GenerateKey("k", jose.RS256)
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
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": ts.URL + "/", "jwks_uri": ts.URL + "/.well-known/jwks.json"})
	})
	mux.Handle("GET /.well-known/jwks.json", keys.Handler(time.Minute))
	return ts.URL + "/", key
}

// TestStory: a guest signs up, reads the menu and is refused a write; the same
// guest writes once the issuer gives them the permission, or the role.
func TestStory(t *testing.T) {
	name, key := issuer(t)
	cfg, err := config.Load(config.Options{
		Environ: []string{"AUTH_SECRET=vB7xQ2mK9pL4wN8sR1tY6uZ3cF5hJ0dA", "AUTH0_ISSUER_URL=" + name},
		Addr:    "127.0.0.1:0", Database: filepath.Join(t.TempDir(), "restaurant.db"), SecretBytes: 32,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.Open(t.Context(), app.Service(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	ts := httptest.NewServer(srv.Handler())
	defer ts.Close()

	const audience = "https://restaurant.example/api"
	call := func(method, path, body string, claims map[string]any, want int) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, ts.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if claims != nil {
			now := time.Now()
			token, err := jose.Sign(key, "JWT", &jose.Claims{
				Issuer: name, Subject: "auth0|ada", Audience: []string{audience, name + "userinfo"},
				IssuedAt: now, Expiry: now.Add(time.Hour), Extra: claims,
			})
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != want {
			t.Fatalf("%s %s: %d %s, want %d", method, path, res.StatusCode, answer, want)
		}
		return string(answer)
	}
	guest := map[string]any{audience + "/user": map[string]any{
		"email": "ada@restaurant.example", "email_verified": true, "name": "Ada", "picture": "https://restaurant.example/ada.png",
	}}
	const figs = `{"name":"Figs","price":7.50}`
	call("GET", "/api/items", "", nil, 200)
	call("POST", "/api/items", figs, nil, 401)
	if me := call("GET", "/api/me", "", guest, 200); !strings.Contains(me, `"name":"Ada"`) || !strings.Contains(me, `"roles":["customer"]`) {
		t.Errorf("me is %s", me)
	}
	call("GET", "/api/items", "", guest, 200)
	guest["permissions"] = []string{}
	call("POST", "/api/items", figs, guest, 403)
	guest["permissions"] = []string{"create:items", "update:items", "delete:items"}
	call("POST", "/api/items", figs, guest, 201)
	delete(guest, "permissions")
	guest[audience+"/roles"] = []string{"menu-admin", "admin"}
	call("POST", "/api/items", figs, guest, 201)
	call("GET", "/api/users", "", guest, 403) // admin is not on the list of roles that count
}
