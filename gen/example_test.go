package gen_test

import (
	"fmt"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// A design becomes the files of a service; nothing is written until Apply.
func ExampleGenerate() {
	d, err := design.Parse("gate.yaml", []byte(`
gate: 1
service: {name: notes, module: example.com/notes}
entities:
  Note:
    fields: {text: {type: longtext, required: true}}
    allow: {view: public, list: public, create: public}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	files, err := gen.Generate(d, gen.Options{Replace: "../gate"}, standard.Plugins()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range files {
		if strings.HasSuffix(f.Path, ".go") {
			fmt.Println(f.Owner, f.Path)
		}
	}
	// Output:
	// generated app/app_gen.go
	// once app/hooks.go
	// generated app/note_gen.go
	// generated app/permissions_gen_test.go
	// once app/samples_test.go
	// once main.go
	// generated migrations/migrations_gen.go
}
