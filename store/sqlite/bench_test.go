package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/gatewright/gate/store/sqlite"
)

// BenchmarkWrite is the floor under every create: one row a transaction.
func BenchmarkWrite(b *testing.B) {
	for _, bb := range []struct {
		name string
		cfg  sqlite.Config
	}{{"normal", sqlite.Config{}}, {"full", sqlite.Config{SyncFull: true}}} {
		db := open(b, filepath.Join(b.TempDir(), "test.db"), bb.cfg)
		run(b, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
		const insert = "INSERT INTO t (text) VALUES ($1)"
		b.Run(bb.name+"/handle", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := db.Write().ExecContext(b.Context(), insert, "hello"); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bb.name+"/exec", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run(b, db, insert, "hello")
			}
		})
		b.Run(bb.name+"/tx", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				err := db.InTx(b.Context(), func(ctx context.Context, tx *sql.Tx) error {
					_, err := tx.ExecContext(ctx, insert, "hello")
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRead is the floor under every get: one row by its key.
func BenchmarkRead(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "test.db"), sqlite.Config{})
	run(b, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
	run(b, db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 10000) INSERT INTO t SELECT i, 'hello' FROM n")
	query := func(b *testing.B, i int) {
		var text string
		if err := db.Read().QueryRowContext(b.Context(), "SELECT text FROM t WHERE id = $1", 1+i%10000).Scan(&text); err != nil {
			b.Error(err)
		}
	}
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			query(b, i)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				query(b, i)
			}
		})
	})
}
