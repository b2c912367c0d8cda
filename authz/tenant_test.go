package authz_test

import (
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
)

func newTenantPolicy(t testing.TB) *authz.Policy {
	t.Helper()
	p, err := authz.NewPolicy(roles, authz.WithTenant(authz.TenantClaim("org_id")))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func of(tenant any, p *gate.Principal) *gate.Principal {
	p.Claims = &jose.Claims{Extra: map[string]any{"org_id": tenant}}
	return p
}

func TestAUZ09_tenantRules(t *testing.T) {
	policy := newTenantPolicy(t)
	cook := func(tenant any) *gate.Principal { return of(tenant, withRoles("cook")) }
	tests := []struct {
		name      string
		principal *gate.Principal
		rule      []string
		want      authz.Decision
	}{
		{"nobody", nil, []string{"tenant"}, authz.Unauthenticated},
		{"no tenant", cook(""), []string{"tenant"}, authz.Forbidden},
		{"a tenant that is no string", cook(7.0), []string{"tenant", "cook within tenant"}, authz.Forbidden},
		{"no token", withRoles("cook"), []string{"tenant"}, authz.Forbidden},
		{"no subject", of("kitchen", &gate.Principal{Strategy: "anonymous"}), []string{"tenant"}, authz.Unauthenticated},
		{"tenant", cook("kitchen"), []string{"tenant"}, authz.TenantRows},
		{"owner and no tenant", cook(""), []string{"owner", "tenant"}, authz.OwnRows},
		{"owner or tenant", cook("kitchen"), []string{"owner", "tenant"}, authz.OwnOrTenantRows},
		{"owner within tenant", cook("kitchen"), []string{"owner within tenant"}, authz.OwnWithinTenant},
		{"owner within no tenant", cook(""), []string{"owner within tenant"}, authz.Forbidden},
		{"owner, and owner within tenant", cook("kitchen"), []string{"owner", "owner within tenant"}, authz.OwnRows},
		{"tenant, and owner within tenant", cook("kitchen"), []string{"tenant", "owner within tenant"}, authz.TenantRows},
		{"role within tenant", cook("kitchen"), []string{"cook within tenant"}, authz.TenantRows},
		{"role not held within tenant", cook("kitchen"), []string{"admin within tenant"}, authz.Forbidden},
		{"permission within tenant", cook("kitchen"), []string{"read:orders within tenant"}, authz.TenantRows},
		{"permission within tenant, or owner", cook("kitchen"), []string{"read:orders within tenant", "owner"}, authz.OwnOrTenantRows},
		{"role, and role within tenant", cook("kitchen"), []string{"cook", "cook within tenant"}, authz.Allowed},
		{"key", of("kitchen", key(nil, "owner")), []string{"tenant"}, authz.Forbidden},
		{"key of an owner", of("kitchen", key(nil, "owner")), []string{"owner within tenant"}, authz.OwnWithinTenant},
		{"key with a permission", of("kitchen", key([]string{"read:orders"}, "read:*")), []string{"read:orders within tenant", "tenant"}, authz.TenantRows},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := policy.Decide(tt.principal, authz.MustRule(tt.rule...)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestAUZ17_tenantIsNotCached(t *testing.T) {
	policy := newTenantPolicy(t)
	rule := authz.MustRule("cook within tenant")
	for _, tenant := range []string{"kitchen", "", "bakery", ""} {
		principal := of(tenant, withRoles("cook"))
		want := authz.TenantRows
		if tenant == "" {
			want = authz.Forbidden
		}
		if got := policy.Decide(principal, rule); got != want || policy.Tenant(principal) != tenant {
			t.Errorf("tenant %q: %s of %q, want %s", tenant, got, policy.Tenant(principal), want)
		}
	}
}

func TestTenant_unknown(t *testing.T) {
	policy := newPolicy(t, roles...)
	rule := authz.MustRule("tenant")
	if got := policy.Decide(of("kitchen", withRoles("admin")), rule); got != authz.Forbidden {
		t.Errorf("a policy without tenants: %s, want forbidden", got)
	}
	if err := policy.CheckRule(rule); err == nil {
		t.Error("CheckRule: a rule about tenants passes where none are known")
	}
	if err := newTenantPolicy(t).CheckRule(authz.MustRule("tenant", "ghost within tenant")); err == nil {
		t.Error("CheckRule: an unknown role passes within a tenant")
	}
	if got := policy.Tenant(nil); got != "" {
		t.Errorf("tenant of nobody: %q", got)
	}
}

// TestAUZ09_aboveTenants: above tenants stands who holds a role that says so, itself
// or by inheritance, with credentials that are not limited.
func TestAUZ09_aboveTenants(t *testing.T) {
	p, err := authz.NewPolicy([]authz.Role{
		{Name: "member", Default: true},
		{Name: "operator", AcrossTenants: true, Permissions: []string{"*"}},
		{Name: "chief", Inherits: []string{"operator"}},
	}, authz.WithTenant(authz.AccountTenant()))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		who  *gate.Principal
		want bool
	}{
		{"nobody", nil, false},
		{"no subject", &gate.Principal{Roles: []string{"operator"}, Strategy: "anonymous"}, false},
		{"a member", &gate.Principal{Subject: "1", Roles: []string{"member"}, Tenant: "7"}, false},
		{"another role by that name", &gate.Principal{Subject: "1", Roles: []string{"Operator", "operator ", ""}}, false},
		{"all permissions", &gate.Principal{Subject: "1", Permissions: []string{"*"}}, false},
		{"the role", &gate.Principal{Subject: "1", Roles: []string{"member", "operator"}}, true},
		{"by inheritance", &gate.Principal{Subject: "1", Roles: []string{"chief"}, Tenant: "7"}, true},
		{"a key", &gate.Principal{Subject: "1", Roles: []string{"operator"}, Scopes: []string{}}, false},
		{"a key with every scope", &gate.Principal{Subject: "1", Roles: []string{"operator"}, Permissions: []string{"*"}, Scopes: []string{"*", "operator"}}, false},
	} {
		if got := p.AcrossTenants(tt.who); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
	if got := p.Tenant(&gate.Principal{Subject: "1", Tenant: "7"}); got != "7" {
		t.Errorf("the tenant of an account: %q", got)
	}
	for _, roles := range [][]authz.Role{
		{{Name: "a", Default: true, AcrossTenants: true}},
		{{Name: "a", Default: true, Inherits: []string{"b"}}, {Name: "b", Inherits: []string{"c"}}, {Name: "c", AcrossTenants: true}},
	} {
		if _, err := authz.NewPolicy(roles); err == nil {
			t.Errorf("every new account stands above tenants: %v", roles)
		}
	}
}
