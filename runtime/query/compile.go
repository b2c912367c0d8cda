package query

import (
	"strconv"
	"strings"
	"time"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store"
)

// A Statement is SQL and its arguments. The zero value is empty and ready to
// use; it can be used again after Reset.
type Statement struct {
	SQL  []byte
	Args []any

	many int // conditions on the rows of relations to many
}

// Long reports whether the statement may take long for what it asks: it looks for rows
// of several relations to many, inside each other or one after the other, for each row.
func (s *Statement) Long() bool { return s.many > 1 }

// Reset empties s and keeps its memory.
func (s *Statement) Reset() {
	clear(s.Args)
	s.SQL, s.Args, s.many = s.SQL[:0], s.Args[:0], 0
}

func (s *Statement) text(parts ...string) {
	for _, p := range parts {
		s.SQL = append(s.SQL, p...)
	}
}

// bind appends an argument and the placeholder for it.
func (s *Statement) bind(v any) {
	s.Args = append(s.Args, v)
	s.SQL = strconv.AppendInt(append(s.SQL, '$'), int64(len(s.Args)), 10)
}

// bindNext is bind with a placeholder that counts by itself: to SQLite $n is a name,
// which it looks for among all others, and so a list of many values would cost the
// square of their number. Every argument before has its place in the text by then.
func (s *Statement) bindNext(v any) {
	s.Args = append(s.Args, v)
	s.text("?")
}

// A Compiler writes the statements of one entity in one dialect. It is safe for
// concurrent use.
type Compiler struct {
	dialect store.Dialect
	entity  *model.Entity
	table   string
	from    string   // the table with its alias
	names   []string // of the columns
	columns []string // with the alias of the table before them
	depth   int      // of the alias: a statement inside another has one of its own
	there   string   // that a row is one of those it is about; empty: every row
}

// NewCompiler returns a compiler for an entity that was checked.
func NewCompiler(d store.Dialect, e *model.Entity) *Compiler {
	return newCompiler(d, e, 0)
}

// newCompiler returns a compiler whose columns are all qualified: a bare name
// inside of a subquery would mean that one's own table, if that has such a
// column, too.
func newCompiler(d store.Dialect, e *model.Entity, depth int) *Compiler {
	alias := "t" + strconv.Itoa(depth)
	c := &Compiler{dialect: d, entity: e, table: d.Quote(e.Table), depth: depth}
	c.from = c.table + " AS " + alias
	for _, f := range e.Fields {
		c.names = append(c.names, d.Quote(f.Column))
		c.columns = append(c.columns, alias+"."+d.Quote(f.Column))
	}
	if f := e.SoftDeleteField(); f != model.NoField {
		c.there = c.columns[f] + " IS NULL"
	}
	return c
}

// NewDeletedCompiler returns a compiler whose statements are about the deleted rows
// of an entity that keeps them. Those of [NewCompiler] are about all others, whatever
// filter they have.
func NewDeletedCompiler(d store.Dialect, e *model.Entity) *Compiler {
	c := newCompiler(d, e, 0)
	c.there = c.columns[e.SoftDeleteField()] + " IS NOT NULL"
	return c
}

// andThere writes that a row is one of those that the compiler is about.
func (c *Compiler) andThere(s *Statement) {
	if c.there != "" {
		s.text(" AND ", c.there)
	}
}

// A Lock says what nobody else does with the rows that a statement reads, until the
// transaction ends. On SQLite a transaction that writes has locked everything, and
// any of them is nothing.
type Lock uint8

const (
	// Unlocked rows are read as they are. It is the zero value.
	Unlocked Lock = iota
	// ForChange is for rows that are changed: nobody else changes or deletes them.
	// Others may begin to point to them meanwhile, so that two transactions whose
	// rows point to each other's need not wait for each other.
	ForChange
	// ForRemoval is for rows that are deleted, or marked so: nobody begins to point
	// to them, either.
	ForRemoval
)

// Every writes the statement for all rows that pass a filter, in the order of their
// ids, or with a limit for the first ones, and locks them [ForRemoval].
func (c *Compiler) Every(s *Statement, filter Filter, columns model.FieldSet, limit int) {
	c.selectFrom(s, columns)
	s.text(" WHERE 1 = 1")
	c.andFilter(s, filter)
	s.text(" ORDER BY ", c.columns[c.entity.IDField()])
	if limit > 0 {
		s.text(" LIMIT ")
		s.bind(int64(limit))
	}
	c.Lock(s, ForRemoval)
}

