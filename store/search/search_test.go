package search_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/search"
	"github.com/gatewright/gate/store/storetest"
)

func TestWords(t *testing.T) {
	long := strings.Repeat("é", search.MaxWord+5)
	for text, want := range map[string][]string{
		"":                       nil,
		"...!\"'*-^(){}:":        nil,
		"Fig and HONEY":          {"fig", "and", "honey"},
		"a.b@c-d_e/f:1.5":        {"a", "b", "c", "d", "e", "f", "1", "5"},
		"to be or not to be":     {"or", "not", "to", "be"},
		"\"NEAR(a b)\" AND c*":   {"near", "a", "b", "and", "c"},
		"Caf\u00c9 \U0001F600 語": {"cafÉ", "\U0001F600", "語"},
		long:                     {long[:2*search.MaxWord]},
	} {
		if diff := cmp.Diff(want, search.Words(text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func index(db *store.DB, columns ...string) search.Index {
	return search.Index{Dialect: db.Dialect(), Table: "items", ID: "id", Columns: columns}
}

func exec(t *testing.T, db *store.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// found returns the ids of the rows that have the words of a text in some columns.
func found(t *testing.T, db *store.DB, text string, columns ...string) string {
	t.Helper()
	var args []any
	where := index(db, columns...).Condition("t0", search.Words(text), func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	})
	rows, err := db.Read().QueryContext(t.Context(), "SELECT t0.id FROM items AS t0 WHERE "+where+" ORDER BY t0.id", args...)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(ids, " ")
}

// TestIndex finds what was there before the index and what came after it, in the
// columns that are asked for and in no others.
func TestIndex(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		exec(t, db, "CREATE TABLE items (id text PRIMARY KEY, name text, rank text)",
			`INSERT INTO items VALUES ('a', 'Fig and honey', 'secret sauce'), ('b', NULL, 'fig'), ('gone', 'fig', NULL)`)
		x := index(db, "name", "rank")
		exec(t, db, x.Create()...)
		exec(t, db,
			`INSERT INTO items VALUES ('c', 'caf`+"\u00e9"+` figaro', 'x')`,
			`UPDATE items SET rank = 'olive-oil' WHERE id = 'b'`,
			`UPDATE items SET id = 'd' WHERE id = 'b'`,
			`DELETE FROM items WHERE id = 'gone'`,
		)
		check := func(stage string) {
			t.Helper()
			for _, tt := range []struct{ text, columns, want string }{
				{"fig", "name rank", "a c"},
				{"FIG", "name", "a c"},
				{"honey fi", "name rank", "a c"[:1]},
				{"fi honey", "name rank", ""}, // but the last word is whole
				{"honey oney", "name", ""},
				{"secret", "name rank", "a"},
				{"secret", "name", ""},
				{"honey secret", "name rank", "a"},
				{"honey secret", "name", ""},
				{"oil", "rank", "d"},
				{"olive-oil", "rank", "d"},
				{"caf\u00e9", "name", "c"},
				{"caf", "name", "c"},
				{"cafe", "name", ""},
				{"s_rank", "name", ""},
			} {
				if got := found(t, db, tt.text, strings.Fields(tt.columns)...); got != tt.want {
					t.Errorf("%s: %q in %s: %q, want %q", stage, tt.text, tt.columns, got, tt.want)
				}
			}
		}
		check("new")
		exec(t, db, "VACUUM")
		check("after VACUUM")
		exec(t, db, x.Drop()...)
		exec(t, db, x.Create()...)
		check("made again")
	})
}

// TestIndex_attacks: no text is a syntax, for either database.
func TestIndex_attacks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		exec(t, db, "CREATE TABLE items (id text PRIMARY KEY, name text)", `INSERT INTO items VALUES ('a', 'NEAR and or not col rowid s_name')`)
		exec(t, db, index(db, "name").Create()...)
		for _, text := range []string{
			`"`, `""`, `'`, `''`, `\`, `\'`, `*`, `a*`, `-a`, `^a`, `(`, `)`, `{a}`, `a:b`, `name:a`, `s_name : a`, `NEAR(a b, 1)`, `a NEAR b`, `AND`, `OR`, `NOT`,
			`a AND`, `NOT a`, `a + b`, `!a`, `a & b`, `a | b`, `a <-> b`, `a:*`, `'a':*A`, `%`, `_`, `; DROP TABLE items`, "a\nb\tc", "\u2028", "\ufeff", "\U0010FFFF",
			strings.Repeat("x", 1000), strings.Repeat("é", 1000), strings.Repeat("\U0001F600", 1000), strings.Repeat(`"`, 1000), "rank", "rowid",
		} {
			found(t, db, text, "name") // and it is no fault
			if want := "a"; slices.Contains([]string{"AND", "OR", "NOT", "s_name : NEAR", "a NEAR"}, text) && text != "a NEAR" {
				if got := found(t, db, text, "name"); got != want {
					t.Errorf("%q finds %q", text, got)
				}
			}
		}
		if got := found(t, db, "...", "name"); got != "" {
			t.Errorf("no word finds %q", got)
		}
		if got := found(t, db, "near"); got != "" {
			t.Errorf("no column finds %q", got)
		}
	})
}

