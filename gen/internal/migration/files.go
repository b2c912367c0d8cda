package migration

import (
	"fmt"
	"slices"

	"github.com/gatewright/gate/design"
)

// files adds the table of what files of an entity hold, in parts. They go with their
// row, whoever deletes it.
func (s *Schema) files(e *design.Entity) {
	fields := e.FileFields()
	if len(fields) == 0 {
		return
	}
	column := func(name string, kind Kind) *Column {
		return &Column{Name: name, Kind: kind, pos: fields[0].Pos, path: "entities." + e.Name + ".fields." + fields[0].Name}
	}
	row := column("row_id", keyKind(e.IDField().ID))
	row.References, row.OnDelete = e.Table, onDelete(design.Cascade)
	s.Tables = append(s.Tables, &Table{
		Name: e.FileTable(), Files: true, pos: fields[0].Pos, of: e,
		Columns: []*Column{column("file", UUID), column("part", Integer), row, column("data", Bytes)},
	})
}

// forget deletes what the files of a column hold that goes, where those of others stay.
func (c *comparison) forget(t *Table, col *Column) {
	parts := t.Name + "_files"
	if col.Kind != File || c.from.table(parts) == nil || c.to.table(parts) == nil {
		return
	}
	key := fmt.Sprintf("json_extract(%q, '$.key')", col.Name)
	if c.to.Database == design.Postgres {
		key = fmt.Sprintf("(%q->>'key')::uuid", col.Name)
	}
	c.before = append(c.before, statement{
		fmt.Sprintf("delete what files hold from table: %q", parts),
		fmt.Sprintf("DELETE FROM %q WHERE \"file\" IN (SELECT %s FROM %q WHERE %q IS NOT NULL)", parts, key, t.Name, col.Name),
	})
}

// ofFiles refuses a table of files that becomes something else, or the other way.
func (c *comparison) ofFiles(old, t *Table) {
	if old.Files != t.Files || !slices.EqualFunc(old.Columns, t.Columns, (*Column).same) {
		c.errs.Add(t.pos, t.Columns[0].path, fmt.Sprintf("table %s holds something else already", t.Name), "name another table")
	}
}

// ofFiles moves the table of files with that of their rows.
func (r *renaming) ofFiles(t *Table) {
	if r.from.table(t.Name) != nil {
		return
	}
	for _, m := range r.moves {
		old := r.from.table(m.from + "_files")
		if m.table == "" && m.to == t.of.Table && old != nil && old.Files {
			r.move(move{from: old.Name, to: t.Name})
			return
		}
	}
}