// Empty writes the statement that empties a relation of the rows that pass a filter.
func (c *Compiler) Empty(s *Statement, f model.FieldID, filter Filter) {
	s.text("UPDATE ", c.from, " SET ", c.names[f], " = NULL WHERE 1 = 1")
	c.andFilter(s, filter)
}

// Mark writes the statement that marks the rows that pass a filter as deleted, each
// as a version of its own.
func (c *Compiler) Mark(s *Statement, filter Filter, at time.Time) {
	f := c.entity.SoftDeleteField()
	s.text("UPDATE ", c.from, " SET ", c.names[f], " = ")
	c.bind(s, f, at)
	c.nextVersion(s)
	s.text(" WHERE 1 = 1")
	c.andFilter(s, filter)
}

// Raise writes the statement that makes the deleted rows that pass a filter ones that
// are there, each as a version of its own.
func (c *Compiler) Raise(s *Statement, filter Filter, at time.Time) {
	s.text("UPDATE ", c.from, " SET ", c.names[c.entity.SoftDeleteField()], " = NULL")
	if f := c.entity.Find(model.UpdatedAt); f != model.NoField {
		s.text(", ", c.names[f], " = ")
		c.bind(s, f, at)
	}
	c.nextVersion(s)
	s.text(" WHERE 1 = 1")
	c.andFilter(s, filter)
}

func (c *Compiler) nextVersion(s *Statement) {
	if v := c.entity.VersionField(); v != model.NoField {
		s.text(", ", c.names[v], " = ", c.columns[v], " + 1")
	}
}

// Known writes the statement for the ids of the rows that pass a filter.
func (c *Compiler) Known(s *Statement, filter Filter) {
	c.selectFrom(s, model.Fields(c.entity.IDField()))
	s.text(" WHERE 1 = 1")
	c.andFilter(s, filter)
}

// Page writes the statement for the rows of a plan; with a cursor for one row more
// than its limit, which tells that there is another page, see [Plan.Backward].
func (c *Compiler) Page(s *Statement, p *Plan, filter Filter, columns model.FieldSet) {
	c.selectFrom(s, columns)
	word := c.where(s, p, filter)
	limit := p.Limit
	if p.Cursor != nil {
		limit++ // one more, to know whether there are more
	}
	if p.Begun() {
		s.text(word)
		c.beyond(s, p)
	}
	c.orderBy(s, p)
	s.text(" LIMIT ")
	s.bind(int64(limit))
	if p.Skip > 0 {
		s.text(" OFFSET ")
		s.bind(int64(p.Skip))
	}
}

// Count writes the statement for the number of rows of a plan, whatever its
// page.
func (c *Compiler) Count(s *Statement, p *Plan, filter Filter) {
	s.text("SELECT count(*) FROM ", c.from)
	c.where(s, p, filter)
}

// One writes the statement for the row with that id, and locks it.
func (c *Compiler) One(s *Statement, id any, filter Filter, columns model.FieldSet, lock Lock) {
	c.selectFrom(s, columns)
	c.byID(s, id, filter)
	c.Lock(s, lock)
}

// Lock ends a statement of [Compiler.Page] and locks its rows: they are as the
// statement wants them when it has them.
func (c *Compiler) Lock(s *Statement, lock Lock) {
	if c.dialect != store.Postgres {
		return
	}
	switch lock {
	case ForChange:
		s.text(" FOR NO KEY UPDATE")
	case ForRemoval:
		s.text(" FOR UPDATE")
	case Unlocked:
	}
}

// Judge writes the statement for whether the row with that id passes each of the
// filters, in one column each: what [Filter.Match] cannot tell.
func (c *Compiler) Judge(s *Statement, id any, filters ...Filter) {
	s.text("SELECT ")
	for i, f := range filters {
		if i > 0 {
			s.text(", ")
		}
		if f.Unlimited() {
			s.text("1 = 1")
			continue
		}
		s.text("(")
		c.node(s, f.cond)
		s.text(") IS TRUE")
	}
	s.text(" FROM ", c.from)
	c.byID(s, id, Filter{})
}

// Insert writes the statement that adds a row. It returns the id where the
// database makes that.
func (c *Compiler) Insert(s *Statement, set model.FieldSet, value func(model.FieldID) any) {
	set = set.Without(c.entity.Computed())
	s.text("INSERT INTO ", c.table, " (")
	c.list(s, set, func(f model.FieldID) { s.text(c.names[f]) })
	s.text(") VALUES (")
	c.list(s, set, func(f model.FieldID) { c.bind(s, f, value(f)) })
	s.text(")")
	if id := c.entity.IDField(); !set.Has(id) {
		s.text(" RETURNING ", c.names[id])
	}
}

