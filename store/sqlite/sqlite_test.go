package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Run("file", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) *store.DB { return open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Config{}) })
	})
	t.Run("memory", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) *store.DB { return open(t, ":memory:", sqlite.Config{}) })
	})
}

func open(t testing.TB, name string, cfg sqlite.Config) *store.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func run(t testing.TB, db *store.DB, stmt string, args ...any) {
	t.Helper()
	if _, err := db.Exec(t.Context(), stmt, args...); err != nil {
		t.Fatalf("%s: %v", stmt, err)
	}
}

func TestOpen_refusals(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, file string
		cfg        sqlite.Config
		want       string
	}{
		{"empty", "", sqlite.Config{}, `"" is not the name`},
		{"scheme only", "sqlite:", sqlite.Config{}, "is not the name"},
		{"folder by slash", dir + "/", sqlite.Config{}, "is not the name"},
		{"folder", dir, sqlite.Config{}, "not a regular file"},
		{"NUL", dir + "/a\x00b", sqlite.Config{}, "is not the name"},
		{"parameters run SQL", "file:" + dir + "/x.db?_pragma=foreign_keys(0)", sqlite.Config{}, "takes no parameters"},
		{"not a database", text, sqlite.Config{}, "not a database"},
		{"readers", dir + "/x.db", sqlite.Config{Readers: -1}, "negative number of readers"},
		{"negative timeout", dir + "/x.db", sqlite.Config{BusyTimeout: -1}, "busy timeout"},
		{"a hang", dir + "/x.db", sqlite.Config{BusyTimeout: time.Minute}, "busy timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db, err := sqlite.Open(t.Context(), tt.file, tt.cfg)
			if err == nil {
				db.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open = %v, want %q in it", err, tt.want)
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "x.db*")); left != nil {
		t.Errorf("a refused configuration left %v", left)
	}
}

func TestOpen_names(t *testing.T) {
	for _, tt := range []struct{ prefix, file string }{
		{"", "plain.db"},
		{"", "new/folder/with space #1?.db"},
		{"", "50%20.db"},
		{"file:", "file.db"},
		{"file://", "file2.db"},
		{"sqlite:", "sqlite.db"},
		{"sqlite://", "sqlite2.db"},
	} {
		t.Run(tt.prefix+tt.file, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), tt.file)
			run(t, open(t, tt.prefix+path, sqlite.Config{}), "CREATE TABLE t (id INTEGER)")
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRead_cannotWrite(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	run(t, db, "CREATE TABLE t (id INTEGER)")
	if _, err := db.Read().ExecContext(t.Context(), "INSERT INTO t (id) VALUES (1)"); err == nil {
		t.Error("a reader wrote")
	}
	tx, err := db.Read().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatalf("a snapshot for reading: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
}

func TestRead_whileWriting(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	run(t, db, "CREATE TABLE t (id INTEGER)")
	err := db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO t (id) VALUES (1)"); err != nil {
			return err
		}
		var n int
		if err := db.Read().QueryRowContext(ctx, "SELECT count(*) FROM t").Scan(&n); err != nil {
			return err
		}
		if n != 0 {
			t.Errorf("a reader sees %d rows that are not committed", n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestConnection_settings(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	for name, handle := range map[string]*sql.DB{"read": db.Read(), "write": db.Write()} {
		for pragma, want := range map[string]string{
			"journal_mode": "wal", "foreign_keys": "1", "synchronous": "1", "busy_timeout": "2000", "trusted_schema": "0",
		} {
			var got string
			if err := handle.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s: %s = %s, %v, want %s", name, pragma, got, err, want)
			}
		}
		var text string
		if err := handle.QueryRowContext(t.Context(), `SELECT "no such column"`).Scan(&text); err == nil {
			t.Errorf("%s: text in double quotes is a string: %q", name, text)
		}
	}
}

func TestTime_sortsAsText(t *testing.T) {
	db := open(t, ":memory:", sqlite.Config{})
	run(t, db, "CREATE TABLE t (id INTEGER, at TIMESTAMP)")
	base := time.Date(2026, 3, 1, 12, 0, 5, 0, time.FixedZone("", 7200))
	for i, at := range []time.Time{base, base.Add(100 * time.Millisecond), base.Add(120 * time.Millisecond), base.Add(time.Second).UTC()} {
		run(t, db, "INSERT INTO t (id, at) VALUES ($1, $2)", i, at)
	}
	rows, err := db.Read().QueryContext(t.Context(), "SELECT id, at FROM t ORDER BY at")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for want := 0; rows.Next(); want++ {
		var id int
		var at time.Time
		if err := rows.Scan(&id, &at); err != nil {
			t.Fatal(err)
		}
		if id != want {
			t.Errorf("row %d comes where %d belongs", id, want)
		}
		if id == 1 && !at.Equal(base.Add(100*time.Millisecond)) {
			t.Errorf("time = %v, want %v", at, base.Add(100*time.Millisecond))
		}
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
}

// TestLOG16_locked: a lock that does not go away is "could not decide", and
// soon, also for those who queue.
func TestLOG16_locked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db := open(t, path, sqlite.Config{BusyTimeout: 300 * time.Millisecond})
	run(t, db, "CREATE TABLE t (id INTEGER)")
	other := open(t, path, sqlite.Config{})
	tx, err := other.Write().BeginTx(t.Context(), nil) // immediate: holds the lock
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			var err error
			if i%2 == 0 {
				_, err = db.Exec(t.Context(), "INSERT INTO t (id) VALUES (1)")
			} else {
				err = db.InTx(t.Context(), func(context.Context, *sql.Tx) error { t.Error("got the lock"); return nil })
			}
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("err = %v, want %v", err, store.ErrUnavailable)
			}
		})
	}
	wg.Wait()
	if took := time.Since(began); took > 30*time.Second { // one after the other it is more than a minute
		t.Errorf("30 writers waited for %v", took)
	}
	var n int
	if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Errorf("reading while locked: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	run(t, db, "INSERT INTO t (id) VALUES (1)") // recovered at once
}

