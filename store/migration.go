package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// A Migration is one step from one schema to the next. It runs in a
// transaction, so it holds no BEGIN and no COMMIT.
type Migration struct {
	// Version counts from 1, without gaps.
	Version int
	// Name is what follows the version in the file name, for instance "init".
	Name string
	// SQL is one or more statements, each ended by a semicolon.
	SQL string
	// Down is statements that undo SQL, for [DB.Revert]; empty when there is no
	// way back. It is no part of the checksum.
	Down string
}

// String returns the name of the migration's file, for instance
// "0001_init.sql".
func (m Migration) String() string { return fmt.Sprintf("%04d_%s.sql", m.Version, m.Name) }

// downFile returns the name of the file of Down: "0001_init.down.sql".
func (m Migration) downFile() string { return fmt.Sprintf("%04d_%s.down.sql", m.Version, m.Name) }

// Checksum returns the SHA-256 of the SQL in hexadecimal. It is the same
// whether lines end in LF or in CRLF.
func (m Migration) Checksum() string {
	sum := sha256.Sum256([]byte(strings.ReplaceAll(m.SQL, "\r\n", "\n")))
	return hex.EncodeToString(sum[:])
}

var (
	migrationFile = regexp.MustCompile(`^(\d{4,9})_([a-z0-9_]{1,100})(\.down)?\.sql$`)
	componentName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
)

// LoadFS reads the migrations in dir, files named like 0001_init.sql, in order
// of version, and what undoes them from files named like 0001_init.down.sql. A
// file that ends in .sql and is not named so is an error, other files are left
// alone. A version that is missing or there twice is an error that matches
// [ErrGap].
func LoadFS(fsys fs.FS, dir string) ([]Migration, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	var ms, downs []Migration
	for _, entry := range entries {
		if entry.IsDir() || path.Ext(entry.Name()) != ".sql" {
			continue
		}
		m, err := load(fsys, dir, entry.Name())
		switch {
		case err != nil:
			return nil, fmt.Errorf("migrations: %w", err)
		case m.Down != "":
			downs = append(downs, m)
		default:
			ms = append(ms, m)
		}
	}
	sort.SliceStable(ms, func(i, j int) bool { return ms[i].Version < ms[j].Version })
	if err := consecutive(ms); err != nil {
		return nil, fmt.Errorf("migrations in %s: %w", dir, err)
	}
	for _, d := range downs {
		i := d.Version - 1
		if i < 0 || i >= len(ms) || ms[i].Name != d.Name {
			return nil, fmt.Errorf("migrations: %s undoes %s, which is not there", path.Join(dir, d.downFile()), d)
		}
		ms[i].Down = d.Down
	}
	return ms, nil
}

// load reads a migration, or what undoes one into its Down. Of that an empty file
// is refused: it would take the record back and leave the schema.
func load(fsys fs.FS, dir, name string) (Migration, error) {
	parts := migrationFile.FindStringSubmatch(name)
	if parts == nil {
		return Migration{}, fmt.Errorf("%s: not named like 0001_init.sql", path.Join(dir, name))
	}
	version, err := strconv.Atoi(parts[1])
	if err != nil {
		return Migration{}, fmt.Errorf("%s: %w", path.Join(dir, name), err)
	}
	text, err := fs.ReadFile(fsys, path.Join(dir, name))
	if err != nil {
		return Migration{}, err
	}
	m := Migration{Version: version, Name: parts[2]}
	switch {
	case parts[3] == "":
		m.SQL = string(text)
	case strings.TrimSpace(string(text)) == "":
		return Migration{}, fmt.Errorf("%s is empty: write what undoes the migration, or remove the file", path.Join(dir, name))
	default:
		m.Down = string(text)
	}
	return m, nil
}

// consecutive reports whether the versions are 1, 2, 3 and so on.
func consecutive(ms []Migration) error {
	for i, m := range ms {
		if m.Version != i+1 {
			return fmt.Errorf("%w: version %d expected, %s found", ErrGap, i+1, m)
		}
	}
	return nil
}
