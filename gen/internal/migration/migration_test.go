package migration_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/internal/migration"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// schema returns the schema of a design with these entities.
func schema(t *testing.T, db design.Database, entities string) *migration.Schema {
	t.Helper()
	src := fmt.Sprintf("gate: 1\nservice: {name: shop, module: example.com/shop, database: %s}\nentities:\n%s", db, entities)
	d, err := design.Parse("gate.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	s, err := migration.FromDesign(d)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// history is a database that follows a design.
type history struct {
	*testing.T

	db     *store.DB
	name   design.Database
	now    *migration.Schema
	steps  []store.Migration
	losses []string
}

// each runs test on both databases.
func each(t *testing.T, test func(h *history)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := &history{T: t, db: db, name: design.SQLite}
		if db.Dialect() == store.Postgres {
			h.name = design.Postgres
		}
		h.now, _ = migration.Parse(h.name, nil)
		test(h)
	})
}

// try plans the way to the design and runs it.
func (h *history) try(entities string) error {
	h.Helper()
	next := schema(h.T, h.name, entities)
	plan, err := migration.Diff(h.now, next)
	if err != nil {
		return err
	}
	h.losses = nil
	for _, l := range plan.Losses {
		h.losses = append(h.losses, l.Name)
	}
	if !plan.Empty() {
		if strings.Contains(strings.ToUpper(string(plan.SQL)), "PRAGMA") {
			h.Errorf("a PRAGMA does nothing in a transaction:\n%s", plan.SQL)
		}
		step := store.Migration{Version: len(h.steps) + 1, Name: plan.Title, SQL: string(plan.SQL), Down: string(plan.Down)}
		if _, err := h.db.Migrate(h.Context(), "shop", append(h.steps, step)); err != nil {
			return fmt.Errorf("%w in\n%s", err, plan.SQL)
		}
		h.steps = append(h.steps, step)
	}
	snapshot, err := next.Snapshot()
	if err != nil {
		h.Fatal(err)
	}
	if h.now, err = migration.Parse(h.name, snapshot); err != nil {
		h.Fatal(err)
	}
	return nil
}

// to leads the database to the design.
func (h *history) to(entities string, losses ...string) {
	h.Helper()
	if err := h.try(entities); err != nil {
		h.Fatal(err)
	}
	if diff := cmp.Diff(losses, h.losses); diff != "" {
		h.Errorf("losses (-want +got):\n%s", diff)
	}
}

func (h *history) exec(query string, args ...any) {
	h.Helper()
	if _, err := h.db.Exec(h.Context(), query, args...); err != nil {
		h.Fatalf("%s: %v", query, err)
	}
}

// text returns the first column of the rows of a query, separated by spaces.
func (h *history) text(query string) string {
	h.Helper()
	rows, err := h.db.Read().QueryContext(context.Background(), query)
	if err != nil {
		h.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s any
		if err := rows.Scan(&s); err != nil {
			h.Fatal(err)
		}
		if b, ok := s.([]byte); ok {
			s = string(b)
		}
		all = append(all, fmt.Sprint(s))
	}
	if err := rows.Err(); err != nil {
		h.Fatal(err)
	}
	return strings.Join(all, " ")
}

func (h *history) expect(query, want string) {
	h.Helper()
	if got := h.text(query); got != want {
		h.Errorf("%s\n got: %s\nwant: %s", query, got, want)
	}
}

const times = `created_at, updated_at`

// at is a moment, twice.
const at = `'2026-01-31T12:00:00.000000Z', '2026-01-31T12:00:00.000000Z'`

const (
	idA = `'01941f29-7c00-7a3e-8b1d-00000000000a'`
	idB = `'01941f29-7c00-7a3e-8b1d-00000000000b'`
	idC = `'01941f29-7c00-7a3e-8b1d-00000000000c'`
)

