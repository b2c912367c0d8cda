package store

import (
	"context"
	"database/sql"
	"fmt"
)

// Revert takes back the last of ms that the database has: it runs Down in a
// transaction together with the removal of the record, and returns what it took
// back. Processes that migrate at the same time take turns, as in [DB.Migrate],
// which applies the migration again when a program that has it starts.
//
// The error matches [ErrNoWayBack] when that migration has no Down or when none
// was applied. A database whose history is not that of ms is refused as by
// [DB.Pending]. Whether Down loses data is for its author to know. Nothing is
// changed when there is an error.
func (db *DB) Revert(ctx context.Context, component string, ms []Migration) (Migration, error) {
	if _, err := db.Pending(ctx, component, ms); err != nil {
		return Migration{}, err
	}
	var undone Migration
	err := db.alone(ctx, func(conn *sql.Conn) (err error) {
		undone, err = db.revertLast(ctx, conn, component, ms)
		return err
	})
	if err != nil {
		return Migration{}, fmt.Errorf("take back a migration of %s: %w", component, db.Wrap(err))
	}
	return undone, nil
}

func (db *DB) revertLast(ctx context.Context, conn *sql.Conn, component string, ms []Migration) (Migration, error) {
	tx, err := db.beginMigration(ctx, conn, component)
	if err != nil {
		return Migration{}, err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if _, err := tx.ExecContext(ctx, createMigrations); err != nil {
		return Migration{}, err
	}
	todo, err := pending(ctx, tx, component, ms) // again: another process may have been here
	if err != nil {
		return Migration{}, err
	}
	done := len(ms) - len(todo)
	if done == 0 {
		return Migration{}, fmt.Errorf("%w: none was applied", ErrNoWayBack)
	}
	m := ms[done-1]
	if m.Down == "" {
		return Migration{}, fmt.Errorf("%w: %s is the last one, and there is no %s that undoes it", ErrNoWayBack, m, m.downFile())
	}
	if err := db.run(ctx, tx, m.downFile(), m.Down); err != nil {
		return Migration{}, err
	}
	if _, err := tx.ExecContext(ctx,
		"DELETE FROM gate_migrations WHERE component = $1 AND version = $2", component, m.Version); err != nil {
		return Migration{}, fmt.Errorf("%s: record: %w", m.downFile(), err)
	}
	if err := tx.Commit(); err != nil {
		return Migration{}, fmt.Errorf("%s: commit: %w", m.downFile(), err)
	}
	return m, nil
}
