package design_test

import (
	"strings"
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

// TestQuoted: numbers travel as strings where the service says so: decimals, and
// integers that some parser of JSON would round.
func TestQuoted(t *testing.T) {
	schema := compileSchema(t)
	const rest = `
entities:
  Item:
    version: true
    fields:
      price: {type: decimal, scale: 2}
      weight: float
      views: integer
      stock: {type: integer, min: 0, max: 9007199254740991}
      parts: {type: integer, min: 0, max: 9007199254740992}
      depth: {type: integer, min: -9007199254740992, max: 0}
types:
  Bill: {fields: {total: decimal, count: integer}}
`
	for _, tt := range []struct{ service, want string }{
		{"", ""},
		{", decimals: number, integers: number", ""},
		{", decimals: string", "price Bill.total"},
		{", integers: string", "views parts depth Bill.count"},
		{", decimals: string, integers: string", "price views parts depth Bill.total Bill.count"},
		{", decimals: text", "refused"},
		{", integers: true", "refused"},
	} {
		src := "gate: 1\nservice: {name: shop, module: example.com/shop" + tt.service + "}" + rest
		d, err := design.Parse("gate.yaml", []byte(src))
		if serr := accepts(t, schema, src); (serr == nil) != (err == nil) {
			t.Errorf("%s: the loader says %v, the schema %v", tt.service, err, serr)
		}
		if err != nil {
			if tt.want != "refused" {
				t.Errorf("%s: %v", tt.service, err)
			}
			continue
		}
		var got []string
		for _, f := range d.Entity("Item").Fields {
			if f.Quoted {
				got = append(got, f.Name)
			}
		}
		for _, m := range d.Records()[0].Members {
			if m.Quoted {
				got = append(got, "Bill."+m.Name)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.service, got, tt.want)
		}
	}
}
