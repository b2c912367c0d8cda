package sqlite_test

import (
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
		rows, err := db.Read().QueryContext(t.Context(), `EXPLAIN QUERY PLAN SELECT gone FROM papers WHERE firm = 1 AND code > 'p' AND parent = 5`)
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
