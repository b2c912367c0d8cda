package clientts

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// An Entity is what templates print of an entity in TypeScript.
type Entity struct {
	*design.Entity

	design *design.Design
}

// Doc is the comment of the type.
func (e Entity) Doc() string { return cmp.Or(e.Description, e.Name+" is a row of "+e.Plural+".") }

// Property is what the client calls the rows.
func (e Entity) Property() string { return gen.Lower(e.Plural) }

// Path is where the rows are.
func (e Entity) Path() string { return "/api/" + e.Route }

// ID is the type of the id.
func (e Entity) ID() string { return e.value(e.IDField()).one() }

func (e Entity) value(f *design.Field) Value { return Value{f, e} }

// Open reports whether rules let anybody in.
func (e Entity) Open(rules []design.Rule) bool {
	return slices.ContainsFunc(rules, func(r design.Rule) bool {
		return r.Kind == design.Public || r.Kind != design.Nobody && e.design.Authentication()
	})
}

// hidden reports whether the rules of a field let nobody in.
func hidden(rules []design.Rule) bool {
	return rules != nil && !slices.ContainsFunc(rules, func(r design.Rule) bool { return r.Kind != design.Nobody })
}

// Other returns what templates print of another entity of the design.
func (e Entity) Other(x *design.Entity) Entity { return Entity{x, e.design} }

// Enums are the fields that have a list of values.
func (e Entity) Enums() []Value {
	return e.values(func(f *design.Field) bool { return len(f.Values) > 0 })
}

// Readable are the fields that somebody reads.
func (e Entity) Readable() []Value {
	return e.values(func(f *design.Field) bool { return !hidden(f.Access.View) && f.Type != design.Password })
}

// NumberKeys are the ids and keys that are numbers here, which GraphQL answers as texts.
func (e Entity) NumberKeys() []Value {
	return slices.DeleteFunc(e.Readable(), func(v Value) bool {
		return v.Field.Type != design.ID && v.Field.Type != design.ToOne || v.one() != "number"
	})
}

// Renamed are the fields with values that have another name in GraphQL.
func (e Entity) Renamed() []Value {
	return e.values(func(f *design.Field) bool { return len(Value{f, e}.Renames()) > 0 })
}

// Conditions are the fields by which rows are found.
func (e Entity) Conditions() []Value {
	return e.values(func(f *design.Field) bool { return !hidden(f.Access.View) && f.Comparable() })
}

func (e Entity) values(want func(*design.Field) bool) []Value {
	var out []Value
	for _, f := range e.Fields {
		if want(f) {
			out = append(out, e.value(f))
		}
	}
	return out
}

// OrderBy is the type of the fields that rows are sorted by.
func (e Entity) OrderBy() string {
	var keys []string
	for _, v := range e.Readable() {
		if v.Sortable() {
			keys = append(keys, v.Key)
		}
	}
	return union(keys)
}

// Include is the type of the names of relations.
func (e Entity) Include() string {
	var names []string
	for _, l := range e.Included() {
		names = append(names, l.Name)
	}
	return union(names)
}

// union is the type of any of some texts.
func union(texts []string) string {
	if len(texts) == 0 {
		return "never"
	}
	quoted := make([]string, len(texts))
	for i, s := range texts {
		quoted[i] = gen.Script(s)
	}
	return strings.Join(quoted, " | ")
}

// A Sent is a field of a body.
type Sent struct {
	Value

	Optional bool
}

// Sent are the fields that callers may write: what not everybody may write need not be
// there.
func (e Entity) Sent(action string) []Sent {
	var out []Sent
	for _, f := range e.Fields {
		rules := f.Access.Rules(action)
		if f.ReadOnly || f.Type == design.File || hidden(rules) || f == e.Owner && rules == nil || f == e.Tenant && !e.NamesTenant(action) {
			continue
		}
		needed := f.Required && f.Default == nil && rules == nil && f != e.Tenant && !gen.KeyElsewhere(e.Entity, f, e.Open)
		out = append(out, Sent{e.value(f), !needed})
	}
	return out
}

// tie is what a body does to the rows of a relation.
type tie struct{ Name, Verbs string }

// Ties are the relations whose rows a body writes.
func (e Entity) Ties(action string) []tie {
	var out []tie
	for _, l := range e.Links {
		var members []string
		for _, verb := range gen.LinkVerbs(l, action, e.Open) {
			id := l.To.IDField()
			typ := "{ " + id.Key + ": " + e.value(id).idType(l.To) + " }"
			if verb == "create" {
				typ = "Create" + l.To.Name
			}
			if l.Many {
				typ = "readonly " + typ + "[]"
			}
			members = append(members, verb+"?: "+typ)
		}
		if members != nil {
			out = append(out, tie{l.Name, "{ " + strings.Join(members, "; ") + " }"})
		}
	}
	return out
}

