package rest

import (
	"slices"
	"strings"
	"unicode"

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

// linked describes how the body of an action ties rows to the one that it writes,
// and makes them.
func (w *writer) linked(action string) gen.Object {
	var out gen.Object
	for _, l := range w.entity.Links {
		if len(gen.LinkVerbs(l, action, w.open)) > 0 {
			out = append(out, gen.Property{Name: l.Name, Value: gen.SchemaRef(linkName(l))})
		}
	}
	return out
}

// linkName is the name of the schema of a relation in bodies.
func linkName(l *design.Link) string { return "link." + l.From.Name + "." + l.Name }

// links describes what bodies do to the rows that relations lead to.
func (w *writer) links() gen.Object {
	var out gen.Object
	for _, l := range w.entity.Links {
		verbs := gen.LinkVerbs(l, "update", w.open)
		if list := gen.LinkVerbs(l, "create", w.open); len(list) > len(verbs) {
			verbs = list
		}
		var members gen.Object
		for _, verb := range verbs {
			one := gen.SchemaRef("Create" + l.To.Name)
			if verb != "create" {
				one = idOf(w.design, l)
			}
			if l.Many {
				one = gen.Object{{Name: "type", Value: "array"}, {Name: "maxItems", Value: 100}, {Name: "items", Value: one}}
			}
			members = append(members, gen.Property{Name: verb, Value: one})
		}
		if members == nil {
			continue
		}
		schema := gen.Object{
			{Name: "type", Value: "object"},
			{Name: "description", Value: "What is done to the rows that " + l.Name + " leads to, in one step with this one: 100 in one request at most."},
			{Name: "properties", Value: members},
			{Name: "additionalProperties", Value: false},
		}
		if l.HasKey() {
			schema = append(schema, gen.Property{Name: "minProperties", Value: 1}, gen.Property{Name: "maxProperties", Value: 1})
		}
		out = append(out, gen.Property{Name: linkName(l), Value: schema})
	}
	return out
}

// filters describes how rows are found by the rows that relations lead to.
func (w *writer) filters() []any {
	var out []any
	for _, l := range w.related() {
		field := l.To.IDField().Key
		for _, f := range l.To.Fields {
			if f.Type != design.ID && f.Type != design.Password && !hidden(f.Access.View) {
				field = f.Key
				break
			}
		}
		doc := "Rows whose " + l.Name + " is like this: " + l.Name + "[" + field + "]=…, or " + l.Name + "." + field + "[$ne]=…."
		if l.Many {
			doc = "Rows with one of " + l.Name + " that is like this: " + l.Name + "[" + field + "]=…, or " + l.Name + "." + field +
				"[$ne]=…. " + l.Name + "[$none] and [$every] are about all of them."
		}
		out = append(out, parameter(l.Name, doc, gen.Object{{Name: "type", Value: "object"}}))
	}
	return out
}

// belonging describes the routes of rows that belong to one.
func (w *writer) belonging() gen.Object {
	var out gen.Object
	related := w.related()
	for _, l := range w.entity.Links {
		if !l.Many {
			continue
		}
		var operations gen.Object
		if slices.Contains(related, l) && w.open(w.entity.Allow.View) {
			operations = w.rowsOf(l)
		}
		ties := w.ties(l)
		if ties {
			operations = append(operations, gen.Property{Name: "post", Value: w.connect(l)})
		}
		path := "/api/" + w.entity.Route + "/{id}/" + segment(l.Name)
		if len(operations) > 0 {
			parameters := gen.Property{Name: "parameters", Value: []any{w.idParameter()}}
			out = append(out, gen.Property{Name: path, Value: append(gen.Object{parameters}, operations...)})
		}
		if ties {
			out = append(out, gen.Property{Name: path + "/{other}", Value: w.disconnect(l)})
		}
	}
	return out
}

// rowsOf describes the operations on the rows that belong to one.
func (w *writer) rowsOf(l *design.Link) gen.Object {
	far := &writer{design: w.design, entity: l.To, security: w.security}
	name := l.GoName + "Of" + w.entity.Name
	list := far.list("list"+name, "Find the "+l.Name+" of one "+w.entity.Name, w.both(l.To.Allow.List), "404")
	out := gen.Object{{Name: "get", Value: list}}
	if l.Join == nil && w.open(l.To.Allow.Create) {
		out = append(out, gen.Property{Name: "post", Value: far.createOne("create"+name, "Create one "+l.To.Name+" that belongs to one "+w.entity.Name, w.both(l.To.Allow.Create))})
	}
	return out
}

// both returns who may use rows that belong to one: rules are theirs, and whoever
// may not get that one gets none of them.
func (w *writer) both(rules []design.Rule) []design.Rule {
	public := func(r design.Rule) bool { return r.Kind == design.Public }
	if slices.ContainsFunc(rules, public) && !slices.ContainsFunc(w.entity.Allow.View, public) {
		return w.entity.Allow.View
	}
	return rules
}

// segment returns what a relation is called in paths.
func segment(name string) string {
	var b strings.Builder
	for _, c := range name {
		if unicode.IsUpper(c) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
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
