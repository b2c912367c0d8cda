package gen_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
)

// newProvider returns an issuer on a loopback address, and what signs its tokens.
func newProvider(t *testing.T) (issuer string, key *jose.Key) {
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
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": ts.URL + "/", "jwks_uri": ts.URL + "/keys"})
	})
	mux.Handle("GET /keys", keys.Handler(time.Minute))
	return ts.URL + "/", key
}

// TestOIDCBuilds compiles services that take the tokens of an issuer, with and
// without tokens of their own, and points them at another one by two variables.
func TestOIDCBuilds(t *testing.T) {
	if testing.Short() {
		t.Skip("builds services")
	}
	for name, own := range map[string]string{"alone": "", "beside auth-jwt": "  auth-jwt: {}\n"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			regenerate(t, dir, shop("  auth-core: {entity: User}\n"+own+
				"  auth-oidc: {issuer: \"https://login.example.com/\", audience: \"urn:shop\"}\n"))
			goTool(t, dir, "vet", "./...")
			goTool(t, dir, "build", "-o", "shop", ".")

			issuer, key := newProvider(t)
			t.Setenv("OIDC_ISSUER", issuer)
			t.Setenv("OIDC_AUDIENCE", "urn:other")
			url := start(t, dir, filepath.Join(dir, "shop"))
			for audience, want := range map[string]int{"urn:other": 200, "urn:shop": 401} {
				now := time.Now()
				token, err := jose.Sign(key, jose.AccessTokenType, &jose.Claims{
					Issuer: issuer, Subject: "7", Audience: []string{audience}, IssuedAt: now, Expiry: now.Add(time.Hour),
				})
				if err != nil {
					t.Fatal(err)
				}
				if status, answer := me(t, url, token); status != want || want == 200 && answer != `{"id":"`+issuer+`|7","roles":[]}` {
					t.Errorf("%s: %d %s", audience, status, answer)
				}
			}
		})
	}
}

// me asks a service who the bearer of a token is.
func me(t *testing.T, url, token string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/me", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
