// Package authletters is the plugin auth-letters: the service writes to people,
// so that they set a forgotten password anew and show that an address is theirs.
package authletters

import (
	"embed"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

//go:embed templates
var templates embed.FS

const authPackage = "github.com/gatewright/gate/runtime/auth"

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:     "auth-letters",
		Summary:  "letters: forgotten passwords, confirmed e-mail addresses",
		Requires: []string{design.AuthCore},
		New:      func() gen.Part { return &part{} },
	}
}

// settings are what gate.yaml says. The mail server is a matter of the
// environment.
type settings struct {
	Confirm bool `yaml:"confirm" doc:"Whether nobody logs in with a password before their address is confirmed."`
}

type part struct {
	settings settings
}

// Settings returns where the settings go.
func (p *part) Settings() any { return &p.settings }

// Validate refuses accounts that nobody can write to.
func (p *part) Validate(d *design.Design, place *design.Plugin) error {
	var errs design.Errors
	core := d.Plugin(design.AuthCore)
	if core == nil {
		return nil // which is another's complaint
	}
	s := core.Setting("entity")
	if s == nil {
		return nil
	}
	name, _ := s.Value.(string)
	for _, e := range d.Entities {
		if e.Name != name {
			continue
		}
		for _, f := range e.Fields {
			if f.Type == design.Email {
				return nil
			}
		}
		errs.Add(place.Pos, "plugins."+place.Name, "accounts of "+name+" have no e-mail address to write to", "give it a field: email: {type: email, required: true, unique: true}")
	}
	return errs.Err()
}

// Contribute adds letters to the authentication.
func (p *part) Contribute(b *gen.Build) error {
	a := b.Authentication
	members := []gen.Member{
		{Name: "Open", Value: gen.Name("", "letters")},
		{Name: "Words", Value: gen.Call(gen.Name("github.com/gatewright/gate/account/words", "English"))},
		{Name: "By", Value: gen.Name(authPackage, "ByLetter")},
	}
	if p.settings.Confirm {
		members = append(members, gen.Member{Name: "Confirm", Value: gen.Name("", "true")})
	}
	a.Config = append(a.Config, gen.Member{Name: "Letters", Value: gen.Struct(gen.Name(authPackage, "Letters"), members...)})
	b.Environment = append(b.Environment,
		gen.Variable{Name: "MAIL_URL", Doc: "Mail server: smtp://user:password@mail.example.com:587. Under gate dev letters go to .gate/mail without it.", Required: true},
		gen.Variable{Name: "MAIL_FROM", Doc: "Address that letters come from.", Required: true},
	)
	b.API.Paths = append(b.API.Paths, paths(a.Accounts)...)
	b.Template(gen.File{Path: "app/auth_letters_gen.go", Owner: gen.Generated}, templates, "templates/auth_letters.go.tmpl", b)
	return nil
}
