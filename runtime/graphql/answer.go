package graphql

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
)

// A shape is what the objects of one field of the root look like. It is made once
// and used for every row.
type shape struct {
	key    string // of the field of the root
	entity *model.Entity
	fields []property
	names  []string // what to select
}

// A property is one member of an object.
type property struct {
	key      string
	field    model.FieldID // NoField for __typename
	text     string        // the name of the type, for __typename
	required bool
	typ      *model.Field
}

// shape returns what is selected below a field of the root.
func (x *execution) shape(c *call, f selected) *shape {
	s := &shape{key: f.Alias, entity: c.entity}
	for _, m := range x.collect(nil, f.below...) {
		p := property{key: m.Alias, field: model.NoField}
		if m.Name == "__typename" {
			p.text = m.ObjectDefinition.Name
		} else {
			id, _ := c.entity.Field(m.Name) // New has looked that it is there
			p.field, p.typ, p.required = id, &c.entity.Fields[id], m.Definition.Type.NonNull
		}
		s.fields = append(s.fields, p)
	}
	s.names = names(c.entity, s.fields)
	return s
}

// rows appends a list.
func (x *execution) rows(dst []byte, s *shape, rows *crud.Rows) []byte {
	start := len(dst)
	dst = append(dst, '[')
	for i := range rows.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		before := len(dst)
		dst = x.object(dst, s, rows.At(i), s.key, i)
		if string(dst[before:]) == "null" { // elements are never null, so the list is (§6.4.4)
			return append(dst[:start], "null"...)
		}
		if len(dst) > maxAnswer {
			return dst // and run refuses it
		}
	}
	return append(dst, ']')
}

// object appends a row, with null and an error for each field that the caller
// may not read in it. When one of these cannot be null the whole object is.
func (x *execution) object(dst []byte, s *shape, row crud.Row, path ...any) []byte {
	start, whole := len(dst), true
	dst = append(dst, '{')
	for i, p := range s.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = model.AppendString(dst, p.key)
		dst = append(dst, ':')
		switch {
		case p.field == model.NoField:
			dst = model.AppendString(dst, p.text)
		case !row.Has(p.field):
			x.hide(path, p.key)
			dst = append(dst, "null"...)
			whole = whole && !p.required
		default:
			dst = appendValue(dst, p.typ, row, p.field)
		}
	}
	if !whole {
		return append(dst[:start], "null"...)
	}
	return append(dst, '}')
}

// appendValue appends the value of a field as its type in GraphQL has it: ids
// that are counted become strings (§3.5.5), values of enums names.
func appendValue(dst []byte, f *model.Field, row crud.Row, id model.FieldID) []byte {
	start := len(dst)
	dst = row.AppendField(dst, id)
	value := dst[start:]
	switch f.Type {
	case model.Enum:
		for i, c := range value {
			if c == '-' {
				value[i] = '_'
			}
		}
	case model.ID, model.Relation:
		if value[0] != '"' && string(value) != "null" {
			dst = append(dst, '"', '"')
			copy(dst[start+1:], value)
			dst[start] = '"'
		}
	}
	return dst
}

// body makes the JSON object of an input, as a client of REST would send it.
func (c *call) body(input any) ([]byte, error) {
	members, ok := input.(map[string]any)
	if !ok {
		return nil, badInput("input", model.CodeRequired, "must be an object")
	}
	dst := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		id, ok := c.entity.Field(name)
		if !ok {
			return nil, errors.New("graphql: an input names a field that the entity lacks") // New has looked
		}
		dst = model.AppendString(dst, name)
		dst = append(dst, ':')
		var err error
		if dst, err = appendInput(dst, c.entity, &c.entity.Fields[id], members[name]); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendInput(dst []byte, e *model.Entity, f *model.Field, v any) ([]byte, error) {
	switch v := v.(type) {
	case json.RawMessage:
		return append(dst, v...), nil
	case json.Number:
		return append(dst, v...), nil
	case string:
		if numeric(f) && isNumber(v) {
			return append(dst, v...), nil
		}
		return model.AppendString(dst, stored(e, f.Name, v)), nil
	}
	raw, err := encode(v)
	return append(dst, raw...), err
}

// encode is json.Marshal that leaves <, > and & as they are.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// numeric reports whether the field is a number in JSON, and may be a string in
// GraphQL, which has no numbers of that size.
func numeric(f *model.Field) bool {
	switch f.Type {
	case model.Integer, model.DecimalType:
		return true
	case model.ID, model.Relation:
		return f.ID == model.Serial
	}
	return false
}

// isNumber reports whether s is a number as JSON spells it.
func isNumber(s string) bool {
	var n json.Number
	return len(s) <= 64 && s != "" && s[0] != '"' && s[0] != ' ' && json.Unmarshal([]byte(s), &n) == nil && n.String() == s
}
