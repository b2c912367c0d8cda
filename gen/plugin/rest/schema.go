package rest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// property describes the values of a field, as they are read or as they are
// written.
func property(d *design.Design, f *design.Field, read bool) gen.Object {
	typ, more := jsonType(d, f)
	var out gen.Object
	switch {
	case typ == "":
	case f.Required || f.Type == design.ID:
		out = append(out, gen.Property{Name: "type", Value: typ})
	default:
		out = append(out, gen.Property{Name: "type", Value: []string{typ, "null"}})
	}
	if f.Description != "" {
		out = append(out, gen.Property{Name: "description", Value: f.Description})
	}
	out = append(out, more...)
	if read && (f.ReadOnly || f.Type == design.File) {
		out = append(out, gen.Property{Name: "readOnly", Value: true})
	}
	if !read && f.Default != nil && f.Default != "now" {
		out = append(out, gen.Property{Name: "default", Value: standard(f)})
	}
	if example := example(d, f); example != nil && f.Type != design.Password {
		out = append(out, gen.Property{Name: "examples", Value: []any{example}})
	}
	return out
}

// jsonType returns the JSON type of a field, empty for any, and what else there
// is to say about its values.
func jsonType(d *design.Design, f *design.Field) (string, gen.Object) {
	var more gen.Object
	add := func(name string, value any) { more = append(more, gen.Property{Name: name, Value: value}) }
	switch f.Type {
	case design.Int, design.Decimal, design.Float:
		if f.Quoted {
			return "string", quoted(f)
		}
		return numberType(f)
	case design.Boolean:
		return "boolean", nil
	case design.JSON:
		return "", nil
	case design.Roles:
		role := gen.Object{{Name: "type", Value: "string"}}
		if roles := d.RolesOf(f); len(roles) > 0 {
			names := make([]string, len(roles))
			for i, r := range roles {
				names[i] = r.Name
			}
			role = append(role, gen.Property{Name: "enum", Value: names})
		}
		add("items", role)
		add("uniqueItems", true)
		return "array", more
	case design.Enum:
		return "string", enum(f.Values, !f.Required)
	case design.MultiEnum:
		add("items", append(gen.Object{{Name: "type", Value: "string"}}, enum(f.Values, false)...))
		add("uniqueItems", true)
		add("maxItems", len(f.Values))
		return "array", more
	case design.Geo:
		add("properties", gen.Object{{Name: "lat", Value: degrees(90)}, {Name: "lng", Value: degrees(180)}})
		add("required", []string{"lat", "lng"})
		add("additionalProperties", false)
		return "object", more
	case design.File:
		text := gen.Object{{Name: "type", Value: "string"}}
		add("properties", gen.Object{
			{Name: "name", Value: text},
			{Name: "size", Value: gen.Object{{Name: "type", Value: "integer"}, {Name: "format", Value: "int64"}}},
			{Name: "type", Value: text},
			{Name: "sha256", Value: text},
		})
		add("required", []string{"name", "size", "type", "sha256"})
		add("additionalProperties", false)
		return "object", more
	case design.ID, design.ToOne:
		switch idKind(f) {
		case design.Serial:
			add("format", "int64")
			return "integer", more
		case design.UUID:
			add("format", "uuid")
		}
		return "string", more
	}
	if format := map[design.Type]string{
		design.Email: "email", design.URL: "uri", design.Date: "date", design.DateTime: "date-time",
		design.CreatedAt: "date-time", design.UpdatedAt: "date-time", design.Password: "password",
	}[f.Type]; format != "" {
		add("format", format)
	}
	if f.MinLength > 0 {
		add("minLength", f.MinLength)
	}
	if f.MaxLength > 0 {
		add("maxLength", f.MaxLength)
	}
	if f.Pattern != "" {
		more = append(more, matching(f.Pattern))
	}
	if f.Min != "" { // JSON Schema has limits for numbers only
		add("x-minimum", f.Min)
	}
	if f.Max != "" {
		add("x-maximum", f.Max)
	}
	if f.Type == design.Password {
		add("writeOnly", true)
	}
	return "string", more
}

// enum lists values, and what people call them.
func enum(values []design.Value, null bool) gen.Object {
	var names []any
	var labels gen.Object
	for _, v := range values {
		names = append(names, v.Name)
		if v.Label != "" {
			labels = append(labels, gen.Property{Name: v.Name, Value: v.Label})
		}
	}
	if null {
		names = append(names, nil)
	}
	out := gen.Object{{Name: "enum", Value: names}}
	if labels != nil {
		out = append(out, gen.Property{Name: "x-enumDescriptions", Value: labels})
	}
	return out
}

