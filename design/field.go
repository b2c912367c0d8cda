package design

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate/internal/address"
)

// lengthLimit is the greatest maxLength of a type, defaultLength the one that a
// field has without saying so. Lengths count code points.
func lengthLimit(t Type) int {
	switch t {
	case LongText:
		return 1_000_000
	case Email:
		return 254 // RFC 5321 §4.5.3.1.3
	case URL:
		return address.MaxURL
	case Username:
		return 256
	default:
		return 10_000
	}
}

func defaultLength(t Type) int {
	switch t {
	case Text:
		return 1000
	case LongText:
		return 100_000
	case Email:
		return 254
	case URL:
		return 2000
	case Username:
		return 100
	default:
		return 0
	}
}

func (l *loader) field(e *Entity, en entry, path string) {
	f := &Field{Name: en.key, Key: en.key, Column: snake(en.key), Pos: en.pos}
	f.GoName = goName(f.Name)
	f.GoKey = f.GoName
	if !l.fieldType(f, en, path) {
		return
	}
	e.Fields = append(e.Fields, f)
	l.single(e, f, path)
	f.MaxLength = defaultLength(f.Type)
	switch f.Type {
	case ID:
		f.Required, f.Unique, f.ReadOnly, f.ID = true, true, true, UUID
	case CreatedAt, UpdatedAt:
		f.Required, f.ReadOnly = true, true
	case Username:
		f.Required, f.Unique = true, true
	case Password, Roles:
		f.Required = true
	case Decimal:
		f.Precision, f.Scale = defaultPrecision, defaultScale
	case File:
		f.MaxSize = defaultFileSize
	case ToOne:
		l.relation(e, f, en.value, path)
	}
	n := en.value
	if n.kind == KindMapping {
		l.properties(f, n, path)
		l.computed(e, f, n, path)
	}
	if !slices.Contains(e.Fields, f) {
		return // a relation to many, which has no column
	}
	if f.Column == "" {
		return // a computed field
	}
	l.checkSQLName("column", f.Column, placeOf(n.get("column"), f.Pos), path,
		"choose another name, or name the column yourself: column: "+clip(f.Column, 50)+"_value")
}

// fieldType reads the short form, "name: text", or the type of the long form.
func (l *loader) fieldType(f *Field, en entry, path string) bool {
	n := en.value
	t := n
	switch n.kind {
	case KindString:
	case KindMapping:
		f.Description = l.description(n, path)
		path += ".type"
		if t = n.get("type"); t == nil {
			l.errs.Add(en.pos, path, fmt.Sprintf("field %s has no type", quote(f.Name)), "one of: "+strings.Join(typeNames(), ", "))
			return false
		}
	default:
		l.errs.Add(n.pos, path, fmt.Sprintf("field %s has to be a type or a mapping with a type, not %s", quote(f.Name), n.describe()),
			"one of: "+strings.Join(typeNames(), ", "))
		return false
	}
	name, ok := l.text(t, path, maxDescription)
	if !ok {
		return false
	}
	f.Type = Type(name)
	short := n.kind == KindString
	switch {
	case name == "version", name == "deleted-at":
		key := map[string]string{"version": "version", "deleted-at": "softDelete"}[name]
		l.errs.Add(t.pos, path, fmt.Sprintf("type %s belongs to the entity", quote(name)), "write "+key+": true in the entity")
	case name == "computed":
		l.errs.Add(t.pos, path, "computed is not a type: a computed field has the type of its values", "write: "+f.Name+": {type: text, computed: [name]} with the fields that it is made of")
	case slices.Contains(laterTypes(), name):
		l.errs.Add(t.pos, path, fmt.Sprintf("type %s is not supported yet", quote(name)), "")
	case !slices.Contains(typeNames(), name):
		l.unknownType(f, name, t.pos, path)
	case short && (f.Type == Enum || f.Type == MultiEnum):
		l.errs.Add(t.pos, path, "an enum needs its values", "write: "+f.Name+": {type: "+name+", values: [open, done]}")
	case short && f.Type == ToOne:
		l.errs.Add(t.pos, path, "a relation needs the entity that it points to", "write: "+f.Name+": {type: relation, to: User}")
	default:
		return true
	}
	return false
}

