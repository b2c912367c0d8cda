package sqlite

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

const (
	fileMode   fs.FileMode = 0o600
	folderMode fs.FileMode = 0o700
)

// prepare sees to it that the files of the database belong to their owner
// alone. SQLite gives the mode of the database file to those that it puts
// beside it.
func prepare(file string) error {
	if err := prepareFolder(filepath.Dir(file)); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode) //nolint:gosec // the name comes from the operator
	switch {
	case err == nil:
		// The umask may have taken bits of the owner away.
		err = errors.Join(f.Chmod(fileMode), f.Close())
		if err != nil {
			return fmt.Errorf("create %s: %w", file, err)
		}
	case !errors.Is(err, fs.ErrExist):
		return err
	default:
		if err := isDatabase(file); err != nil {
			return err
		}
	}
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		if err := restrict(name); err != nil {
			return err
		}
	}
	return nil
}

// prepareFolder makes the folder and those above it that are missing.
func prepareFolder(folder string) error {
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := prepareFolder(filepath.Dir(folder)); err != nil {
		return err
	}
	if err := os.Mkdir(folder, folderMode); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil // another process was faster
		}
		return err
	}
	return os.Chmod(folder, folderMode)
}

// isDatabase refuses a file that is there and is something else, before
// anything about it is changed: the name may be a mistake.
func isDatabase(file string) error {
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return err // what is no file at all is refused below
	}
	f, err := os.Open(file) //nolint:gosec // the name comes from the operator
	if err != nil {
		return err
	}
	defer f.Close()
	const magic = "SQLite format 3\x00"
	head := make([]byte, len(magic))
	n, err := io.ReadFull(f, head)
	if n > 0 && string(head) != magic {
		return fmt.Errorf("%s is not a database of SQLite", file)
	}
	if n > 0 || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// restrict takes the rights of others away from a file that is there.
func restrict(name string) error {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", name)
	case info.Mode().Perm()&0o077 == 0 || runtime.GOOS == "windows":
		return nil
	}
	if err := os.Chmod(name, fileMode); err != nil {
		return fmt.Errorf("%s can be read by others: %w", name, err)
	}
	return nil
}
