package graphql_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store/sqlite"
)

type book struct {
	ID    string
	Title string
	Cost  int64
}

func (b *book) pointer(f model.FieldID) any { return []any{&b.ID, &b.Title, &b.Cost}[f] }

func Example() {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, ":memory:", sqlite.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	policy, err := authz.NewPolicy([]authz.Role{{Name: "manager"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	everybody := []string{"public"}
	books, err := crud.New(db, policy, &model.Entity{
		Name: "Book", Plural: "Books", Path: "books", Table: "books",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "title", Column: "title", Type: model.Text, Required: true},
			{Name: "cost", Column: "cost", Type: model.Integer, Required: true, View: []string{"manager"}},
		},
		Allow: model.Allow{List: everybody, Create: everybody},
	}, (*book).pointer)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := crud.Link(books); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := db.Exec(ctx, `CREATE TABLE books (id TEXT PRIMARY KEY, title TEXT NOT NULL, cost INTEGER NOT NULL)`); err != nil {
		fmt.Println(err)
		return
	}
	api, err := graphql.New(graphql.Config{Entities: []crud.Service{books}, SDL: `
		type Query { books(where: BookWhere): [Book!] }
		type Mutation { createBook(input: CreateBookInput!): Book }
		type Book { id: ID! title: String cost: Int }
		input BookWhere { title: StringFilter cost: IntFilter }
		input CreateBookInput { title: String! cost: Int! }
		input StringFilter { startsWith: String }
		input IntFilter { gt: Int }`})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, body := range []string{
		`{"query": "mutation { createBook(input: {title: \"Emma\", cost: 5}) { title } }"}`,
		`{"query": "{ books(where: {title: {startsWith: \"Em\"}}) { title cost } }"}`,
		`{"query": "{ books(where: {cost: {gt: 3}}) { title } }"}`,
	} {
		r := httptest.NewRequestWithContext(ctx, "POST", "/api/graphql", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 {"data":{"createBook":{"title":"Emma"}}}
	// 200 {"data":{"books":[{"title":"Emma","cost":null}]},"errors":[{"message":"You do not have the permission to do this","path":["books",0,"cost"],"extensions":{"code":"FORBIDDEN"}}]}
	// 200 {"data":{"books":null},"errors":[{"message":"The query is wrong","path":["books"],"extensions":{"code":"BAD_USER_INPUT","fields":[{"field":"cost","code":"unknown","message":"is not a field of Book"}]}}]}
}
