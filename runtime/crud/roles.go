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

// roleRules keep those who may write the roles of accounts from giving, or
// taking, more than they have.
type roleRules struct {
	policy   *authz.Policy
	entity   *model.Entity
	field    model.FieldID // NoField when the entity has no roles
	known    []string
	moved    map[string]string // roles of other entities, with theirs: rows may hold them from before
	defaults []string
	granting []string // roles whose holders may write the roles of others
	// staying are lists of roles of which somebody has to hold one: those who can
	// give roles at all, and for each role those who can give that.
	staying [][]string
	high    []string // roles whose holders stand above tenants, where there are any
}

func compileRoles(policy *authz.Policy, e *model.Entity, rules rules) roleRules {
	rr := roleRules{policy: policy, entity: e, field: e.Find(model.Roles), defaults: []string{}, moved: map[string]string{}}
	if rr.field == model.NoField {
		return rr
	}
	rr.defaults = policy.Defaults(e.Kind())
	for _, role := range policy.Roles() {
		if !policy.Admits(e.Kind(), role.Name) {
			rr.moved[role.Name] = role.Entity
			continue
		}
		rr.known = append(rr.known, role.Name)
		if e.TenantField() != model.NoField && policy.AcrossTenants(&gate.Principal{Subject: "-", Roles: []string{role.Name}}) {
			rr.high = append(rr.high, role.Name)
		}
		holder := caller{principal: &gate.Principal{Subject: "-", Roles: []string{role.Name}}}
		filter, err := rules.admits(holder, authz.Update)
		fields := rules.fieldsFor(holder, authz.Update, filter)
		seen, blind := rules.admits(holder, authz.View)
		if err == nil && filter.Unlimited() && fields.always.Has(rr.field) && blind == nil && seen.Unlimited() {
			rr.granting = append(rr.granting, role.Name)
		}
	}
	if e.LogsIn { // the roles of its rows are for the accounts to give
		return rr
	}
	rr.staying = [][]string{rr.granting}
	for _, role := range rr.known {
		givers := rr.givers(role)
		same := func(list []string) bool { return slices.Equal(list, givers) }
		if len(givers) > 0 && !slices.ContainsFunc(rr.staying, same) {
			rr.staying = append(rr.staying, givers)
		}
	}
	return rr
}

// givers returns the roles whose holders can give that one.
func (rr *roleRules) givers(role string) []string {
	return slices.DeleteFunc(slices.Clone(rr.granting), func(holder string) bool {
		return !rr.policy.MayGive(&gate.Principal{Subject: "-", Roles: []string{holder}}, rr.entity.Kind(), role)
	})
}

// check says which roles the caller may not give or take, and which do not
// exist.
func (rr *roleRules) check(c caller, old, updated []string) model.Problems {
	name := rr.entity.Fields[rr.field].Name
	var problems model.Problems
	for _, role := range updated {
		if !slices.Contains(rr.known, role) {
			problems.Add(name, model.CodeNotInList, "names a role that does not exist")
			return problems
		}
	}
	for _, role := range slices.Concat(without(updated, old), without(old, updated)) {
		if !rr.above(c, role) {
			problems.Add(name, model.CodeForbidden, "names a role that you cannot give or take")
			return problems
		}
	}
	return nil
}

// above reports whether the caller may give the role, and take it. A role that
// the service no longer knows may come back: nobody is above it. One that is of
// another entity now counts for nothing here, and may come back, too: who may give it
// there is above it.
func (rr *roleRules) above(c caller, role string) bool {
	if of, moved := rr.moved[role]; moved {
		return c.system || rr.policy.MayGive(c.principal, of, role)
	}
	return c.system || slices.Contains(rr.known, role) && rr.policy.MayGive(c.principal, rr.entity.Kind(), role)
}

// outranks reports whether the caller may give all of the roles that not
// everybody has.
func (rr *roleRules) outranks(c caller, roles []string) bool {
	for _, role := range without(roles, rr.defaults) {
		if !rr.above(c, role) {
			return false
		}
	}
	return true
}

func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// rolesOf returns the roles that a row holds.
func (r *engine) rolesOf(row record) []string {
	roles, _ := r.value(row, r.roles.field).([]string)
	return roles
}

// mayChangeAccount judges a change of an account: nobody changes their own
// roles, gives or takes a role that is not theirs, or changes how somebody with
// more power signs in. The last who can give roles stays.
func (r *engine) mayChangeAccount(ctx context.Context, c caller, old, row record, changed model.FieldSet) error {
	if r.roles.field == model.NoField {
		return nil
	}
	before, after := r.rolesOf(old), r.rolesOf(row)
	if changed.Has(r.roles.field) {
		if c.is(r.entity, r.id(old)) && !c.system {
			return refused(model.Problems{{
				Field: r.entity.Fields[r.roles.field].Name, Code: model.CodeForbidden, Message: "cannot be changed by oneself",
			}})
		}
		if err := refused(r.roles.check(c, before, after)); err != nil {
			return err
		}
	}
	if err := r.someoneGrants(ctx, c, old, before, after, r.moves(changed)); err != nil {
		return err
	}
	if c.is(r.entity, r.id(old)) || r.roles.outranks(c, before) {
		return nil
	}
	for f := range changed.All() {
		switch r.entity.Fields[f].Type {
		case model.Password, model.Email, model.Username:
			return forbidden("The account has roles that you cannot give")
		}
		if f == r.entity.TenantField() { // its roles would hold in another one
			return forbidden("The account has roles that you cannot give")
		}
	}
	return nil
}

// mayRemoveAccount judges the end of an account.
func (r *engine) mayRemoveAccount(ctx context.Context, c caller, old record) error {
	if r.roles.field == model.NoField {
		return nil
	}
	roles := r.rolesOf(old)
	if !c.is(r.entity, r.id(old)) && !r.roles.outranks(c, roles) {
		return forbidden("The account has roles that you cannot give")
	}
	return r.someoneGrants(ctx, c, old, roles, nil, false)
}

// someoneGrants refuses to take the right to give roles, or to give one of them,
// from the last account that has it. It locks the other one that it finds, so that
// two changes at once cannot count on each other.
func (r *engine) someoneGrants(ctx context.Context, c caller, old record, before, after []string, moved bool) error {
	if c.system {
		return nil
	}
	for _, list := range r.roles.staying {
		g := granter{roles: list, above: true}
		g.above = r.roles.grants(g, before, false)
		if !r.roles.grants(g, before, false) || r.roles.grants(g, after, moved) {
			continue
		}
		found, err := r.otherGranter(ctx, old, g)
		if err != nil {
			return err
		}
		if !found {
			return &gate.Error{Status: http.StatusConflict, Message: "This is the last account that can give roles, or one of its roles"}
		}
	}
	return nil
}

// otherHolder reports whether an account other than old, and one of those that
// pass the filter, has a role of each list.
func (r *engine) otherHolder(ctx context.Context, old record, among query.Filter, roles ...[]string) (bool, error) {
	s := r.statement()
	defer r.recycle(s)
	r.compile.OtherHolder(s, r.value(old, r.entity.IDField()), among, r.roles.field, roles...)
	rows, err := r.query(ctx, s)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	found := rows.Next()
	return found, rows.Err()
}
