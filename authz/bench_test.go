package authz_test

import (
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
)

func BenchmarkDecide(b *testing.B) {
	policy := newPolicy(b, roles...)
	principal := withRoles("customer", "menu-admin")
	principal.Permissions = policy.Permissions(principal.Roles)
	tests := map[string]struct {
		principal *gate.Principal
		rule      authz.Rule
		want      authz.Decision
	}{
		"public":     {nil, authz.MustRule("public"), authz.Allowed},
		"role":       {principal, authz.MustRule("menu-admin"), authz.Allowed},
		"permission": {principal, authz.MustRule("update:items"), authz.Allowed},
		"owner":      {principal, authz.MustRule("owner", "read:orders"), authz.OwnRows},
		"refused":    {principal, authz.MustRule("read:orders"), authz.Forbidden},
	}
	for name, tt := range tests {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := policy.Decide(tt.principal, tt.rule); got != tt.want {
					b.Fatalf("%s, want %s", got, tt.want)
				}
			}
		})
	}
}
