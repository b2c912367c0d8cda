package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/standard"
)

type generateCmd struct {
	Dir              string   `arg:"" default:"." help:"Folder of the service, with its gate.yaml."`
	Check            bool     `xor:"how" help:"Write nothing; exit with 1 when the files are not what gate.yaml says."`
	Diff             bool     `xor:"how" help:"Write nothing; print what would change."`
	Force            bool     `help:"Overwrite generated files that were edited."`
	Upgrade          bool     `help:"Generate with this version of gate, when gate.lock pins another."`
	AllowDestructive []string `placeholder:"NAME" help:"Let this table, column or value of an enum go, or become required (items, items.price, items.state=open)."`
}

func (generateCmd) Help() string {
	return "Files named *_gen.go and what gate.manifest.json lists are gate's and rewritten. " +
		"Every other file is written once and then yours. Where gate.yaml says renamedFrom, your files follow to the other name."
}

func (generateCmd) Example() string { return "gate generate --diff examples/restaurant" }

// Run generates, or says what generating would change.
func (c *generateCmd) Run(out *console) error {
	s := out.talk.step("design")
	p, err := open(c.Dir)
	if err != nil {
		return err
	}
	s.done(p.summary())
	warn(out.talk, p)
	p.upgrade = c.Upgrade
	s = out.talk.step("generate")
	report, err := p.generate(c.AllowDestructive, gen.ApplyOptions{Check: c.Check || c.Diff, Diff: c.Diff, Force: c.Force})
	if err != nil {
		return err
	}
	switch {
	case c.Diff:
		fmt.Fprint(onTerminal(out.stdout), report.Diff)
		s.done(generated(report))
		outgrown(out.talk, report)
	case c.Check && report.Drift():
		for _, line := range differing(report) {
			fmt.Fprintln(out.stdout, plain(line))
		}
		return failf("gate generate "+c.Dir+" brings them up to date", "the generated files are not what gate.yaml says")
	default:
		s.done(generated(report))
		followed(out.talk, report)
		if !c.Check {
			return p.prepare()
		}
	}
	return nil
}

// differing names the files that are not what gate.yaml says.
func differing(r *gen.Report) []string {
	var lines []string
	for _, name := range r.Created {
		lines = append(lines, "missing "+name)
	}
	for _, name := range append(r.Updated, r.Edited...) {
		lines = append(lines, "differs "+name)
	}
	for _, name := range r.Removed {
		lines = append(lines, "orphan  "+name)
	}
	for _, m := range r.Moved {
		lines = append(lines, "moves   "+m.From+" to "+m.To)
	}
	for _, name := range r.Carried {
		lines = append(lines, "renames "+name)
	}
	return lines
}

// generated says what a generation did, in words.
func generated(r *gen.Report) string {
	changed := len(r.Created) + len(r.Updated) + len(r.Edited) + len(r.Removed)
	yours := "untouched"
	if len(r.Moved)+len(r.Carried) > 0 {
		yours = fmt.Sprintf("%d moved, %d with other names in them", len(r.Moved), len(r.Carried))
	}
	return fmt.Sprintf("%s, %d changed; yours %s", count(r.Unchanged+len(r.Created)+len(r.Updated)+len(r.Edited), "file", "files"), changed, yours)
}

// followed names the files of the user that follow other names, and their lines that
// could not, or that do not compile any more, as far as names tell.
func followed(t *talk, r *gen.Report) {
	for _, m := range r.Moved {
		t.event(map[string]any{"event": "moved", "from": m.From, "to": m.To})
		t.line("  " + m.From + " is " + m.To + " now")
	}
	for _, name := range r.Carried {
		t.event(map[string]any{"event": "carried", "file": name})
		t.line("  " + name + " has the other names now")
	}
	for _, line := range r.Look {
		t.event(map[string]any{"event": "look", "line": line})
		t.line("  " + t.paint(yellow, "!") + " " + line)
	}
	for _, line := range r.Stale {
		t.event(map[string]any{"event": "stale", "line": line})
		t.line("  " + t.paint(yellow, "!") + " " + line + " is not declared any more")
	}
	outgrown(t, r)
	elsewhere(t, r)
}

// elsewhere tells of new files that are for other machines: a development build of gate
// is on this one alone.
func elsewhere(t *talk, r *gen.Report) {
	for _, name := range []string{"Dockerfile", ".github/workflows/ci.yaml", ".gitlab-ci.yml"} {
		if version() == development && slices.Contains(r.Created, name) {
			t.event(map[string]any{"event": "look", "line": name})
			t.line("  " + t.paint(yellow, "!") + " " + name + " has no checkout of gate, to which go.mod leads: go mod vendor, as docs/guides/service.md says, or a released gate")
		}
	}
}

// outgrown shows what became of the files that the user owns and gate.yaml outgrew.
func outgrown(t *talk, r *gen.Report) {
	for _, o := range r.Outgrown {
		t.event(map[string]any{"event": "outgrown", "file": o.Path, "diff": o.Diff, "unknown": o.Unknown})
		t.line("  " + t.paint(yellow, "!") + " " + o.Path + outgrownNote(o))
		for _, line := range outgrownLines(o) {
			t.line("    " + line)
		}
	}
}

func outgrownNote(o gen.Outgrown) string {
	if o.Unknown {
		return " is yours and stays, and what gate wrote there before is not known any more. How it differs from what gate writes now:"
	}
	return " is yours and stays, and gate.yaml outgrew it. What changed in what gate writes there:"
}

// outgrownLines are the lines that changed, and where.
func outgrownLines(o gen.Outgrown) []string {
	lines := strings.Split(strings.TrimSuffix(o.Diff, "\n"), "\n")
	i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "@@") })
	return lines[max(i, 0):]
}

// warn tells of what is legal in the design, but dangerous. More than a few
// warnings are counted, and told by design check.
func warn(t *talk, p *project) {
	list := gen.Warnings(p.design, standard.Plugins()...)
	if len(list) > 3 {
		t.line("  " + t.paint(yellow, "!") + " " + fmt.Sprintf("%d warnings: gate design check %s tells them", len(list), p.dir))
		return
	}
	warnAll(t, list)
}

func warnAll(t *talk, list []design.Problem) {
	for _, w := range list {
		t.event(map[string]any{"event": "warning", "file": w.File, "line": w.Line, "column": w.Column, "name": w.Name, "message": w.Message, "hint": w.Hint})
		t.lines("  " + t.paint(yellow, "!") + " " + w.String())
	}
}
