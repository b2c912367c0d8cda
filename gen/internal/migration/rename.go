package migration

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/schema"
	"ariga.io/atlas/sql/sqlite"

	"github.com/gatewright/gate/design"
)

// A move gives a table, a column of a table, or a value of a column another name.
type move struct {
	table    string // that the column is in; empty for a table
	column   string // that the value is of; empty for a table or column
	from, to string
}

// inverse returns the moves that undo others.
func inverse(moves []move) []move {
	var out []move
	for _, m := range slices.Backward(moves) {
		out = append(out, move{m.table, m.column, m.to, m.from})
	}
	return out
}

// renamed finds what the hints of the design are about: first tables, then pairs,
// then columns of tables, which have their new names by then, and values. A hint about what has
// its new name already has done its work.
func renamed(from, to *Schema) ([]move, error) {
	r := renaming{from: from.copy(), to: to, fresh: len(from.Tables) == 0}
	for _, t := range to.Tables {
		if t.entity != nil {
			r.table(t)
		}
	}
	for _, t := range to.Tables {
		switch {
		case t.link != nil:
			r.pairs(t)
		case t.of != nil:
			r.ofFiles(t)
		}
	}
	for _, t := range to.Tables {
		if old := r.from.table(t.Name); old != nil && t.entity != nil {
			r.columns(old, t)
			r.values(old, t)
		}
	}
	return r.moves, r.errs.Err()
}

// renaming follows the moves that were found so far.
type renaming struct {
	from, to *Schema // from as it is after the moves
	fresh    bool
	moves    []move
	errs     design.Errors
}

func (r *renaming) move(m move) {
	r.moves = append(r.moves, m)
	r.from.rename(m)
}

func (r *renaming) table(t *Table) {
	candidates := t.entity.FormerTables()
	if candidates == nil || r.fresh {
		return
	}
	if r.from.table(t.Name) != nil {
		i := slices.IndexFunc(candidates, func(name string) bool {
			old := r.from.table(name)
			return old != nil && !old.Join && !old.Files && r.to.table(name) == nil
		})
		if i >= 0 {
			r.both(t.pos, "entities."+t.entity.Name, "table "+candidates[i], "table "+t.Name)
		}
		return
	}
	for _, name := range candidates {
		if old := r.from.table(name); old != nil && !old.Join && !old.Files {
			r.move(move{from: name, to: t.Name})
			return
		}
	}
	r.errs.Add(t.pos, "entities."+t.entity.Name+".renamedFrom", fmt.Sprintf("there was no table %s that could become %s", candidates[0], t.Name),
		"the tables are "+strings.Join(tableNames(r.from), ", ")+": name one of them, or remove the hint")
}

// both refuses to give something the name of another one that goes: its values would be
// kept, and those that are meant dropped.
func (r *renaming) both(at design.Position, path, from, to string) {
	r.errs.Add(at, path+".renamedFrom", fmt.Sprintf("%s cannot become %s, which is there already", from, to),
		"drop that one in a migration of its own first, or remove the hint and say which of them goes")
}

func tableNames(s *Schema) []string {
	var names []string
	for _, t := range s.Tables {
		if !t.Join && !t.Files {
			names = append(names, t.Name)
		}
	}
	return names
}

// pairs moves the table of a relation to many with its name, or with that of an
// entity, and the columns that are called after entities.
func (r *renaming) pairs(t *Table) {
	old := r.from.table(t.Name)
	for _, name := range t.link.FormerTables() {
		if o := r.from.table(name); old == nil && o != nil && o.Join && r.to.table(name) == nil && samePairs(o, t) {
			r.move(move{from: name, to: t.Name})
			old = r.from.table(t.Name)
		}
	}
	if old == nil {
		if t.link.RenamedFrom != "" && !r.fresh && r.from.table(t.link.From.Table) != nil {
			r.errs.Add(t.pos, t.Columns[0].path+".renamedFrom", fmt.Sprintf("there was no table of pairs that could become %s", t.Name),
				"the table was that of the entity and the field, such as "+t.link.FormerTables()[len(t.link.FormerTables())-1]+"; name it, or remove the hint")
		}
		return
	}
	if !old.Join || !samePairs(old, t) {
		return // and join says what is wrong
	}
	for i, c := range t.Columns {
		if was := old.Columns[i].Name; was != c.Name {
			r.move(move{table: t.Name, from: was, to: c.Name})
		}
	}
}

// samePairs reports whether two tables of pairs tie rows of the same tables.
func samePairs(a, b *Table) bool {
	return slices.EqualFunc(a.Columns, b.Columns, func(x, y *Column) bool { return x.References == y.References && x.Kind == y.Kind })
}

func (r *renaming) columns(old, t *Table) {
	for _, c := range t.Columns[1:] {
		candidates := c.field.FormerColumns()
		if candidates == nil {
			continue
		}
		i := slices.IndexFunc(candidates, func(name string) bool {
			return old.column(name) != nil && t.column(name) == nil && old.Columns[0].Name != name
		})
		if old.column(c.Name) != nil {
			if i >= 0 {
				r.both(c.pos, c.path, "column "+candidates[i]+" of table "+t.Name, "column "+c.Name)
			}
			continue
		}
		if i < 0 {
			var names []string
			for _, o := range old.Columns[1:] {
				if t.column(o.Name) == nil {
					names = append(names, o.Name)
				}
			}
			hint := "no column of the table goes: remove the hint"
			if names != nil {
				hint = "the columns that go are " + strings.Join(names, ", ") + ": name one of them, or remove the hint"
			}
			r.errs.Add(c.pos, c.path+".renamedFrom", fmt.Sprintf("table %s had no column %s that could become %s", t.Name, candidates[0], c.Name), hint)
			continue
		}
		r.move(move{table: t.Name, from: candidates[i], to: c.Name})
	}
}

