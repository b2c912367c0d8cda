package query_test

import (
	"testing"

	"github.com/gatewright/gate/runtime/query"
)

func TestFindsAll(t *testing.T) {
	some := query.Term{Field: "name", Op: query.Eq, Value: "x"}
	none := query.Term{Field: "name", Op: query.In, Value: []any{}}
	all := query.Term{Field: "name", Op: query.NotIn, Value: []any{}}
	for _, e := range []query.Expr{
		nil,
		query.And{},
		all,
		query.Not{Expr: query.Or{}},
		query.Not{Expr: none},
		query.Or{some, all},
		query.And{all, query.And{}},
		query.Not{Expr: query.And{some, none}},
		query.Not{Expr: query.Not{Expr: all}},
		query.Not{Expr: query.Or{none, query.Or{}}},
		query.Related{Relation: "orders", Quantifier: query.NoRow, Where: none},
		query.Related{Relation: "orders", Quantifier: query.EveryRow, Where: all},
		query.Not{Expr: query.Related{Relation: "orders", Quantifier: query.SomeRow, Where: query.Or{}}},
	} {
		if !query.FindsAll(e) {
			t.Errorf("%#v finds every row", e)
		}
	}
	for _, e := range []query.Expr{
		some, none,
		query.Or{},
		query.Not{Expr: some},
		query.Not{Expr: all},
		query.And{some, all},
		query.Or{some, none},
		query.Not{Expr: query.Or{some, none}},
		query.Related{Relation: "orders", Quantifier: query.NoRow, Where: some},
		query.Related{Relation: "orders", Quantifier: query.SomeRow, Where: all},
		query.Related{Relation: "orders", Quantifier: query.EveryRow, Where: none},
		query.Term{Field: "name", Op: query.Eq, Value: []any{}},
	} {
		if query.FindsAll(e) {
			t.Errorf("%#v chooses", e)
		}
	}
}
