package migration

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
)

// A Loss is a change that loses data, or fails where rows are in its way.
type Loss struct {
	Name string // what to allow: items, items.price, or posts.state=closed
	What string
}

// A Plan leads from one schema to the next.
type Plan struct {
	Title  string // for the name of the file: add_items_image
	SQL    []byte
	Down   []byte // the way back, nil when it would lose something
	Losses []Loss
}

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.SQL) == 0 }

// Diff plans the way from one schema to another. An error that holds a
// [*design.Errors] names what has to be changed in gate.yaml, because rows that
// are there already could not follow.
func Diff(from, to *Schema) (*Plan, error) {
	moves, err := renamed(from, to)
	if err != nil {
		return nil, err
	}
	plan, err := forth(from, to, moves)
	if err != nil {
		return nil, err
	}
	plan.Down, err = plan.back(from, to, moves)
	return plan, err
}

// forth is Diff without the way back, for what moves to other names first.
func forth(from, to *Schema, moves []move) (*Plan, error) {
	c := comparison{was: from, from: from, to: to, using: map[string]string{}, replaced: map[*Column]bool{}, filled: map[*Column]bool{}}
	if err := c.rename(moves); err != nil {
		return nil, err
	}
	for _, t := range to.Tables {
		if err := c.table(t); err != nil {
			return nil, err
		}
	}
	for _, t := range c.from.Tables {
		if to.table(t.Name) == nil {
			c.lose(t.Name, "table %s is dropped", t.Name)
			c.did("drop", t.Name)
		}
	}
	if err := c.errs.Err(); err != nil {
		return nil, err
	}
	statements, err := c.statements()
	if err != nil {
		return nil, err
	}
	return &Plan{Title: c.title(), SQL: format(statements), Losses: c.losses}, nil
}

// comparison collects what differs between two schemas.
type comparison struct {
	was      *Schema // from, before anything moved
	from, to *Schema
	errs     design.Errors
	losses   []Loss
	done     []string

	replaced map[*Column]bool  // of to: dropped and added again
	filled   map[*Column]bool  // of to: had null, has none from now on
	using    map[string]string // table.column → how PostgreSQL converts it
	before   []statement       // conversions of stored values, on SQLite
}

func (c *comparison) lose(name, what string, args ...any) {
	c.losses = append(c.losses, Loss{name, fmt.Sprintf(what, args...)})
}

func (c *comparison) did(words ...string) {
	c.done = append(c.done, strings.Join(words, "_"))
}

func (c *comparison) table(t *Table) error {
	old := c.from.table(t.Name)
	if old == nil {
		c.did("create", t.Name)
		return nil
	}
	if old.Files || t.Files {
		c.ofFiles(old, t)
		return nil
	}
	if old.Join || t.Join {
		c.join(old, t)
		return nil
	}
	if was, is := old.Columns[0], t.Columns[0]; was.Name != is.Name || was.Kind != is.Kind {
		c.errs.Add(is.pos, is.path, fmt.Sprintf("the id of table %s cannot change from %s %s to %s %s", t.Name, was.Name, was.Kind, is.Name, is.Kind),
			"other rows point to it; make a new entity and move the rows")
		return nil
	}
	for _, col := range t.Columns[1:] {
		was := old.column(col.Name)
		if was == nil {
			c.did("add", t.Name, col.Name)
			c.needsValue(old, t, col)
			continue
		}
		if err := c.column(t, was, col); err != nil {
			return err
		}
	}
	for _, was := range old.Columns[1:] {
		if t.column(was.Name) == nil {
			c.did("drop", t.Name, was.Name)
			c.lose(t.Name+"."+was.Name, "column %s of table %s is dropped", was.Name, t.Name)
			c.forget(t, was)
		}
	}
	if old.Deleted != "" && t.Deleted == "" {
		c.unkeep(old)
	}
	c.indexes(t.Name, "index", t.Indexes, old.Indexes)
	c.indexes(t.Name, "drop_index", old.Indexes, t.Indexes)
	if !slices.Equal(old.Search, t.Search) {
		c.did("search", t.Name)
	}
	return nil
}

// indexes notes the indexes of a table that are not among the others.
func (c *comparison) indexes(table, what string, list, others []Index) {
	for _, x := range list {
		same := func(o Index) bool {
			return x.Unique == o.Unique && slices.Equal(x.Columns, o.Columns) && slices.Equal(x.Fold, o.Fold)
		}
		if !slices.ContainsFunc(others, same) {
			c.did(what, table)
		}
	}
}

