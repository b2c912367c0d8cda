package query

import "github.com/gatewright/gate/runtime/model"

// A Filter narrows a statement to the rows that somebody may reach. It comes
// from the rules of the service. The zero value lets every row through.
type Filter struct {
	nothing bool
	narrow  bool
	term    term
}

// Nothing is the filter that lets no row through.
func Nothing() Filter { return Filter{nothing: true} }

// Equals is the filter for rows whose field has that value, given as text. A
// text that is no value of the field lets no row through.
func Equals(e *model.Entity, f model.FieldID, text string) Filter {
	v, err := e.Fields[f].Parse(text)
	if err != nil || text == "" {
		return Nothing()
	}
	return Filter{narrow: true, term: term{field: f, op: Eq, values: []any{v}}}
}

// Unlimited reports whether every row passes.
func (f Filter) Unlimited() bool { return !f.nothing && !f.narrow }

// Match reports whether a row passes. value returns what a field of the row
// holds, as [model.Field.Value] does.
func (f Filter) Match(value func(model.FieldID) any) bool {
	switch {
	case f.nothing:
		return false
	case !f.narrow:
		return true
	}
	return value(f.term.field) == f.term.values[0]
}
