package gen_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/query"
)

// TestOpenAPIOperators compares the operators that the document promises with
// those that the runtime understands.
func TestOpenAPIOperators(t *testing.T) {
	d := parse(t, everything)
	src, _ := generate(t, d, gen.Options{}).Get("app/openapi_gen.json")
	var doc struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct {
			Schemas map[string]struct {
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
		var list struct {
			Parameters []struct {
				Name   string
				Schema struct {
					Ref string `json:"$ref"`
				}
			}
		}
		if get, ok := doc.Paths["/api/"+e.Route]["get"]; !ok {
			continue
		} else if err := json.Unmarshal(get, &list); err != nil {
			t.Fatal(err)
		}
		for _, p := range list.Parameters {
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

// promised lists the operators of a type, as the grammar spells them.
func promised(typ design.Type) []string {
	spelt := map[query.Op]string{
		query.Ne: "$ne", query.In: "$in", query.NotIn: "$nin", query.Lt: "$lt", query.Lte: "$lte", query.Gt: "$gt", query.Gte: "$gte",
		query.Contains: "$contains", query.StartsWith: "$startsWith", query.EndsWith: "$endsWith", query.Like: "$like", query.Null: "$null",
	}
	var names []string
	for t := model.Text; t <= model.GeoType; t++ {
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
