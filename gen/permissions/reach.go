package permissions

import (
	"fmt"
	"slices"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/design"
)

// A Reach is a set of rows: those that an action reaches. The zero value is none.
// Two actions together reach r & s; one reaches more than another when it has a
// row that the other has not. Of a set it may reach some rows only, those of which
// a condition holds: how they relate to the rows of another condition it does not
// know.
type Reach uint8

// The reaches. Each is made of the bits of those within it: the lower four for
// whole sets, the upper four for some of them.
const (
	None            Reach = 0
	OwnWithinTenant Reach = 1<<0 | 1<<4                   // one's own rows in one's tenant
	Own             Reach = OwnWithinTenant | 1<<1 | 1<<5 // one's own rows
	Tenant          Reach = OwnWithinTenant | 1<<2 | 1<<6 // the rows of one's tenant
	OwnOrTenant     Reach = Own | Tenant
	All             Reach = OwnOrTenant | 1<<3 | 1<<7

	SomeOwn Reach = Own & partly // those of one's own rows of which a condition holds
	Some    Reach = partly       // the rows of which a condition holds

	partly Reach = 0xf0
)

// whole returns the sets of which r has all rows.
func (r Reach) whole() Reach { return r&^partly | r&^partly<<4 }

// some returns the sets of which r has rows at all.
func (r Reach) some() Reach { return r&partly | r&partly>>4 }

// String returns the reach in words.
func (r Reach) String() string {
	whole, some := r.whole(), r.some()
	switch {
	case whole == some:
		return whole.set()
	case whole == None && some == All:
		return "some"
	case whole == None:
		return "some " + some.set()
	case some == All:
		return whole.set() + " and some"
	}
	return whole.set() + " and some " + some.set()
}

// set names a set that is whole.
func (r Reach) set() string {
	switch r {
	case None:
		return "none"
	case OwnWithinTenant:
		return "own within tenant"
	case Own:
		return "own"
	case Tenant:
		return "tenant"
	case OwnOrTenant:
		return "own or tenant"
	case All:
		return "all"
	}
	return fmt.Sprintf("Reach(%d)", uint8(r))
}

// MarshalText returns the words.
func (r Reach) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Beyond reports whether r has rows that other has not, as far as the sets tell:
// nothing is known of two conditions on the same set.
func (r Reach) Beyond(other Reach) bool { return r&^other != 0 }

func reachOf(d authz.Decision) (Reach, error) {
	switch d {
	case authz.Unauthenticated, authz.Forbidden:
		return None, nil
	case authz.OwnWithinTenant:
		return OwnWithinTenant, nil
	case authz.OwnRows:
		return Own, nil
	case authz.TenantRows:
		return Tenant, nil
	case authz.OwnOrTenantRows:
		return OwnOrTenant, nil
	case authz.Allowed:
		return All, nil
	}
	return None, fmt.Errorf("permissions: the decision %s is not known here", d)
}

// A Part is those rows of a set of which a condition holds.
type Part struct {
	Rows  Reach    `json:"rows"`  // the set
	When  string   `json:"when"`  // the condition, in words: status is published
	Where []Clause `json:"where"` // the same for programs: all of it holds
}

// A Clause says what a field of a row holds.
type Clause struct {
	Field string `json:"field"`
	// Values are those of which the field has one: texts, numbers that are texts,
	// booleans, integers. None means that the field is null.
	Values []any `json:"values,omitempty"`
	Not    bool  `json:"not,omitempty"` // the field has none of them, or is null; without values: is not null
}

func clauses(when []design.Clause) []Clause {
	var list []Clause
	for _, c := range when {
		list = append(list, Clause{Field: c.Field.Name, Values: c.Values, Not: c.Not})
	}
	return list
}

// reached makes of sets, those without a condition among them, the rows of a cell.
func (c *Cell) reached(sets []Part) {
	c.Rows, c.Parts = None, nil
	for _, s := range sets {
		if s.When == "" {
			c.Rows |= s.Rows
		}
	}
	whole := c.Rows
	for _, s := range sets {
		if !s.Rows.Beyond(whole) {
			continue
		}
		c.Rows |= s.Rows & partly
		if !slices.ContainsFunc(c.Parts, s.within) {
			c.Parts = append(slices.DeleteFunc(c.Parts, func(o Part) bool { return o.within(s) }), s)
		}
	}
}

// within reports whether it is plain that another part has all rows of p.
func (p Part) within(other Part) bool { return p.When == other.When && !p.Rows.Beyond(other.Rows) }

// sets is what [Cell.reached] takes.
func (c *Cell) sets() []Part {
	return append([]Part{{Rows: c.Rows.whole()}}, c.Parts...)
}

// limit takes away what another cell does not reach.
func (c *Cell) limit(other *Cell) {
	var both []Part
	for _, p := range c.sets() {
		for _, q := range other.sets() {
			when, where := p.When, p.Where
			switch {
			case when == "" || when == q.When:
				when, where = q.When, q.Where
			case q.When != "":
				when, where = q.When+" and "+when, slices.Concat(q.Where, where)
			}
			if rows := p.Rows & q.Rows; rows != None {
				both = append(both, Part{rows, when, where})
			}
		}
	}
	c.reached(both)
}

// same reports whether two cells reach the same.
func (c *Cell) same(other *Cell) bool {
	return c.Rows == other.Rows && slices.EqualFunc(c.Parts, other.Parts, func(p, q Part) bool { return p.Rows == q.Rows && p.When == q.When })
}

// always returns the rules that are for all rows.
func always(rules []design.Rule) []design.Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(r design.Rule) bool { return len(r.When) > 0 })
}
