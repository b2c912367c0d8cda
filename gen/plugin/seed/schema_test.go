package seed_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// rowsSchema is the schema that a service gets for its seed.yaml.
func rowsSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	files, err := generate(t, "")
	if err != nil {
		t.Fatal(err)
	}
	raw, ok := files.Get("seed.schema.json")
	if !ok {
		t.Fatal("there is no seed.schema.json")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("seed.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("seed.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestSchema: what an editor underlines is what gate refuses, but for what hangs on
// other rows; and what gate takes no editor underlines.
func TestSchema(t *testing.T) {
	schema := rowsSchema(t)
	for _, tt := range []struct {
		rows string
		ok   bool
	}{
		{"", true},
		{"Item:\n", true},
		{"Item: {}\n", true},
		{"Item:\n  soup: {name: Soup, price: 7.50, count: 3, weight: 1.5e3, sold: true, kind: dish, since: 2026-01-01, link: null, more: {a: [1, null]}, maker: ada, tags: [hot]}\n" +
			"Tag:\n  hot: {name: hot}\nUser:\n  ada: {email: ada@shop.example, password: {env: ADA_PASSWORD}, roles: [cook]}\n", true},
		{"Item:\n  a: {name: x, kind: null, maker: null, sold: null, count: null}\n", true},
		{"User:\n  a: {email: a@b.example, password: generated}\n  b: {email: b@b.example, password: none}\n", true},

		{"[]\n", false},
		{"Itme:\n  a: {name: x}\n", false},
		{"Item: [a]\n", false},
		{"Item:\n  a b: {name: x}\n", false},
		{"Item:\n  a: x\n", false},
		{"Item:\n  a:\n", false},
		{"Item:\n  a: {name: x, prize: 1}\n", false},
		{"Item:\n  a: {name: x, makerId: u}\n", false},
		{"Item:\n  a: {price: 1}\n", false},
		{"Item:\n  a: {name: null}\n", false},
		{"Item:\n  a: {name: \"\"}\n", false},
		{"Item:\n  a: {name: x, createdAt: \"2026-01-01T00:00:00Z\"}\n", false},
		{"Item:\n  a: {name: x, id: 1}\n", false},
		{"Item:\n  a: {name: 7}\n", false},
		{"Item:\n  a: {name: abcdefghijk}\n", false},
		{"Item:\n  a: {name: x, count: many}\n", false},
		{"Item:\n  a: {name: x, count: 1.5}\n", false},
		{"Item:\n  a: {name: x, price: -1}\n", false},
		{"Item:\n  a: {name: x, sold: 1}\n", false},
		{"Item:\n  a: {name: x, kind: drnk}\n", false},
		{"Item:\n  a: {name: x, tags: hot}\n", false},
		{"Item:\n  a: {name: x, maker: 1}\n", false},
		{"User:\n  u: {email: a@b.example, password: none, made: [a]}\nItem:\n  a: {name: x}\n", false},
		{"User:\n  a: {email: a@b.example}\n", false},
		{"User:\n  a: {email: a@b.example, password: hunter2hunter2}\n", false},
		{"User:\n  a: {email: a@b.example, password: {env: my password}}\n", false},
		{"User:\n  a: {email: a@b.example, password: {env: A, or: b}}\n", false},
		{"User:\n  a: {email: a@b.example, password: none, roles: [chef]}\n", false},
		{"User:\n  a: {email: a@b.example, password: none, roles: cook}\n", false},
	} {
		_, refusal := generate(t, tt.rows)
		if (refusal == nil) != tt.ok {
			t.Errorf("gate about %q: %v", tt.rows, refusal)
		}
		asJSON, err := yaml.YAMLToJSON([]byte(tt.rows))
		if err != nil {
			t.Fatal(err)
		}
		if len(bytes.TrimSpace(asJSON)) == 0 {
			asJSON = []byte("null")
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); (err == nil) != tt.ok {
			t.Errorf("the schema about %q: %v", tt.rows, err)
		}
	}
}

// TestSchema_named: the file of a new service says where its schema is, in the words
// of the language server for YAML.
func TestSchema_named(t *testing.T) {
	files, err := generate(t, "")
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := files.Get("seed.yaml")
	if first, _, _ := strings.Cut(string(rows), "\n"); first != "# yaml-language-server: $schema=./seed.schema.json" {
		t.Errorf("the first line is %q", first)
	}
}
