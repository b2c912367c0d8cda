package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/permissions"
)

type designPermissionsCmd struct {
	Dir         string  `arg:"" default:"." help:"Folder of the service, with its gate.yaml."`
	Against     *string `placeholder:"REV" help:"Print what changed since that revision of git, in words."`
	Entity      string  `placeholder:"ENTITY" help:"Print this entity alone."`
	FailOnWider bool    `help:"With --against: exit with 1 when somebody may do more than they might."`
	JSON        bool    `help:"Print JSON."`
}

func (designPermissionsCmd) Help() string {
	return "Reads gate.yaml and nothing else: what hooks add is not known here, nor that an administrator gives only roles that they hold themselves.\n\n" +
		"With --against it exits with 2 when it cannot compare: no such revision, no gate.yaml there, or one that this gate cannot read."
}

func (designPermissionsCmd) Example() string {
	return "gate design permissions examples/restaurant --against HEAD~1 --fail-on-wider"
}

// Run prints the matrix or the difference.
func (c *designPermissionsCmd) Run(out *console) error {
	if c.Against == nil {
		if c.FailOnWider {
			return misused("write --against main --fail-on-wider", "--fail-on-wider needs something to compare with")
		}
		return c.print(out)
	}
	err := c.compare(out)
	if err == nil || errors.Is(err, errWider) {
		return err
	}
	f, ok := errors.AsType[*fault](err)
	if !ok {
		f = &fault{err: err}
	}
	return &fault{err: f.err, hint: f.hint, usage: true} // 1 says that it is wider
}

func (c *designPermissionsCmd) print(out *console) error {
	p, err := open(c.Dir)
	if err != nil {
		return err
	}
	m, err := permissions.Of(p.design)
	if err != nil {
		return fmt.Errorf("%s: %w", p.design.File, err)
	}
	if c.Entity != "" {
		if m.Entity(c.Entity) == nil {
			return noEntity(p.design, c.Entity)
		}
		m = m.Only(c.Entity)
	}
	if c.JSON {
		return printJSON(out.stdout, m)
	}
	return m.Table(out.stdout, look(out))
}

// look is how data is printed to where stdout goes.
func look(out *console) permissions.Look {
	const widest = 112
	t := newTalk(out.stdout, out.talk.mode)
	l := permissions.Look{ASCII: t.ascii, Color: t.color}
	if f, ok := out.stdout.(*os.File); ok && t.terminal {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			l.Width = min(columns-4, widest)
		}
	}
	return l
}

// difference is the answer of --against for programs.
type difference struct {
	Against string               `json:"against"` // the commit
	Wider   bool                 `json:"wider"`
	Renamed []gen.Renamed        `json:"renamed,omitempty"`
	Changes []permissions.Change `json:"changes"`
}

var errWider = fmt.Errorf("%w: wider", errReported)

func (c *designPermissionsCmd) compare(out *console) error {
	p, err := open(c.Dir)
	if err != nil {
		return err
	}
	commit, old, err := c.old(out)
	if err != nil {
		return err
	}
	renamed := gen.Follow(old, p.design)
	before, err := permissions.Of(old)
	if err != nil {
		return fmt.Errorf("%s: %w", old.File, err)
	}
	after, err := permissions.Of(p.design)
	if err != nil {
		return fmt.Errorf("%s: %w", p.design.File, err)
	}
	d := difference{Against: commit, Renamed: renamed, Changes: permissions.Compare(before, after)}
	if c.Entity != "" {
		if before.Entity(c.Entity) == nil && after.Entity(c.Entity) == nil {
			return noEntity(p.design, c.Entity)
		}
		d.Renamed = slices.DeleteFunc(d.Renamed, func(r gen.Renamed) bool { return r.To != c.Entity })
		d.Changes = about(c.Entity, d.Changes, permissions.Compare(before.Only(c.Entity), after.Only(c.Entity)))
	}
	for _, change := range d.Changes {
		d.Wider = d.Wider || change.Wider
	}
	if c.JSON {
		err = printJSON(out.stdout, d)
	} else {
		err = d.text(out.stdout, before, after, newTalk(out.stdout, out.talk.mode))
	}
	if err == nil && d.Wider && c.FailOnWider {
		out.talk.error(fmt.Errorf("%s lets somebody do more than it did at %s", p.design.File, abbreviated(commit)), "")
		return errWider
	}
	return err
}

