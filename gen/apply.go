package gen

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// ApplyOptions say how [Apply] works. The zero value writes, and refuses to
// overwrite what somebody edited.
type ApplyOptions struct {
	Force bool // overwrite and remove generated files that were edited
	Check bool // write nothing, only report
	Diff  bool // put the difference into Report.Diff
}

// A Report says what [Apply] did, or would have done. Lists are sorted.
type Report struct {
	Created   []string // written, did not exist
	Updated   []string // written, had other content
	Removed   []string // generated once, by nothing any more
	Edited    []string // edited by somebody and, with Force, overwritten or removed
	Unchanged int      // files that were right already
	Diff      string   // unified, empty without ApplyOptions.Diff

	// Moved are files of the user's that were called after an entity with another name
	// now, and Carried those that name something that has another name; both were
	// changed. Look are the places that somebody has to see to: "app/hooks.go:12: …".
	Moved   []Move
	Carried []string
	Look    []string

	// Stale are the lines of the user's files that name what generated files do not
	// declare any more: "app/hooks.go:12: Items".
	Stale []string

	// Outgrown are files of the user's that stay as they are, though gate.yaml says
	// something else now.
	Outgrown []Outgrown
}

// Drift reports whether the folder differs from what is generated.
func (r *Report) Drift() bool {
	return len(r.Created)+len(r.Updated)+len(r.Removed)+len(r.Edited)+len(r.Moved)+len(r.Carried) > 0
}

// An EditedError lists files of gate's that somebody edited. Nothing was
// written.
type EditedError struct {
	Paths []string
}

// Error names the files.
func (e *EditedError) Error() string {
	return "edited by hand: " + strings.Join(e.Paths, ", ")
}

// Apply brings the folder dir, which is made when it is missing, to files.
// Everything is checked before anything is written, and a file is replaced at
// once or not at all. A run that was interrupted is completed by the next one.
//
// Apply never follows a symbolic link, never leaves dir, and never touches a
// file that it did not write: files of the owner [Once] are left alone when they
// exist, and stay deleted when the service builds without them. Only when an entity or
// a field has another name than the gate.lock in the folder says, files of the user's
// that name it follow, see [Report.Moved]. The error is an [*EditedError] when generated
// files were edited and opts does not force it, and a [*MoveError] when a file cannot
// follow.
//
// Two processes must not apply to the same folder at the same time.
func Apply(dir string, files Files, opts ApplyOptions) (*Report, error) {
	a := applier{opts: opts, report: &Report{}, carried: map[string][]byte{}, before: func() error { return nil }}
	if err := a.apply(dir, files); err != nil {
		return nil, err
	}
	return a.report, nil
}

// checkFiles refuses paths that are not safe, and two that are one file where
// case does not count.
func checkFiles(files Files) error {
	seen := map[string]string{}
	for _, f := range files {
		if err := checkPath(f.Path); err != nil {
			return err
		}
		if f.Owner < Generated || f.Owner > Merged {
			return fmt.Errorf("path %q: no owner", f.Path)
		}
		if f.Owner == Generated && !looksGenerated(f.Path, f.Data) {
			return fmt.Errorf("path %q: the name of a generated file ends in _gen and its extension, or in .gen.ts or .gen.tsx, and Go and TypeScript start with the header", f.Path)
		}
		if other, ok := seen[strings.ToLower(f.Path)]; ok {
			return fmt.Errorf("path %q: generated twice, also as %q", f.Path, other)
		}
		seen[strings.ToLower(f.Path)] = f.Path
	}
	return nil
}

// applier compares a folder with the files that it should hold, then writes.
type applier struct {
	root    *os.Root
	opts    ApplyOptions
	old     *manifest
	new     manifest
	writes  Files
	delete  []string
	carried map[string][]byte // files of the user's, by the path that they had
	report  *Report
	before  func() error // called before each change of the folder
}

