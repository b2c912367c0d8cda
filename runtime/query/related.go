package query

import (
	"strconv"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
)

// Ceilings of conditions on the rows that relations lead to.
const (
	MaxRelatedDepth = 2  // relations that one condition leads through
	MaxRelated      = 10 // relations of one query, wherever they stand
)

// A Quantifier says how many of the rows that a relation leads to are as a
// condition has it.
type Quantifier uint8

// The quantifiers. A relation to one has the first alone: it is that row.
const (
	SomeRow  Quantifier = iota // one at least
	NoRow                      // none
	EveryRow                   // all that there are: of no rows every one is anything
)

// Related is a condition on the rows that a relation leads to. The rows that the
// caller may not get are not there, nor, of a relation to many, those that the
// caller may not list.
type Related struct {
	Relation   string
	Quantifier Quantifier
	Where      Expr
}

func (Related) expr() {}

// A Reach tells what a caller may know of the rows that relations of an entity
// lead to.
type Reach interface {
	// Related returns the relation of that name, and nil if there is none that
	// the caller may know of. An error says that the caller may not follow it,
	// and is what [Resolve] returns.
	Related(name string) (*Relative, error)
}

// A Relative is the other end of a relation, as far as a caller may know it.
type Relative struct {
	Link     *model.Link
	Entity   *model.Entity
	Rows     Filter         // which rows there are
	Readable model.FieldSet // in each of them
	Reach    Reach          // from there on
}

// related is a condition on the rows that a relation leads to.
type related struct {
	link       *model.Link
	to         *model.Entity
	quantifier Quantifier
	rows       node // which there are; nil: all
	where      node
}

func (related) node() {}

// related resolves a condition on other rows: their fields are named like those of
// the entity itself, and refused in the same words.
func (r *resolver) related(x Related, depth int) node {
	if r.terms++; r.terms > MaxTerms {
		r.tooMany()
		return nil
	}
	if r.relations++; r.relations > MaxRelated {
		r.fail(x.Relation, model.CodeLimit, "is one relation too many: conditions lead through at most "+strconv.Itoa(MaxRelated))
		return nil
	}
	if r.at.depth >= MaxRelatedDepth {
		r.fail(x.Relation, model.CodeLimit, "conditions lead through at most "+strconv.Itoa(MaxRelatedDepth)+" relations inside each other")
		return nil
	}
	to := r.relative(x)
	if to == nil {
		return nil
	}
	outer := r.at
	r.at = standpoint{entity: to.Entity, readable: to.Readable, reach: to.Reach, path: outer.path + x.Relation + ".", depth: outer.depth + 1}
	where := r.expr(x.Where, depth+1)
	r.at = outer
	return related{link: to.Link, to: to.Entity, quantifier: x.Quantifier, rows: to.Rows.cond, where: where}
}

// relative finds a relation that the caller may follow.
func (r *resolver) relative(x Related) *Relative {
	var to *Relative
	if r.at.reach != nil {
		var err error
		if to, err = r.at.reach.Related(x.Relation); err != nil {
			if r.refused == nil {
				r.refused = err
			}
			return nil
		}
	}
	switch id, isField := r.at.entity.Field(x.Relation); {
	case to == nil && isField && r.at.readable.Has(id):
		r.fail(x.Relation, model.CodeUnknown, "is a field and leads to no rows: operators start with $")
	case to == nil:
		r.fail(x.Relation, model.CodeUnknown, "is not a relation of "+r.at.entity.Name)
	case !to.Link.Many && x.Quantifier != SomeRow:
		r.fail(x.Relation, model.CodeType, "leads to one row, of which there is nothing to count")
		return nil
	}
	return to
}

// related asks for rows of another table, or for other rows of the same. They are found
// by the key that leads to them: SQLite, whose statistics know the average alone, would
// take the index of an owner's rows, and read all that a great one has for each row. What
// they have to be is IS TRUE, in which it looks for no index. PostgreSQL knows the great
// ones.
func (c *Compiler) related(s *Statement, n related) {
	if n.quantifier != SomeRow {
		s.text("NOT ")
	}
	if n.link.Many {
		s.many++
	}
	far := newCompiler(c.dialect, n.to, c.depth+1)
	s.text("EXISTS (SELECT 1 FROM ")
	switch l := n.link; {
	case l.Through != nil:
		pairs := "p" + strconv.Itoa(far.depth)
		s.text(c.dialect.Quote(l.Through.Table), " AS ", pairs, ", ", far.from,
			" WHERE ", pairs, ".", c.dialect.Quote(l.Through.Near), " = ", c.columns[c.entity.IDField()],
			" AND ", far.columns[n.to.IDField()], " = ", pairs, ".", c.dialect.Quote(l.Through.Far))
	case l.Key != "":
		key, _ := c.entity.Field(l.Key)
		s.text(far.from, " WHERE ", far.columns[n.to.IDField()], " = ", c.columns[key])
	default:
		key, _ := n.to.Field(l.Inverse)
		s.text(far.from, " WHERE ", far.columns[key], " = ", c.columns[c.entity.IDField()])
	}
	far.andThere(s)
	s.text(" AND (")
	if n.rows != nil {
		far.node(s, n.rows)
		s.text(" AND ")
	}
	if n.quantifier == EveryRow {
		far.node(s, not{n.where})
	} else {
		far.node(s, n.where)
	}
	s.text(")")
	if c.dialect == store.SQLite {
		s.text(" IS TRUE")
	}
	s.text(")")
}

// Tied is the filter for rows that pairs tie to the row with that id at the near
// end.
func Tied(j *model.Join, near any) Filter { return Filter{tied{j, near}} }

// tied is a condition on the pairs of a row. Only filters have it.
type tied struct {
	join *model.Join
	near any
}

func (tied) node() {}

func (c *Compiler) tied(s *Statement, n tied) {
	s.text("EXISTS (SELECT 1 FROM ", c.dialect.Quote(n.join.Table), " AS p0 WHERE p0.", c.dialect.Quote(n.join.Near), " = ")
	s.bind(n.near)
	s.text(" AND p0.", c.dialect.Quote(n.join.Far), " = ", c.columns[c.entity.IDField()], ")")
}
