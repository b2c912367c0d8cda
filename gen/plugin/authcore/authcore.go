// Package authcore is the plugin auth-core: it names the entity that holds the
// accounts. How these prove who they are is the business of other plugins, of
// which at least one has to be on.
package authcore

import (
	"embed"
	"fmt"
	"slices"
	"time"

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
		Routes:  []string{"account", "admin"},
		New:     func() gen.Part { return &part{settings: settings{StepUp: defaultStepUp}} },
	}
}

// defaultStepUp is what the runtime takes when nothing is said.
const defaultStepUp = 5 * time.Minute

// breachURL is the range query of Have I Been Pwned.
const breachURL = "https://api.pwnedpasswords.com/range/"

// settings are what gate.yaml says.
type settings struct {
	Entity string   `yaml:"entity" doc:"The entity that holds the accounts." required:"true"`
	Also   []string `yaml:"also" doc:"Entities beside it whose rows log in, each by a log-in of its own: local-customer for Customer."`
	// BreachCheck leaves the machine, so it is off unless somebody wants it.
	BreachCheck bool `yaml:"breachCheck" doc:"Whether new passwords are looked for in the lists of api.pwnedpasswords.com, which gets five digits of their SHA-1."`
	// Who looks after the accounts of others: nobody, unless a permission is named.
	Sessions string        `yaml:"sessions" doc:"The permission by which somebody sees the devices of others, and logs them out. Without it nobody does."`
	Keys     string        `yaml:"keys" doc:"The permission by which somebody sees the API keys of others, and revokes them. Without it nobody does."`
	Audit    string        `yaml:"audit" doc:"The permission by which somebody reads what happened to accounts. Without it nobody does."`
	StepUp   time.Duration `yaml:"stepUp" doc:"How long ago somebody may have logged in who changes a password, a login name or roles, or deletes an account; from 1m to 24h." min:"1m" max:"24h"`
}

type part struct {
	settings settings
	accounts *design.AuthEntity
	also     []*design.AuthEntity
}

// Settings returns where the settings go.
func (p *part) Settings() any { return &p.settings }

// Validate finds the entity and the fields by which somebody signs in.
func (p *part) Validate(d *design.Design, place *design.Plugin) error {
	at := place.Pos
	if s := place.Setting("entity"); s != nil {
		at = s.ValuePos
	}
	var errs design.Errors
	var err error
	p.accounts, err = d.AuthEntity(p.settings.Entity, at)
	errs.Join(err)
	p.readOthers(d, place, &errs)
	if len(p.settings.Also) > 0 {
		p.readAlso(d, place.Setting("also"), &errs)
	}
	return errs.Err()
}

// readAlso finds the entities that log in beside the accounts.
func (p *part) readAlso(d *design.Design, s *design.Setting, errs *design.Errors) {
	taken := []string{p.settings.Entity}
	for i, name := range p.settings.Also {
		at := s.Children[i]
		a, err := d.AlsoAuthEntity(name, at.ValuePos, at.Path)
		errs.Join(err)
		switch {
		case slices.Contains(taken, name):
			errs.Add(at.ValuePos, at.Path, name+" is listed twice, or holds the accounts", "remove it here")
		case a != nil && slices.ContainsFunc(p.also, func(o *design.AuthEntity) bool { return o.Strategy == a.Strategy }):
			errs.Add(at.ValuePos, at.Path, "two entities would log in by the strategy "+a.Strategy, "rename one of them")
		case slices.Contains([]string{"AccessToken", "RefreshToken", "Authentication"}, name):
			errs.Add(at.ValuePos, at.Path, fmt.Sprintf("%q is a word of the answer to a log-in", gen.Lower(name)), "rename the entity")
		case meets(d, name) != nil:
			e := meets(d, name)
			errs.Add(e.Pos, "entities."+e.Name, fmt.Sprintf("me%s is the %s that is calling, in GraphQL", name, name), "rename the entity "+e.Name+", or its plural")
		case a != nil:
			p.also = append(p.also, a)
		}
		taken = append(taken, name)
	}
	for _, other := range [][2]string{
		{"auth-basic", "a name and a password that come with each request do not say whose they are"},
		{"auth-letters", "letters are for the accounts alone yet"},
		{"auth-auth0", "whom the issuer vouches for is one of the accounts"},
		{"auth-oidc", "whom the issuer vouches for is one of the accounts"},
	} {
		if d.Enabled(other[0]) {
			errs.Add(s.Pos, s.Path, "also does not go together with "+other[0]+": "+other[1],
				"remove one or the other; auth-jwt, auth-session and auth-apikey go together with it")
		}
	}
}

// meets returns an entity whose query has the name of that for the caller.
func meets(d *design.Design, name string) *design.Entity {
	for _, e := range d.Entities {
		if e.Name == "Me"+name || gen.Lower(e.Plural) == "me"+name {
			return e
		}
	}
	return nil
}