func (a *applier) apply(dir string, files Files) error {
	if err := checkFiles(files); err != nil {
		return err
	}
	if !a.opts.Check {
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // source code, for others to read
			return err
		}
	}
	var err error
	a.root, err = os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) && a.opts.Check {
		for _, f := range files {
			a.change(f, nil, &a.report.Created)
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer a.root.Close()

	if a.old, err = readManifest(a.root); err != nil {
		return err
	}
	if err := a.carry(files); err != nil {
		return err
	}
	if err := a.plan(files); err != nil {
		return err
	}
	slices.Sort(a.report.Edited)
	if a.report.Stale, err = a.stale(files); err != nil {
		return err
	}
	a.report.Stale = slices.DeleteFunc(a.report.Stale, func(line string) bool {
		return slices.ContainsFunc(a.report.Look, func(told string) bool { return strings.HasPrefix(told, line+" ") })
	})
	if a.opts.Check {
		return nil
	}
	if len(a.report.Edited) > 0 && !a.opts.Force {
		return &EditedError{Paths: a.report.Edited}
	}
	return a.write()
}

func (a *applier) plan(files Files) error {
	a.new.Version = manifestVersion
	for _, f := range files {
		if err := a.file(f); err != nil {
			return err
		}
	}
	for _, e := range a.old.Files {
		if slices.ContainsFunc(files, func(f File) bool { return f.Path == e.Path }) {
			continue
		}
		if err := a.orphan(e); err != nil {
			return err
		}
	}
	return nil
}

// file plans what becomes of one file.
func (a *applier) file(f File) error {
	have, exists, err := a.read(f.Path)
	if err != nil {
		return err
	}
	entry := a.old.find(f.Path)
	record := manifestEntry{Path: f.Path, Owner: f.Owner.String()}
	if f.Owner == Generated || f.Owner == AppendOnly {
		record.SHA256 = hash(f.Data)
	}
	a.new.Files = append(a.new.Files, record)
	switch {
	case f.Owner == Once && a.arrives(f.Path):
		// What moves there is counted where it was.
	case f.Owner == Once && (exists || entry.Owner == Once.String() && !f.Needed):
		a.report.Unchanged++
		if exists {
			a.outgrows(f, have)
		}
	case !exists || len(have) == 0 && f.Owner != Merged: // a crash of the machine leaves empty files
		a.change(f, nil, &a.report.Created)
	case bytes.Equal(have, f.Data):
		a.report.Unchanged++
	case f.Owner == AppendOnly:
		return fmt.Errorf("%s exists and differs: a migration is never rewritten: give yours another name, or have the plugin bring a next one", f.Path)
	case f.Owner == Generated && (entry.Owner != Generated.String() || !entry.wrote(have)):
		a.change(f, have, &a.report.Edited)
	default:
		a.change(f, have, &a.report.Updated)
	}
	return nil
}

// orphan plans what becomes of a file that is in the manifest, but is not
// generated any more.
func (a *applier) orphan(e manifestEntry) error {
	have, exists, err := a.read(e.Path)
	if err != nil {
		return err
	}
	switch {
	case e.Owner == AppendOnly.String():
		if !exists {
			a.report.Edited = append(a.report.Edited, e.Path)
			return nil
		}
		if !e.wrote(have) { // Force included: databases remember the text that they applied
			return fmt.Errorf("%s was edited, and a migration is never changed: put the old text back", e.Path)
		}
		e.Pending = ""
		a.new.Files = append(a.new.Files, e)
	case e.Owner == Once.String() && a.movedTo(e.Path) != e.Path:
		if e.Path = a.movedTo(e.Path); !slices.ContainsFunc(a.new.Files, func(o manifestEntry) bool { return o.Path == e.Path }) {
			a.new.Files = append(a.new.Files, e)
		}
	case e.Owner == Once.String() || e.Owner == Merged.String():
		a.new.Files = append(a.new.Files, e)
	case !exists || e.Owner != Generated.String() || !looksGenerated(e.Path, have):
		// Gone, or not ours: forgotten.
	case e.wrote(have):
		a.remove(e.Path, have, &a.report.Removed)
	default:
		a.remove(e.Path, have, &a.report.Edited)
	}
	return nil
}

// read returns the content of a regular file. A symbolic link, or anything else
// that is no file, is an error: on the way to it as well as at its end.
func (a *applier) read(name string) (data []byte, exists bool, err error) {
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		info, err := a.root.Lstat(name[:i])
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, false, nil
		case err != nil:
			return nil, false, err
		case i < len(name) && !info.IsDir():
			return nil, false, fmt.Errorf("%s: not a folder, and gate follows no links", name[:i])
		case i == len(name) && !info.Mode().IsRegular():
			return nil, false, fmt.Errorf("%s: not a file, and gate follows no links", name)
		}
	}
	data, err = a.root.ReadFile(name)
	return data, err == nil, err
}

