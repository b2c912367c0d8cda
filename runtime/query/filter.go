package query

import (
	"fmt"
	"slices"
	"time"

	"github.com/gatewright/gate/runtime/model"
)

// A Filter narrows a statement to the rows that somebody may reach. It comes
// from the rules of the service. The zero value lets every row through. Filters
// are immutable.
type Filter struct {
	cond node // nil: every row
}

// Nothing is the filter that lets no row through.
func Nothing() Filter { return Filter{never{}} }

// Equals is the filter for rows whose field has that value, given as text. A
// text that is no value of the field lets no row through.
func Equals(e *model.Entity, f model.FieldID, text string) Filter {
	v, err := e.Fields[f].Parse(text)
	if err != nil || text == "" {
		return Nothing()
	}
	return Filter{term{field: f, op: Eq, values: []any{v}}}
}

// Among is the filter for rows whose field has one of the values, which are those of
// fields of its type.
func Among(f model.FieldID, values []any) Filter {
	if len(values) == 0 {
		return Nothing()
	}
	return Filter{term{field: f, op: In, values: values}}
}

// Holds is the filter for rows that are as the clauses of a condition say. None
// at all let no row through: a condition that says nothing is a mistake.
func Holds(e *model.Entity, clauses []model.Clause) (Filter, error) {
	if len(clauses) == 0 {
		return Nothing(), nil
	}
	filters := make([]Filter, len(clauses))
	for i, c := range clauses {
		f, ok := e.Field(c.Field)
		if !ok {
			return Nothing(), fmt.Errorf("%q is not a field of %s", c.Field, e.Name)
		}
		t := term{field: f, op: operator(c)}
		for _, v := range c.Values {
			parsed, err := e.Fields[f].ParseComparand(v)
			if err != nil || parsed == nil {
				return Nothing(), fmt.Errorf("%v is no value of %s.%s", v, e.Name, c.Field)
			}
			t.values = append(t.values, parsed)
		}
		filters[i] = Filter{t}
	}
	return Every(filters...), nil
}

func operator(c model.Clause) Op {
	switch one := len(c.Values) < 2; {
	case one && c.Not:
		return Ne
	case one:
		return Eq
	case c.Not:
		return NotIn
	}
	return In
}

// Through is the filter for rows whose relation points to a row of the other
// entity that passes its filter.
func Through(relation model.FieldID, to *model.Entity, far Filter) Filter {
	if _, no := far.cond.(never); no {
		return far
	}
	return Filter{through{relation: relation, to: to, far: far.cond}}
}

// Every is the filter for rows that pass all of the filters.
func Every(filters ...Filter) Filter {
	var parts all
	for _, f := range filters {
		switch cond := f.cond.(type) {
		case nil:
		case never:
			return f
		case all:
			parts = append(parts, cond...)
		default:
			parts = append(parts, cond)
		}
	}
	switch len(parts) {
	case 0:
		return Filter{}
	case 1:
		return Filter{parts[0]}
	}
	return Filter{parts}
}

// Any is the filter for rows that pass one of the filters: of none at all no
// row.
func Any(filters ...Filter) Filter {
	var parts either
	for _, f := range filters {
		switch cond := f.cond.(type) {
		case nil:
			return f
		case never:
		case either:
			parts = append(parts, cond...)
		default:
			parts = append(parts, cond)
		}
	}
	switch len(parts) {
	case 0:
		return Nothing()
	case 1:
		return Filter{parts[0]}
	}
	return Filter{parts}
}

// Unlimited reports whether every row passes.
func (f Filter) Unlimited() bool { return f.cond == nil }

// Own reports whether a row's own values tell of every row whether it passes, so that no
// other is looked at.
func (f Filter) Own() bool { return f.cond == nil || own(f.cond) }

func own(n node) bool {
	far := func(n node) bool { return !own(n) }
	switch n := n.(type) {
	case all:
		return !slices.ContainsFunc(n, far)
	case either:
		return !slices.ContainsFunc(n, far)
	case term, never:
		return true
	}
	return false
}

// Match reports whether a row passes, as far as its own values tell; value
// returns them as [model.Field.Value] does. What is not known may be so or not,
// and only the database can say.
func (f Filter) Match(value func(model.FieldID) any) (holds, known bool) {
	if f.cond == nil {
		return true, true
	}
	return match(f.cond, value)
}

// match is the logic of three values: what is not known makes unknown only what
// hangs on it.
func match(n node, value func(model.FieldID) any) (holds, known bool) {
	switch n := n.(type) {
	case term:
		return n.match(value(n.field))
	case all:
		return quantify(n, value, false)
	case either:
		return quantify(n, value, true)
	case never:
		return false, true
	}
	return false, false
}

// quantify looks for one part that decides.
func quantify(parts []node, value func(model.FieldID) any, decides bool) (holds, known bool) {
	known = true
	for _, part := range parts {
		h, k := match(part, value)
		if k && h == decides {
			return decides, true
		}
		known = known && k
	}
	return !decides && known, known
}

// match judges by equality, which is all that filters are made of.
func (t term) match(v any) (holds, known bool) {
	switch t.op {
	case Eq, In:
		return t.has(v), true
	case Ne, NotIn:
		return !t.has(v), true
	}
	return false, false
}

// has reports whether v is one of the values; null when there are none.
func (t term) has(v any) bool {
	if len(t.values) == 0 {
		return v == nil
	}
	return slices.ContainsFunc(t.values, func(w any) bool { return same(v, w) })
}

// same reports whether two values of a field are equal. What cannot be compared
// is equal to nothing.
func same(a, b any) bool {
	switch a := a.(type) {
	case string, int64, float64, bool, model.Date:
		return a == b
	case model.Decimal:
		b, ok := b.(model.Decimal)
		return ok && a.Cmp(b) == 0
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	}
	return false
}

// Within reports whether it is plain that every row that passes f passes g, too.
func (f Filter) Within(g Filter) bool {
	return g.cond == nil || f.cond != nil && within(f.cond, g.cond)
}

func within(n, m node) bool {
	switch parts := n.(type) {
	case never:
		return true
	case either:
		return !slices.ContainsFunc(parts, func(n node) bool { return !within(n, m) })
	}
	switch m := m.(type) {
	case all:
		return !slices.ContainsFunc(m, func(m node) bool { return !within(n, m) })
	case either:
		if slices.ContainsFunc(m, func(m node) bool { return within(n, m) }) {
			return true
		}
	}
	if parts, ok := n.(all); ok {
		return slices.ContainsFunc(parts, func(n node) bool { return within(n, m) })
	}
	a, ok := n.(term)
	b, too := m.(term)
	return ok && too && a.within(b)
}

func (t term) within(u term) bool {
	if t.field != u.field || t.negative() != u.negative() || (len(t.values) == 0) != (len(u.values) == 0) {
		return false
	}
	if t.negative() {
		t, u = u, t
	}
	return !slices.ContainsFunc(t.values, func(v any) bool { return !u.has(v) })
}

func (t term) negative() bool { return t.op == Ne || t.op == NotIn }

// Fields returns the fields of the row that [Filter.Match] asks for.
func (f Filter) Fields() model.FieldSet {
	var set model.FieldSet
	fields(f.cond, &set)
	return set
}

func fields(n node, set *model.FieldSet) {
	switch n := n.(type) {
	case term:
		set.Add(n.field)
	case all:
		for _, part := range n {
			fields(part, set)
		}
	case either:
		for _, part := range n {
			fields(part, set)
		}
	}
}