// renamed lists the entities that log in and had another name. A hint that names a
// table says nothing of the name.
func (p *part) renamed() [][]gen.Member {
	var out [][]gen.Member
	for _, e := range append([]*design.AuthEntity{p.accounts}, p.also...) {
		was := e.RenamedFrom
		if was == "" || was[0] >= 'a' {
			continue
		}
		from, to := was+"/", e.Name+"/"
		if e == p.accounts {
			from, to = gen.Lower(was), gen.Lower(e.Name)
		}
		members := []gen.Member{{Name: "From", Value: gen.Text(from)}, {Name: "To", Value: gen.Text(to)}}
		if table := e.FormerTables()[0]; table != e.Table {
			members = append(members, gen.Member{Name: "Table", Value: gen.Text(table)})
		}
		out = append(out, members)
	}
	return out
}

// Contribute adds the authentication that providers complete.
func (p *part) Contribute(b *gen.Build) error {
	a := p.accounts
	b.Authentication = &gen.Authentication{
		Accounts: a, Also: p.also,
		Config: []gen.Member{
			{Name: "Entity", Value: gen.Text(gen.Lower(a.Name))},
			{Name: "Login", Value: gen.Text(a.Identity.Key)},
			{Name: "Password", Value: gen.Text(a.Password.Key)},
			{Name: "Roles", Value: gen.Text(a.Roles.Key)},
		},
	}
	if len(p.also) > 0 {
		var also [][]gen.Member
		for _, e := range p.also {
			also = append(also, []gen.Member{
				{Name: "Entity", Value: gen.Text(gen.Lower(e.Name))},
				{Name: "Strategy", Value: gen.Text(e.Strategy)},
				{Name: "Login", Value: gen.Text(e.Identity.Key)},
				{Name: "Password", Value: gen.Text(e.Password.Key)},
				{Name: "Roles", Value: gen.Text(e.Roles.Key)},
			})
		}
		b.Authentication.Config = append(b.Authentication.Config, gen.Member{Name: "Also", Value: gen.List(gen.Name(authPackage, "Also"), also...)})
	}
	if list := p.renamed(); list != nil {
		b.Authentication.Config = append(b.Authentication.Config, gen.Member{Name: "Renamed", Value: gen.List(gen.Name(authPackage, "Renamed"), list...)})
	}
	if list := p.others(); list != nil {
		b.Authentication.Config = append(b.Authentication.Config, gen.Member{Name: "Others", Value: gen.Struct(gen.Name(authPackage, "Others"), list...)})
	}
	if p.settings.StepUp != defaultStepUp {
		b.Authentication.Config = append(b.Authentication.Config, gen.Member{Name: "StepUp", Value: gen.Duration(p.settings.StepUp)})
	}
	if p.settings.BreachCheck {
		b.Authentication.Config = append(b.Authentication.Config, gen.Member{Name: "Breach", Value: gen.Call(gen.Name(authPackage, "Breaches"), gen.Text(breachURL))})
	}
	b.Service = append(b.Service, gen.Member{Name: "Auth", Value: gen.Call(gen.Name("", "authentication"))})
	b.Environment = append(b.Environment, gen.Variable{
		Name: "AUTH_SECRET", Required: true,
		Doc: "Signs access tokens, and seals what the service has to read again: random, 64 bytes for HS512, 48 for HS384, else 32, as from openssl rand -base64 48.",
	}, gen.Variable{
		Name: "ADMIN_EMAIL", Doc: "Login name of the administrator whom the first start makes.",
	})
	b.API.Paths = append(b.API.Paths, paths(b.Authentication, passwords(b.Design))...)
	b.API.Paths = append(b.API.Paths, p.otherPaths()...)
	b.API.Schemas = append(append(b.API.Schemas, schemas()...), p.otherSchemas()...)
	b.API.Tags = append(b.API.Tags,
		gen.Property{Name: "authentication", Value: "Logging in and out, and who is calling."},
		gen.Property{Name: "account", Value: "What the caller does with the own account."})
	if len(p.others()) > 0 {
		b.API.Tags = append(b.API.Tags, gen.Property{Name: "admin", Value: "What those do who look after the accounts of others."})
	}
	b.Template(gen.File{Path: "app/auth_gen.go", Owner: gen.Generated}, templates, "templates/auth.go.tmpl", &data{b})
	return nil
}

// passwords reports whether somebody logs in with a password: where an issuer logs
// people in, only by what stands beside it.
func passwords(d *design.Design) bool {
	return !slices.ContainsFunc([]string{"auth-auth0", "auth-oidc"}, d.Enabled) || slices.ContainsFunc([]string{"auth-jwt", "auth-basic", "auth-session"}, d.Enabled)
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
