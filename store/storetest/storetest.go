// Package storetest has databases for tests and the test that every dialect of
// package store passes.
//
// [SQLite] and [Postgres] give a test an empty database of its own. A test
// that should hold on both is written once:
//
//	func TestOrders(t *testing.T) {
//		storetest.Each(t, func(t *testing.T, db *store.DB) { … })
//	}
//
// The package is for tests only.
package storetest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/store"
)

// Each runs test on an empty database of each dialect. PostgreSQL is skipped
// as [PostgresURL] says.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgresql", func(t *testing.T) { test(t, Postgres(t)) })
}

// Run is the test of a dialect: transactions, the reading of errors, and
// migrations. Open returns an empty database, another one at each call, that
// is closed when the test ends.
func Run(t *testing.T, open func(t *testing.T) *store.DB) {
	for _, tt := range []struct {
		name string
		test func(*testing.T, *store.DB)
	}{
		{"quote", quote},
		{"placeholder", placeholder},
		{"rollback", rollback},
		{"commit", commit},
		{"nested", nested},
		{"context", contextEnds},
		{"classify", classify},
		{"closed", closed},
		{"migrate", migrate},
		{"migrate/failure", migrateFailure},
		{"migrate/refusals", migrateRefusals},
		{"migrate/at once", migrateAtOnce},
		{"migrate/rebuild", migrateRebuild},
		{"revert", revert},
		{"revert/refusals", revertRefusals},
		{"revert/at once", revertAtOnce},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, open(t)) })
	}
}

func mustExec(t *testing.T, db *store.DB, stmt string) {
	t.Helper()
	if _, err := db.Exec(t.Context(), stmt); err != nil {
		t.Fatalf("%s: %v", stmt, err)
	}
}

func count(t *testing.T, db *store.DB, table string) (n int) {
	t.Helper()
	if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM "+db.Dialect().Quote(table)).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func quote(t *testing.T, db *store.DB) {
	for _, name := range []string{"plain", "Mixed Case", "select", `a"b`, `"; DROP TABLE x; --`, "a\x00b", "ünï"} {
		table := db.Dialect().Quote(name)
		mustExec(t, db, "CREATE TABLE "+table+" (id INTEGER)")
		mustExec(t, db, "INSERT INTO "+table+" (id) VALUES (1)")
		if got := count(t, db, name); got != 1 {
			t.Errorf("%q: %d rows, want 1", name, got)
		}
	}
}

func placeholder(t *testing.T, db *store.DB) {
	var got string
	d := db.Dialect()
	query := fmt.Sprintf("SELECT CAST(%s AS TEXT) || CAST(%s AS TEXT) || CAST(%[2]s AS TEXT)", d.Placeholder(2), d.Placeholder(1))
	if err := db.Read().QueryRowContext(t.Context(), query, "a", "b").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if got != "baa" {
		t.Errorf("%s with a, b = %q, want baa", query, got)
	}
}

func rollback(t *testing.T, db *store.DB) {
	mustExec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	insert := func(ctx context.Context, tx *sql.Tx) {
		if _, err := tx.ExecContext(ctx, "INSERT INTO t (id) VALUES (1)"); err != nil {
			t.Error(err)
		}
	}
	cause := errors.New("changed my mind")
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		insert(ctx, tx)
		return cause
	})
	if !errors.Is(err, cause) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("InTx = %v, want %v", err, cause)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not come out")
			}
		}()
		_ = db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			insert(ctx, tx)
			panic("on purpose")
		})
	}()
	if n := count(t, db, "t"); n != 0 {
		t.Errorf("%d rows after an error and a panic, want 0", n)
	}
	mustExec(t, db, "INSERT INTO t (id) VALUES (1)") // the writer is free again
}

func commit(t *testing.T, db *store.DB) {
	mustExec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO t (id) VALUES ($1)", i)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := count(t, db, "t"); n != 20 {
		t.Errorf("%d rows, want 20", n)
	}
}

func nested(t *testing.T, db *store.DB) {
	err := db.InTx(t.Context(), func(ctx context.Context, _ *sql.Tx) error {
		if _, err := db.Exec(ctx, "SELECT 1"); err == nil {
			t.Error("Exec inside a transaction: no error")
		}
		return db.InTx(ctx, func(context.Context, *sql.Tx) error { return nil })
	})
	if err == nil || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("InTx inside InTx = %v, want a refusal", err)
	}
}

