package crud

import (
	"context"
	"net/http"
	"slices"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// Where rows belong to tenants, every rule holds within the tenant of the caller:
// a filter of rows stands below each of them. The tenant of a caller is that of
// the account; roles may stand above tenants, and so does the service itself.

// above reports whether the caller is not kept to the rows of one tenant.
func (r *rules) above(c *caller) bool { return c.system || r.policy.AcrossTenants(c.principal) }

// accounts reports whether the rows are the accounts, which alone can be in no
// tenant.
func (r *rules) accounts() bool { return r.entity.Find(model.Roles) != model.NoField }

// closes reports whether a key is that by which accounts are in a tenant. Accounts
// are not kept when they are deleted: with a tenant that is they stay, and package
// auth lets nobody in by them until it comes back.
func closes(e *model.Entity, f model.FieldID) bool {
	return f == e.TenantField() && e.Find(model.Roles) != model.NoField && e.Fields[f].Type == model.Relation
}

// tenantKey returns the field that keeps the tenant of a row; [model.NoField]
// where there is none, and where a row is a tenant itself.
func (r *rules) tenantKey() model.FieldID {
	if f := r.entity.TenantField(); f != model.NoField && r.entity.Fields[f].Type == model.Relation {
		return f
	}
	return model.NoField
}

// within narrows the rows that the rules let an action reach to those of the
// caller's tenant. Nobody makes a row who has no tenant to put it into.
func (r *rules) within(c *caller, action authz.Action, rows query.Filter) (query.Filter, error) {
	field := r.entity.TenantField()
	if field == model.NoField {
		return rows, nil
	}
	if c.beside != nil {
		rows = query.Every(rows, query.Equals(r.entity, field, *c.beside))
	}
	if r.above(c) {
		return rows, nil
	}
	if action == authz.Create {
		return r.makes(c, field, rows)
	}
	if tenant := r.policy.Tenant(c.principal); tenant != "" {
		return query.Every(rows, query.Equals(r.entity, field, tenant)), nil
	}
	if r.accounts() { // one's own account is one's own in no tenant, too
		return query.Every(rows, query.Equals(r.entity, r.entity.IDField(), r.entity.Account(c.subject()))), nil
	}
	return query.Nothing(), nil
}

// makes is within for new rows.
func (r *rules) makes(c *caller, field model.FieldID, rows query.Filter) (query.Filter, error) {
	switch tenant := r.newTenant(c); {
	case field == r.entity.IDField():
		return query.Nothing(), r.refusal(c) // a new tenant is nobody's
	case tenant != "":
		return query.Every(rows, query.Equals(r.entity, field, tenant)), nil
	case r.accounts():
		none, err := query.Holds(r.entity, []model.Clause{{Field: r.entity.Fields[field].Name}})
		return query.Every(rows, none), err
	case c.subject() == "":
		return query.Nothing(), unauthenticated()
	}
	return query.Nothing(), errNoTenant()
}

// errNoTenant tells somebody of their own account, and of nothing else.
func errNoTenant() error {
	return &gate.Error{Status: http.StatusForbidden, Message: "Your account belongs to no tenant", Data: struct {
		Name string `json:"name"`
	}{"no_tenant"}}
}

// refusal is 401 for who is not signed in, 403 for others.
func (r *rules) refusal(c *caller) error {
	if c.subject() == "" {
		return unauthenticated()
	}
	return forbidden("")
}

// newTenant returns the tenant of the rows that a caller below tenants makes: their
// own. Where everybody may make accounts, to make one takes no right to bring
// somebody into a tenant, and the account is in none.
func (r *rules) newTenant(c *caller) string {
	if r.accounts() && slices.Contains(r.entity.Rules(authz.Create.String()), "public") {
		return ""
	}
	return r.policy.Tenant(c.principal)
}

// namesTenant reports whether the caller says to which tenant a row belongs: who
// stands above tenants does for a new row, and for accounts, which alone move.
func (r *rules) namesTenant(c *caller, action authz.Action) bool {
	return r.tenantKey() != model.NoField && r.above(c) && (action == authz.Create || action == authz.Update && r.accounts())
}

// belongs sets the tenant of a new row, unless its maker has to name it.
func (r *engine) belongs(c caller, row record) {
	f := r.rules.tenantKey()
	if f == model.NoField || r.rules.above(&c) {
		return
	}
	field, p := r.field(row, f)
	field.Clear(p)
	if tenant := r.rules.newTenant(&c); tenant != "" {
		if v, err := field.Parse(tenant); err == nil {
			field.Store(p, v)
		}
	}
}

// beside returns the caller as one who reaches no rows but those of the tenant of
// this row: what it points to has to be in the same, whoever writes it. Who is in
// a tenant is kept to that one anyway, and may make an account that is in none.
func (r *engine) beside(c caller, row record) caller {
	f := r.entity.TenantField()
	if f == model.NoField {
		return c
	}
	if tenant := text(r.value(row, f)); r.rules.above(&c) || tenant != r.rules.policy.Tenant(c.principal) {
		c.beside = &tenant
	}
	return c
}

// keysToCheck returns the fields of a changed row whose keys have to be asked about:
// those that were sent, and in another tenant all of them.
func (r *engine) keysToCheck(changed, sent model.FieldSet) model.FieldSet {
	if r.moves(changed) {
		return r.entity.All()
	}
	return changed.Intersect(sent)
}

// moves reports whether a change moves an account to another tenant.
func (r *engine) moves(changed model.FieldSet) bool {
	f := r.rules.tenantKey()
	return f != model.NoField && changed.Has(f)
}

// granter is who can give roles, and where.
type granter struct {
	roles []string // of which one is held
	above bool     // in all tenants, not in one alone
}

// grants reports whether an account with those roles can give what the granter can,
// moved said that it did so in another tenant.
func (rr *roleRules) grants(g granter, roles []string, moved bool) bool {
	above := slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(rr.high, role) })
	return slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(g.roles, role) }) && (above || !g.above && !moved)
}

// otherGranter reports whether an account other than old gives roles where old
// did: one above tenants, or, unless old was that, in the same.
func (r *engine) otherGranter(ctx context.Context, old record, g granter) (bool, error) {
	field := r.entity.TenantField()
	if field == model.NoField {
		return r.otherHolder(ctx, old, query.Filter{}, g.roles)
	}
	if found, err := r.otherHolder(ctx, old, query.Filter{}, g.roles, r.roles.high); found || err != nil || g.above {
		return found, err
	}
	tenant := text(r.value(old, field))
	if tenant == "" {
		return true, nil // in no tenant it could give roles to nobody
	}
	return r.otherHolder(ctx, old, query.Equals(r.entity, field, tenant), g.roles)
}
