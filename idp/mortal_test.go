package idp_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/sqlite"
	"github.com/gatewright/gate/store/storetest"
)

// eachPlace runs a test with where an empty database is, of each kind, for those
// who open it more than once, as processes do.
func eachPlace(t *testing.T, run func(t *testing.T, where string)) {
	t.Run("SQLite", func(t *testing.T) { run(t, filepath.Join(t.TempDir(), "idp.db")) })
	t.Run("PostgreSQL", func(t *testing.T) { run(t, storetest.PostgresURL(t)) })
}

// openPlace opens the database that is there.
func openPlace(ctx context.Context, where string) (*store.DB, error) {
	if strings.HasPrefix(where, "postgres") {
		return postgres.Open(ctx, where, postgres.Config{MaxConns: 8})
	}
	return sqlite.Open(ctx, where, sqlite.Config{})
}

func mustOpen(t *testing.T, where string) *store.DB {
	t.Helper()
	db, err := openPlace(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// errAway is what a driver says of a server that hung up.
var errAway error = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}

// A mortal is how long a database lives: it goes away at a statement that was
// chosen, BEGIN and COMMIT being some, or at once. Nothing is done after that, and
// what was not committed never was. The zero value lives.
type mortal struct {
	// die is called when it goes away; nil for nothing.
	die func()

	mu    sync.Mutex
	left  int  // statements until it goes away; 0 for no such number
	after bool // the last of them is done, and nobody learns of it
	away  bool
	lives int // how often it came back
}

// dieAt has it go away at the n-th statement from now on, counted from 1.
func (m *mortal) dieAt(n int, after bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left, m.after = n, after
}

// leave has it go away.
func (m *mortal) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = true
}

// comeBack ends that, and reports whether it was away.
func (m *mortal) comeBack() (was bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	was = m.away
	m.left, m.away, m.lives = 0, false, m.lives+1
	return was
}

// life is the number of this life; none when it is away.
func (m *mortal) life() (n int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lives, !m.away
}

// run does what a connection of a life was asked for.
func (m *mortal) run(life int, ask func() error) error {
	m.mu.Lock()
	if m.away || m.lives != life {
		defer m.mu.Unlock()
		return gone(m.away)
	}
	last := m.left == 1
	m.left = max(m.left-1, 0)
	m.away = last
	after, die := m.after, m.die
	m.mu.Unlock()
	if !last {
		return ask()
	}
	if after {
		_ = ask()
	}
	if die != nil {
		die()
	}
	return errAway
}

// gone is what a driver says that finds a connection broken: while nobody is there,
// and when there is somebody again.
func gone(away bool) error {
	if away {
		return errAway
	}
	return driver.ErrBadConn
}

// over returns a database that is a handle of its own and lives as long as m.
func (m *mortal) over(db *store.DB) (*store.DB, error) {
	pool := func(from *sql.DB) *sql.DB {
		p := sql.OpenDB(&mortalConnector{from, m})
		p.SetMaxOpenConns(from.Stats().MaxOpenConnections)
		return p
	}
	write := pool(db.Write())
	read := write
	if db.Read() != db.Write() {
		read = pool(db.Read())
	}
	return store.New(store.Config{Dialect: db.Dialect(), Read: read, Write: write, Classify: db.Classify})
}

func mustOver(t *testing.T, m *mortal, db *store.DB) *store.DB {
	t.Helper()
	over, err := m.over(db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = over.Close() }) // before the one below it
	return over
}

// mortalConnector lends the connections of another handle.
type mortalConnector struct {
	from *sql.DB
	of   *mortal
}

// Connect implements [driver.Connector].
func (c *mortalConnector) Connect(ctx context.Context) (driver.Conn, error) {
	life, ok := c.of.life()
	if !ok {
		return nil, errAway
	}
	lent, err := c.from.Conn(ctx)
	if err != nil {
		return nil, err
	}
	conn := &mortalConn{lent: lent, of: c.of, life: life}
	err = lent.Raw(func(raw any) error {
		var ok bool
		if conn.lentConn, ok = raw.(lentConn); !ok {
			return errors.New("a connection of the driver lacks a method")
		}
		return nil
	})
	return conn, err
}

// Driver implements [driver.Connector].
func (c *mortalConnector) Driver() driver.Driver { return c.from.Driver() }

// A lentConn is what connections of the drivers can do.
type lentConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
}

type mortalConn struct {
	lentConn

	lent *sql.Conn
	of   *mortal
	life int
}

// IsValid implements [driver.Validator].
func (c *mortalConn) IsValid() bool {
	life, ok := c.of.life()
	return ok && life == c.life
}

// ResetSession implements [driver.SessionResetter]: a pool finds out that what it
// kept is of a life before.
func (c *mortalConn) ResetSession(context.Context) error {
	if !c.IsValid() {
		return driver.ErrBadConn
	}
	return nil
}

// CheckNamedValue implements [driver.NamedValueChecker].
func (c *mortalConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.lentConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// ExecContext implements [driver.ExecerContext].
func (c *mortalConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (res driver.Result, err error) {
	err = c.of.run(c.life, func() (err error) { res, err = c.lentConn.ExecContext(ctx, query, args); return err })
	return res, err
}

// QueryContext implements [driver.QueryerContext].
func (c *mortalConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = c.of.run(c.life, func() (err error) { rows, err = c.lentConn.QueryContext(ctx, query, args); return err })
	if err != nil && rows != nil {
		_ = rows.Close()
		rows = nil
	}
	return rows, err
}

// BeginTx implements [driver.ConnBeginTx].
func (c *mortalConn) BeginTx(ctx context.Context, opts driver.TxOptions) (tx driver.Tx, err error) {
	if err = c.of.run(c.life, func() (err error) { tx, err = c.lentConn.BeginTx(ctx, opts); return err }); err != nil {
		return nil, err
	}
	return &mortalTx{tx, c}, nil
}

// Close gives the connection back, or closes it with what it had begun when the
// database went away.
func (c *mortalConn) Close() error {
	if !c.IsValid() {
		_ = c.lent.Raw(func(any) error { return driver.ErrBadConn }) // the answer that discards it
	}
	if err := c.lent.Close(); !errors.Is(err, sql.ErrConnDone) {
		return err
	}
	return nil
}

type mortalTx struct {
	driver.Tx

	of *mortalConn
}

// Commit implements [driver.Tx].
func (tx *mortalTx) Commit() error { return tx.of.of.run(tx.of.life, tx.Tx.Commit) }

// Rollback implements [driver.Tx]. Who dies at it has died before it.
func (tx *mortalTx) Rollback() error {
	if !tx.of.IsValid() {
		return errAway
	}
	return tx.Tx.Rollback()
}
