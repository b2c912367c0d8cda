package service

import (
	"slices"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// condition is a rule for some rows, as the template prints it.
type condition struct {
	Action string
	Field  string // key of the field whose rule it is
	Rules  gen.Expr
	Where  []clause
}

type clause struct {
	Field  string
	Not    bool
	Values []gen.Expr
}

// Conditions returns the rules that are for some rows: those of the actions,
// then those of the fields.
func (e *entity) Conditions() []condition {
	var out []condition
	for _, action := range design.Actions() {
		out = append(out, conditions(action, "", e.Allow.Rules(action))...)
	}
	for _, f := range e.Fields {
		for _, action := range design.Actions() {
			out = append(out, conditions(action, f.Key, f.Access.Rules(action))...)
		}
	}
	return out
}

// conditions makes one condition of the rules that were written under it.
func conditions(action, field string, rules []design.Rule) []condition {
	var out []condition
	for len(rules) > 0 {
		first := rules[0]
		n := slices.IndexFunc(rules, func(r design.Rule) bool { return r.Condition() != first.Condition() })
		if n < 0 {
			n = len(rules)
		}
		if len(first.When) > 0 {
			out = append(out, condition{Action: action, Field: field, Rules: texts(rules[:n]), Where: clauses(first.When)})
		}
		rules = rules[n:]
	}
	return out
}

func clauses(when []design.Clause) []clause {
	out := make([]clause, len(when))
	for i, c := range when {
		out[i] = clause{Field: c.Field.Key, Not: c.Not}
		for _, v := range c.Values {
			out[i].Values = append(out[i].Values, literal(v))
		}
	}
	return out
}

// always returns the rules that are for all rows. They are nobody's when there
// are rules for some rows alone.
func always(rules []design.Rule) []design.Rule {
	out := slices.DeleteFunc(slices.Clone(rules), func(r design.Rule) bool { return len(r.When) > 0 })
	if len(out) == 0 && len(rules) > 0 {
		out = append(out, design.Rule{Kind: design.Nobody})
	}
	return out
}