func contextEnds(t *testing.T, db *store.DB) {
	mustExec(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
	ctx, cancel := context.WithCancel(t.Context())
	err := db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO t (id) VALUES (1)"); err != nil {
			return err
		}
		cancel()
		_, err := tx.ExecContext(ctx, "INSERT INTO t (id) VALUES (2)")
		return err
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("InTx = %v, want %v", err, store.ErrUnavailable)
	}
	for _, broken := range []error{sql.ErrTxDone, sql.ErrConnDone, driver.ErrBadConn} { // as a statement finds it when ctx ends
		live, end := context.WithCancel(t.Context())
		err := db.InTx(live, func(context.Context, *sql.Tx) error { end(); return fmt.Errorf("read: %w", broken) })
		if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("%v: InTx = %v, want %v and %v", broken, err, store.ErrUnavailable, context.Canceled)
		}
	}
	if _, err := db.Exec(ctx, "INSERT INTO t (id) VALUES (3)"); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("Exec = %v, want %v and %v", err, store.ErrUnavailable, context.Canceled)
	}
	if n := count(t, db, "t"); n != 0 {
		t.Errorf("%d rows, want 0", n)
	}
}

func classify(t *testing.T, db *store.DB) {
	for _, stmt := range []string{
		"CREATE TABLE parent (id INTEGER PRIMARY KEY)",
		`CREATE TABLE child (
			id INTEGER PRIMARY KEY, tenant TEXT NOT NULL DEFAULT '', email TEXT NOT NULL, nick TEXT,
			size INTEGER CONSTRAINT child_size CHECK (size > 0),
			parent_id INTEGER REFERENCES parent (id),
			boss_id INTEGER REFERENCES parent (id) ON DELETE RESTRICT,
			UNIQUE (tenant, email))`,
		"CREATE UNIQUE INDEX child_lower ON child (lower(nick))",
		"INSERT INTO parent (id) VALUES (1), (2)",
		"INSERT INTO child (id, email, nick, parent_id, boss_id) VALUES (1, 'A(b)=(c', 'A(b)=(c', 1, 2)",
	} {
		mustExec(t, db, stmt)
	}
	const value = "A(b)=(c" // must not come out
	for _, tt := range []struct {
		name, stmt string
		args       []any
		kind       store.Kind
		columns    []string // nil where a database does not tell
	}{
		{"primary key", "INSERT INTO child (id, email) VALUES (1, 'x')", nil, store.Unique, []string{"id"}},
		{"unique", "INSERT INTO child (id, email) VALUES (7, $1)", []any{value}, store.Unique, []string{"tenant", "email"}},
		{"expression", "INSERT INTO child (id, email, nick) VALUES (7, 'x', $1)", []any{strings.ToLower(value)}, store.Unique, nil},
		{"not null", "INSERT INTO child (id, email) VALUES (7, NULL)", nil, store.NotNull, []string{"email"}},
		{"check", "INSERT INTO child (id, email, size) VALUES (7, 'x', 0)", nil, store.Check, nil},
		{"no parent", "INSERT INTO child (id, email, parent_id) VALUES (7, 'x', 99)", nil, store.ForeignKey, nil},
		{"still a child", "DELETE FROM parent WHERE id = 1", nil, store.ForeignKey, nil},
		{"restrict", "DELETE FROM parent WHERE id = 2", nil, store.ForeignKey, nil},
		{"syntax", "SELEKT 1", nil, store.Other, nil},
		{"no table", "DELETE FROM nowhere", nil, store.Other, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := db.Exec(t.Context(), tt.stmt, tt.args...)
			if err == nil {
				t.Fatal("no error")
			}
			if errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%v: unavailable", err)
			}
			got := db.Classify(fmt.Errorf("wrapped: %w", err))
			if got.Kind != tt.kind {
				t.Fatalf("kind = %v, want %v (%v)", got.Kind, tt.kind, err)
			}
			if tt.columns != nil {
				if diff := cmp.Diff(tt.columns, got.Columns); diff != "" {
					t.Errorf("columns (-want +got):\n%s", diff)
				}
			}
			if tt.columns != nil && got.Table != "child" {
				t.Errorf("table = %q, want child", got.Table)
			}
			if tt.name == "check" && got.Constraint != "child_size" || tt.name == "expression" && got.Constraint != "child_lower" {
				t.Errorf("constraint = %q", got.Constraint)
			}
			if text := fmt.Sprint(got); strings.Contains(strings.ToLower(text), "(b)") {
				t.Errorf("%s holds a value of the row", text)
			}
		})
	}
	if got := db.Classify(nil); got.Kind != store.Other {
		t.Errorf("Classify(nil) = %v", got)
	}
	if err := db.Wrap(sql.ErrNoRows); errors.Is(err, store.ErrUnavailable) {
		t.Error("no rows: unavailable")
	}
}

func closed(t *testing.T, db *store.DB) {
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Ping = %v, want %v", err, store.ErrUnavailable)
	}
	if _, err := db.Exec(t.Context(), "SELECT 1"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Exec = %v, want %v", err, store.ErrUnavailable)
	}
	err := db.InTx(t.Context(), func(context.Context, *sql.Tx) error { return nil })
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("InTx = %v, want %v", err, store.ErrUnavailable)
	}
}
