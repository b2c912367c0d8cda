package design_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gatewright/gate/design"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(design.JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(design.SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(design.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// accepts reports whether the schema accepts a YAML text.
func accepts(t *testing.T, schema *jsonschema.Schema, src string) error {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

func TestJSONSchema_validDesigns(t *testing.T) {
	schema := compileSchema(t)
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no designs", err)
	}
	for _, path := range append(paths, "../examples/restaurant/gate.yaml") {
		if err := accepts(t, schema, readFile(t, path)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, name := range design.Starters() {
		for _, auth := range []design.Authentication{design.AuthBoth, design.AuthAuth0, design.AuthNone} {
			src, err := design.Starter(name, design.StarterConfig{Name: "shop", Authentication: auth})
			if err != nil {
				t.Fatal(err)
			}
			if err := accepts(t, schema, string(src)); err != nil {
				t.Errorf("starter %s: %v", name, err)
			}
		}
	}
}

// TestJSONSchema_agreesOnFields tries every property with every type, and wants
// schema and loader to take and refuse the same.
func TestJSONSchema_agreesOnFields(t *testing.T) {
	schema := compileSchema(t)
	values := map[string]string{
		"required": "true", "unique": "false", "searchable": "true", "min": "1", "max": "5", "minLength": "1", "maxLength": "9",
		"precision": "12", "scale": "2", "values": "[a, b]", "kind": "serial", "to": "Other", "onDelete": "restrict",
		"column": "other_name", "description": "text", "default": "", "many": "true", "pattern": "x", "zzz": "1",
	}
	defaults := map[string]string{
		"integer": "3", "decimal": "1.5", "float": "1.5", "boolean": "true", "enum": "a",
		"multi-enum": "[b, a]", "email": "a@example.com", "url": `"https://example.com"`, "date": "now", "datetime": "now",
	}
	names := map[string]string{"id": "id", "created-at": "createdAt", "updated-at": "updatedAt"}
	agreed := 0
	for _, typ := range []string{
		"text", "longtext", "email", "url", "integer", "decimal", "float", "boolean", "enum", "date", "datetime", "json", "id",
		"created-at", "updated-at", "username", "password", "roles", "relation", "multi-enum", "geo", "nonsense",
	} {
		for _, property := range slices.Sorted(maps.Keys(values)) {
			value := values[property]
			if property == "default" {
				if value = defaults[typ]; value == "" {
					value = "word"
				}
			}
			body := "type: " + typ
			if strings.HasSuffix(typ, "enum") && property != "values" {
				body += ", values: [a, b]"
			}
			if typ == "relation" && property != "to" {
				body += ", to: Other"
			}
			name := names[typ]
			if name == "" {
				name = "thing"
			}
			src := header + "entities: {Item: {fields: {" + name + ": {" + body + ", " + property + ": " + value + "}}}, Other: {}}\n"
			_, loaderErr := design.Parse("gate.yaml", []byte(src))
			schemaErr := accepts(t, schema, src)
			if (loaderErr == nil) != (schemaErr == nil) {
				t.Errorf("type %s with %s: loader says %v, schema says %v", typ, property, loaderErr, schemaErr)
			}
			if loaderErr == nil {
				agreed++
			}
		}
	}
	if agreed < 80 {
		t.Errorf("only %d combinations were accepted", agreed)
	}
}

// TestJSONSchema_agreesOnKeys walks the schema, and wants the loader to know
// every key in it; and what the loader knows is what it names for a wrong key.
func TestJSONSchema_agreesOnKeys(t *testing.T) {
	var schema struct {
		Properties map[string]any
		Defs       map[string]struct{ Properties map[string]any } `json:"$defs"`
	}
	if err := json.Unmarshal(design.JSONSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, src  string
		properties map[string]any
	}{
		{"design", header + "qqqqqqqq: 1\n", schema.Properties},
		{"service", "gate: 1\nservice: {name: shop, module: example.com/shop, qqqqqqqq: 1}\n", schema.Defs["service"].Properties},
		{"role", header + "roles: {a: {qqqqqqqq: 1}}\n", schema.Defs["role"].Properties},
		{"entity", header + "entities: {A: {qqqqqqqq: 1}}\n", schema.Defs["entity"].Properties},
		{"allow", header + "entities: {A: {allow: {qqqqqqqq: 1}}}\n", schema.Defs["allow"].Properties},
		{"type", header + "types: {A: {fields: {a: text}, qqqqqqqq: 1}}\n", schema.Defs["type"].Properties},
		{"action", header + "actions: {a: {qqqqqqqq: 1}}\n", schema.Defs["action"].Properties},
		{"fieldRule", header + "entities: {A: {fields: {a: text}, fieldRules: {a: {qqqqqqqq: 1}}}}\n", schema.Defs["fieldRule"].Properties},
	} {
		_, err := design.Parse("gate.yaml", []byte(tt.src))
		if err == nil {
			t.Errorf("%s: a wrong key was taken", tt.name)
			continue
		}
		_, list, ok := strings.Cut(err.Error(), "known keys: ")
		if !ok {
			t.Errorf("%s: got %v, want the known keys", tt.name, err)
			continue
		}
		got := strings.Split(list, ", ")
		slices.Sort(got)
		if want := slices.Sorted(maps.Keys(tt.properties)); !slices.Equal(got, want) {
			t.Errorf("%s: loader knows %v, schema knows %v", tt.name, got, want)
		}
	}
}

// TestJSONSchema_refusals holds what an editor can already see.
func TestJSONSchema_refusals(t *testing.T) {
	schema := compileSchema(t)
	for _, src := range []string{
		"gate: 2\nservice: {name: shop, module: example.com/shop}\n",
		"gate: 1\n",
		header + "roles: {Staff: {}}\n",
		header + "roles: {public: {}}\n",
		header + "roles: {staff: {permissions: [\"create items\"]}}\n",
		header + "roles: {staff: {permissions: [\"create:it*\"]}}\n",
		header + "roles: {tenant: {}}\n",
		header + "roles: {staff: {inherits: [Staff]}}\n",
		header + "roles: {staff: {inherits: [public]}}\n",
		header + "entities: {Item: {allow: {view: [\"create:*\"]}}}\n",
		header + "entities: {item: {}}\n",
		header + "entities: {Item: {fields: {Name: text}}}\n",
		header + "entities: {Item: {fields: {name: enum}}}\n",
		header + "entities: {Item: {fields: {name: string}}}\n",
		header + "entities: {Item: {allow: {view: [\"Some Body\"]}}}\n",
		header + "entities: {Item: {allow: {view: true}}}\n",
		header + "plugins: {auth-core: {enabled: 1}}\n",
		header + "actions: {Pay: {}}\n",
		header + "actions: {pay: {method: FETCH}}\n",
		header + "actions: {pay: {allow: [a b]}}\n",
		header + "actions: {pay: {path: /pay}}\n",
		header + "actions: {pay: {input: {a: {type: text, unique: true}}}}\n",
		header + "actions: {pay: {input: {a: password}}}\n",
		header + "actions: {pay: {output: []}}\n",
		header + "types: {a: {fields: {a: text}}}\n",
	} {
		if err := accepts(t, schema, src); err == nil {
			t.Errorf("accepted:\n%s", src)
		}
		if _, err := design.Parse("gate.yaml", []byte(src)); err == nil {
			t.Errorf("loader accepted:\n%s", src)
		}
	}
	if !bytes.Equal(design.JSONSchema(), design.JSONSchema()) {
		t.Error("two calls, two schemas")
	}
}
