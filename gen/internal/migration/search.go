package migration

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/search"
)

// searched lists the columns in which rows of an entity are searched.
func searched(e *design.Entity) []string {
	var out []string
	for _, f := range e.Fields {
		if f.Searchable {
			out = append(out, f.Column)
		}
	}
	return out
}

// searchIndex returns the objects by which rows of a table are searched.
func (t *Table) searchIndex(db design.Database) search.Index {
	x := search.Index{Dialect: store.SQLite, Table: t.Name, ID: t.Columns[0].Name, Columns: t.Search}
	if db == design.Postgres {
		x.Dialect = store.Postgres
	}
	return x
}

// search puts the statements of a migration between those that take away what
// searches a table and those that make it anew: what SQLite copies into another
// table loses its triggers, no column changes that an index rests on, and what is
// called after a table or column has its name.
func (c *comparison) search(statements []statement) []statement {
	var out, made []statement
	moved := map[string]bool{} // by the name that they have now
	for i, t := range c.was.Tables {
		is := c.from.Tables[i] // the same one, after the moves
		moved[is.Name] = t.Name != is.Name || !slices.Equal(t.Search, is.Search)
		if now := c.to.table(is.Name); t.Search != nil && (moved[is.Name] || now == nil || c.searchChanges(is, now, statements)) {
			out = append(out, commented("stop searching table", t, t.searchIndex(c.from.Database).Drop())...)
		}
	}
	for _, t := range c.to.Tables {
		if was := c.from.table(t.Name); t.Search != nil && (was == nil || moved[t.Name] || c.searchChanges(was, t, statements)) {
			made = append(made, commented("search table", t, t.searchIndex(c.to.Database).Create())...)
		}
	}
	return append(append(out, statements...), made...)
}

// searchChanges reports whether what searches a table does not outlive a migration.
func (c *comparison) searchChanges(was, is *Table, statements []statement) bool {
	copied := func(s statement) bool {
		return c.to.Database == design.SQLite && strings.HasPrefix(s.sql, fmt.Sprintf(`CREATE TABLE "new_%s"`, is.Name))
	}
	return !slices.Equal(was.Search, is.Search) || slices.ContainsFunc(statements, copied)
}

func commented(what string, t *Table, list []string) []statement {
	out := make([]statement, len(list))
	for i, sql := range list {
		out[i].sql = sql
	}
	out[0].comment = fmt.Sprintf("%s: %q", what, t.Name)
	return out
}
