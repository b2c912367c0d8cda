package authz

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate"
)

const maxRoles = 256 // one bit each in a roleSet

// Role is a name that gives permissions.
type Role struct {
	Name string
	// Permissions are what the role gives, such as create:items. They may be
	// wildcards: create:*, *:items, items:* and *, see [gate.Permits].
	Permissions []string
	// Inherits are roles that whoever holds this one holds too.
	Inherits []string
	// Default says that every new account gets the role: of Entity, where that is not
	// empty.
	Default bool
	// Entity names the entity, beside that of the accounts, whose rows may hold the
	// role; they hold no other. Empty means that the role is for the accounts alone,
	// which may hold any.
	Entity string
	// AcrossTenants says that who holds the role stands above tenants: what the
	// role gives is not kept to the rows of one. A default role cannot be one.
	AcrossTenants bool
}

func (r Role) clone() Role {
	r.Permissions, r.Inherits = slices.Clone(r.Permissions), slices.Clone(r.Inherits)
	return r
}

func (r Role) check() error {
	if !isName(r.Name) || isReserved(r.Name) {
		return fmt.Errorf("authz: %q cannot name a role", r.Name)
	}
	for _, permission := range r.Permissions {
		if !isPattern(permission) {
			return fmt.Errorf("authz: role %q: %q is not a permission, which looks like create:items, create:* or *", r.Name, permission)
		}
	}
	return nil
}

// roleSet has a bit for each role of the policy: a cache key that neither the
// order of roles nor a separator in a name can forge.
type roleSet [maxRoles / 64]uint64

func (s *roleSet) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s *roleSet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s *roleSet) join(other *roleSet) {
	for i := range s {
		s[i] |= other[i]
	}
}

// inherit finds for each role the set of all that come with it, itself
// included. Roles that come with each other are refused.
func (p *Policy) inherit() error {
	p.reach = make([]roleSet, len(p.roles))
	done := make([]bool, len(p.roles))
	var visit func(i int, trail []string) error
	visit = func(i int, trail []string) error {
		role := p.roles[i]
		if at := slices.Index(trail, role.Name); at >= 0 {
			return fmt.Errorf("authz: roles inherit each other: %s", strings.Join(append(slices.Clone(trail[at:]), role.Name), " inherits "))
		}
		if done[i] {
			return nil
		}
		trail = append(trail, role.Name)
		p.reach[i].add(i)
		for _, name := range role.Inherits {
			j, known := p.index[name]
			if !known {
				return fmt.Errorf("authz: role %q inherits %q, and there is no such role", role.Name, name)
			}
			if role.Entity != "" && p.roles[j].Entity != role.Entity {
				return fmt.Errorf("authz: role %q, which is for %s, inherits %q, which is not", role.Name, role.Entity, name)
			}
			if err := visit(j, trail); err != nil {
				return err
			}
			p.reach[i].join(&p.reach[j])
		}
		done[i] = true
		return nil
	}
	for i := range p.roles {
		if err := visit(i, nil); err != nil {
			return err
		}
	}
	return p.checkDefaults()
}

// checkDefaults refuses roles that every new account gets and that bring one above
// tenants with them.
func (p *Policy) checkDefaults() error {
	for i, role := range p.roles {
		if role.Default && p.above(&p.reach[i]) {
			return fmt.Errorf("authz: role %q: every new account would stand above tenants", role.Name)
		}
	}
	return nil
}

// above reports whether one of the roles stands above tenants.
func (p *Policy) above(s *roleSet) bool {
	for i, role := range p.roles {
		if role.AcrossTenants && s.has(i) {
			return true
		}
	}
	return false
}

// grant is what a set of roles gives.
type grant struct {
	set    map[string]struct{}
	wild   []string // those of set that are wildcards
	sorted []string
}

func (g *grant) permits(permission string) bool {
	if _, ok := g.set[permission]; ok {
		return true
	}
	for _, held := range g.wild {
		if gate.Permits(held, permission) {
			return true
		}
	}
	return false
}
