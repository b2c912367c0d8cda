package sqlite_test

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	driver "modernc.org/sqlite"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
)

// begun has what ends the time of a statement, by its number; the statement calls
// begun once it writes.
var begun sync.Map

var statements atomic.Int64

var register = sync.OnceValue(func() error {
	return driver.RegisterScalarFunction("begun", 1, func(_ *driver.FunctionContext, args []sqldriver.Value) (sqldriver.Value, error) {
		if stop, ok := begun.Load(args[0]); ok {
			stop.(context.CancelFunc)()
		}
		return int64(3), nil
	})
})

// endless hands on a statement that takes longer than anybody waits, and whose context
// ends while it writes.
func endless(ctx context.Context, do func(ctx context.Context, query string) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	n := statements.Add(1)
	begun.Store(n, stop)
	defer begun.Delete(n)
	return do(ctx, fmt.Sprintf("INSERT INTO a WITH RECURSIVE c(n) AS (SELECT begun(%d) UNION ALL SELECT n + 1 FROM c WHERE n < 1000000000) SELECT max(n), 'many' FROM c", n))
}

// TestTransactionEnded: when SQLite undoes a transaction for a statement that failed,
// nothing of it is kept, whatever the code makes of the error.
func TestTransactionEnded(t *testing.T) {
	if err := register(); err != nil { // before a connection is opened
		t.Fatal(err)
	}
	exec := func(before string) func(context.Context, *sql.Tx) error {
		return func(ctx context.Context, tx *sql.Tx) error {
			return endless(ctx, func(ctx context.Context, query string) error { _, err := tx.ExecContext(ctx, before+query); return err })
		}
	}
	failing := map[string]func(context.Context, *sql.Tx) error{
		"interrupted": exec(""),
		"in a script": exec("DELETE FROM a; "),
		"no room": func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO a VALUES (3, hex(zeroblob(2000000)))")
			return err
		},
		"its own words": func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT OR ROLLBACK INTO a VALUES (1, 'twice')")
			return err
		},
		"with returning": func(ctx context.Context, tx *sql.Tx) error {
			return endless(ctx, func(ctx context.Context, query string) error {
				rows, err := tx.QueryContext(ctx, query+" RETURNING n")
				if err != nil {
					return err
				}
				defer rows.Close()
				for rows.Next() {
				}
				return rows.Err()
			})
		},
		"prepared": func(ctx context.Context, tx *sql.Tx) error {
			return endless(ctx, func(ctx context.Context, query string) error {
				s, err := tx.PrepareContext(ctx, query)
				if err != nil {
					return err
				}
				defer s.Close()
				_, err = s.ExecContext(ctx)
				return err
			})
		},
	}
	const after = "INSERT INTO a VALUES (2, 'after')"
	going := map[string]func(context.Context, *sql.Tx) error{
		"nothing":   func(context.Context, *sql.Tx) error { return nil },
		"statement": func(ctx context.Context, tx *sql.Tx) error { _, err := tx.ExecContext(ctx, after); return err },
		"heedless":  func(ctx context.Context, tx *sql.Tx) error { _, _ = tx.ExecContext(ctx, after); return nil },
		"query": func(ctx context.Context, tx *sql.Tx) error {
			var n int
			return tx.QueryRowContext(ctx, after+" RETURNING n").Scan(&n)
		},
		"part": func(ctx context.Context, tx *sql.Tx) error {
			for _, q := range []string{"SAVEPOINT x", after, "RELEASE x"} {
				_, _ = tx.ExecContext(ctx, q)
			}
			return nil
		},
		"own transaction": func(ctx context.Context, tx *sql.Tx) error {
			_, _ = tx.ExecContext(ctx, "BEGIN; "+after)
			return nil
		},
		"prepared": func(ctx context.Context, tx *sql.Tx) error {
			s, err := tx.PrepareContext(ctx, after)
			if err != nil {
				return err
			}
			defer s.Close()
			_, err = s.ExecContext(ctx)
			return err
		},
	}
	for name, fail := range failing {
		for then, goOn := range going {
			t.Run(name+", then "+then, func(t *testing.T) {
				t.Parallel()
				db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), sqlite.Config{})
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				if _, err := db.Exec(t.Context(), "CREATE TABLE a (n integer PRIMARY KEY, s text)"); err != nil {
					t.Fatal(err)
				}
				if _, err := db.Write().ExecContext(t.Context(), "PRAGMA max_page_count = 100"); err != nil {
					t.Fatal(err)
				}
				err = db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
					if _, err := tx.ExecContext(ctx, "INSERT INTO a VALUES (1, 'before')"); err != nil {
						return err
					}
					if fail(ctx, tx) == nil {
						t.Error("it did not fail")
					}
					return goOn(ctx, tx)
				})
				if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "the code went on") {
					t.Errorf("%v, want %v that says why", err, store.ErrUnavailable)
				}
				want(t, "what was kept", texts(t, db.Read(), "SELECT s FROM a"), "s")
				// The next transaction knows nothing of it.
				if err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
					_, err := tx.ExecContext(ctx, "INSERT INTO a VALUES (4, 'next')")
					return err
				}); err != nil {
					t.Error(err)
				}
				want(t, "what is kept then", texts(t, db.Read(), "SELECT s FROM a"), "s\nnext")
			})
		}
	}
}

// TestTransactionGoesOn: a statement that failed by itself alone leaves its transaction
// whole, and a transaction that the code undid keeps nothing that follows.
func TestTransactionGoesOn(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"), sqlite.Config{})
	if _, err := db.Exec(t.Context(), "CREATE TABLE a (n integer PRIMARY KEY, s text)"); err != nil {
		t.Fatal(err)
	}
	do := func(queries ...string) error {
		return db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			for _, q := range queries {
				_, _ = tx.ExecContext(ctx, q)
			}
			return nil
		})
	}
	if err := do("INSERT INTO a VALUES (1, 'one')", "INSERT INTO a VALUES (1, 'twice')", "SAVEPOINT x", "INSERT INTO a VALUES (3, 'undone')",
		"ROLLBACK TO x", "RELEASE x", "INSERT INTO a VALUES (2, 'two')"); err != nil {
		t.Error(err)
	}
	if err := do("ROLLBACK", "INSERT INTO a VALUES (4, 'four')"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v, want %v", err, store.ErrUnavailable)
	}
	want(t, "what was kept", texts(t, db.Read(), "SELECT s FROM a ORDER BY n"), "s\none\ntwo")
}
