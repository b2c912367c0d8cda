// Package authapikey is the plugin auth-apikey: accounts make keys for programs,
// which send one with each request.
package authapikey

import (
	"embed"
	"regexp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

//go:embed templates
var templates embed.FS

const authPackage = "github.com/gatewright/gate/runtime/auth"

// Plugin returns the plugin. It does not count as a way to authenticate: to make
// a key, one has to be logged in.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:     "auth-apikey",
		Summary:  "keys for programs, with scopes and an expiry: X-API-Key",
		Requires: []string{design.AuthCore},
		New:      func() gen.Part { return &part{} },
	}
}

// settings are what gate.yaml says.
type settings struct {
	Environment string `yaml:"environment" doc:"What stands in each key to tell those of production from others, up to 16 lower-case letters and digits. Default: live."`
}

type part struct {
	settings settings
}

// Settings returns where the settings go.
func (p *part) Settings() any { return &p.settings }

var environment = regexp.MustCompile(`^[a-z0-9]{1,16}$`)

// Validate refuses an environment that cannot stand in a key.
func (p *part) Validate(_ *design.Design, place *design.Plugin) error {
	var errs design.Errors
	if s := place.Setting("environment"); s != nil && !environment.MatchString(p.settings.Environment) {
		errs.Add(s.ValuePos, s.Path, "environment is up to 16 lower-case letters and digits", "for instance: live, test, staging1")
	}
	return errs.Err()
}

// Contribute adds keys to the authentication.
func (p *part) Contribute(b *gen.Build) error {
	var members []gen.Member
	if p.settings.Environment != "" {
		members = append(members, gen.Member{Name: "Environment", Value: gen.Text(p.settings.Environment)})
	}
	a := b.Authentication
	a.Config = append(a.Config, gen.Member{Name: "APIKeys", Value: gen.Struct(gen.Name(authPackage, "APIKeys"), members...)})
	a.Register = append(a.Register, "registerAPIKey")
	b.API.Security = append(b.API.Security, gen.SecurityScheme{Name: "apiKey", Scheme: gen.Object{
		{Name: "type", Value: "apiKey"},
		{Name: "in", Value: "header"},
		{Name: "name", Value: "X-API-Key"},
		{Name: "description", Value: "A key that POST /account/api-keys answered."},
	}})
	b.API.Paths = append(b.API.Paths, paths()...)
	b.API.Schemas = append(b.API.Schemas, schemas()...)
	b.Template(gen.File{Path: "app/auth_apikey_gen.go", Owner: gen.Generated}, templates, "templates/auth_apikey.go.tmpl", b)
	return nil
}
