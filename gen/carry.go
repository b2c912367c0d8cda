package gen

import (
	"bytes"
	"errors"
	"fmt"
	"go/build"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/internal/carry"
)

// appDir is the folder of the package of the entities, in which users write, too.
const appDir = "app"

// A Move is a file of the user's that follows an entity to its new name.
type Move struct{ From, To string }

// carry plans what becomes of the files of the user when an entity, or a field, has
// another name than the service in the folder was generated with: they name it as it
// is called now, and those that are called after it move.
func (a *applier) carry(files Files) error {
	was, is, err := a.locks(files)
	if was == nil || is == nil || err != nil {
		return err
	}
	pairs := samePairs(was, is)
	names := namesOf(was, is, pairs)
	other := otherTypes(pairs)
	if len(names.Declared)+len(names.Members)+len(names.Texts) == 0 && !other {
		return nil
	}
	have := map[string]bool{}
	for _, f := range files {
		if f.Owner == Generated && path.Dir(f.Path) == appDir && strings.HasSuffix(f.Path, ".go") {
			declared(f.Data, have)
		}
	}
	gone := func(_, to string) bool { return !have[to] }
	maps.DeleteFunc(names.Declared, gone)
	for _, members := range names.Members {
		maps.DeleteFunc(members, gone)
	}
	sources, err := a.sources(files)
	if err != nil {
		return err
	}
	if err := a.moving(files, was, pairs, sources); err != nil {
		return err
	}
	if other {
		names.Retyped = retyped(pairs, sources, files, names)
	}
	edits, notes := carry.Carry(sources, names)
	for _, f := range sources {
		if data, ok := edits[f.Path]; ok && !bytes.Equal(data, f.Data) {
			a.carried[f.Path] = data
		}
	}
	a.told(sources, notes)
	return nil
}

// locks returns the design that the folder follows from, and that of the files; nil
// for one that nobody knows, or that this gate does not understand.
func (a *applier) locks(files Files) (was, is *design.Design, err error) {
	old, exists, err := a.read(lockFile)
	if err != nil || !exists {
		return nil, nil, err
	}
	for _, f := range files {
		if f.Path != lockFile || bytes.Equal(f.Data, old) {
			continue
		}
		before, wrong := ReadLock(old)
		now, err := ReadLock(f.Data)
		if wrong != nil || err != nil {
			return nil, nil, err //nolint:nilerr // what is not understood was another gate's, and carries nothing
		}
		return before.Design, now.Design, nil
	}
	return nil, nil, nil
}

// A pair is an entity as it was, and as it is.
type pair struct{ was, is *design.Entity }

// samePairs finds what became of each entity, which is one at most. A hint that was
// written, changed and taken back without a generation in between names nothing that
// was; one that was generated with is followed to its next name, and back, where
// nobody says more.
func samePairs(was, is *design.Design) []pair {
	became := map[*design.Entity]*design.Entity{}
	taken := map[*design.Entity]bool{}
	for _, same := range []func(e, now *design.Entity) bool{
		func(e, now *design.Entity) bool { return e.Name == now.Name },
		func(e, now *design.Entity) bool { return now.RenamedFrom == e.Name || now.RenamedFrom == e.Table },
		func(e, now *design.Entity) bool { return now.RenamedFrom != "" && now.RenamedFrom == e.RenamedFrom },
		func(e, now *design.Entity) bool { return now.Name == e.RenamedFrom },
	} {
		for _, now := range is.Entities {
			for _, e := range was.Entities {
				gone := e.Name == now.Name || is.Entity(e.Name) == nil
				if became[now] == nil && !taken[e] && gone && same(e, now) {
					became[now], taken[e] = e, true
				}
			}
		}
	}
	var pairs []pair
	for _, now := range is.Entities {
		if e := became[now]; e != nil {
			pairs = append(pairs, pair{e, now})
		}
	}
	return pairs
}