func (l *loader) unknownType(f *Field, name string, at Position, path string) {
	bare := strings.TrimRight(name, "!?")
	if near := typeSynonym(strings.ToLower(bare)); near != "" && near != name {
		hint := ""
		if pascalCase.check(name) == "" {
			hint = asRelation(f, name)
		}
		l.errs.Add(at, path, fmt.Sprintf("unknown type %s, did you mean %s?", quote(name), quote(near)), hint)
		return
	}
	word, _, several := strings.Cut(bare, " ")
	if (bare != name || several) && slices.Contains(typeNames(), word) {
		l.errs.Add(at, path, fmt.Sprintf("unknown type %s", quote(name)), fmt.Sprintf("properties have keys of their own: %s: {type: %s, required: true}", f.Name, word))
		return
	}
	near := l.didYouMean(name, typeNames())
	hint := "one of: " + strings.Join(typeNames(), ", ")
	if near != "" {
		hint = ""
	}
	if pascalCase.check(name) == "" && near == "" {
		hint = asRelation(f, name)
	}
	l.errs.Add(at, path, fmt.Sprintf("unknown type %s%s", quote(name), near), hint)
}

func asRelation(f *Field, entity string) string {
	return fmt.Sprintf("if it is an entity, write: %s: {type: relation, to: %s}", f.Name, entity)
}

// typeSynonym returns the type that other systems call by that word.
func typeSynonym(word string) string {
	switch word {
	case "string", "varchar", "char":
		return string(Text)
	case "int", "int64", "bigint", "number", "long", "wholenumber":
		return string(Int)
	case "bool":
		return string(Boolean)
	case "double", "real", "float64":
		return string(Float)
	case "numeric", "money":
		return string(Decimal)
	case "timestamp", "time", "timestamptz":
		return string(DateTime)
	case "uuid", "cuid", "ulid", "serial":
		return string(ID)
	case "markdown", "clob", "textarea":
		return string(LongText)
	case "jsonb", "object":
		return string(JSON)
	case "uri", "link", "image":
		return string(URL)
	case "optionset", "option", "choice":
		return string(Enum)
	case "multienum", "enums", "enum[]", "multiselectoptionset", "multiselect", "options", "choices":
		return string(MultiEnum)
	case "geographiclocation", "location", "coordinates", "latlng", "point", "geography":
		return string(Geo)
	case "reference", "ref", "lookup", "foreign-key", "belongs-to":
		return string(ToOne)
	}
	return ""
}

// single refuses what an entity can have only once, and names that promise
// another type.
func (l *loader) single(e *Entity, f *Field, path string) {
	for _, other := range e.Fields {
		if other == f || other.Type != f.Type {
			continue
		}
		switch f.Type {
		case ID, CreatedAt, UpdatedAt, Password, Roles:
			l.errs.Add(f.Pos, path, fmt.Sprintf("%s already has a field of type %s: %s", e.Name, f.Type, quote(other.Name)), "")
		}
	}
	for name, t := range map[string]Type{"id": ID, "createdAt": CreatedAt, "updatedAt": UpdatedAt} {
		if f.Name == name && f.Type != t {
			l.errs.Add(f.Pos, path, fmt.Sprintf("field %s has to be of type %s", quote(name), t), "choose another name for a field of type "+string(f.Type))
		}
	}
	if f.Type == ID && f.Name != "id" {
		l.errs.Add(f.Pos, path, "a field of type id has to be called id", "rename it, or write {type: id, column: "+f.Column+"} to keep the column")
	}
}

func (l *loader) properties(f *Field, n *node, path string) {
	var allowed []string
	for _, t := range fieldTypes() {
		if t.name == f.Type {
			allowed = append([]string{"type", "description"}, t.props...)
		}
	}
	l.duplicates(n, path, func(key string) string { return key })
	for _, e := range n.entries {
		if slices.Contains(allowed, e.key) {
			continue
		}
		at := join(path, e.key)
		owners := propertyOwners(e.key)
		switch {
		case slices.Contains(laterProperties(), e.key):
			l.errs.Add(e.pos, at, fmt.Sprintf("%s is not supported yet", quote(e.key)), laterHint(e.key))
		case len(owners) > 0:
			l.errs.Add(e.pos, at, fmt.Sprintf("a field of type %s has no %s", f.Type, quote(e.key)), "it is a property of "+strings.Join(owners, ", "))
		default:
			near, hint := l.didYouMean(e.key, allowed), ""
			if near == "" {
				hint = "known keys: " + strings.Join(allowed, ", ")
			}
			l.errs.Add(e.pos, at, fmt.Sprintf("unknown key %s in a field of type %s%s", quote(e.key), f.Type, near), hint)
		}
	}
	for _, name := range allowed[2:] {
		if v := n.get(name); v != nil {
			l.property(f, name, v, join(path, name))
		}
	}
	l.limits(f, n, path)
	if (f.Type == Enum || f.Type == MultiEnum) && n.get("values") == nil {
		l.errs.Add(f.Pos, path, "an enum needs its values", "add: values: [open, done]")
	}
	if f.Type == ToOne && n.get("to") == nil {
		l.errs.Add(f.Pos, path, "a relation needs the entity that it points to", "add: to: User")
	}
	if v := n.get("default"); v != nil {
		l.defaultValue(f, v, path+".default")
	}
}

