package query_test

import (
	"fmt"
	"testing"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// BenchmarkReader_manyValues is a condition with many values: what it costs grows
// as their number does.
func BenchmarkReader_manyValues(b *testing.B) {
	db := storetest.SQLite(b)
	if _, err := db.Exec(b.Context(), `CREATE TABLE books (id TEXT PRIMARY KEY, title TEXT, author_id TEXT, pages INTEGER, price TEXT, secret TEXT, data TEXT, email TEXT)`); err != nil {
		b.Fatal(err)
	}
	e := book(b)
	var fields model.FieldSet
	fields.Add(id)
	fields.Add(pages)
	for _, lists := range []int{1, 5, 50} {
		b.Run(fmt.Sprint(lists*query.MaxValues), func(b *testing.B) {
			var where query.And
			for range lists {
				list := make([]any, query.MaxValues)
				for i := range list {
					list[i] = i % 10
				}
				where = append(where, query.Term{Field: "pages", Op: query.In, Value: list})
			}
			plan, err := query.Resolve(e, &query.Query{Where: where}, fields, fields, nil)
			if err != nil {
				b.Fatal(err)
			}
			var s query.Statement
			query.NewCompiler(store.SQLite, e).Page(&s, plan, query.Filter{}, fields)
			r := query.NewReader(db)
			for b.Loop() {
				rows, err := r.Query(b.Context(), &s)
				if err != nil {
					b.Fatal(err)
				}
				for rows.Next() {
				}
				if err := rows.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
