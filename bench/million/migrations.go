package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate/bench/internal/program"
	"github.com/gatewright/gate/store"
)

// A step is one change of gate.yaml: each old text becomes the new one after it.
type step struct {
	what string
	edit []string
}

var steps = []step{
	{"a new table", []string{"  Item: #", "  Firm:\n    fields: {name: text}\n    allow: {view: public}\n  Item: #"}},
	{"an optional field", []string{"      note: text\n", "      note: text\n      place: text\n"}},
	{"a required field with a default", []string{"      note: text\n", "      note: text\n      rank: {type: integer, required: true, default: 1}\n"}},
	{"a relation", []string{"      note: text\n", "      note: text\n      category: {type: relation, to: Category}\n"}},
	{"an index", []string{"indexes: [price]", "indexes: [price, name]"}},
	{"a unique field", []string{"code: {type: text,", "code: {type: text, unique: true,"}},
	{"optional becomes required", []string{"stock: integer", "stock: {type: integer, required: true, default: 0}"}},
	{"required becomes optional", []string{"stock: {type: integer, required: true, default: 0}", "stock: integer"}},
	{"date becomes datetime", []string{"sold: date", "sold: datetime"}},
	{"integer becomes decimal", []string{"stock: integer", "stock: {type: decimal, precision: 10, scale: 2}"}},
	{"a longer text", []string{"maxLength: 100", "maxLength: 200"}},
	{"searchable", []string{"maxLength: 200", "maxLength: 200, searchable: true"}},
	{"softDelete", []string{"    indexes: [price, name]", "    softDelete: true\n    indexes: [price, name]"}},
	{"a field is renamed", []string{"note: text", "remark: {type: text, renamedFrom: note}"}},
	{"a field is dropped", []string{"      place: text\n", ""}},
	{"the table is renamed", []string{"  Item: #", "  Dish:\n    plural: Dishes\n    renamedFrom: Item #"}},
	{"a table is dropped", []string{"  Firm:\n    fields: {name: text}\n    allow: {view: public}\n", ""}},
}

// migrations applies one step after the other.
func (b *bench) migrations(ctx context.Context) error {
	dbs := make([]*store.DB, 3) // who migrates, who writes, who reads: three processes
	for i := range dbs {
		db, err := b.open(ctx, 0)
		if err != nil {
			return err
		}
		defer db.Close()
		dbs[i] = db
	}
	fmt.Fprintf(b.w, "%s, %d rows\ttook\tlongest write\trefused\tlongest read\trefused\tstatements\n", b.database, b.rows)
	for _, s := range steps {
		if err := b.step(ctx, s, dbs); err != nil {
			return fmt.Errorf("%s: %w", s.what, err)
		}
	}
	fmt.Fprintln(b.w)
	return b.w.Flush()
}

func (b *bench) step(ctx context.Context, s step, dbs []*store.DB) error {
	for i := 0; i < len(s.edit); i += 2 {
		if !strings.Contains(b.yaml, s.edit[i]) {
			return fmt.Errorf("%q is not in the design", s.edit[i])
		}
		b.yaml = strings.Replace(b.yaml, s.edit[i], s.edit[i+1], 1)
	}
	before, err := b.files()
	if err != nil {
		return err
	}
	if _, err := program.Generate(b.dir, b.yaml, "items.place", "firms"); err != nil {
		return err
	}
	after, err := b.files()
	if err != nil {
		return err
	}
	if len(after) == len(before) {
		fmt.Fprintf(b.w, "%s\tnone\t\t\t\t\t\n", s.what)
		return b.w.Flush()
	}
	writer := others(ctx, b.rows, func(ctx context.Context, table, id string) error {
		_, err := dbs[1].Exec(ctx, "UPDATE "+table+" SET updated_at = updated_at WHERE id = $1", id)
		return dbs[1].Wrap(err)
	})
	reader := others(ctx, b.rows, func(ctx context.Context, table, id string) error {
		var name string
		return dbs[2].Wrap(dbs[2].Read().QueryRowContext(ctx, "SELECT name FROM "+table+" WHERE id = $1", id).Scan(&name))
	})
	time.Sleep(time.Second)
	start := time.Now()
	err = b.migrate(ctx, dbs[0])
	took := time.Since(start)
	time.Sleep(100 * time.Millisecond)
	w, r := writer(), reader()
	if err := errors.Join(err, w.fault, r.fault); err != nil {
		return err
	}
	text, err := os.ReadFile(after[len(after)-1])
	if err != nil {
		return err
	}
	fmt.Fprintf(b.w, "%s\t%v\t%v\t%d\t%v\t%d\t%d\n", s.what, round(took), round(w.longest), w.refused, round(r.longest), r.refused, strings.Count(string(text), ";\n"))
	return b.w.Flush()
}

func round(d time.Duration) time.Duration {
	if d < 100*time.Millisecond {
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Millisecond)
}

// files are the migrations that were generated.
func (b *bench) files() ([]string, error) {
	return filepath.Glob(filepath.Join(b.dir, "migrations", b.database, "[0-9]*[a-z].sql"))
}

// A wait is what somebody met.
type wait struct {
	longest time.Duration // until a row was written or read, however often that took
	refused int           // 503, in the words of a service
	fault   error
}

// others does one thing to one row after the other, until the returned function is
// called. The table may change its name meanwhile.
func others(ctx context.Context, rows int, do func(ctx context.Context, table, id string) error) func() wait {
	var w wait
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tables := []string{"items", "dishes"}
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			start := time.Now()
			for tried := 0; ; tried++ {
				bounded, cancel := context.WithTimeout(ctx, 10*time.Second) // as a request has
				err := do(bounded, tables[0], rowID(i*7919%rows))
				cancel()
				if err == nil {
					break
				}
				if errors.Is(err, store.ErrUnavailable) {
					w.refused++
					continue
				}
				if tables[0], tables[1] = tables[1], tables[0]; tried > 1000 {
					w.fault = err
					return
				}
			}
			w.longest = max(w.longest, time.Since(start))
			time.Sleep(time.Millisecond)
		}
	})
	return func() wait { close(stop); done.Wait(); return w }
}
