// Package authoidc is the plugin auth-oidc: callers send access tokens that an
// OpenID provider made, such as Auth0, Entra, Okta or Keycloak.
package authoidc

import (
	"cmp"
	"embed"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

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

// accessToken is the type of access tokens that follow RFC 9068.
const accessToken = "at+jwt"

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:     "auth-oidc",
		Summary:  "access tokens of an OpenID provider: Authorization: Bearer",
		Requires: []string{design.AuthCore},
		Provides: authcore.Provider,
		New: func() gen.Part {
			return &part{settings: settings{
				Algorithm: "RS256", Type: accessToken, PermissionsClaim: "permissions", UpdateProfile: "never", Machines: refuse,
			}}
		},
	}
}

// refuse is what becomes of tokens of programs unless the settings say otherwise.
const refuse = "refuse"

// settings are what gate.yaml says.
type settings struct {
	Issuer           string `yaml:"issuer" doc:"Who makes the tokens, exactly as they name it: with a slash at the end if it writes one. OIDC_ISSUER wins over it." required:"true"`
	Audience         string `yaml:"audience" doc:"What the issuer calls this service in its tokens. OIDC_AUDIENCE wins over it." required:"true"`
	Algorithm        string `yaml:"algorithm" doc:"How the issuer signs." enum:"RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA"`
	Type             string `yaml:"type" doc:"What access tokens say they are: JWT for those of Auth0, unless its API is set to RFC 9068. JWT needs a clientId." enum:"at+jwt,JWT"`
	ClientID         string `yaml:"clientId" doc:"The client that logs people in at the issuer; tokens that are meant for it are refused."`
	RolesClaim       string `yaml:"rolesClaim" doc:"The claim with the list of roles, of which those of this file count, or the path of one: realm_access.roles. Default: tokens give no roles."`
	PermissionsClaim string `yaml:"permissionsClaim" doc:"The claim with the permissions, a list or words in one text, or the path of one."`

	Roles     remote.Roles `yaml:"roles" doc:"Which roles tokens give when they are called otherwise there; instead of rolesClaim."`
	Namespace string       `yaml:"namespace" doc:"What names of claims begin with that the issuer makes for this service: <namespace>/user, /roles, /auth_time. Default: the audience."`

	CreateUsers          bool              `yaml:"createUsers" doc:"Whether an account is made for whoever comes for the first time; without, callers have none, and are what their token says."`
	EmailFieldName       string            `yaml:"emailFieldName" doc:"The field of an account with its address. Default: the one that is mapped to email, else the first of that type."`
	PayloadFieldMapping  map[string]string `yaml:"payloadFieldMapping" doc:"From what a field of a new account is taken: email, email_verified, name, nickname, picture, username, sub, permissions, org_id, or the path of a claim."`
	DefaultUser          design.Setting    `yaml:"defaultUser" doc:"Values of a new account for fields that no token fills. Its roles replace the default role."`
	RequireVerifiedEmail bool              `yaml:"requireVerifiedEmail" doc:"Whether an account is made only for an address that the issuer says is verified."`
	UpdateProfile        string            `yaml:"updateProfile" doc:"Whether fields of payloadFieldMapping follow the issuer when somebody comes with a new token; the address never does." enum:"never,onLogin"`
	Machines             string            `yaml:"machines" doc:"With createUsers, what becomes of a program's own token: it is a principal without an account that may do what the token permits, or it is refused." enum:"principal,refuse"`
	FirstAdmin           string            `yaml:"firstAdmin" doc:"The address whose owner becomes administrator when they log in for the first time with it verified, once. FIRST_ADMIN_EMAIL wins over it."`
}

type part struct {
	settings settings
	accounts *remote.Accounts // nil without accounts
}

// Settings returns where the settings go.
func (p *part) Settings() any { return &p.settings }

// Warnings implements [gen.Warner].
func (p *part) Warnings(d *design.Design, place *design.Plugin) []design.Problem {
	return remote.Warnings(d, place, p.accounts, place.Setting("defaultUser"))
}

// Validate refuses what the service would refuse when it starts.
func (p *part) Validate(d *design.Design, place *design.Plugin) error {
	var errs design.Errors
	bad := func(name, message, hint string) {
		if s := place.Setting(name); s != nil {
			errs.Add(s.ValuePos, s.Path, name+" "+message, hint)
			return
		}
		errs.Add(place.Pos, "plugins."+place.Name+"."+name, "plugin "+place.Name+": "+name+" "+message, hint)
	}
	s := &p.settings
	if message, hint := checkIssuer(s.Issuer); message != "" {
		bad("issuer", message, hint)
	}
	if strings.ContainsAny(s.Audience, " \t") {
		bad("audience", "has to be one name", "for instance https://api.example.com")
	}
	switch {
	case s.Type != accessToken && s.ClientID == "":
		bad("clientId", "is missing, which tells access tokens of the type "+s.Type+" from ID tokens", "the client that logs people in at the issuer")
	case s.ClientID == s.Audience:
		bad("audience", "cannot be the client, which is what ID tokens are for", "the identifier that this service has at the issuer")
	}
	if s.RolesClaim != "" && place.Setting("roles") != nil {
		bad("rolesClaim", "and roles cannot both stand there", "write roles: {claim: "+s.RolesClaim+", map: …}")
	}
	if a, err := mail.ParseAddress(s.FirstAdmin); s.FirstAdmin != "" && (err != nil || a.Address != s.FirstAdmin) {
		bad("firstAdmin", "is not an e-mail address", "")
	}
	if !s.CreateUsers {
		for _, name := range []string{"emailFieldName", "payloadFieldMapping", "defaultUser", "requireVerifiedEmail", "updateProfile", "machines", "firstAdmin"} {
			if place.Setting(name) != nil {
				bad(name, "is about accounts, and none are made", "add createUsers: true, or leave it out")
			}
		}
	}
	if err := errs.Err(); err != nil {
		return err
	}
	return p.resolve(d, place)
}

