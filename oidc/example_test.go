package oidc_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/oidc"
	"github.com/gatewright/gate/strategy/jwt"
)

func Example() {
	// An issuer somewhere else.
	key, err := jose.GenerateKey("2030-03", jose.RS256)
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := jose.NewKeySet(key)
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, server.URL, server.URL+"/keys")
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, "%s", keys.JWKS()) })

	// An API that takes its access tokens.
	issuers, err := oidc.New(oidc.Config{Issuers: []oidc.Issuer{{
		Issuer:    server.URL,
		Audiences: []string{"https://api.example.com"},
	}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer issuers.Close()
	svc, err := gate.New(gate.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	strategy := jwt.New(issuers, nil, jwt.Config{Stateless: true, RolesClaim: "roles"})
	if err := svc.Register("jwt", strategy); err != nil {
		fmt.Println(err)
		return
	}
	orders := svc.Guard("jwt").Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := gate.PrincipalFromContext(r.Context())
		fmt.Fprintf(w, "orders of %s, a %s", p.Subject, p.Roles)
	}))

	for _, audience := range []string{"https://api.example.com", "https://other.example.com"} {
		token, err := jose.Sign(key, jose.AccessTokenType, &jose.Claims{
			Issuer:   server.URL,
			Audience: []string{audience},
			Subject:  "ada",
			Expiry:   time.Now().Add(15 * time.Minute),
			Extra:    map[string]any{"roles": []string{"editor"}},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		orders.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Code != http.StatusOK || w.Body.String() == "orders of ada, a [editor]")
	}
	// Output:
	// 200 true
	// 401 true
}
