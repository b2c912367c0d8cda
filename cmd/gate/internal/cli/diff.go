package cli

import (
	"errors"
	"io"
	"path"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
	"github.com/gatewright/gate/gen/permissions"
	"github.com/gatewright/gate/gen/standard"
)

// exitBehind is the exit code when a generation would change something.
const exitBehind = 3

type diffCmd struct {
	Dir  string `arg:"" default:"." help:"Folder of the service, with its gate.yaml."`
	JSON bool   `name:"json" help:"Print JSON."`
}

func (diffCmd) Help() string {
	return "Prints what gate generate would change: files, migrations with their SQL and what they would lose, plugins, and who may " +
		"do what. It compares with what is in the folder alone: the files, and gate.lock, which keeps the design that they follow from. " +
		"It writes nothing.\n\nExits with 0 when nothing would change, 3 when something would, 1 when gate.yaml cannot be generated, 2 for wrong usage."
}

func (diffCmd) Example() string { return "gate diff examples/restaurant" }

// Run compares the folder with its design.
func (c *diffCmd) Run(out *console) error {
	p, err := open(c.Dir)
	if err != nil {
		return err
	}
	d, err := p.outlook()
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(out.stdout, d)
	} else {
		err = d.text(out.stdout, newTalk(out.stdout, out.talk.mode))
	}
	if err == nil && d.Changes {
		return ended(exitBehind)
	}
	return err
}

// An outlook is what a generation would change.
type outlook struct {
	Service     string              `json:"service"`
	Changes     bool                `json:"changes"`
	Gate        *versions           `json:"gate,omitempty"` // nil while the version stays
	Plugins     []pluginChange      `json:"plugins"`
	Renamed     []gen.Renamed       `json:"renamed,omitempty"`
	Files       fileChanges         `json:"files"`
	Migrations  []migrationChange   `json:"migrations"`
	Losses      []loss              `json:"losses"`                // what --allow-destructive has to name
	Permissions *permissionsOutlook `json:"permissions,omitempty"` // nil when nobody knows what was

	before, after *permissions.Matrix

	unread error // why the design of before is not known, though there is one
}

type (
	versions struct {
		Locked string `json:"locked"`
		Is     string `json:"is"`
	}
	pluginChange struct {
		Name string `json:"name"`
		What string `json:"what"` // on, off, settings or version
	}
	fileChanges struct {
		Created []string `json:"created"`
		Updated []string `json:"updated"`
		Removed []string `json:"removed"`
		Edited  []string `json:"edited"` // by hand: only --force overwrites them

		// Files of the user's, which follow what has another name.
		Moved   []fileMove `json:"moved"`
		Carried []string   `json:"carried"`
		Look    []string   `json:"look"` // the lines that somebody has to see to

		Outgrown []outgrownFile `json:"outgrown"` // which stay as they are
	}
	outgrownFile struct {
		Path string `json:"path"`
		Diff string `json:"diff"` // of what gate writes there

		Unknown bool `json:"unknown,omitempty"` // what that was: diff is of the file itself
	}
	fileMove struct {
		From string `json:"from"`
		To   string `json:"to"`
	}
	migrationChange struct {
		Path string `json:"path"`
		SQL  string `json:"sql"`
	}
	loss struct {
		Name string `json:"name"`
		What string `json:"what"`
	}
	permissionsOutlook struct {
		Wider   bool                 `json:"wider"`
		Changes []permissions.Change `json:"changes"`
	}
)

