package cli

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

type newCmd struct {
	Name     string `arg:"" optional:"" help:"Name of the service, kebab-case; also the name of its folder."`
	Dir      string `placeholder:"DIR" help:"Folder to make it in, instead of ./NAME."`
	Module   string `placeholder:"PATH" help:"Go module path, example.com/NAME if not given."`
	Starter  string `placeholder:"NAME" help:"Entities to begin with: ${starters}."`
	Database string `placeholder:"KIND" help:"sqlite or postgres."`
	Auth     string `placeholder:"KIND" help:"Authentication: jwt, basic, both, auth0 or none."`
}

func (newCmd) Help() string {
	return "On a terminal it asks for what you did not give."
}

func (newCmd) Example() string {
	return "gate new shop --starter restaurant --auth jwt --database sqlite"
}

// starters lists the names of the starters, for help.
func starters() string { return strings.Join(design.Starters(), ", ") }

// Run makes the folder and everything in it.
func (c *newCmd) Run(out *console) error {
	if err := c.ask(out); err != nil {
		return err
	}
	if c.Name == "" {
		return failf("gate new shop", "a service needs a name")
	}
	src, err := design.Starter(c.Starter, design.StarterConfig{
		Name: c.Name, Module: c.Module, Database: design.Database(c.Database), Authentication: design.Authentication(c.Auth),
	})
	if err != nil {
		return blame(err)
	}
	path := filepath.Join(c.Dir, designFile)
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, os.ErrExist) {
		return failf("choose another folder with --dir, or gate dev "+c.Dir, "%s exists already", path)
	}
	if err != nil {
		return err
	}
	if _, err := f.Write(src); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return c.make(out)
}

// make generates the service of the design that was just written. When it cannot,
// that goes too, so that the command may be given again.
func (c *newCmd) make(out *console) (err error) {
	path := filepath.Join(c.Dir, designFile)
	defer func() {
		if err != nil {
			_ = os.Remove(path)  // what stays is there to be seen
			_ = os.Remove(c.Dir) // if there is nothing else in it
		}
	}()
	s := out.talk.step("design")
	p, err := open(c.Dir)
	if err != nil {
		return err
	}
	s.done(p.summary())
	s = out.talk.step("generate")
	report, err := p.generate(nil, gen.ApplyOptions{})
	if err != nil {
		return err
	}
	if err := p.prepare(); err != nil {
		return err
	}
	s.done(count(len(report.Created), "file", "files") + " in " + c.Dir)
	out.talk.line("")
	if p.design.Service.Database == design.Postgres {
		out.talk.named("First", "createdb "+c.Name+", and its address in "+filepath.Join(c.Dir, ".env")+":")
		out.talk.named("", "DATABASE_URL=postgres://USER:PASSWORD@localhost:5432/"+c.Name)
	}
	out.talk.named("Next", "gate dev "+c.Dir)
	return nil
}

// ask fills in what was not given: by questions on a terminal, else by defaults.
func (c *newCmd) ask(out *console) error {
	if in, ok := out.interactive(); ok && (c.Name == "" || c.Starter == "" || c.Database == "" || c.Auth == "") {
		if err := c.questions(newAsker(out, in)); err != nil {
			return errors.New("nothing was made")
		}
	}
	c.Module = cmp.Or(c.Module, "example.com/"+c.Name)
	c.Starter = cmp.Or(c.Starter, "empty")
	c.Database = cmp.Or(c.Database, string(design.SQLite))
	c.Auth = cmp.Or(c.Auth, string(design.AuthJWT))
	c.Dir = cmp.Or(c.Dir, c.Name)
	return nil
}

// questions asks for what was not given. The error is that nobody answers.
func (c *newCmd) questions(a *asker) (err error) {
	if c.Name == "" {
		c.Name, err = a.text("Name of the service, kebab-case; also its folder", "", func(s string) error {
			_, err := design.Starter("empty", design.StarterConfig{Name: s})
			return blame(err)
		})
	}
	if c.Module == "" && err == nil {
		c.Module, err = a.text("Go module", "example.com/"+c.Name, func(string) error { return nil })
	}
	if c.Starter == "" && err == nil {
		var options []option
		for _, name := range design.Starters() {
			options = append(options, option{value: name})
		}
		c.Starter, err = a.choose("Entities to begin with", options...)
	}
	if c.Database == "" && err == nil {
		c.Database, err = a.choose("Database",
			option{string(design.SQLite), "one file, nothing to install"},
			option{string(design.Postgres), "several replicas"})
	}
	if c.Auth == "" && err == nil {
		c.Auth, err = a.choose("Authentication",
			option{string(design.AuthJWT), "log in by password, carry a token"},
			option{string(design.AuthBasic), "name and password with each request"},
			option{string(design.AuthBoth), "either of them"},
			option{string(design.AuthAuth0), "log in at Auth0, or at the issuer that gate dev starts"},
			option{string(design.AuthNone), "for services behind a gateway, and public data"})
	}
	return err
}

// blame says of what was given what would be wrong in a gate.yaml that nobody has
// written.
func blame(err error) error {
	if errs, ok := errors.AsType[*design.Errors](err); ok && len(errs.Problems) > 0 {
		return misused(errs.Problems[0].Hint, "%s", errs.Problems[0].Message)
	}
	return err
}
