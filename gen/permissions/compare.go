package permissions

import (
	"slices"

	"github.com/gatewright/gate/authz"
)

// A Change is one difference of two matrices: the same for all of its callers,
// actions and fields.
type Change struct {
	// Text is the change in words: customers can now delete orders.
	Text string `json:"text"`
	// Wider says that somebody may do what they might not, Narrower that somebody
	// may not do any more what they might. Rows that are exchanged for others are both.
	Wider    bool `json:"wider"`
	Narrower bool `json:"narrower"`

	Entity  string   `json:"entity,omitempty"`
	Actions []string `json:"actions,omitempty"` // none where the change is who gets a role
	Fields  []string `json:"fields,omitempty"`  // none where it is about rows
	Except  []string `json:"except,omitempty"`  // fields of the rows for which it does not hold
	Along   string   `json:"along,omitempty"`   // entity with whose rows these are deleted
	Callers []Caller `json:"callers"`
	From    Reach    `json:"from"`
	To      Reach    `json:"to"`
	// FromParts and ToParts say what the rows are like of which From and To have some.
	FromParts []Part `json:"fromParts,omitempty"`
	ToParts   []Part `json:"toParts,omitempty"`
}

// from and to are what a change is from and to.
func (c *Change) from() *Cell { return &Cell{Rows: c.From, Parts: c.FromParts} }
func (c *Change) to() *Cell   { return &Cell{Rows: c.To, Parts: c.ToParts} }

// between sets what a change is from and to.
func (c *Change) between(was, is Cell) {
	c.From, c.FromParts, c.To, c.ToParts = was.Rows, was.Parts, is.Rows, is.Parts
}

// beyond reports whether c has rows that other has not, or may have: those of
// another condition are others.
func (c *Cell) beyond(other *Cell) bool {
	return c.Rows.Beyond(other.Rows) || slices.ContainsFunc(c.Parts, func(p Part) bool {
		return p.Rows.Beyond(other.Rows.whole()) && !slices.ContainsFunc(other.Parts, p.within)
	})
}

// Compare returns what changes from one matrix to the other, by entity, in the
// order of the new one, with what is gone at the end. It is empty when nobody may
// do more or less. A role that is not there gives nothing, so a role that gives
// nothing is no change; what nobody mentions nobody may do.
func Compare(before, after *Matrix) []Change {
	c := &comparison{before: before, after: after, callers: union(after.Callers, before.Callers, sameCaller)}
	changes := c.logIns()
	changes = append(changes, c.defaults()...)
	for _, name := range union(names(after), names(before), func(a, b string) bool { return a == b }) {
		changes = append(changes, c.of(name).entity(name)...)
		changes = append(changes, c.of(name).along(name)...)
	}
	return append(changes, c.actions()...)
}

// A comparison holds what Compare works on.
type comparison struct {
	before, after *Matrix
	callers       []Caller // all, and while an entity is compared those who count there
}

// of returns the comparison for one entity: who carries a permission for which it
// never asked is nobody in particular there.
func (c *comparison) of(entity string) *comparison {
	one := *c
	one.callers = slices.DeleteFunc(slices.Clone(c.callers), func(caller Caller) bool {
		return caller.Kind == Permission && !c.before.mentions(entity, caller) && !c.after.mentions(entity, caller)
	})
	return &one
}

func (m *Matrix) mentions(entity string, c Caller) bool {
	e := m.Entity(entity)
	return e != nil && slices.ContainsFunc(e.Grants, func(g Grant) bool { return g.Kind == c.Kind && g.Name == c.Name })
}

func sameCaller(a, b Caller) bool { return a.Kind == b.Kind && a.Name == b.Name }

// union returns the elements of both lists, each once.
func union[T any](first, second []T, same func(a, b T) bool) []T {
	all := slices.Clone(first)
	for _, v := range second {
		if !slices.ContainsFunc(all, func(o T) bool { return same(o, v) }) {
			all = append(all, v)
		}
	}
	return all
}

func names(m *Matrix) []string {
	list := make([]string, len(m.Entities))
	for i, e := range m.Entities {
		list[i] = e.Name
	}
	return list
}