// namesOf lists what the service called things, where that is another name now.
func namesOf(was, is *design.Design, pairs []pair) carry.Names {
	n := carry.Names{
		App: was.Service.Module + "/" + appDir, Entities: map[string]string{}, Declared: map[string]string{},
		Members: map[string]map[string]string{"App": {}}, Types: map[string]string{},
	}
	put := func(m map[string]string, from, to string) {
		if from != to {
			m[from] = to
		}
	}
	text := func(from, to, what string, sql, alone bool) {
		if from != to && from != "" {
			n.Texts = append(n.Texts, carry.Text{From: from, To: to, What: what, SQL: sql, Alone: alone})
		}
	}
	old, now := was.Constants(), is.Constants()
	for _, p := range pairs {
		put(n.Entities, p.was.Name, p.is.Name)
		put(n.Types, p.was.Name, p.is.Name)
		put(n.Declared, p.was.Name, p.is.Name)
		put(n.Declared, Lower(p.was.Name)+"Entity", Lower(p.is.Name)+"Entity")
		put(n.Members["App"], p.was.Plural, p.is.Plural)
		text(p.was.Table, p.is.Table, "the table of "+p.was.Name, true, false)
		members := map[string]string{}
		for _, f := range p.is.Fields {
			before := formerField(p.was, f)
			if before == nil {
				continue
			}
			put(members, before.GoKey, f.GoKey)
			text(before.Name, f.Name, "the field "+before.Name+" of "+p.was.Name, false, true)
			if before.Key != before.Name {
				text(before.Key, f.Key, "the key "+before.Key+" of "+p.was.Name, false, true)
			}
			text(before.Column, f.Column, "the column "+before.Column+" of "+p.was.Table, true, false)
			put(n.Declared, old[before], now[f])
			if f.Computed != nil {
				put(n.Members["App"], "Compute"+p.was.Name+before.GoKey, "Compute"+p.is.Name+f.GoKey)
			}
			for _, v := range f.Values {
				text(formerValue(before, v).Name, v.Name, "the value "+formerValue(before, v).Name+" of "+p.was.Name+"."+before.Name, true, true)
				put(n.Declared, p.was.Name+before.GoName+formerValue(before, v).GoName, p.is.Name+f.GoName+v.GoName)
			}
			if len(f.Values) > 0 && len(before.Values) > 0 {
				put(n.Declared, p.was.Name+before.GoName, p.is.Name+f.GoName)
				put(n.Types, p.was.Name+before.GoName, p.is.Name+f.GoName)
			}
		}
		for _, l := range p.is.Links {
			if before := formerLink(p.was, l); before != nil {
				text(before.Name, l.Name, "the relation "+before.Name+" of "+p.was.Name, false, true)
			}
		}
		if len(members) > 0 {
			n.Members[p.was.Name] = members
		}
	}
	maps.DeleteFunc(n.Members, func(_ string, m map[string]string) bool { return len(m) == 0 })
	return n
}

// formerValue returns what a value of an enum was before.
func formerValue(f *design.Field, v design.Value) design.Value {
	for _, name := range []string{v.Name, v.RenamedFrom} {
		if i := slices.IndexFunc(f.Values, func(o design.Value) bool { return o.Name == name }); i >= 0 {
			return f.Values[i]
		}
	}
	return v
}

func formerField(e *design.Entity, f *design.Field) *design.Field {
	i := slices.IndexFunc(e.Fields, func(o *design.Field) bool { return o.Name == f.Name })
	if i < 0 && f.RenamedFrom != "" {
		i = slices.IndexFunc(e.Fields, func(o *design.Field) bool { return o.Name == f.RenamedFrom || o.Column == f.RenamedFrom })
	}
	if i < 0 {
		return nil
	}
	return e.Fields[i]
}

// ofApp reports whether a file is generated Go of the package of the entities.
func (f File) ofApp() bool {
	return f.Owner == Generated && path.Dir(f.Path) == appDir && path.Ext(f.Path) == ".go"
}

// sources reads the Go of the service, and the schema that the user adds to it. What
// was generated in the package of the entities is as the design of gate.lock has it,
// where that can be made: after a merge the folder may have that of another.
func (a *applier) sources(files Files) ([]carry.File, error) {
	ours, instead := map[string]bool{}, map[string]bool{}
	for _, e := range a.old.Files {
		ours[e.Path] = e.Owner == Generated.String()
	}
	var list []carry.File
	for _, f := range files {
		for _, was := range f.was {
			list = append(list, carry.File{Path: was.Path, Data: was.Data, Ours: true})
			instead[was.Path] = true
		}
	}
	known := len(list) > 0
	for _, f := range files {
		instead[f.Path] = instead[f.Path] || known && f.ofApp()
	}
	err := fs.WalkDir(a.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && a.foreign(name) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || instead[name] || known && ours[name] && path.Dir(name) == appDir || path.Ext(name) != ".go" && name != appDir+"/schema.graphql" {
			return nil
		}
		data, _, err := a.read(name)
		list = append(list, carry.File{Path: name, Data: data, Ours: ours[name]})
		return err
	})
	return list, err
}

// foreign reports whether a folder holds no code of the service.
func (a *applier) foreign(dir string) bool {
	base := path.Base(dir)
	if base[0] == '.' || base[0] == '_' || slices.Contains([]string{"vendor", "testdata", "node_modules"}, base) {
		return true
	}
	_, err := a.root.Lstat(dir + "/go.mod")
	return err == nil
}

// A MoveError is a file that would move to where there is one already. Nothing was
// written.
type MoveError struct {
	Move
	Was, Is string // the entity
}

// Error names both files.
func (e *MoveError) Error() string {
	return fmt.Sprintf("%s is called after %s, which is %s now, and cannot become %s: there is such a file", e.From, e.Was, e.Is, e.To)
}

