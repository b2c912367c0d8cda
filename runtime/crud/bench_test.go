package crud_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// The floor is what a careful person writes by hand for one table, with
// database/sql and encoding/json: the same statements, no rules, no checks. It
// comes in two kinds: statements that are sent as text each time, and prepared
// ones. The budget is 0.85 of the floor.

type bareItem struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Price     int64   `json:"price"`
	Kind      string  `json:"kind"`
	Image     *string `json:"image"`
	CreatedAt string  `json:"createdAt"`
	UpdatedAt string  `json:"updatedAt"`
}

func (i *bareItem) scan(row interface{ Scan(...any) error }) error {
	return row.Scan(&i.ID, &i.Name, &i.Price, &i.Kind, &i.Image, &i.CreatedAt, &i.UpdatedAt)
}

const (
	bareColumns = `SELECT "id", "name", "price", "kind", "image", "created_at", "updated_at" FROM "items"`
	bareOne     = bareColumns + ` WHERE "id" = $1`
	barePage    = bareColumns + ` ORDER BY "id" LIMIT $1`
	bareCount   = `SELECT count(*) FROM "items"`
)

func benchShop(b *testing.B, db *store.DB) (*shop, []string) {
	b.Helper()
	s := newShop(b, db)
	ids := make([]string, 1000)
	for i := range ids {
		ids[i] = s.item(b, fmt.Sprintf("item number %d", i), "12.50", "1.00")
	}
	b.ReportAllocs()
	return s, ids
}

// bare runs a query as the floor does.
type bare func(ctx context.Context, text string, args ...any) (*sql.Rows, error)

func floors(b *testing.B, db *store.DB) map[string]bare {
	b.Helper()
	prepared := make(map[string]*sql.Stmt)
	for _, text := range []string{bareOne, barePage, bareCount} {
		stmt, err := db.Read().PrepareContext(b.Context(), text)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = stmt.Close() })
		prepared[text] = stmt
	}
	return map[string]bare{
		"bare": db.Read().QueryContext,
		"bare_prepared": func(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
			return prepared[text].QueryContext(ctx, args...)
		},
	}
}

// each runs a query and reads its rows.
func (q bare) each(b *testing.B, read func(*sql.Rows) error, text string, args ...any) {
	b.Helper()
	rows, err := q(b.Context(), text, args...)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows); err != nil {
			b.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkGet(b *testing.B) {
	s, ids := benchShop(b, storetest.SQLite(b))
	for name, query := range floors(b, s.db) {
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				var item bareItem
				query.each(b, func(rows *sql.Rows) error { return item.scan(rows) }, bareOne, ids[n%len(ids)])
				if _, err := json.Marshal(&item); err != nil {
					b.Fatal(err)
				}
				n++
			}
		})
	}
	b.Run("crud", func(b *testing.B) {
		ctx := as(b, s.ann)
		var buf []byte
		n := 0
		for b.Loop() {
			row, err := s.items.GetRow(ctx, ids[n%len(ids)], nil)
			if err != nil {
				b.Fatal(err)
			}
			buf = row.AppendJSON(buf[:0])
			n++
		}
	})
}

func BenchmarkList25(b *testing.B) {
	s, _ := benchShop(b, storetest.SQLite(b))
	for name, query := range floors(b, s.db) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				items, total := make([]bareItem, 0, 25), 0
				query.each(b, func(rows *sql.Rows) error {
					var item bareItem
					err := item.scan(rows)
					items = append(items, item)
					return err
				}, barePage, 25)
				query.each(b, func(rows *sql.Rows) error { return rows.Scan(&total) }, bareCount)
				if _, err := json.Marshal(map[string]any{"total": total, "limit": 25, "skip": 0, "data": items}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("crud", func(b *testing.B) {
		ctx := as(b, s.ann)
		var buf []byte
		for b.Loop() {
			rows, err := s.items.FindRows(ctx, &query.Query{})
			if err != nil {
				b.Fatal(err)
			}
			buf = rows.AppendJSON(buf[:0])
		}
	})
}
