package gen_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/rest"
)

// TestOpenAPIOperators compares the operators that the document promises with
// those that the runtime understands.
func TestOpenAPIOperators(t *testing.T) {
	d := parse(t, everything)
	src, _ := generate(t, d, gen.Options{}).Get("app/openapi_gen.json")
	type parameter struct {
		Ref    string `json:"$ref"`
		Name   string
		Schema struct {
			Ref string `json:"$ref"`
		}
	}
	var doc struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct {
			Parameters map[string]parameter
			Schemas    map[string]struct {
				Properties map[string]any
				AnyOf      []struct{ Properties map[string]any }
			}
		}
	}
	if err := json.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, e := range d.Entities {
		var list struct{ Parameters []parameter }
		if get, ok := doc.Paths["/api/"+e.Route]["get"]; !ok {
			continue
		} else if err := json.Unmarshal(get, &list); err != nil {
			t.Fatal(err)
		}
		for _, p := range list.Parameters {
			if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
				p = doc.Components.Parameters[name]
			}
			i := slices.IndexFunc(e.Fields, func(f *design.Field) bool { return f.Key == p.Name })
			if i < 0 {
				continue
			}
			schema := doc.Components.Schemas[p.Schema.Ref[len("#/components/schemas/"):]]
			properties := schema.Properties
			if len(schema.AnyOf) > 1 {
				properties = schema.AnyOf[1].Properties
			}
			got := slices.Sorted(maps.Keys(properties))
			if diff := cmp.Diff(promised(e.Fields[i].Type), got); diff != "" {
				t.Errorf("%s.%s (-runtime +document):\n%s", e.Name, p.Name, diff)
			}
			compared++
		}
	}
	if compared < 20 {
		t.Errorf("only %d fields were compared", compared)
	}
}

// TestOpenAPIParameters: what stands in the parameters of more than one operation is
// written once, in every grammar, unless it is a list of words.
func TestOpenAPIParameters(t *testing.T) {
	for _, with := range []string{"", ", rest: amplication", ", apis: [rest, graphql]"} {
		src, _ := generate(t, parse(t, strings.Replace(everything, "module: example.com/shop", "module: example.com/shop"+with, 1)), gen.Options{}).Get("app/openapi_gen.json")
		var doc struct {
			Paths map[string]map[string]json.RawMessage
		}
		if err := json.Unmarshal(src, &doc); err != nil {
			t.Fatal(err)
		}
		times := map[string]int{}
		for _, item := range doc.Paths {
			for name, raw := range item {
				op := struct{ Parameters []json.RawMessage }{}
				var err error
				if name == "parameters" {
					err = json.Unmarshal(raw, &op.Parameters)
				} else {
					err = json.Unmarshal(raw, &op)
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range op.Parameters {
					times[string(p)]++
				}
			}
		}
		if len(times) < 10 {
			t.Errorf("%q: only %d parameters were looked at", with, len(times))
		}
		for p, n := range times {
			if n > 1 && !strings.Contains(p, "#/components/parameters/") && !strings.Contains(p, `"enum"`) {
				t.Errorf("%q: %d times %s", with, n, p)
			}
		}
	}
}

// promised lists the operators of a type, as the grammar spells them.
func promised(typ design.Type) []string {
	spelt := map[query.Op]string{
		query.Ne: "$ne", query.In: "$in", query.NotIn: "$nin", query.Lt: "$lt", query.Lte: "$lte", query.Gt: "$gt", query.Gte: "$gte",
		query.Contains: "$contains", query.StartsWith: "$startsWith", query.EndsWith: "$endsWith", query.Like: "$like", query.Null: "$null",
	}
	var names []string
	for t := model.Text; t <= model.FileType; t++ {
		if t.String() != string(typ) {
			continue
		}
		for _, op := range query.Operators(t) {
			if op != query.Eq {
				names = append(names, spelt[op])
			}
		}
	}
	slices.Sort(names)
	return names
}

// TestOpenAPIOperators_amplication is the same for the other grammar, which is asked,
// too, whether it knows the words.
func TestOpenAPIOperators_amplication(t *testing.T) {
	d := parse(t, strings.Replace(everything, "module: example.com/shop", "module: example.com/shop, rest: amplication", 1))
	src, _ := generate(t, d, gen.Options{}).Get("app/openapi_gen.json")
	type schema struct {
		Ref        string `json:"$ref"`
		Properties map[string]struct {
			Ref string `json:"$ref"`
		}
		AnyOf []schema
	}
	var doc struct {
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	spelt := map[query.Op]string{
		query.Eq: "equals", query.Ne: "not", query.In: "in", query.NotIn: "notIn", query.Lt: "lt", query.Lte: "lte", query.Gt: "gt", query.Gte: "gte",
		query.Contains: "contains", query.StartsWith: "startsWith", query.EndsWith: "endsWith", query.Null: "isNull",
	}
	compared := 0
	for _, e := range d.Entities {
		for key, p := range doc.Components.Schemas["where."+e.Name].Properties {
			i := slices.IndexFunc(e.Fields, func(f *design.Field) bool { return f.Key == key })
			if i < 0 {
				continue
			}
			of := doc.Components.Schemas[p.Ref[len("#/components/schemas/"):]]
			if len(of.AnyOf) > 1 {
				of = of.AnyOf[1]
			}
			got := slices.Sorted(maps.Keys(of.Properties))
			var want []string
			for typ := model.Text; typ <= model.FileType; typ++ {
				if typ.String() == string(e.Fields[i].Type) {
					for _, op := range query.Operators(typ) {
						if op != query.Like { // which Prisma has no word for
							want = append(want, spelt[op])
						}
					}
				}
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s.%s (-runtime +document):\n%s", e.Name, key, diff)
			}
			for _, word := range got {
				if _, err := (rest.Amplication{}).Find("where[" + key + "][" + word + "]=true"); err != nil {
					t.Errorf("%s.%s: the grammar does not know %s: %v", e.Name, key, word, err)
				}
			}
			compared++
		}
	}
	if compared < 20 {
		t.Errorf("only %d fields were compared", compared)
	}
}
