package storetest

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/store"
)

const component = "app"

func two() []store.Migration {
	return []store.Migration{
		{Version: 1, Name: "init", SQL: `
			-- Statements; with 'quotes, and; semicolons' in odd places.
			CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL DEFAULT 'a;b''c');
			/* another ; comment */
			INSERT INTO note (id) VALUES (1);;
			CREATE TABLE "odd;name" (id INTEGER)`},
		{Version: 2, Name: "title", SQL: "ALTER TABLE note ADD COLUMN title TEXT;\nUPDATE note SET title = '--';"},
	}
}

func versions(ms []store.Migration) (v []int) {
	for _, m := range ms {
		v = append(v, m.Version)
	}
	return v
}

func expectMigrate(t *testing.T, db *store.DB, ms []store.Migration, want ...int) {
	t.Helper()
	applied, err := db.Migrate(t.Context(), component, ms)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, versions(applied)); diff != "" {
		t.Errorf("applied (-want +got):\n%s", diff)
	}
}

func migrate(t *testing.T, db *store.DB) {
	ms := two()
	pending, err := db.Pending(t.Context(), component, ms)
	if err != nil || len(pending) != 2 {
		t.Fatalf("Pending = %v, %v, want both", pending, err)
	}
	expectMigrate(t, db, ms[:1], 1)
	expectMigrate(t, db, ms, 2)
	expectMigrate(t, db, ms)
	var text, title string
	if err := db.Read().QueryRowContext(t.Context(), "SELECT text, title FROM note").Scan(&text, &title); err != nil {
		t.Fatal(err)
	}
	if text != "a;b'c" || title != "--" {
		t.Errorf("row = %q, %q", text, title)
	}
	// Components count apart.
	other := []store.Migration{{Version: 1, Name: "init", SQL: "CREATE TABLE other (id INTEGER)"}}
	if applied, err := db.Migrate(t.Context(), "other", other); err != nil || len(applied) != 1 {
		t.Errorf("other component: %v, %v", applied, err)
	}
	// Line ends are no change.
	ms[0].SQL = strings.ReplaceAll(ms[0].SQL, "\n", "\r\n")
	expectMigrate(t, db, ms)
}

func migrateFailure(t *testing.T, db *store.DB) {
	for _, tt := range []struct{ name, sql, want string }{
		{"second statement", "CREATE TABLE half (id INTEGER);\n\nINSERT INTO nowhere VALUES (1);", "0003_bad.sql:3: "},
		{"syntax", "CREATE TABLE half (id INTEGER);\nCREATE TABEL x;", "0003_bad.sql:2: "},
		{"unterminated", "CREATE TABLE half (id INTEGER); SELECT 'x", "0003_bad.sql: line 1: unterminated '"},
		{"commit", "CREATE TABLE half (id INTEGER); COMMIT;", "0003_bad.sql:1: COMMIT"},
		{"end", "CREATE TABLE half (id INTEGER);\nend;", "0003_bad.sql:2: END"},
		{"begin", "CREATE TABLE half (id INTEGER); BEGIN; ", "0003_bad.sql:1: BEGIN"},
		{"rollback", "CREATE TABLE half (id INTEGER);/**/ rollback", "0003_bad.sql:1: ROLLBACK"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ms := append(two(), store.Migration{Version: 3, Name: "bad", SQL: tt.sql})
			_, err := db.Migrate(t.Context(), component, ms)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Migrate = %v, want %q in it", err, tt.want)
			}
			pending, err := db.Pending(t.Context(), component, ms)
			if diff := cmp.Diff([]int{3}, versions(pending)); diff != "" || err != nil {
				t.Errorf("pending (-want +got):\n%s%v", diff, err)
			}
			mustExec(t, db, "CREATE TABLE half (id INTEGER)") // nothing of it stayed
			mustExec(t, db, "DROP TABLE half")
		})
	}
}

