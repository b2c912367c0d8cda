package idp_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
)

// Readers of JSON that ignore case take Plan for plan and Email for email, so a
// token has one of them: what came first, or is the provider's own.
func TestClaimNames_case(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	bind(t, s, "post-login", `exports.onExecutePostLogin = async (event, api) => {
		for (const to of [api.accessToken, api.idToken]) {
			to.setCustomClaim('plan', 'gold'); to.setCustomClaim('Plan', 'tin'); to.setCustomClaim('Email', 'eve@example.com'); to.setCustomClaim('PLAN', null); }; };`,
		`exports.onExecutePostLogin = async (event, api) => { api.accessToken.setCustomClaim('pLan', 'tin'); };`)
	browser := s.Browser()
	tokens := enter(t, s, browser, "ada@example.com")
	names := func(token any) []string {
		found := slices.Sorted(maps.Keys(claimsMap(t, token)))
		return slices.DeleteFunc(found, func(n string) bool {
			return !slices.Contains([]string{"plan", "Plan", "PLAN", "pLan", "email", "Email"}, n)
		})
	}
	if got := names(tokens["access_token"]); !slices.Equal(got, []string{"Email", "plan"}) {
		t.Errorf("access token: %q", got)
	}
	if got := names(tokens["id_token"]); !slices.Equal(got, []string{"email", "plan"}) {
		t.Errorf("ID token: %q", got)
	}
	if got := claimsMap(t, tokens["id_token"])["email"]; got != "ada@example.com" {
		t.Errorf("ID token: %v", got)
	}
	res, body := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+tokens["access_token"].(string))
	if res.StatusCode != http.StatusOK {
		t.Errorf("userinfo: %s %s", res.Status, body)
	}
}
