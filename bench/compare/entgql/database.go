//go:build generated

package main

import (
	"context"
	stdsql "database/sql"
	"errors"
	"path/filepath"
	"runtime"

	framework "entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	_ "github.com/jackc/pgx/v5/stdlib" // the drivers that the service has
	_ "modernc.org/sqlite"

	"github.com/gatewright/gate/bench/compare/entgql/ent"
)

// open opens a database with as many connections as the service has.
func open(database, dir, address string) (*ent.Client, error) {
	if database == "postgres" {
		db, err := pool("pgx", address, max(8, 4*runtime.GOMAXPROCS(0)))
		return ent.NewClient(ent.Driver(sql.OpenDB(dialect.Postgres, db))), err
	}
	at := "file:" + filepath.Join(dir, "shop.db") + "?_busy_timeout=5000&_foreign_keys=1&_synchronous=NORMAL" +
		"&_time_format=sqlite&_timezone=UTC&_pragma=temp_store(2)&_pragma=journal_size_limit(67108864)"
	write, err := pool("sqlite", at+"&_txlock=immediate&_pragma=journal_mode(WAL)", 1)
	if err != nil {
		return nil, err
	}
	read, err := pool("sqlite", at+"&_query_only=1", max(4, 2*runtime.GOMAXPROCS(0)))
	return ent.NewClient(ent.Driver(&split{sql.OpenDB(dialect.SQLite, write), sql.OpenDB(dialect.SQLite, read)})), err
}

func pool(driver, address string, n int) (*stdsql.DB, error) {
	db, err := stdsql.Open(driver, address)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// A split reads from one pool and writes to another, as the documentation of ent
// shows it.
type split struct {
	*sql.Driver
	read *sql.Driver
}

// Query implements [dialect.Driver]. Statements of a mutation that return rows, and
// those of a migration, go to the pool that writes.
func (s *split) Query(ctx context.Context, query string, args, v any) error {
	if framework.QueryFromContext(ctx) == nil {
		return s.Driver.Query(ctx, query, args, v)
	}
	return s.read.Query(ctx, query, args, v)
}

// Close implements [dialect.Driver].
func (s *split) Close() error { return errors.Join(s.read.Close(), s.Driver.Close()) }