// needsValue refuses a new column that rows could not have a value for. A column of
// its kind that goes from the table as it was may be the same by another name.
func (c *comparison) needsValue(old, t *Table, col *Column) {
	if col.Null || col.fill != nil {
		return
	}
	hint := "give the field a default, or leave it optional until every row has a value"
	if old != nil {
		for _, gone := range old.Columns {
			if gone.Kind == col.Kind && t.column(gone.Name) == nil {
				hint = "if it is " + gone.Name + " by another name, say renamedFrom: " + gone.Name + ", or that one is lost; else " + hint
				break
			}
		}
	}
	c.errs.Add(col.pos, col.path, fmt.Sprintf("column %s of table %s is required, and the rows that are there have no value for it", col.Name, t.Name), hint)
}

func (c *comparison) column(t *Table, was, is *Column) error {
	name := t.Name + "." + is.Name
	if was.References != is.References && was.References != "" && is.References != "" || !c.converts(name, t, was, is) {
		c.replaced[is] = true
		c.did("replace", t.Name, is.Name)
		c.lose(name, "column %s of table %s changes from %s to %s and is emptied", is.Name, t.Name, describe(was), describe(is))
		c.forget(t, was)
		c.needsValue(nil, t, is)
		return nil
	}
	c.values(t, was, is)
	if was.Null && !is.Null {
		if is.fill != nil {
			c.filled[is] = true
		} else {
			c.lose(name, "column %s of table %s becomes required without a default: the migration fails, and changes nothing, as long as a row has no value", is.Name, t.Name)
		}
	}
	if !was.same(is) {
		c.did("change", t.Name, is.Name)
	}
	return nil
}

func describe(c *Column) string {
	switch {
	case c.References != "":
		return "a relation to " + c.References
	case c.Kind == Decimal:
		return fmt.Sprintf("decimal(%d,%d)", c.Precision, c.Scale)
	}
	return string(c.Kind)
}

// converts plans the conversion of stored values from was to is, and reports
// false when there is none.
func (c *comparison) converts(name string, t *Table, was, is *Column) bool {
	switch {
	case was.Kind == is.Kind && was.Kind != Decimal:
		return true
	case was.Kind == Decimal && is.Kind == Decimal:
		if was.Precision == is.Precision && was.Scale == is.Scale {
			return true
		}
		if is.Scale < was.Scale {
			c.lose(name, "column %s of table %s is rounded from %d to %d decimals", is.Name, t.Name, was.Scale, is.Scale)
		}
		if is.Precision-is.Scale < was.Precision-was.Scale {
			c.lose(name, "column %s of table %s has room for %d digits before the point instead of %d", is.Name, t.Name, is.Precision-is.Scale, was.Precision-was.Scale)
		}
		c.rescale(name, t, is, was.Scale, is.Scale, is.Precision)
	case was.Kind == Integer && was.References == "" && is.Kind == Decimal:
		c.rescale(name, t, is, 0, is.Scale, is.Precision)
	case was.Kind == Decimal && is.Kind == Integer && is.References == "":
		if was.Scale > 0 {
			c.lose(name, "column %s of table %s is rounded to whole numbers", is.Name, t.Name)
		}
		c.rescale(name, t, is, was.Scale, 0, 18)
	case was.Kind == Date && is.Kind == DateTime:
		c.using[name] = fmt.Sprintf("%q::timestamp AT TIME ZONE 'UTC'", is.Name) // a date alone is midnight of the session's zone
		c.rewrite(t, is, fmt.Sprintf("%q || 'T00:00:00.000000Z'", is.Name))
	case was.Kind == Integer && was.References == "" && is.Kind == Text:
		c.using[name] = fmt.Sprintf("%q::text", is.Name)
	default:
		return false
	}
	return true
}

// rescale converts the whole numbers that SQLite keeps for decimals. A value
// that does not fit stops the migration: abs of the smallest integer is an
// error, whatever else SQLite would have made of the overflow.
func (c *comparison) rescale(name string, t *Table, is *Column, from, to, precision int) {
	round := fmt.Sprintf("round(%q, %d)", is.Name, to)
	if is.Kind == Integer {
		round = fmt.Sprintf("round(%q)::bigint", is.Name)
	}
	c.using[name] = round
	value, digits := fmt.Sprintf("%q * %s", is.Name, power(to-from)), precision-(to-from)
	if to < from {
		half := power(from - to).String()
		value = fmt.Sprintf("(%[1]q + CASE WHEN %[1]q < 0 THEN -%[2]s ELSE %[2]s END / 2) / %[2]s", is.Name, half)
	}
	if to == from {
		value = fmt.Sprintf("%q", is.Name)
	}
	fits := "0"
	if digits > 0 && digits <= 18 {
		fits = fmt.Sprintf("%q > -%[2]s AND %[1]q < %[2]s", is.Name, power(digits))
	} else if digits > 18 {
		fits = "1"
	}
	c.rewrite(t, is, fmt.Sprintf("CASE WHEN %s THEN %s WHEN %q = 0 THEN 0 ELSE abs(-9223372036854775807 - 1) END", fits, value, is.Name))
}

