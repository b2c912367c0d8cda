package gen

import (
	"bytes"
	"slices"
)

// An Outgrown is a file of the user's that a plugin would write otherwise since gate.yaml
// says something else, as a compose.yaml when the database is another.
type Outgrown struct {
	Path string
	// Diff is what became of the text of the plugin, unified. The file of the user may
	// differ from both.
	Diff string
	// Unknown says that nobody knows what the text was, as a design that was generated
	// cannot be any more: Diff leads from the file of the user to what is written now.
	Unknown bool
}

// outgrown finds what the files that outgrow a design, see [File.Outgrows], were with that
// of the lock, and the package of the entities, in which names are resolved.
func (b *Build) outgrown(files Files, lock []byte, plugins []Plugin) {
	t, err := parseLock(lock)
	if err != nil || t == nil || bytes.Equal(t.Design, bytes.TrimSpace(b.Design.JSON())) {
		return
	}
	before, err := b.asLocked(lock, plugins)
	for i, f := range files {
		if f.Path == lockFile {
			files[i].was = slices.DeleteFunc(slices.Clone(before), func(f File) bool { return !f.ofApp() })
		}
		if err != nil { // a plugin of it is no more, or does not read what it reads now
			files[i].unknown = f.Outgrows
			continue
		}
		if data, ok := before.Get(f.Path); ok && f.Outgrows {
			files[i].before = data
		}
	}
}

// asLocked makes the files that outgrow a design with that of the lock.
func (b *Build) asLocked(lock []byte, plugins []Plugin) (Files, error) {
	was, err := ReadLock(lock)
	if err != nil {
		return nil, err
	}
	if was.Unread != nil {
		return nil, was.Unread
	}
	d, on, err := solve(was.Design, plugins)
	if err != nil {
		return nil, err
	}
	old := newBuild(d, &State{Inputs: b.inputs})
	if err := old.contributions(on); err != nil {
		return nil, err
	}
	old.outputs = slices.DeleteFunc(old.outputs, func(o output) bool { return !o.file.Outgrows && !o.file.ofApp() })
	return old.files()
}

// outgrows reports a file of the user's that stays as it is.
func (a *applier) outgrows(f File, have []byte) {
	if f.unknown && !bytes.Equal(have, f.Data) {
		a.report.Outgrown = append(a.report.Outgrown, Outgrown{f.Path, unified(f.Path, have, f.Data), true})
	}
	if f.before != nil && !bytes.Equal(f.before, f.Data) && !bytes.Equal(have, f.Data) {
		a.report.Outgrown = append(a.report.Outgrown, Outgrown{f.Path, unified(f.Path, f.before, f.Data), false})
	}
}
