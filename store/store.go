// Package store holds rows: one handle over SQLite or PostgreSQL, a reading of
// the errors they answer with, and a runner for migrations.
//
// A handle is opened by a dialect package, so that a program links the driver
// it uses and no other:
//
//	db, err := sqlite.Open(ctx, "data/app.db", sqlite.Config{})
//	db, err := postgres.Open(ctx, url, postgres.Config{})
//
// # Reading and writing
//
// [DB.Read] and [DB.Write] are ordinary [sql.DB] handles. SQLite knows one
// writer at a time, so there Write is a single connection and Read a pool that
// cannot write; on PostgreSQL both are the same pool. Requests write through
// [DB.InTx] and [DB.Exec], which bound the wait for a connection: when another
// process keeps the database locked, they answer within seconds instead of
// queueing up behind each other. How long a statement may run is for the
// context to say; give each request a deadline.
//
// # Errors
//
// [DB.Classify] says what went wrong in terms of the data: a unique or foreign
// key, a missing value, a refused check. Whatever keeps the database from
// answering at all (locked, full, unreachable, too slow) is recognisable by
// errors.Is(err, [ErrUnavailable]) once [DB.Wrap] has seen it; methods of DB
// return errors that it has seen.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A Dialect is the SQL that a database speaks. The zero value is no dialect;
// [New] refuses it.
type Dialect uint8

// The dialects.
const (
	SQLite Dialect = iota + 1
	Postgres
)

// String returns the name of the dialect in full: "sqlite", "postgresql".
func (d Dialect) String() string {
	switch d {
	case SQLite:
		return "sqlite"
	case Postgres:
		return "postgresql"
	}
	return "Dialect(" + strconv.Itoa(int(d)) + ")"
}

// Placeholder returns the placeholder of the n-th argument, counted from 1. It
// is $n in both dialects, so a statement in the common subset of SQL is the
// same text for both. One argument may be used several times.
func (d Dialect) Placeholder(n int) string { return "$" + strconv.Itoa(n) }

// Quote returns name as a quoted identifier. Quotes inside are doubled, and a
// NUL, which no database stores, is dropped.
func (d Dialect) Quote(name string) string {
	if strings.ContainsAny(name, "\"\x00") { // hardly any; a replacer is large
		name = strings.NewReplacer(`"`, `""`, "\x00", "").Replace(name)
	}
	return `"` + name + `"`
}

// Config is what a dialect package hands to [New].
type Config struct {
	// Dialect is required.
	Dialect Dialect
	// Write is required. On SQLite it is limited to one connection and begins
	// every transaction as the writer (BEGIN IMMEDIATE).
	Write *sql.DB
	// Read is a pool for queries; nil means Write.
	Read *sql.DB
	// Classify reads an error of the driver. It answers the zero Problem for
	// an error that it does not know. Required.
	Classify func(error) Problem
	// Wait bounds how long [DB.InTx] and [DB.Exec] wait for a connection;
	// zero means three seconds.
	Wait time.Duration
	// Durable is called after a commit, when others can write again; it returns
	// once all that was committed before survives a power cut. nil means that
	// there is nothing to wait for after a commit.
	Durable func() error
	// Closing is called once when the DB closes, before its handles do; nil is
	// nothing.
	Closing func()
	// Scratch opens an empty database of the same kind that nobody else sees,
	// for [DB.Drift]. On PostgreSQL it is not needed.
	Scratch func(context.Context) (*DB, error)
}

// A DB is a database. It is safe for concurrent use. The zero value is not
// usable; see [New].
type DB struct {
	dialect  Dialect
	read     *sql.DB
	write    *sql.DB
	classify func(error) Problem
	wait     time.Duration
	durable  func() error
	scratch  func(context.Context) (*DB, error)
	turns    *turns
	long     *turns
	writers  *turns
	closing  func()
	closed   atomic.Bool
	logger   atomic.Pointer[slog.Logger]
}

// New returns a DB over handles that are open. Programs call sqlite.Open or
// postgres.Open instead.
func New(cfg Config) (*DB, error) {
	switch {
	case cfg.Dialect != SQLite && cfg.Dialect != Postgres:
		return nil, fmt.Errorf("store: unknown dialect %v", cfg.Dialect)
	case cfg.Write == nil:
		return nil, errors.New("store: no handle to write with")
	case cfg.Classify == nil:
		return nil, errors.New("store: no way to classify errors")
	case cfg.Wait < 0:
		return nil, fmt.Errorf("store: negative wait %v", cfg.Wait)
	}
	db := &DB{
		dialect: cfg.Dialect, read: cfg.Read, write: cfg.Write, classify: cfg.Classify, wait: cfg.Wait,
		durable: cfg.Durable, scratch: cfg.Scratch, closing: cfg.Closing,
	}
	if db.read == nil {
		db.read = db.write
	}
	db.turns = newTurns(db.read.Stats().MaxOpenConnections)
	db.long = newLongTurns(db.turns)
	db.writers = db.turns
	if db.read != db.write {
		db.writers = newTurns(3) // who writes, who comes next, and the program
	}
	if db.wait == 0 {
		db.wait = 3 * time.Second
	}
	if db.durable == nil {
		db.durable = func() error { return nil }
	}
	return db, nil
}

// Dialect returns the dialect of the database.
func (db *DB) Dialect() Dialect { return db.dialect }

// Read returns the handle for queries. On SQLite it refuses to write. Inside
// [DB.InTx] query the transaction instead: the handle does not see its changes.
func (db *DB) Read() *sql.DB { return db.read }

// Write returns the handle for changes. It waits for a connection as long as
// the context allows; [DB.InTx] and [DB.Exec] give up sooner.
func (db *DB) Write() *sql.DB { return db.write }

