package gen_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
	"github.com/gatewright/gate/runtime/crud"
	"github.com/gatewright/gate/runtime/graphql"
)

const graphqlShop = `gate: 1
service: {name: shop, module: example.com/shop, apis: [rest, graphql]}
ENTITIES`

// TestGraphQL looks at the borders of what a schema can say.
func TestGraphQL(t *testing.T) {
	tests := []struct {
		name, entities string
		has, not       []string
	}{
		{
			"nobody may ask", "entities:\n  Item:\n    fields: {name: text}\n    allow: {view: signed-in, list: signed-in}\n",
			[]string{"item(id: ID!): Item", "items(where: ItemWhere"},
			nil,
		},
		{
			"somebody may", "entities:\n  Item:\n    fields: {name: text}\n    allow: {view: public, list: signed-in}\n",
			[]string{"item(id: ID!): Item"},
			[]string{"items(", "ItemWhere", "Mutation", "SortOrder", "StringFilter"},
		},
		{
			"hidden", "entities:\n  Item:\n    fields: {name: text, cost: integer}\n    allow: {view: public, list: public, create: public}\n    fieldRules: {cost: {view: nobody, create: nobody}}\n",
			[]string{"name: String"},
			[]string{"cost", "BigInt"},
		},
		{
			"written and never read", "entities:\n  Item:\n    fields: {note: {type: text, required: true}}\n    allow: {create: public, view: signed-in, list: public}\n    fieldRules: {note: {view: nobody}}\n",
			[]string{"input CreateItemInput {\n  note: String!\n}", "  id: ID!\n"},
			[]string{"createdAt: DateTime!", "type Item {\n  id: ID!\n  note"},
		},
	}
	for _, tt := range tests {
		d := parse(t, strings.Replace(graphqlShop, "ENTITIES", tt.entities, 1))
		sdl, ok := generate(t, d, gen.Options{}).Get("app/schema_gen.graphql")
		if !ok {
			t.Errorf("%s: no schema", tt.name)
		}
		for _, s := range tt.has {
			if !strings.Contains(string(sdl), s) {
				t.Errorf("%s: no %s in\n%s", tt.name, s, sdl)
			}
		}
		for _, s := range tt.not {
			if strings.Contains(string(sdl), s) {
				t.Errorf("%s: %s in\n%s", tt.name, s, sdl)
			}
		}
		// It is a schema: what is missing are the entities.
		if _, err := graphql.New(graphql.Config{SDL: string(sdl), Entities: []crud.Service{}}); err == nil || !strings.Contains(err.Error(), `there is no entity "Item"`) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	alone := generate(t, parse(t, strings.Replace(strings.Replace(graphqlShop, "rest, ", "", 1), "ENTITIES", tests[2].entities, 1)), gen.Options{})
	for _, f := range alone {
		switch {
		case f.Path == "app/app_gen.go" && !strings.Contains(string(f.Data), "NoREST:"):
			t.Errorf("without REST:\n%s", f.Data)
		case f.Path == "app/openapi_gen.json" && (strings.Contains(string(f.Data), "/api/items") || !strings.Contains(string(f.Data), "/api/graphql")):
			t.Errorf("without REST:\n%s", f.Data)
		}
	}
	d := parse(t, strings.Replace(graphqlShop, "ENTITIES", "", 1))
	if _, err := gen.Generate(d, gen.Options{Replace: "/gate"}, standard.Plugins()...); err == nil || !strings.Contains(err.Error(), "nothing that graphql could answer") {
		t.Errorf("without entities: %v", err)
	}
	d = parse(t, strings.Replace(strings.Replace(graphqlShop, ", graphql", "", 1), "ENTITIES", tests[0].entities, 1))
	for _, f := range generate(t, d, gen.Options{}) {
		if strings.Contains(f.Path, "graphql") || f.Path == "go.mod" && strings.Contains(string(f.Data), "gqlparser") {
			t.Errorf("without graphql there is %s:\n%s", f.Path, f.Data)
		}
	}
}

// TestGraphQL_only: a service of its own operations has a folder for them, which its
// program carries, and any other has none.
func TestGraphQL_only(t *testing.T) {
	src := strings.Replace(graphqlShop, "ENTITIES", "entities:\n  Item:\n    fields: {name: text}\n    allow: {view: public, list: public}\n", 1)
	for _, tt := range []struct {
		graphql string
		only    bool
	}{{"", false}, {", graphql: {persisted: learned}", false}, {", graphql: {persisted: only}", true}} {
		files := generate(t, parse(t, strings.Replace(src, "[rest, graphql]", "[rest, graphql]"+tt.graphql, 1)), gen.Options{})
		code, _ := files.Get("app/graphql_gen.go")
		_, folder := files.Get("app/operations/README.md")
		if embeds := strings.Contains(string(code), "//go:embed operations\n"); embeds != tt.only || folder != tt.only || strings.Contains(string(code), "MountOnly") != tt.only {
			t.Errorf("%s: a folder %t, in the program %t:\n%s", tt.graphql, folder, embeds, code)
		}
	}
}

// TestQuoted: what says how numbers travel is the same in the service and in its
// documents.
func TestQuoted(t *testing.T) {
	src := `gate: 1
service: {name: shop, module: example.com/shop, apis: [rest, graphql], decimals: string, integers: string}
entities:
  Item:
    fields:
      price: {type: decimal, scale: 2, min: 0, default: 1.50}
      views: {type: integer, default: 7}
      stock: {type: integer, min: 0, max: 99}
    allow: {view: public, list: public, create: public}
`
	files := generate(t, parse(t, src), gen.Options{})
	for path, want := range map[string][]string{
		"app/item_gen.go":        {`Precision: 12, Scale: 2, Quoted: true`, `Type: model.Integer, Quoted: true`},
		"app/openapi_gen.json":   {`"format": "decimal"`, `"x-minimum": "0"`, `"default": "1.50"`, `"default": "7"`, `"pattern": "^-?[0-9]+$"`, `"filter.quoted"`, `"maximum": 99`},
		"app/schema_gen.graphql": {`An exact decimal number: a string in JSON`, `A whole number of 64 bits: a string in JSON`},
	} {
		data, _ := files.Get(path)
		for _, s := range want {
			if !strings.Contains(string(data), s) {
				t.Errorf("%s has no %s:\n%s", path, s, data)
			}
		}
	}
	code, _ := files.Get("app/item_gen.go")
	if n := strings.Count(string(code), "Quoted"); n != 2 {
		t.Errorf("%d fields are quoted:\n%s", n, code)
	}
}

// TestGraphQL_types: every type that a type of an action names is in the schema, once,
// wherever it is used.
func TestGraphQL_types(t *testing.T) {
	src := strings.Replace(graphqlShop, "ENTITIES", `types:
  All:
    fields:
      me: {type: multi-enum, values: [a, b-c]}
      us: {type: multi-enum, values: [d], required: true}
      one: {type: enum, values: [e, f]}
      place: geo
      inner: Inner
      more: {type: Inner, list: true}
  Inner:
    fields: {days: {type: multi-enum, values: [mon, tue]}, deep: {type: Deep, list: true}}
  Deep:
    fields: {word: text, kinds: {type: multi-enum, values: [x]}}
actions:
  ask: {method: GET, input: {me: {type: multi-enum, values: [a]}}, output: All, allow: public}
  tell: {input: All, output: [All], allow: public}
entities:
  Item:
    fields: {name: text}
    allow: {view: public}
`, 1)
	sdl, _ := generate(t, parse(t, src), gen.Options{}).Get("app/schema_gen.graphql")
	if _, err := graphql.New(graphql.Config{SDL: string(sdl), Entities: []crud.Service{}}); err == nil || !strings.Contains(err.Error(), `there is no entity "Item"`) {
		t.Errorf("%v in\n%s", err, sdl)
	}
}
