// Package authauth0 is the plugin auth-auth0: people log in at Auth0, or at an
// issuer that behaves like it, and callers send the access tokens that it makes.
// Whoever comes for the first time gets an account.
package authauth0

import (
	"embed"
	"slices"
	"strconv"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/plugin/authcore"
	"github.com/gatewright/gate/gen/plugin/internal/remote"
)

//go:embed templates
var templates embed.FS

const (
	authPackage = "github.com/gatewright/gate/runtime/auth"
	josePackage = "github.com/gatewright/gate/jose"
)

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:      "auth-auth0",
		Summary:   "people log in at Auth0; an account for each: Authorization: Bearer",
		Requires:  []string{design.AuthCore},
		Conflicts: []string{"auth-oidc"},
		Provides:  authcore.Provider,
		New: func() gen.Part {
			return &part{settings: settings{
				Algorithm: "RS256", PermissionsClaim: "permissions", CreateUsers: true, UpdateProfile: never, Machines: principal,
				UseManagementAPI: true,
				RedirectURI:      "/auth-callback", LogoutRedirectURI: "/login", Scope: "openid profile email",
			}}
		},
	}
}

// The words of settings.
const (
	never     = "never"
	onLogin   = "onLogin"
	principal = "principal"
)

// settings are what gate.yaml says.
type settings struct {
	Domain      string `yaml:"domain" doc:"The host of the tenant, without scheme and path: shop.eu.auth0.com. AUTH0_DOMAIN wins over it." required:"true"`
	ClientID    string `yaml:"clientId" doc:"The application that logs people in, which pages are told. Required. AUTH0_CLIENT_ID wins over it."`
	ClientIDToo string `yaml:"clientID" doc:"Another spelling of clientId."`
	IssuerURL   string `yaml:"issuerURL" doc:"Who makes the tokens, with the slash at the end: https://shop.eu.auth0.com/. AUTH0_ISSUER_URL wins over it." required:"true"`
	Audience    string `yaml:"audience" doc:"The identifier of the API in the tenant. AUTH0_AUDIENCE wins over it." required:"true"`
	Algorithm   string `yaml:"algorithm" doc:"How the issuer signs." enum:"RS256,PS256,ES256"`

	Recipe              recipe            `yaml:"recipe" doc:"emailFieldName and payloadFieldMapping may stand here, too."`
	EmailFieldName      string            `yaml:"emailFieldName" doc:"The field of an account with its address. Default: the one that is mapped to email, else the first of that type."`
	PayloadFieldMapping map[string]string `yaml:"payloadFieldMapping" doc:"From what a field of a new account is taken: email, email_verified, name, nickname, picture, username, sub, permissions, org_id, or the path of a claim."`
	PayLoadMapping      map[string]string `yaml:"payLoadMapping" doc:"Another spelling of payloadFieldMapping."`
	DefaultUser         design.Setting    `yaml:"defaultUser" doc:"Values of a new account for fields that no token fills. Its roles replace the default role."`

	CreateUsers          bool   `yaml:"createUsers" doc:"Whether an account is made for whoever comes for the first time; without, those are let in who have one."`
	RequireVerifiedEmail bool   `yaml:"requireVerifiedEmail" doc:"Whether an account is made only for an address that the issuer says is verified."`
	UpdateProfile        string `yaml:"updateProfile" doc:"Whether fields of payloadFieldMapping follow the issuer when somebody comes with a new token; the address never does." enum:"never,onLogin"`
	Machines             string `yaml:"machines" doc:"What becomes of a program's own token: it is a principal without an account that may do what the token permits, or it is refused." enum:"principal,refuse"`
	FirstAdmin           string `yaml:"firstAdmin" doc:"The address whose owner becomes administrator when they log in for the first time with it verified, once. FIRST_ADMIN_EMAIL wins over it."`

	Namespace        string       `yaml:"namespace" doc:"What names of claims begin with that the tenant's action makes: <namespace>/user, /roles, /auth_time. Default: the audience."`
	Roles            remote.Roles `yaml:"roles" doc:"Which roles tokens give, besides those of the account. Default: none."`
	PermissionsClaim string       `yaml:"permissionsClaim" doc:"The claim with the permissions, or the path of one. scope is what an application asked for, so take it only when the API enforces who may have what."`

	RedirectURI       string `yaml:"redirectUri" doc:"Where a log-in leads back to, a path of the page's own origin or a URL. AUTH0_REDIRECT_URI wins over it."`
	LogoutRedirectURI string `yaml:"logoutRedirectUri" doc:"Where a log-out leads. AUTH0_LOGOUT_REDIRECT_URI wins over it."`
	Scope             string `yaml:"scope" doc:"What pages ask for. AUTH0_SCOPE wins over it."`

	UseManagementAPI bool             `yaml:"useManagementApi" doc:"Whether gate auth0 apply and destroy may change the tenant; nothing happens while generating. Default: true."`
	ManagementParams managementParams `yaml:"managementParams" doc:"What gate auth0 apply works with. The token is no setting: AUTH0_MGMT_TOKEN."`
}

