package migration

import (
	"fmt"
	"slices"

	"github.com/gatewright/gate/design"
)

// joins adds the tables of relations that are to many at both ends. A pair goes
// with either of its rows: it says nothing without them.
func (s *Schema) joins(d *design.Design) error {
	for _, e := range d.Entities {
		for _, l := range e.Links {
			if l.Join == nil || l.Far() {
				continue
			}
			t := &Table{Name: l.Join.Table, Join: true, pos: l.Pos, link: l}
			for _, end := range []struct {
				column string
				to     *design.Entity
			}{{l.Join.Near, l.From}, {l.Join.Far, l.To}} {
				id := end.to.IDField()
				if id == nil {
					return fmt.Errorf("entity %s has no id", end.to.Name)
				}
				t.Columns = append(t.Columns, &Column{
					Name: end.column, Kind: keyKind(id.ID), References: end.to.Table, OnDelete: onDelete(design.Cascade),
					pos: l.Pos, path: "entities." + e.Name + ".fields." + l.Name,
				})
			}
			s.Tables = append(s.Tables, t)
		}
	}
	return nil
}

// keyKind is how a column keeps an id that another table has.
func keyKind(k design.IDKind) Kind {
	if kind := idKind(k); kind != Serial {
		return kind
	}
	return Integer
}

// join refuses a table of pairs that becomes something else: the pairs of one
// relation mean nothing to another.
func (c *comparison) join(old, t *Table) {
	if old.Join != t.Join || !slices.EqualFunc(old.Columns, t.Columns, (*Column).same) {
		first := t.Columns[0]
		c.errs.Add(t.pos, first.path, fmt.Sprintf("table %s holds something else already", t.Name), "name another table")
	}
}
