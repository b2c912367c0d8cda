// Package authoidc is the plugin auth-oidc: callers send access tokens that an
// OpenID provider made, such as Auth0, Entra, Okta or Keycloak.
package authoidc

import (
	"embed"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/plugin/authcore"
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
			return &part{settings{Algorithm: "RS256", Type: accessToken, PermissionsClaim: "permissions"}}
		},
	}
}

// settings are what gate.yaml says.
type settings struct {
	Issuer           string `yaml:"issuer" doc:"Who makes the tokens, exactly as they name it: with a slash at the end if it writes one. OIDC_ISSUER wins over it." required:"true"`
	Audience         string `yaml:"audience" doc:"What the issuer calls this service in its tokens. OIDC_AUDIENCE wins over it." required:"true"`
	Algorithm        string `yaml:"algorithm" doc:"How the issuer signs." enum:"RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA"`
	Type             string `yaml:"type" doc:"What access tokens say they are: JWT for those of Auth0, unless its API is set to RFC 9068. JWT needs a clientId." enum:"at+jwt,JWT"`
	ClientID         string `yaml:"clientId" doc:"The client that logs people in at the issuer; tokens that are meant for it are refused."`
	RolesClaim       string `yaml:"rolesClaim" doc:"The claim with the list of roles, of which those of this file count. Default: tokens give no roles."`
	PermissionsClaim string `yaml:"permissionsClaim" doc:"The claim with the permissions, a list or words in one text."`
}

type part struct {
	settings settings
}

// Settings returns where the settings go.
func (p *part) Settings() any { return &p.settings }

// Validate refuses what the service would refuse when it starts.
func (p *part) Validate(_ *design.Design, place *design.Plugin) error {
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
	return errs.Err()
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
	if s.RolesClaim != "" {
		members = append(members, gen.Member{Name: "RolesClaim", Value: gen.Text(s.RolesClaim)})
	}
	members = append(members, gen.Member{Name: "PermissionsClaim", Value: gen.Text(s.PermissionsClaim)})

	a := b.Authentication
	a.Config = append(a.Config, gen.Member{Name: "OIDC", Value: gen.Struct(gen.Name(authPackage, "OIDC"), members...)})
	own := slices.Contains(a.Register, "registerJWT") // the tokens of the service
	a.Register = append(a.Register, "registerOIDC")
	b.Environment = append(b.Environment, gen.Variable{
		Name: "OIDC_ISSUER", Doc: "Issuer of the access tokens, exactly as they name it. Default: " + strconv.Quote(s.Issuer) + ".",
	}, gen.Variable{
		Name: "OIDC_AUDIENCE", Doc: "What that issuer calls this service. Default: " + strconv.Quote(s.Audience) + ".",
	})
	b.API.Security = append(b.API.Security, gen.SecurityScheme{Name: "openIdConnect", Scheme: gen.Object{
		{Name: "type", Value: "openIdConnect"},
		{Name: "openIdConnectUrl", Value: strings.TrimSuffix(s.Issuer, "/") + "/.well-known/openid-configuration"},
		{Name: "description", Value: "An access token of " + s.Issuer + " for " + s.Audience + ", sent as Authorization: Bearer."},
	}})
	b.Template(gen.File{Path: "app/auth_oidc_gen.go", Owner: gen.Generated}, templates, "templates/auth_oidc.go.tmpl", data{own})
	return nil
}

// data is what the template prints.
type data struct {
	// Own says that the service has tokens of its own.
	Own bool
}