// logIns compares who signs in beside the accounts, and which roles are for whom.
func (c *comparison) logIns() []Change {
	changes := []Change{}
	for _, name := range union(c.after.Also, c.before.Also, func(a, b string) bool { return a == b }) {
		switch was, is := slices.Contains(c.before.Also, name), slices.Contains(c.after.Also, name); {
		case is && !was && c.after.opens(name):
			changes = append(changes, Change{Text: "rows of " + name + " can now sign in, and do what everybody may who is signed in", Wider: true, Entity: name, Callers: []Caller{}})
		case was && !is && c.before.opens(name):
			changes = append(changes, Change{Text: "rows of " + name + " could sign in and cannot any more", Narrower: true, Entity: name, Callers: []Caller{}})
		}
	}
	for _, role := range c.after.Callers {
		i := slices.IndexFunc(c.before.Callers, func(o Caller) bool { return role.Kind == Role && sameCaller(o, role) })
		if i < 0 || c.before.Callers[i].Entity == role.Entity || !c.after.gives(role) && !c.before.gives(role) {
			continue
		}
		whose := "accounts alone"
		if role.Entity != "" {
			whose = "rows of " + role.Entity + ", too"
		}
		changes = append(changes, Change{
			Text: "the role " + role.Name + " is now for " + whose, Wider: role.Entity != "", Narrower: c.before.Callers[i].Entity != "", Callers: []Caller{role},
		})
	}
	return changes
}

// opens reports whether it counts that rows of an entity sign in: of a matrix of some
// entities alone where one of them is it, or is for whoever is signed in.
func (m *Matrix) opens(entity string) bool {
	return m.Entity(entity) != nil || slices.ContainsFunc(m.Entities, func(e Entity) bool {
		return !sameGrant(m.grant(e.Name, Caller{Kind: SignedIn}), m.grant(e.Name, Caller{Kind: Anonymous}))
	})
}

// defaults compares which roles every new account gets, of those that give
// anything.
func (c *comparison) defaults() []Change {
	var changes []Change
	for _, caller := range c.callers {
		was, is := c.before.isDefault(caller), c.after.isDefault(caller)
		if was == is || is && !c.after.gives(caller) || was && !c.before.gives(caller) {
			continue
		}
		change := Change{Wider: is, Narrower: was, Callers: []Caller{caller}}
		change.Text = "new accounts do not hold the role " + caller.Name + " any more"
		if caller.Entity != "" {
			change.Text = "who newly signs up as a " + caller.Entity + " does not hold the role " + caller.Name + " any more"
		}
		if is {
			change.Text = "every new account now holds the role " + caller.Name
			if caller.Entity != "" {
				change.Text = "every new " + caller.Entity + " now holds the role " + caller.Name
			}
		}
		changes = append(changes, change)
	}
	return changes
}

func (m *Matrix) isDefault(c Caller) bool {
	return slices.ContainsFunc(m.Callers, func(o Caller) bool { return sameCaller(o, c) && o.Default })
}

// gives reports whether a role gives what not everybody has who is signed in.
func (m *Matrix) gives(c Caller) bool {
	return slices.ContainsFunc(m.Entities, func(e Entity) bool {
		with, without := m.grant(e.Name, c), m.grant(e.Name, Caller{Kind: Role, Entity: c.Entity})
		return with != nil && without != nil && !sameGrant(with, without)
	})
}

// grant returns what a caller may do with an entity. Somebody of whom the design
// does not know is signed in there, if anybody can be; nil where there is no such
// entity.
func (m *Matrix) grant(entity string, c Caller) *Grant {
	e := m.Entity(entity)
	if e == nil {
		return nil
	}
	for _, kind := range []Caller{c, {Kind: SignedIn}, {Kind: Anonymous}} {
		for i := range e.Grants {
			if g := &e.Grants[i]; g.Kind == kind.Kind && g.Name == kind.Name {
				return g
			}
		}
		if kind.Kind == Role && e.Others != nil && e.OwnedBy != c.Entity {
			return e.Others
		}
	}
	return nil
}

// cell is what a grant reaches by an action, in rows or in one field of them.
func (g *Grant) cell(a authz.Action, field string) Cell {
	if g == nil {
		return Cell{}
	}
	if field == "" {
		return g.Rows.At(a)
	}
	for i := range g.Fields {
		if g.Fields[i].Name == field {
			return g.Fields[i].At(a)
		}
	}
	return Cell{}
}

// reach is the rows of [Grant.cell].
func (g *Grant) reach(a authz.Action, field string) Reach { return g.cell(a, field).Rows }

// entity compares one entity: first what may be done with rows, then with fields
// where that does not follow.
func (c *comparison) entity(name string) []Change {
	var changes, ofFields []Change
	fields := c.fields(name)
	for _, action := range authz.Actions() {
		for _, caller := range c.callers {
			was, is := c.before.grant(name, caller), c.after.grant(name, caller)
			rows := Change{Entity: name, Actions: []string{action.String()}, Callers: []Caller{caller}}
			rows.between(was.cell(action, ""), is.cell(action, ""))
			for _, f := range fields {
				change := rows
				change.between(was.cell(action, f), is.cell(action, f))
				change.Fields = []string{f}
				follows := sameReach(&change, &rows)
				if !follows && action != authz.Delete && c.open(name, action, f) {
					rows.Except = append(rows.Except, f)
				}
				if !follows && !change.from().same(change.to()) {
					ofFields = merge(ofFields, change, sameField)
				}
			}
			if !rows.from().same(rows.to()) {
				changes = merge(changes, rows, sameRows)
			}
		}
	}
	changes = slices.Concat(together(changes, sameCallers), together(together(ofFields, sameActions), sameCallers), c.links(name))
	for i := range changes {
		from, to := changes[i].from(), changes[i].to()
		changes[i].Wider, changes[i].Narrower = to.beyond(from), from.beyond(to)
		changes[i].Text = c.text(&changes[i])
	}
	return changes
}

