// Package docker is the plugin docker: an image of the service, and what runs it
// on one machine.
package docker

import (
	"embed"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/plugin/admin"
)

//go:embed templates
var templates embed.FS

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:    "docker",
		Summary: "a small image that runs as nobody on a read-only file system, and a compose.yaml",
		New:     func() gen.Part { return part{} },
	}
}

// part is the plugin at work. What it writes is the user's from then on.
type part struct{}

// Settings returns nil: the files are there to be edited.
func (part) Settings() any { return nil }

// Validate has nothing to check.
func (part) Validate(*design.Design, *design.Plugin) error { return nil }

// Contribute adds the files.
func (part) Contribute(b *gen.Build) error {
	f := &files{b}
	for name, template := range map[string]string{"Dockerfile": "Dockerfile", ".dockerignore": "dockerignore", "compose.yaml": "compose.yaml"} {
		b.Template(gen.File{Path: name, Owner: gen.Once, Outgrows: true}, templates, "templates/"+template+".tmpl", f)
	}
	return nil
}

// files is what the templates print.
type files struct{ *gen.Build }

// Admin reports whether there are pages that Node.js builds.
func (f *files) Admin() bool {
	_, on := admin.PathOf(f.Design)
	return on
}

// Postgres reports whether the database is a program of its own.
func (f *files) Postgres() bool { return f.Design.Service.Database == design.Postgres }

// SQLName is the name of the service as PostgreSQL writes it without quotes.
func (f *files) SQLName() string { return strings.ReplaceAll(f.Design.Service.Name, "-", "_") }

// Folders are those that the go command leaves alone, as .dockerignore names them.
func (f *files) Folders() []string {
	list := slices.Clone(f.Ignore)
	for i, dir := range list {
		list[i] = strings.TrimPrefix(dir, "./")
	}
	return list
}

// Secrets are the variables that have to be in the file .env.
func (f *files) Secrets() []gen.Variable {
	var list []gen.Variable
	for _, v := range f.Environment {
		if v.Required && v.Name != "DATABASE_URL" {
			list = append(list, v)
		}
	}
	return list
}