// moving plans the moves: of the Go files beside the generated ones that are called
// after an entity, item.go and items_test.go, and of what was written once under such a
// name and would be written under the other one now.
func (a *applier) moving(files Files, was *design.Design, pairs []pair, sources []carry.File) error {
	var candidates []string
	for _, f := range sources {
		if path.Dir(f.Path) == appDir && path.Ext(f.Path) == ".go" && !f.Ours {
			candidates = append(candidates, f.Path)
		}
	}
	for _, e := range a.old.Files {
		if e.Owner == Once.String() && !slices.Contains(candidates, e.Path) {
			candidates = append(candidates, e.Path)
		}
	}
	for _, name := range candidates {
		p, to := movedName(name, was, pairs)
		written, emitted := files.Get(to)
		_, stays := files.Get(name)
		if to == "" || stays || path.Dir(name) != appDir && !emitted {
			continue
		}
		if path.Ext(name) == ".go" && constrained(name) != constrained(to) {
			a.look(name, 1, fmt.Sprintf("the file stays where it is, because %s would be for some builds only, or %s is", path.Base(to), path.Base(name)))
			continue
		}
		if _, exists, err := a.read(name); err != nil || !exists {
			if err != nil {
				return err
			}
			continue
		}
		there, err := a.taken(to)
		if err != nil {
			return err
		}
		ours := emitted && a.old.find(name).Owner != Once.String() && written != nil
		if there || ours || slices.ContainsFunc(a.report.Moved, func(m Move) bool { return strings.EqualFold(m.To, to) }) {
			return &MoveError{Move{name, to}, p.was.Name, p.is.Name}
		}
		a.report.Moved = append(a.report.Moved, Move{name, to})
	}
	slices.SortFunc(a.report.Moved, func(x, y Move) int { return strings.Compare(x.From, y.From) })
	return nil
}

// movedName returns the name that a file gets with the entity that it is called after,
// which is the one with the longest name; "" for one that keeps its name.
func movedName(name string, was *design.Design, pairs []pair) (of pair, to string) {
	dir, base := path.Split(name)
	stem, _, _ := strings.Cut(base, ".")
	longest := ""
	for _, e := range was.Entities {
		i := slices.IndexFunc(pairs, func(p pair) bool { return p.was == e })
		for plural, from := range []string{Snake(e.Name), Snake(e.Plural)} {
			if len(from) <= len(longest) || stem != from && !strings.HasPrefix(stem, from+"_") {
				continue
			}
			longest, to = from, ""
			if i < 0 || pairs[i].was.Name == pairs[i].is.Name {
				continue
			}
			of = pairs[i]
			now := []string{Snake(of.is.Name), Snake(of.is.Plural)}[plural]
			if now != from {
				to = dir + now + base[len(from):]
			}
		}
	}
	return of, to
}

// constrained reports whether the name of a Go file keeps it out of some builds.
func constrained(name string) bool {
	ctx := build.Context{Compiler: "gc", OpenFile: func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("package app\n")), nil
	}}
	always, err := ctx.MatchFile("", path.Base(name))
	return strings.HasSuffix(name, "_test.go") || err != nil || !always
}

// taken reports whether there is something of that name, where case does not count.
func (a *applier) taken(name string) (bool, error) {
	entries, err := fs.ReadDir(a.root.FS(), path.Dir(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return strings.EqualFold(e.Name(), path.Base(name)) }), err
}

// told puts what was planned into the report.
func (a *applier) told(sources []carry.File, notes []carry.Note) {
	for _, n := range notes {
		a.look(n.Path, n.Line, n.Text)
	}
	slices.Sort(a.report.Look)
	for _, f := range sources {
		data, edited := a.carried[f.Path]
		to := a.movedTo(f.Path)
		if edited {
			a.report.Carried = append(a.report.Carried, to)
		}
		if !a.opts.Diff || !edited && to == f.Path {
			continue
		}
		if to != f.Path {
			a.report.Diff += fmt.Sprintf("rename from %s\nrename to %s\n", f.Path, to)
		}
		if edited {
			a.report.Diff += unified(to, f.Data, data)
		}
	}
	slices.Sort(a.report.Carried)
}

func (a *applier) look(name string, line int, text string) {
	a.report.Look = append(a.report.Look, fmt.Sprintf("%s:%d: %s", a.movedTo(name), line, text))
}

// movedTo returns the path that a file has afterwards.
func (a *applier) movedTo(name string) string {
	for _, m := range a.report.Moved {
		if m.From == name {
			return m.To
		}
	}
	return name
}

// arrives reports whether a file moves to that path.
func (a *applier) arrives(name string) bool {
	return slices.ContainsFunc(a.report.Moved, func(m Move) bool { return m.To == name })
}

// takeAlong carries the files of the user. It comes before anything that is generated
// is written: what an interrupted run leaves is found by the next one, which still
// sees the service as it was.
func (a *applier) takeAlong() error {
	for _, name := range slices.Sorted(maps.Keys(a.carried)) {
		if err := a.replace(name, a.carried[name]); err != nil {
			return err
		}
	}
	for _, m := range a.report.Moved {
		if err := a.before(); err != nil {
			return err
		}
		if err := a.root.Rename(m.From, m.To); err != nil {
			return err
		}
	}
	return nil
}
