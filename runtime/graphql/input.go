package graphql

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/gatewright/gate/runtime/model"
)

// body makes the JSON object of an input, as a client of REST would send it.
func (es entities) body(e *model.Entity, input any) ([]byte, error) {
	members, ok := input.(map[string]any)
	if !ok {
		return nil, badInput("input", model.CodeRequired, "must be an object")
	}
	return es.appendBody(nil, e, members)
}

// appendBody appends an input. How deep they are inside each other was limited with
// the document, and with JSON.
func (es entities) appendBody(dst []byte, e *model.Entity, members map[string]any) ([]byte, error) {
	return appendObject(dst, members, func(dst []byte, name string, v any) ([]byte, error) {
		if l, ok := e.Link(name); ok {
			return es.appendLinked(dst, es[l.To], v)
		}
		id, ok := e.Field(name)
		if !ok {
			return nil, errors.New("graphql: an input names a field that the entity lacks") // New has looked
		}
		return appendInput(dst, e, &e.Fields[id], v)
	})
}

// appendLinked appends what is to be done to the rows that a relation leads to.
func (es entities) appendLinked(dst []byte, to *model.Entity, v any) ([]byte, error) {
	members, ok := v.(map[string]any)
	if !ok {
		return append(dst, "null"...), nil // and package crud says what is wrong with it
	}
	return appendObject(dst, members, func(dst []byte, _ string, rows any) ([]byte, error) {
		switch rows := rows.(type) {
		case map[string]any:
			return es.appendBody(dst, to, rows)
		case []any:
			dst = append(dst, '[')
			for i, row := range rows {
				if i > 0 {
					dst = append(dst, ',')
				}
				object, _ := row.(map[string]any)
				var err error
				if dst, err = es.appendBody(dst, to, object); err != nil {
					return nil, err
				}
			}
			return append(dst, ']'), nil
		}
		return append(dst, "null"...), nil
	})
}

// appendObject appends an object whose members are appended by one function.
func appendObject(dst []byte, members map[string]any, value func(dst []byte, name string, v any) ([]byte, error)) ([]byte, error) {
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = value(append(model.AppendString(dst, name), ':'), name, members[name]); err != nil {
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
	case []any:
		dst = append(dst, '[')
		for i, element := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendInput(dst, e, f, element); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	}
	raw, err := encode(v)
	return append(dst, raw...), err
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
