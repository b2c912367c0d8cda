package authz_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
)

var kitchen = []authz.Role{
	{Name: "guest", Default: true},
	{Name: "cook", Permissions: []string{"update:items", "read:orders"}},
	{Name: "baker", Permissions: []string{"create:*"}, Inherits: []string{"guest"}},
	{Name: "chef", Permissions: []string{"items:*"}, Inherits: []string{"cook", "baker"}},
	{Name: "owner-in-law", Permissions: []string{"*"}},
}

func TestInherits(t *testing.T) {
	policy := newPolicy(t, kitchen...)
	tests := []struct {
		role        string
		held        []string
		permissions []string
	}{
		{"guest", []string{"guest"}, []string{}},
		{"cook", []string{"cook"}, []string{"read:orders", "update:items"}},
		{"baker", []string{"guest", "baker"}, []string{"create:*"}},
		{"chef", []string{"guest", "cook", "baker", "chef"}, []string{"create:*", "items:*", "read:orders", "update:items"}},
		{"ghost", nil, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.role, func(t *testing.T) {
			if got := policy.Held([]string{tt.role}); !slices.Equal(got, tt.held) {
				t.Errorf("Held = %q, want %q", got, tt.held)
			}
			if got := policy.Permissions([]string{tt.role}); !slices.Equal(got, tt.permissions) {
				t.Errorf("Permissions = %q, want %q", got, tt.permissions)
			}
			for _, role := range kitchen {
				got := policy.Decide(withRoles(tt.role), authz.MustRule(role.Name))
				want := authz.Forbidden
				if slices.Contains(tt.held, role.Name) {
					want = authz.Allowed
				}
				if got != want {
					t.Errorf("rule %s: %s, want %s", role.Name, got, want)
				}
			}
		})
	}
}

func TestInherits_refuses(t *testing.T) {
	tests := map[string]struct {
		roles []authz.Role
		want  string
	}{
		"itself":  {[]authz.Role{{Name: "a", Inherits: []string{"a"}}}, "a inherits a"},
		"unknown": {[]authz.Role{{Name: "a", Inherits: []string{"ghost"}}}, `role "a" inherits "ghost"`},
		"word":    {[]authz.Role{{Name: "a", Inherits: []string{"public"}}}, `"public"`},
		"cycle": {
			[]authz.Role{{Name: "x", Inherits: []string{"a"}}, {Name: "a", Inherits: []string{"b"}}, {Name: "b", Inherits: []string{"c"}}, {Name: "c", Inherits: []string{"a"}}},
			"a inherits b inherits c inherits a",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := authz.NewPolicy(tt.roles)
			if p != nil || err == nil || !strings.HasSuffix(err.Error(), tt.want) && !strings.Contains(err.Error(), tt.want+",") {
				t.Errorf("NewPolicy = %v, %v, want an error about %s", p, err, tt.want)
			}
		})
	}
	// Twice the same by two ways is no cycle.
	newPolicy(t, authz.Role{Name: "d", Inherits: []string{"b", "c"}}, authz.Role{Name: "b", Inherits: []string{"a"}},
		authz.Role{Name: "c", Inherits: []string{"a"}}, authz.Role{Name: "a"})
}

func TestWildcards(t *testing.T) {
	policy := newPolicy(t,
		authz.Role{Name: "all", Permissions: []string{"*"}},
		authz.Role{Name: "maker", Permissions: []string{"create:*"}},
		authz.Role{Name: "items", Permissions: []string{"*:items"}},
		authz.Role{Name: "deep", Permissions: []string{"items:*:own"}})
	tests := []struct {
		permission string
		holders    string
	}{
		{"create:items", "all maker items"},
		{"create:items:many", "all maker"},
		{"delete:items", "all items"},
		{"delete:users", "all"},
		{"items:read:own", "all deep"},
		{"items:read", "all"},
		{"items:read:all", "all"},
		{"creates:items", "all items"},
	}
	for _, tt := range tests {
		for _, role := range policy.Roles() {
			want := authz.Forbidden
			if slices.Contains(strings.Fields(tt.holders), role.Name) {
				want = authz.Allowed
			}
			rule := authz.MustRule(tt.permission)
			if got := policy.Decide(withRoles(role.Name), rule); got != want {
				t.Errorf("role %s, %s: %s, want %s", role.Name, tt.permission, got, want)
			}
			carried := &gate.Principal{Subject: "m", Permissions: role.Permissions}
			if got := policy.Decide(carried, rule); got != want {
				t.Errorf("token with %q, %s: %s, want %s", role.Permissions, tt.permission, got, want)
			}
		}
	}
}

func TestAUZ16_mayGrantInherited(t *testing.T) {
	policy := newPolicy(t, append(slices.Clone(kitchen),
		authz.Role{Name: "trap", Default: true, Inherits: []string{"cook"}},
		authz.Role{Name: "newcomer", Default: true, Permissions: []string{"read:*"}, Inherits: []string{"guest"}})...)
	all := &gate.Principal{Subject: "m", Permissions: []string{"*"}}
	tests := []struct {
		name      string
		principal *gate.Principal
		may       string
	}{
		{"cook", withRoles("cook"), "guest cook"},
		{"chef", withRoles("chef"), "guest cook baker chef"},
		{"every permission by a role", withRoles("owner-in-law"), "guest owner-in-law newcomer"},
		{"every permission by a token", all, "guest newcomer"},
		{"less than the wildcard", &gate.Principal{Subject: "m", Permissions: []string{"read:orders"}}, "guest"},
		{"limited credentials", &gate.Principal{Subject: "u", Roles: []string{"chef"}, Permissions: []string{"read:orders"}, Scopes: []string{"read:orders"}}, "guest"},
		{"a strategy without a subject", &gate.Principal{Strategy: "anonymous", Roles: []string{"chef"}}, ""},
	}
	for _, tt := range tests {
		for _, role := range policy.Roles() {
			if got, want := policy.MayGrant(tt.principal, role.Name), slices.Contains(strings.Fields(tt.may), role.Name); got != want {
				t.Errorf("%s: MayGrant(%s) = %t, want %t", tt.name, role.Name, got, want)
			}
		}
	}
}

func TestAUZ17_inheritedSetsAreKeptApart(t *testing.T) {
	// A chain whose links end at the borders of the words of a cache key.
	many := make([]authz.Role, 256)
	for i := range many {
		many[i] = authz.Role{Name: fmt.Sprintf("r%d", i), Permissions: []string{fmt.Sprintf("p:n%03d", i)}}
		if i > 0 {
			many[i].Inherits = []string{many[i-1].Name}
		}
	}
	policy := newPolicy(t, many...)
	for range 2 { // the second time from the cache
		for _, i := range []int{0, 1, 62, 63, 64, 65, 127, 128, 191, 192, 255} {
			got := policy.Permissions([]string{many[i].Name})
			if len(got) != i+1 || got[i] != many[i].Permissions[0] {
				t.Errorf("%s permits %d things, want %d", many[i].Name, len(got), i+1)
			}
		}
	}
}
