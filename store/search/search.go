// Package search is the full-text search of tables, on both databases alike: how a
// text becomes words, the objects of the database that find them, and the condition
// that asks these.
//
// A word is a run of ASCII letters and digits and of all characters beyond ASCII. It
// compares without regard to the case of ASCII letters. Neither depends on the
// language, the locale or the version of the database, so that no upgrade of these
// makes an index a wrong one. Of a value the first [MaxValue] characters are found,
// and of a word the first [MaxWord] count.
//
// On SQLite a table has an index by FTS5, which triggers keep; on PostgreSQL each
// column has one by GIN, over an expression. Migrations create them; see [Create].
package search

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/gatewright/gate/store"
)

// Bounds of what is found.
const (
	MaxValue = 65_536 // characters of a value
	MaxWord  = 200    // characters of a word
)

// Words returns the words of a text in lower case, each once, in their order.
func Words(text string) []string {
	words := strings.FieldsFunc(lower(text), func(r rune) bool { return r < 0x80 && (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	var out []string
	for i, w := range words {
		if runes := []rune(w); len(runes) > MaxWord {
			w = string(runes[:MaxWord])
		}
		if !slices.Contains(words[i+1:], words[i]) { // the last one stays the last
			out = append(out, w)
		}
	}
	return out
}

// lower writes the letters of ASCII small.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// An Index is the search of one table.
type Index struct {
	Dialect store.Dialect
	Table   string
	ID      string   // the column of the primary key
	Columns []string // that are searched, one at least
}

// names of the objects on SQLite.
func (x Index) words() string { return "gate_search_" + x.Table }
func (x Index) rows() string  { return "gate_search_rows_" + x.Table }

// Create returns the statements that make the objects, and find what is in the table
// already.
func (x Index) Create() []string {
	if x.Dialect == store.Postgres {
		return x.createGIN()
	}
	return x.createFTS()
}

// Drop returns the statements that take the objects away. They are to run before a
// column is renamed, changed or dropped, or the table is.
func (x Index) Drop() []string {
	q := x.Dialect.Quote
	var out []string
	if x.Dialect == store.Postgres {
		for _, c := range x.Columns {
			out = append(out, "DROP INDEX "+q(x.gin(c)))
		}
		return out
	}
	for _, event := range []string{"insert", "update", "delete"} {
		out = append(out, "DROP TRIGGER "+q(x.words()+"_"+event))
	}
	return append(out, "DROP TABLE "+q(x.words()), "DROP TABLE "+q(x.rows()))
}

// createFTS makes an index that keeps no texts. It knows rows by a number that no
// VACUUM changes, as that of a table without a number for a key would be.
func (x Index) createFTS() []string {
	q := x.Dialect.Quote
	words, rows, table, id := q(x.words()), q(x.rows()), q(x.Table), q(x.ID)
	var names, fresh, there []string
	changed := []string{fmt.Sprintf("OLD.%[1]s IS NOT NEW.%[1]s", id)}
	for _, c := range x.Columns {
		names = append(names, q(ftsColumn(c)))
		fresh = append(fresh, fmt.Sprintf("substr(NEW.%s, 1, %d)", q(c), MaxValue))
		there = append(there, fmt.Sprintf("substr(t.%s, 1, %d)", q(c), MaxValue))
		changed = append(changed, fmt.Sprintf("OLD.%[1]s IS NOT NEW.%[1]s", q(c)))
	}
	list := strings.Join(names, ", ")
	number := func(row string) string {
		return fmt.Sprintf("(SELECT n FROM %s WHERE id = %s.%s)", rows, row, id)
	}
	insert := fmt.Sprintf("INSERT INTO %s (rowid, %s) VALUES (%s, %s)", words, list, number("NEW"), strings.Join(fresh, ", "))
	remove := fmt.Sprintf("DELETE FROM %s WHERE rowid = %s", words, number("OLD"))
	trigger := func(event string) string {
		return fmt.Sprintf("CREATE TRIGGER %s AFTER %s ON %s ", q(x.words()+"_"+event), strings.ToUpper(event), table)
	}
	return []string{
		fmt.Sprintf("CREATE TABLE %s (n integer PRIMARY KEY, id NOT NULL UNIQUE)", rows),
		fmt.Sprintf("CREATE VIRTUAL TABLE %s USING fts5(%s, content='', contentless_delete=1, tokenize='ascii')", words, list),
		fmt.Sprintf("INSERT INTO %s (id) SELECT %s FROM %s", rows, id, table),
		fmt.Sprintf("INSERT INTO %s (rowid, %s) SELECT r.n, %s FROM %s AS r JOIN %s AS t ON t.%s = r.id", words, list, strings.Join(there, ", "), rows, table, id),
		trigger("insert") + "BEGIN INSERT INTO " + rows + " (id) VALUES (NEW." + id + "); " + insert + "; END",
		trigger("update") + "WHEN " + strings.Join(changed, " OR ") + " BEGIN " + remove + "; " +
			"UPDATE " + rows + " SET id = NEW." + id + " WHERE id = OLD." + id + "; " + insert + "; END",
		trigger("delete") + "BEGIN " + remove + "; DELETE FROM " + rows + " WHERE id = OLD." + id + "; END",
	}
}

// ftsColumn is what a column is called in an index: FTS5 keeps some names for itself.
func ftsColumn(column string) string { return "s_" + column }

func (x Index) createGIN() []string {
	var out []string
	for _, c := range x.Columns {
		out = append(out, fmt.Sprintf("CREATE INDEX %s ON %s USING gin (%s)",
			x.Dialect.Quote(x.gin(c)), x.Dialect.Quote(x.Table), vector(x.Dialect.Quote(c))))
	}
	return out
}

// gin is the name of the index of a column, within the 63 bytes that PostgreSQL looks
// at.
func (x Index) gin(column string) string {
	name := x.Table + "_" + column + "_search"
	if len(name) <= 63 {
		return name
	}
	h := fnv.New32a()
	h.Write([]byte(name))
	return fmt.Sprintf("%s_%08x_search", name[:63-16], h.Sum32())
}

// vector is the words of a column. It is what an index was made of, to the letter, or
// else the index finds nothing.
func vector(column string) string {
	const separator = `\u0001-\u002f\u003a-\u0060\u007b-\u007f` // all of ASCII that is no letter or digit
	cut := fmt.Sprintf(`regexp_replace(lower(left(%s, %d) COLLATE "C"), '([^%s]{%d})[^%[3]s]+', '\1', 'g')`, column, MaxValue, separator, MaxWord)
	return fmt.Sprintf(`array_to_tsvector(array_remove(regexp_split_to_array(%s, '[%s]+'), ''))`, cut, separator)
}

// Condition returns the condition that a row, known by the alias of its table, has
// all of the words in some of the columns, the last one as the beginning of a word.
// Columns are all that is looked at: words of others find no row, whatever is in the
// index. Bind adds an argument to the statement and returns its placeholder. Without
// words or columns it is false.
func (x Index) Condition(alias string, words []string, bind func(any) string) string {
	switch {
	case len(words) == 0 || len(x.Columns) == 0:
		return "1 = 0"
	case x.Dialect == store.Postgres:
		return x.conditionGIN(alias, words, bind)
	}
	return x.conditionFTS(alias, words, bind)
}

func (x Index) conditionFTS(alias string, words []string, bind func(any) string) string {
	var ask strings.Builder
	ask.WriteByte('{')
	for _, c := range x.Columns {
		ask.WriteString(phrase(ftsColumn(c)) + " ")
	}
	ask.WriteString("} : (")
	for i, w := range words {
		if i > 0 {
			ask.WriteString(" AND ")
		}
		ask.WriteString(phrase(w))
		if i == len(words)-1 || len([]rune(w)) == MaxWord {
			ask.WriteByte('*')
		}
	}
	ask.WriteByte(')')
	q := x.Dialect.Quote
	return fmt.Sprintf("%s.%s IN (SELECT r.id FROM %s AS r JOIN %s AS w ON w.rowid = r.n WHERE w.%[4]s MATCH %s)",
		alias, q(x.ID), q(x.rows()), q(x.words()), bind(ask.String()))
}

// phrase is a text in a query of FTS5, in which nothing has a meaning but quotes.
func phrase(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func (x Index) conditionGIN(alias string, words []string, bind func(any) string) string {
	var out strings.Builder
	for i, w := range words {
		// Words have neither quotes nor backslashes.
		ask := "'" + w + "'"
		if i == len(words)-1 {
			ask += ":*"
		}
		place := bind(ask)
		if i > 0 {
			out.WriteString(" AND ")
		}
		out.WriteByte('(')
		for k, c := range x.Columns {
			if k > 0 {
				out.WriteString(" OR ")
			}
			out.WriteString(vector(alias+"."+x.Dialect.Quote(c)) + " @@ CAST(" + place + " AS tsquery)")
		}
		out.WriteByte(')')
	}
	return out.String()
}
