// Package authsession is the plugin auth-session: browsers log in with their
// password and get a cookie that no script can read.
package authsession

import (
	"embed"
	"slices"
	"time"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/plugin/authcore"
)

//go:embed templates
var templates embed.FS

const (
	authPackage  = "github.com/gatewright/gate/runtime/auth"
	pagesPackage = "github.com/gatewright/gate/runtime/accountpages"
)

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:     "auth-session",
		Summary:  "cookies for browsers: POST /api/session, and no token in any script",
		Requires: []string{design.AuthCore},
		Provides: authcore.Provider,
		Routes:   []string{"session"},
		New: func() gen.Part {
			return &part{settings{ExpiresIn: 12 * time.Hour, IdleFor: 30 * time.Minute, Pages: true}}
		},
	}
}

// settings are what gate.yaml says.
type settings struct {
	ExpiresIn time.Duration `yaml:"expiresIn" doc:"How long somebody stays logged in at most, up to 24h." min:"1m" max:"24h"`
	IdleFor   time.Duration `yaml:"idleFor" doc:"How long somebody stays logged in without a request, up to 1h." min:"1m" max:"1h"`
	Pages     bool          `yaml:"pages" doc:"Whether there are pages at /account to log in, sign up and look after the own account."`
}

type part struct {
	settings settings
}

// PagesOf reports whether a design has the pages at /account.
func PagesOf(d *design.Design) bool {
	p := d.Plugin("auth-session")
	if p == nil || !p.Enabled {
		return false
	}
	if s := p.Setting("pages"); s != nil {
		on, _ := s.Value.(bool)
		return on
	}
	return true
}

// Settings returns where the settings go.
func (p *part) Settings() any { return &p.settings }

// Validate has nothing to check that the settings do not.
func (p *part) Validate(*design.Design, *design.Plugin) error { return nil }

// Contribute adds cookies to the authentication.
func (p *part) Contribute(b *gen.Build) error {
	a := b.Authentication
	cookies := []gen.Member{
		{Name: "ExpiresIn", Value: gen.Duration(p.settings.ExpiresIn)},
		{Name: "IdleFor", Value: gen.Duration(p.settings.IdleFor)},
	}
	if p.settings.Pages {
		cookies = append(cookies, gen.Member{Name: "LoginPage", Value: gen.Text("/account/login")})
	}
	a.Config = append(a.Config, gen.Member{Name: "Cookies", Value: gen.Struct(gen.Name(authPackage, "Cookies"), cookies...)})
	local := slices.Contains(a.Register, "registerJWT") // which registers it
	a.Register = append(a.Register, "registerSession")
	b.API.Security = append(b.API.Security, gen.SecurityScheme{Name: "cookie", Scheme: gen.Object{
		{Name: "type", Value: "apiKey"},
		{Name: "in", Value: "cookie"},
		{Name: "name", Value: "__Host-gate"},
		{Name: "description", Value: "The cookie that POST /session sets."},
	}})
	if p.settings.Pages {
		b.Extensions = append(b.Extensions, gen.Member{Name: "account", Value: gen.Call(gen.Name(pagesPackage, "Mount"), pages(b.Design)...)})
	}
	b.API.Paths = append(b.API.Paths, gen.Property{Name: "/session", Value: path(a)})
	b.API.Schemas = append(b.API.Schemas, gen.Property{Name: "auth.Session", Value: schema(a)})
	b.Template(gen.File{Path: "app/auth_session_gen.go", Owner: gen.Generated}, templates, "templates/auth_session.go.tmpl", data{local, a.Also})
	return nil
}

// pages returns the arguments of what serves the pages: where a log-in leads, and the
// pages that not every service has.
func pages(d *design.Design) []gen.Expr {
	args := []gen.Expr{gen.Text("/account")}
	if d.Enabled("auth-letters") {
		args = append(args, gen.Call(gen.Name(pagesPackage, "Letters")))
	}
	if d.Enabled("auth-apikey") {
		args = append(args, gen.Call(gen.Name(pagesPackage, "Keys")))
	}
	return args
}

// data is what the template prints.
type data struct {
	// Local says that another plugin registers the strategy of that name.
	Local bool
	// Also are the entities beside the accounts whose rows log in.
	Also []*design.AuthEntity
}

func path(a *gen.Authentication) gen.Object {
	list := a.Credentials()
	credentials := gen.Object{{Name: "oneOf", Value: list}}
	if one, ok := list[0].(gen.Object); ok && len(list) == 1 {
		credentials = one
	}
	operation := func(summary, id string, body gen.Object, responses gen.Object) gen.Object {
		o := gen.Object{
			{Name: "tags", Value: []string{"authentication"}},
			{Name: "summary", Value: summary},
			{Name: "operationId", Value: id},
			{Name: "security", Value: []any{}},
		}
		if body != nil {
			o = append(o, gen.Property{Name: "requestBody", Value: gen.JSONBody(body)})
		}
		return append(o, gen.Property{Name: "responses", Value: responses})
	}
	foreign := gen.ResponseRef("Forbidden") // pages of other sites
	session := gen.JSONResponse("Who is logged in.", gen.SchemaRef("auth.Session"))
	return gen.Object{
		{Name: "post", Value: operation("Log in, and get a cookie", "openSession", credentials, gen.Object{
			{Name: "201", Value: session},
			{Name: "400", Value: gen.ResponseRef("BadRequest")},
			{Name: "401", Value: gen.ResponseRef("NotAuthenticated")},
			{Name: "403", Value: foreign},
			{Name: "429", Value: gen.ResponseRef("TooManyRequests")},
			{Name: "503", Value: gen.ResponseRef("Unavailable")},
		})},
		{Name: "get", Value: operation("Who is logged in", "session", nil, gen.Object{
			{Name: "200", Value: session},
			{Name: "401", Value: gen.ResponseRef("NotAuthenticated")},
			{Name: "403", Value: foreign},
		})},
		{Name: "delete", Value: operation("Log out", "closeSession", nil, gen.Object{
			{Name: "204", Value: gen.Object{{Name: "description", Value: "Logged out, or never logged in."}}},
			{Name: "403", Value: foreign},
		})},
	}
}

func schema(a *gen.Authentication) gen.Object {
	return gen.Object{
		{Name: "type", Value: "object"},
		{Name: "required", Value: []string{"authentication"}},
		{Name: "properties", Value: append(gen.Object{
			{Name: "authentication", Value: gen.Object{
				{Name: "type", Value: "object"},
				{Name: "properties", Value: gen.Object{{Name: "strategy", Value: gen.Object{{Name: "type", Value: "string"}}}}},
			}},
		}, a.Shown()...)},
	}
}
