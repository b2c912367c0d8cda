// Package permtest is the plugin that writes the test of who may do what: the
// permission matrix of the design, and what tries each cell of it on the service.
// How that is done is the business of runtime/permtest.
package permtest

import (
	"embed"
	"slices"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

//go:embed templates
var templates embed.FS

// Plugin returns the plugin. It is part of every service that has entities and
// asks somebody who they are before it lets them do something.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:    "permission-tests",
		Summary: "a test of who may do what, by go test: each cell of the permission matrix",
		Base:    true,
		When:    func(d *design.Design) bool { return len(d.Entities) > 0 && !d.Service.InsecureOpenToEveryone },
		New:     func() gen.Part { return part{} },
	}
}

type part struct{}

// Settings returns nil: what there is to say is said in app/samples_test.go.
func (part) Settings() any { return nil }

// Validate has nothing to check.
func (part) Validate(*design.Design, *design.Plugin) error { return nil }

// Contribute adds the matrix, the test and the file for what the design does not
// say.
func (part) Contribute(b *gen.Build) error {
	b.Render(gen.File{Path: "app/permissions_gen.json", Owner: gen.Generated}, func() ([]byte, error) { return matrix(b.Design) })
	t := &test{b}
	b.Template(gen.File{Path: "app/permissions_gen_test.go", Owner: gen.Generated}, templates, "templates/permissions_test.go.tmpl", t)
	b.Template(gen.File{Path: "app/samples_test.go", Owner: gen.Once, Needed: true}, templates, "templates/samples_test.go.tmpl", t)
	return nil
}

// test is what the templates print.
type test struct{ *gen.Build }

// Has reports whether the service has that surface.
func (t *test) Has(api string) bool { return slices.Contains(t.Design.Service.APIs, api) }

// Events reports whether the service tells of its rows as they change.
func (t *test) Events() bool { return t.Design.Enabled("realtime") }

// Callers says how somebody comes to the service in the test.
func (t *test) Callers() string {
	d := t.Design
	switch {
	case !d.Authentication():
		return "Nobody can sign in here, so that nobody is who calls."
	case d.Enabled("auth-jwt"):
		return "Callers log in with a password, and send the token that they get."
	case d.Enabled("auth-oidc"), d.Enabled("auth-auth0"):
		return "Callers send tokens of an issuer in the process of the test, which stands in the place of the one that the service trusts."
	case d.Enabled("auth-session"):
		return "Callers log in with a password, and send the cookie that they get."
	}
	return "Callers send their password with each request."
}

// First is the entity that the example is about.
func (t *test) First() *design.Entity { return t.Design.Entities[0] }

// Text is a field of it for the example.
func (t *test) Text() string {
	for _, f := range t.First().Fields {
		if f.Type == design.Text || f.Type == design.LongText {
			return f.Key
		}
	}
	return "name"
}
