package permtest

import (
	"net/http"
	"slices"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/store/accounts"
)

// Programs come with keys of accounts that have every role, and may do what the scopes
// of the key say: nothing but what is public; what everybody may with an account; and
// beside that, what one permission lets them.

// keys reports whether those who call can have keys: accounts.
func (k *kit) keys() bool { return k.app.Auth != nil && k.app.Auth.KeyStore() != nil && k.as.key == "" }

// programs returns those who come with a key.
func (k *kit) programs() []*caller {
	if !k.keys() {
		return nil
	}
	person := []string{gate.ScopeOwner, authz.ScopeSignedIn}
	list := []*caller{
		{kind: anonymous, tenant: k.home(), scopes: []string{"permtest:nothing"}},
		{kind: signedIn, tenant: k.home(), scopes: person},
	}
	for _, m := range k.m.Callers {
		if m.Kind == permission && k.granted(m.Name) {
			list = append(list, &caller{kind: permission, name: m.Name, tenant: k.home(), scopes: append([]string{m.Name}, person...)})
		}
	}
	return list
}

// granted reports whether a role gives the permission, which no key has otherwise.
func (k *kit) granted(permission string) bool {
	return slices.ContainsFunc(k.cfg.Service.Roles, func(r authz.Role) bool {
		return k.holds(r.Name) && slices.ContainsFunc(r.Permissions, func(held string) bool { return gate.Permits(held, permission) })
	})
}

// hand makes the account of a program, and its key.
func (k *kit) hand(c *caller) {
	k.t.Helper()
	r := k.idle(c.tenant)
	k.accounts.rows = append(k.accounts.rows, r)
	k.insert(r)
	k.confirm(r)
	if f, ok := k.rolesField(); ok {
		k.patch(r, map[string]any{f.Name: k.everyRole()})
	}
	r.owner, c.account = r.id, r.id
	text, _, err := k.app.Auth.KeyStore().Create(k.ctx(), accounts.NewKey{
		Entity: k.app.Auth.EntityKey(), Subject: r.id, Name: "permtest", Scopes: c.scopes,
	})
	if err != nil {
		k.t.Fatalf("%s: %v", c, err)
	}
	c.headers = http.Header{"Authorization": {"ApiKey " + text}}
}

// everyRole is the roles of the design.
func (k *kit) everyRole() []string {
	roles := []string{}
	for _, c := range k.known() {
		if c.Kind == role {
			roles = append(roles, c.Name)
		}
	}
	return roles
}
