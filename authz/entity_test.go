package authz_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
)

// TestRole_entity keeps the roles of two entities apart.
func TestRole_entity(t *testing.T) {
	policy, err := authz.NewPolicy([]authz.Role{
		{Name: "clerk", Default: true},
		{Name: "boss", Permissions: []string{"*"}},
		{Name: "chief", Inherits: []string{"boss", "premium"}},
		{Name: "customer", Entity: "Customer", Default: true},
		{Name: "premium", Entity: "Customer", Inherits: []string{"customer"}},
		{Name: "guest", Entity: "Guest", Default: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	for entity, want := range map[string]string{"": "clerk", "Customer": "customer", "Guest": "guest", "Other": ""} {
		if got := policy.Defaults(entity); strings.Join(got, " ") != want {
			t.Errorf("defaults of %q: %v, want %s", entity, got, want)
		}
	}
	for _, tt := range []struct{ entity, roles, want string }{
		{"", "chief ghost", "boss chief customer premium"},
		{"Customer", "boss premium chief ghost guest clerk", "customer premium"},
		{"Guest", "boss premium", ""},
	} {
		if got := policy.HeldBy(tt.entity, strings.Fields(tt.roles)); strings.Join(got, " ") != tt.want {
			t.Errorf("%q holds of %s: %v, want %s", tt.entity, tt.roles, got, tt.want)
		}
	}
	who := func(roles ...string) *gate.Principal { return &gate.Principal{Subject: "1", Roles: roles} }
	customer := &gate.Principal{Subject: "Customer/1", Roles: []string{"premium"}}
	for _, tt := range []struct {
		who    *gate.Principal
		entity string
		may    string
	}{
		{who("boss"), "", "clerk boss"}, // and not the role that every customer has: no account does
		{who("boss"), "Customer", "customer"},
		{who("boss", "premium"), "", "clerk boss customer premium"},
		{who("boss", "premium"), "Customer", "customer premium"},
		{who("premium"), "Customer", "customer premium"},
		{customer, "Customer", "customer premium"},
		{customer, "", "customer premium"}, // and not what every account has by default
		{nil, "Customer", ""},
	} {
		for _, role := range policy.Roles() {
			if got, want := policy.MayGive(tt.who, tt.entity, role.Name), slices.Contains(strings.Fields(tt.may), role.Name); got != want {
				t.Errorf("%v gives %s to one of %q: %t", tt.who, role.Name, tt.entity, got)
			}
		}
	}
	for _, wrong := range [][]authz.Role{
		{{Name: "boss"}, {Name: "customer", Entity: "Customer", Inherits: []string{"boss"}}},
		{{Name: "guest", Entity: "Guest"}, {Name: "customer", Entity: "Customer", Inherits: []string{"guest"}}},
	} {
		if _, err := authz.NewPolicy(wrong); err == nil || !strings.Contains(err.Error(), "which is for Customer, inherits") {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}