func (a *applier) change(f File, have []byte, list *[]string) {
	*list = append(*list, f.Path)
	a.writes = append(a.writes, f)
	if a.opts.Diff {
		a.report.Diff += unified(f.Path, have, f.Data)
	}
}

func (a *applier) remove(name string, have []byte, list *[]string) {
	*list = append(*list, name)
	a.delete = append(a.delete, name)
	if a.opts.Diff {
		a.report.Diff += unified(name, have, nil)
	}
}

func unified(name string, have, want []byte) string {
	from, to := "a/"+name, "b/"+name
	if have == nil {
		from = "/dev/null"
	}
	if want == nil {
		to = "/dev/null"
	}
	return string(diff.Diff(from, have, to, want))
}

// write carries out the plan. The manifest is written twice: before, with the
// hashes that are to come, so that what an interrupted run leaves behind is
// known as ours; and last, as it is then.
func (a *applier) write() error {
	old, err := readFile(a.root, manifestFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := a.takeAlong(); err != nil {
		return err
	}
	if len(a.writes)+len(a.delete) > 0 {
		if err := a.replace(manifestFile, a.pending().encode()); err != nil {
			return err
		}
	}
	// What keeps secrets out of a repository comes before everything else.
	slices.SortStableFunc(a.writes, func(x, y File) int {
		return boolRank(x.Path != gitignoreFile) - boolRank(y.Path != gitignoreFile)
	})
	for _, f := range a.writes {
		if err := a.root.MkdirAll(filepath.FromSlash(path.Dir(f.Path)), 0o755); err != nil {
			return err
		}
		if err := a.replace(f.Path, f.Data); err != nil {
			return err
		}
	}
	for _, name := range a.delete {
		if err := a.before(); err != nil {
			return err
		}
		if err := a.root.Remove(name); err != nil {
			return err
		}
	}
	if final := a.new.encode(); !bytes.Equal(final, old) || len(a.writes)+len(a.delete) > 0 {
		return a.replace(manifestFile, final)
	}
	return nil
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// pending returns the manifest of a run that is under way.
func (a *applier) pending() *manifest {
	m := &manifest{Version: manifestVersion, Files: slices.Clone(a.old.Files)}
	for _, e := range a.new.Files {
		i := slices.IndexFunc(m.Files, func(o manifestEntry) bool { return o.Path == e.Path })
		switch {
		case i < 0 && e.SHA256 != "":
			m.Files = append(m.Files, manifestEntry{Path: e.Path, Owner: e.Owner, Pending: e.SHA256})
		case i >= 0 && m.Files[i].SHA256 != e.SHA256:
			m.Files[i].Pending = e.SHA256
		}
	}
	return m
}

// tempSuffix marks a file that is being written.
const tempSuffix = ".gate-tmp"

// replace writes a file next to its place and moves it there. It keeps the permissions
// of the file that it takes the place of.
func (a *applier) replace(name string, data []byte) error {
	if err := a.before(); err != nil {
		return err
	}
	temp := name + tempSuffix
	if err := a.root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	mode := fs.FileMode(0o644)
	if was, err := a.root.Stat(name); err == nil {
		mode = was.Mode().Perm()
	}
	f, err := a.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, a.root.Remove(temp))
	}
	return a.root.Rename(temp, name)
}
