package gen

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/gatewright/gate/design"
)

// State is what [Generate] has to know about the folder that it generates for.
// The zero value is an empty folder.
type State struct {
	GoMod, GoSum []byte   // the present go.mod and go.sum, nil when there is none
	Schema       []byte   // the snapshot after the last migration, nil when there is none
	Migrations   []string // the names of the migrations there are: 0001_init.sql
	Lock         []byte   // the present gate.lock, nil when there is none; see [ReadLock]

	// Inputs are the files of the user's that plugins read, by their path, as far
	// as they are there: see [Plugin.Reads].
	Inputs map[string][]byte
}

// migrationsDir is the folder of the migrations for one database.
func migrationsDir(db design.Database) string { return "migrations/" + string(db) }

// readFile reads a file of root. What is no file, such as a pipe to which nobody
// writes, is not waited for.
func readFile(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", name)
	}
	return root.ReadFile(name)
}

// ReadState reads the state of the service in dir, whose database is db, and what
// plugins read there. A folder that does not exist is an empty one.
func ReadState(dir string, db design.Database, plugins ...Plugin) (State, error) {
	var s State
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer root.Close()

	folder := migrationsDir(db)
	for name, into := range map[string]*[]byte{
		"go.mod": &s.GoMod, "go.sum": &s.GoSum, lockFile: &s.Lock, path.Join(folder, "schema.json"): &s.Schema,
	} {
		b, err := readFile(root, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return State{}, fmt.Errorf("reading the present service: %w", err)
		}
		*into = b
	}
	entries, err := fs.ReadDir(root.FS(), folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return State{}, fmt.Errorf("reading the present service: %w", err)
	}
	for _, e := range entries {
		if path.Ext(e.Name()) == ".sql" && !strings.HasSuffix(e.Name(), downSuffix) {
			s.Migrations = append(s.Migrations, e.Name())
		}
	}
	slices.Sort(s.Migrations)
	s.Inputs, err = readInputs(root, plugins)
	return s, err
}

// maxInput bounds a file that plugins read. Beyond it, they get what is more than
// they take.
const maxInput = design.MaxSize + 1

// readInputs reads what plugins read of the user's.
func readInputs(root *os.Root, plugins []Plugin) (map[string][]byte, error) {
	inputs := map[string][]byte{}
	for _, p := range plugins {
		for _, name := range p.Reads {
			b, err := readFile(root, name)
			switch {
			case errors.Is(err, fs.ErrNotExist):
			case err != nil:
				return nil, fmt.Errorf("reading what plugin %s reads: %w", p.Name, err)
			default:
				inputs[name] = b[:min(len(b), maxInput)]
			}
		}
	}
	return inputs, nil
}
