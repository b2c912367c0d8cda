package graphql_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/gatewright/gate/runtime/graphql"
	"github.com/gatewright/gate/store/storetest"
)

// introspection is the query that the tools of graphql-js send.
const introspection = `
query IntrospectionQuery {
  __schema {
    description
    queryType { name kind }
    mutationType { name kind }
    subscriptionType { name kind }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}`

// described is a type as introspection tells it.
type described struct {
	Kind, Name string
	OfType     *described
	Fields     []struct {
		Name string
		Type described
		Args []struct {
			Name string
			Type described
		}
	}
	InputFields []struct {
		Name string
		Type described
	}
	EnumValues []struct{ Name string }
}

// String returns the type as it is written.
func (d *described) String() string {
	switch d.Kind {
	case "NON_NULL":
		return d.OfType.String() + "!"
	case "LIST":
		return "[" + d.OfType.String() + "]"
	}
	return d.Name
}

// TestIntrospection makes the schema from what introspection tells, and compares.
func TestIntrospection(t *testing.T) {
	s := newShop(t, storetest.SQLite(t))
	var err error
	s.api, err = graphql.New(graphql.Config{SDL: sdl, Entities: s.services(), Introspection: true, Login: s.door})
	if err != nil {
		t.Fatal(err)
	}
	got := s.ask(t, nil, introspection)
	if len(got.Errors) > 0 {
		t.Fatal(got.text)
	}
	var told struct {
		Data struct {
			Schema struct {
				QueryType, MutationType, SubscriptionType *struct{ Name string }
				Types                                     []described
				Directives                                []struct{ Name string }
			} `json:"__schema"`
		}
	}
	if err := json.Unmarshal([]byte(got.text), &told); err != nil {
		t.Fatal(err)
	}
	schema := told.Data.Schema
	if schema.QueryType.Name != "Query" || schema.MutationType.Name != "Mutation" || schema.SubscriptionType != nil {
		t.Errorf("roots: %+v", schema)
	}
	if fmt.Sprint(schema.Directives) != "[{deprecated} {include} {oneOf} {skip} {specifiedBy}]" {
		t.Errorf("directives: %v", schema.Directives)
	}
	want, err := validator.LoadSchema(validator.Prelude, &ast.Source{Input: sdl})
	if err != nil {
		t.Fatal(err)
	}
	if len(schema.Types) != len(want.Types) {
		t.Errorf("%d types, want %d", len(schema.Types), len(want.Types))
	}
	for _, d := range schema.Types {
		def := want.Types[d.Name]
		if def == nil || string(def.Kind) != d.Kind {
			t.Errorf("%s %s is not in the schema", d.Kind, d.Name)
			continue
		}
		for _, f := range d.Fields {
			wanted := def.Fields.ForName(f.Name)
			if wanted == nil || wanted.Type.String() != f.Type.String() || len(wanted.Arguments) != len(f.Args) {
				t.Errorf("%s.%s: %s", d.Name, f.Name, f.Type.String())
			}
		}
		for _, f := range d.InputFields {
			if wanted := def.Fields.ForName(f.Name); wanted == nil || wanted.Type.String() != f.Type.String() {
				t.Errorf("%s.%s: %s", d.Name, f.Name, f.Type.String())
			}
		}
		if d.Kind == "INPUT_OBJECT" && len(d.InputFields) != len(def.Fields) || len(d.EnumValues) != len(def.EnumValues) {
			t.Errorf("%s: %+v", d.Name, d)
		}
	}
	one := s.ask(t, nil, `{ __type(name: "SortOrder") { __typename n: name enumValues { name } } none: __type(name: "Nonsense") { name } itemsCount }`)
	if want := `{"data":{"__type":{"__typename":"__Type","n":"SortOrder","enumValues":[{"name":"asc"},{"name":"desc"}]},"none":null,"itemsCount":2}}`; one.text != want {
		t.Errorf("%s, want %s", one.text, want)
	}
	deep := s.ask(t, nil, `{ __schema { types { `+strings.Repeat("fields { type { ", 10)+"name"+strings.Repeat(" } }", 10)+` } } }`)
	if deep.code() != "LIMIT_EXCEEDED" {
		t.Errorf("a deep look: %.200s", deep.text)
	}
}

// BenchmarkNew reads the schema of fifty entities, as a service does when it
// starts.
func BenchmarkNew(b *testing.B) {
	s := newShop(b, storetest.SQLite(b))
	var text strings.Builder
	entities := s.services()
	roots := "type Query { item(id: ID!): Item\n"
	for i := range 50 {
		n := fmt.Sprintf("Item%d", i)
		e := itemEntity()
		e.Name, e.Plural = n, n+"s"
		r := newResource(b, s.db, s.policy, e, (*Item).pointer)
		entities = append(entities, r)
		roots += fmt.Sprintf("i%d(id: ID!): %s\n is%d(where: %sWhere, limit: Int): [%s!]\n", i, n, i, n, n)
		_, members, _ := strings.Cut(sdl, "\ntype Item ")
		members, _, _ = strings.Cut(members, "\n")
		fmt.Fprintf(&text, "type %s %s\n", n, members)
		fmt.Fprintf(&text, "input %sWhere { AND: [%sWhere!] OR: [%sWhere!] NOT: %sWhere id: IDFilter name: StringFilter price: DecimalFilter cost: DecimalFilter }\n", n, n, n, n)
	}
	_, rest, _ := strings.Cut(sdl, "type User {")
	whole := roots + "}\n" + text.String() + "type User {" + rest
	for b.Loop() {
		if _, err := graphql.New(graphql.Config{SDL: whole, Entities: entities}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList asks for a page over GraphQL and over REST.
func BenchmarkList(b *testing.B) {
	s := newShop(b, storetest.SQLite(b))
	for i := range 100 {
		s.made(b, s.items, s.max, fmt.Sprintf(`{"name":"item %d","price":%d}`, i, i))
	}
	b.Run("graphql", func(b *testing.B) {
		for b.Loop() {
			if a := s.ask(b, nil, `{ items(limit: 25, orderBy: [{name: asc}]) { id name price kind } }`); len(a.Errors) > 0 {
				b.Fatal(a.text)
			}
		}
	})
	b.Run("rest", func(b *testing.B) {
		for b.Loop() {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/items?$limit=25&$sort[name]=1&$select=id,name,price,kind", http.NoBody)
			w := httptest.NewRecorder()
			s.rest.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				b.Fatal(w.Body)
			}
		}
	})
}
