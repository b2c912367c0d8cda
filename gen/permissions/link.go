package permissions

import (
	"iter"
	"slices"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/design"
)

// tie is the action of a [Change] of who may tie rows to others, and untie them.
const tie = "tie"

// links fills in what callers may do with relations that have a table. All grants
// of rows are there.
func (m *Matrix) links(e *design.Entity, into *Entity) {
	for _, l := range e.Links {
		if l.Join == nil {
			continue
		}
		for who, g := range into.grants() {
			far := m.grant(l.To.Name, who)
			link := Link{Name: l.Name, To: l.To.Name, See: far.Rows.List, Far: far.Rows.View, Create: g.Rows.Create, Update: g.Rows.Update}
			if l.Far() {
				link.Far = far.Rows.Update // whose pairs they are
			}
			g.Links = append(g.Links, link)
		}
	}
}

// grants are those of the callers, and what others have.
func (e *Entity) grants() iter.Seq2[Caller, *Grant] {
	return func(yield func(Caller, *Grant) bool) {
		for i := range e.Grants {
			if g := &e.Grants[i]; !yield(Caller{Kind: g.Kind, Name: g.Name}, g) {
				return
			}
		}
		if e.Others != nil {
			yield(Caller{Kind: Role}, e.Others)
		}
	}
}

// in returns what a link is to an action of the rows that have it, which reaches
// rows: those of the other entity that it shows, or those of this one with which
// it can be done.
func (l *Link) in(a authz.Action, rows *Cell) Cell {
	switch {
	case rows.Rows == None:
		return Cell{}
	case a == authz.View || a == authz.List:
		return l.See
	case l.Far.Rows == None:
		return Cell{}
	case a == authz.Create:
		return l.Create
	}
	return l.Update
}

// same reports whether the same can be done with two links.
func (l *Link) same(other *Link) bool {
	return l.Name == other.Name && l.To == other.To && l.See.same(&other.See) && l.Far.same(&other.Far) &&
		l.Create.same(&other.Create) && l.Update.same(&other.Update)
}

// tied is the rows that a caller may tie to others by a link, none where there is
// no such link.
func (g *Grant) tied(name string) (cell Cell, there bool) {
	if g == nil {
		return Cell{}, false
	}
	i := slices.IndexFunc(g.Links, func(l Link) bool { return l.Name == name })
	if i < 0 {
		return Cell{}, false
	}
	return g.Links[i].in(authz.Update, &g.Rows.Update), true
}

// links compares who may tie rows of an entity to others, where that does not
// follow from who may change them.
func (c *comparison) links(name string) []Change {
	var changes []Change
	for _, link := range union(c.after.linksOf(name), c.before.linksOf(name), func(a, b string) bool { return a == b }) {
		for _, caller := range c.callers {
			was, is := c.before.grant(name, caller), c.after.grant(name, caller)
			from, before := was.tied(link)
			to, after := is.tied(link)
			rows := Change{}
			rows.between(was.cell(authz.Update, ""), is.cell(authz.Update, ""))
			change := Change{Entity: name, Actions: []string{tie}, Fields: []string{link}, Callers: []Caller{caller}}
			change.between(from, to)
			if from.same(&to) || before && after && sameReach(&change, &rows) {
				continue
			}
			changes = merge(changes, change, sameField)
		}
	}
	return changes
}

func (m *Matrix) linksOf(entity string) []string {
	var names []string
	if g := m.grant(entity, Caller{Kind: Anonymous}); g != nil {
		for _, l := range g.Links {
			names = append(names, l.Name)
		}
	}
	return names
}
