package design_test

import (
	"testing"

	"github.com/gatewright/gate/design"
)

// TestGraphQL reads how GraphQL is served, and has the schema take and refuse the same.
func TestGraphQL(t *testing.T) {
	schema := compileSchema(t)
	for _, tt := range []struct {
		src  string
		want design.Persisted // empty when it is refused
	}{
		{"apis: [graphql]", design.PersistedLearned},
		{"apis: [graphql], graphql: {}", design.PersistedLearned},
		{"apis: [rest, graphql], graphql: {persisted: learned}", design.PersistedLearned},
		{"apis: [graphql], graphql: {persisted: only}", design.PersistedOnly},
		{"graphql: {persisted: only}, apis: [graphql]", design.PersistedOnly},
		{"apis: [graphql], graphql: {persisted: none}", ""},
		{"apis: [graphql], graphql: {persisted: true}", ""},
		{"apis: [graphql], graphql: {persistd: only}", ""},
		{"apis: [graphql], graphql: only", ""},
	} {
		src := "gate: 1\nservice: {name: shop, module: example.com/shop, " + tt.src + "}\n"
		d, err := design.Parse("gate.yaml", []byte(src))
		if serr := accepts(t, schema, src); (serr == nil) != (err == nil) {
			t.Errorf("%s: the loader says %v, the schema %v", tt.src, err, serr)
		}
		switch {
		case (tt.want == "") != (err != nil):
			t.Errorf("%s: %v", tt.src, err)
		case err == nil && d.Service.Persisted != tt.want:
			t.Errorf("%s: %s", tt.src, d.Service.Persisted)
		}
	}
}
