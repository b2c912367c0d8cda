package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

// texts returns what a query answers, a row a line, after the names of the
// columns.
func texts(t *testing.T, q interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, query string,
) string {
	t.Helper()
	rows, err := q.QueryContext(t.Context(), query)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{strings.Join(names, " ")}
	for rows.Next() {
		values, into := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var line []string
		for _, v := range values {
			line = append(line, v.String)
		}
		lines = append(lines, strings.Join(line, " "))
	}
	if err := rows.Err(); err != nil {
		return err.Error()
	}
	return strings.Join(lines, "\n")
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestStatements_schema: a statement that is kept sees what became of its
// tables, whoever changed them.
func TestStatements_schema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db, other := open(t, path, sqlite.Config{Readers: 1}), open(t, path, sqlite.Config{})
	const query = "SELECT * FROM t"
	for _, by := range []struct {
		name string
		db   *store.DB
	}{{"this handle", db}, {"another process", other}} {
		run(t, by.db, "CREATE TABLE t (a TEXT)")
		run(t, by.db, "INSERT INTO t (a) VALUES ('one')")
		want(t, by.name, texts(t, db.Read(), query), "a\none")
		want(t, by.name, texts(t, db.Write(), query), "a\none")

		run(t, by.db, "ALTER TABLE t ADD COLUMN b TEXT DEFAULT 'two'")
		want(t, by.name+": new column", texts(t, db.Read(), query), "a b\none two")
		want(t, by.name+": new column", texts(t, db.Write(), query), "a b\none two")

		run(t, by.db, "DROP TABLE t")
		for _, handle := range []*sql.DB{db.Read(), db.Write()} {
			if got := texts(t, handle, query); !strings.Contains(got, "no such table: t") {
				t.Errorf("%s: a table that is gone: %s", by.name, got)
			}
		}
		run(t, by.db, "CREATE TABLE t (c INTEGER, d INTEGER)")
		run(t, by.db, "INSERT INTO t (c, d) VALUES (1, 2)")
		want(t, by.name+": another table", texts(t, db.Read(), query), "c d\n1 2")
		want(t, by.name+": another table", texts(t, db.Write(), query), "c d\n1 2")
		run(t, by.db, "DROP TABLE t")
	}
}

// TestStatements_migration: statements that were kept before a migration, which
// runs without foreign keys, and after it, obey them.
func TestStatements_migration(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	ms := migrations()
	if _, err := db.Migrate(t.Context(), "app", ms[:1]); err != nil {
		t.Fatal(err)
	}
	remove := func(id int) { run(t, db, "DELETE FROM parent WHERE id = $1", id) }
	remove(100) // is kept from now on
	if _, err := db.Migrate(t.Context(), "app", ms[:3]); err != nil {
		t.Fatal(err)
	}
	want(t, "after the migration", texts(t, db.Read(), "SELECT count(*) AS n FROM child"), "n\n3")
	if _, err := db.Exec(t.Context(), "INSERT INTO child (parent_id) VALUES (7)"); db.Classify(err).Kind != store.ForeignKey {
		t.Errorf("a child of nobody: %v", err)
	}
	remove(1)
	want(t, "after the parent has gone", texts(t, db.Read(), "SELECT count(*) AS n FROM child"), "n\n0")
}

// TestStatements_pragma: what works while it is prepared works each time.
func TestStatements_pragma(t *testing.T) {
	db := open(t, ":memory:", sqlite.Config{})
	for range 3 {
		run(t, db, "PRAGMA foreign_keys = OFF")
		want(t, "off", texts(t, db.Write(), "PRAGMA foreign_keys"), "foreign_keys\n0")
		run(t, db, "PRAGMA foreign_keys = ON")
		want(t, "on", texts(t, db.Write(), "PRAGMA foreign_keys"), "foreign_keys\n1")
	}
}

// TestStatements_script: each statement of a script runs each time.
func TestStatements_script(t *testing.T) {
	db := open(t, ":memory:", sqlite.Config{})
	run(t, db, "CREATE TABLE t (a INTEGER)")
	const script = "INSERT INTO t (a) VALUES (1); INSERT INTO t (a) VALUES (2); INSERT INTO t (a) VALUES (3)"
	for range 3 {
		run(t, db, script)
		run(t, db, "\n\t-- a remark before it\nINSERT INTO t (a) VALUES (4);")
	}
	want(t, "rows", texts(t, db.Read(), "SELECT count(*) AS n, sum(a) AS s FROM t"), "n s\n12 30")
	want(t, "the last answer of a script", texts(t, db.Read(), "SELECT 1 AS a; SELECT 2 AS b"), "b\n2")
}

