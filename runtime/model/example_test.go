package model_test

import (
	"fmt"

	"github.com/gatewright/gate/runtime/model"
)

func Example() {
	type book struct {
		ID    string
		Title string
		Price *model.Decimal
	}
	e := &model.Entity{
		Name: "Book", Plural: "Books", Path: "books", Table: "books",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "title", Column: "title", Type: model.Text, Required: true, MaxLength: 10},
			{Name: "price", Column: "price", Type: model.DecimalType, Precision: 6, Scale: 2, Min: "0"},
		},
	}
	if err := e.Check(); err != nil {
		fmt.Println(err)
		return
	}
	var b book
	pointers := []any{&b.ID, &b.Title, &b.Price}

	members, err := model.Members([]byte(`{"title": "Middlemarch", "price": 9.9}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range members {
		id, _ := e.Field(m.Key)
		field := &e.Fields[id]
		if problem, ok := field.Decode(m.Value, pointers[id]); !ok {
			fmt.Println(problem.Field, problem.Message)
			continue
		}
		fmt.Printf("%s%s\n", field.AppendKey(nil), field.AppendJSON(nil, pointers[id]))
	}
	// Output:
	// title must have at most 10 characters
	// "price":9.90
}