// recipe is where the settings about accounts stood first.
type recipe struct {
	EmailFieldName      string            `yaml:"emailFieldName" doc:"See emailFieldName."`
	PayloadFieldMapping map[string]string `yaml:"payloadFieldMapping" doc:"See payloadFieldMapping."`
	PayLoadMapping      map[string]string `yaml:"payLoadMapping" doc:"See payloadFieldMapping."`
	Type                string            `yaml:"type" doc:"How people prove who they are, which is for the tenant to say." enum:"password"`
	Method              string            `yaml:"method" doc:"Where the tenant keeps people, which is for the tenant to say." enum:"database"`
}

// managementParams are read by gate auth0.
type managementParams struct {
	Identifier  string `yaml:"identifier" doc:"The Management API of the tenant: https://shop.eu.auth0.com/api/v2/. Default: that of the domain."`
	ClientName  string `yaml:"clientName" doc:"Name of the application. Default: Amplication SPA."`
	APIName     string `yaml:"apiName" doc:"Name of the API. Default: Amplication API."`
	ActionName  string `yaml:"actionName" doc:"Name of the action that puts the profile into access tokens. Default: Add user details to access token."`
	Audience    string `yaml:"audience" doc:"Identifier of the API. Default: the audience of the plugin."`
	AccessToken string `yaml:"accessToken" doc:"Refused: a secret is no setting. AUTH0_MGMT_TOKEN."`
}

type part struct {
	settings settings
	accounts *remote.Accounts
}

// Settings returns where the settings go.
func (p *part) Settings() any { return &p.settings }

// Warnings implements [gen.Warner].
func (p *part) Warnings(d *design.Design, place *design.Plugin) []design.Problem {
	return remote.Warnings(d, place, p.accounts, place.Setting("defaultUser"))
}

// Contribute adds the issuer to the authentication.
func (p *part) Contribute(b *gen.Build) error {
	s := p.settings
	a := b.Authentication
	a.Config = append(a.Config, gen.Member{Name: "OIDC", Value: gen.Struct(gen.Name(authPackage, "OIDC"), p.members()...)})
	own := slices.Contains(a.Register, "registerJWT") // the tokens of the service
	a.Register = append(a.Register, "registerAuth0")
	b.Extensions = append(b.Extensions, gen.Member{Name: "auth-auth0", Value: gen.Name("", "auth0Accounts")})
	b.Environment = append(b.Environment, variables(&s)...)
	b.API.Security = append(b.API.Security, gen.SecurityScheme{Name: "auth0", Scheme: gen.Object{
		{Name: "type", Value: "http"},
		{Name: "scheme", Value: "bearer"},
		{Name: "bearerFormat", Value: "JWT"},
		{Name: "description", Value: "An access token of " + s.IssuerURL + " for " + s.Audience + "."},
	}})
	b.API.Paths = append(b.API.Paths, gen.Property{Name: "/auth-config.json", Value: configPath()})
	if s.Machines == principal {
		remote.Foreign(b)
	}
	d := data{Build: b, Own: own}
	b.Template(gen.File{Path: "app/auth_auth0_gen.go", Owner: gen.Generated}, templates, "templates/auth_auth0.go.tmpl", d)
	b.Template(gen.File{Path: "app/auth0.go", Owner: gen.Once, Needed: true}, templates, "templates/auth0.go.tmpl", d)
	return nil
}

