package crud

import (
	"context"
	"net/http"
	"slices"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/model"
)

// roleRules keep those who may write the roles of accounts from giving, or
// taking, more than they have.
type roleRules struct {
	policy   *authz.Policy
	entity   *model.Entity
	field    model.FieldID // NoField when the entity has no roles
	known    []string
	defaults []string
	granting []string // roles whose holders may write the roles of others
}

func compileRoles(policy *authz.Policy, e *model.Entity, rules rules) roleRules {
	rr := roleRules{policy: policy, entity: e, field: e.Find(model.Roles), defaults: []string{}}
	if rr.field == model.NoField {
		return rr
	}
	for _, role := range policy.Roles() {
		rr.known = append(rr.known, role.Name)
		if role.Default {
			rr.defaults = append(rr.defaults, role.Name)
		}
		holder := caller{principal: &gate.Principal{Subject: "-", Roles: []string{role.Name}}}
		filter, err := rules.reach(holder, authz.Update)
		fields := rules.fieldsFor(holder, authz.Update, filter)
		seen, blind := rules.reach(holder, authz.View)
		if err == nil && filter.Unlimited() && fields.always.Has(rr.field) && blind == nil && seen.Unlimited() {
			rr.granting = append(rr.granting, role.Name)
		}
	}
	return rr
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
// the service no longer knows may come back: nobody is above it.
func (rr *roleRules) above(c caller, role string) bool {
	return c.system || slices.Contains(rr.known, role) && rr.policy.MayGrant(c.principal, role)
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
func (r *Resource[T]) rolesOf(row *T) []string {
	roles, _ := r.value(row, r.roles.field).([]string)
	return roles
}

// mayChangeAccount judges a change of an account: nobody changes their own
// roles, gives or takes a role that is not theirs, or changes how somebody with
// more power signs in. The last who can give roles stays.
func (r *Resource[T]) mayChangeAccount(ctx context.Context, c caller, old, row *T, changed model.FieldSet) error {
	if r.roles.field == model.NoField {
		return nil
	}
	before, after := r.rolesOf(old), r.rolesOf(row)
	if changed.Has(r.roles.field) {
		if c.owns(r.id(old)) && !c.system {
			return refused(model.Problems{{
				Field: r.entity.Fields[r.roles.field].Name, Code: model.CodeForbidden, Message: "cannot be changed by oneself",
			}})
		}
		if err := refused(r.roles.check(c, before, after)); err != nil {
			return err
		}
		if err := r.someoneGrants(ctx, c, old, before, after); err != nil {
			return err
		}
	}
	if c.owns(r.id(old)) || r.roles.outranks(c, before) {
		return nil
	}
	for f := range changed.All() {
		switch r.entity.Fields[f].Type {
		case model.Password, model.Email, model.Username:
			return forbidden("The account has roles that you cannot give")
		}
	}
	return nil
}

// mayRemoveAccount judges the end of an account.
func (r *Resource[T]) mayRemoveAccount(ctx context.Context, c caller, old *T) error {
	if r.roles.field == model.NoField {
		return nil
	}
	roles := r.rolesOf(old)
	if !c.owns(r.id(old)) && !r.roles.outranks(c, roles) {
		return forbidden("The account has roles that you cannot give")
	}
	return r.someoneGrants(ctx, c, old, roles, nil)
}

// someoneGrants refuses to take the right to give roles from the last account
// that has it. It locks the other one that it finds, so that two changes at once
// cannot count on each other.
func (r *Resource[T]) someoneGrants(ctx context.Context, c caller, old *T, before, after []string) error {
	granting := r.roles.granting
	grants := func(role string) bool { return slices.Contains(granting, role) }
	if c.system || !slices.ContainsFunc(before, grants) || slices.ContainsFunc(after, grants) {
		return nil
	}
	s := r.statement()
	defer r.recycle(s)
	r.compile.OtherHolder(s, r.value(old, r.entity.IDField()), r.roles.field, granting)
	rows, err := r.query(ctx, s)
	if err != nil {
		return err
	}
	defer rows.Close()
	found := rows.Next()
	if err := rows.Err(); err != nil || found {
		return err
	}
	return &gate.Error{Status: http.StatusConflict, Message: "This is the last account that can give roles"}
}