// outlook generates without writing anything.
func (p *project) outlook() (*outlook, error) {
	o := &outlook{Service: p.design.Service.Name, Plugins: []pluginChange{}, Migrations: []migrationChange{}, Losses: []loss{}}
	opts, err := p.options(nil)
	if err != nil {
		return nil, err
	}
	opts.Upgrade = true
	files, err := gen.Generate(p.design, opts, standard.Plugins()...)
	if lost, ok := errors.AsType[*gen.DestructiveError](err); ok {
		for _, c := range lost.Changes {
			o.Losses = append(o.Losses, loss(c))
			opts.AllowDestructive = append(opts.AllowDestructive, c.Name)
		}
		files, err = gen.Generate(p.design, opts, standard.Plugins()...)
	}
	if err != nil {
		return nil, err
	}
	report, err := gen.Apply(p.dir, files, gen.ApplyOptions{Check: true})
	if _, ok := errors.AsType[*gen.MoveError](err); ok {
		return nil, &fault{err: err, hint: moveHint}
	}
	if err != nil {
		return nil, err
	}
	o.Files = fileChanges{
		list(report.Created), list(report.Updated), list(report.Removed), list(report.Edited),
		[]fileMove{},
		list(report.Carried), list(report.Look),
		[]outgrownFile{},
	}
	for _, line := range report.Stale {
		o.Files.Look = append(o.Files.Look, line+" is not declared then")
	}
	for _, m := range report.Moved {
		o.Files.Moved = append(o.Files.Moved, fileMove(m))
	}
	for _, f := range report.Outgrown {
		o.Files.Outgrown = append(o.Files.Outgrown, outgrownFile(f))
	}
	o.Changes = report.Drift()
	for _, name := range report.Created {
		if sql, ok := files.Get(name); ok && path.Ext(name) == ".sql" && !strings.HasSuffix(name, ".down.sql") {
			o.Migrations = append(o.Migrations, migrationChange{name, string(sql)})
		}
	}
	return o, o.compare(p.design, opts.State, files)
}

// list is a list that is never null.
func list(names []string) []string { return append([]string{}, names...) }

// compare finds what changes besides files.
func (o *outlook) compare(d *design.Design, state gen.State, files gen.Files) error {
	was, err := gen.ReadLock(state.Lock)
	if was == nil || err != nil {
		return err
	}
	text, _ := files.Get("gate.lock")
	is, err := gen.ReadLock(text)
	if err != nil {
		return err
	}
	if was.Gate != is.Gate {
		o.Gate = &versions{was.Gate, is.Gate}
	}
	o.plugins(was, is)
	if was.Unread != nil {
		o.unread = was.Unread
		return nil
	}
	then, err := gen.Extend(was.Design, standard.Plugins()...)
	if err != nil {
		then = was.Design // with plugins that are no more
	}
	o.Renamed = gen.Follow(then, d)
	if o.before, err = permissions.Of(then); err != nil {
		return err
	}
	if o.after, err = permissions.Of(d); err != nil {
		return err
	}
	o.Permissions = &permissionsOutlook{Changes: permissions.Compare(o.before, o.after)}
	for _, c := range o.Permissions.Changes {
		o.Permissions.Wider = o.Permissions.Wider || c.Wider
	}
	return nil
}

// plugins compares two lists that are sorted by name.
func (o *outlook) plugins(was, is *gen.Lock) {
	old := map[string]gen.LockedPlugin{}
	for _, p := range was.Plugins {
		old[p.Name] = p
	}
	for _, p := range is.Plugins {
		before, there := old[p.Name]
		delete(old, p.Name)
		switch {
		case !there:
			o.Plugins = append(o.Plugins, pluginChange{p.Name, "on"})
		case before.Settings != p.Settings:
			o.Plugins = append(o.Plugins, pluginChange{p.Name, "settings"})
		case before.Version != p.Version && o.Gate == nil:
			o.Plugins = append(o.Plugins, pluginChange{p.Name, "version"})
		}
	}
	for _, p := range was.Plugins {
		if _, gone := old[p.Name]; gone {
			o.Plugins = append(o.Plugins, pluginChange{p.Name, "off"})
		}
	}
}

