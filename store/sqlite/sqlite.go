// Package sqlite opens SQLite databases, through a driver without cgo.
//
// # What a crash means
//
// The log is written ahead (WAL). What [store.DB.InTx] reported as committed
// survives the death of the process, kill -9 included, whatever the
// configuration: it is with the operating system by then. A power cut or a
// crash of the operating system may undo the last commits before it, up to the
// last checkpoint, and never corrupts the file. [Config.SyncFull] rules that
// out as well: each call returns when the disk has what it committed. Those that
// come while the disk is busy wait for it together.
//
// # Files
//
// The database file and the two beside it (-wal, -shm) are readable and
// writable by their owner alone, whatever the umask. A folder that does not
// exist is made, for the owner alone; one that does is left as it is.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	sqlite "modernc.org/sqlite"

	"github.com/gatewright/gate/store"
)

// Config is how a database is opened. The zero value is ready for use.
type Config struct {
	// Readers is the number of connections for queries; zero means twice the
	// number of processors, at least four.
	Readers int
	// BusyTimeout is how long a statement waits for a lock of another process
	// before it answers [store.ErrUnavailable]; zero means two seconds, three
	// is the most.
	BusyTimeout time.Duration
	// SyncFull has InTx and Exec wait until the disk has what they committed.
	// Others may read it a moment before. A disk that fails once fails every
	// call from then on, as [store.ErrUnavailable], until the database is opened
	// again.
	SyncFull bool
}

const (
	defaultBusyTimeout = 2 * time.Second
	maxBusyTimeout     = 3 * time.Second
)

// Open opens the database at name, and creates it if it is not there. The name
// is a path, or a path after "file:" or "sqlite:" (also "sqlite://"), or
// ":memory:". It takes no parameters: what can be set is in cfg.
//
// A database in memory lives as long as the handle and has one connection,
// which reads and writes alike: inside InTx query the transaction only.
//
// Time values are stored as UTC text that sorts by time; text in double quotes
// is an identifier, never a string.
func Open(ctx context.Context, name string, cfg Config) (*store.DB, error) {
	switch {
	case cfg.Readers < 0:
		return nil, fmt.Errorf("sqlite: negative number of readers %d", cfg.Readers)
	case cfg.BusyTimeout < 0 || cfg.BusyTimeout > maxBusyTimeout:
		return nil, fmt.Errorf("sqlite: busy timeout %v is not between 0 and %v", cfg.BusyTimeout, maxBusyTimeout)
	}
	if cfg.BusyTimeout == 0 {
		cfg.BusyTimeout = defaultBusyTimeout
	}
	if cfg.Readers == 0 {
		cfg.Readers = max(4, 2*runtime.GOMAXPROCS(0))
	}
	file, err := store.SQLiteFile(name)
	if err != nil {
		return nil, err
	}
	if file == memory {
		return openMemory(ctx, cfg)
	}
	return openFile(ctx, file, cfg)
}

const memory = store.SQLiteMemory

func openMemory(ctx context.Context, cfg Config) (*store.DB, error) {
	db, err := connect(memory, settings(cfg, "immediate"), 1)
	if err != nil {
		return nil, err
	}
	return handle(ctx, cfg, db, db, nil, nil)
}

func openFile(ctx context.Context, file string, cfg Config) (*store.DB, error) {
	if err := prepare(file); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	write, err := connect(file, settings(cfg, "immediate"), 1)
	if err != nil {
		return nil, err
	}
	if err := useWAL(ctx, write); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: open %s: %w", file, err), write.Close())
	}
	reading := settings(cfg, "deferred")
	reading.Set("_query_only", "1")
	read, err := connect(file, reading, cfg.Readers)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	var durable func() error
	if cfg.SyncFull {
		real, err := filepath.EvalSymlinks(file) // SQLite keeps the log beside the file itself
		if err != nil {
			return nil, errors.Join(fmt.Errorf("sqlite: %w", err), write.Close(), read.Close())
		}
		durable = (&flusher{log: real + "-wal", sync: (*os.File).Sync}).flush
	}
	read.SetConnMaxLifetime(readerLife)
	return handle(ctx, cfg, write, read, durable, upkeep(write))
}

// settings returns the parameters of a connection in the driver's words.
func settings(cfg Config, begin string) url.Values {
	return url.Values{
		"_busy_timeout": {strconv.FormatInt(cfg.BusyTimeout.Milliseconds(), 10)},
		"_foreign_keys": {"1"},
		"_synchronous":  {"NORMAL"},
		"_txlock":       {begin},
		"_time_format":  {"sqlite"},
		"_timezone":     {"UTC"},
		"_dqs":          {"0"},
		"_defensive":    {"1"},
		"_pragma": {
			"trusted_schema(0)",            // the schema calls no function with effects
			"temp_store(2)",                // sorts spill to memory, not to a file elsewhere
			"journal_size_limit(67108864)", // the log shrinks again after a burst
		},
	}
}

// connect returns a pool of at most n connections. It does not connect yet.
func connect(file string, parameters url.Values, n int) (*sql.DB, error) {
	dsn := "file::memory:?" + parameters.Encode()
	if file != memory {
		path := filepath.ToSlash(file)
		if !strings.HasPrefix(path, "/") {
			path = "/" + path // C:/data on Windows
		}
		dsn = (&url.URL{Scheme: "file", Path: path, RawQuery: parameters.Encode()}).String()
	}
	opener, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	db := sql.OpenDB(connector{opener})
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// useWAL switches the file to a write-ahead log, which it keeps. Another
// process that starts at the same time may hold the file for a moment.
func useWAL(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		var mode string
		err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		switch {
		case err == nil && mode != "wal":
			return fmt.Errorf("journal mode is %s, not wal: the file system cannot share memory between processes", mode)
		case err == nil || !classify(err).Retry:
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// handle makes the handle and sees that both sides answer.
func handle(ctx context.Context, cfg Config, write, read *sql.DB, durable func() error, stop func()) (*store.DB, error) {
	db, err := store.New(store.Config{
		Dialect: store.SQLite, Write: write, Read: read, Classify: classify,
		Wait: cfg.BusyTimeout + 500*time.Millisecond, Durable: durable, Closing: stop,
		Scratch: func(ctx context.Context) (*store.DB, error) { return Open(ctx, memory, Config{}) },
	})
	if err != nil {
		return nil, err
	}
	if err := db.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: %w", err), db.Close())
	}
	return db, nil
}
