package gen

import (
	"fmt"
	"slices"
	"strings"
)

// Owner says who a generated file belongs to, once it is written.
type Owner uint8

// The owners of files. The zero value is none of them and refused.
const (
	_          Owner = iota
	Generated        // ours: rewritten each time, removed when orphaned, not to be edited
	Once             // the user's: written when it is missing, never touched again
	AppendOnly       // nobody's: written once, never changed and never removed
	Merged           // shared: Generate was given the present content and kept what the user wrote
)

// String returns the name of the owner as it stands in the manifest.
func (o Owner) String() string {
	switch o {
	case Generated:
		return "generated"
	case Once:
		return "once"
	case AppendOnly:
		return "append-only"
	case Merged:
		return "merged"
	}
	return fmt.Sprintf("Owner(%d)", o)
}

// A File is one file of a service.
type File struct {
	Path  string // relative to the folder of the service, with slashes
	Data  []byte
	Owner Owner

	// Needed files of the owner Once are written again when they were deleted,
	// because the service does not build without them.
	Needed bool

	// Outgrows says that a file of the owner Once follows from gate.yaml so much that the
	// user is told when it would be another: see [Report.Outgrown].
	Outgrows bool

	before  []byte // with the design of gate.lock, nil where that is not known
	unknown bool   // because that design cannot be read any more
	was     Files  // of gate.lock: the package of the entities with the design of before
}

// Files is what [Generate] makes: every path once, sorted by path.
type Files []File

// Get returns the content of the file at path.
func (fs Files) Get(path string) ([]byte, bool) {
	i, ok := slices.BinarySearchFunc(fs, path, func(f File, path string) int { return strings.Compare(f.Path, path) })
	if !ok {
		return nil, false
	}
	return fs[i].Data, true
}
