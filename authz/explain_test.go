package authz_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
)

func TestExplain(t *testing.T) {
	policy, err := authz.NewPolicy(kitchen, authz.WithTenant(authz.TenantClaim("org_id")))
	if err != nil {
		t.Fatal(err)
	}
	limited := &gate.Principal{Subject: "u", Permissions: []string{"read:orders", "update:items"}, Scopes: []string{"read:*"}}
	tests := []struct {
		principal *gate.Principal
		rule      string
		want      string
	}{
		{nil, "public", "allowed: public: everybody is admitted"},
		{withRoles("cook"), "nobody", "forbidden: nobody: nobody is admitted"},
		{nil, "owner, cook", "unauthenticated: owner: nobody is there; cook: nobody is there"},
		{&gate.Principal{Strategy: "anonymous"}, "signed-in", "unauthenticated: signed-in: nobody in particular is there"},
		{withRoles(), "signed-in", "allowed: signed-in: somebody is signed in"},
		{withRoles(), "owner, update:items", "own_rows: owner: rows of its own"},
		{withRoles("cook"), "cook", "allowed: cook: the role is held"},
		{withRoles("chef"), "cook", "allowed: cook: the role is inherited by chef"},
		{withRoles("cook"), "chef, ghost", "forbidden: chef: the role is not held; ghost: there is no such role"},
		{withRoles("cook"), "update:items", "allowed: update:items: role cook gives it"},
		{withRoles("chef"), "update:items", "allowed: update:items: role chef gives it, inherited from cook"},
		{withRoles("ghost", "chef"), "create:menus", "allowed: create:menus: role chef gives it as create:*, inherited from baker"},
		{withRoles("cook"), "create:items", "forbidden: create:items: no role that is held gives it"},
		{&gate.Principal{Subject: "m", Permissions: []string{"*"}}, "create:items", "allowed: create:items: the credentials carry it"},
		{limited, "read:orders", "allowed: read:orders: the credentials carry it"},
		{limited, "cook, update:items", "forbidden: cook: the credentials are limited to scopes, and so hold no role; update:items: the credentials are limited, and no scope of theirs permits it"},
		{limited, "owner", `forbidden: owner: the credentials are limited, and "owner" is not among their scopes`},
		{limited, "create:items", "forbidden: create:items: the credentials do not carry it"},
		{withRoles("cook"), "tenant", "forbidden: tenant: the principal has no tenant"},
		{of("kitchen", withRoles("cook")), "cook within tenant", `tenant_rows: cook within tenant: the role is held, for rows of tenant "kitchen"`},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			rule := authz.MustRule(strings.Split(tt.rule, ", ")...)
			if got := policy.Explain(tt.principal, rule).String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestExplain_agrees puts the decision together from those of its words: both
// must be the same, whatever the rule and whoever asks.
func TestExplain_agrees(t *testing.T) {
	policy, err := authz.NewPolicy(kitchen, authz.WithTenant(authz.TenantClaim("org_id")))
	if err != nil {
		t.Fatal(err)
	}
	words := []string{
		"public", "signed-in", "owner", "tenant", "owner within tenant", "cook", "chef", "cook within tenant",
		"update:items", "create:items within tenant", "read:orders",
	}
	permissions := []string{"*", "update:items", "create:*", "read:orders"}
	some := func(t *rapid.T, from []string, label string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(from), 0, 3, rapid.ID[string]).Draw(t, label)
	}
	rapid.Check(t, func(t *rapid.T) {
		principal := of(rapid.SampledFrom([]string{"", "kitchen"}).Draw(t, "tenant"), &gate.Principal{
			Subject:     rapid.SampledFrom([]string{"", "u1"}).Draw(t, "subject"),
			Strategy:    rapid.SampledFrom([]string{"", "jwt"}).Draw(t, "strategy"),
			Roles:       some(t, []string{"guest", "cook", "baker", "chef", "ghost"}, "roles"),
			Permissions: some(t, permissions, "permissions"),
		})
		if rapid.Bool().Draw(t, "limited") {
			principal.Scopes = some(t, append([]string{"owner", "signed-in"}, permissions...), "scopes")
		}
		rule := authz.MustRule(some(t, words, "rule")...)
		e := policy.Explain(principal, rule)
		if got, want := e.Decision, together(e.Parts); got != want {
			t.Fatalf("%s for %+v: %s, and its words say %s", rule, principal, got, want)
		}
		if got := policy.Decide(principal, rule); got != e.Decision {
			t.Fatalf("Decide says %s, Explain %s", got, e.Decision)
		}
	})
}

// together is the union of decisions.
func together(parts []authz.Part) authz.Decision {
	var own, tenant bool
	best := authz.Unauthenticated
	for _, part := range parts {
		own = own || part.Decision == authz.OwnRows
		tenant = tenant || part.Decision == authz.TenantRows
		best = max(best, part.Decision)
	}
	if own && tenant && best != authz.Allowed {
		return authz.OwnOrTenantRows
	}
	return best
}

func ExamplePolicy_Explain() {
	policy, err := authz.NewPolicy([]authz.Role{
		{Name: "cook", Permissions: []string{"update:*"}},
		{Name: "chef", Inherits: []string{"cook"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	chef := &gate.Principal{Subject: "7", Roles: []string{"chef"}}
	why := policy.Explain(chef, authz.MustRule("owner", "update:items"))
	fmt.Println(why.Decision)
	for _, part := range why.Parts {
		fmt.Printf("%s, %s: %s\n", part.Word, part.Decision, part.Why)
	}
	// Output:
	// allowed
	// owner, own_rows: rows of its own
	// update:items, allowed: role chef gives it as update:*, inherited from cook
}

func TestExplanation_json(t *testing.T) {
	policy := newPolicy(t, kitchen...)
	text, err := json.Marshal(policy.Explain(withRoles("guest"), authz.MustRule("cook")))
	want := `{"decision":"forbidden","rule":"cook","parts":[{"word":"cook","decision":"forbidden","why":"the role is not held"}]}`
	if err != nil || string(text) != want {
		t.Errorf("got  %s, %v\nwant %s", text, err, want)
	}
	var names []string
	for d := authz.Unauthenticated; d <= authz.Allowed; d++ {
		names = append(names, d.String())
	}
	if slices.Contains(names, "") || authz.Decision(9).String() != "Decision(9)" {
		t.Errorf("names %q, and %s", names, authz.Decision(9))
	}
}