// resolve checks what is said of accounts and roles.
func (p *part) resolve(d *design.Design, place *design.Plugin) error {
	if !p.settings.CreateUsers {
		return remote.CheckRoles(d, place.Name, place.Setting("roles"))
	}
	var err error
	p.accounts, err = remote.Resolve(d, place, remote.Settings{
		EmailField: place.Setting("emailFieldName"), Mapping: place.Setting("payloadFieldMapping"),
		DefaultUser: place.Setting("defaultUser"), Roles: place.Setting("roles"),
	})
	return err
}

// checkIssuer says what is wrong with an issuer identifier (OpenID Connect Core
// 1.0 §2). It leaves plain http to the environment, for a provider on the machine
// of a developer.
func checkIssuer(issuer string) (message, hint string) {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(issuer, "?#| "):
		return "has to be https://, a host and perhaps a path", "for instance https://login.example.com/"
	case strings.Contains(u.Path, "/.well-known/"):
		return "is the address of a document", "leave out what begins with .well-known"
	}
	return "", ""
}

// Contribute adds the issuer to the authentication.
func (p *part) Contribute(b *gen.Build) error {
	s := p.settings
	members := []gen.Member{
		{Name: "Issuer", Value: gen.Text(s.Issuer)},
		{Name: "Audience", Value: gen.Text(s.Audience)},
		{Name: "Algorithm", Value: gen.Name(josePackage, s.Algorithm)},
		{Name: "Type", Value: gen.Text(s.Type)},
	}
	if s.ClientID != "" {
		members = append(members, gen.Member{Name: "ClientID", Value: gen.Text(s.ClientID)})
	}
	if s.Namespace != "" {
		members = append(members, gen.Member{Name: "Namespace", Value: gen.Text(s.Namespace)})
	}
	if claim := cmp.Or(s.RolesClaim, s.Roles.Claim); claim != "" {
		members = append(members, gen.Member{Name: "RolesClaim", Value: gen.Text(claim)})
	}
	if len(s.Roles.Map) > 0 {
		members = append(members, gen.Member{Name: "Roles", Value: gen.TextMap(s.Roles.Map)})
	}
	members = append(members, gen.Member{Name: "PermissionsClaim", Value: gen.Text(s.PermissionsClaim)})
	if p.accounts != nil {
		users := p.accounts.Users(remote.Options{
			Create: true, VerifiedOnly: s.RequireVerifiedEmail, Update: s.UpdateProfile != "never", Machines: s.Machines != refuse, FirstAdmin: s.FirstAdmin,
		})
		members = append(members, gen.Member{Name: "Users", Value: users})
	}
	if p.accounts == nil || s.Machines != refuse {
		remote.Foreign(b)
	}

	a := b.Authentication
	a.Config = append(a.Config, gen.Member{Name: "OIDC", Value: gen.Struct(gen.Name(authPackage, "OIDC"), members...)})
	own := slices.Contains(a.Register, "registerJWT") // the tokens of the service
	a.Register = append(a.Register, "registerOIDC")
	if p.accounts != nil {
		b.Environment = append(b.Environment, remote.FirstAdmin(s.FirstAdmin))
	}
	b.Environment = append(b.Environment, gen.Variable{
		Name: "OIDC_ISSUER", Doc: "Issuer of the access tokens, exactly as they name it. Default: " + strconv.Quote(s.Issuer) + ".",
	}, gen.Variable{
		Name: "OIDC_AUDIENCE", Doc: "What that issuer calls this service. Default: " + strconv.Quote(s.Audience) + ".",
	})
	b.API.Security = append(b.API.Security, gen.SecurityScheme{Name: "issuer", Scheme: gen.Object{
		{Name: "type", Value: "http"},
		{Name: "scheme", Value: "bearer"},
		{Name: "bearerFormat", Value: "JWT"},
		{Name: "description", Value: "An access token of " + s.Issuer + " for " + s.Audience + "."},
	}})
	b.Template(gen.File{Path: "app/auth_oidc_gen.go", Owner: gen.Generated}, templates, "templates/auth_oidc.go.tmpl", data{own})
	return nil
}

// data is what the template prints.
type data struct {
	// Own says that the service has tokens of its own.
	Own bool
}
