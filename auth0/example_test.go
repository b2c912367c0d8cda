package auth0_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gatewright/gate/auth0"
)

// A plan for an empty tenant. The server here stands for https://shop.eu.auth0.com,
// which would be Config.Domain.
func Example() {
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.ReplaceAll(strings.TrimPrefix(r.URL.Path, "/api/v2/"), "-", "_")
		_, _ = fmt.Fprintf(w, `{%q: [], "total": 0}`, key)
	}))
	defer empty.Close()

	tenant, err := auth0.New(auth0.Config{BaseURL: empty.URL, Token: "the.token.ofTheManagementAPI"})
	if err != nil {
		log.Fatal(err)
	}
	plan, err := tenant.Plan(context.Background(), auth0.Desired{
		API: auth0.API{
			Identifier: "https://api.shop.example", Name: "Shop API", RBAC: true,
			Scopes: []auth0.Scope{{Value: "create:orders", Description: "create orders"}},
		},
		Roles: []auth0.Role{{Name: "clerk", Permissions: []string{"create:orders"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(plan)
	// Output:
	// create api "https://api.shop.example"
	//     name: + "Shop API"
	//     signing_alg: + "RS256"
	//     enforce_policies: + "true"
	//     token_dialect: + "access_token_authz"
	//     scopes: + "create:orders"
	// create role "clerk"
	// bind role permissions "clerk"
	//     permissions: + "create:orders"
	// 2 to create, 1 to bind
}
