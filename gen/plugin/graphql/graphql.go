// Package graphql is the plugin behind apis: [graphql]: it writes the
// schema of a service, and serves it. How requests are answered is the runtime's
// business.
package graphql

import (
	"embed"
	"fmt"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

//go:embed templates
var templates embed.FS

// Plugin returns the plugin. It is on when the section service names the API.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:    design.GraphQL,
		Summary: "the GraphQL surface and its schema",
		Base:    true,
		When:    func(d *design.Design) bool { return slices.Contains(d.Service.APIs, design.GraphQL) },
		New:     func() gen.Part { return part{} },
	}
}

type part struct{}

// Settings returns nil: there are none to make.
func (part) Settings() any { return nil }

// Validate refuses a service without entities: a schema without queries is none.
func (part) Validate(d *design.Design, _ *design.Plugin) error {
	var errs design.Errors
	if len(d.Entities) == 0 {
		errs.Add(d.Service.Pos, "service.apis", "there is nothing that graphql could answer", "add an entity, or remove graphql")
	}
	return errs.Err()
}

// Contribute adds the schema, and the code that serves it.
func (part) Contribute(b *gen.Build) error {
	b.Modules = append(b.Modules, "graphql")
	if !slices.Contains(b.Design.Service.APIs, design.REST) {
		b.Service = append(b.Service, gen.Member{Name: "NoREST", Value: gen.Bool(true)})
	}
	b.Extensions = append(b.Extensions, gen.Member{Name: "graphql", Value: gen.Name("", "graphqlAPI")})
	b.Render(gen.File{Path: "app/schema_gen.graphql", Owner: gen.Generated}, func() ([]byte, error) {
		return checked(schema(b))
	})
	b.Add(gen.File{Path: "app/schema.graphql", Owner: gen.Once, Needed: true, Data: []byte(extension)})
	if b.Design.Service.Persisted == design.PersistedOnly {
		b.Add(gen.File{Path: "app/operations/README.md", Owner: gen.Once, Needed: true, Data: []byte(operations)})
	}
	b.Template(gen.File{Path: "app/graphql_gen.go", Owner: gen.Generated}, templates, "templates/graphql.go.tmpl", b)
	b.API.Tags = append(b.API.Tags, gen.Property{Name: "graphql", Value: "The same rows in GraphQL."})
	b.API.Paths = append(b.API.Paths, gen.Property{Name: "/graphql", Value: operation()})
	return nil
}

// checked returns a schema that a service can be started with.
func checked(sdl []byte) ([]byte, error) {
	if _, err := validator.LoadSchema(validator.Prelude, &ast.Source{Name: "app/schema_gen.graphql", Input: string(sdl)}); err != nil {
		return nil, fmt.Errorf("the GraphQL schema of this design is none; rename the type or field that it is about, or remove graphql from service.apis: %w", err)
	}
	return sdl, nil
}

// extension is the schema of own fields as it is at first.
const extension = `# Your own fields of the GraphQL schema, and the types that they answer. This file is
# yours, and is never written again. Each field needs a function, in configure:
#
#     extend type Query {
#       greeting(name: String!): String
#     }
#
#     type greetingIn struct { Name string ` + "`json:\"name\"`" + ` }
#
#     graph.Field(a.App, "Query.greeting", []string{"public"}, func(ctx context.Context, in greetingIn) (string, error) {
#       return "Hello " + in.Name, nil
#     })
`

// operations says what belongs into the folder of operations, which may not be empty.
const operations = `# Operations

The documents that this service answers over GraphQL: all files .graphql of this folder, and of folders inside of it.
They are part of the program, and every other document is refused. Clients send the SHA-256 of a file, or its text as it
stands here. A file that does not fit the schema keeps the service from starting.
`

// operation describes the door for those who read the OpenAPI document.
func operation() gen.Object {
	text := gen.Object{{Name: "type", Value: "string"}}
	object := gen.Object{{Name: "type", Value: "object"}}
	body := gen.Object{
		{Name: "type", Value: "object"},
		{Name: "properties", Value: gen.Object{
			{Name: "query", Value: text}, {Name: "operationName", Value: text}, {Name: "variables", Value: object},
		}},
		{Name: "required", Value: []string{"query"}},
	}
	answer := gen.Object{
		{Name: "type", Value: "object"},
		{Name: "properties", Value: gen.Object{
			{Name: "data", Value: gen.Object{{Name: "type", Value: []string{"object", "null"}}}},
			{Name: "errors", Value: gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: object}}},
		}},
	}
	return gen.Object{{Name: "get", Value: byName(answer)}, {Name: "post", Value: gen.Object{
		{Name: "tags", Value: []string{"graphql"}},
		{Name: "summary", Value: "Ask in GraphQL"},
		{Name: "operationId", Value: "graphql"},
		{Name: "requestBody", Value: gen.JSONBody(body)},
		{Name: "responses", Value: gen.Object{
			{Name: "200", Value: gen.JSONResponse("What was asked for, and errors with extensions.code.", answer)},
			{Name: "400", Value: gen.JSONResponse("Nothing was executed: the document is not valid, or too much.", answer)},
			{Name: "415", Value: gen.ResponseRef("UnsupportedMediaType")},
		}},
	}}}
}

// byName describes the door for queries that are named, not sent.
func byName(answer gen.Object) gen.Object {
	object := func(name, doc string, required bool) gen.Object {
		return gen.Object{
			{Name: "name", Value: name},
			{Name: "in", Value: "query"},
			{Name: "required", Value: required},
			{Name: "description", Value: doc},
			{Name: "content", Value: gen.Object{{Name: "application/json", Value: gen.Object{{Name: "schema", Value: gen.Object{{Name: "type", Value: "object"}}}}}}},
		}
	}
	return gen.Object{
		{Name: "tags", Value: []string{"graphql"}},
		{Name: "summary", Value: "Ask for a query by its name"},
		{Name: "operationId", Value: "graphqlByName"},
		{Name: "parameters", Value: []any{
			object("extensions", "The document: {persistedQuery: {version: 1, sha256Hash}}.", true),
			object("variables", "The variables.", false),
			gen.Object{
				{Name: "name", Value: "operationName"},
				{Name: "in", Value: "query"},
				{Name: "description", Value: "Which operation of the document is meant."},
				{Name: "schema", Value: gen.Object{{Name: "type", Value: "string"}}},
			},
			gen.Object{
				{Name: "name", Value: "If-None-Match"},
				{Name: "in", Value: "header"},
				{Name: "description", Value: "The ETag of the answer that the caller has."},
				{Name: "schema", Value: gen.Object{{Name: "type", Value: "string"}}},
			},
		}},
		{Name: "responses", Value: gen.Object{
			{Name: "200", Value: gen.JSONResponse("What was asked for, and errors with extensions.code.", answer)},
			{Name: "304", Value: gen.Object{{Name: "description", Value: "The answer is as the caller has it."}}},
			{Name: "400", Value: gen.JSONResponse("Nothing was executed: no document is named, or it is too much.", answer)},
		}},
	}
}