// Update writes the statement that changes a row.
func (c *Compiler) Update(s *Statement, id any, filter Filter, set model.FieldSet, value func(model.FieldID) any) {
	set = set.Without(c.entity.Computed())
	s.text("UPDATE ", c.from, " SET ")
	c.list(s, set, func(f model.FieldID) {
		s.text(c.names[f], " = ")
		c.bind(s, f, value(f))
	})
	c.byID(s, id, filter)
}

// Delete writes the statement that removes a row.
func (c *Compiler) Delete(s *Statement, id any, filter Filter) {
	s.text("DELETE FROM ", c.from)
	c.byID(s, id, filter)
}

// Clear writes the statement that deletes the rows that pass a filter.
func (c *Compiler) Clear(s *Statement, filter Filter) {
	s.text("DELETE FROM ", c.from, " WHERE 1 = 1")
	c.andFilter(s, filter)
}

// OtherHolder writes the statement for the id of a row other than the one with
// that id, and among those that pass the filter, whose roles have one of each list,
// and locks that row.
func (c *Compiler) OtherHolder(s *Statement, id any, among Filter, roles model.FieldID, lists ...[]string) {
	idColumn := c.columns[c.entity.IDField()]
	s.text("SELECT ", idColumn, " FROM ", c.from, " WHERE ", idColumn, " <> ")
	s.bind(id)
	c.andFilter(s, among)
	for _, names := range lists {
		s.text(" AND (1 = 0")
		for _, name := range names {
			s.text(" OR ")
			c.holds(s, roles, name)
		}
		s.text(")")
	}
	s.text(" LIMIT 1")
	c.Lock(s, ForChange)
}

// holds asks whether a list of texts has one.
func (c *Compiler) holds(s *Statement, list model.FieldID, name string) {
	if c.dialect == store.Postgres {
		s.text(c.columns[list], " @> jsonb_build_array(")
		s.bind(name)
		s.text("::text)")
		return
	}
	s.text("EXISTS (SELECT 1 FROM json_each(", c.columns[list], ") WHERE value = ")
	s.bind(name)
	s.text(")")
}

// selectFrom selects what has to be read to know the fields, in their order.
func (c *Compiler) selectFrom(s *Statement, columns model.FieldSet) {
	columns = c.entity.Stored(columns)
	s.text("SELECT ")
	if columns.Empty() {
		s.text("1")
	}
	c.list(s, columns, func(f model.FieldID) { s.text(c.columns[f]) })
	s.text(" FROM ", c.from)
}

func (c *Compiler) list(s *Statement, set model.FieldSet, item func(model.FieldID)) {
	first := true
	for f := range set.All() {
		if !first {
			s.text(", ")
		}
		first = false
		item(f)
	}
}

func (c *Compiler) bind(s *Statement, f model.FieldID, v any) {
	s.bind(c.entity.Fields[f].Bind(c.dialect, v))
}

func (c *Compiler) byID(s *Statement, id any, filter Filter) {
	s.text(" WHERE ", c.columns[c.entity.IDField()], " = ")
	s.bind(id)
	c.andFilter(s, filter)
}

// where returns the word before a further condition.
func (c *Compiler) where(s *Statement, p *Plan, filter Filter) string {
	word := " WHERE "
	if c.there != "" {
		s.text(word, c.there)
		word = " AND "
	}
	if !filter.Unlimited() {
		s.text(word)
		c.node(s, filter.cond)
		word = " AND "
	}
	if p.where != nil {
		s.text(word)
		c.node(s, p.where)
		word = " AND "
	}
	if p.needle != "" {
		s.text(word)
		c.search(s, p)
		word = " AND "
	}
	return word
}

func (c *Compiler) node(s *Statement, n node) {
	switch n := n.(type) {
	case all:
		c.join(s, n, " AND ", "1 = 1")
	case either:
		c.join(s, n, " OR ", "1 = 0")
	case not:
		s.text("(")
		c.node(s, n.inner)
		s.text(") IS NOT TRUE") // where the inner one is null, too
	case term:
		c.term(s, n)
	case never:
		s.text("1 = 0")
	case through:
		c.through(s, n)
	case related:
		c.related(s, n)
	case tied:
		c.tied(s, n)
	}
}

// through asks for a row of another table, or for another row of the same.
func (c *Compiler) through(s *Statement, n through) {
	far := newCompiler(c.dialect, n.to, c.depth+1)
	s.text("EXISTS (SELECT 1 FROM ", far.from, " WHERE ", far.columns[n.to.IDField()], " = ", c.columns[n.relation])
	far.andThere(s)
	if n.far != nil {
		s.text(" AND ")
		far.node(s, n.far)
	}
	s.text(")")
}

