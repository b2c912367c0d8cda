package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/permissions"
	"github.com/gatewright/gate/internal/terminal"
)

// What somebody calls a file, and what gate.yaml says, does nothing to the terminal
// of who generates: colours are those of the talk alone.
func TestTalk_filesSteer(t *testing.T) {
	const name = "app/a\x1b[31m\x1b[2J\x1b]0;owned\x07\u009b8m\u202e_Zoë\ng.go"
	text := strings.ReplaceAll(name, "\n", "·") // of what may have lines
	report := &gen.Report{
		Created: []string{name}, Updated: []string{name}, Removed: []string{name}, Edited: []string{name},
		Moved: []gen.Move{{From: name, To: name}}, Carried: []string{name}, Look: []string{name + ":1: " + name}, Stale: []string{name + ":1: Items"},
		Outgrown: []gen.Outgrown{{Path: name, Diff: "@@\n+" + text}},
	}
	o := &outlook{
		Service: name, Changes: true, Gate: &versions{name, name}, Plugins: []pluginChange{{name, "on"}}, Renamed: []gen.Renamed{{From: name, To: name}},
		Files:      fileChanges{report.Created, report.Updated, report.Removed, report.Edited, []fileMove{{name, name}}, report.Carried, report.Look, []outgrownFile{{name, "@@\n+" + text, false}}},
		Migrations: []migrationChange{{name, text}}, Losses: []loss{{name, name}},
		Permissions: &permissionsOutlook{Changes: []permissions.Change{{Entity: name, Text: text}}},
		before:      &permissions.Matrix{}, after: &permissions.Matrix{Service: name},
	}
	d := &difference{Against: name, Renamed: o.Renamed, Changes: o.Permissions.Changes}
	v := &verdict{File: name, Question: name, Why: name, Checks: []*check{{About: name, Words: []word{{}}}}}
	for _, color := range []string{"always", "never"} {
		var said bytes.Buffer
		tk := newTalk(&said, color)
		tk.line(tk.paint(bold, name) + tk.paint(dim, name))
		followed(tk, report)
		warnAll(tk, []design.Problem{{File: text, Name: text, Message: text, Hint: text}})
		for _, line := range differing(report) {
			tk.line(line)
		}
		if err := o.text(&said, tk); err != nil {
			t.Fatal(err)
		}
		if err := d.text(&said, o.before, o.after, tk); err != nil {
			t.Fatal(err)
		}
		said.WriteString(v.text(tk))
		got := said.String()
		if strings.Contains(got, "app/a\x1b[31m") {
			t.Errorf("%s: painted by a name", color)
		}
		for _, code := range []string{red, green, yellow, cyan, dim, bold, "0"} {
			if color == "always" {
				got = strings.ReplaceAll(got, "\x1b["+code+"m", "")
			}
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return r != '\n' && terminal.Steers(r) }); i >= 0 {
			t.Errorf("%s: raw: %q", color, got[max(0, i-60):])
		}
		if n := strings.Count(got, "Zoë·g.go"); n != strings.Count(got, "Zoë") || n < 40 {
			t.Errorf("%s: a name is broken into lines: %d\n%s", color, n, got)
		}
	}
}
