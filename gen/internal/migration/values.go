package migration

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
)

// values finds the values of enums that have another name.
func (r *renaming) values(old, t *Table) {
	for _, c := range t.Columns[1:] {
		was := old.column(c.Name)
		if was == nil || was.Kind != c.Kind {
			continue
		}
		for _, v := range c.field.Values {
			switch {
			case v.RenamedFrom == "" || slices.Contains(was.Values, v.Name):
			case was.Values == nil || slices.Contains(was.Values, v.RenamedFrom):
				r.move(move{t.Name, c.Name, v.RenamedFrom, v.Name})
			default:
				hint := "no value of the column goes: remove the hint"
				if gone := without(was.Values, c.Values); len(gone) > 0 {
					hint = "the values that go are " + strings.Join(gone, ", ") + ": name one of them, or remove the hint"
				}
				r.errs.Add(v.Pos, c.path+".values", fmt.Sprintf("column %s of table %s had no value %s that could become %s", c.Name, t.Name, v.RenamedFrom, v.Name), hint)
			}
		}
	}
}

// without returns what is in a list and not in another.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// values tells of the values that rows may be left with.
func (c *comparison) values(t *Table, was, is *Column) {
	switch {
	case len(is.Values) == 0:
		return
	case len(was.Values) == 0 && c.was.Enums:
		c.lose(t.Name+"."+is.Name, "column %s of table %s becomes an enum, and rows would keep texts that are not among %s, which no filter finds: change them first",
			is.Name, t.Name, strings.Join(is.Values, ", "))
	}
	for _, v := range without(was.Values, is.Values) {
		c.lose(t.Name+"."+is.Name+"="+v, "value %s of column %s of table %s goes, and rows would keep it as what is no value any more and no filter finds: "+
			"write {name: …, renamedFrom: %[1]s} at the one that they get, or change the rows first", v, is.Name, t.Name)
	}
}

func (c *Column) renameValue(m move) {
	c.Values = slices.Clone(c.Values)
	if i := slices.Index(c.Values, m.from); i >= 0 {
		c.Values[i] = m.to
	}
}

// renameValue plans the change of rows. The text of a list has values in quotes, and
// nothing else that has some: values have nothing to escape.
func (c *comparison) renameValue(m move, of *Column) statement {
	where, value := fmt.Sprintf("%q = %s", m.column, quote(m.from)), quote(m.to)
	if of.Kind == List {
		from, to := fmt.Sprintf("%q", m.from), fmt.Sprintf("%q", m.to)
		where = fmt.Sprintf("instr(%q, %s) > 0", m.column, quote(from))
		value = fmt.Sprintf("replace(%q, %s, %s)", m.column, quote(from), quote(to))
		if c.to.Database == design.Postgres {
			where = fmt.Sprintf("%q @> %s", m.column, quote("["+from+"]"))
			value = fmt.Sprintf("replace(%q::text, %s, %s)::jsonb", m.column, quote(from), quote(to))
		}
	}
	return statement{
		fmt.Sprintf("rename value %q of column %q of table: %q", m.from, m.column, m.table),
		fmt.Sprintf("UPDATE %q SET %q = %s WHERE %s", m.table, m.column, value, where),
	}
}
