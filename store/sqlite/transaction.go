package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	sqlite "modernc.org/sqlite"

	"github.com/gatewright/gate/store"
)

// A transaction knows when SQLite ended it. A statement that is interrupted while it
// writes, finds no room, no memory or no disk, takes the whole transaction with it:
// what follows would be kept by itself, a statement at a time.
type transaction struct {
	inside bool  // between its begin and its end
	lost   error // why it ended before
}

// errEnded is what nobody gave a reason for, such as a ROLLBACK among the statements.
var errEnded = fmt.Errorf("%w: the transaction ended before its commit, nothing of it was kept", store.ErrUnavailable)

// rolledBack is told by SQLite of each transaction that is undone.
func (t *transaction) rolledBack() {
	if t.inside && t.lost == nil {
		t.lost = errEnded
	}
}

// because notes that err is why the transaction ended, if it did, and returns it.
func (t *transaction) because(err error) error {
	if err != nil && t.lost == errEnded { //nolint:errorlint // itself, not what wraps it
		t.lost = fmt.Errorf("%w: a statement failed, which ended the transaction, and the code went on: return its error: %w", store.ErrUnavailable, err)
	}
	return err
}

// end ends it, and returns why it ended before.
func (t *transaction) end() error {
	lost := t.lost
	*t = transaction{}
	return lost
}

// watch has SQLite tell of what is undone.
func (c *conn) watch() error {
	hooks, ok := c.connection.(sqlite.HookRegisterer)
	if !ok {
		return errors.New("sqlite: a connection of the driver has no hooks")
	}
	hooks.RegisterRollbackHook(c.rolledBack)
	return nil
}

// unwatch ends watch: another connection may come to have the same address.
func (c *conn) unwatch() {
	if hooks, ok := c.connection.(sqlite.HookRegisterer); ok {
		hooks.RegisterRollbackHook(nil)
	}
}

// BeginTx implements [driver.ConnBeginTx].
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	tx, err := c.connection.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	c.transaction = transaction{inside: true}
	return &ending{tx, c}, nil
}

// Ending is how a transaction ends.
type ending struct {
	driver.Tx
	c *conn
}

// Commit implements [driver.Tx].
func (e *ending) Commit() error {
	if lost := e.c.end(); lost != nil {
		return lost
	}
	return e.Tx.Commit()
}

// Rollback implements [driver.Tx].
func (e *ending) Rollback() error {
	if lost := e.c.end(); lost != nil {
		return nil //nolint:nilerr // it was
	}
	return e.Tx.Rollback()
}

// PrepareContext implements [driver.ConnPrepareContext], for the program.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if c.lost != nil {
		return nil, c.lost
	}
	s, err := c.prepare(ctx, query)
	if err != nil {
		return nil, c.because(err)
	}
	return &prepared{s, c}, nil
}

// A prepared statement is one that the program made.
type prepared struct {
	preparedStmt
	c *conn
}

// ExecContext implements [driver.StmtExecContext].
func (p *prepared) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if p.c.lost != nil {
		return nil, p.c.lost
	}
	result, err := p.preparedStmt.ExecContext(ctx, args)
	return result, p.c.because(err)
}

// QueryContext implements [driver.StmtQueryContext].
func (p *prepared) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if p.c.lost != nil {
		return nil, p.c.lost
	}
	r, err := p.preparedStmt.QueryContext(ctx, args)
	return p.c.rows(r, nil, err)
}
