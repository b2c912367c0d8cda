package storetest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/gatewright/gate/store"
)

// A Counter remembers the queries that a database was asked. It is safe for
// concurrent use.
type Counter struct {
	mu      sync.Mutex
	queries []string
}

// Take returns the queries since the last time, in their order.
func (c *Counter) Take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := slices.Clone(c.queries)
	c.queries = nil
	return taken
}

func (c *Counter) add(query string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queries = append(c.queries, query)
}

// Counted returns db with a counter of what its Read handle is asked. Statements
// that change rows, and what is asked within transactions, do not count.
func Counted(t testing.TB, db *store.DB) (*store.DB, *Counter) {
	t.Helper()
	c := &Counter{}
	read := sql.OpenDB(&counting{db.Read(), c})
	t.Cleanup(func() { _ = read.Close() })
	read.SetMaxOpenConns(db.Read().Stats().MaxOpenConnections)
	counted, err := store.New(store.Config{Dialect: db.Dialect(), Read: read, Write: db.Write(), Classify: db.Classify})
	if err != nil {
		t.Fatal(err)
	}
	return counted, c
}

// counting opens connections by borrowing those of another handle.
type counting struct {
	from    *sql.DB
	counter *Counter
}

// Connect implements [driver.Connector].
func (c *counting) Connect(ctx context.Context) (driver.Conn, error) {
	lent, err := c.from.Conn(ctx)
	if err != nil {
		return nil, err
	}
	conn := &countedConn{lent: lent, counter: c.counter}
	err = lent.Raw(func(raw any) error {
		var ok bool
		if conn.capable, ok = raw.(capable); !ok {
			return errors.New("storetest: a connection of the driver lacks a method")
		}
		return nil
	})
	return conn, errors.Join(err)
}

// Driver implements [driver.Connector].
func (c *counting) Driver() driver.Driver { return c.from.Driver() }

type capable interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.QueryerContext
}

type countedConn struct {
	capable

	lent    *sql.Conn
	counter *Counter
}

// CheckNamedValue implements [driver.NamedValueChecker].
func (c *countedConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.capable.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// QueryContext implements [driver.QueryerContext].
func (c *countedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.counter.add(query)
	return c.capable.QueryContext(ctx, query, args)
}

// PrepareContext implements [driver.ConnPrepareContext].
func (c *countedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.capable.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	asker, ok := stmt.(driver.StmtQueryContext)
	if !ok {
		return nil, errors.Join(errors.New("storetest: a statement of the driver lacks a method"), stmt.Close())
	}
	return &countedStmt{stmt, asker, query, c.counter}, nil
}

// Close gives the connection back.
func (c *countedConn) Close() error { return c.lent.Close() }

type countedStmt struct {
	driver.Stmt

	asker   driver.StmtQueryContext
	text    string
	counter *Counter
}

// QueryContext implements [driver.StmtQueryContext].
func (s *countedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.counter.add(s.text)
	return s.asker.QueryContext(ctx, args)
}
