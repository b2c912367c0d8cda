package program

import (
	"fmt"
	"os"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

// Generate generates the service of a design, the text of its gate.yaml, into a
// folder that need not exist yet. The tables and columns that are named may go. The
// service is built from the checkout in the current folder.
func Generate(dir, yaml string, losses ...string) (gen.Files, error) {
	d, err := design.Parse("gate.yaml", []byte(yaml))
	if err != nil {
		return nil, fmt.Errorf("the design of the bench: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	opts := gen.Options{AllowDestructive: losses}
	if opts.Replace, err = gen.FindReplace(dir, "."); err != nil {
		return nil, err
	}
	if opts.State, err = gen.ReadState(dir, d.Service.Database); err != nil {
		return nil, err
	}
	files, err := gen.Generate(d, opts, standard.Plugins()...)
	if err != nil {
		return nil, err
	}
	_, err = gen.Apply(dir, files, gen.ApplyOptions{})
	return files, err
}
