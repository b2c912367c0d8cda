package cli

import (
	"errors"
	"os"
	"os/exec"
	"strings"

	"github.com/gatewright/gate/gen"
)

// migrateCmd is the commands of a service of that name, for its folder.
type migrateCmd struct {
	Status migrateStatusCmd `cmd:"" help:"Print what was applied, what is pending, and what somebody changed by hand."`
	Plan   migratePlanCmd   `cmd:"" help:"Print the SQL that is pending."`
	Apply  migrateApplyCmd  `cmd:"" help:"Run what is pending."`
	Down   migrateDownCmd   `cmd:"" help:"Take the last migration back, where nothing is lost by it."`
}

func (migrateCmd) Help() string {
	return "The database is the one that the service uses: DATABASE_URL in the environment or in .env of its folder, else a file in .gate. " +
		"status and plan exit with 3 when it is not up to date. What the service is built to is what is in its folder; gate generate " +
		"makes the migrations. In production the program of the service has the same commands."
}

// Example is of the most used of them.
func (migrateCmd) Example() string { return "gate migrate status examples/restaurant" }

// migration is what the four have in common.
type migration struct {
	Dir  string `arg:"" default:"." help:"Folder of the service, with its gate.yaml."`
	JSON bool   `name:"json" help:"Print one JSON object a line, for programs."`
}

type (
	migrateStatusCmd struct{ migration }
	migratePlanCmd   struct{ migration }
	migrateApplyCmd  struct{ migration }
	migrateDownCmd   struct{ migration }
)

// Run tells how the database stands.
func (c *migrateStatusCmd) Run(out *console) error { return c.run(out, "status") }

// Run prints what is pending.
func (c *migratePlanCmd) Run(out *console) error { return c.run(out, "plan") }

// Run runs what is pending.
func (c *migrateApplyCmd) Run(out *console) error { return c.run(out, "apply") }

// Run takes the last migration back.
func (c *migrateDownCmd) Run(out *console) error { return c.run(out, "down") }

// run builds the service, which knows its migrations and those of its plugins,
// and has it do what is asked.
func (c *migration) run(out *console, what string) error {
	p, err := open(c.Dir)
	if err != nil {
		return err
	}
	c.current(out, p)
	if err := p.prepare(); err != nil {
		return err
	}
	bin, err := p.program("-migrate")
	if err != nil {
		return err
	}
	s := out.talk.step("build")
	detail, err := p.compile(out, bin, s)
	if err != nil {
		return err
	}
	s.done(detail)
	args := []string{"migrate", what}
	if c.JSON {
		args = append(args, "--json")
	}
	var stderr strings.Builder
	cmd := exec.CommandContext(out, bin, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, os.Environ(), out.stdout, &stderr
	err = cmd.Run()
	said := strings.TrimSpace(stderr.String())
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && said == "" && exit.ExitCode() > 0 {
		return ended(exit.ExitCode())
	}
	if err != nil && said != "" {
		return errors.New(strings.TrimPrefix(said, p.design.Service.Name+": "))
	}
	return err
}

// current warns when the folder is not what gate.yaml says: its migrations are not
// either.
func (c *migration) current(out *console, p *project) {
	problem := ""
	switch report, err := p.generate(nil, gen.ApplyOptions{Check: true}); {
	case err != nil:
		problem = designFile + " is not generated as it stands: " + err.Error()
	case report.Drift():
		problem = designFile + " has changes that are not generated: gate generate " + c.Dir
	default:
		return
	}
	out.talk.lines("  " + out.talk.paint(yellow, "!") + " " + problem)
}