func degrees(most int) gen.Object {
	return gen.Object{{Name: "type", Value: "number"}, {Name: "format", Value: "double"}, {Name: "minimum", Value: -most}, {Name: "maximum", Value: most}}
}

// idKind returns the kind of an id, or of the id that a relation points to.
func idKind(f *design.Field) design.IDKind {
	if f.Relation != nil {
		return f.Relation.Entity.IDField().ID
	}
	return f.ID
}

// standard returns the default of a field as JSON.
func standard(f *design.Field) any {
	switch v := f.Default.(type) {
	case string:
		if f.Type == design.Decimal {
			return asWritten(f, json.Number(v))
		}
	case int64:
		return asWritten(f, json.Number(strconv.FormatInt(v, 10)))
	}
	return f.Default
}

// example returns a value that a field could have.
func example(d *design.Design, f *design.Field) any {
	if f.Default != nil && f.Default != "now" {
		return standard(f)
	}
	switch f.Type {
	case design.Text, design.LongText:
		if f.Pattern != "" {
			return matches(f)
		}
		return sized(strings.ToUpper(f.Name[:1])+f.Name[1:], f)
	case design.Username:
		return sized("ada.lovelace", f)
	case design.Email:
		return "ada@example.com"
	case design.URL:
		return "https://example.com/" + f.Column
	case design.Int:
		return asWritten(f, number(f, "1"))
	case design.Decimal:
		return asWritten(f, number(f, "1"+strings.TrimSuffix("."+strings.Repeat("0", f.Scale), ".")))
	case design.Float:
		return number(f, "1.5")
	case design.Boolean:
		return true
	case design.Enum:
		return f.Values[0].Name
	case design.MultiEnum:
		return []string{f.Values[0].Name}
	case design.Geo:
		return gen.Object{{Name: "lat", Value: json.Number("48.2082")}, {Name: "lng", Value: json.Number("16.3738")}}
	case design.File:
		return gen.Object{
			{Name: "name", Value: "figs.png"},
			{Name: "size", Value: 48213},
			{Name: "type", Value: "image/png"},
			{Name: "sha256", Value: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"},
		}
	case design.Date:
		return cmp.Or(f.Min, f.Max, "2026-01-31")
	case design.DateTime, design.CreatedAt, design.UpdatedAt:
		return cmp.Or(f.Min, f.Max, "2026-01-31T12:00:00.000000Z")
	case design.JSON:
		return gen.Object{}
	case design.Roles:
		if roles := d.DefaultRolesOf(f); len(roles) > 0 {
			return []string{roles[0].Name}
		}
		return []string{}
	case design.Password:
		return "correct horse battery staple"
	case design.ID, design.ToOne:
		return exampleID(f)
	}
	return nil
}

func exampleID(f *design.Field) any {
	switch idKind(f) {
	case design.Serial:
		return 1
	case design.CUID2:
		return "tz4a98xxat96iws9zmbrgj3a"
	case design.ULID:
		return "01JGWZ7Q8N5V1K3M9R2T4X6Y8B"
	}
	return "01941f29-7c00-7a3e-8b1d-3f5a7c9e1b2d"
}

// sized fits a word to the length of a text.
func sized(word string, f *design.Field) string {
	for len(word) < f.MinLength {
		word += " " + word
	}
	if f.MaxLength > 0 && len(word) > f.MaxLength {
		word = word[:f.MaxLength]
	}
	return word
}

// example is a body with the fields that it has to have.
func (w *writer) example(fields []*design.Field) gen.Object {
	out := gen.Object{}
	for _, f := range fields {
		if f.Required && f.Type != design.Roles && f.Access.Create == nil && f != w.entity.Tenant {
			name, value := f.Key, example(w.design, f)
			if l := w.toOne(f); l != nil {
				name, value = l.Name, gen.Object{{Name: "id", Value: value}}
			}
			out = append(out, gen.Property{Name: name, Value: value})
		}
	}
	return out
}

// withExample adds an example to a body of JSON.
func withExample(body, example gen.Object) gen.Object {
	if content, ok := body[len(body)-1].Value.(gen.Object); ok && len(content) > 0 {
		if media, ok := content[0].Value.(gen.Object); ok {
			content[0].Value = append(media, gen.Property{Name: "example", Value: example})
		}
	}
	return body
}

// filterName names the schema of what a field can be compared with.
func filterName(d *design.Design, f *design.Field) string {
	typ, _ := jsonType(d, f)
	switch f.Type {
	case design.Text, design.LongText, design.Email, design.URL, design.Username:
		return "filter.text"
	case design.Enum, design.ID, design.ToOne:
		return "filter." + typ + "Equality"
	case design.Int, design.Decimal, design.Float:
		switch {
		case f.Quoted:
			return "filter.quoted"
		case f.Type == design.Int:
			return "filter.integer"
		}
		return "filter.number"
	case design.Date, design.DateTime, design.CreatedAt, design.UpdatedAt:
		return "filter.time"
	case design.Boolean:
		return "filter.boolean"
	case design.MultiEnum:
		return "filter.list"
	}
	return "filter.existence"
}

// operators lists the operators that a field of that type offers, besides being
// equal to a value.
func operators(filter string) []string {
	equality := []string{"$ne", "$in", "$nin"}
	switch filter {
	case "filter.text":
		return append(equality, "$lt", "$lte", "$gt", "$gte", "$contains", "$startsWith", "$endsWith", "$like", "$null")
	case "filter.integer", "filter.number", "filter.quoted", "filter.time":
		return append(equality, "$lt", "$lte", "$gt", "$gte", "$null")
	case "filter.boolean":
		return []string{"$ne", "$null"}
	case "filter.list":
		return []string{"$contains", "$null"}
	case "filter.existence":
		return []string{"$null"}
	}
	return append(equality, "$null")
}

// filters describes the filters that the entities use.
func filters(d *design.Design) gen.Object {
	used := map[string]string{}
	for _, e := range d.Entities {
		for _, f := range e.Fields {
			if f.Comparable() && !hidden(f.Access.View) {
				typ, _ := jsonType(d, f)
				used[filterName(d, f)] = typ
			}
		}
	}
	var out gen.Object
	for _, name := range []string{
		"filter.text", "filter.stringEquality", "filter.integerEquality", "filter.integer", "filter.number", "filter.quoted",
		"filter.time", "filter.boolean", "filter.list", "filter.existence",
	} {
		if typ, ok := used[name]; ok {
			out = append(out, gen.Property{Name: name, Value: filter(name, typ)})
		}
	}
	return out
}

func filter(name, typ string) gen.Object {
	if name == "filter.list" {
		typ = "string" // of which the list has one
	}
	value := gen.Object{{Name: "type", Value: typ}}
	if format := map[string]string{"integer": "int64", "number": "double"}[typ]; format != "" {
		value = append(value, gen.Property{Name: "format", Value: format})
	}
	properties := gen.Object{}
	for _, op := range operators(name) {
		var schema any = value
		switch op {
		case "$in", "$nin":
			schema = gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: value}}
		case "$null":
			schema = gen.Object{{Name: "type", Value: "boolean"}}
		}
		properties = append(properties, gen.Property{Name: op, Value: schema})
	}
	object := gen.Object{{Name: "type", Value: "object"}, {Name: "properties", Value: properties}, {Name: "additionalProperties", Value: false}}
	if name == "filter.list" || name == "filter.existence" {
		return object
	}
	return gen.Object{{Name: "anyOf", Value: []any{value, object}}}
}

// ref refers to a parameter that operations share.
func ref(name string) gen.Object {
	return gen.Object{{Name: "$ref", Value: "#/components/parameters/" + name}}
}

// parameter describes a parameter that is written with brackets.
func parameter(name, doc string, schema any) gen.Object {
	return gen.Object{
		{Name: "name", Value: name},
		{Name: "in", Value: "query"},
		{Name: "description", Value: doc},
		{Name: "style", Value: "deepObject"},
		{Name: "explode", Value: true},
		{Name: "schema", Value: schema},
	}
}

// selection describes the choice of fields.
func selection(fields []string) gen.Object {
	return gen.Object{
		{Name: "name", Value: "$select"},
		{Name: "in", Value: "query"},
		{Name: "description", Value: "The fields to answer, separated by commas. Default: all."},
		{Name: "style", Value: "form"},
		{Name: "explode", Value: false},
		{Name: "schema", Value: gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: gen.Object{{Name: "type", Value: "string"}, {Name: "enum", Value: slices.Clone(fields)}}}}},
	}
}