// TestRebuildKeepsChildren is the trap: a rebuild of a parent must not delete
// the rows that hang on it by CASCADE.
func TestRebuildKeepsChildren(t *testing.T) {
	each(t, func(h *history) {
		const child = "  Comment: {fields: {post: {type: relation, to: Post, required: true, onDelete: cascade}}}\n"
		h.to("  Post: {fields: {title: text, kind: text}}\n" + child)
		h.exec(`INSERT INTO posts (id, title, kind, ` + times + `) VALUES (` + idA + `, NULL, 'x', ` + at + `)`)
		h.exec(`INSERT INTO comments (id, post_id, ` + times + `) VALUES (` + idB + `, ` + idA + `, ` + at + `)`)
		h.to("  Post: {fields: {title: {type: text, required: true, default: untitled}}}\n"+child, "posts.kind")
		h.expect("SELECT count(*) FROM comments", "1")
		h.expect("SELECT title FROM posts", "untitled")
		if _, err := h.db.Exec(h.Context(), `INSERT INTO posts (id, title, `+times+`) VALUES (`+idB+`, NULL, `+at+`)`); err == nil {
			t.Error("a required column takes null")
		}
		h.exec("DELETE FROM posts")
		h.expect("SELECT count(*) FROM comments", "0")
	})
}

func prices(precision, scale int) string {
	return fmt.Sprintf("  Item: {fields: {price: {type: decimal, precision: %d, scale: %d}}}\n", precision, scale)
}

// scaled returns what a column of decimals holds, as PostgreSQL prints it.
func (h *history) scaled(scale int) string {
	if h.name == design.SQLite {
		return h.text(fmt.Sprintf("SELECT printf('%%s%%d.%%0%dd', CASE WHEN price < 0 THEN '-' ELSE '' END, abs(price) / 1%[2]s, abs(price) %% 1%[2]s) FROM items ORDER BY price", scale, strings.Repeat("0", scale)))
	}
	return h.text("SELECT price::text FROM items ORDER BY price")
}

func (h *history) price(id, value string, scale int) {
	h.Helper()
	if h.name == design.SQLite {
		whole, fraction, _ := strings.Cut(value, ".")
		value = whole + fraction + strings.Repeat("0", scale-len(fraction))
	}
	h.exec(`INSERT INTO items (id, price, ` + times + `) VALUES (` + id + `, ` + value + `, ` + at + `)`)
}

