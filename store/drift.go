package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Component is a part of a program with migrations of its own.
type Component struct {
	Name       string
	Migrations []Migration
}

// Drift compares the tables that the migrations of components make with those in
// the database, and returns what somebody changed by hand, in words and in order;
// nothing when they agree. Migrations that were not applied yet count as little
// as tables that no migration makes.
//
// It runs the migrations in a schema of its own: on SQLite in memory, on
// PostgreSQL in a transaction that is rolled back and that needs the right to
// create a schema. It changes nothing, and locks nothing that others use. On
// SQLite a check or a unique constraint within CREATE TABLE does not count, an
// index does. Errors are those of [DB.Pending], and of a migration that does not
// run any more.
func (db *DB) Drift(ctx context.Context, components []Component) ([]string, error) {
	var done []Component
	for _, c := range components {
		pending, err := db.Pending(ctx, c.Name, c.Migrations)
		if err != nil {
			return nil, err
		}
		done = append(done, Component{c.Name, c.Migrations[:len(c.Migrations)-len(pending)]})
	}
	want, err := db.wanted(ctx, done)
	if err != nil {
		return nil, db.Wrap(fmt.Errorf("compare the schema: %w", err))
	}
	have, err := db.catalog(ctx, db.read)
	if err != nil {
		return nil, db.Wrap(fmt.Errorf("read the schema: %w", err))
	}
	return want.differences(have), nil
}

// wanted returns the catalog that migrations make from nothing.
func (db *DB) wanted(ctx context.Context, components []Component) (catalog, error) {
	if db.dialect == SQLite {
		return db.wantedInMemory(ctx, components)
	}
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // nothing of it is to stay
	name := db.dialect.Quote("gate_drift_" + strings.ToLower(rand.Text()))
	for _, stmt := range []string{"CREATE SCHEMA " + name, "SET LOCAL search_path = " + name} {
		if _, err := tx.ExecContext(ctx, stmt); err != nil {
			return nil, err
		}
	}
	for _, c := range components {
		for _, m := range c.Migrations {
			if err := db.run(ctx, tx, m.String(), m.SQL); err != nil {
				return nil, fmt.Errorf("%s: %w", c.Name, err)
			}
		}
	}
	return db.catalog(ctx, tx)
}

func (db *DB) wantedInMemory(ctx context.Context, components []Component) (catalog, error) {
	if db.scratch == nil {
		return nil, errors.New("there is no database to try the migrations in")
	}
	scratch, err := db.scratch(ctx)
	if err != nil {
		return nil, err
	}
	defer scratch.Close()
	for _, c := range components {
		if _, err := scratch.Migrate(ctx, c.Name, c.Migrations); err != nil {
			return nil, err
		}
	}
	return db.catalog(ctx, scratch.read)
}

// A catalog says how each part of each table is defined.
type catalog map[part]string

// A part is a column, index, constraint or, on SQLite, trigger of a table.
type part struct{ table, kind, name string }

// The kinds of a part.
const (
	kindColumn     = "column"
	kindIndex      = "index"
	kindConstraint = "constraint"
	kindTrigger    = "trigger"
)

// differences lists in which tables of c have is not the same.
func (c catalog) differences(have catalog) []string {
	known, present := map[string]bool{}, map[string]bool{}
	for p := range c {
		known[p.table] = true
	}
	for p := range have {
		present[p.table] = true
	}
	out := map[string]bool{}
	for p, want := range c {
		switch got, ok := have[p]; {
		case !present[p.table]:
			out["table "+p.table+" is missing"] = true
		case !ok:
			out[p.String()+" is missing: "+want] = true
		case got != want:
			out[p.String()+" is "+got+", not "+want] = true
		}
	}
	for p, got := range have {
		if _, ok := c[p]; !ok && known[p.table] {
			out[p.String()+" is not of a migration: "+got] = true
		}
	}
	return slices.Sorted(maps.Keys(out))
}

func (p part) String() string { return "table " + p.table + ": " + p.kind + " " + p.name }

// The catalogs of the databases, a row each for a part: table, kind, name,
// definition. That of PostgreSQL is the first schema of the search path, whose
// name is left out of definitions.
const (
	catalogSQLite = `SELECT t.name, '` + kindColumn + `', c.name,
			trim(lower(c.type) || iif(c."notnull", ' not null', '') || iif(c.pk, ' primary key ' || c.pk, '') || coalesce(' default ' || c.dflt_value, ''))
		FROM sqlite_schema t, pragma_table_xinfo(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'
		UNION ALL
		SELECT tbl_name, iif(type = 'index', '` + kindIndex + `', '` + kindTrigger + `'), name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL
		UNION ALL
		SELECT t.name, '` + kindConstraint + `', 'of ' || group_concat(f."from", ', '),
			'references ' || f."table" || ' (' || group_concat(coalesce(f."to", ''), ', ') || ') on delete ' || lower(f.on_delete) || ' on update ' || lower(f.on_update)
		FROM sqlite_schema t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table' GROUP BY t.name, f.id`
	catalogPostgres = `SELECT c.relname, '` + kindColumn + `', a.attname,
			format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
			|| CASE a.attidentity WHEN '' THEN '' ELSE ' identity' END
			|| CASE WHEN a.attcollation <> 0 AND l.collname <> 'default' THEN ' collate ' || l.collname ELSE '' END
			|| coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
		LEFT JOIN pg_collation l ON l.oid = a.attcollation
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
		UNION ALL
		SELECT c.relname, '` + kindIndex + `', i.relname, pg_get_indexdef(x.indexrelid, 0, true)
		FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
		WHERE c.relnamespace = current_schema()::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
		UNION ALL
		SELECT c.relname, '` + kindConstraint + `', k.conname, pg_get_constraintdef(k.oid, true) || CASE WHEN k.convalidated THEN '' ELSE ' not valid' END
		FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
		WHERE c.relnamespace = current_schema()::regnamespace AND k.contype IN ('p', 'u', 'x', 'f', 'c')`
)

func (db *DB) catalog(ctx context.Context, q querier) (catalog, error) {
	query := catalogSQLite
	if db.dialect == Postgres {
		query = catalogPostgres
	}
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := catalog{}
	for rows.Next() {
		var p part
		var definition sql.NullString
		if err := rows.Scan(&p.table, &p.kind, &p.name, &definition); err != nil {
			return nil, err
		}
		out[p] = strings.Join(strings.Fields(definition.String), " ")
	}
	return out, rows.Err()
}
