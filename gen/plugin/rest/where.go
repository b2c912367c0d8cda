package rest

import (
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// wherePlain describes what rows can be found by in the grammar of Amplication.
func (w *writer) wherePlain() gen.Property {
	properties := gen.Object{}
	for _, f := range w.entity.Fields {
		if !hidden(f.Access.View) && f.Comparable() {
			properties = append(properties, gen.Property{Name: f.Key, Value: gen.SchemaRef(plainFilterName(w.design, f))})
		}
	}
	for _, l := range w.related() {
		far := gen.SchemaRef("where." + l.To.Name)
		schema := group(far, "some", "none", "every")
		if !l.Many {
			schema = gen.Object{{Name: "anyOf", Value: []any{far, group(far, "is", "isNot")}}}
		}
		properties = append(properties, gen.Property{Name: l.Name, Value: schema})
	}
	self := gen.SchemaRef("where." + w.entity.Name)
	for _, word := range []string{"AND", "OR", "NOT"} {
		properties = append(properties, gen.Property{Name: word, Value: orList(self)})
	}
	return gen.Property{Name: "where." + w.entity.Name, Value: gen.Object{
		{Name: "type", Value: "object"}, {Name: "properties", Value: properties}, {Name: "additionalProperties", Value: false},
	}}
}

// group is an object whose members are of one kind.
func group(schema gen.Object, names ...string) gen.Object {
	members := make(gen.Object, len(names))
	for i, name := range names {
		members[i] = gen.Property{Name: name, Value: schema}
	}
	return gen.Object{{Name: "type", Value: "object"}, {Name: "properties", Value: members}, {Name: "additionalProperties", Value: false}}
}

// plainFilterName names the schema of what a field can be compared with.
func plainFilterName(d *design.Design, f *design.Field) string {
	return "where." + strings.TrimPrefix(filterName(d, f), "filter.")
}

// plainFilters describes the filters in the words of that grammar.
func plainFilters(d *design.Design) gen.Object {
	var out gen.Object
	for _, p := range filters(d) {
		schema, ok := p.Value.(gen.Object)
		if !ok {
			continue
		}
		out = append(out, gen.Property{Name: "where." + strings.TrimPrefix(p.Name, "filter."), Value: plainFilter(schema)})
	}
	return out
}

// plainFilter renames the operators of a filter.
func plainFilter(schema gen.Object) gen.Object {
	out := make(gen.Object, len(schema))
	for i, p := range schema {
		out[i] = p
		switch v := p.Value.(type) {
		case []any: // a value, or an object of operators
			value, _ := v[0].(gen.Object)
			object, _ := v[1].(gen.Object)
			object = plainFilter(object)
			if operators, ok := object[1].Value.(gen.Object); ok {
				object[1].Value = append(gen.Object{{Name: "equals", Value: value}}, operators...)
			}
			out[i].Value = []any{value, object}
		case gen.Object:
			if p.Name == "properties" {
				out[i].Value = renamed(v)
			}
		}
	}
	return out
}

// renamed writes operators in the words of that grammar, which has none for $like.
func renamed(operators gen.Object) gen.Object {
	words := map[string]string{"$ne": "not", "$nin": "notIn", "$null": "isNull"}
	out := make(gen.Object, 0, len(operators))
	for _, p := range operators {
		if p.Name == "$like" {
			continue
		}
		if p.Name = strings.TrimPrefix(p.Name, "$"); words["$"+p.Name] != "" {
			p.Name = words["$"+p.Name]
		}
		out = append(out, p)
	}
	return out
}
