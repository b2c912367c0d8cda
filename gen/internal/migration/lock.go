package migration

import (
	"fmt"
	"strings"

	"github.com/gatewright/gate/design"
)

// locked has PostgreSQL lock a table as a whole before the first statement that
// would lock its rows, or keep writers from it, when a later one wants it for
// itself: who writes to the table, and waits for the first, would be in the way of
// the later one, and one of the two would be undone.
func (c *comparison) locked(statements []statement) []statement {
	if c.to.Database != design.Postgres {
		return statements
	}
	var out []statement
	done := map[string]bool{}
	for i, s := range statements {
		for _, t := range c.to.Tables {
			switch {
			case done[t.Name] || c.from.table(t.Name) == nil:
			case alters(s, t):
				done[t.Name] = true
			case !touches(s, t):
			case anyAlters(statements[i+1:], t):
				done[t.Name] = true
				out = append(out, statement{fmt.Sprintf("wait for table: %q", t.Name), fmt.Sprintf("LOCK TABLE %q IN ACCESS EXCLUSIVE MODE", t.Name)})
			}
		}
		out = append(out, s)
	}
	return out
}

func alters(s statement, t *Table) bool {
	return strings.HasPrefix(s.sql, fmt.Sprintf("ALTER TABLE %q ", t.Name)) || strings.HasPrefix(s.sql, fmt.Sprintf("DROP TABLE %q", t.Name))
}

func anyAlters(statements []statement, t *Table) bool {
	for _, s := range statements {
		if alters(s, t) {
			return true
		}
	}
	return false
}

func touches(s statement, t *Table) bool {
	return strings.HasPrefix(s.sql, fmt.Sprintf("UPDATE %q ", t.Name)) || strings.HasPrefix(s.sql, fmt.Sprintf("DELETE FROM %q ", t.Name)) ||
		strings.HasPrefix(s.sql, "CREATE ") && strings.Contains(s.sql, fmt.Sprintf(" ON %q ", t.Name))
}
