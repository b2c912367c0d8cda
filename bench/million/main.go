// Command million measures a service on a table with a million rows, on both
// databases: what requests cost, and what each kind of migration keeps waiting.
//
//	go run ./bench/million [-database sqlite,postgres] [-rows n] [-seconds n] [-run requests,migrations]
//
// It is run in the folder of the checkout. Each kind of migration is one change of
// gate.yaml, generated as gate generate does and applied as a start does, while
// somebody writes single rows of the table and somebody reads them, one after the
// other, with the time-outs of a service. A PostgreSQL server is the one that
// GATE_TEST_POSTGRES names, or one that is started for the run, which does not wait
// for the disk.
package main

import (
	"context"
	_ "embed" // the design
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatewright/gate/bench/internal/program"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/sqlite"
)

//go:embed million.yaml
var design string

func main() {
	databases := flag.String("database", "sqlite,postgres", "databases of the service")
	rows := flag.Int("rows", 1_000_000, "rows in the table")
	seconds := flag.Float64("seconds", 3, "how long each request is measured")
	only := flag.String("run", "requests,migrations", "what is measured")
	flag.Parse()
	for database := range strings.SplitSeq(*databases, ",") {
		b := &bench{
			database: database, rows: *rows, length: time.Duration(*seconds * float64(time.Second)), only: *only,
			w: tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0),
		}
		if err := b.run(context.Background()); err != nil {
			fmt.Fprintf(os.Stderr, "bench/million: %s: %v\n", database, err)
			os.Exit(1)
		}
	}
}

type bench struct {
	database string
	rows     int
	length   time.Duration
	only     string
	w        *tabwriter.Writer

	dir  string // of the service
	url  string // of the database
	yaml string // as it is now
}

func (b *bench) run(ctx context.Context) (err error) {
	root, err := os.MkdirTemp("", "gate-bench-million")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	b.dir, b.url = filepath.Join(root, "million"), filepath.Join(root, "million.db")
	if b.database == "postgres" {
		url, drop, err := program.Database()
		if err != nil {
			return err
		}
		defer drop()
		b.url = url
	}
	b.yaml = strings.Replace(design, "database: sqlite", "database: "+b.database, 1)
	if _, err := program.Generate(b.dir, b.yaml); err != nil {
		return err
	}
	if err := b.fill(ctx); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	if strings.Contains(b.only, "requests") {
		if err := b.requests(root); err != nil {
			return err
		}
	}
	if strings.Contains(b.only, "migrations") {
		return b.migrations(ctx)
	}
	return nil
}

// open opens the database as a service does, whose statements end after that time,
// after 5 seconds if it is 0.
func (b *bench) open(ctx context.Context, timeout time.Duration) (*store.DB, error) {
	if b.database == "postgres" {
		return postgres.Open(ctx, b.url, postgres.Config{StatementTimeout: timeout})
	}
	return sqlite.Open(ctx, b.url, sqlite.Config{})
}

// migrate applies what was generated.
func (b *bench) migrate(ctx context.Context, db *store.DB) error {
	ms, err := store.LoadFS(os.DirFS(filepath.Join(b.dir, "migrations")), b.database)
	if err != nil {
		return err
	}
	_, err = db.Migrate(ctx, "app", ms)
	return err
}

// fill makes the tables and their rows, many with each statement.
func (b *bench) fill(ctx context.Context) error {
	db, err := b.open(ctx, time.Hour)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := b.migrate(ctx, db); err != nil {
		return err
	}
	const many = 50_000
	fill := `WITH RECURSIVE n (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2)
		INSERT INTO items (id, name, code, stock, price, sold, note, created_at, updated_at)
		SELECT printf('01900000-0000-7000-8000-%012d', i), 'Dish ' || (i * 7919 % 1000003), 'C' || i,
			CASE WHEN i % 3 > 0 THEN i % 100 END, i * 31 % 100000, printf('2026-%02d-%02d', 1 + i % 12, 1 + i % 28),
			CASE WHEN i % 2 = 0 THEN 'with lemon and olive oil' END, '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z' FROM n`
	category := "INSERT INTO categories (id, name, created_at, updated_at) VALUES ($1, 'Starters', '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z')"
	if b.database == "postgres" {
		fill = `INSERT INTO items (id, name, code, stock, price, sold, note, created_at, updated_at)
			SELECT ('01900000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, 'Dish ' || (i * 7919 % 1000003), 'C' || i,
				CASE WHEN i % 3 > 0 THEN i % 100 END, (i * 31 % 100000) / 100.0, make_date(2026, (1 + i % 12)::int, (1 + i % 28)::int),
				CASE WHEN i % 2 = 0 THEN 'with lemon and olive oil' END, '2026-01-01', '2026-01-01' FROM generate_series($1::bigint, $2::bigint - 1) AS i`
	}
	if _, err := db.Exec(ctx, category, rowID(0)); err != nil {
		return err
	}
	for from := 0; from < b.rows; from += many {
		if _, err := db.Exec(ctx, fill, from, min(b.rows, from+many)); err != nil {
			return err
		}
	}
	_, err = db.Exec(ctx, "ANALYZE") // as the server does by itself, after a while
	return err
}

func rowID(i int) string { return fmt.Sprintf("01900000-0000-7000-8000-%012d", i) }