func migrateRefusals(t *testing.T, db *store.DB) {
	expectMigrate(t, db, two(), 1, 2)
	third := store.Migration{Version: 3, Name: "third", SQL: "CREATE TABLE third (id INTEGER)"}
	for _, tt := range []struct {
		name   string
		change func(ms []store.Migration) []store.Migration
		want   error
	}{
		{"edited", func(ms []store.Migration) []store.Migration { ms[0].SQL += " "; return ms }, store.ErrChanged},
		{"older program", func(ms []store.Migration) []store.Migration { return ms[:1] }, store.ErrNewer},
		{"no migrations", func([]store.Migration) []store.Migration { return nil }, store.ErrNewer},
		{"hole", func(ms []store.Migration) []store.Migration { return append(ms[:1], third) }, store.ErrGap},
		{"twice", func(ms []store.Migration) []store.Migration { return append(ms, ms[1]) }, store.ErrGap},
		{"out of order", func(ms []store.Migration) []store.Migration { ms[0], ms[1] = ms[1], ms[0]; return ms }, store.ErrGap},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ms := tt.change(two())
			if _, err := db.Pending(t.Context(), component, ms); !errors.Is(err, tt.want) {
				t.Errorf("Pending = %v, want %v", err, tt.want)
			}
			if applied, err := db.Migrate(t.Context(), component, ms); !errors.Is(err, tt.want) || applied != nil {
				t.Errorf("Migrate = %v, %v, want %v", applied, err, tt.want)
			}
		})
	}
	t.Run("hole in the database", func(t *testing.T) {
		mustExec(t, db, "DELETE FROM gate_migrations WHERE version = 1")
		if _, err := db.Migrate(t.Context(), component, two()); !errors.Is(err, store.ErrGap) {
			t.Errorf("Migrate = %v, want %v", err, store.ErrGap)
		}
	})
	t.Run("component", func(t *testing.T) {
		for _, name := range []string{"", "App", "a b", "a'b"} {
			if _, err := db.Migrate(t.Context(), name, two()); err == nil {
				t.Errorf("component %q: no error", name)
			}
		}
	})
}

func migrateAtOnce(t *testing.T, db *store.DB) {
	var wg sync.WaitGroup
	total := make(chan int, 4)
	for range 4 {
		wg.Go(func() {
			applied, err := db.Migrate(t.Context(), component, two())
			if err != nil {
				t.Error(err)
			}
			total <- len(applied)
		})
	}
	wg.Wait()
	close(total)
	sum := 0
	for n := range total {
		sum += n
	}
	if sum != 2 {
		t.Errorf("%d migrations applied, want 2", sum)
	}
}

// migrateRebuild changes a table in the way that SQLite needs for most
// changes; goose's transaction around it deletes the children.
func migrateRebuild(t *testing.T, db *store.DB) {
	ms := []store.Migration{
		{Version: 1, Name: "init", SQL: `
			CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);
			CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES parent (id) ON DELETE CASCADE);
			INSERT INTO parent (id, name) VALUES (1, 'a'), (2, 'b');
			INSERT INTO child (id, parent_id) VALUES (1, 1), (2, 1), (3, 2);`},
		{Version: 2, Name: "rebuild", SQL: `
			CREATE TABLE new_parent (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
			INSERT INTO new_parent (id, name) SELECT id, name FROM parent;
			DROP TABLE parent;
			ALTER TABLE new_parent RENAME TO parent;`},
	}
	if db.Dialect() == store.Postgres { // which refuses to drop it, and does not need to
		ms[1].SQL = "ALTER TABLE parent ALTER COLUMN name SET NOT NULL;"
	}
	expectMigrate(t, db, ms, 1, 2)
	if n := count(t, db, "child"); n != 3 {
		t.Errorf("%d children after the rebuild, want 3", n)
	}
	if _, err := db.Exec(t.Context(), "INSERT INTO child (id, parent_id) VALUES (4, 99)"); db.Classify(err).Kind != store.ForeignKey {
		t.Errorf("foreign keys are off after the migration: %v", err)
	}
	mustExec(t, db, "DELETE FROM parent WHERE id = 1")
	if n := count(t, db, "child"); n != 1 {
		t.Errorf("%d children after the parent went, want 1", n)
	}

	if db.Dialect() != store.SQLite {
		return
	}
	dangling := append(ms, store.Migration{Version: 3, Name: "dangling", SQL: "DELETE FROM parent WHERE id = 2;"})
	_, err := db.Migrate(t.Context(), component, dangling)
	if err == nil || !strings.Contains(err.Error(), `0003_dangling.sql: rows of table "child"`) {
		t.Errorf("Migrate = %v, want it to name the table", err)
	}
	if n := count(t, db, "parent"); n != 1 {
		t.Errorf("%d parents, want 1: the migration was not rolled back", n)
	}
}
