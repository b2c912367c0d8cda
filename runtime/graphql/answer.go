package graphql

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// A shape is what the objects of one selection look like. It is made once and used
// for every row.
type shape struct {
	fields  []property
	names   []string // what to select
	include []query.Include
	whole   bool // all fields have to be read
}

// A property is one member of an object.
type property struct {
	key      string
	field    model.FieldID // NoField for what is no field
	text     string        // the name of the type, for __typename
	required bool
	typ      *model.Field
	link     *model.Link // for a relation
	below    *shape
	own      *call // for an own field, as it was selected
	asked    selected
	err      error // instead of its rows: the arguments are wrong
}

// shape returns what is selected of an entity, with what that has to include.
func (x *execution) shape(e *model.Entity, below []ast.SelectionSet) *shape {
	s := &shape{}
	for _, m := range x.collect(nil, below...) {
		p := property{key: m.Alias, field: model.NoField}
		if m.Name == "__typename" {
			p.text = m.ObjectDefinition.Name
		} else if c := x.api.own[m.Definition]; c != nil {
			p.own, p.asked, s.whole = c, m, true
		} else if l, ok := e.Link(m.Name); ok {
			p.link, p.below = l, x.shape(x.api.limits.entities[l.To], m.below)
			var q *query.Query
			if q, p.err = x.question(l, p.below, m); p.err == nil {
				s.include = append(s.include, query.Include{Relation: l.Name, As: m.Alias, Query: *q})
			}
		} else {
			id, _ := e.Field(m.Name) // New has looked that it is there
			p.field, p.typ, p.required = id, &e.Fields[id], m.Definition.Type.NonNull
		}
		s.fields = append(s.fields, p)
	}
	s.names = names(e, s.fields)
	if s.whole { // own code gets all that there is for the caller
		s.names = allNames(e)
	}
	return s
}

// question makes the query of a relation.
func (x *execution) question(l *model.Link, s *shape, m selected) (*query.Query, error) {
	args, err := x.arguments(m.Definition.Arguments, m.Arguments)
	if err != nil {
		return nil, badInput(m.Name, model.CodeType, err.Error())
	}
	q, err := x.api.limits.entities.find(x.api.limits.entities[l.To], args)
	if err != nil {
		return nil, err
	}
	q.Select, q.Include = s.names, s.include
	return q, nil
}

// rows appends a list.
func (x *execution) rows(dst []byte, s *shape, rows *crud.Rows, path ...any) []byte {
	return x.objects(dst, s, rows.Len(), rows.At, path...)
}

// objects appends a list of rows.
func (x *execution) objects(dst []byte, s *shape, n int, rowAt func(int) crud.Row, path ...any) []byte {
	start := len(dst)
	dst = append(dst, '[')
	at := append(slices.Clip(path), 0)
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		before := len(dst)
		at[len(at)-1] = i
		row := rowAt(i)
		dst = x.object(dst, s, answered{Row: row, related: row}, at...)
		if string(dst[before:]) == "null" { // elements are never null, so the list is (§6.4.4)
			return append(dst[:start], "null"...)
		}
		if crud.AnswerFull(x.r.Context(), len(dst)) {
			return dst // and run refuses it
		}
	}
	return append(dst, ']')
}

// answered is a row, with the one that has its relations, which is the same unless
// it was just written.
type answered struct {
	crud.Row

	related crud.Row
	err     error // instead of relations
}

// object appends a row, with null and an error for each field that the caller
// may not read in it. When one of these cannot be null the whole object is.
func (x *execution) object(dst []byte, s *shape, row answered, path ...any) []byte {
	start, whole := len(dst), true
	dst = append(dst, '{')
	for i, p := range s.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = model.AppendString(dst, p.key)
		dst = append(dst, ':')
		switch {
		case p.link != nil:
			dst = x.relation(dst, p, row, path)
		case p.own != nil:
			dst = x.ownField(dst, p, row.Row, path)
		case p.field == model.NoField:
			dst = model.AppendString(dst, p.text)
		case !row.Has(p.field):
			x.hide(gate.ErrForbidden, path, p.key)
			dst = append(dst, "null"...)
			whole = whole && !p.required
		default:
			dst = x.api.appendValue(dst, p.typ, row.Row, p.field)
		}
	}
	if !whole {
		return append(dst[:start], "null"...)
	}
	return append(dst, '}')
}

// relation appends what a relation leads to, or null with an error.
func (x *execution) relation(dst []byte, p property, row answered, path []any) []byte {
	err := p.err
	if err == nil {
		err = row.err
	}
	at := append(slices.Clip(path), p.key)
	switch {
	case err != nil:
	case p.link.Many:
		var rows *crud.Rows
		if rows, err = row.related.Many(p.key); err == nil {
			return x.rows(dst, p.below, rows, at...)
		}
	default:
		var one crud.Row
		var ok bool
		if one, ok, err = row.related.One(p.key); ok {
			return x.object(dst, p.below, answered{Row: one, related: one}, at...)
		}
	}
	if err != nil {
		x.hide(err, path, p.key)
	}
	return append(dst, "null"...)
}

// appendValue appends the value of a field as its type in GraphQL has it: ids
// that are counted become strings (§3.5.5), values of enums names.
func (a *API) appendValue(dst []byte, f *model.Field, row crud.Row, id model.FieldID) []byte {
	start := len(dst)
	dst = spell(row.AppendField(dst, id), start, f)
	if f.Type == model.FileType && dst[len(dst)-1] == '}' {
		if !row.Has(row.Entity().IDField()) { // which the address would tell
			return append(dst[:len(dst)-1], `,"url":null}`...)
		}
		path := a.prefix + "/" + row.Entity().Path + "/" + url.PathEscape(row.Key()) + "/" + f.Segment
		return append(model.AppendString(append(dst[:len(dst)-1], `,"url":`...), path), '}')
	}
	return dst
}

// spell turns the JSON of a value, which is what dst has from start on, into that of
// its type in GraphQL.
func spell(dst []byte, start int, f *model.Field) []byte {
	value := dst[start:]
	switch f.Type {
	case model.Enum, model.MultiEnum:
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

// encode is json.Marshal that leaves <, > and & as they are.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}
