package authz

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gatewright/gate"
)

const maxGrants = 1024 // distinct sets of roles whose permissions are kept

// ScopeSignedIn is the scope of credentials that may do what everybody may do
// who is signed in: what the words signed-in and tenant of a rule admit to.
const ScopeSignedIn = signedIn

// Policy knows the roles and decides. The zero value knows no role and no
// tenants. A Policy is immutable and safe for concurrent use.
type Policy struct {
	roles  []Role
	index  map[string]int // into roles
	reach  []roleSet      // for each role, itself and what it inherits
	tenant func(*gate.Principal) string

	mu     sync.RWMutex
	grants map[roleSet]*grant // a cache; its keys are closed under inheritance
}

// An Option is for [NewPolicy].
type Option func(*Policy)

// WithTenant says how to find the tenant of a principal, empty for none; without
// it nobody has one. of is called when a rule is about tenants, with principals
// that have a subject, from many goroutines. It must take the tenant from what
// the service knows of the account, never from what a request asks for.
func WithTenant(of func(*gate.Principal) string) Option {
	return func(p *Policy) { p.tenant = of }
}

// TenantClaim returns a function for [WithTenant] that takes the tenant from a
// claim of the principal's token, for services whose issuer puts it there. A
// claim that is not a string is no tenant.
func TenantClaim(name string) func(*gate.Principal) string {
	return func(principal *gate.Principal) string {
		if principal.Claims == nil {
			return ""
		}
		tenant, _ := principal.Claims.String(name)
		return tenant
	}
}

// NewPolicy returns the policy of the roles. It refuses a role without a proper
// name, twice the same name, a malformed permission, the inheritance of a role
// that is not there or of roles by each other, and more than 256 roles.
func NewPolicy(roles []Role, opts ...Option) (*Policy, error) {
	if len(roles) > maxRoles {
		return nil, fmt.Errorf("authz: %d roles are more than %d", len(roles), maxRoles)
	}
	p := &Policy{index: make(map[string]int, len(roles)), grants: make(map[roleSet]*grant)}
	for i, role := range roles {
		if err := role.check(); err != nil {
			return nil, err
		}
		if _, twice := p.index[role.Name]; twice {
			return nil, fmt.Errorf("authz: role %q is there twice", role.Name)
		}
		p.index[role.Name] = i
		p.roles = append(p.roles, role.clone())
	}
	if err := p.inherit(); err != nil {
		return nil, err
	}
	for _, opt := range opts {
		opt(p)
	}
	return p, nil
}

// Roles returns the roles in their order. The slice is the caller's.
func (p *Policy) Roles() []Role {
	roles := slices.Clone(p.roles)
	for i := range roles {
		roles[i] = roles[i].clone()
	}
	return roles
}

// Held returns those of the roles that the policy knows, together with all that
// they inherit, in the order of the policy.
func (p *Policy) Held(roles []string) []string {
	var held []string
	set := p.set(roles)
	for i, role := range p.roles {
		if set.has(i) {
			held = append(held, role.Name)
		}
	}
	return held
}

// Defaults returns the names of the roles that every new account of an entity gets,
// in the order of the policy; empty names that of the accounts.
func (p *Policy) Defaults(entity string) []string {
	names := []string{}
	for _, role := range p.roles {
		if role.Default && role.Entity == entity {
			names = append(names, role.Name)
		}
	}
	return names
}

// HeldBy is [Policy.Held] for an account of an entity: roles that those may not hold
// count for nothing. Empty names that of the accounts, which may hold any.
func (p *Policy) HeldBy(entity string, roles []string) []string {
	return p.Held(slices.DeleteFunc(slices.Clone(roles), func(role string) bool { return !p.Admits(entity, role) }))
}

// Admits reports whether accounts of an entity may hold the role; empty names that
// of the accounts. Nobody holds a role that the policy does not know.
func (p *Policy) Admits(entity, role string) bool {
	i, known := p.index[role]
	return known && (entity == "" || p.roles[i].Entity == entity)
}

// CheckRule returns an error when the rule names a role that the policy does not
// know, or tenants when it knows none, and so could never admit anyone by it.
// Permissions are not checked: a token from elsewhere may carry ones that no role
// gives.
func (p *Policy) CheckRule(rule Rule) error {
	roles := rule.all.roles
	if rule.within != nil {
		roles = slices.Concat(roles, rule.within.roles)
	}
	for _, role := range roles {
		if _, ok := p.index[role]; !ok {
			return fmt.Errorf("authz: rule %q: there is no role %q", rule, role)
		}
	}
	if rule.within != nil && p.tenant == nil {
		return fmt.Errorf("authz: rule %q: the policy does not know the tenants", rule)
	}
	return nil
}

// Permissions returns what the roles give together, inherited ones included,
// sorted, each once and never nil. Unknown roles give nothing. The slice is shared
// and must not be changed. It fits [gate.Config.Permissions].
func (p *Policy) Permissions(roles []string) []string {
	return p.grant(p.set(roles)).sorted
}

// Tenant returns the tenant of the principal, empty for none: what a query is
// narrowed to after [TenantRows].
func (p *Policy) Tenant(principal *gate.Principal) string {
	if p.tenant == nil || principal == nil || principal.Subject == "" {
		return ""
	}
	return p.tenant(principal)
}

// AcrossTenants reports whether the principal holds a role that stands above
// tenants. Credentials that are limited to scopes hold no role.
func (p *Policy) AcrossTenants(principal *gate.Principal) bool {
	if principal == nil || principal.Subject == "" || limited(principal) {
		return false
	}
	set := p.set(principal.Roles)
	return p.above(&set)
}

