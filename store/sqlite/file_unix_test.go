//go:build unix

package sqlite_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gatewright/gate/store/sqlite"
)

func TestOPS14_files(t *testing.T) {
	for _, mask := range []int{0, 0o022, 0o777} {
		dir := filepath.Join(t.TempDir(), "a", "b")
		path := filepath.Join(dir, "test.db")
		before := syscall.Umask(mask)
		db, err := sqlite.Open(t.Context(), path, sqlite.Config{})
		if err == nil {
			_, err = db.Exec(t.Context(), "CREATE TABLE t (id INTEGER)")
		}
		syscall.Umask(before)
		if err != nil {
			t.Fatalf("umask %03o: %v", mask, err)
		}
		for name, want := range map[string]fs.FileMode{
			filepath.Dir(dir): 0o700, dir: 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600,
		} {
			if got := mode(t, name); got != want {
				t.Errorf("umask %03o: %s has mode %03o, want %03o", mask, name, got, want)
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOPS14_widerFileIsTightened(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "test.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	folder := mode(t, dir)
	open(t, path, sqlite.Config{})
	if got := mode(t, path); got != 0o600 {
		t.Errorf("mode = %03o, want 600", got)
	}
	if got := mode(t, dir); got != folder {
		t.Errorf("the mode of a folder that was there changed from %03o to %03o", folder, got)
	}
}

func mode(t *testing.T, name string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}
