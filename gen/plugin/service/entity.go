package service

import (
	"fmt"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/internal/migration"
)

const modelPackage = "github.com/gatewright/gate/runtime/model"

// entity is what the template of an entity prints.
type entity struct {
	*design.Entity

	names  map[*design.Field]string
	module string
}

// Module is the path of the module of the service.
func (e *entity) Module() string { return e.module }

// Doc is the comment of the struct.
func (e *entity) Doc() string {
	doc := fmt.Sprintf("%s is one row of the table %s.", e.Name, e.Table)
	if e.Description != "" {
		doc += "\n\n" + e.Description
	}
	return doc
}

// Imports returns the packages that the types of the fields need.
func (e *entity) Imports() []string {
	list := []string{modelPackage}
	for _, f := range e.Fields {
		list = append(list, typeImports(f)...)
	}
	return list
}

// typeImports returns the packages that the type of a field needs.
func typeImports(f *design.Field) []string {
	switch f.Type {
	case design.DateTime, design.CreatedAt, design.UpdatedAt:
		return []string{"time"}
	case design.JSON:
		return []string{"encoding/json"}
	}
	return nil
}

// Columns returns the fields as the template prints them.
func (e *entity) Columns() []column {
	columns := make([]column, len(e.Fields))
	for i, f := range e.Fields {
		columns[i] = column{Field: f, Of: e.Name, Const: e.names[f]}
	}
	return columns
}

// Enums returns the fields that have a list of values.
func (e *entity) Enums() []column {
	var enums []column
	for _, c := range e.Columns() {
		if len(c.Values) > 0 {
			enums = append(enums, c)
		}
	}
	return enums
}

// Made returns the fields that are computed.
func (e *entity) Made() []column {
	var made []column
	for _, c := range e.Columns() {
		if c.Computed != nil {
			made = append(made, c)
		}
	}
	return made
}

// Keys returns the lists of fields that are unique together, each with the name
// of its index.
func (e *entity) Keys() [][]gen.Member {
	var out [][]gen.Member
	for _, x := range e.Unique {
		var keys, columns []string
		for _, f := range x.Fields {
			keys, columns = append(keys, f.Key), append(columns, f.Column)
		}
		name := migration.IndexName(e.Table, columns, true)
		out = append(out, []gen.Member{{Name: "Index", Value: gen.Text(name)}, {Name: "Fields", Value: gen.Texts(keys)}})
	}
	return out
}

// Rules returns who may do what, without the actions that nobody may do.
func (e *entity) Rules() []gen.Member {
	var out []gen.Member
	for _, action := range design.Actions() {
		if rules := always(e.Allow.Rules(action)); len(rules) > 0 {
			out = append(out, gen.Member{Name: strings.ToUpper(action[:1]) + action[1:], Value: texts(rules)})
		}
	}
	return out
}

func texts(rules []design.Rule) gen.Expr {
	list := make([]string, len(rules))
	for i, r := range rules {
		list[i] = r.String()
	}
	return gen.Texts(list)
}

// column is a field as the template prints it.
type column struct {
	*design.Field

	Of    string // Item, or the name of a record
	Const string // ItemFieldName
}

// EnumType is the type of one value of an enum or multi-enum.
func (c column) EnumType() string { return c.Of + c.GoName }

// Many reports whether the field has any number of values.
func (c column) Many() bool { return c.Type == design.MultiEnum }

// Pointer is the address of the field, as what the runtime keeps values of its type in.
func (c column) Pointer() string {
	p := "&r." + c.GoKey
	switch {
	case c.Type == design.MultiEnum:
		return "model.EnumList(" + p + ")"
	case c.Type == design.Enum && c.Required:
		return "(*string)(" + p + ")"
	case c.Type == design.Enum:
		return "model.OptionalEnum(" + p + ")"
	}
	return p
}

// GoType returns the type of the field in the struct.
func (c column) GoType() string {
	typ := "string"
	switch c.Type {
	case design.Int:
		typ = "int64"
	case design.Decimal:
		typ = "model.Decimal"
	case design.Float:
		typ = "float64"
	case design.Boolean:
		typ = "bool"
	case design.Date:
		typ = "model.Date"
	case design.DateTime, design.CreatedAt, design.UpdatedAt:
		typ = "time.Time"
	case design.JSON:
		return "json.RawMessage"
	case design.Roles:
		return "[]string"
	case design.MultiEnum:
		return "[]" + c.EnumType()
	case design.Enum:
		typ = c.EnumType()
	case design.Geo:
		typ = "model.Geo"
	case design.File:
		typ = "model.File"
	case design.ID, design.ToOne:
		if c.idKind() == design.Serial {
			typ = "int64"
		}
	}
	if !c.Required {
		return "*" + typ
	}
	return typ
}

// idKind returns the kind of an id, or of the id that a relation points to.
func (c column) idKind() design.IDKind {
	if c.Relation != nil {
		return c.Relation.Entity.IDField().ID
	}
	return c.ID
}

