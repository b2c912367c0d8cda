package authz

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/gatewright/gate"
)

const (
	maxRoles  = 256  // one bit each in a roleSet
	maxGrants = 1024 // distinct sets of roles whose permissions are kept
)

// Role is a name that gives permissions.
type Role struct {
	Name        string
	Permissions []string
	Default     bool // what every new account gets
}

// Decision is the answer to a question. Decisions are ordered, the greater the
// more is allowed.
type Decision uint8

// The decisions. The zero value refuses.
const (
	Unauthenticated Decision = iota // somebody is needed and nobody is there: 401
	Forbidden                       // somebody is there and may not: 403
	OwnRows                         // allowed for rows that belong to the principal
	Allowed                         // allowed for every row
)

var decisionNames = [...]string{"unauthenticated", "forbidden", "own_rows", "allowed"}

// String returns the name of the decision, for logs.
func (d Decision) String() string {
	if d > Allowed {
		return fmt.Sprintf("Decision(%d)", uint8(d))
	}
	return decisionNames[d]
}

// Policy knows the roles and decides. The zero value knows no role. A Policy is
// immutable and safe for concurrent use.
type Policy struct {
	roles []Role
	index map[string]int // into roles

	mu     sync.RWMutex
	grants map[roleSet]*grant // a cache
}

// roleSet has a bit for each role of the policy: a cache key that neither the
// order of roles nor a separator in a name can forge.
type roleSet [maxRoles / 64]uint64

func (s *roleSet) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s *roleSet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// grant is what a set of roles gives.
type grant struct {
	set    map[string]struct{}
	sorted []string
}

// NewPolicy returns the policy of the roles. It refuses a role without a proper
// name, twice the same name, a malformed permission, and more than 256 roles.
func NewPolicy(roles []Role) (*Policy, error) {
	if len(roles) > maxRoles {
		return nil, fmt.Errorf("authz: %d roles are more than %d", len(roles), maxRoles)
	}
	p := &Policy{index: make(map[string]int, len(roles)), grants: make(map[roleSet]*grant)}
	for i, role := range roles {
		if !isName(role.Name) || isReserved(role.Name) {
			return nil, fmt.Errorf("authz: %q cannot name a role", role.Name)
		}
		if _, twice := p.index[role.Name]; twice {
			return nil, fmt.Errorf("authz: role %q is there twice", role.Name)
		}
		for _, permission := range role.Permissions {
			if !isPermission(permission) {
				return nil, fmt.Errorf("authz: role %q: %q is not a permission, which looks like create:items", role.Name, permission)
			}
		}
		p.index[role.Name] = i
		role.Permissions = slices.Clone(role.Permissions)
		p.roles = append(p.roles, role)
	}
	return p, nil
}

// Roles returns the roles in their order. The slice is the caller's.
func (p *Policy) Roles() []Role {
	roles := slices.Clone(p.roles)
	for i := range roles {
		roles[i].Permissions = slices.Clone(roles[i].Permissions)
	}
	return roles
}

// CheckRule returns an error when the rule names a role that the policy does not
// know, and so could never admit anyone by it. Permissions are not checked: a
// token from elsewhere may carry ones that no role gives.
func (p *Policy) CheckRule(rule Rule) error {
	for _, role := range rule.roles {
		if _, ok := p.index[role]; !ok {
			return fmt.Errorf("authz: rule %q: there is no role %q", rule, role)
		}
	}
	return nil
}

// Permissions returns what the roles give together, sorted, each once and never
// nil. Unknown roles give nothing. The slice is shared and must not be changed.
// It fits [gate.Config.Permissions].
func (p *Policy) Permissions(roles []string) []string {
	return p.grant(p.set(roles)).sorted
}

// Decide answers whether the principal may do what the rule guards. A nil
// principal is anonymous, and so is one that has neither a subject nor a strategy
// that vouches for it; without a subject no row is its own. Permissions come from
// the principal's roles and from its own list.
func (p *Policy) Decide(principal *gate.Principal, rule Rule) Decision {
	switch {
	case rule.public:
		return Allowed
	case anonymous(principal):
		return Unauthenticated
	case rule.signedIn, p.holdsAny(principal, rule):
		return Allowed
	case rule.owner && principal.Subject != "":
		return OwnRows
	}
	return Forbidden
}

// DecideContext is [Policy.Decide] for the principal in the context. Code marked
// by [System] is always allowed.
func (p *Policy) DecideContext(ctx context.Context, rule Rule) Decision {
	if IsSystem(ctx) {
		return Allowed
	}
	principal, _ := gate.PrincipalFromContext(ctx)
	return p.Decide(principal, rule)
}

// MayGrant reports whether the principal may give the role to somebody. One must
// hold the role oneself, or, for a default role, all that it permits: holding only
// the permissions of any other role is not enough, because rules may name the role
// itself. Nobody grants a role that the policy does not know. Whose account it is,
// and whether it is the last administrator's, the caller judges.
func (p *Policy) MayGrant(principal *gate.Principal, role string) bool {
	i, known := p.index[role]
	if !known || anonymous(principal) {
		return false
	}
	if principal.HasRole(role) {
		return true
	}
	held := p.grant(p.set(principal.Roles)).set
	for _, permission := range p.roles[i].Permissions {
		if _, ok := held[permission]; !ok && !principal.HasPermission(permission) {
			return false
		}
	}
	return p.roles[i].Default
}

func anonymous(principal *gate.Principal) bool {
	return principal == nil || principal.Subject == "" && principal.Strategy == ""
}

// holdsAny reports whether the principal holds a role or permission of the rule.
func (p *Policy) holdsAny(principal *gate.Principal, rule Rule) bool {
	if len(rule.roles) == 0 && len(rule.permissions) == 0 {
		return false
	}
	set := p.set(principal.Roles)
	for _, role := range rule.roles {
		if i, known := p.index[role]; known && set.has(i) {
			return true
		}
	}
	held := p.grant(set).set
	for _, permission := range rule.permissions {
		if _, ok := held[permission]; ok || principal.HasPermission(permission) {
			return true
		}
	}
	return false
}

// set returns the roles that the policy knows.
func (p *Policy) set(roles []string) roleSet {
	var s roleSet
	for _, role := range roles {
		if i, known := p.index[role]; known {
			s.add(i)
		}
	}
	return s
}

// grant returns what the roles give, from the cache when they were asked for
// before. A full cache keeps what it has; the rest is computed each time.
func (p *Policy) grant(s roleSet) *grant {
	p.mu.RLock()
	g := p.grants[s]
	p.mu.RUnlock()
	if g != nil {
		return g
	}
	g = &grant{set: make(map[string]struct{})}
	for i, role := range p.roles {
		if s.has(i) {
			for _, permission := range role.Permissions {
				g.set[permission] = struct{}{}
			}
		}
	}
	g.sorted = slices.AppendSeq(make([]string, 0, len(g.set)), maps.Keys(g.set))
	slices.Sort(g.sorted)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.grants != nil && len(p.grants) < maxGrants {
		p.grants[s] = g
	}
	return g
}
