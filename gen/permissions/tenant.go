package permissions

import (
	"slices"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/design"
)

// keep keeps what an action reaches to the rows of the caller's tenant, where rows
// belong to tenants and the caller does not stand above them. Who is not signed in
// is in none. The own account is one's own, whether it is in a tenant or not.
func (j *judge) keep(e *design.Entity, action authz.Action, cell *Cell) {
	switch accounts := e.Tenant != nil && holdsAccounts(e); {
	case e.Tenant == nil || j.policy.AcrossTenants(j.principal):
	case accounts && action == authz.Create && signsUp(e): // the account is in no tenant, and nobody's but its own
	case j.principal == nil, action == authz.Create && e.Tenant.Type == design.ID: // a new tenant is not that of its maker
		cell.limit(&Cell{})
	case accounts:
		cell.limit(&Cell{Rows: OwnOrTenant})
	default:
		cell.limit(&Cell{Rows: Tenant})
	}
}

// names reports whether the caller says to which tenant a row belongs.
func (j *judge) names(e *design.Entity, action authz.Action) bool {
	return e.NamesTenant(action.String()) && j.policy.AcrossTenants(j.principal)
}

func holdsAccounts(e *design.Entity) bool {
	return slices.ContainsFunc(e.Fields, func(f *design.Field) bool { return f.Type == design.Roles })
}

// signsUp reports whether everybody may make rows.
func signsUp(e *design.Entity) bool {
	return slices.ContainsFunc(e.Allow.Create, func(r design.Rule) bool { return r.Kind == design.Public })
}

// whole is all rows of an entity that a caller can delete by deleting rows of a
// parent: those of the caller's tenant, if rows of the parent have one, too.
func (m *Matrix) whole(parent, entity string, c Caller) Reach {
	p, e := m.Entity(parent), m.Entity(entity)
	above := slices.ContainsFunc(m.Callers, func(o Caller) bool { return sameCaller(o, c) && o.AcrossTenants })
	if p == nil || e == nil || p.Tenant == "" || e.Tenant == "" || above {
		return All
	}
	return Tenant
}

// tenants reports whether rows belong to tenants.
func (m *Matrix) tenants() bool {
	return slices.ContainsFunc(m.Entities, func(e Entity) bool { return e.Tenant != "" })
}
