package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
)

// A Cursor says between which rows a page is, whatever becomes of the rows before
// it: rows that are added, changed or deleted meanwhile shift no other row into a
// page that was read, or out of one that was not.
type Cursor struct {
	// Text is what an answer called the cursor. Empty is before the first row, and
	// with Before behind the last one.
	Text string
	// Before asks for the rows that end at the cursor, not for those that begin
	// there. They come in the same order.
	Before bool
}

// Position returns the fields whose values tell where a row is in the order of the
// plan: those that it sorts by, and the id.
func (p *Plan) Position() []model.FieldID {
	keys := p.keys()
	fields := make([]model.FieldID, len(keys))
	for i, k := range keys {
		fields[i] = k.field
	}
	return fields
}

// keys returns what the rows are ordered by, up to the id, behind which there is
// nothing to order.
func (p *Plan) keys() []sortKey {
	id := p.entity.IDField()
	if i := slices.IndexFunc(p.sort, func(k sortKey) bool { return k.field == id }); i >= 0 {
		return p.sort[:i+1]
	}
	return append(slices.Clip(p.sort), sortKey{field: id})
}

var errPosition = errors.New("query: a position of another order")

// From begins the page of a plan with a cursor at the row with these values of the
// fields of [Plan.Position], each as [model.Field.AppendJSON] has it; or ends it
// there. An error says that these are no values of the fields.
func (p *Plan) From(values []json.RawMessage) error {
	keys := p.keys()
	if p.Cursor == nil || len(values) != len(keys) {
		return errPosition
	}
	from := make([]any, len(keys))
	for i, k := range keys {
		f := &p.entity.Fields[k.field]
		v, err := comparand(f, values[i])
		if err != nil {
			return fmt.Errorf("query: the position in %s: %w", f.Name, err)
		}
		if v == nil && f.Required {
			return errPosition
		}
		from[i] = v
	}
	p.from = from
	return nil
}

// Begun reports whether the page of a plan begins, or ends, at some row.
func (p *Plan) Begun() bool { return p.from != nil }

// Backward reports whether the rows of the statement of [Compiler.Page] come in the
// opposite order of the plan: the last ones before its cursor first.
func (p *Plan) Backward() bool { return p.Cursor != nil && p.Cursor.Before }

// comparand reads a value that was written as JSON.
func comparand(f *model.Field, raw json.RawMessage) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if n, ok := v.(json.Number); ok {
		v = n.String()
	}
	return f.ParseComparand(v)
}

// AppendShape appends what a plan asks for, without its page and what it answers of
// the rows: two plans with the same shape go through the same rows in the same order,
// for the same caller.
func (p *Plan) AppendShape(dst []byte) []byte {
	dst = appendWord(dst, p.entity.Name)
	for _, k := range p.keys() {
		dst = appendWord(dst, p.entity.Fields[k.field].Name)
		dst = strconv.AppendBool(dst, k.descending)
	}
	dst = appendWord(append(dst, '?'), p.needle)
	return appendNode(dst, p.entity, p.where)
}

// appendWord appends a text so that nothing else is appended alike.
func appendWord(dst []byte, s string) []byte {
	dst = strconv.AppendInt(dst, int64(len(s)), 10)
	return append(append(dst, ':'), s...)
}

// appendNode appends a condition. Which rows there are at the other end of a relation
// is no part of it: that follows from who asks.
func appendNode(dst []byte, e *model.Entity, n node) []byte {
	switch n := n.(type) {
	case nil:
		return append(dst, '-')
	case all:
		return appendNodes(append(dst, '&'), e, n)
	case either:
		return appendNodes(append(dst, '|'), e, n)
	case not:
		return appendNode(append(dst, '!'), e, n.inner)
	case term:
		dst = strconv.AppendInt(append(dst, 't'), int64(n.op), 10)
		dst = appendWord(dst, e.Fields[n.field].Name)
		dst = append(strconv.AppendInt(dst, int64(len(n.values)), 10), ';')
		for _, v := range n.values {
			dst = appendWord(dst, fmt.Sprintf("%T %v", v, v))
		}
		return dst
	case related:
		dst = strconv.AppendInt(append(dst, 'r'), int64(n.quantifier), 10)
		return appendNode(appendWord(dst, n.link.Name), n.to, n.where)
	}
	return appendWord(append(dst, 'x'), fmt.Sprintf("%T", n)) // which only filters have
}

func appendNodes(dst []byte, e *model.Entity, list []node) []byte {
	dst = append(strconv.AppendInt(dst, int64(len(list)), 10), ';')
	for _, n := range list {
		dst = appendNode(dst, e, n)
	}
	return dst
}

// beyond writes that a row comes behind the position of a plan, or with Before
// comes in front of it:
//
//	(a > 1 OR (a = 1 AND (b > 2 OR (b = 2 AND id > 3))))
//
// Nulls are last, so that nothing but other nulls is behind them.
func (c *Compiler) beyond(s *Statement, p *Plan) {
	keys := p.keys()
	if k := keys[0]; len(keys) > 1 && c.entity.Fields[k.field].Required { // what an index finds
		c.comparable(s, k.field)
		s.text(towards(k, p.Backward()), "= ")
		s.bind(c.operand(k.field, p.from[0]))
		s.text(" AND ")
	}
	for i, k := range keys {
		last := i == len(keys)-1
		s.text("(")
		c.past(s, k, p.from[i], p.Backward())
		if !last {
			s.text(" OR (")
			c.level(s, k, p.from[i])
			s.text(" AND ")
		}
	}
	for range keys[1:] {
		s.text("))")
	}
	s.text(")")
}

func towards(k sortKey, backward bool) string {
	if k.descending != backward {
		return " <"
	}
	return " >"
}

// past writes that a row is past a value in the order of one key.
func (c *Compiler) past(s *Statement, k sortKey, v any, backward bool) {
	nullable := !c.entity.Fields[k.field].Required
	switch {
	case v == nil && backward:
		s.text(c.columns[k.field], " IS NOT NULL")
		return
	case v == nil:
		s.text("1 = 0")
		return
	}
	c.comparable(s, k.field)
	s.text(towards(k, backward), " ")
	s.bind(c.operand(k.field, v))
	if nullable && !backward {
		s.text(" OR ", c.columns[k.field], " IS NULL")
	}
}

// level writes that a row has a value of one key.
func (c *Compiler) level(s *Statement, k sortKey, v any) {
	if v == nil {
		s.text(c.columns[k.field], " IS NULL")
		return
	}
	c.comparable(s, k.field)
	s.text(" = ")
	s.bind(c.operand(k.field, v))
}

// orderBy ends in the id, so that the order is total.
func (c *Compiler) orderBy(s *Statement, p *Plan) {
	s.text(" ORDER BY ")
	for i, k := range p.keys() {
		if i > 0 {
			s.text(", ")
		}
		c.comparable(s, k.field)
		descending := k.descending != p.Backward()
		if descending {
			s.text(" DESC")
		}
		// SQLite counts null as the least, PostgreSQL as the greatest.
		last := descending == (c.dialect == store.SQLite)
		switch {
		case c.entity.Fields[k.field].Required || last != p.Backward():
		case p.Backward():
			s.text(" NULLS FIRST")
		default:
			s.text(" NULLS LAST")
		}
	}
}
