package rest

import (
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// related lists the relations that somebody may follow from a row: its key is not
// hidden from everybody, and neither are the rows that it leads to.
func (w *writer) related() []*design.Link {
	var out []*design.Link
	for _, l := range w.entity.Links {
		rules := l.To.Allow.View
		if l.Many {
			rules = l.To.Allow.List
		}
		if w.open(rules) && (l.Field == nil || !hidden(l.Field.Access.View)) {
			out = append(out, l)
		}
	}
	return out
}

// inclusion describes the choice of relations; nil if there are none.
func (w *writer) inclusion() []any {
	var names []string
	many := ""
	for _, l := range w.related() {
		names = append(names, l.Name)
		if l.Many && many == "" {
			many = l.Name
		}
	}
	if names == nil {
		return nil
	}
	doc := "Relations whose rows come inside of the row: " + strings.Join(names, ", ") + ". Up to three lead on from each other, with a dot between them."
	if many != "" {
		doc += " $include[" + many + "][$limit]=5, and the other parameters of a page, choose among its rows."
	}
	return []any{gen.Object{
		{Name: "name", Value: "$include"},
		{Name: "in", Value: "query"},
		{Name: "description", Value: doc},
		{Name: "style", Value: "form"},
		{Name: "explode", Value: false},
		{Name: "schema", Value: gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: gen.Object{
			{Name: "type", Value: "string"}, {Name: "pattern", Value: "^(" + strings.Join(names, "|") + `)(\.[a-z][A-Za-z0-9]*){0,2}$`},
		}}}},
	}}
}

// pairs describes how a change ties rows of a relation to many.
func (w *writer) pairs() gen.Object {
	var out gen.Object
	for _, l := range w.related() {
		if l.Join == nil {
			continue
		}
		row := gen.Object{
			{Name: "type", Value: "object"},
			{Name: "properties", Value: gen.Object{{Name: "id", Value: property(w.design, l.To.IDField(), false)}}},
			{Name: "required", Value: []string{"id"}},
			{Name: "additionalProperties", Value: false},
		}
		list := gen.Object{{Name: "type", Value: "array"}, {Name: "maxItems", Value: 100}, {Name: "items", Value: row}}
		out = append(out, gen.Property{Name: l.Name, Value: gen.Object{
			{Name: "type", Value: "object"},
			{Name: "description", Value: "Rows to tie to this one, and to untie."},
			{Name: "properties", Value: gen.Object{{Name: "connect", Value: list}, {Name: "disconnect", Value: list}}},
			{Name: "additionalProperties", Value: false},
		}})
	}
	return out
}

// relations describes the members that $include adds to a row.
func (w *writer) relations() gen.Object {
	var out gen.Object
	for _, l := range w.related() {
		var schema gen.Object
		switch {
		case l.Many:
			schema = gen.Object{{Name: "description", Value: "With $include."}, {Name: "$ref", Value: "#/components/schemas/" + l.To.Name + "Page"}}
		default:
			schema = gen.Object{{Name: "description", Value: "With $include: null when there is none that the caller may get."}, {Name: "anyOf", Value: []any{
				gen.SchemaRef(l.To.Name), gen.Object{{Name: "type", Value: "null"}},
			}}}
		}
		out = append(out, gen.Property{Name: l.Name, Value: schema})
	}
	return out
}
