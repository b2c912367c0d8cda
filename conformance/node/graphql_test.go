package node_test

import (
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/store/storetest"
)

type book struct{ ID, Title string }

func (b *book) pointer(f model.FieldID) any { return []any{&b.ID, &b.Title}[f] }

const bookSchema = `
"What there is."
type Query {
  "All \"books\"."
  books(where: BookWhere, orderBy: [BookOrderBy!], limit: Int): [Book!]
}
type Mutation { createBook(input: CreateBookInput!): Book }
type Book { id: ID! "How it is called." title: String }
input BookWhere { AND: [BookWhere!] title: StringFilter }
input BookOrderBy { title: SortOrder }
input CreateBookInput { title: String! }
input StringFilter { eq: String in: [String!] startsWith: String }
enum SortOrder { asc desc }
`

// TestGraphQL has the reference implementation look at the schemas and at the
// answers of a service.
func TestGraphQL(t *testing.T) {
	db := storetest.SQLite(t)
	policy, err := authz.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	public := []string{"public"}
	books, err := crud.New(db, policy, &model.Entity{
		Name: "Book", Plural: "Books", Path: "books", Table: "books",
		Fields: []model.Field{
			{Name: "id", Column: "id", Type: model.ID, Required: true},
			{Name: "title", Column: "title", Type: model.Text, Required: true},
		},
		Allow: model.Allow{List: public, Create: public},
	}, (*book).pointer)
	if err != nil {
		t.Fatal(err)
	}
	if err := crud.Link(books); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), "CREATE TABLE books (id TEXT PRIMARY KEY, title TEXT NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	api, err := graphql.New(graphql.Config{SDL: bookSchema, Entities: []crud.Service{books}, Introspection: true})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(api)
	t.Cleanup(s.Close)
	execute(t, "graphql.mjs", "", facts{"url": s.URL + "/api/graphql", "sdl": bookSchema, "generated": generatedSchema(t)})
}

// generatedSchema returns the schema that the generator is known to write.
func generatedSchema(t *testing.T) string {
	t.Helper()
	ar, err := txtar.ParseFile(filepath.Join("..", "..", "gen", "testdata", "graphql.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range ar.Files {
		if f.Name == "out/app/schema_gen.graphql" {
			return string(f.Data)
		}
	}
	t.Fatal("there is no schema")
	return ""
}
