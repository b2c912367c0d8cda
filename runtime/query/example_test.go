package query_test

import (
	"fmt"

	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/store"
)

func Example() {
	e := &model.Entity{Name: "Book", Path: "books", Table: "books", Fields: []model.Field{
		{Name: "id", Column: "id", Type: model.ID, Required: true},
		{Name: "title", Column: "title", Type: model.Text, Required: true},
		{Name: "price", Column: "price", Type: model.DecimalType, Precision: 6, Scale: 2},
		{Name: "cost", Column: "cost", Type: model.DecimalType, Precision: 6, Scale: 2},
	}}
	if err := e.Check(); err != nil {
		fmt.Println(err)
		return
	}
	readable := e.All()
	cost, _ := e.Field("cost")
	readable.Remove(cost)

	// A field that the caller may not read does not exist.
	_, err := query.Resolve(e, &query.Query{Where: query.Term{Field: "cost", Op: query.Gt, Value: "1"}}, readable, readable, nil)
	fmt.Println(err)

	plan, err := query.Resolve(e, &query.Query{
		Where:  query.Term{Field: "price", Op: query.Lt, Value: "9.99"},
		Sort:   []query.Sort{{Field: "price", Descending: true}},
		Select: []string{"title"},
	}, readable, readable, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var s query.Statement
	query.NewCompiler(store.SQLite, e).Page(&s, plan, query.Filter{}, plan.Select)
	fmt.Println(string(s.SQL), s.Args)
	// Output:
	// cost is not a field of Book
	// SELECT t0."id", t0."title" FROM "books" AS t0 WHERE t0."price" < $1 ORDER BY t0."price" DESC, t0."id" LIMIT $2 [999 25]
}