// link is a relation that somebody may follow.
type link struct{ *design.Link }

// Included are the relations whose rows can come inside of a row.
func (e Entity) Included() []link {
	var out []link
	for _, l := range e.Links {
		rules := l.To.Allow.View
		if l.Many {
			rules = l.To.Allow.List
		}
		if e.Open(rules) && (l.Field == nil || !hidden(l.Field.Access.View)) {
			out = append(out, link{l})
		}
	}
	return out
}

// Type is the type of what comes inside of a row.
func (l link) Type() string {
	if l.Many {
		return "api.Page<" + l.To.Name + ">"
	}
	return l.To.Name + " | null"
}

// Where is the type of conditions for those rows.
func (l link) Where() string {
	if l.Many {
		return "api.Related<" + l.To.Name + "Where>"
	}
	return "api.Where<" + l.To.Name + "Where>"
}

// A Value is a field.
type Value struct {
	*design.Field

	of Entity
}

// EnumType is the type of one value of an enum.
func (v Value) EnumType() string { return v.of.Name + v.GoName }

// Union is the type of the values of an enum.
func (v Value) Union() string {
	names := make([]string, len(v.Values))
	for i, x := range v.Values {
		names[i] = x.Name
	}
	return union(names)
}

// A Rename is a value of an enum that GraphQL has no such name for.
type Rename struct{ Here, There string }

// Renames are the values that have another name in GraphQL.
func (v Value) Renames() []Rename {
	var out []Rename
	for _, x := range v.Values {
		if there := strings.ReplaceAll(x.Name, "-", "_"); there != x.Name {
			out = append(out, Rename{x.Name, there})
		}
	}
	return out
}

// Hidden reports whether only some callers may read the field.
func (v Value) Hidden() bool { return v.Access.View != nil }

// Type is the type of the values, null included.
func (v Value) Type() string {
	typ := v.one()
	if v.many() {
		if strings.Contains(typ, " ") {
			typ = "(" + typ + ")"
		}
		typ += "[]"
	}
	if v.Required || v.Field.Type == design.ID || v.Field.Type == design.JSON {
		return typ
	}
	return typ + " | null"
}

func (v Value) many() bool { return v.Field.Type == design.MultiEnum || v.Field.Type == design.Roles }

// one is the type of one value.
func (v Value) one() string {
	switch v.Field.Type {
	case design.Int, design.Decimal, design.Float:
		if v.Quoted {
			return "string"
		}
		return "number"
	case design.Boolean:
		return "boolean"
	case design.JSON:
		return "unknown"
	case design.Geo:
		return "api.Geo"
	case design.File:
		return "api.FileInfo"
	case design.Enum, design.MultiEnum:
		return v.EnumType()
	case design.Roles:
		var names []string
		for _, r := range v.of.design.RolesOf(v.Field) {
			names = append(names, r.Name)
		}
		if names == nil {
			return "string"
		}
		return union(names)
	case design.ID:
		return v.idType(v.of.Entity)
	case design.ToOne:
		return v.idType(v.Relation.Entity)
	}
	return "string"
}

// idType is the type of the ids of an entity.
func (Value) idType(e *design.Entity) string {
	if e.IDField().ID == design.Serial {
		return "number"
	}
	return "string"
}

// Where is the type of conditions for the field.
func (v Value) Where() string {
	one := v.one()
	switch v.Field.Type {
	case design.Text, design.LongText, design.Email, design.URL, design.Username:
		return "string | null | api.TextSearch"
	case design.Enum, design.ID, design.ToOne:
		return one + " | null | api.Equality<" + one + ">"
	case design.Int, design.Decimal, design.Float:
		return one + " | null | api.Comparison<" + one + ">"
	case design.Date, design.DateTime, design.CreatedAt, design.UpdatedAt:
		return "string | Date | null | api.Comparison<string | Date>"
	case design.Boolean:
		return "boolean | null | { $ne?: boolean; $null?: boolean }"
	case design.MultiEnum:
		return "null | api.Membership<" + one + ">"
	}
	return "null | api.Existence"
}

// Roles are those that a field of roles may hold, nil of any other.
func (v Value) Roles() []*design.Role {
	if v.Field.Type != design.Roles {
		return nil
	}
	return v.of.design.RolesOf(v.Field)
}

// To is the entity that a relation leads to.
func (v Value) To() Entity { return Entity{v.Relation.Entity, v.of.design} }

// Of is the entity of the field.
func (v Value) Of() Entity { return v.of }