// TestStatements_nested: the text of a query that runs is not the same query.
func TestStatements_nested(t *testing.T) {
	db := open(t, ":memory:", sqlite.Config{})
	run(t, db, "CREATE TABLE t (id INTEGER, parent INTEGER)")
	run(t, db, "INSERT INTO t (id, parent) VALUES (1, 0), (2, 0), (11, 1), (12, 1), (21, 2)")
	for range 3 {
		var seen []int
		err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			var walk func(parent int) error
			walk = func(parent int) error {
				rows, err := tx.QueryContext(ctx, "SELECT id FROM t WHERE parent = $1 ORDER BY id", parent)
				if err != nil {
					return err
				}
				defer rows.Close()
				for rows.Next() {
					var id int
					if err := rows.Scan(&id); err != nil {
						return err
					}
					seen = append(seen, id)
					if err := walk(id); err != nil {
						return err
					}
				}
				return rows.Err()
			}
			return walk(0)
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{1, 11, 12, 2, 21}, seen); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestStatements_cancelled: a query that was cut off keeps neither its lock nor
// its result, and its text works again. In memory the connection is the
// database, so it is the very same one.
func TestStatements_cancelled(t *testing.T) {
	for _, name := range []string{":memory:", filepath.Join(t.TempDir(), "test.db")} {
		db := open(t, name, sqlite.Config{Readers: 1})
		run(t, db, "CREATE TABLE t (a INTEGER)")
		run(t, db, "INSERT INTO t (a) VALUES (1), (2), (3)")
		const query = "SELECT a FROM t ORDER BY a"
		for range 10 {
			want(t, name, texts(t, db.Read(), query), "a\n1\n2\n3")
			ctx, cancel := context.WithCancel(t.Context())
			rows, err := db.Read().QueryContext(ctx, query)
			if err != nil {
				t.Fatal(err)
			}
			if !rows.Next() {
				t.Fatal(rows.Err())
			}
			cancel()
			if err := db.Read().QueryRowContext(ctx, query).Err(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: a query after the end: %v", name, err)
			}
			for rows.Next() { // until it notices
			}
			_, _ = rows.Err(), rows.Close() //nolint:sqlclosecheck // now; it may say that it was cut off

			if _, err := db.Exec(ctx, "INSERT INTO t (a) VALUES (9)"); err == nil {
				t.Errorf("%s: wrote after the end", name)
			}
			run(t, db, "INSERT INTO t (a) VALUES ($1)", 4)
			want(t, name, texts(t, db.Read(), query), "a\n1\n2\n3\n4") // not what was there when it was cut off
			run(t, db, "DELETE FROM t WHERE a = $1", 4)
		}
		if name != ":memory:" {
			want(t, "a lock stays", texts(t, db.Write(), "PRAGMA wal_checkpoint(TRUNCATE)"), "busy log checkpointed\n0 0 0")
		}
	}
}

// TestStatements_interrupted: a long statement ends with its context, and its
// text works again.
func TestStatements_interrupted(t *testing.T) {
	db := open(t, ":memory:", sqlite.Config{})
	run(t, db, "CREATE TABLE t (a INTEGER)")
	const long = "INSERT INTO t (a) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT $1) SELECT i FROM n"
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := db.Exec(ctx, long, 1<<40); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("err = %v, want %v", err, store.ErrUnavailable)
		}
		cancel()
		run(t, db, long, 3)
	}
	want(t, "rows", texts(t, db.Read(), "SELECT count(*) AS n FROM t"), "n\n9")
}

// TestStatements_refused: after an error a text works again, and says what was
// wrong with it and no more.
func TestStatements_refused(t *testing.T) {
	db := open(t, ":memory:", sqlite.Config{})
	run(t, db, "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL)")
	const insert = "INSERT INTO t (a, b) VALUES ($1, $2)"
	for i := range 3 {
		run(t, db, insert, 2*i, "text")
		for _, wrong := range []struct {
			args []any
			kind store.Kind
		}{
			{[]any{2 * i, "again"}, store.Unique},
			{[]any{2*i + 1, nil}, store.NotNull},
			{[]any{1}, store.Other}, // an argument of the call before must not stand in
		} {
			_, err := db.Exec(t.Context(), insert, wrong.args...)
			if err == nil || db.Classify(err).Kind != wrong.kind {
				t.Errorf("%v: %v, want %v", wrong.args, err, wrong.kind)
			}
		}
	}
	want(t, "rows", texts(t, db.Read(), "SELECT a, b FROM t ORDER BY a"), "a b\n0 text\n2 text\n4 text")
}

