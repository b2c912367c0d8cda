// Package feedback is a plugin: everybody can leave a word about the service, and a
// role of the design reads it.
package feedback

import (
	"embed"
	"fmt"
	"io/fs"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

//go:embed templates migrations
var files embed.FS

// Plugin returns the plugin.
func Plugin() gen.Plugin {
	return gen.Plugin{
		Name:    "feedback",
		Summary: "a place where everybody can leave a word about the service",
		Version: "v0.1.0",
		New:     func() gen.Part { return &part{settings{MaxLength: 500, PerDay: 100}} },
	}
}

type settings struct {
	Readers   string `yaml:"readers" doc:"The role that reads what was left." required:"true"`
	MaxLength int    `yaml:"maxLength" doc:"How many characters a word has at most."`
	PerDay    int    `yaml:"perDay" doc:"How many words are taken on a day."`
}

type part struct{ settings settings }

func (p *part) Settings() any { return &p.settings }

// Extend adds an entity, and a field to that of the accounts.
func (p *part) Extend(d *design.Design) ([]byte, error) {
	if d.Role(p.settings.Readers) == nil {
		var errs design.Errors
		at := d.Plugin("feedback").Setting("readers")
		errs.Add(at.ValuePos, at.Path, fmt.Sprintf("unknown role %q", p.settings.Readers), "name one of the section roles")
		return nil, errs.Err()
	}
	return fmt.Appendf(nil, `
entities:
  Feedback:
    plural: FeedbackEntries
    fields: {text: {type: longtext, required: true, maxLength: %d}}
    allow: {create: public, view: [%q], list: [%[2]q]}
  User:
    fields: {mayBeAsked: {type: boolean, required: true, default: true}}
`, p.settings.MaxLength, p.settings.Readers), nil
}

func (p *part) Validate(*design.Design, *design.Plugin) error { return nil }

// Contribute adds code that closes the place, the variable that it reads, the module
// that it imports, and the table in which it counts.
func (p *part) Contribute(b *gen.Build) error {
	b.Require(gen.Module{
		Path: "golang.org/x/text", Version: "v0.43.0",
		Sum: "h1:1QivrlhwAsnMOcqgOdl9my7s9OyZl8O5/UGUTJVXoWc=", GoModSum: "h1:hbSIYA/amXcRXTFSZqh8tWHEoqRvvbKPJ2uz/KU+a+s=",
	})
	b.Environment = append(b.Environment, gen.Variable{Name: "FEEDBACK_CLOSED", Doc: "yes takes no more feedback."})
	b.SetUp = append(b.SetUp, "setUpFeedback")
	b.Template(gen.File{Path: "app/feedback_plugin_gen.go", Owner: gen.Generated}, files, "templates/feedback.go.tmpl", p.settings)
	migrations, err := fs.Sub(files, "migrations")
	b.Migrate(migrations)
	return err
}
