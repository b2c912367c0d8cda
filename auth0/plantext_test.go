package auth0_test

import (
	"testing"

	"github.com/gatewright/gate/auth0"
)

// A plan of many scopes, clients and roles stays one that somebody reads: entries of
// one list share lines of a terminal, and what is made says what it gets.
func TestPlan_lists(t *testing.T) {
	p := auth0.Plan{Changes: []auth0.Change{
		{Kind: auth0.Create, Object: "api", Name: "https://a.example/api", Fields: []auth0.FieldChange{
			{Path: "enforce_policies", Before: "false", After: "true"},
			{Path: "scopes", After: "create:items"},
			{Path: "scopes", After: "delete:items"},
			{Path: "scopes", After: "update:items"},
			{Path: "scopes", After: "list:reservations"},
			{Path: "token_dialect", After: "access_token_authz"},
		}},
		{Kind: auth0.Update, Object: "client", Name: "Menu", Fields: []auth0.FieldChange{
			{Path: "callbacks", Before: "http://localhost:3000/auth-callback"},
			{Path: "callbacks", After: "http://localhost:5173/auth-callback"},
			{Path: "oidc_conformant", Before: "false", After: "true"},
		}},
	}}
	const want = `create api "https://a.example/api"
    enforce_policies: + "true"
    scopes: + "create:items", "delete:items", "update:items",
              "list:reservations"
    token_dialect: + "access_token_authz"
update client "Menu"
    callbacks: - "http://localhost:3000/auth-callback"
    callbacks: + "http://localhost:5173/auth-callback"
    oidc_conformant: "false" -> "true"
1 to create, 1 to update
`
	if got := p.String(); got != want {
		t.Errorf("%s", got)
	}
}
