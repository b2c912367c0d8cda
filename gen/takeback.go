package gen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/gatewright/gate/design"
)

// TakeBack removes migrations of the service in dir that no database has
// applied, such as one that the rows refuse, with what would undo them, so that
// the next [Generate] plans from what was before them. They are the last ones,
// by the names that they have in [State]; before is the state without them.
//
// It refuses, with nothing changed, what is not as [Apply] wrote it. Whether a
// database has applied them is for the caller to know.
func TakeBack(dir string, db design.Database, before State, names ...string) error {
	now, err := ReadState(dir, db)
	if err != nil {
		return err
	}
	if !slices.Equal(now.Migrations, slices.Concat(before.Migrations, names)) {
		return fmt.Errorf("%s: these are not the last migrations: %q", migrationsDir(db), names)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	m, err := readManifest(root)
	if err != nil {
		return err
	}
	a := applier{root: root, before: func() error { return nil }}
	var paths []string
	for _, name := range names {
		paths = append(paths, path.Join(migrationsDir(db), name))
		if down := path.Join(migrationsDir(db), downFile(name)); m.find(down).Owner != "" {
			paths = append(paths, down)
		}
	}
	for _, p := range paths {
		have, exists, err := a.read(p)
		if err != nil {
			return err
		}
		if e := m.find(p); !exists || e.Owner != AppendOnly.String() || !e.wrote(have) {
			return fmt.Errorf("%s was not written by gate, or was edited", p)
		}
	}
	m.Files = slices.DeleteFunc(m.Files, func(e manifestEntry) bool { return slices.Contains(paths, e.Path) })
	return a.takeBack(m, path.Join(migrationsDir(db), "schema.json"), before.Schema, paths)
}

// takeBack writes the snapshot before it removes the files: a run that is
// interrupted in between leaves a change that is planned twice, which a database
// refuses, and never one that no database gets.
func (a *applier) takeBack(m *manifest, snapshot string, schema []byte, paths []string) error {
	if err := a.replace(manifestFile, m.encode()); err != nil {
		return err
	}
	var err error
	if schema == nil {
		err = a.root.Remove(snapshot)
	} else {
		err = a.replace(snapshot, schema)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, p := range paths {
		if err := a.root.Remove(p); err != nil {
			return err
		}
	}
	return nil
}