// about returns of all changes those of one entity, and before them those of the
// roles that count there and of who signs in, as the changes without the other
// entities have them.
func about(entity string, all, alone []permissions.Change) []permissions.Change {
	changes := slices.DeleteFunc(alone, func(c permissions.Change) bool { return len(c.Actions) > 0 || c.Entity == entity })
	for _, c := range all {
		if c.Entity == entity {
			changes = append(changes, c)
		}
	}
	return changes
}

// old reads the design as it was at the revision.
func (c *designPermissionsCmd) old(out *console) (commit string, d *design.Design, err error) {
	g := &repository{dir: c.Dir}
	commit, err = g.commit(out, *c.Against)
	if err != nil {
		return "", nil, err
	}
	src, err := g.file(out, commit, designFile)
	if err != nil {
		return "", nil, err
	}
	d, err = design.Parse(designFile+"@"+abbreviated(commit), src)
	if err != nil {
		return "", nil, failf("what it said then cannot be compared; name a later revision", "%w", err)
	}
	return commit, d, nil
}

// abbreviated is a commit as people write it.
func abbreviated(commit string) string { return commit[:min(len(commit), 10)] }

// text prints the changes for people, by entity.
func (d *difference) text(w io.Writer, before, after *permissions.Matrix, t *talk) error {
	var b strings.Builder
	line := func(s string) { b.WriteString(t.shown(strings.TrimRight(s, " ")) + "\n") }
	line("  " + t.paint(bold, after.Service) + "   who may do what, against " + abbreviated(d.Against))
	if len(d.Changes) == 0 {
		mark := "✓"
		if t.ascii {
			mark = "ok"
		}
		line("")
		line("  " + t.paint(green, mark) + " nobody may do more or less than then")
	}
	title := "-"
	wider, narrower := 0, 0
	for _, c := range d.Changes {
		if c.Entity != title {
			title = c.Entity
			line("")
			line("  " + heading(title, before, after, t) + t.paint(dim, formerly(d.Renamed, title)))
		}
		mark, color := "+", yellow
		switch {
		case c.Wider && c.Narrower:
			mark, wider, narrower = "~", wider+1, narrower+1
		case c.Narrower:
			mark, color, narrower = "-", green, narrower+1
		default:
			wider++
		}
		for i, part := range wrapped(c.Text, rightEdge-4) {
			if i > 0 {
				mark = " "
			}
			line("  " + t.paint(color, mark) + " " + part)
		}
	}
	for _, r := range d.Renamed {
		if !slices.ContainsFunc(d.Changes, func(c permissions.Change) bool { return c.Entity == r.To }) {
			line("")
			line("  " + t.paint(bold, r.To) + t.paint(dim, formerly(d.Renamed, r.To)))
		}
	}
	if len(d.Changes) > 0 {
		line("")
		line(fmt.Sprintf("  %d wider (+), %d narrower (-)", wider, narrower))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// formerly says behind the name of an entity which one it had.
func formerly(renamed []gen.Renamed, entity string) string {
	i := slices.IndexFunc(renamed, func(r gen.Renamed) bool { return r.To == entity })
	if i < 0 {
		return ""
	}
	return "   was " + renamed[i].From
}

func heading(entity string, before, after *permissions.Matrix, t *talk) string {
	switch {
	case entity == "":
		return t.paint(bold, "Roles")
	case before.Entity(entity) == nil:
		return t.paint(bold, entity) + t.paint(dim, "   new")
	case after.Entity(entity) == nil:
		return t.paint(bold, entity) + t.paint(dim, "   gone")
	}
	return t.paint(bold, entity)
}

// wrapped breaks a text at blanks into lines of at most n characters.
func wrapped(text string, n int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > n:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
