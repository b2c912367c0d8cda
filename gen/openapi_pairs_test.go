package gen_test

import (
	"encoding/json"
	"testing"

	"github.com/gatewright/gate/gen"
)

// TestOpenAPIPairs: rows that pairs tie are connected and disconnected by routes that
// the document has for who may use them, and has not where nobody may.
func TestOpenAPIPairs(t *testing.T) {
	const src = `gate: 1
service: {name: shop, module: example.com/shop}
entities:
  Dish:
    fields:
      name: text
      tags: {type: relation, to: Tag, many: true, inverse: onDishes}
      hints: {type: relation, to: Hint, many: true, inverse: dishes}
    allow: {view: public, list: public, update: public}
  Tag:
    fields: {name: text}
    allow: {view: public, list: public}
  Hint:
    fields: {name: text}
    allow: {list: public, update: public}
`
	raw, _ := generate(t, parse(t, src), gen.Options{}).Get("app/openapi_gen.json")
	var doc struct {
		Paths      map[string]map[string]struct{ OperationID string }
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(dropParameters(t, raw), &doc); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, method, want string }{
		{"/api/dishes/{id}/tags", "get", "listTagsOfDish"},
		{"/api/dishes/{id}/tags", "post", "connectTagsOfDish"},
		{"/api/dishes/{id}/tags/{other}", "delete", "disconnectTagsOfDish"},
		{"/api/tags/{id}/on-dishes", "get", "listOnDishesOfTag"},
		{"/api/tags/{id}/on-dishes", "post", ""},             // nobody changes a tag
		{"/api/tags/{id}/on-dishes/{other}", "delete", ""},   // nor here
		{"/api/dishes/{id}/hints", "get", "listHintsOfDish"}, // which nobody gets one by one
		{"/api/dishes/{id}/hints", "post", ""},
		{"/api/hints/{id}/dishes", "get", ""},
		{"/api/hints/{id}/dishes", "post", "connectDishesOfHint"},
		{"/api/hints/{id}/dishes/{other}", "delete", "disconnectDishesOfHint"},
	} {
		if got := doc.Paths[tt.path][tt.method].OperationID; got != tt.want {
			t.Errorf("%s %s is %q, want %q", tt.method, tt.path, got, tt.want)
		}
	}
	if doc.Components.Schemas["ids.Dish.tags"] == nil || doc.Components.Schemas["ids.Dish.hints"] != nil {
		t.Errorf("the schemas are %v", doc.Components.Schemas)
	}
}

// dropParameters takes the parameters of whole paths out, which are no operations.
func dropParameters(t *testing.T, raw []byte) []byte {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	paths, _ := doc["paths"].(map[string]any)
	for _, item := range paths {
		if operations, ok := item.(map[string]any); ok {
			delete(operations, "parameters")
		}
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
