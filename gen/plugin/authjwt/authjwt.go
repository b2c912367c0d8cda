// Package authjwt is the plugin auth-jwt: accounts log in with their password
// and get an access token, which they send with each request.
package authjwt

import (
	"embed"
	"strings"
	"time"

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

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:     "auth-jwt",
		Summary:  "access tokens: POST /api/authentication, then Authorization: Bearer",
		Requires: []string{design.AuthCore},
		Provides: authcore.Provider,
		New: func() gen.Part {
			return &part{settings{Algorithm: "HS256", ExpiresIn: 15 * time.Minute}}
		},
	}
}

// settings are what gate.yaml says.
type settings struct {
	Algorithm string        `yaml:"algorithm" doc:"How tokens are signed: HS* with the secret AUTH_SECRET, the others with the private key in AUTH_KEY_FILE." enum:"HS256,HS384,HS512,RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA"`
	ExpiresIn time.Duration `yaml:"expiresIn" doc:"How long a token lives, from 1m to 24h." min:"1m" max:"24h"`
	Issuer    string        `yaml:"issuer" doc:"Who tokens say they come from. Default: the name of the service."`
	Audience  string        `yaml:"audience" doc:"Whom tokens say they are for. Default: the name of the service."`
}

type part struct {
	settings settings
}

// Settings returns where the settings go.
func (p *part) Settings() any { return &p.settings }

// Validate has nothing to check that the settings do not.
func (p *part) Validate(*design.Design, *design.Plugin) error { return nil }

// Contribute adds access tokens to the authentication.
func (p *part) Contribute(b *gen.Build) error {
	s := p.settings
	members := []gen.Member{
		{Name: "Algorithm", Value: gen.Name(josePackage, s.Algorithm)},
		{Name: "ExpiresIn", Value: gen.Duration(s.ExpiresIn)},
	}
	if s.Issuer != "" {
		members = append(members, gen.Member{Name: "Issuer", Value: gen.Text(s.Issuer)})
	}
	if s.Audience != "" {
		members = append(members, gen.Member{Name: "Audience", Value: gen.Text(s.Audience)})
	}
	a := b.Authentication
	a.Config = append(a.Config, gen.Member{Name: "JWT", Value: gen.Struct(gen.Name(authPackage, "JWT"), members...)})
	a.Register = append(a.Register, "registerJWT")
	b.Environment = append(b.Environment, variable(s.Algorithm))
	b.API.Security = append(b.API.Security, gen.SecurityScheme{Name: "bearer", Scheme: gen.Object{
		{Name: "type", Value: "http"},
		{Name: "scheme", Value: "bearer"},
		{Name: "bearerFormat", Value: "JWT"},
		{Name: "description", Value: "The accessToken that POST /authentication answers."},
	}})
	b.API.Paths = append(b.API.Paths, gen.Property{Name: "/authentication", Value: path()})
	b.API.Schemas = append(b.API.Schemas, schemas(a.Accounts)...)
	b.Template(gen.File{Path: "app/auth_jwt_gen.go", Owner: gen.Generated}, templates, "templates/auth_jwt.go.tmpl", b)
	return nil
}

func variable(algorithm string) gen.Variable {
	least := map[string]string{"HS256": "32", "HS384": "48", "HS512": "64"}[algorithm]
	if strings.HasPrefix(algorithm, "HS") {
		return gen.Variable{Name: "AUTH_SECRET", Doc: "Secret that signs access tokens: at least " + least + " random bytes, as from openssl rand -base64 " + least + ".", Required: true}
	}
	return gen.Variable{Name: "AUTH_KEY_FILE", Doc: "PEM file with the private key that signs access tokens (" + algorithm + ").", Required: true}
}