// along compares who deletes rows of an entity by deleting those of others, and
// may not delete all of them otherwise.
func (c *comparison) along(name string) []Change {
	var changes []Change
	for _, parent := range union(names(c.after), names(c.before), func(a, b string) bool { return a == b }) {
		for _, caller := range c.callers {
			change := Change{Entity: name, Actions: []string{authz.Delete.String()}, Along: parent, Callers: []Caller{caller}}
			_, wasAlong := c.before.deletes(parent, name, caller)
			is, isAlong := c.after.deletes(parent, name, caller)
			switch {
			case isAlong && !wasAlong: // also in place of a rule, whose loss is told by itself
				change.To = All
			case wasAlong && !is:
				change.From = All
			default:
				continue
			}
			changes = merge(changes, change, sameReach)
		}
	}
	for i := range changes {
		changes[i].Wider, changes[i].Narrower = changes[i].To == All, changes[i].From == All
		changes[i].Text = c.text(&changes[i])
	}
	return changes
}

// deletes reports whether a caller deletes rows of an entity, be it with those of a
// parent; along says that it takes the parent.
func (m *Matrix) deletes(parent, entity string, c Caller) (rows, along bool) {
	if !m.whole(parent, entity, c).Beyond(m.grant(entity, c).reach(authz.Delete, "")) {
		return true, false
	}
	e := m.Entity(parent)
	along = e != nil && m.grant(parent, c).reach(authz.Delete, "") != None &&
		slices.ContainsFunc(e.Cascades, func(o Cascade) bool { return o.Entity == entity })
	return along, along
}

func (c *comparison) plural(entity string) string {
	if e := c.after.Entity(entity); e != nil {
		return e.Plural
	}
	return c.before.Entity(entity).Plural
}

func (c *comparison) fields(entity string) []string {
	var lists [2][]string
	for i, m := range []*Matrix{c.after, c.before} {
		if g := m.grant(entity, Caller{Kind: Anonymous}); g != nil {
			for _, f := range g.Fields {
				lists[i] = append(lists[i], f.Name)
			}
		}
	}
	return union(lists[0], lists[1], func(a, b string) bool { return a == b })
}

// open reports whether anybody may use the field in an action, before or after:
// what is closed to all need not be excepted.
func (c *comparison) open(entity string, a authz.Action, field string) bool {
	return slices.ContainsFunc(c.callers, func(caller Caller) bool {
		return c.before.grant(entity, caller).reach(a, field)|c.after.grant(entity, caller).reach(a, field) != None
	})
}

// merge adds a change of one caller to the one that is the same for others.
func merge(list []Change, change Change, same func(a, b *Change) bool) []Change {
	for i := range list {
		if same(&list[i], &change) {
			list[i].Callers = append(slices.Clone(list[i].Callers), change.Callers...)
			return list
		}
	}
	return append(list, change)
}

func sameReach(a, b *Change) bool {
	return a.from().same(b.from()) && a.to().same(b.to()) && a.Along == b.Along
}

func sameRows(a, b *Change) bool {
	return sameReach(a, b) && slices.Equal(a.Actions, b.Actions) && slices.Equal(a.Except, b.Except)
}

func sameField(a, b *Change) bool {
	return sameReach(a, b) && slices.Equal(a.Actions, b.Actions) && slices.Equal(a.Fields, b.Fields)
}

// sameActions finds fields that change alike, sameCallers actions.
func sameActions(a, b *Change) bool {
	return sameReach(a, b) && slices.Equal(a.Actions, b.Actions) && slices.EqualFunc(a.Callers, b.Callers, sameCaller)
}

func sameCallers(a, b *Change) bool {
	return sameReach(a, b) && slices.Equal(a.Fields, b.Fields) && slices.Equal(a.Except, b.Except) && slices.EqualFunc(a.Callers, b.Callers, sameCaller)
}

// together joins changes that are the same but for their fields or their actions.
func together(list []Change, same func(a, b *Change) bool) []Change {
	var out []Change
next:
	for _, change := range list {
		for i := range out {
			if same(&out[i], &change) {
				equal := func(a, b string) bool { return a == b }
				out[i].Fields = union(out[i].Fields, change.Fields, equal)
				out[i].Actions = union(out[i].Actions, change.Actions, equal)
				continue next
			}
		}
		out = append(out, change)
	}
	return out
}
