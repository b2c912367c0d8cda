package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

// TestUpkeep: statistics of what is in a table lead a condition to the index that says
// more, also on connections that were open before. Without them SQLite takes the one of
// which more columns are asked for, and looks at each row of a tenant.
func TestUpkeep(t *testing.T) {
	file := filepath.Join(t.TempDir(), "upkeep.db")
	open := func(every time.Duration) *store.DB {
		defer sqlite.UpkeepEvery(every)()
		db, err := sqlite.Open(t.Context(), file, sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := open(time.Hour)
	for _, stmt := range []string{
		`CREATE TABLE papers (id INTEGER PRIMARY KEY, firm INTEGER NOT NULL, code TEXT NOT NULL, parent INTEGER, gone TEXT)`,
		`CREATE INDEX papers_parent ON papers (parent)`,
		`CREATE UNIQUE INDEX papers_firm_code ON papers (firm, code)`,
		`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
			INSERT INTO papers SELECT i, 1, 'p' || i, i / 3, NULL FROM n`,
	} {
		if _, err := db.Exec(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
	}
	plan := func() string {
		return plan(t, db.Read(), `SELECT gone FROM papers WHERE firm = 1 AND code > 'p' AND parent = 5`)
	}
	if got := plan(); !strings.HasSuffix(got, "papers_firm_code (firm=? AND code>?)") {
		t.Errorf("without statistics: %s", got)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(5 * time.Millisecond)
	if got := plan(); got == "" { // on a reader from before
		t.Error("no plan")
	}
	statistics := func() (n int) {
		if err := db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for end := time.Now().Add(20 * time.Second); statistics() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no statistics after 20 s")
		}
	}
	if got := plan(); !strings.HasSuffix(got, "papers_parent (parent=?)") {
		t.Errorf("with them: %s", got)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Write().PingContext(t.Context()); err == nil {
		t.Error("the handle is open")
	}
}

// TestUpkeep_empty: keys that are empty in most rows keep none from being looked up by
// their index: SQLite counts them as one value, which most rows have.
func TestUpkeep_empty(t *testing.T) {
	defer sqlite.UpkeepEvery(5 * time.Millisecond)()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "upkeep.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error { // before anything is counted
		_, err := tx.ExecContext(ctx, `CREATE TABLE papers (id INTEGER PRIMARY KEY, firm INTEGER NOT NULL, parent INTEGER, code TEXT, kind INTEGER, gone TEXT);
CREATE INDEX papers_firm ON papers (firm);
CREATE INDEX papers_parent ON papers (parent);
CREATE UNIQUE INDEX papers_code ON papers (code) WHERE gone IS NULL;
CREATE INDEX papers_kind ON papers (kind, firm);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)
	INSERT INTO papers (id, firm, kind) SELECT i, i % 20, CASE WHEN i > 1000 THEN i / 50 END FROM n`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	statistics := func() string {
		var out sql.NullString
		_ = db.Write().QueryRowContext(t.Context(), `SELECT group_concat(idx || ' ' || stat, ', ') FROM (SELECT idx, stat FROM sqlite_stat1 ORDER BY idx)`).Scan(&out)
		return out.String
	}
	for end := time.Now().Add(20 * time.Second); statistics() == ""; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no statistics after 20 s")
		}
	}
	if got, want := statistics(), "papers_code 1100 1, papers_firm 1100 55, papers_kind 1100 33 19, papers_parent 1100 1"; got != want {
		t.Errorf("statistics %s, want %s", got, want)
	}
	for name, handle := range map[string]*sql.DB{"writer": db.Write(), "reader": db.Read()} {
		for _, tt := range []struct{ query, want string }{
			{`SELECT * FROM papers WHERE parent = 1`, "INDEX papers_parent (parent=?)"},
			{`SELECT * FROM papers WHERE parent IN (1, 2, 3) AND gone = 'x' ORDER BY id`, "INDEX papers_parent (parent=?)"},
			{`SELECT * FROM papers WHERE firm = 1 AND parent = 2 AND gone IS NULL`, "INDEX papers_parent (parent=?)"},
			{`SELECT * FROM papers WHERE firm = 1 AND code = 'a' AND gone IS NULL`, "INDEX papers_code (code=?)"},
			{`SELECT * FROM papers AS p WHERE firm = 1 AND EXISTS (SELECT 1 FROM papers AS q WHERE q.parent = p.id AND q.gone IS NULL)`, "INDEX papers_parent (parent=?)"},
			{`SELECT * FROM papers WHERE kind = 1`, "INDEX papers_kind (kind=?)"},
		} {
			if got := plan(t, handle, tt.query); !strings.Contains(got, tt.want) {
				t.Errorf("%s: %s\n%s, want %s", name, tt.query, got, tt.want)
			}
		}
	}
}

// TestUpkeep_undone: statistics that cannot be counted leave no transaction behind, which
// the next one who writes would be in.
func TestUpkeep_undone(t *testing.T) {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "upkeep.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(stmt string) {
		t.Helper()
		if _, err := db.Write().ExecContext(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
	}
	for _, stmt := range []string{
		`CREATE TABLE papers (id INTEGER PRIMARY KEY, parent INTEGER)`, `CREATE INDEX papers_parent ON papers (parent)`,
		`INSERT INTO papers VALUES (1, NULL), (2, NULL), (3, 1)`, `ANALYZE`, `PRAGMA query_only = ON`,
	} {
		exec(stmt)
	}
	if err := sqlite.Count(t.Context(), db.Write()); err == nil {
		t.Fatal("statistics were written to a database that takes none")
	}
	exec(`PRAGMA query_only = OFF`)
	err = db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO papers VALUES (4, NULL)`)
		return err
	})
	if err != nil {
		t.Errorf("the next one who writes: %v", err)
	}
	if err := sqlite.Count(t.Context(), db.Write()); err != nil {
		t.Errorf("counted once more: %v", err)
	}
}

// plan returns how a statement is run.
func plan(t *testing.T, db *sql.DB, statement string) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		out = append(out, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "; ")
}
