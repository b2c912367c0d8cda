package seed

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// schemaFile stands beside seed.yaml, whose first line names it.
const schemaFile = "seed.schema.json"

// schema is the JSON Schema of seed.yaml, for editors. It refuses nothing that [read]
// takes, and leaves to that what hangs on other rows.
func schema(d *design.Design) ([]byte, error) {
	entities := gen.Object{}
	for _, e := range d.Entities {
		rows := object(
			gen.Property{Name: "description", Value: strings.TrimSpace("The first " + e.Plural + ", each under a name by which others refer to it. " + e.Description)},
			gen.Property{Name: "propertyNames", Value: gen.Object{{Name: "pattern", Value: rowName.String()}}},
			gen.Property{Name: "additionalProperties", Value: rowSchema(d, e)},
		)
		rows[0].Value = []string{"object", "null"}
		entities = append(entities, gen.Property{Name: e.Name, Value: rows})
	}
	root := gen.Object{
		{Name: "$schema", Value: "https://json-schema.org/draft/2020-12/schema"},
		{Name: "title", Value: "The first rows of " + d.Service.Name},
		{Name: "type", Value: []string{"object", "null"}},
		{Name: "properties", Value: entities},
		{Name: "additionalProperties", Value: false},
	}
	raw, err := root.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, append(raw, '\n'), "", "  ")
	return out.Bytes(), err
}

func object(more ...gen.Property) gen.Object {
	return append(gen.Object{{Name: "type", Value: "object"}}, more...)
}

// rowSchema describes one row: its fields, and of its relations those that it keeps.
func rowSchema(d *design.Design, e *design.Entity) gen.Object {
	properties := gen.Object{}
	var required []string
	for _, f := range e.Fields {
		if f.ReadOnly || f.Type == design.File {
			continue
		}
		s := fieldSchema(d, f)
		if f.Description != "" {
			s = append(s, gen.Property{Name: "description", Value: f.Description})
		}
		properties = append(properties, gen.Property{Name: f.Name, Value: s})
		if f.Required && !filled(f) {
			required = append(required, f.Name)
		}
	}
	for _, l := range e.Links {
		if l.Join != nil {
			properties = append(properties, gen.Property{Name: l.Name, Value: gen.Object{
				{Name: "type", Value: "array"},
				{Name: "description", Value: "Names of rows of " + l.To.Name + "."},
				{Name: "items", Value: nameSchema("")},
				{Name: "maxItems", Value: maxTies},
			}})
		}
	}
	out := object(gen.Property{Name: "properties", Value: properties})
	if required == nil { // a row of defaults may be left empty
		out[0].Value = []string{"object", "null"}
	} else {
		out = append(out, gen.Property{Name: "required", Value: required})
	}
	return append(out, gen.Property{Name: "additionalProperties", Value: false})
}

// nameSchema is the schema of the name of a row.
func nameSchema(doc string) gen.Object {
	s := gen.Object{{Name: "type", Value: "string"}, {Name: "pattern", Value: rowName.String()}}
	if doc != "" {
		s = append(s, gen.Property{Name: "description", Value: doc})
	}
	return s
}

// fieldSchema describes the values of a field.
func fieldSchema(d *design.Design, f *design.Field) gen.Object {
	switch f.Type {
	case design.Password:
		return passwordSchema()
	case design.Roles:
		names := []string{}
		for _, r := range d.RolesOf(f) {
			names = append(names, r.Name)
		}
		return gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: gen.Object{{Name: "enum", Value: names}}}}
	case design.ToOne:
		return orNull(f, nameSchema("The name of a row of "+f.Relation.To+"."))
	case design.Boolean:
		return orNull(f, gen.Object{{Name: "type", Value: "boolean"}})
	case design.Int:
		return orNull(f, bounded(f, gen.Object{{Name: "type", Value: "integer"}}))
	case design.Decimal, design.Float:
		return orNull(f, bounded(f, gen.Object{{Name: "type", Value: "number"}}))
	case design.Enum:
		return oneOf(f)
	case design.Text, design.LongText, design.Email, design.URL, design.Username, design.Date, design.DateTime:
		return orNull(f, textSchema(f))
	}
	return gen.Object{} // json and the like: the service looks at the value
}

// orNull lets a field that may be empty be so.
func orNull(f *design.Field, s gen.Object) gen.Object {
	if typ, ok := s[0].Value.(string); ok && !f.Required {
		s[0].Value = []string{typ, "null"}
	}
	return s
}

func oneOf(f *design.Field) gen.Object {
	values := []any{}
	for _, v := range f.Values {
		values = append(values, v.Name)
	}
	if !f.Required {
		values = append(values, nil)
	}
	return gen.Object{{Name: "enum", Value: values}}
}

func bounded(f *design.Field, s gen.Object) gen.Object {
	if f.Min != "" {
		s = append(s, gen.Property{Name: "minimum", Value: json.Number(f.Min)})
	}
	if f.Max != "" {
		s = append(s, gen.Property{Name: "maximum", Value: json.Number(f.Max)})
	}
	return s
}

func textSchema(f *design.Field) gen.Object {
	s := gen.Object{{Name: "type", Value: "string"}}
	least := f.MinLength
	if f.Required {
		least = max(least, 1)
	}
	if least > 0 {
		s = append(s, gen.Property{Name: "minLength", Value: least})
	}
	if f.MaxLength > 0 {
		s = append(s, gen.Property{Name: "maxLength", Value: f.MaxLength})
	}
	return s
}

// passwordSchema takes what says where a password comes from, and never one.
func passwordSchema() gen.Object {
	return gen.Object{
		{Name: "description", Value: "Where the password comes from: none stands in a file."},
		{Name: "anyOf", Value: []any{
			gen.Object{{Name: "enum", Value: []string{"generated", "none"}}},
			object(
				gen.Property{Name: "properties", Value: gen.Object{{Name: "env", Value: gen.Object{{Name: "type", Value: "string"}, {Name: "pattern", Value: variable.String()}}}}},
				gen.Property{Name: "required", Value: []string{"env"}},
				gen.Property{Name: "additionalProperties", Value: false},
			),
		}},
	}
}