// members returns what the service is told of the issuer.
func (p *part) members() []gen.Member {
	s := p.settings
	users := p.accounts.Users(remote.Options{
		Create: s.CreateUsers, VerifiedOnly: s.RequireVerifiedEmail, Update: s.UpdateProfile == onLogin,
		Machines: s.Machines == principal, FirstAdmin: s.FirstAdmin,
	})
	members := []gen.Member{
		{Name: "Issuer", Value: gen.Text(s.IssuerURL)},
		{Name: "Audience", Value: gen.Text(s.Audience)},
		{Name: "Algorithm", Value: gen.Name(josePackage, s.Algorithm)},
		{Name: "Type", Value: gen.Text("JWT")},
		{Name: "ClientID", Value: gen.Text(s.ClientID)},
	}
	members = appendText(members, "Namespace", s.Namespace)
	members = appendText(members, "RolesClaim", s.Roles.Claim)
	if len(s.Roles.Map) > 0 {
		members = append(members, gen.Member{Name: "Roles", Value: gen.TextMap(s.Roles.Map)})
	}
	return append(members,
		gen.Member{Name: "PermissionsClaim", Value: gen.Text(s.PermissionsClaim)},
		gen.Member{Name: "Users", Value: users},
		gen.Member{Name: "Page", Value: gen.Struct(gen.Name(authPackage, "Page"),
			gen.Member{Name: "Domain", Value: gen.Text(s.Domain)},
			gen.Member{Name: "RedirectURI", Value: gen.Text(s.RedirectURI)},
			gen.Member{Name: "LogoutRedirectURI", Value: gen.Text(s.LogoutRedirectURI)},
			gen.Member{Name: "Scope", Value: gen.Text(s.Scope)},
		)},
	)
}

// appendText adds a member unless it is empty.
func appendText(members []gen.Member, name, text string) []gen.Member {
	if text == "" {
		return members
	}
	return append(members, gen.Member{Name: name, Value: gen.Text(text)})
}

// variables lists what the service reads.
func variables(s *settings) []gen.Variable {
	list := []gen.Variable{
		{Name: "AUTH0_DOMAIN", Doc: "Host of the tenant, which pages are told. Default: " + strconv.Quote(s.Domain) + "."},
		{Name: "AUTH0_CLIENT_ID", Doc: "The application that logs people in. Default: " + strconv.Quote(s.ClientID) + "."},
		{Name: "AUTH0_ISSUER_URL", Doc: "Issuer of the access tokens, exactly as they name it. OIDC_ISSUER is the same. Default: " + strconv.Quote(s.IssuerURL) + "."},
		{Name: "AUTH0_AUDIENCE", Doc: "What that issuer calls this service. OIDC_AUDIENCE is the same. Default: " + strconv.Quote(s.Audience) + "."},
		{Name: "AUTH0_REDIRECT_URI", Doc: "Where a log-in leads back to. Default: " + strconv.Quote(s.RedirectURI) + "."},
		{Name: "AUTH0_LOGOUT_REDIRECT_URI", Doc: "Where a log-out leads. Default: " + strconv.Quote(s.LogoutRedirectURI) + "."},
		{Name: "AUTH0_SCOPE", Doc: "What pages ask for. Default: " + strconv.Quote(s.Scope) + "."},
	}
	return append(list, remote.FirstAdmin(s.FirstAdmin))
}

// configPath describes what pages are told.
func configPath() gen.Object {
	text := gen.Object{{Name: "type", Value: "string"}}
	names := []string{"provider", "domain", "clientId", "issuer", "audience", "scope", "redirectUri", "logoutRedirectUri"}
	properties := make(gen.Object, len(names))
	for i, name := range names {
		properties[i] = gen.Property{Name: name, Value: text}
	}
	return gen.Object{{Name: "get", Value: gen.Object{
		{Name: "tags", Value: []string{"authentication"}},
		{Name: "summary", Value: "What a page needs to log people in"},
		{Name: "operationId", Value: "authConfig"},
		{Name: "security", Value: []any{}},
		{Name: "responses", Value: gen.Object{{Name: "200", Value: gen.JSONResponse("None of it is secret.", gen.Object{
			{Name: "type", Value: "object"},
			{Name: "required", Value: names},
			{Name: "properties", Value: properties},
		})}}},
	}}}
}

// data is what the templates print.
type data struct {
	*gen.Build

	// Own says that the service has tokens of its own.
	Own bool
}
