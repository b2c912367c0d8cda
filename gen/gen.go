package gen

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"github.com/gatewright/gate/design"
)

//go:embed templates
var templates embed.FS

// The names of files that gate has a special relation to.
const (
	gitignoreFile  = ".gitignore"
	schemaFile     = "gate.schema.json"
	seedSchemaFile = "seed.schema.json" // of the plugin seed
	envExampleFile = ".env.example"
)

// Options are what a design does not say about its service.
type Options struct {
	// GateVersion is the version of the module github.com/gatewright/gate that the
	// service requires: v1.2.3. Empty means a development build, which needs
	// Replace.
	GateVersion string

	// GateSum is the checksum of that version, for go.sum, as
	// debug.ReadBuildInfo reports it: h1:… Without it the first build of a service
	// asks for go mod download.
	GateSum string

	// Replace is the folder of a checkout of gate, relative to the service or
	// absolute, that go.mod names instead of a released version.
	Replace string

	// State is what is in the folder of the service already; see [ReadState].
	State State

	// AllowDestructive names the destructive changes of the schema that may be
	// made: "items" for a table, "items.price" for a column.
	AllowDestructive []string

	// Upgrade lets the service be generated with other versions than those that its
	// gate.lock pins.
	Upgrade bool
}

// Generate makes the files of the service that d describes. Same input, same
// bytes. It reads and writes no file: what it knows of the disk is in
// opts.State. Plugins that d does not turn on contribute nothing.
//
// The error is a [*design.Errors] when something in gate.yaml, or in a file that a
// plugin reads, is to be changed; a [*DestructiveError] when the schema would lose
// data that opts.AllowDestructive does not name; and a [*LockError] when gate.lock
// pins other versions and opts.Upgrade is not set.
func Generate(d *design.Design, opts Options, plugins ...Plugin) (Files, error) {
	d, on, err := solve(d, plugins)
	if err != nil {
		return nil, err
	}
	b := newBuild(d, &opts.State)
	if err := b.lock(opts, on); err != nil {
		return nil, err
	}
	if err := b.contributions(on); err != nil {
		return nil, err
	}
	if err := b.migrations(opts); err != nil {
		return nil, err
	}
	if err := b.module(opts); err != nil {
		return nil, err
	}
	schema, err := Schema(plugins...)
	if err != nil {
		return nil, err
	}
	b.Add(File{Path: schemaFile, Data: schema, Owner: Generated})
	files, err := b.files()
	if err == nil {
		b.outgrown(files, opts.State.Lock, plugins)
	}
	return files, err
}

func newBuild(d *design.Design, s *State) *Build {
	return &Build{Design: d, Former: formerNames(s.Lock, d), inputs: s.Inputs, parsed: map[parsedTemplate]*template.Template{}}
}

// contributions lets the plugins that are on add to the service.
func (b *Build) contributions(on []*active) error {
	for _, a := range on {
		b.plugin = a.Name
		if err := a.part.Contribute(b); err != nil {
			if wrong, ok := errors.AsType[*design.Errors](err); ok {
				return wrong // it says in which file
			}
			return fmt.Errorf("plugin %s: %w", a.Name, err)
		}
	}
	return nil
}

// CheckState is [Check] that knows what is in the folder: it reports what is wrong
// with the files that plugins read, too, and with the migration that comes next. Data
// that would be lost is no mistake. It makes no file.
func CheckState(d *design.Design, s State, plugins ...Plugin) error {
	d, on, err := solve(d, plugins)
	if err != nil {
		return err
	}
	b := newBuild(d, &s)
	if err := b.contributions(on); err != nil {
		return err
	}
	err = b.migrations(Options{State: s})
	if _, lost := errors.AsType[*DestructiveError](err); lost {
		return nil
	}
	return err
}

// FindReplace returns how go.mod of the service in dir names a checkout of gate:
// relative when the service lies inside of it, so that both can move together,
// and absolute otherwise.
func FindReplace(dir, checkout string) (string, error) {
	dir, err := realPath(dir)
	if err != nil {
		return "", err
	}
	if checkout, err = realPath(checkout); err != nil {
		return "", err
	}
	below, err := filepath.Rel(checkout, dir)
	if err != nil || !filepath.IsLocal(below) {
		return filepath.ToSlash(checkout), nil //nolint:nilerr // on another drive there is no relative path
	}
	up, err := filepath.Rel(dir, checkout)
	if up == "." {
		return "", errors.New("the service cannot be the checkout of gate itself")
	}
	return filepath.ToSlash(up), err
}

// realPath returns the absolute path without symbolic links of a folder that
// may not exist yet.
func realPath(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, os.ErrNotExist) && filepath.Dir(dir) != dir {
		parent, err := realPath(filepath.Dir(dir))
		return filepath.Join(parent, filepath.Base(dir)), err
	}
	return real, err
}
