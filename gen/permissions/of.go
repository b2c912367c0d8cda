package permissions

import (
	"slices"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/design"
)

// Policy returns the policy of the roles of a design.
func Policy(d *design.Design) (*authz.Policy, error) {
	roles := make([]authz.Role, len(d.Roles))
	for i, r := range d.Roles {
		roles[i] = authz.Role{Name: r.Name, Permissions: r.Permissions, Inherits: r.Inherits, Default: r.Default, Entity: r.Entity, AcrossTenants: r.AcrossTenants}
	}
	return authz.NewPolicy(roles)
}

// Of returns who may do what by the design. An error means that package authz
// refuses the roles, which [design.Parse] does not let through.
func Of(d *design.Design) (*Matrix, error) {
	policy, err := Policy(d)
	if err != nil {
		return nil, err
	}
	m := &Matrix{Service: d.Service.Name, Authentication: d.Authentication(), Callers: callers(d, policy), Entities: []Entity{}}
	judges := make([]*judge, len(m.Callers))
	for i, c := range m.Callers {
		judges[i] = newJudge(policy, c)
	}
	m.Also, m.SignedIn = also(d), WhoSignsIn(d)
	for _, e := range d.Entities {
		entity := Entity{Name: e.Name, Plural: e.Plural, Rules: rules(e), Cascades: cascades(d, e)}
		switch {
		case e.Owner != nil:
			entity.Owner = e.Owner.Name
		case e.OwnerThrough != nil:
			entity.Owner = e.OwnerThrough.String()
		}
		if e.Tenant != nil {
			entity.Tenant = e.Tenant.Name
		}
		for i, c := range m.Callers {
			if c.Kind == Permission && !concerns(c.Name, e) {
				continue
			}
			grant, err := judges[i].grant(e)
			if err != nil {
				return nil, err
			}
			grant.Kind, grant.Name = c.Kind, c.Name
			entity.Grants = append(entity.Grants, grant)
		}
		if owner := OwnerOf(e); owner != nil && owner.LogsIn {
			grant, err := newJudge(policy, Caller{Kind: Role}).grant(e)
			if err != nil {
				return nil, err
			}
			grant.Kind, entity.OwnedBy, entity.Others = SignedIn, owner.Name, &grant
		}
		m.Entities = append(m.Entities, entity)
	}
	for i := range m.Entities {
		m.links(d.Entities[i], &m.Entities[i])
		m.overreach(&m.Entities[i])
	}
	return m, m.actions(d, policy)
}

// also names the entities whose rows sign in beside the accounts.
func also(d *design.Design) []string {
	var names []string
	for _, e := range d.Entities {
		if e.LogsIn && d.Authentication() {
			names = append(names, e.Name)
		}
	}
	return names
}

// WhoSignsIn says in words who is signed in, where that is not the accounts alone;
// otherwise it is empty.
func WhoSignsIn(d *design.Design) string {
	names := also(d)
	if names == nil {
		return ""
	}
	return "accounts, and rows of " + enumerate(names, "and")
}

// overreach finds who deletes rows by deleting others, and may not by themselves.
func (m *Matrix) overreach(e *Entity) {
	for i := range e.Cascades {
		c := &e.Cascades[i]
		for _, g := range e.Grants {
			who := Caller{Kind: g.Kind, Name: g.Name}
			if g.Kind != Permission && g.Rows.Delete.Rows != None && m.whole(e.Name, c.Entity, who).Beyond(m.grant(c.Entity, who).Rows.Delete.Rows) {
				c.Beyond = append(c.Beyond, who.String())
			}
		}
	}
}

// callers lists who can come: with a permission alone those for which a rule asks.
func callers(d *design.Design, policy *authz.Policy) []Caller {
	list := withRoles(d, policy)
	if !d.Authentication() {
		return list
	}
	var names []string
	for _, e := range d.Entities {
		names = append(names, permissionsOf(e)...)
	}
	for _, a := range d.Actions {
		for _, r := range a.Allow {
			if r.Kind == design.HasPermission {
				names = append(names, r.Name)
			}
		}
	}
	seen := map[string]bool{}
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			list = append(list, Caller{Kind: Permission, Name: name})
		}
	}
	return list
}

