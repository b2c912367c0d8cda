package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/charmbracelet/huh"
	"golang.org/x/term"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

type newCmd struct {
	Name     string `arg:"" optional:"" help:"Name of the service, kebab-case; also the name of its folder."`
	Dir      string `placeholder:"DIR" help:"Folder to make it in, instead of ./NAME."`
	Module   string `placeholder:"PATH" help:"Go module path, example.com/NAME if not given."`
	Starter  string `placeholder:"NAME" help:"Entities to begin with: ${starters}."`
	Database string `placeholder:"KIND" help:"sqlite or postgres."`
	Auth     string `placeholder:"KIND" help:"Authentication: jwt, basic, both or none."`
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
		return err
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
	in, ok := out.stdin.(*os.File)
	if ok && out.talk.terminal && term.IsTerminal(int(in.Fd())) && (c.Name == "" || c.Starter == "" || c.Database == "" || c.Auth == "") {
		if err := c.wizard(in, out.talk.w); err != nil {
			return err
		}
	}
	c.Module = or(c.Module, "example.com/"+c.Name)
	c.Starter = or(c.Starter, "empty")
	c.Database = or(c.Database, string(design.SQLite))
	c.Auth = or(c.Auth, string(design.AuthJWT))
	c.Dir = or(c.Dir, c.Name)
	return nil
}

func (c *newCmd) wizard(in *os.File, w interface{ Write([]byte) (int, error) }) error {
	var questions []huh.Field
	if c.Name == "" {
		questions = append(questions, huh.NewInput().Title("Name of the service").Description("kebab-case; also its folder").Value(&c.Name).
			Validate(func(s string) error {
				_, err := design.Starter("empty", design.StarterConfig{Name: s})
				return err
			}))
	}
	if c.Module == "" {
		questions = append(questions, huh.NewInput().Title("Go module").PlaceholderFunc(func() string { return "example.com/" + c.Name }, &c.Name).Value(&c.Module))
	}
	if c.Starter == "" {
		c.Starter = design.Starters()[0]
		questions = append(questions, huh.NewSelect[string]().Title("Entities to begin with").Options(huh.NewOptions(design.Starters()...)...).Value(&c.Starter))
	}
	if c.Database == "" {
		c.Database = string(design.SQLite)
		questions = append(questions, huh.NewSelect[string]().Title("Database").Options(
			huh.NewOption("SQLite: one file, nothing to install", string(design.SQLite)),
			huh.NewOption("PostgreSQL: several replicas", string(design.Postgres)),
		).Value(&c.Database))
	}
	if c.Auth == "" {
		c.Auth = string(design.AuthJWT)
		questions = append(questions, huh.NewSelect[string]().Title("Authentication").Options(
			huh.NewOption("Tokens: log in by password, carry a JWT", string(design.AuthJWT)),
			huh.NewOption("Basic: name and password with each request", string(design.AuthBasic)),
			huh.NewOption("Both", string(design.AuthBoth)),
			huh.NewOption("None: for services behind a gateway, and public data", string(design.AuthNone)),
		).Value(&c.Auth))
	}
	err := huh.NewForm(huh.NewGroup(questions...)).WithInput(in).WithOutput(w).WithTheme(huh.ThemeBase16()).Run()
	if errors.Is(err, huh.ErrUserAborted) {
		return errors.New("nothing was made")
	}
	return err
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