// text prints the outlook for people.
func (o *outlook) text(w io.Writer, t *talk) error {
	var b strings.Builder
	line := func(s string) { b.WriteString(t.shown(strings.TrimRight(s, " ")) + "\n") }
	section := func(title string) { line(""); line("  " + t.paint(bold, title)) }
	line("  " + t.paint(bold, o.Service) + "   what gate generate would change")
	if !o.Changes {
		mark := "✓"
		if t.ascii {
			mark = "ok"
		}
		line("")
		line("  " + t.paint(green, mark) + " nothing")
	}
	if o.Gate != nil {
		section("Version")
		line("  ~ gate " + o.Gate.Locked + " to " + o.Gate.Is + ", with --upgrade")
	}
	if len(o.Plugins) > 0 {
		section("Plugins")
	}
	for _, p := range o.Plugins {
		line("  " + map[string]string{"on": "+ ", "off": "- "}[p.What] + map[string]string{"settings": "~ ", "version": "~ "}[p.What] + pad(p.Name, 24) + p.What)
	}
	if len(o.Renamed) > 0 {
		section("Names")
	}
	for _, r := range o.Renamed {
		line("  " + r.To + formerly(o.Renamed, r.To))
	}
	if o.Changes {
		section("Files")
	}
	for _, f := range []struct {
		mark, note string
		names      []string
	}{{"+", "", o.Files.Created}, {"~", "", o.Files.Updated}, {"-", "", o.Files.Removed}, {"!", "   edited by hand: only --force overwrites it", o.Files.Edited}} {
		for _, name := range f.names {
			line("  " + f.mark + " " + name + f.note)
		}
	}
	if f := o.Files; len(f.Moved)+len(f.Carried)+len(f.Look)+len(f.Outgrown) > 0 {
		section("Yours")
		for _, m := range f.Moved {
			line("  > " + m.From + " is " + m.To + " then")
		}
		for _, name := range f.Carried {
			line("  ~ " + name + "   with the other names")
		}
		for _, place := range f.Look {
			line("  ! " + place)
		}
		for _, o := range f.Outgrown {
			line("  ! " + o.Path + outgrownNote(gen.Outgrown(o)))
			for _, text := range outgrownLines(gen.Outgrown(o)) {
				line("    " + text)
			}
		}
	}
	for _, m := range o.Migrations {
		section(m.Path)
		for text := range strings.Lines(m.SQL) {
			line("    " + strings.TrimRight(text, "\n"))
		}
	}
	if len(o.Losses) > 0 {
		section("Lost")
	}
	for _, l := range o.Losses {
		line("  " + t.paint(red, "!") + " " + l.What + ", with --allow-destructive=" + l.Name)
	}
	o.permissionsText(line, section, t)
	_, err := io.WriteString(w, b.String())
	return err
}

// permissionsText prints who may do more or less.
func (o *outlook) permissionsText(line, section func(string), t *talk) {
	switch {
	case o.unread != nil:
		section("Who may do what")
		line("  not known: gate.lock keeps a design of another gate, which this one refuses:")
		for text := range strings.Lines(o.unread.Error()) {
			line("    " + strings.TrimRight(text, "\n"))
		}
		return
	case o.Permissions == nil:
		section("Who may do what")
		line("  not known: the folder has no gate.lock, which the next generation writes")
		return
	case len(o.Permissions.Changes) == 0:
		return
	}
	section("Who may do what")
	title := "-"
	for _, c := range o.Permissions.Changes {
		if c.Entity != title {
			title = c.Entity
			line("")
			line("  " + heading(title, o.before, o.after, t) + t.paint(dim, formerly(o.Renamed, title)))
		}
		mark, color := "+", yellow
		switch {
		case c.Wider && c.Narrower:
			mark = "~"
		case c.Narrower:
			mark, color = "-", green
		}
		for i, part := range wrapped(c.Text, rightEdge-4) {
			if i > 0 {
				mark = " "
			}
			line("  " + t.paint(color, mark) + " " + part)
		}
	}
}
