package cli

import (
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

type designCmd struct {
	Check       designCheckCmd       `cmd:"" help:"Check gate.yaml and seed.yaml and print everything that is wrong with them."`
	Permissions designPermissionsCmd `cmd:"" help:"Print who may do what, field by field, or what changed in that."`
	Schema      designSchemaCmd      `cmd:"" help:"Print the JSON Schema of gate.yaml, for editors."`
}

// Example is of the most used of them.
func (designCmd) Example() string { return "gate design check examples/restaurant" }

type designCheckCmd struct {
	Dir string `arg:"" default:"." help:"Folder of the service, with its gate.yaml."`
}

func (designCheckCmd) Help() string {
	return "It reads seed.yaml, too, and whether a migration leads from the last one to gate.yaml.\n\nWhat is legal and dangerous is a warning with a name. It is mended, or acknowledged in the file: accept: [shows-email], " +
		"beside allow of the entity or in service. Exits with 1 as long as there is a warning."
}

func (designCheckCmd) Example() string { return "gate design check examples/restaurant" }

// Run checks the design.
func (c *designCheckCmd) Run(out *console) error {
	s := out.talk.step("design")
	p, err := open(c.Dir)
	if err != nil {
		return err
	}
	state, err := gen.ReadState(p.dir, p.design.Service.Database, standard.Plugins()...)
	if err != nil {
		return err
	}
	if err := gen.CheckState(p.design, state, standard.Plugins()...); err != nil {
		return err
	}
	s.done(p.summary())
	list := gen.Warnings(p.design, standard.Plugins()...)
	warnAll(out.talk, list)
	if len(list) > 0 {
		return failf("mend it, or acknowledge it in the file by its name: accept: [name], in the entity or in service",
			"%s that %s does not acknowledge", count(len(list), "warning", "warnings"), designFile)
	}
	return nil
}

type designSchemaCmd struct{}

func (designSchemaCmd) Help() string {
	return "Editors use it by the first line of gate.yaml:\n" +
		"# yaml-language-server: $schema=./gate.schema.json"
}

func (designSchemaCmd) Example() string { return "gate design schema > gate.schema.json" }

// Run prints the schema.
func (designSchemaCmd) Run(out *console) error {
	schema, err := gen.Schema(standard.Plugins()...)
	if err != nil {
		return err
	}
	_, err = out.stdout.Write(schema)
	return err
}