// TestIndex_long: a value of any length can be written, and its beginning is found.
func TestIndex_long(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		exec(t, db, "CREATE TABLE items (id text PRIMARY KEY, name text)")
		exec(t, db, index(db, "name").Create()...)
		var many strings.Builder
		for i := range 200_000 {
			fmt.Fprintf(&many, "%x ", i)
		}
		word := strings.Repeat("y", 100_000)
		for id, text := range map[string]string{"many": many.String(), "word": word, "wide": strings.Repeat("語", 100_000), "blank": strings.Repeat(" ", 100_000) + "end"} {
			if _, err := db.Exec(t.Context(), "INSERT INTO items VALUES ($1, $2)", id, text); err != nil {
				t.Fatalf("%s: %v", id, err)
			}
		}
		for text, want := range map[string]string{"1fff": "many", word[:300]: "word", "yyy": "word", word[:300] + " nothing": "", "end": ""} {
			if got := found(t, db, text, "name"); got != want {
				t.Errorf("%.20q finds %q, want %q", text, got, want)
			}
		}
	})
}

// TestIndex_drift: what somebody does to the index by hand is noticed.
func TestIndex_drift(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		x := index(db, "name")
		script := strings.Join(append([]string{"CREATE TABLE items (id text PRIMARY KEY, name text)"}, x.Create()...), ";\n")
		app := []store.Component{{Name: "app", Migrations: []store.Migration{{Version: 1, Name: "init", SQL: script}}}}
		if _, err := db.Migrate(t.Context(), "app", app[0].Migrations); err != nil {
			t.Fatal(err)
		}
		drift := func() []string {
			t.Helper()
			list, err := db.Drift(t.Context(), app)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		if got := drift(); len(got) > 0 {
			t.Fatal(got)
		}
		exec(t, db, x.Drop()[0])
		if got := drift(); len(got) != 1 || !strings.Contains(got[0], "is missing") {
			t.Errorf("without %s: %q", x.Drop()[0], got)
		}
	})
}

// TestIndex_used: PostgreSQL takes the expression of a condition for that of the
// index, without which it would read every row.
func TestIndex_used(t *testing.T) {
	db := storetest.Postgres(t)
	exec(t, db, "CREATE TABLE items (id text PRIMARY KEY, name text, note text)")
	exec(t, db, index(db, "name", "note").Create()...)
	where := index(db, "name", "note").Condition("t0", []string{"fig", "hon"}, func(v any) string { return "'" + strings.ReplaceAll(v.(string), "'", "''") + "'" })
	conn, err := db.Read().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "SET enable_seqscan = off"); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.QueryContext(t.Context(), "EXPLAIN SELECT 1 FROM items AS t0 WHERE "+where)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(line + "\n")
	}
	if rows.Err() != nil || !strings.Contains(plan.String(), "items_name_search") || !strings.Contains(plan.String(), "items_note_search") {
		t.Errorf("%v\n%s", rows.Err(), &plan)
	}
}
