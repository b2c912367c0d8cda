// Package authcore is the plugin auth-core: it names the entity that holds the
// accounts. How these prove who they are is the business of other plugins, of
// which at least one has to be on.
package authcore

import (
	"embed"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

//go:embed templates
var templates embed.FS

// Provider is what a plugin provides that lets somebody authenticate.
const Provider = "a way to authenticate"

const authPackage = "github.com/gatewright/gate/runtime/auth"

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:    design.AuthCore,
		Summary: "accounts, from an entity with a login name, a password and roles",
		Needs:   Provider,
		New:     func() gen.Part { return &part{} },
	}
}

// settings are what gate.yaml says.
type settings struct {
	Entity string `yaml:"entity" doc:"The entity that holds the accounts." required:"true"`
}

type part struct {
	settings settings
	accounts *design.AuthEntity
}

// Settings returns where the settings go.
func (p *part) Settings() any { return &p.settings }

// Validate finds the entity and the fields by which somebody signs in.
func (p *part) Validate(d *design.Design, place *design.Plugin) error {
	at := place.Pos
	if s := place.Setting("entity"); s != nil {
		at = s.ValuePos
	}
	var err error
	p.accounts, err = d.AuthEntity(p.settings.Entity, at)
	return err
}

// Contribute adds the authentication that providers complete.
func (p *part) Contribute(b *gen.Build) error {
	a := p.accounts
	b.Authentication = &gen.Authentication{
		Accounts: a,
		Config: []gen.Member{
			{Name: "Entity", Value: gen.Text(gen.Lower(a.Name))},
			{Name: "Login", Value: gen.Text(a.Identity.Key)},
			{Name: "Password", Value: gen.Text(a.Password.Key)},
			{Name: "Roles", Value: gen.Text(a.Roles.Key)},
		},
	}
	b.Service = append(b.Service, gen.Member{Name: "Auth", Value: gen.Call(gen.Name("", "authentication"))})
	b.Environment = append(b.Environment, gen.Variable{
		Name: "ADMIN_EMAIL", Doc: "Login name of the administrator whom the first start makes.",
	})
	b.API.Paths = append(b.API.Paths, paths(a)...)
	b.API.Schemas = append(b.API.Schemas, schemas()...)
	b.Template(gen.File{Path: "app/auth_gen.go", Owner: gen.Generated}, templates, "templates/auth.go.tmpl", &data{b})
	return nil
}

// data is what the template prints.
type data struct {
	*gen.Build
}

// Imports returns the packages that the file needs.
func (d *data) Imports() []string {
	list := []string{authPackage, "github.com/gatewright/gate/strategy/local"}
	if len(d.Authentication.Register) > 1 {
		list = append(list, "errors")
	}
	return append(list, gen.Imports(d.Authentication.Config)...)
}

func paths(a *design.AuthEntity) []gen.Property {
	me := gen.Object{
		{Name: "tags", Value: []string{"authentication"}},
		{Name: "summary", Value: "The account that is calling"},
		{Name: "operationId", Value: "me"},
		{Name: "responses", Value: gen.Object{
			{Name: "200", Value: gen.JSONResponse("The account, with what it may read of itself.", gen.SchemaRef(a.Name))},
			{Name: "401", Value: gen.ResponseRef("NotAuthenticated")},
		}},
	}
	permissions := gen.Object{
		{Name: "tags", Value: []string{"authentication"}},
		{Name: "summary", Value: "What the caller may do"},
		{Name: "operationId", Value: "myPermissions"},
		{Name: "responses", Value: gen.Object{
			{Name: "200", Value: gen.JSONResponse("The roles of the caller and the permissions that they hold.", gen.SchemaRef("auth.Permissions"))},
			{Name: "401", Value: gen.ResponseRef("NotAuthenticated")},
		}},
	}
	return []gen.Property{
		{Name: "/me", Value: gen.Object{{Name: "get", Value: me}}},
		{Name: "/me/permissions", Value: gen.Object{{Name: "get", Value: permissions}}},
	}
}

func schemas() []gen.Property {
	list := gen.Object{{Name: "type", Value: "array"}, {Name: "items", Value: gen.Object{{Name: "type", Value: "string"}}}}
	return []gen.Property{{Name: "auth.Permissions", Value: gen.Object{
		{Name: "type", Value: "object"},
		{Name: "properties", Value: gen.Object{{Name: "roles", Value: list}, {Name: "permissions", Value: list}}},
	}}}
}
