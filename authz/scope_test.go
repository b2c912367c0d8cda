package authz_test

import (
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
)

// key is what the engine makes of the admin's key with these scopes.
func key(permissions []string, scopes ...string) *gate.Principal {
	if scopes == nil {
		scopes = []string{}
	}
	return &gate.Principal{Subject: "u1", Strategy: "apikey", Permissions: permissions, Scopes: scopes}
}

func TestKEY04_scopesLimit(t *testing.T) {
	policy := newPolicy(t, roles...)
	read := []string{"read:orders"}
	forgotten := key(read, "read:orders")
	forgotten.Roles = []string{"admin"} // as if nobody had taken the roles away
	uncut := key([]string{"update:items", "read:orders"}, "read:orders")
	tests := []struct {
		name      string
		principal *gate.Principal
		rule      []string
		want      authz.Decision
	}{
		{"public", key(nil), []string{"public"}, authz.Allowed},
		{"no scope, permission", key(nil), []string{"read:orders"}, authz.Forbidden},
		{"no scope, signed-in", key(nil), []string{"signed-in"}, authz.Forbidden},
		{"no scope, owner", key(nil), []string{"owner"}, authz.Forbidden},
		{"scope, its permission", key(read, "read:orders"), []string{"read:orders"}, authz.Allowed},
		{"scope, another permission", key(read, "read:orders"), []string{"update:items", "owner", "signed-in", "admin"}, authz.Forbidden},
		{"wild scope", key([]string{"read:orders"}, "read:*"), []string{"read:orders"}, authz.Allowed},
		{"wild permission", key([]string{"*"}, "read:*"), []string{"read:orders"}, authz.Allowed},
		{"wild permission, narrower scope", key([]string{"*"}, "read:*"), []string{"update:items"}, authz.Forbidden},
		{"permissions that were not cut", uncut, []string{"update:items"}, authz.Forbidden},
		{"roles that were not cut", forgotten, []string{"admin", "update:items", "manage:users"}, authz.Forbidden},
		{"the scope owner", key(nil, gate.ScopeOwner), []string{"owner"}, authz.OwnRows},
		{"the scope owner is not signed-in", key(nil, gate.ScopeOwner), []string{"signed-in"}, authz.Forbidden},
		{"the scope signed-in", key(nil, authz.ScopeSignedIn), []string{"signed-in"}, authz.Allowed},
		{"the scope signed-in owns nothing", key(nil, authz.ScopeSignedIn), []string{"owner"}, authz.Forbidden},
		{"a scope is no role", key(nil, "admin"), []string{"admin"}, authz.Forbidden},
		{"a scope is no permission", key(nil, "read:orders"), []string{"read:orders"}, authz.Forbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := policy.Decide(tt.principal, authz.MustRule(tt.rule...)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// A key is never more than the account as it is now.
func TestKEY02_keyShrinksWithItsOwner(t *testing.T) {
	policy := newPolicy(t, roles...)
	rule := authz.MustRule("update:items")
	scopes := []string{"update:items", "read:orders"}
	if got := policy.Decide(key([]string{"update:items", "read:orders"}, scopes...), rule); got != authz.Allowed {
		t.Errorf("of a cook: %s, want allowed", got)
	}
	if got := policy.Decide(key([]string{}, scopes...), rule); got != authz.Forbidden {
		t.Errorf("of somebody who was a cook: %s, want forbidden", got)
	}
	for _, role := range roles {
		if !role.Default && policy.MayGrant(key([]string{"*"}, "*", "owner"), role.Name) {
			t.Errorf("a key gives the role %s", role.Name)
		}
	}
}

// What a strategy answers for nobody in particular is not somebody.
func TestAnonymousPrincipal(t *testing.T) {
	policy := newPolicy(t, append([]authz.Role{{Name: "visitor", Permissions: []string{"read:menu"}}}, roles...)...)
	nobody := &gate.Principal{Strategy: "anonymous", Roles: []string{"visitor"}, Permissions: []string{"ask:waiter"}}
	tests := map[string]authz.Decision{
		"public":     authz.Allowed,
		"signed-in":  authz.Unauthenticated,
		"owner":      authz.Unauthenticated,
		"admin":      authz.Unauthenticated,
		"visitor":    authz.Allowed,
		"read:menu":  authz.Allowed,
		"ask:waiter": authz.Allowed,
	}
	for word, want := range tests {
		if got := policy.Decide(nobody, authz.MustRule(word)); got != want {
			t.Errorf("%s: %s, want %s", word, got, want)
		}
	}
}
