package sqlite

import (
	"container/list"
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
)

const (
	// maxStatements is how many prepared statements a connection keeps.
	maxStatements = 32
	// maxStatement is the length in bytes of the longest statement that is kept.
	maxStatement = 4 << 10
)

// A connector opens connections that keep statements.
type connector struct{ driver.Connector }

// Connect implements [driver.Connector].
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := opened.(connection)
	if !ok {
		return nil, errors.Join(errors.New("sqlite: a connection of the driver lacks a method"), opened.Close())
	}
	made := &conn{connection: inner, kept: map[string]*list.Element{}}
	if err := made.watch(); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return made, nil
}

// A connection is what those of the driver can do.
type connection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// A conn keeps the statements that it ran last in their prepared form: half of
// the time of a short statement is its preparation. It keeps those alone that
// read or change rows, as others do their work while they are prepared (PRAGMA)
// or change what the kept ones were made from.
//
// When somebody else changed the schema, or a PRAGMA of this connection the
// rules, SQLite finds out before the next step and prepares again by itself.
//
// A statement that runs is not among the kept ones: whoever runs the same text
// meanwhile gets one of their own. One that failed is not kept. The package
// database/sql calls the methods of a connection and of its rows one at a time.
type conn struct {
	connection
	transaction
	kept   map[string]*list.Element
	order  list.List // of *statement, the latest first
	closed bool
}

// A statement is a prepared one.
type statement struct {
	text string
	preparedStmt
}

// A preparedStmt is what those of the driver can do.
type preparedStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// ExecContext implements [driver.ExecerContext].
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		result, err := c.connection.ExecContext(ctx, query, args)
		return result, c.because(err)
	}
	result, err := s.ExecContext(ctx, args)
	return result, c.giveBack(s, c.because(err))
}

// QueryContext implements [driver.QueryerContext].
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, query)
	if err != nil {
		return nil, err
	}
	if s == nil {
		r, err := c.connection.QueryContext(ctx, query, args)
		return c.rows(r, nil, err)
	}
	r, err := s.QueryContext(ctx, args)
	return c.rows(r, s, err)
}

// rows returns the rows of a query that was run, of a statement to keep or of none.
func (c *conn) rows(r driver.Rows, s *statement, err error) (driver.Rows, error) {
	typed, ok := r.(typedRows)
	if err == nil && !ok {
		err = errors.Join(errors.New("sqlite: rows of the driver lack a method"), r.Close())
	}
	if err != nil {
		return nil, c.giveBack(s, c.because(err))
	}
	return &rows{typedRows: typed, c: c, s: s}, nil
}

// Close closes the connection with all that it keeps: SQLite would keep the
// file open for a statement that is not.
func (c *conn) Close() error {
	c.closed = true
	c.unwatch()
	return errors.Join(c.forget(), c.connection.Close())
}

// take returns the prepared form of a query, and nil for one that is not to be
// kept. After the end of a transaction that the program has not ended there is none.
func (c *conn) take(ctx context.Context, query string) (*statement, error) {
	if c.lost != nil {
		return nil, c.lost
	}
	if e, ok := c.kept[query]; ok {
		return c.remove(e), nil
	}
	if !repeatable(query) {
		return nil, c.forget()
	}
	s, err := c.prepare(ctx, query)
	if err != nil {
		return nil, c.because(err)
	}
	return &statement{query, s}, nil
}

func (c *conn) prepare(ctx context.Context, query string) (preparedStmt, error) {
	made, err := c.connection.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s, ok := made.(preparedStmt)
	if !ok {
		return nil, errors.Join(errors.New("sqlite: a statement of the driver lacks a method"), made.Close())
	}
	return s, nil
}

// giveBack keeps a statement that was taken, if it is one, unless it failed with err,
// which comes back.
func (c *conn) giveBack(s *statement, err error) error {
	if s == nil {
		return err
	}
	if err != nil {
		_ = s.Close() // which says again how it failed
		return err
	}
	if _, twice := c.kept[s.text]; twice || c.closed {
		return s.Close()
	}
	c.kept[s.text] = c.order.PushFront(s)
	if c.order.Len() > maxStatements {
		return c.remove(c.order.Back()).Close()
	}
	return nil
}

// remove takes a statement out.
func (c *conn) remove(e *list.Element) *statement {
	s := c.order.Remove(e).(*statement) //nolint:forcetypeassert // nothing else is in it
	delete(c.kept, s.text)
	return s
}

// forget closes all that is kept.
func (c *conn) forget() error {
	var err error
	for c.order.Len() > 0 {
		err = errors.Join(err, c.remove(c.order.Back()).Close())
	}
	return err
}

// repeatable reports whether a query is one statement that reads or changes
// rows. In doubt it is not: one with a semicolon may be a script.
func repeatable(query string) bool {
	if len(query) > maxStatement || strings.ContainsRune(query, ';') {
		return false
	}
	word := strings.TrimLeft(query, " \t\r\n")
	if i := strings.IndexAny(word, " \t\r\n("); i >= 0 {
		word = word[:i]
	}
	switch strings.ToUpper(word) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		return true
	}
	return false
}

// typedRows are what the rows of the driver can do.
type typedRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// rows give their statement back at the end.
type rows struct {
	typedRows
	c      *conn
	s      *statement // nil for one that is not kept
	closed bool
}

// Next implements [driver.Rows].
func (r *rows) Next(into []driver.Value) error {
	err := r.typedRows.Next(into)
	if err == io.EOF { //nolint:errorlint // as database/sql asks
		return err
	}
	return r.c.because(err)
}

// Close implements [driver.Rows].
func (r *rows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	return r.c.giveBack(r.s, r.c.because(r.typedRows.Close()))
}
