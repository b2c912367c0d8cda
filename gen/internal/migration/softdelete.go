package migration

import (
	"fmt"
	"slices"

	"github.com/gatewright/gate/design"
)

// unkeep deletes the deleted rows of a table that keeps them no more, with what of
// other tables points to them: PostgreSQL would refuse that, and SQLite, which does
// not look at foreign keys while it migrates, would find them broken at the end.
func (c *comparison) unkeep(t *Table) {
	c.lose(t.Name, "the deleted rows of table %s, which could be restored, are deleted for good", t.Name)
	gone := fmt.Sprintf("%q IS NOT NULL", t.Deleted)
	c.release(t, gone, []string{t.Name})
	c.before = append(c.before, statement{
		fmt.Sprintf("delete what was deleted from table: %q", t.Name),
		fmt.Sprintf("DELETE FROM %q WHERE %s", t.Name, gone),
	})
}

// release plans what becomes of the rows that point to some of a table, before those
// go: children come before their parents. On the way to it tables are not passed
// twice.
func (c *comparison) release(t *Table, rows string, way []string) {
	for _, child := range c.from.Tables {
		for _, key := range child.Columns {
			if key.References != t.Name || slices.Contains(way, child.Name) {
				continue
			}
			points := fmt.Sprintf("%q IN (SELECT %q FROM %q WHERE %s)", key.Name, t.Columns[0].Name, t.Name, rows)
			switch {
			case key.OnDelete == onDelete(design.SetNull):
				c.before = append(c.before, statement{
					fmt.Sprintf("empty column %q of table: %q", key.Name, child.Name),
					fmt.Sprintf("UPDATE %q SET %q = NULL WHERE %s", child.Name, key.Name, points),
				})
				continue
			case key.OnDelete == onDelete(design.Cascade):
			case child.Deleted == "": // of the rows that are there none points to a deleted one
				continue
			default:
				points += fmt.Sprintf(" AND %q IS NOT NULL", child.Deleted)
			}
			if !child.Join && !child.Files {
				c.alsoLose(child, t)
				c.release(child, points, append(slices.Clone(way), child.Name))
			}
			c.before = append(c.before, statement{
				fmt.Sprintf("delete what points to deleted rows from table: %q", child.Name),
				fmt.Sprintf("DELETE FROM %q WHERE %s", child.Name, points),
			})
		}
	}
}

// alsoLose says once that rows of a table go with those of another.
func (c *comparison) alsoLose(child, parent *Table) {
	l := Loss{child.Name, fmt.Sprintf("the rows of table %s that point to deleted rows of table %s are deleted for good", child.Name, parent.Name)}
	if !slices.Contains(c.losses, l) {
		c.losses = append(c.losses, l)
	}
}