// TestLOG16_full: a full disk is "could not decide", and nothing half-written
// stays.
func TestLOG16_full(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	run(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, text BLOB)")
	run(t, db, "PRAGMA max_page_count = 20")
	began := time.Now()
	var err error
	rows := 0
	for ; err == nil && rows < 1000; rows++ {
		err = db.InTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO t (text) VALUES (zeroblob(10000))")
			return err
		})
	}
	if !errors.Is(err, store.ErrUnavailable) || db.Classify(err).Retry {
		t.Fatalf("err = %v, want %v", err, store.ErrUnavailable)
	}
	if took := time.Since(began); took > 30*time.Second { // whatever else the machine does
		t.Errorf("it took %v to notice", took)
	}
	var n int
	if err := db.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil || n != rows-1 {
		t.Errorf("rows = %d, %v, want %d", n, err, rows-1)
	}
	run(t, db, "PRAGMA max_page_count = 2000")
	run(t, db, "INSERT INTO t (text) VALUES (zeroblob(10000))")
}

func TestLOG16_fileGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	db := open(t, filepath.Join(dir, "test.db"), sqlite.Config{Readers: 1})
	run(t, db, "CREATE TABLE t (id INTEGER)")
	db.Read().SetMaxIdleConns(0)
	db.Write().SetMaxIdleConns(0) // so that the next statement opens the file
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Ping = %v, want %v", err, store.ErrUnavailable)
	}
	if _, err := db.Exec(t.Context(), "INSERT INTO t (id) VALUES (1)"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Exec = %v, want %v", err, store.ErrUnavailable)
	}
}

// TestCommit_cancelled: an interrupted writer is free for the next.
func TestCommit_cancelled(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	run(t, db, "CREATE TABLE t (id INTEGER)")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := db.InTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n)
			INSERT INTO t SELECT i FROM n`)
		return err
	})
	if !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v, want %v", err, store.ErrUnavailable)
	}
	run(t, db, "INSERT INTO t (id) VALUES (1)")
	var n, keys int
	if err := db.Write().QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil || n != 1 {
		t.Errorf("rows = %d, %v, want 1", n, err)
	}
	if err := db.Write().QueryRowContext(t.Context(), "PRAGMA foreign_keys").Scan(&keys); err != nil || keys != 1 {
		t.Errorf("foreign keys = %d, %v on the connection that replaced it", keys, err)
	}
}

// TestOPS14_notADatabase names files that are something else: they are refused,
// and keep their content and mode.
func TestOPS14_notADatabase(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"passwd": "root:x:0:0:root:/root:/bin/sh\n", "short": "x"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
		if db, err := sqlite.Open(t.Context(), file, sqlite.Config{}); err == nil {
			t.Errorf("%s was opened", name)
			_ = db.Close()
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil || string(data) != text || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v %q %v", name, info.Mode(), data, err)
		}
	}
	for _, url := range []string{"postgres://u:secret@db.example/app", "mysql://x"} {
		if db, err := sqlite.Open(t.Context(), url, sqlite.Config{}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
			if db != nil {
				_ = db.Close()
			}
		}
	}
}
