// Package seed is the plugin seed: the first rows of a service, from seed.yaml and
// from code of the user's. How they are made is the business of runtime/seed.
package seed

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

//go:embed templates
var templates embed.FS

const (
	seedPackage = "github.com/gatewright/gate/runtime/seed"
	rowsFile    = "seed.yaml"
)

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:    "seed",
		Summary: "the first rows, from seed.yaml and app/seed.go: by gate dev, and by the command seed of the program",
		Reads:   []string{rowsFile},
		New:     func() gen.Part { return part{} },
	}
}

type part struct{}

// Settings returns nil: what there is to say is said in seed.yaml.
func (part) Settings() any { return nil }

// Validate has nothing to check; Contribute reads the rows.
func (part) Validate(*design.Design, *design.Plugin) error { return nil }

// Contribute checks the rows and adds what makes them.
func (part) Contribute(b *gen.Build) error {
	rows, file := []*row{}, gen.File{Path: rowsFile, Owner: gen.Once}
	if in, ok := b.Input(rowsFile); ok {
		data, made, err := carried(in, b.Former)
		if err != nil {
			return err
		}
		if rows, err = read(b.Design, gen.Input{Path: in.Path, Data: data}); err != nil {
			return inFile(err, made)
		}
		if !bytes.Equal(data, in.Data) {
			file = gen.File{Path: rowsFile, Owner: gen.Merged, Data: data}
		}
	}
	b.Components = append(b.Components, gen.Name(seedPackage, "Component"))
	b.Commands = append(b.Commands, gen.Call(gen.Name(seedPackage, "Command")))
	b.SetUp = append(b.SetUp, "setUpSeeds")
	b.Environment = append(b.Environment, variables(rows)...)
	b.Render(gen.File{Path: "app/seed_gen.json", Owner: gen.Generated}, func() ([]byte, error) { return encode(rows) })
	b.Render(gen.File{Path: schemaFile, Owner: gen.Generated}, func() ([]byte, error) { return schema(b.Design) })
	s := &seeds{b}
	b.Template(gen.File{Path: "app/seed_gen.go", Owner: gen.Generated}, templates, "templates/seed_gen.go.tmpl", s)
	b.Template(gen.File{Path: "app/seed.go", Owner: gen.Once, Needed: true}, templates, "templates/seed.go.tmpl", s)
	if file.Owner == gen.Merged {
		b.Add(file)
	} else {
		b.Template(file, templates, "templates/seed.yaml.tmpl", s)
	}
	return nil
}

// encode prints the rows, one a line.
func encode(rows []*row) ([]byte, error) {
	out := []byte("[")
	for i, r := range rows {
		line, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, '\n'), line...)
	}
	return append(out, "\n]\n"...), nil
}

// variables lists those that passwords come from.
func variables(rows []*row) []gen.Variable {
	var list []gen.Variable
	for _, r := range rows {
		if p := r.Password; p != nil && p.Env != "" && !slices.ContainsFunc(list, func(v gen.Variable) bool { return v.Name == p.Env }) {
			list = append(list, gen.Variable{Name: p.Env, Doc: fmt.Sprintf("Password of the %s %s of seed.yaml, for the command seed.", r.Entity, r.Name)})
		}
	}
	return list
}

// seeds is what the templates print.
type seeds struct{ *gen.Build }

// First is the entity that the examples are about, nil without entities: one that
// holds no accounts, if there is one.
func (s *seeds) First() *design.Entity {
	for _, e := range s.Design.Entities {
		if !slices.ContainsFunc(e.Fields, func(f *design.Field) bool { return f.Type == design.Roles }) {
			return e
		}
	}
	return nil
}

// Text is a field of it for the examples.
func (s *seeds) Text() string {
	for _, f := range s.First().Fields {
		if f.Type == design.Text || f.Type == design.LongText {
			return f.Name
		}
	}
	return "name"
}