func (c *Compiler) join(s *Statement, nodes []node, word, none string) {
	if len(nodes) == 0 {
		s.text(none)
		return
	}
	s.text("(")
	for i, n := range nodes {
		if i > 0 {
			s.text(word)
		}
		c.node(s, n)
	}
	s.text(")")
}

var comparisons = [...]string{Eq: " = ", Ne: " <> ", Lt: " < ", Lte: " <= ", Gt: " > ", Gte: " >= "}

func (c *Compiler) term(s *Statement, t term) {
	f := &c.entity.Fields[t.field]
	negative := t.op == Ne || t.op == NotIn
	switch {
	case t.op == In || t.op == NotIn:
		c.in(s, t, negative)
	case len(t.values) == 0 && negative:
		s.text(c.columns[t.field], " IS NOT NULL")
	case len(t.values) == 0:
		s.text(c.columns[t.field], " IS NULL")
	case t.op == Ne && !f.Required:
		s.text("(")
		c.term(s, term{field: t.field, op: Eq, values: t.values})
		s.text(") IS NOT TRUE")
	case t.op == Contains || t.op == StartsWith || t.op == EndsWith || t.op == Like:
		c.pattern(s, t)
	default:
		c.comparable(s, t.field)
		s.text(comparisons[t.op])
		s.bind(c.operand(t.field, t.values[0]))
	}
}

func (c *Compiler) in(s *Statement, t term, negative bool) {
	if len(t.values) == 0 {
		c.join(s, nil, "", map[bool]string{true: "1 = 1", false: "1 = 0"}[negative])
		return
	}
	s.text("(")
	c.comparable(s, t.field)
	s.text(" IN (")
	for i, v := range t.values {
		if i > 0 {
			s.text(", ")
		}
		if c.dialect == store.SQLite {
			s.bindNext(c.operand(t.field, v))
		} else {
			s.bind(c.operand(t.field, v))
		}
	}
	s.text("))")
	if negative {
		s.text(" IS NOT TRUE")
	}
}

// comparable writes a column so that it compares by code point, or without
// case.
func (c *Compiler) comparable(s *Statement, f model.FieldID) {
	field := &c.entity.Fields[f]
	switch {
	case field.FoldsCase():
		c.folded(s, f)
		if c.dialect == store.SQLite {
			s.text(" COLLATE NOCASE")
		}
	case c.dialect == store.Postgres && isText(field):
		s.text(c.columns[f], ` COLLATE "C"`)
	default:
		s.text(c.columns[f])
	}
}

// folded writes a column so that LIKE ignores the case of ASCII letters, as
// SQLite's always does.
func (c *Compiler) folded(s *Statement, f model.FieldID) {
	if c.dialect == store.Postgres {
		s.text("lower(", c.columns[f], ` COLLATE "C")`)
		return
	}
	s.text(c.columns[f])
}

// operand returns what a comparable column is compared with, for the driver.
func (c *Compiler) operand(f model.FieldID, v any) any {
	field := &c.entity.Fields[f]
	if text, ok := v.(string); ok && field.FoldsCase() {
		v = lowerASCII(text)
	}
	return field.Bind(c.dialect, v)
}

// pattern looks for a text inside a column. SQLite's LIKE ignores case, so
// there it is GLOB that looks for exact text.
func (c *Compiler) pattern(s *Statement, t term) {
	text, _ := t.values[0].(string)
	if c.entity.Fields[t.field].Type == model.MultiEnum {
		c.holds(s, t.field, text)
		return
	}
	fold := c.entity.Fields[t.field].FoldsCase()
	if c.dialect == store.SQLite && !fold {
		s.text(c.columns[t.field], " GLOB ")
		s.bind(anchor(t.op, text, "*", "?", escapeGlob))
		return
	}
	if fold {
		c.folded(s, t.field)
		text = lowerASCII(text)
	} else {
		s.text(c.columns[t.field])
	}
	s.text(" LIKE ")
	s.bind(anchor(t.op, text, "%", "_", escapeLike))
	s.text(` ESCAPE '\'`)
}

// anchor writes what is looked for with the wildcards of an operator of SQL, for any
// text and for one character.
func anchor(op Op, text, many, one string, literal func(string) string) string {
	if op == Like {
		return respell(text, many, one, literal)
	}
	text = literal(text)
	if op != StartsWith {
		text = many + text
	}
	if op != EndsWith {
		text += many
	}
	return text
}

func escapeLike(s string) string {
	if !strings.ContainsAny(s, `\%_`) {
		return s
	}
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

func escapeGlob(s string) string {
	if !strings.ContainsAny(s, `*?[`) {
		return s
	}
	return strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`).Replace(s)
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