func laterHint(name string) string {
	switch name {
	case "allow":
		return "who may use a field stands under fieldRules of the entity"
	case "folder":
		return "files are kept in the database, beside their rows: remove it"
	}
	return ""
}

func (l *loader) property(f *Field, name string, v *node, path string) {
	switch name {
	case "required":
		keep(&f.Required)(l.boolean(v, path))
	case "unique":
		keep(&f.Unique)(l.boolean(v, path))
	case "searchable":
		keep(&f.Searchable)(l.boolean(v, path))
	case "caseInsensitive":
		keep(&f.CaseInsensitive)(l.boolean(v, path))
	case "min":
		f.Min = l.limit(f, v, path)
	case "max":
		f.Max = l.limit(f, v, path)
	case "minLength":
		keep(&f.MinLength)(l.integer(v, path, 0, lengthLimit(f.Type)))
	case "maxLength":
		keep(&f.MaxLength)(l.integer(v, path, 1, lengthLimit(f.Type)))
	case "precision":
		keep(&f.Precision)(l.integer(v, path, 1, maxPrecision))
	case "scale":
		keep(&f.Scale)(l.integer(v, path, 0, maxPrecision))
	case "renamedFrom":
		f.RenamedFrom = l.former(v, path)
	case "readOnly":
		keep(&f.ReadOnly)(l.boolean(v, path))
	case "pattern":
		f.Pattern = l.pattern(v, path)
	case "maxSize":
		keep(&f.MaxSize)(l.fileSize(v, path))
	case "types":
		f.FileTypes = l.fileTypes(v, path)
	case "values":
		l.values(f, v, path)
	case "kind":
		f.ID = IDKind(l.oneOf(v, path, "kind of id", string(UUID), string(Serial), string(CUID2), string(ULID)))
	case "onDelete":
		f.Relation.OnDelete = OnDelete(l.oneOf(v, path, "onDelete", string(Restrict), string(Cascade), string(SetNull)))
	case "to":
		if to, ok := l.text(v, path, maxName); ok {
			f.Relation.To, f.Relation.Pos = to, v.pos
		}
	case "column":
		if s, ok := l.text(v, path, maxName); ok && l.checkName("column", s, snakeCase, v.pos, path) {
			f.Column = s
		}
	}
}

// keep returns a function that sets what target points to, unless the value it is
// handed was refused.
func keep[T any](target *T) func(T, bool) {
	return func(value T, ok bool) {
		if ok {
			*target = value
		}
	}
}

// limits checks that the limits of a field leave room for a value.
func (l *loader) limits(f *Field, n *node, path string) {
	if f.MaxLength > 0 && f.MinLength > f.MaxLength {
		l.errs.Add(placeOf(n.get("minLength"), f.Pos), path+".minLength",
			fmt.Sprintf("minLength %d is greater than maxLength %d", f.MinLength, f.MaxLength), "")
	}
	if f.Type == Decimal && f.Scale > f.Precision {
		l.errs.Add(placeOf(n.get("scale"), placeOf(n.get("precision"), f.Pos)), path+".scale",
			fmt.Sprintf("scale %d is greater than precision %d", f.Scale, f.Precision), "precision counts all digits")
		return
	}
	for _, limit := range []struct{ name, value string }{{"min", f.Min}, {"max", f.Max}} {
		wrong := f.misfit(limit.value)
		if f.Type == Int && len(strings.TrimLeft(limit.value, "-")) > maxPrecision {
			wrong = fmt.Sprintf("has more than %d digits", maxPrecision)
		}
		if limit.value != "" && wrong != "" {
			l.errs.Add(n.get(limit.name).pos, path+"."+limit.name, limit.name+" "+limit.value+" "+wrong, "")
		}
	}
	if f.Min != "" && f.Max != "" && f.compare(f.Min, f.Max) > 0 {
		l.errs.Add(n.get("min").pos, path+".min", fmt.Sprintf("min %s is greater than max %s", f.Min, f.Max), "")
	}
}
