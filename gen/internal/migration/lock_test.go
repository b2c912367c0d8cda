package migration_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/internal/migration"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// TestWriterMeanwhile has somebody write to a table while its rows are filled,
// before a column of it becomes required: both get what they want.
func TestWriterMeanwhile(t *testing.T) {
	db := storetest.Postgres(t)
	ctx := t.Context()
	const item = "  Item: {fields: {name: text, rank: integer}}\n"
	empty, err := migration.Parse(design.Postgres, nil)
	if err != nil {
		t.Fatal(err)
	}
	was := schema(t, design.Postgres, item)
	first, err := migration.Diff(empty, was)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(ctx, "shop", []store.Migration{{Version: 1, Name: "init", SQL: string(first.SQL)}}); err != nil {
		t.Fatal(err)
	}
	const id = "0190f3a2-0000-7000-8000-000000000000"
	if _, err := db.Exec(ctx, "INSERT INTO items (id, name, created_at, updated_at) VALUES ($1, 'a', now(), now())", id); err != nil {
		t.Fatal(err)
	}
	plan, err := migration.Diff(was, schema(t, design.Postgres, strings.Replace(item, "rank: integer", "rank: {type: integer, required: true, default: 1}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Write().BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	written := make(chan error, 1)
	started := false
	for statement := range strings.SplitAfterSeq(string(plan.SQL), ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			t.Fatalf("%v in %s of\n%s", err, statement, plan.SQL)
		}
		if started || !slices.ContainsFunc(strings.Split(statement, "\n"), func(line string) bool { return strings.HasPrefix(line, "UPDATE ") }) {
			continue
		}
		started = true
		go func() {
			_, err := db.Exec(ctx, "UPDATE items SET name = 'b' WHERE id = $1", id)
			written <- err
		}()
		for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
			if err := db.Read().QueryRowContext(ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "+
				"AND wait_event_type = 'Lock' AND query LIKE 'UPDATE items SET name = ''b''%'").Scan(&waiting); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil || !started {
		t.Errorf("the writer: %v, started %v", err, started)
	}
}

// TestLockedBefore: a table is locked once, before what would lock less of it, and
// not where the first statement takes all of it.
func TestLockedBefore(t *testing.T) {
	const was = "  Item: {fields: {name: text, rank: integer}}\n"
	const kept = "  Item: {softDelete: true, fields: {name: text}}\n"
	plan, err := migration.Diff(schema(t, design.Postgres, kept), schema(t, design.Postgres, "  Item: {fields: {name: text}}\n"))
	if err != nil || strings.Index(string(plan.SQL), "LOCK TABLE") > strings.Index(string(plan.SQL), "DELETE FROM") || !strings.Contains(string(plan.SQL), "LOCK TABLE") {
		t.Errorf("rows go before the table is locked: %v\n%s", err, plan.SQL)
	}
	for is, want := range map[string]int{
		"  Item: {fields: {name: text, rank: {type: integer, required: true, default: 1}}}\n":             1,
		"  Item: {fields: {name: text, rank: {type: integer, required: true, default: 1}, code: text}}\n": 0,
		"  Item: {fields: {name: text, rank: integer}, indexes: [name]}\n":                                0,
		"  Item: {fields: {name: text, rank: integer, code: text}}\n":                                     0,
	} {
		for _, db := range []design.Database{design.Postgres, design.SQLite} {
			plan, err := migration.Diff(schema(t, db, was), schema(t, db, is))
			if err != nil {
				t.Fatal(err)
			}
			if db == design.SQLite {
				want = 0
			}
			if got := strings.Count(string(plan.SQL), "LOCK TABLE"); got != want {
				t.Errorf("%d locks, want %d:\n%s", got, want, plan.SQL)
			}
		}
	}
}
