package gen

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// manifest records what gate wrote, so that the next run knows an edited file
// from one of its own.
type manifest struct {
	Version int             `json:"version"`
	Files   []manifestEntry `json:"files"` // sorted by path
}

// manifestEntry is one file of the manifest. Pending is the hash that the file
// is about to have; it stays behind when a run was interrupted.
type manifestEntry struct {
	Path    string `json:"path"`
	Owner   string `json:"owner"`
	SHA256  string `json:"sha256,omitempty"`
	Pending string `json:"pending,omitempty"`
}

const manifestVersion = 1

// readManifest reads the manifest in root. A missing one is empty.
func readManifest(root *os.Root) (*manifest, error) {
	m := &manifest{Version: manifestVersion}
	b, err := readFile(root, manifestFile)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return nil, fmt.Errorf("%s: %w%s", manifestFile, err, afterMerge(b, ": after a merge, take that of the branch that came first, and gate generate --force "+
			"(docs/guides/migrations.md, \"Two branches\")"))
	}
	if m.Version != manifestVersion {
		return nil, fmt.Errorf("%s: version %d, but this gate knows version %d", manifestFile, m.Version, manifestVersion)
	}
	for _, e := range m.Files {
		if err := checkPath(e.Path); err != nil {
			return nil, fmt.Errorf("%s: %w", manifestFile, err)
		}
	}
	return m, nil
}

func (m *manifest) encode() []byte {
	slices.SortFunc(m.Files, func(a, b manifestEntry) int { return strings.Compare(a.Path, b.Path) })
	b, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		panic("gen: manifest: " + err.Error()) // strings and a number
	}
	return append(b, '\n')
}

// find returns the entry of a file, the zero entry when there is none.
func (m *manifest) find(path string) manifestEntry {
	for _, e := range m.Files {
		if e.Path == path {
			return e
		}
	}
	return manifestEntry{}
}

// wrote reports whether gate wrote a file with that content.
func (e manifestEntry) wrote(data []byte) bool {
	sum := hash(data)
	return sum == e.SHA256 || sum == e.Pending
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