func TestDecimals(t *testing.T) {
	t.Run("more decimals", func(t *testing.T) {
		each(t, func(h *history) {
			h.to(prices(10, 2))
			h.price(idA, "12.50", 2)
			h.price(idB, "-0.07", 2)
			h.to(prices(12, 4))
			if got, want := h.scaled(4), "-0.0700 12.5000"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	})
	t.Run("fewer decimals round half away from zero", func(t *testing.T) {
		each(t, func(h *history) {
			h.to(prices(10, 3))
			h.price(idA, "12.345", 3)
			h.price(idB, "-12.345", 3)
			h.to(prices(10, 2), "items.price")
			if got, want := h.scaled(2), "-12.35 12.35"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	})
	t.Run("a value that does not fit stops everything", func(t *testing.T) {
		for name, next := range map[string]string{"more decimals": prices(5, 3), "less room": prices(4, 2), "eighteen digits": prices(18, 16)} {
			t.Run(name, func(t *testing.T) {
				each(t, func(h *history) {
					h.to(prices(5, 2))
					h.price(idA, "999.99", 2)
					if err := h.try(next); err == nil {
						t.Error("a price of 999.99 was cut")
					}
					if got, want := h.scaled(2), "999.99"; got != want {
						t.Errorf("got %s, want %s", got, want)
					}
				})
			})
		}
	})
	t.Run("from and to whole numbers", func(t *testing.T) {
		each(t, func(h *history) {
			h.to("  Item: {fields: {price: integer}}\n")
			h.exec(`INSERT INTO items (id, price, ` + times + `) VALUES (` + idA + `, 12, ` + at + `)`)
			h.to(prices(10, 2))
			if got, want := h.scaled(2), "12.00"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			h.exec("DELETE FROM items")
			h.price(idB, "12.50", 2)
			h.to("  Item: {fields: {price: integer}}\n", "items.price")
			h.expect("SELECT price FROM items", "13")
		})
	})
}

func TestConversions(t *testing.T) {
	each(t, func(h *history) {
		h.to("  Item: {fields: {day: date, count: integer, note: text}}\n")
		h.exec(`INSERT INTO items (id, day, count, note, ` + times + `) VALUES (` + idA + `, '2026-01-31', 7, 'n', ` + at + `)`)
		day := "SELECT day FROM items"
		if h.name == design.Postgres {
			h.exec("SET TIME ZONE 'Asia/Tokyo'") // what a session has set is not what counts
			day = `SELECT to_char(day AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM items`
		}
		h.to("  Item: {fields: {day: datetime, count: text, note: longtext}}\n")
		h.expect("SELECT count || note FROM items", "7n")
		h.expect(day, "2026-01-31T00:00:00.000000Z")
	})
}

// TestReplacedColumns is about types that do not follow from each other: above
// all, text does not become a password, nor a password a text.
func TestReplacedColumns(t *testing.T) {
	each(t, func(h *history) {
		h.to("  Item: {fields: {secret: {type: password, required: false}, kind: text, link: {type: relation, to: Item}}}\n  Other: {}\n")
		h.exec(`INSERT INTO items (id, secret, kind, link_id, ` + times + `) VALUES (` + idA + `, 'hash', 'b', ` + idA + `, ` + at + `)`)
		h.to("  Item: {fields: {secret: text, kind: {type: boolean, required: true, default: true}, link: {type: relation, to: Other}}}\n  Other: {}\n",
			"items.secret", "items.kind", "items.link_id")
		h.expect("SELECT count(*) FROM items WHERE secret IS NULL AND link_id IS NULL", "1")
		h.expect("SELECT kind FROM items", map[design.Database]string{design.SQLite: "1", design.Postgres: "true"}[h.name])
	})
}

// TestGEN02_defaultsAreText gives defaults that want to be more than text to rows
// that are there.
func TestGEN02_defaultsAreText(t *testing.T) {
	hostile := []string{
		"plain", "it's", `'; DROP TABLE items; --`, `''`, `"quoted"`, `back\slash'`, `'x\'`, "gate default items.f0", "`tick`", "$1 ? %s {{.}}", "ünï", "--", "/*",
	}
	each(t, func(h *history) {
		h.to("  Item: {}\n")
		h.exec(`INSERT INTO items (id, ` + times + `) VALUES (` + idA + `, ` + at + `)`)
		var fields strings.Builder
		for i, value := range hostile {
			fmt.Fprintf(&fields, "      f%d: {type: text, required: true, default: %q}\n", i, value)
		}
		h.to("  Item:\n    fields:\n" + fields.String())
		for i, value := range hostile {
			h.expect(fmt.Sprintf("SELECT f%d FROM items", i), value)
		}
	})
}

// TestNewColumnsCopyNothing adds columns with constant defaults: SQLite can do
// that without a copy of the table.
func TestNewColumnsCopyNothing(t *testing.T) {
	was := schema(t, design.SQLite, "  Item: {}\n")
	plan, err := migration.Diff(was, schema(t, design.SQLite, "  Item: {fields: {a: {type: text, required: true, default: x}, b: {type: integer, default: 1}, c: text}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(plan.SQL); strings.Contains(got, "CREATE TABLE") || strings.Count(got, "ALTER TABLE") != 3 {
		t.Errorf("got\n%s", got)
	}
}

func TestDefaultsOfAllTypes(t *testing.T) {
	each(t, func(h *history) {
		h.to("  Item: {}\n")
		h.exec(`INSERT INTO items (id, ` + times + `) VALUES (` + idA + `, ` + at + `)`)
		h.to(`  Item:
    fields:
      i: {type: integer, required: true, default: -3}
      d: {type: decimal, precision: 6, scale: 2, required: true, default: 1.5}
      f: {type: float, required: true, default: 2.5}
      b: {type: boolean, required: true, default: true}
      e: {type: enum, values: [draft, done], required: true, default: draft}
      day: {type: date, required: true, default: "2026-01-31"}
      t: {type: datetime, required: true, default: "2026-01-31T13:00:00+01:00"}
      n: {type: datetime, required: true, default: now}
      today: {type: date, required: true, default: now}
`)
		want, query := "-3|150|2.5|1|draft|2026-01-31|2026-01-31T12:00:00.000000Z", "SELECT i || '|' || d || '|' || f || '|' || b || '|' || e || '|' || day || '|' || t FROM items"
		if h.name == design.Postgres {
			want = "-3|1.50|2.5|true|draft|2026-01-31|2026-01-31 12:00:00"
			query = "SELECT i || '|' || d || '|' || f || '|' || b || '|' || e || '|' || day || '|' || (t AT TIME ZONE 'UTC') FROM items"
		}
		h.expect(query, want)
		if h.name == design.SQLite {
			h.expect("SELECT count(*) FROM items WHERE n GLOB '20??-??-??T??:??:??.???000Z' AND today GLOB '20??-??-??'", "1")
			return
		}
		h.expect("SELECT count(*) FROM items WHERE n > now() - interval '1 minute' AND today > current_date - 2", "1")
		h.expect("SELECT count(*) FROM information_schema.columns WHERE table_name = 'items' AND column_default IS NOT NULL", "0")
	})
}

// TestRefusals is about rows that could not follow. Each names its line.
func TestRefusals(t *testing.T) {
	base := "  Item:\n    fields:\n      note: text\n      count: {type: integer, required: true}\n"
	for name, tt := range map[string]struct{ next, want string }{
		"required without default": {base + "      more: {type: text, required: true}\n", "gate.yaml:8:7: column more of table items is required"},
		"required relation":        {base + "      to: {type: relation, to: Shop, required: true}\n  Shop: {}\n", "gate.yaml:8:7: column to_id of table items is required"},
		"other id":                 {base + "      id: {type: id, kind: serial}\n", "gate.yaml:8:7: the id of table items cannot change"},
		"replaced and required":    {strings.Replace(base, "count: {type: integer, required: true}", "count: {type: boolean, required: true}", 1), "gate.yaml:7:7: column count of table items is required"},
	} {
		t.Run(name, func(t *testing.T) {
			was := schema(t, design.SQLite, base)
			_, err := migration.Diff(was, schema(t, design.SQLite, tt.next))
			if errs, ok := errors.AsType[*design.Errors](err); !ok || !strings.HasPrefix(errs.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestBecomesRequired: a relation, which has no default, becomes required once its rows
// have one; before, the migration fails and changes nothing.
func TestBecomesRequired(t *testing.T) {
	each(t, func(h *history) {
		const model = "  Item: {fields: {note: text, of: {type: relation, to: Shop%s}}}\n  Shop: {}\n"
		h.to(fmt.Sprintf(model, ""))
		h.exec(`INSERT INTO shops (id, ` + times + `) VALUES (` + idA + `, ` + at + `)`)
		h.exec(`INSERT INTO items (id, note, ` + times + `) VALUES (` + idB + `, 'kept', ` + at + `)`)
		if err := h.try(fmt.Sprintf(model, ", required: true")); err == nil {
			h.Error("a row without a value was in the way")
		}
		h.expect("SELECT note FROM items", "kept")
		h.exec(`UPDATE items SET of_id = ` + idA)
		h.to(fmt.Sprintf(model, ", required: true"), "items.of_id")
		h.expect("SELECT note FROM items WHERE of_id = "+idA, "kept")
		if _, err := h.db.Exec(h.Context(), "UPDATE items SET of_id = NULL"); h.db.Classify(err).Kind != store.NotNull {
			h.Errorf("no value: %v", err)
		}
	})
}

func TestDroppedTables(t *testing.T) {
	each(t, func(h *history) {
		h.to("  Post: {fields: {author: {type: relation, to: Writer}}}\n  Writer: {fields: {name: text}}\n")
		h.exec(`INSERT INTO writers (id, ` + times + `) VALUES (` + idA + `, ` + at + `)`)
		h.exec(`INSERT INTO posts (id, author_id, ` + times + `) VALUES (` + idB + `, ` + idA + `, ` + at + `)`)
		h.to("  Post: {}\n", "posts.author_id", "writers")
		h.expect("SELECT count(*) FROM posts", "1")
		if _, err := h.db.Exec(h.Context(), "SELECT 1 FROM writers"); err == nil {
			t.Error("the table writers is still there")
		}
	})
}

// TestSerialKeepsCounting rebuilds a table whose newest row was deleted: its
// number must not be given to another row.
func TestSerialKeepsCounting(t *testing.T) {
	each(t, func(h *history) {
		item := "  Item: {fields: {id: {type: id, kind: serial}, note: %s}}\n"
		h.to(fmt.Sprintf(item, "text"))
		for range 3 {
			h.exec(`INSERT INTO items (` + times + `) VALUES (` + at + `)`)
		}
		h.exec("DELETE FROM items WHERE id = 3")
		h.to(fmt.Sprintf(item, "{type: text, required: true, default: x}"))
		h.exec(`INSERT INTO items (note, ` + times + `) VALUES ('new', ` + at + `)`)
		h.expect("SELECT id FROM items ORDER BY id", "1 2 4")
	})
}

func TestUniqueWithoutCase(t *testing.T) {
	each(t, func(h *history) {
		h.to("  Person: {fields: {mail: {type: email, required: true, unique: true}, code: {type: text, unique: true}}}\n")
		insert := `INSERT INTO people (id, mail, code, ` + times + `) VALUES ($1, $2, $3, ` + at + `)`
		h.exec(insert, strings.Trim(idA, "'"), "ada@example.com", "x")
		_, err := h.db.Exec(h.Context(), insert, strings.Trim(idB, "'"), "Ada@Example.com", "X")
		if p := h.db.Classify(err); p.Kind != store.Unique {
			t.Errorf("the same address in capitals: %v", err)
		}
		h.exec(insert, strings.Trim(idB, "'"), "bob@example.com", "X")
		if h.name == design.SQLite {
			rows := h.textColumn(`EXPLAIN QUERY PLAN SELECT id FROM people WHERE mail = 'x' COLLATE NOCASE`)
			if !strings.Contains(rows, "people_mail_key") {
				t.Errorf("a login does not use the index: %s", rows)
			}
		}
	})
}

// TestIndexes: lists of fields that are unique together, and that rows are found
// by; they come, change and go while rows are there.
func TestIndexes(t *testing.T) {
	each(t, func(h *history) {
		const stay = "  Guest: {}\n  Stay: {fields: {guest: {type: relation, to: Guest}, room: %s, day: date, mail: {type: email}}%s}\n"
		stays := func(room, keys string) string { return fmt.Sprintf(stay, room, keys) }
		insert := func(id, room, mail string) error {
			_, err := h.db.Exec(h.Context(), `INSERT INTO stays (id, room, day, mail, `+times+`) VALUES (`+id+`, `+room+`, '2026-01-01', `+mail+`, `+at+`)`)
			return err
		}
		h.to(stays("text", ", unique: [[room, day], [mail, day]], indexes: [day, [guest, day]]"))
		if err := insert(idA, "'blue'", "'ada@example.com'"); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			room, mail string
			columns    []string
		}{
			{"'blue'", "'bob@example.com'", []string{"room", "day"}},
			{"'red'", "'ADA@example.com'", []string{"mail", "day"}},
		} {
			p := h.db.Classify(insert(idB, tt.room, tt.mail))
			named := p.Constraint == migration.IndexName("stays", tt.columns, true) || cmp.Equal(p.Columns, tt.columns)
			if p.Kind != store.Unique || !named {
				h.Errorf("%s %s: %+v", tt.room, tt.mail, p)
			}
		}
		if err := insert(idB, "NULL", "NULL"); err != nil {
			h.Errorf("a row without a room: %v", err)
		}
		indexes := "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND name LIKE 'stays%' ORDER BY name"
		if h.name == design.Postgres {
			indexes = "SELECT indexname FROM pg_indexes WHERE tablename = 'stays' AND indexname <> 'stays_pkey' ORDER BY indexname"
		}
		if got := strings.Fields(h.text(indexes)); len(got) != 5 { // that of the relation, too
			h.Errorf("indexes %v", got)
		}

		h.to(stays("text", ", unique: [[room, day]]")) // less; nothing is lost
		if err := insert(idC, "'red'", "'ada@example.com'"); err != nil {
			h.Errorf("a key that is gone: %v", err)
		}
		if err := h.try(stays("text", ", unique: [[mail, day]]")); h.db.Classify(err).Kind != store.Unique {
			h.Errorf("a key that the rows do not keep: %v", err)
		}
		h.expect("SELECT count(*) FROM stays", "3")
		h.to(stays("integer", ", unique: [[room, day]]"), "stays.room") // a column of the key is emptied
		h.expect("SELECT count(*) FROM stays WHERE room IS NULL", "3")
		if got := h.text(indexes); !strings.Contains(got, migration.IndexName("stays", []string{"room", "day"}, true)) {
			h.Errorf("indexes %v", got)
		}
		h.to(stays("integer", ""))
		if got := strings.Fields(h.text(indexes)); len(got) != 1 {
			h.Errorf("indexes %v", got)
		}
	})
}

// TestIndexNames: two lists never share a name, and none is cut by PostgreSQL.
func TestIndexNames(t *testing.T) {
	long := strings.Repeat("x", 60)
	seen := map[string]bool{}
	for _, columns := range [][]string{{"a", "b_c"}, {"a_b", "c"}, {"a", "b", "c"}, {"c", "b", "a"}, {long, "a"}, {long, "b"}} {
		for _, unique := range []bool{false, true} {
			name := migration.IndexName("t", columns, unique)
			if seen[name] || len(name) > 63 {
				t.Errorf("%v: %s", columns, name)
			}
			seen[name] = true
		}
	}
}

// textColumn returns the last column of a query plan.
func (h *history) textColumn(query string) string {
	var id, parent, unused int
	var detail string
	if err := h.db.Read().QueryRowContext(h.Context(), query).Scan(&id, &parent, &unused, &detail); err != nil {
		h.Fatal(err)
	}
	return detail
}

func TestCyclesAndLongNames(t *testing.T) {
	long := strings.Repeat("x", 50)
	each(t, func(h *history) {
		h.to(fmt.Sprintf(`  Hen: {fields: {egg: {type: relation, to: Egg}, %[1]s: {type: text, unique: true}, %[1]sTwo: {type: text, unique: true}}, table: %[1]s_hens}
  Egg: {fields: {hen: {type: relation, to: Hen, onDelete: set-null}, next: {type: relation, to: Egg}}}
`, long))
		h.exec(`INSERT INTO ` + long + `_hens (id, ` + times + `) VALUES (` + idA + `, ` + at + `)`)
		h.exec(`INSERT INTO eggs (id, hen_id, ` + times + `) VALUES (` + idB + `, ` + idA + `, ` + at + `)`)
		h.exec(`UPDATE ` + long + `_hens SET egg_id = ` + idB)
		if _, err := h.db.Exec(h.Context(), `DELETE FROM eggs`); h.db.Classify(err).Kind != store.ForeignKey {
			t.Errorf("restrict: %v", err)
		}
		h.exec(`UPDATE ` + long + `_hens SET egg_id = NULL`)
		h.exec(`DELETE FROM ` + long + `_hens`)
		h.expect("SELECT count(*) FROM eggs WHERE hen_id IS NULL", "1")
	})
}

func TestOnDeleteChanges(t *testing.T) {
	each(t, func(h *history) {
		post := "  Post: {fields: {author: {type: relation, to: Writer, onDelete: %s}}}\n  Writer: {}\n"
		h.to(fmt.Sprintf(post, "restrict"))
		h.exec(`INSERT INTO writers (id, ` + times + `) VALUES (` + idA + `, ` + at + `)`)
		h.exec(`INSERT INTO posts (id, author_id, ` + times + `) VALUES (` + idB + `, ` + idA + `, ` + at + `)`)
		h.to(fmt.Sprintf(post, "cascade"))
		h.exec("DELETE FROM writers")
		h.expect("SELECT count(*) FROM posts", "0")
	})
}

func TestNoChangeNoMigration(t *testing.T) {
	for _, db := range []design.Database{design.SQLite, design.Postgres} {
		entities := "  Item: {description: %s, fields: {a: {type: text, maxLength: %d, unique: true}, b: {type: email, unique: true}, p: {type: decimal, precision: 9, scale: 2, default: %d}, up: {type: relation, to: Item}, e: {type: enum, values: [x, %s]}}}\n"
		was := schema(t, db, fmt.Sprintf(entities, "one", 10, 1, "y"))
		snapshot, err := was.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		read, err := migration.Parse(db, snapshot)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := migration.Diff(read, schema(t, db, fmt.Sprintf(entities, "two", 20, 2, "y, z")))
		if err != nil || !plan.Empty() || len(plan.Losses) > 0 {
			t.Errorf("%s: got %v, %s, %v", db, err, plan.SQL, plan.Losses)
		}
	}
}

func TestTitles(t *testing.T) {
	was, _ := migration.Parse(design.SQLite, nil)
	for _, step := range []struct{ entities, want string }{
		{"  Item: {}\n", "init"},
		{"  Item: {fields: {note: text}}\n", "add_items_note"},
		{"  Item: {fields: {other: text}}\n  Shop: {}\n", "add_items_other_and_2_more"},
	} {
		is := schema(t, design.SQLite, step.entities)
		plan, err := migration.Diff(was, is)
		if err != nil {
			t.Fatal(err)
		}
		if plan.Title != step.want {
			t.Errorf("got %s, want %s", plan.Title, step.want)
		}
		was = is
	}
}

func TestSnapshotIsForItsDatabase(t *testing.T) {
	snapshot, err := schema(t, design.SQLite, "  Item: {}\n").Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for name, src := range map[string]string{
		"other database": string(snapshot), "no JSON": "{", "later format": `{"format": 9, "database": "postgres"}`,
	} {
		if _, err := migration.Parse(design.Postgres, []byte(src)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