func (c *comparison) rewrite(t *Table, is *Column, expression string) {
	if c.to.Database != design.SQLite {
		return
	}
	c.before = append(c.before, statement{
		fmt.Sprintf("convert column %q of table: %q", is.Name, t.Name),
		fmt.Sprintf("UPDATE %q SET %[2]q = %[3]s WHERE %[2]q IS NOT NULL", t.Name, is.Name, expression),
	})
}

// statements leads through three schemas to the last one: everything but the
// replaced columns and the new NOT NULLs; the replaced columns; the end. The
// defaults of new columns are there for the rows that exist; PostgreSQL drops
// them again, for SQLite that would be a copy of the table for nothing.
func (c *comparison) statements() ([]statement, error) {
	start := variant(c.from, func(_ *Table, was Column) *Column {
		was.fill = nil
		return &was
	})
	first := variant(c.to, func(t *Table, is Column) *Column {
		if c.replaced[t.column(is.Name)] {
			return nil
		}
		is.Null = is.Null || c.filled[t.column(is.Name)]
		return c.withDefault(t, &is)
	})
	second := variant(c.to, func(t *Table, is Column) *Column {
		is.Null = is.Null || c.filled[t.column(is.Name)]
		return c.withDefault(t, &is)
	})
	last := variant(c.to, func(t *Table, is Column) *Column {
		if c.to.Database == design.SQLite {
			return c.withDefault(t, &is)
		}
		is.fill = nil
		return &is
	})
	out := c.before
	for i, step := range [][2]*Schema{{start, first}, {first, second}, {second, last}} {
		if i == 2 {
			fill, err := c.fill()
			if err != nil {
				return nil, err
			}
			out = append(out, fill...)
		}
		more, err := structure(step[0], step[1], c.using)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return c.locked(c.search(out)), nil
}

// variant copies a schema, with the columns that keep returns.
func variant(of *Schema, keep func(*Table, Column) *Column) *Schema {
	s := &Schema{Format: snapshotFormat, Database: of.Database}
	for _, t := range of.Tables {
		table := &Table{Name: t.Name, Join: t.Join, Files: t.Files, Deleted: t.Deleted, Search: slices.Clone(t.Search)}
		for _, c := range t.Columns {
			if c := keep(t, *c); c != nil {
				table.Columns = append(table.Columns, c)
			}
		}
		for _, x := range t.Indexes {
			if !slices.ContainsFunc(x.Columns, func(name string) bool { return table.column(name) == nil }) {
				table.Indexes = append(table.Indexes, x)
			}
		}
		s.Tables = append(s.Tables, table)
	}
	return s
}

// withDefault leaves the default to the columns that are added to a table that
// is there.
func (c *comparison) withDefault(t *Table, is *Column) *Column {
	old := c.from.table(t.Name)
	if old == nil || old.column(is.Name) != nil && !c.replaced[t.column(is.Name)] {
		is.fill = nil
	}
	return is
}

// fill gives the default to the rows that have no value and need one.
func (c *comparison) fill() ([]statement, error) {
	var out []statement
	for _, t := range c.to.Tables {
		for _, is := range t.Columns {
			if !c.filled[is] {
				continue
			}
			value, _, err := literal(c.to.Database, is, is.fill)
			if err != nil {
				return nil, err
			}
			out = append(out, statement{
				fmt.Sprintf("fill column %q of table: %q", is.Name, t.Name),
				fmt.Sprintf("UPDATE %q SET %[2]q = %[3]s WHERE %[2]q IS NULL", t.Name, is.Name, value),
			})
		}
	}
	return out, nil
}

func (c *comparison) title() string {
	switch len(c.from.Tables) {
	case 0:
		return "init"
	}
	if len(c.done) == 0 {
		return "update"
	}
	title := c.done[0]
	if n := len(c.done) - 1; n > 0 {
		title = fmt.Sprintf("%s_and_%d_more", title, n)
	}
	return title
}

func format(statements []statement) []byte {
	var b strings.Builder
	for _, s := range statements {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		if s.comment != "" {
			fmt.Fprintf(&b, "-- %s\n", s.comment)
		}
		fmt.Fprintf(&b, "%s;\n", s.sql)
	}
	return []byte(b.String())
}