// withRoles lists who can come without a permission of their own. Where nobody can
// sign in nobody has a role either.
func withRoles(d *design.Design, policy *authz.Policy) []Caller {
	list := []Caller{{Kind: Anonymous}}
	if !d.Authentication() {
		return list
	}
	list = append(list, Caller{Kind: SignedIn})
	for _, r := range d.Roles {
		list = append(list, Caller{
			Kind: Role, Name: r.Name, Default: r.Default, Entity: r.Entity, AcrossTenants: policy.AcrossTenants(Caller{Kind: Role, Name: r.Name}.principal()),
			Inherits:    slices.DeleteFunc(policy.Held([]string{r.Name}), func(name string) bool { return name == r.Name }),
			Permissions: slices.Clone(policy.Permissions([]string{r.Name})),
		})
	}
	return list
}

func (c Caller) principal() *gate.Principal {
	p := &gate.Principal{Subject: "somebody", Strategy: "permissions"}
	switch c.Kind {
	case Anonymous:
		return nil
	case Role:
		p.Roles = []string{c.Name}
	case Permission:
		p.Permissions = []string{c.Name}
	}
	return p
}

// rules lists the rules of an entity: those of its actions, then those that narrow
// its fields.
func rules(e *design.Entity) []Rule {
	list := []Rule{}
	for _, action := range design.Actions() {
		list = append(list, Rule{Action: action, Words: wordsOf(e.Allow.Rules(action))})
	}
	for _, f := range e.Fields {
		for _, action := range design.Actions() {
			if words := f.Access.Rules(action); len(words) > 0 && !slices.ContainsFunc(words, byDefault) {
				list = append(list, Rule{Action: action, Field: f.Name, Words: wordsOf(words)})
			}
		}
	}
	return list
}

// byDefault reports whether nobody wrote the rule.
func byDefault(r design.Rule) bool { return r.Pos.Line == 0 }

// permissionsOf lists the permissions for which the rules of an entity ask, in the
// order of [rules].
func permissionsOf(e *design.Entity) []string {
	var names []string
	add := func(rules []design.Rule) {
		for _, r := range rules {
			if r.Kind == design.HasPermission {
				names = append(names, r.Name)
			}
		}
	}
	for _, action := range design.Actions() {
		add(e.Allow.Rules(action))
	}
	for _, f := range e.Fields {
		for _, action := range design.Actions() {
			add(f.Access.Rules(action))
		}
	}
	return names
}

// concerns reports whether a permission says something of the rows of an entity, or of
// which rows they can be tied to.
func concerns(permission string, e *design.Entity) bool {
	return slices.Contains(permissionsOf(e), permission) || slices.ContainsFunc(e.Links, func(l *design.Link) bool {
		return l.Join != nil && slices.ContainsFunc([]string{"view", "list", "update"}, func(action string) bool {
			return slices.ContainsFunc(l.To.Allow.Rules(action), func(r design.Rule) bool { return r.Kind == design.HasPermission && r.Name == permission })
		})
	})
}

// wordsOf returns the rules with their conditions. It never returns nothing: no
// rule admits nobody.
func wordsOf(rules []design.Rule) []string {
	if len(rules) == 0 {
		rules = []design.Rule{{Kind: design.Nobody}}
	}
	words := make([]string, len(rules))
	for i, r := range rules {
		words[i] = r.Words()
	}
	return words
}

// under is a word with its condition.
func under(word, when string) string {
	if when == "" {
		return word
	}
	return word + " when " + when
}

// cascades lists the entities of which rows go when one of e does, in the end.
func cascades(d *design.Design, e *design.Entity) []Cascade {
	gone := []*design.Entity{e}
	for i := 0; i < len(gone); i++ {
		for _, other := range d.Entities {
			if !slices.Contains(gone, other) && slices.ContainsFunc(other.Fields, func(f *design.Field) bool {
				return f.Relation != nil && f.Relation.Entity == gone[i] && f.Relation.OnDelete == design.Cascade
			}) {
				gone = append(gone, other)
			}
		}
	}
	var list []Cascade
	for _, other := range gone[1:] {
		list = append(list, Cascade{Entity: other.Name})
	}
	return list
}

// A judge decides for one caller.
type judge struct {
	policy    *authz.Policy
	caller    Caller
	principal *gate.Principal
	known     map[string]Cell // by the words of a rule
}

func newJudge(policy *authz.Policy, c Caller) *judge {
	return &judge{policy: policy, caller: c, principal: c.principal(), known: map[string]Cell{}}
}

// meant returns those of the rules of an entity that can be about the caller: the word
// for owners is about no role whose holders own none of its rows.
func (j *judge) meant(e *design.Entity, rules []design.Rule) []design.Rule {
	if j.caller.Kind != Role || OwnerOf(e) == nil || Owns(j.caller.Entity, e) {
		return rules
	}
	return slices.DeleteFunc(slices.Clone(rules), func(r design.Rule) bool { return r.Kind == design.RowOwner })
}

