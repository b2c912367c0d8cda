package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// migrationWait bounds how long a process waits while another migrates.
	migrationWait = time.Minute
	// tableWait bounds, on PostgreSQL, how long a migration waits for a table
	// that others use.
	tableWait = 5 * time.Second
	// maxTries is how often a migration runs that PostgreSQL undid to let
	// somebody else pass.
	maxTries = 3
	// migrationLock is the key of the advisory lock on PostgreSQL: "gate" in
	// ASCII, then 1.
	migrationLock = 0x67617465_00000001
)

// The table is the same text in both dialects.
const createMigrations = `CREATE TABLE IF NOT EXISTS gate_migrations (
	component  TEXT NOT NULL,
	version    INTEGER NOT NULL,
	name       TEXT NOT NULL,
	checksum   TEXT NOT NULL,
	applied_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT CURRENT_TIMESTAMP,
	PRIMARY KEY (component, version)
)`

// Migrate brings the schema of one component up to date: it runs the
// migrations that the database has not seen, in order, each in a transaction
// together with its record in the table gate_migrations, and returns those.
// When one fails it is rolled back, those before it stay, and the error names
// its file and line.
//
// Any number of processes may call it at once: one works, the others wait, for
// at most a minute, and find it done.
//
// On PostgreSQL a statement that waits for a table longer than five seconds ends
// the migration with [ErrUnavailable]: everyone else would wait behind it. How
// long it works, once it has the table, is not bounded. One that is undone because
// it and somebody else waited for each other runs again, three times at most.
//
// On SQLite a migration runs with foreign keys off, so that the usual rebuild
// of a table (create, copy, drop, rename) does not delete the rows that refer
// to it, and is rolled back when a foreign key dangles at its end.
//
// A migration that was edited after it had been applied is refused with
// [ErrChanged], a database ahead of ms with [ErrNewer], a hole with [ErrGap]:
// nothing is run then.
func (db *DB) Migrate(ctx context.Context, component string, ms []Migration) ([]Migration, error) {
	pending, err := db.Pending(ctx, component, ms)
	if err != nil || len(pending) == 0 {
		return nil, err
	}
	applied, err := db.migrate(ctx, component, ms)
	if err != nil {
		return applied, fmt.Errorf("migrate %s: %w", component, db.Wrap(err))
	}
	return applied, nil
}

// Pending returns the migrations that [DB.Migrate] would run, and its refusals.
// It changes nothing, so a service that runs without the right to change the
// schema learns from it whether it may start.
func (db *DB) Pending(ctx context.Context, component string, ms []Migration) ([]Migration, error) {
	if !componentName.MatchString(component) {
		return nil, fmt.Errorf("migrations: component %q is not a lower-case word", component)
	}
	if err := consecutive(ms); err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", component, err)
	}
	exists := "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'gate_migrations'"
	if db.dialect == Postgres {
		exists = "SELECT count(to_regclass('gate_migrations'))"
	}
	var n int
	if err := db.read.QueryRowContext(ctx, exists).Scan(&n); err != nil {
		return nil, db.Wrap(fmt.Errorf("migrations of %s: %w", component, err))
	}
	if n == 0 {
		return ms, nil
	}
	done, err := pending(ctx, db.read, component, ms)
	if err != nil {
		return nil, db.Wrap(fmt.Errorf("migrations of %s: %w", component, err))
	}
	return done, nil
}

// querier is what [sql.DB] and [sql.Tx] have in common here.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// pending compares ms with what the database has seen, and returns the rest.
func pending(ctx context.Context, q querier, component string, ms []Migration) ([]Migration, error) {
	rows, err := q.QueryContext(ctx,
		"SELECT version, name, checksum FROM gate_migrations WHERE component = $1 ORDER BY version", component)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	seen := 0
	for rows.Next() {
		var m Migration
		var checksum string
		if err := rows.Scan(&m.Version, &m.Name, &checksum); err != nil {
			return nil, err
		}
		seen++
		switch {
		case m.Version > len(ms):
			return nil, fmt.Errorf("%w: it has %s, this program knows %d; start the program that made it, or a newer one", ErrNewer, m, len(ms))
		case m.Version != seen:
			return nil, fmt.Errorf("%w: the database has %s but not version %d", ErrGap, m, seen)
		case checksum != ms[seen-1].Checksum():
			return nil, fmt.Errorf("%w: %s is not the file that was applied as %s; put the old text back and add a new migration", ErrChanged, ms[seen-1], m)
		}
	}
	return ms[seen:], rows.Err()
}

func (db *DB) migrate(ctx context.Context, component string, ms []Migration) (applied []Migration, err error) {
	err = db.alone(ctx, func(conn *sql.Conn) error {
		for try := 1; ; {
			m, err := db.migrateNext(ctx, conn, component, ms)
			switch {
			case deadlock(err) && try < maxTries:
				try++
			case err != nil || m == nil:
				return err
			default:
				applied, try = append(applied, *m), 1
			}
		}
	})
	return applied, err
}

// deadlock reports whether PostgreSQL undid a migration because it and somebody
// else waited for each other. It ended the wait of the other one, too.
func deadlock(err error) bool {
	var e interface{ SQLState() string } // the driver is not linked by every program
	return errors.As(err, &e) && e.SQLState() == "40P01"
}