// TestStatements_bound: any number of texts leaves a bounded number of
// statements, and texts that are long, and those that are no queries, none.
func TestStatements_bound(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	c, err := db.Read().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	kept := func() int {
		n, err := sqlite.Kept(c)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	want(t, "long", texts(t, c, "SELECT 1 AS a"+strings.Repeat(" ", 1<<20)), "a\n1")
	if n := kept(); n != 0 {
		t.Errorf("%d long statements are kept", n)
	}
	for i := range 10 * sqlite.MaxStatements {
		want(t, "many", texts(t, c, fmt.Sprintf("SELECT %d AS a", i)), fmt.Sprintf("a\n%d", i))
		want(t, "one", texts(t, c, "select 'often' AS a"), "a\noften")
		if n := kept(); n != min(i+2, sqlite.MaxStatements) {
			t.Fatalf("%d statements are kept after %d texts", n, i+2)
		}
	}
	want(t, "PRAGMA", texts(t, c, "PRAGMA query_only"), "query_only\n1")
	if n := kept(); n != 0 {
		t.Errorf("%d statements are kept after one that may change what they mean", n)
	}
}

// TestStatements_close: what is kept does not keep the file open. The last
// handle that closes a database removes its log.
func TestStatements_close(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db := open(t, path, sqlite.Config{})
	run(t, db, "CREATE TABLE t (a INTEGER)")
	for range 3 {
		run(t, db, "INSERT INTO t (a) VALUES (1)")
		texts(t, db.Read(), "SELECT a FROM t")
	}
	rows, err := db.Read().QueryContext(t.Context(), "SELECT a FROM t") // runs while it is closed
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	if err := db.Read().Close(); err != nil {
		t.Error(err)
	}
	if err := errors.Join(rows.Err(), rows.Close(), db.Close()); err != nil { //nolint:sqlclosecheck // now, in this order
		t.Error(err)
	}
	for _, end := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + end); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s after the last handle was closed: %v", end, err)
		}
	}
}

// TestStatements_types: rows of a kept statement know the types of columns.
func TestStatements_types(t *testing.T) {
	db := open(t, ":memory:", sqlite.Config{})
	run(t, db, "CREATE TABLE t (a TIMESTAMP, b VARCHAR(3))")
	for range 2 {
		rows, err := db.Read().QueryContext(t.Context(), "SELECT a, b FROM t")
		if err != nil {
			t.Fatal(err)
		}
		types, err := rows.ColumnTypes()
		if err := errors.Join(err, rows.Err(), rows.Close()); err != nil { //nolint:sqlclosecheck // before the next
			t.Fatal(err)
		}
		if got := types[0].DatabaseTypeName() + " " + types[1].DatabaseTypeName(); got != "TIMESTAMP VARCHAR(3)" {
			t.Errorf("types = %s", got)
		}
	}
}

// TestStatements_concurrent: many readers, some of which are cut off, beside a
// writer and one who changes the schema.
func TestStatements_concurrent(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Config{Readers: 3})
	run(t, db, "CREATE TABLE t (a INTEGER, b TEXT)")
	run(t, db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 50) INSERT INTO t SELECT i, 'text' FROM n")
	var wg sync.WaitGroup
	for worker := range 6 {
		wg.Go(func() {
			for i := range 60 {
				ctx, cancel := context.WithCancel(t.Context())
				if (i+worker)%3 == 0 {
					go cancel()
				}
				n := 0
				rows, err := db.Read().QueryContext(ctx, "SELECT a, b FROM t WHERE b = $1", "text")
				if err == nil {
					for ; rows.Next(); n++ {
						var a int
						var b string
						if err := rows.Scan(&a, &b); err == nil && b != "text" {
							t.Errorf("b = %q", b)
						}
					}
					err = errors.Join(rows.Err(), rows.Close()) //nolint:sqlclosecheck // its error counts
				}
				if err == nil && n != 50 {
					t.Errorf("%d rows, want 50", n)
				}
				if ended := ctx.Err(); err != nil && ended == nil {
					t.Errorf("reading: %v", err)
				}
				cancel()
			}
		})
	}
	wg.Go(func() {
		for i := range 60 {
			run(t, db, "INSERT INTO t (a, b) VALUES ($1, $2)", i, "other")
			if i%20 == 0 {
				run(t, db, fmt.Sprintf("CREATE INDEX t_%d ON t (b)", i))
			}
		}
	})
	wg.Wait()
	want(t, "rows", texts(t, db.Read(), "SELECT count(*) AS n FROM t"), "n\n110")
}
