package gen_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// fifty is a design of fifty entities of eight fields, each of which points to
// the one before.
func fifty() string {
	var b strings.Builder
	b.WriteString("gate: 1\nservice: {name: shop, module: example.com/shop}\nentities:\n")
	for i := range 50 {
		fmt.Fprintf(&b, `  Thing%02[1]d:
    description: The thing of number %[1]d.
    fields:
      name: {type: text, required: true, maxLength: 100, searchable: true}
      price: {type: decimal, precision: 10, scale: 2, required: true, min: 0}
      state: {type: enum, values: [draft, done], default: draft}
      count: integer
      due: datetime
`, i)
		if i > 0 {
			fmt.Fprintf(&b, "      before: {type: relation, to: Thing%02d}\n", i-1)
		}
		b.WriteString("    allow: {view: public, list: public, create: public}\n")
	}
	return b.String()
}

// BenchmarkGenerate50 generates fifty entities into an empty folder. The budget
// is 100 ms.
func BenchmarkGenerate50(b *testing.B) {
	d := parse(b, fifty())
	for b.Loop() {
		if _, err := gen.Generate(d, gen.Options{Replace: "/gate"}, standard.Plugins()...); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkApply50 brings a folder that is right already to fifty entities.
func BenchmarkApply50(b *testing.B) {
	files := generate(b, parse(b, fifty()), gen.Options{})
	dir := b.TempDir()
	for b.Loop() {
		apply(b, dir, files, gen.ApplyOptions{})
	}
}