// copy returns a schema that can be changed.
func (s *Schema) copy() *Schema {
	return variant(s, func(_ *Table, c Column) *Column { return &c })
}

// rename gives a table or a column another name, wherever it is named.
func (s *Schema) rename(m move) {
	swap := func(name *string) {
		if *name == m.from {
			*name = m.to
		}
	}
	for _, t := range s.Tables {
		if m.table == "" {
			swap(&t.Name)
			for _, c := range t.Columns {
				swap(&c.References)
			}
			continue
		}
		if t.Name != m.table {
			continue
		}
		if m.column != "" {
			t.column(m.column).renameValue(m)
			continue
		}
		swap(&t.Deleted)
		for i := range t.Search {
			swap(&t.Search[i])
		}
		for _, c := range t.Columns {
			swap(&c.Name)
		}
		for i := range t.Indexes {
			x := &t.Indexes[i]
			x.Columns, x.Fold = slices.Clone(x.Columns), slices.Clone(x.Fold)
			for _, list := range [][]string{x.Columns, x.Fold} {
				for j := range list {
					swap(&list[j])
				}
			}
		}
	}
}

// rename plans the moves, and compares what is there under its new names from then
// on. What is named after a table or a column, an index or a key, gets its new name,
// too: otherwise a table that comes later under the old name would find it taken.
func (c *comparison) rename(moves []move) error {
	if len(moves) == 0 {
		return nil
	}
	before, after := c.from, c.from.copy()
	var steps []statement
	for _, m := range moves {
		after.rename(m)
		if m.table == "" {
			c.did("rename", m.from, m.to)
			steps = append(steps, statement{fmt.Sprintf("rename table: %q", m.from), fmt.Sprintf("ALTER TABLE %q RENAME TO %q", m.from, m.to)})
			continue
		}
		if m.column != "" {
			c.did("rename", m.table, m.column, "value")
			steps = append(steps, c.renameValue(m, after.table(m.table).column(m.column)))
			continue
		}
		c.did("rename", m.table, m.from, m.to)
		steps = append(steps, statement{
			fmt.Sprintf("rename column %q of table: %q", m.from, m.table),
			fmt.Sprintf("ALTER TABLE %q RENAME COLUMN %q TO %q", m.table, m.from, m.to),
		})
	}
	a := atlas{db: c.to.Database}
	old, err := a.schema(before)
	if err != nil {
		return err
	}
	now, err := a.schema(after)
	if err != nil {
		return err
	}
	c.from = after
	if a.db == design.Postgres {
		c.before = append(steps, renamedParts(old, now)...)
		return nil
	}
	drops, again, err := a.rebuilt(after, old, now)
	c.before = slices.Concat(drops, steps, again)
	return err
}

// renamedParts renames what PostgreSQL has named after tables and columns.
func renamedParts(old, now *schema.Schema) []statement {
	var out []statement
	run := func(sql, from, to string) {
		if from != to {
			out = append(out, statement{"", fmt.Sprintf(sql, from, to)})
		}
	}
	for i, was := range old.Tables {
		is := now.Tables[i]
		run("ALTER INDEX IF EXISTS %q RENAME TO %q", was.Name+"_pkey", is.Name+"_pkey")
		if id := was.Columns[0]; slices.ContainsFunc(id.Attrs, func(a schema.Attr) bool { _, ok := a.(*postgres.Identity); return ok }) {
			run("ALTER SEQUENCE IF EXISTS %q RENAME TO %q", was.Name+"_"+id.Name+"_seq", is.Name+"_"+is.Columns[0].Name+"_seq")
		}
		for j, x := range was.Indexes {
			run("ALTER INDEX %q RENAME TO %q", x.Name, is.Indexes[j].Name)
		}
		for j, k := range was.ForeignKeys {
			run(fmt.Sprintf("ALTER TABLE %q", is.Name)+" RENAME CONSTRAINT %q TO %q", k.Symbol, is.ForeignKeys[j].Symbol)
		}
	}
	return out
}

// rebuilt drops the indexes that get another name and makes them again, as SQLite
// cannot rename one.
func (a *atlas) rebuilt(after *Schema, old, now *schema.Schema) (drops, again []statement, err error) {
	without, err := a.schema(after)
	if err != nil {
		return nil, nil, err
	}
	for i, was := range old.Tables {
		table := without.Tables[i]
		table.Indexes = nil
		for j, x := range was.Indexes {
			if is := now.Tables[i].Indexes[j]; is.Name == x.Name {
				table.Indexes = append(table.Indexes, is)
				continue
			}
			drops = append(drops, statement{fmt.Sprintf("drop index %q from table: %q", x.Name, was.Name), fmt.Sprintf("DROP INDEX %q", x.Name)})
		}
	}
	changes, err := sqlite.DefaultDiff.SchemaDiff(without, now)
	if err != nil {
		return nil, nil, fmt.Errorf("comparing the indexes: %w", err)
	}
	plan, err := sqlite.DefaultPlan.PlanChanges(context.Background(), "", changes, func(o *migrate.PlanOptions) {
		o.SchemaQualifier, o.Indent = new(string), "\t"
	})
	if err != nil {
		return nil, nil, fmt.Errorf("planning the indexes: %w", err)
	}
	return drops, a.statements(plan), nil
}
