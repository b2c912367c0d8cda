// Package ci is the plugins ci-github and ci-gitlab: a pipeline that checks the
// service at each push.
package ci

import (
	"embed"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/plugin/admin"
)

//go:embed templates
var templates embed.FS

// GitHub returns the plugin for GitHub Actions.
func GitHub() gen.Plugin {
	return plugin("ci-github", "a workflow of GitHub Actions: vet, test, build, and whether what is generated is current",
		".github/workflows/ci.yaml", "templates/github.yaml.tmpl")
}

// GitLab returns the plugin for GitLab.
func GitLab() gen.Plugin {
	return plugin("ci-gitlab", "a pipeline of GitLab: vet, test, build, and whether what is generated is current",
		".gitlab-ci.yml", "templates/gitlab.yaml.tmpl")
}

func plugin(name, summary, path, template string) gen.Plugin {
	return gen.Plugin{Name: name, Summary: summary, New: func() gen.Part { return part{path, template} }}
}

// part is a plugin at work. What it writes is the user's from then on.
type part struct{ path, template string }

// Settings returns nil: the file is there to be edited.
func (part) Settings() any { return nil }

// Validate has nothing to check.
func (part) Validate(*design.Design, *design.Plugin) error { return nil }

// Contribute adds the file.
func (p part) Contribute(b *gen.Build) error {
	b.Template(gen.File{Path: p.path, Owner: gen.Once, Outgrows: true}, templates, p.template, &pipeline{b})
	return nil
}

// pipeline is what the templates print.
type pipeline struct{ *gen.Build }

// Admin reports whether there are pages that Node.js builds.
func (p *pipeline) Admin() bool {
	_, on := admin.PathOf(p.Design)
	return on
}

// Postgres reports whether the tests need a server, and what they skip without.
func (p *pipeline) Postgres() bool { return p.Design.Service.Database == design.Postgres }