// Meta returns what the runtime is told about the field, without zero values.
func (c column) Meta() []gen.Member {
	m := members{}
	m.text("Name", c.Key)
	m.text("Column", c.Column)
	m.add("Type", gen.Name(modelPackage, modelType(c.Type)))
	if c.Type == design.ID || c.Type == design.ToOne {
		m.add("ID", gen.Name(modelPackage, idName(c.idKind())))
	}
	m.flag("Required", c.Required)
	m.flag("Unique", c.Unique)
	m.flag("Searchable", c.Searchable)
	m.flag("CaseInsensitive", c.CaseInsensitive)
	m.flag("ReadOnly", c.ReadOnly && c.Computed == nil)
	if c.Computed != nil {
		m.add("Computed", gen.Texts(keysOf(c.Computed)))
	}
	m.number("MinLength", c.MinLength)
	m.number("MaxLength", c.MaxLength)
	m.text("Min", c.Min)
	m.text("Max", c.Max)
	m.text("Pattern", c.Pattern)
	m.number("Precision", c.Precision)
	m.number("Scale", c.Scale)
	m.flag("Quoted", c.Quoted)
	m.text("Segment", c.Segment)
	m.number("MaxSize", c.MaxSize)
	if len(c.FileTypes) > 0 {
		m.add("FileTypes", gen.Texts(c.FileTypes))
	}
	if len(c.Values) > 0 {
		m.add("Values", gen.Texts(valueNames(c.Values)))
	}
	m.standard(c.Default)
	if c.Relation != nil {
		m.text("To", c.Relation.To)
		if on := onDelete(c.Relation.OnDelete); on != "Restrict" {
			m.add("OnDelete", gen.Name(modelPackage, on))
		}
	}
	for _, r := range []struct {
		name  string
		rules []design.Rule
	}{{"View", c.Access.View}, {"Create", c.Access.Create}, {"Update", c.Access.Update}} {
		if r.rules != nil && (!c.ReadOnly || r.name == "View") {
			m.add(r.name, texts(always(r.rules)))
		}
	}
	m.text("Description", c.Description)
	return m
}

func keysOf(fields []*design.Field) []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.Key
	}
	return keys
}

// MadeDoc is the comment of the function that says how a computed field is made.
func (c column) MadeDoc(entity string) string {
	names := make([]string, len(c.Computed))
	for i, f := range c.Computed {
		names[i] = f.GoKey
	}
	return fmt.Sprintf("Compute%s%s says what %s of a row is. The row that compute is handed has %s, and nothing else.",
		entity, c.GoKey, c.GoKey, strings.Join(names, ", "))
}

func valueNames(values []design.Value) []string {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = v.Name
	}
	return names
}

// members is a list of members of a literal.
type members []gen.Member

func (m *members) add(name string, value gen.Expr) {
	*m = append(*m, gen.Member{Name: name, Value: value})
}

func (m *members) text(name, s string) {
	if s != "" {
		m.add(name, gen.Text(s))
	}
}

func (m *members) flag(name string, b bool) {
	if b {
		m.add(name, gen.Bool(b))
	}
}

func (m *members) number(name string, n int) {
	if n != 0 {
		m.add(name, gen.Int(int64(n)))
	}
}

// standard adds the default of a field.
func (m *members) standard(v any) {
	if v != nil {
		m.add("Default", literal(v))
	}
}

// literal prints a value that goes into an any: numbers are typed.
func literal(v any) gen.Expr {
	switch v := v.(type) {
	case bool:
		return gen.Bool(v)
	case int64:
		return gen.Call(gen.Name("", "int64"), gen.Int(v))
	case float64:
		return gen.Call(gen.Name("", "float64"), gen.Float(v))
	case []string:
		return gen.Texts(v)
	}
	return gen.Text(fmt.Sprint(v))
}

func modelType(t design.Type) string {
	switch t {
	case design.Text:
		return "Text"
	case design.LongText:
		return "LongText"
	case design.Email:
		return "Email"
	case design.URL:
		return "URL"
	case design.Int:
		return "Integer"
	case design.Decimal:
		return "DecimalType"
	case design.Float:
		return "Float"
	case design.Boolean:
		return "Boolean"
	case design.Enum:
		return "Enum"
	case design.MultiEnum:
		return "MultiEnum"
	case design.Geo:
		return "GeoType"
	case design.File:
		return "FileType"
	case design.Date:
		return "DateType"
	case design.DateTime:
		return "DateTime"
	case design.JSON:
		return "JSON"
	case design.ID:
		return "ID"
	case design.CreatedAt:
		return "CreatedAt"
	case design.UpdatedAt:
		return "UpdatedAt"
	case design.Username:
		return "Username"
	case design.Password:
		return "Password"
	case design.Roles:
		return "Roles"
	case design.ToOne:
		return "Relation"
	}
	return ""
}

func onDelete(o design.OnDelete) string {
	switch o {
	case design.Cascade:
		return "Cascade"
	case design.SetNull:
		return "SetNull"
	}
	return "Restrict"
}

func idName(k design.IDKind) string {
	if k == design.Serial {
		return "Serial"
	}
	return strings.ToUpper(string(k))
}
