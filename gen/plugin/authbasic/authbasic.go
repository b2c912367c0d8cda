// Package authbasic is the plugin auth-basic: accounts send their login name and
// password with each request (RFC 7617).
package authbasic

import (
	"embed"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/plugin/authcore"
)

//go:embed templates
var templates embed.FS

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:     "auth-basic",
		Summary:  "login name and password with every request: Authorization: Basic",
		Requires: []string{design.AuthCore},
		Provides: authcore.Provider,
		New:      func() gen.Part { return &part{} },
	}
}

// settings are what gate.yaml says.
type settings struct {
	Realm string `yaml:"realm" doc:"What browsers show when they ask for the password. Default: the name of the service."`
}

type part struct {
	settings settings
}

// Settings returns where the settings go.
func (p *part) Settings() any { return &p.settings }

// Validate refuses a realm that cannot stand in a header.
func (p *part) Validate(_ *design.Design, place *design.Plugin) error {
	var errs design.Errors
	if strings.ContainsFunc(p.settings.Realm, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		s := place.Setting("realm")
		errs.Add(s.ValuePos, s.Path, "realm can only hold printable ASCII without quotes and backslashes", "")
	}
	return errs.Err()
}

// Contribute adds Basic to the authentication.
func (p *part) Contribute(b *gen.Build) error {
	realm := p.settings.Realm
	if realm == "" {
		realm = b.Design.Service.Name
	}
	b.Authentication.Register = append(b.Authentication.Register, "registerBasic")
	b.API.Security = append(b.API.Security, gen.SecurityScheme{Name: "basic", Scheme: gen.Object{
		{Name: "type", Value: "http"}, {Name: "scheme", Value: "basic"},
	}})
	b.Template(gen.File{Path: "app/auth_basic_gen.go", Owner: gen.Generated}, templates, "templates/auth_basic.go.tmpl", data{realm})
	return nil
}

// data is what the template prints.
type data struct {
	Realm string
}