func (j *judge) grant(e *design.Entity) (Grant, error) {
	rows, err := j.rows(e)
	if err != nil {
		return Grant{}, err
	}
	g := Grant{Rows: rows, Fields: make([]Field, len(e.Fields))}
	for i, f := range e.Fields {
		if g.Fields[i], err = j.field(e, f, &rows); err != nil {
			return Grant{}, err
		}
	}
	return g, nil
}

func (j *judge) rows(e *design.Entity) (RowCells, error) {
	var rows RowCells
	for _, action := range authz.Actions() {
		cell, err := j.decide(j.meant(e, e.Allow.Rules(action.String())))
		if err != nil {
			return RowCells{}, err
		}
		j.keep(e, action, &cell)
		if action == authz.Update || action == authz.Delete {
			cell.limit(&rows.View) // who is not shown a row is told that there is none
		}
		if action == authz.Delete {
			rows.Delete = cell
			continue
		}
		*rows.at(action) = cell
	}
	return rows, nil
}

func (j *judge) field(e *design.Entity, f *design.Field, rows *RowCells) (Field, error) {
	field := Field{Name: f.Name}
	for _, action := range []authz.Action{authz.View, authz.List, authz.Create, authz.Update} {
		row := rows.At(action)
		cell := row
		if e.Tenant == f && j.names(e, action) {
			// who stands above tenants says to which a row belongs
		} else if rules := fieldRules(e, f, action); rules != nil {
			var err error
			if cell, err = j.decide(j.meant(e, rules)); err != nil {
				return Field{}, err
			}
			cell.limit(&row)
		}
		*field.at(action) = cell
	}
	return field, nil
}

// fieldRules returns the rules that narrow a field; nil when none do.
func fieldRules(e *design.Entity, f *design.Field, action authz.Action) []design.Rule {
	closed := []design.Rule{{Kind: design.Nobody}}
	reads := action == authz.View || action == authz.List
	rules := f.Access.Rules(action.String())
	if reads {
		rules = f.Access.View
	}
	switch {
	case reads && f.Type == design.Password, !reads && f.ReadOnly, action == authz.Create && f.Type == design.File:
		return closed
	case len(rules) > 0:
		return rules
	case !reads && (f == e.Owner || f == e.Tenant):
		return closed // the service says whose row it is, unless a rule opens the owner
	}
	return nil
}

// OwnerOf returns the entity whose rows own those of e: the accounts, one that logs in
// beside them, or e itself; nil without owners.
func OwnerOf(e *design.Entity) *design.Entity {
	owner := e.Owner
	if e.OwnerThrough != nil {
		owner, e = e.OwnerThrough.Field, e.OwnerThrough.Relation.Relation.Entity
	}
	switch {
	case owner == nil:
		return nil
	case owner.Relation != nil:
		return owner.Relation.Entity
	}
	return e
}

// Owns reports whether rows of e can belong to who holds a role, which is for rows of
// that entity, or for the accounts alone. These may hold any.
func Owns(roleEntity string, e *design.Entity) bool {
	owner := OwnerOf(e)
	return owner != nil && (!owner.LogsIn || owner.Name == roleEntity)
}

// decide returns the cell of rules, with the rows that they reach by themselves.
func (j *judge) decide(rules []design.Rule) (Cell, error) {
	key := strings.Join(wordsOf(rules), ", ")
	if cell, ok := j.known[key]; ok {
		return cell, nil
	}
	var cell Cell
	var sets []Part
	admit := func(words []string, when string, where []design.Clause) (authz.Decision, error) {
		rule, err := authz.ParseRule(words...)
		if err != nil {
			return 0, err
		}
		d := j.policy.Decide(j.principal, rule)
		reach, err := reachOf(d)
		if err != nil || reach == None {
			return d, err
		}
		sets = append(sets, Part{reach, when, clauses(where)})
		for _, part := range j.policy.Explain(j.principal, rule).Parts {
			if part.Decision > authz.Forbidden {
				cell.By = append(cell.By, under(part.Word, when))
			}
		}
		return d, nil
	}
	var err error
	if cell.Decision, err = admit(wordsOf(always(rules)), "", nil); err != nil {
		return Cell{}, err
	}
	for _, r := range rules {
		if len(r.When) == 0 {
			continue
		}
		if _, err := admit([]string{r.String()}, r.Condition(), r.When); err != nil {
			return Cell{}, err
		}
	}
	cell.reached(sets)
	j.known[key] = cell
	return cell, nil
}