// AccountTenant returns a function for [WithTenant] that takes the tenant from
// [gate.Principal.Tenant], which is that of the account.
func AccountTenant() func(*gate.Principal) string {
	return func(principal *gate.Principal) string { return principal.Tenant }
}

// Decide answers whether the principal may do what the rule guards. A nil
// principal is anonymous, and so is one that has neither a subject nor a strategy
// that vouches for it. The package comment says who holds what.
func (p *Policy) Decide(principal *gate.Principal, rule Rule) Decision {
	if rule.public {
		return Allowed
	}
	if anonymous(principal) {
		return Unauthenticated
	}
	if p.admits(principal, &rule.all) {
		return Allowed
	}
	own := rule.all.owner && owns(principal)
	if rule.within != nil && p.Tenant(principal) != "" {
		switch {
		case !p.admits(principal, rule.within):
			if !own && rule.within.owner && owns(principal) {
				return OwnWithinTenant
			}
		case own:
			return OwnOrTenantRows
		default:
			return TenantRows
		}
	}
	switch {
	case own:
		return OwnRows
	case principal.Subject == "":
		return Unauthenticated
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
// hold the role oneself, or, for a default role that inherits nothing but default
// roles, all that it permits: holding only the permissions of any other role is
// not enough, because rules may name the role itself. Nobody grants a role that
// the policy does not know. Whose account it is, and whether it is the last
// administrator's, the caller judges.
func (p *Policy) MayGrant(principal *gate.Principal, role string) bool {
	i, known := p.index[role]
	if !known || principal == nil || principal.Subject == "" {
		return false
	}
	if p.holdsRole(principal, role) {
		return true
	}
	for j, inherited := range p.roles {
		if p.reach[i].has(j) && !inherited.Default {
			return false
		}
	}
	return !slices.ContainsFunc(p.grant(p.reach[i]).sorted, func(permission string) bool {
		return !p.holdsPermission(principal, permission)
	})
}

// MayGive is [Policy.MayGrant] where accounts of several entities log in: it reports
// whether the principal may give the role to an account of that one, empty for that of
// the accounts. What every account of another has is no default there, and what those
// of another entity than the giver's have by default is none to the giver: only those
// give it who hold it. Accounts give everybody their defaults.
func (p *Policy) MayGive(principal *gate.Principal, entity, role string) bool {
	switch i, known := p.index[role]; {
	case !known || !p.Admits(entity, role):
		return false
	case p.roles[i].Entity != entity, !slices.Contains([]string{"", entity}, p.kind(principal)):
		return principal != nil && principal.Subject != "" && p.holdsRole(principal, role)
	}
	return p.MayGrant(principal, role)
}

// kind returns the entity beside that of the accounts, of those that have roles, as a
// row of which a principal logged in.
func (p *Policy) kind(principal *gate.Principal) string {
	if principal != nil {
		name, _, found := strings.Cut(principal.Subject, "/")
		if found && slices.ContainsFunc(p.roles, func(r Role) bool { return r.Entity == name }) {
			return name
		}
	}
	return ""
}

func anonymous(principal *gate.Principal) bool {
	return principal == nil || principal.Subject == "" && principal.Strategy == ""
}

// limited reports whether the principal is less than its account, see
// [gate.Principal.Scopes].
func limited(principal *gate.Principal) bool { return principal.Scopes != nil }

func owns(principal *gate.Principal) bool {
	return principal.Subject != "" && (!limited(principal) || slices.Contains(principal.Scopes, gate.ScopeOwner))
}

func isSignedIn(principal *gate.Principal) bool {
	return principal.Subject != "" && (!limited(principal) || slices.Contains(principal.Scopes, ScopeSignedIn))
}

// admits reports whether a word other than owner admits the principal.
func (p *Policy) admits(principal *gate.Principal, g *grantees) bool {
	if g.signedIn && isSignedIn(principal) {
		return true
	}
	if len(g.roles) == 0 && len(g.permissions) == 0 {
		return false
	}
	if limited(principal) {
		return slices.ContainsFunc(g.permissions, func(permission string) bool { return holdsScoped(principal, permission) })
	}
	set := p.set(principal.Roles)
	for _, role := range g.roles {
		if i, known := p.index[role]; known && set.has(i) {
			return true
		}
	}
	if len(g.permissions) == 0 {
		return false
	}
	held := p.grant(set)
	for _, permission := range g.permissions {
		if held.permits(permission) || principal.HasPermission(permission) {
			return true
		}
	}
	return false
}

func (p *Policy) holdsRole(principal *gate.Principal, role string) bool {
	i, known := p.index[role]
	if !known || limited(principal) {
		return false
	}
	set := p.set(principal.Roles)
	return set.has(i)
}

func (p *Policy) holdsPermission(principal *gate.Principal, permission string) bool {
	if limited(principal) {
		return holdsScoped(principal, permission)
	}
	return principal.HasPermission(permission) || p.grant(p.set(principal.Roles)).permits(permission)
}

// holdsScoped reports whether a limited principal holds the permission. Whoever
// made the principal has cut its permissions to its scopes already; a permission
// that was forgotten there does not count here.
func holdsScoped(principal *gate.Principal, permission string) bool {
	return principal.HasPermission(permission) &&
		slices.ContainsFunc(principal.Scopes, func(scope string) bool { return gate.Permits(scope, permission) })
}

// set returns the roles that the policy knows, and those that they inherit.
func (p *Policy) set(roles []string) roleSet {
	var s roleSet
	for _, role := range roles {
		if i, known := p.index[role]; known {
			s.join(&p.reach[i])
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
	for _, permission := range g.sorted {
		if strings.Contains(permission, "*") {
			g.wild = append(g.wild, permission)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.grants != nil && len(p.grants) < maxGrants {
		p.grants[s] = g
	}
	return g
}
