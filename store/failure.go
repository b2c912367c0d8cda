package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// statements is the key under which a context names the [failure] of its transaction.
type statements struct{}

// A failure is the statement that ended a transaction before its end. When the context
// ends, database/sql rolls back beside what runs in it.
type failure struct {
	mu   sync.Mutex
	conn any   // that of the transaction
	err  error // nil while there is none
}

// StatementEnded is for dialect packages of databases in which a statement that fails
// ends the transaction: it tells how a statement on a connection ended, the first one
// of a transaction included. An error is one of the server; undone says that it went
// back to a savepoint, which makes the transaction whole again.
func StatementEnded(ctx context.Context, conn any, err error, undone bool) {
	f, ok := ctx.Value(statements{}).(*failure)
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conn == nil {
		f.conn = conn
	}
	switch {
	case f.conn != conn: // the context is used elsewhere, too
	case err == nil && undone:
		f.err = nil
	case f.err == nil:
		f.err = err
	}
}

// hidden reports whether the failure is not in what came of it.
func (f *failure) hidden(by error) bool {
	err := f.first()
	return err != nil && !errors.Is(by, err)
}

// first returns the error of the statement; nil while there is none.
func (f *failure) first() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// behind reports whether err is the refusal of a statement after the failure.
func (f *failure) behind(err error) bool {
	var e interface{ SQLState() string } // the driver is not linked by every program
	return f.hidden(err) && errors.As(err, &e) && e.SQLState() == "25P02"
}

// swallowed is the failure of code that went on after it.
func (f *failure) swallowed() error {
	return fmt.Errorf("a statement failed, which ended the transaction, and the code went on: return its error, or run the statement behind a savepoint: %w", f.first())
}
