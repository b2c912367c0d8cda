package query

import (
	"bytes"
	"strconv"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
)

// Ceilings of what one query may include.
const (
	DefaultIncluded = 10    // rows of an included page when no limit is asked for
	MaxIncludeDepth = 3     // relations inside each other
	MaxIncludes     = 30    // relations, on all levels together
	MaxRows         = 5_000 // rows, on all levels together, by what their pages may hold
)

// An Include asks for the rows that a relation leads to, inside of the rows that
// it leads from.
type Include struct {
	// Relation is its name in the entity that it leads from.
	Relation string
	// As is what the answer calls it; empty means Relation. One relation may be
	// included more than once, under different names.
	As string
	// Query is what is asked of the rows, with [DefaultIncluded] for a limit of
	// zero. Of a relation to one it has nothing but Select and Include.
	Query Query
}

// Name is what the answer calls the relation.
func (i *Include) Name() string {
	if i.As != "" {
		return i.As
	}
	return i.Relation
}

// A Selection says what is answered of one row. The zero value, like nil, is all
// fields that the caller may read, and no relation.
type Selection struct {
	Fields  []string // none means all
	Include []Include
	// Lenient answers a relation that the caller may not follow with the error of
	// it, instead of refusing the question.
	Lenient bool
	// Lock is what nobody else does with the row until the transaction ends, of which
	// there has to be one.
	Lock Lock
}

// Keys are the ids of the rows that others belong to, and how these are found:
// by their field Field, or with Through by pairs, of which Far is theirs.
type Keys struct {
	Kind    model.IDKind
	Texts   []string // unless Kind is Serial
	Numbers []int64  // if it is
	Field   model.FieldID
	Through *model.Join
}

// The columns of statements about related rows. No column of an entity has such a
// name: those that start with gate_ are refused in a design.
const (
	keyColumn   = `"gate_key"`
	farColumn   = `"gate_far"`
	totalColumn = `"gate_total"`
	placeColumn = `"gate_place"`
)

// Owned writes the statement for the rows that belong to keys, at most one to each
// key: its columns are the key and those given.
func (c *Compiler) Owned(s *Statement, k *Keys, filter Filter, columns model.FieldSet) {
	columns = c.entity.Stored(columns)
	s.text("SELECT ", c.columns[k.Field])
	also(s, c.columns, columns)
	s.text(" FROM ", c.from, " WHERE ", c.columns[k.Field])
	c.among(s, k)
	c.andFilter(s, filter)
}

// Pages writes the statement for a page of the plan to each of the keys. Its
// columns are the key, how many rows there are for that key (0 with NoTotal), the
// place of the row among these, from 1, and the columns given. The rows of a key
// are together, in the order of the plan. The first of them always comes, even
// before the page, because it has the total.
//
// However many keys there are, they are one argument.
func (c *Compiler) Pages(s *Statement, k *Keys, p *Plan, filter Filter, columns model.FieldSet) {
	columns = c.entity.Stored(columns)
	s.text("SELECT ", keyColumn, ", ", totalColumn, ", ", placeColumn)
	also(s, c.names, columns)
	s.text(" FROM (SELECT ")
	key := keyColumn
	if k.Through == nil {
		key = c.columns[k.Field]
		s.text(key, " AS ")
	}
	s.text(keyColumn)
	also(s, c.columns, columns)
	if p.NoTotal {
		s.text(", 0 AS ", totalColumn)
	} else {
		s.text(", count(*) OVER (PARTITION BY ", key, ") AS ", totalColumn)
	}
	s.text(", row_number() OVER (PARTITION BY ", key)
	c.orderBy(s, p)
	s.text(") AS ", placeColumn, " FROM ")
	c.source(s, k)
	c.andFilter(s, filter)
	if p.where != nil {
		s.text(" AND ")
		c.node(s, p.where)
	}
	if p.needle != "" {
		s.text(" AND ")
		c.search(s, p)
	}
	s.text(`) AS "gate_rows" WHERE (`, placeColumn, " > ")
	s.bind(int64(p.Skip))
	s.text(" AND ", placeColumn, " <= ")
	s.bind(int64(p.Skip) + int64(p.Limit))
	s.text(")")
	if !p.NoTotal {
		s.text(" OR ", placeColumn, " = 1")
	}
	s.text(" ORDER BY ", keyColumn, ", ", placeColumn)
}

// source writes the rows that belong to keys, up to and with the first condition.
func (c *Compiler) source(s *Statement, k *Keys) {
	if k.Through == nil {
		s.text(c.from, " WHERE ", c.columns[k.Field])
		c.among(s, k)
		return
	}
	near, far := c.dialect.Quote(k.Through.Near), c.dialect.Quote(k.Through.Far)
	s.text("(SELECT ", near, " AS ", keyColumn, ", ", far, " AS ", farColumn, " FROM ", c.dialect.Quote(k.Through.Table), " WHERE ", near)
	c.among(s, k)
	s.text(`) AS "gate_pairs", `, c.from, " WHERE ", c.columns[c.entity.IDField()], " = ", farColumn)
}

// among writes the condition that what stands before is one of the keys.
func (c *Compiler) among(s *Statement, k *Keys) {
	if c.dialect == store.SQLite {
		s.text(" IN (SELECT value FROM json_each(")
		s.bind(k.json())
		s.text("))")
		return
	}
	s.text(" = ANY (")
	switch k.Kind {
	case model.Serial:
		s.bind(k.Numbers)
		s.text("::bigint[])")
	case model.UUID:
		s.bind(k.Texts)
		s.text("::text[]::uuid[])")
	default:
		s.bind(k.Texts)
		s.text("::text[])")
	}
}

// json returns the keys as a JSON array.
func (k *Keys) json() string {
	dst := []byte{'['}
	for _, text := range k.Texts {
		dst = append(model.AppendString(dst, text), ',')
	}
	for _, n := range k.Numbers {
		dst = append(strconv.AppendInt(dst, n, 10), ',')
	}
	return string(bytes.TrimSuffix(dst, []byte{','})) + "]"
}

// also writes more columns, by their names.
func also(s *Statement, names []string, columns model.FieldSet) {
	for f := range columns.All() {
		s.text(", ", names[f])
	}
}

// andFilter writes that a row is there, and passes a filter.
func (c *Compiler) andFilter(s *Statement, filter Filter) {
	c.andThere(s)
	if !filter.Unlimited() {
		s.text(" AND ")
		c.node(s, filter.cond)
	}
}

// Tie writes the statement that adds a pair, unless it is there.
func Tie(s *Statement, d store.Dialect, j *model.Join, near, far any) {
	s.text("INSERT INTO ", d.Quote(j.Table), " (", d.Quote(j.Near), ", ", d.Quote(j.Far), ") VALUES (")
	s.bind(near)
	s.text(", ")
	s.bind(far)
	s.text(") ON CONFLICT DO NOTHING")
}

// Untie writes the statement that removes a pair, if it is there.
func Untie(s *Statement, d store.Dialect, j *model.Join, near, far any) {
	s.text("DELETE FROM ", d.Quote(j.Table), " WHERE ", d.Quote(j.Near), " = ")
	s.bind(near)
	s.text(" AND ", d.Quote(j.Far), " = ")
	s.bind(far)
}
