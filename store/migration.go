package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
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
}

// String returns the name of the migration's file, for instance
// "0001_init.sql".
func (m Migration) String() string { return fmt.Sprintf("%04d_%s.sql", m.Version, m.Name) }

// Checksum returns the SHA-256 of the SQL in hexadecimal. It is the same
// whether lines end in LF or in CRLF.
func (m Migration) Checksum() string {
	sum := sha256.Sum256([]byte(strings.ReplaceAll(m.SQL, "\r\n", "\n")))
	return hex.EncodeToString(sum[:])
}

var (
	migrationFile = regexp.MustCompile(`^(\d{4,9})_([a-z0-9_]{1,100})\.sql$`)
	componentName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
)

// LoadFS reads the migrations in dir, files named like 0001_init.sql, in order
// of version. A file that ends in .sql and is not named so is an error, other
// files are left alone. A version that is missing or there twice is an error
// that matches [ErrGap].
func LoadFS(fsys fs.FS, dir string) ([]Migration, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	var ms []Migration
	for _, entry := range entries {
		if entry.IsDir() || path.Ext(entry.Name()) != ".sql" {
			continue
		}
		m, err := load(fsys, dir, entry.Name())
		if err != nil {
			return nil, fmt.Errorf("migrations: %w", err)
		}
		ms = append(ms, m)
	}
	slices.SortStableFunc(ms, func(a, b Migration) int { return a.Version - b.Version })
	if err := consecutive(ms); err != nil {
		return nil, fmt.Errorf("migrations in %s: %w", dir, err)
	}
	return ms, nil
}

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
	return Migration{Version: version, Name: parts[2], SQL: string(text)}, nil
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
