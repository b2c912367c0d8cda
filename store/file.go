package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// SQLiteMemory is the name of a database of SQLite that is no file.
const SQLiteMemory = ":memory:"

// SQLiteFile returns the absolute path that the name of a database of SQLite means, or
// [SQLiteMemory]. Package sqlite says how a name is written.
func SQLiteFile(name string) (string, error) {
	path := name
	for _, scheme := range []string{"file:", "sqlite:"} {
		if rest, ok := strings.CutPrefix(name, scheme); ok {
			if strings.Contains(rest, "?") {
				return "", errors.New("sqlite: the name of the database takes no parameters")
			}
			path = strings.TrimPrefix(rest, "//")
		}
	}
	if scheme, _, ok := strings.Cut(path, "://"); ok {
		return "", fmt.Errorf("sqlite: the address of a %s database is not the name of a file", scheme)
	}
	switch {
	case path == SQLiteMemory:
		return SQLiteMemory, nil
	case path == "" || strings.HasSuffix(path, "/") || strings.ContainsRune(path, 0):
		return "", fmt.Errorf("sqlite: %q is not the name of a database", name)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("sqlite: %w", err)
	}
	return abs, nil
}
