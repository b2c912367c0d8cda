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
			return &part{settings{
				Algorithm: "HS256", ExpiresIn: 15 * time.Minute,
				RefreshExpiresIn: 30 * 24 * time.Hour, RefreshIdleFor: 14 * 24 * time.Hour,
			}}
		},
	}
}

// settings are what gate.yaml says.
type settings struct {
	Algorithm string        `yaml:"algorithm" doc:"How tokens are signed: HS* with the secret AUTH_SECRET, the others with the private key in AUTH_KEY_FILE." enum:"HS256,HS384,HS512,RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA"`
	ExpiresIn time.Duration `yaml:"expiresIn" doc:"How long a token lives, from 1m to 24h." min:"1m" max:"24h"`
	Issuer    string        `yaml:"issuer" doc:"Who tokens say they come from. Default: the name of the service."`
	Refresh   bool          `yaml:"refresh" doc:"Whether a login answers a refresh token too, which renews the access token."`
	// Durations of days are written in hours, the largest unit there is.
	RefreshExpiresIn time.Duration `yaml:"refreshExpiresIn" doc:"How long a login lasts at most that is renewed, up to 8760h." min:"1h" max:"8760h"`
	RefreshIdleFor   time.Duration `yaml:"refreshIdleFor" doc:"How long a login lasts that is not renewed, up to 2160h." min:"1h" max:"2160h"`
	RotateKeys       time.Duration `yaml:"rotateKeys" doc:"How often the service makes a new key to sign with, kept in its database; from 24h to 8760h. Default: never, the key is AUTH_SECRET or in AUTH_KEY_FILE." min:"24h" max:"8760h"`
	Encrypted        bool          `yaml:"encrypted" doc:"Whether tokens are encrypted too (RFC 7516), so that clients cannot read them."`
	Audience         string        `yaml:"audience" doc:"Whom tokens say they are for. Default: the name of the service."`
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
	if s.Refresh {
		members = append(members, gen.Member{Name: "Refresh", Value: gen.Struct(gen.Name(authPackage, "Refresh"),
			gen.Member{Name: "ExpiresIn", Value: gen.Duration(s.RefreshExpiresIn)},
			gen.Member{Name: "IdleFor", Value: gen.Duration(s.RefreshIdleFor)},
		)})
	}
	if s.RotateKeys > 0 {
		members = append(members, gen.Member{Name: "RotateKeys", Value: gen.Call(gen.Name(authPackage, "Rotate"), gen.Duration(s.RotateKeys))})
	}
	if s.Encrypted {
		members = append(members, gen.Member{Name: "Encryption", Value: gen.Name("", "encryption")})
	}
	a := b.Authentication
	a.Config = append(a.Config, gen.Member{Name: "JWT", Value: gen.Struct(gen.Name(authPackage, "JWT"), members...)})
	a.Register = append(a.Register, "registerJWT")
	if v, ok := s.variable(); ok {
		b.Environment = append(b.Environment, v)
	}
	b.API.Security = append(b.API.Security, gen.SecurityScheme{Name: "bearer", Scheme: gen.Object{
		{Name: "type", Value: "http"},
		{Name: "scheme", Value: "bearer"},
		{Name: "bearerFormat", Value: "JWT"},
		{Name: "description", Value: "The accessToken that POST /authentication answers."},
	}})
	b.API.Paths = append(b.API.Paths, gen.Property{Name: "/authentication", Value: path()})
	b.API.Schemas = append(b.API.Schemas, schemas(a, s.Refresh)...)
	b.Template(gen.File{Path: "app/auth_jwt_gen.go", Owner: gen.Generated}, templates, "templates/auth_jwt.go.tmpl", &data{b, s})
	return nil
}

// variable returns what the service has to be told to sign with, besides the
// AUTH_SECRET of auth-core.
func (s *settings) variable() (gen.Variable, bool) {
	if strings.HasPrefix(s.Algorithm, "HS") || s.RotateKeys > 0 {
		return gen.Variable{}, false
	}
	return gen.Variable{Name: "AUTH_KEY_FILE", Doc: "PEM file with the private key that signs access tokens (" + s.Algorithm + ").", Required: true}, true
}

// data is what the template prints.
type data struct {
	*gen.Build
	Settings settings
}