// alone runs fn on a connection that it has to itself, and on which SQLite leaves
// foreign keys alone.
func (db *DB) alone(ctx context.Context, fn func(*sql.Conn) error) error {
	conn, err := db.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if db.dialect == SQLite {
		// Inside a transaction the switch does nothing, so it comes before.
		if _, err := conn.ExecContext(ctx, "PRAGMA foreign_keys = OFF"); err != nil {
			return err
		}
		defer restoreForeignKeys(ctx, conn)
	}
	return fn(conn)
}

// restoreForeignKeys turns foreign keys on again. A connection that cannot is
// thrown away.
func restoreForeignKeys(ctx context.Context, conn *sql.Conn) {
	ctx = context.WithoutCancel(ctx)
	var on bool
	_, err := conn.ExecContext(ctx, "PRAGMA foreign_keys = ON")
	if err == nil {
		err = conn.QueryRowContext(ctx, "PRAGMA foreign_keys").Scan(&on)
	}
	if err != nil || !on {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // the answer that discards it
	}
}

// migrateNext runs the first migration that is pending, nil when there is none.
func (db *DB) migrateNext(ctx context.Context, conn *sql.Conn, component string, ms []Migration) (*Migration, error) {
	tx, err := db.beginMigration(ctx, conn, component)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if _, err := tx.ExecContext(ctx, createMigrations); err != nil {
		return nil, err
	}
	todo, err := pending(ctx, tx, component, ms) // again: another process may have been here
	if err != nil || len(todo) == 0 {
		return nil, err
	}
	m := todo[0]
	if err := db.run(ctx, tx, m.String(), m.SQL); err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx,
		"INSERT INTO gate_migrations (component, version, name, checksum) VALUES ($1, $2, $3, $4)",
		component, m.Version, m.Name, m.Checksum()); err != nil {
		return nil, fmt.Errorf("%s: record: %w", m, err)
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("%s: commit: %w", m, err)
	}
	return &m, nil
}

// beginMigration begins a transaction that holds the lock of all migrations.
// It waits for another process for at most migrationWait.
func (db *DB) beginMigration(ctx context.Context, conn *sql.Conn, component string) (*sql.Tx, error) {
	defer db.sayWaiting(ctx, component)()
	if db.dialect == Postgres {
		return lockPostgres(ctx, conn)
	}
	deadline := time.Now().Add(migrationWait)
	for {
		tx, err := conn.BeginTx(ctx, nil) // BEGIN IMMEDIATE: the lock
		if err == nil || !db.Classify(err).Retry || time.Now().After(deadline) {
			return tx, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// migrationNotice is after how long the log says that a migration waits.
var migrationNotice = 3 * time.Second

// sayWaiting has the log say that a migration waits, unless it began by then. Call done
// when it does.
func (db *DB) sayWaiting(ctx context.Context, component string) (done func()) {
	after, called := migrationNotice, make(chan struct{})
	notice := time.AfterFunc(after, func() {
		defer close(called)
		db.Logger().WarnContext(ctx, "migration waits for another process that migrates the same database",
			"component", component, "waited", after, "gives_up_after", migrationWait)
	})
	return func() {
		if !notice.Stop() {
			<-called
		}
	}
}

func lockPostgres(ctx context.Context, conn *sql.Conn) (*sql.Tx, error) {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	for _, stmt := range []string{
		"SET LOCAL statement_timeout = 0",
		fmt.Sprintf("SET LOCAL lock_timeout = '%dms'", migrationWait.Milliseconds()),
		fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", int64(migrationLock)),
		// A change that waits for a table makes everyone else wait behind it.
		fmt.Sprintf("SET LOCAL lock_timeout = '%dms'", tableWait.Milliseconds()),
	} {
		if _, err := tx.ExecContext(ctx, stmt); err != nil {
			return nil, errors.Join(err, tx.Rollback())
		}
	}
	return tx, nil
}

// run executes the statements of a file.
func (db *DB) run(ctx context.Context, tx *sql.Tx, file, text string) error {
	statements, err := split(db.dialect, text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, st := range statements {
		if slices.Contains([]string{"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"}, st.word) {
			return fmt.Errorf("%s:%d: %s: a migration runs in a transaction of its own", file, st.line, st.word)
		}
		if _, err := tx.ExecContext(ctx, st.text); err != nil {
			return fmt.Errorf("%s:%d: %w", file, st.line, err)
		}
	}
	if db.dialect == SQLite {
		return checkForeignKeys(ctx, tx, file)
	}
	return nil
}

// checkForeignKeys looks for rows that refer to nothing.
func checkForeignKeys(ctx context.Context, tx *sql.Tx, file string) error {
	var table, parent string
	var row sql.NullInt64
	var key int
	err := tx.QueryRowContext(ctx, "PRAGMA foreign_key_check").Scan(&table, &row, &parent, &key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("%s: check foreign keys: %w", file, err)
	}
	return fmt.Errorf("%s: rows of table %q refer to rows of %q that are not there", file, table, parent)
}