// LogTo says where those who work with the database log what they can tell nobody.
func (db *DB) LogTo(logger *slog.Logger) { db.logger.Store(logger) }

// Logger returns the logger of [DB.LogTo], or slog.Default().
func (db *DB) Logger() *slog.Logger {
	if logger := db.logger.Load(); logger != nil {
		return logger
	}
	return slog.Default()
}

// Ping reports whether the database answers, to reads and writes alike.
func (db *DB) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, db.wait)
	defer cancel()
	if err := db.read.PingContext(ctx); err != nil {
		return db.Wrap(fmt.Errorf("ping: %w", err))
	}
	var one int
	if err := db.read.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return db.Wrap(fmt.Errorf("ping: %w", err))
	}
	return nil
}

// Close closes the handles after the statements that run have ended. Closing
// twice is fine.
func (db *DB) Close() error {
	if !db.closed.Swap(true) && db.closing != nil {
		db.closing()
	}
	var err error
	if db.read != db.write {
		err = db.read.Close() // readers first: the last connection to a SQLite file folds its log into it
	}
	return errors.Join(err, db.write.Close())
}

// insideTx is the key under which a context inside InTx names its DB.
type insideTx struct{ db *DB }

// InTx runs fn in a transaction on the writer. It commits if fn returns nil,
// and rolls back if fn returns an error or panics. The error of fn comes back
// as it is, save that one caused by the database not answering also matches
// [ErrUnavailable]. When ctx ends it is rolled back at once, whether fn notices or not.
// When the error comes from the commit itself and the connection broke in that moment,
// nobody knows whether the change was kept.
//
// Transactions do not nest: a call with the context that fn was given is
// refused at once.
//
// On PostgreSQL a statement that fails ends the transaction, and so does on SQLite one that
// is interrupted while it writes, or finds no room, whatever fn makes of its
// error. When fn goes on and does not return it, InTx does: it is what happened, not
// the refusal of the statements after it. What fn returns instead counts, unless the
// statement failed to let another transaction pass.
func (db *DB) InTx(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	return db.InTxFor(ctx, Caller{}, fn)
}

// InTxFor is [DB.InTx] for a caller, who takes turns with others as [DB.Turn] says: on
// PostgreSQL with those that read, as they share the connections; on SQLite, which has
// one writer, a caller writes once and comes next once. The turn ends with the
// transaction, and not when the disk has it. The error matches [ErrUnavailable] when no
// turn came in time, and [ErrBusy] when too many transactions of the caller wait.
func (db *DB) InTxFor(ctx context.Context, c Caller, fn func(ctx context.Context, tx *sql.Tx) error) error {
	if ctx.Value(insideTx{db}) != nil {
		return errors.New("store: transaction inside a transaction")
	}
	if err := db.commit(ctx, c, fn); err != nil {
		return err
	}
	return db.settled()
}

// commit runs fn in a transaction, and commits it.
func (db *DB) commit(ctx context.Context, c Caller, fn func(ctx context.Context, tx *sql.Tx) error) error {
	turn, err := db.writeTurn(ctx, c)
	if err != nil {
		return err
	}
	defer turn.End()
	conn, err := db.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var failed failure
	ctx = context.WithValue(ctx, statements{}, &failed)
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return db.Wrap(fmt.Errorf("begin transaction: %w", err))
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing; it also runs when fn panics
	// When ctx ends, the transaction is rolled back, and the next one begins: fn may take
	// no notice of it.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()

	if err := fn(context.WithValue(ctx, insideTx{db}, true), tx); err != nil {
		if failed.behind(err) || failed.hidden(err) && db.Classify(failed.first()).Retry {
			return db.Wrap(failed.swallowed())
		}
		return db.Wrap(causedBy(ctx, err))
	}
	if err := tx.Commit(); err != nil {
		if failed.hidden(err) {
			return db.Wrap(failed.swallowed())
		}
		return db.Wrap(fmt.Errorf("commit: %w", causedBy(ctx, err)))
	}
	return nil
}

// settled waits until what was committed is durable.
func (db *DB) settled() error {
	if err := db.durable(); err != nil {
		return fmt.Errorf("commit: %w: %w", ErrUnavailable, err)
	}
	return nil
}

// causedBy adds the end of ctx to the error of a transaction that database/sql rolled
// back for it, or whose connection was closed for it.
func causedBy(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil && (errors.Is(err, sql.ErrTxDone) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn)) {
		return fmt.Errorf("%w (%w)", err, cause)
	}
	return err
}

// Exec runs one statement on the writer, in a transaction of its own. Errors
// come back as from [DB.InTx], inside which it is refused.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if ctx.Value(insideTx{db}) != nil {
		return nil, errors.New("store: Exec inside a transaction")
	}
	res, err := db.exec(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return res, db.settled()
}

func (db *DB) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	conn, err := db.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	res, err := conn.ExecContext(ctx, query, args...)
	return res, db.Wrap(err)
}

// acquire takes a connection to write with, and gives up after db.wait: a
// queue behind a locked database must end.
func (db *DB) acquire(ctx context.Context) (*sql.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, db.wait)
	defer cancel()
	for tries := 1; ; tries++ {
		conn, err := db.write.Conn(ctx)
		if err == nil {
			return conn, nil
		}
		// One that somebody broke off is handed on: a statement ended with its caller.
		if !errors.Is(err, driver.ErrBadConn) || ctx.Err() != nil || tries == maxBroken {
			return nil, db.Wrap(fmt.Errorf("wait for a connection: %w", err))
		}
	}
}

// maxBroken is how many connections that do not work are taken for one that does, each
// of which database/sql has looked for three times.
const maxBroken = 10
