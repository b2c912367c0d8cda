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
		roles[i] = authz.Role{Name: r.Name, Permissions: r.Permissions, Inherits: r.Inherits, Default: r.Default}
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
		judges[i] = newJudge(policy, c.principal())
	}
	for _, e := range d.Entities {
		entity := Entity{Name: e.Name, Plural: e.Plural, Rules: rules(e), Cascades: cascades(d, e)}
		if e.Owner != nil {
			entity.Owner = e.Owner.Name
		}
		for i, c := range m.Callers {
			if c.Kind == Permission && !asks(entity.Rules, c.Name) {
				continue
			}
			grant, err := judges[i].grant(e)
			if err != nil {
				return nil, err
			}
			grant.Kind, grant.Name = c.Kind, c.Name
			entity.Grants = append(entity.Grants, grant)
		}
		m.Entities = append(m.Entities, entity)
	}
	for i := range m.Entities {
		m.overreach(&m.Entities[i])
	}
	return m, nil
}

// overreach finds who deletes rows by deleting others, and may not by themselves.
func (m *Matrix) overreach(e *Entity) {
	for i := range e.Cascades {
		c := &e.Cascades[i]
		for _, g := range e.Grants {
			who := Caller{Kind: g.Kind, Name: g.Name}
			if g.Kind != Permission && g.Rows.Delete.Rows != None && All.Beyond(m.grant(c.Entity, who).Rows.Delete.Rows) {
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
	seen := map[string]bool{}
	for _, e := range d.Entities {
		for _, r := range rules(e) {
			for _, word := range r.Words {
				if strings.Contains(word, ":") && !seen[word] {
					seen[word] = true
					list = append(list, Caller{Kind: Permission, Name: word})
				}
			}
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
			Kind: Role, Name: r.Name, Default: r.Default,
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

// asks reports whether a rule asks for the permission.
func asks(rules []Rule, permission string) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool { return slices.Contains(r.Words, permission) })
}

// wordsOf never returns nothing: no rule admits nobody.
func wordsOf(rules []design.Rule) []string {
	if len(rules) == 0 {
		rules = []design.Rule{{Kind: design.Nobody}}
	}
	words := make([]string, len(rules))
	for i, r := range rules {
		words[i] = r.String()
	}
	return words
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
	principal *gate.Principal
	known     map[string]Cell // by the words of a rule
}

func newJudge(policy *authz.Policy, principal *gate.Principal) *judge {
	return &judge{policy: policy, principal: principal, known: map[string]Cell{}}
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
		cell, err := j.decide(wordsOf(e.Allow.Rules(action.String())))
		if err != nil {
			return RowCells{}, err
		}
		if action == authz.Update || action == authz.Delete {
			cell.Rows &= rows.View.Rows // who is not shown a row is told that there is none
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
		words := fieldWords(e, f, action)
		row := rows.At(action)
		cell := row
		if words != nil {
			var err error
			if cell, err = j.decide(words); err != nil {
				return Field{}, err
			}
			cell.Rows &= row.Rows
		}
		*field.at(action) = cell
	}
	return field, nil
}

// fieldWords returns the rule that narrows a field; nil when none does.
func fieldWords(e *design.Entity, f *design.Field, action authz.Action) []string {
	closed := []string{design.Rule{Kind: design.Nobody}.String()}
	reads := action == authz.View || action == authz.List
	rules := f.Access.Rules(action.String())
	if reads {
		rules = f.Access.View
	}
	switch {
	case reads && f.Type == design.Password, !reads && f.ReadOnly:
		return closed
	case len(rules) > 0:
		return wordsOf(rules)
	case !reads && f == e.Owner:
		return closed // the service says whose row it is, unless a rule opens the field
	}
	return nil
}

// decide returns the cell of a rule, with the rows that the rule alone reaches.
func (j *judge) decide(words []string) (Cell, error) {
	key := strings.Join(words, ", ")
	if cell, ok := j.known[key]; ok {
		return cell, nil
	}
	rule, err := authz.ParseRule(words...)
	if err != nil {
		return Cell{}, err
	}
	cell := Cell{Decision: j.policy.Decide(j.principal, rule)}
	if cell.Rows, err = reachOf(cell.Decision); err != nil {
		return Cell{}, err
	}
	if cell.Rows != None {
		for _, part := range j.policy.Explain(j.principal, rule).Parts {
			if part.Decision > authz.Forbidden {
				cell.By = append(cell.By, part.Word)
			}
		}
	}
	j.known[key] = cell
	return cell, nil
}
