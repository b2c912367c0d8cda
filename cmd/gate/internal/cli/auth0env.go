package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatewright/gate/auth0"
)

// envMark is the first line of a file that gate auth0 apply wrote.
const envMark = "# Written by gate auth0 apply, which writes it anew each time. A service reads it with: set -a; . ./FILE; set +a"

const (
	envDomain        = "AUTH0_DOMAIN"
	envMachineID     = "AUTH0_MACHINE_CLIENT_ID"
	envMachineSecret = "AUTH0_MACHINE_CLIENT_SECRET"
)

// envLines are the lines of a file by the names in front of them.
func envLines(text string) map[string]string {
	lines := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			lines[name] = strings.TrimSuffix(line, "\n")
		}
	}
	return lines
}

// An envFile is where apply writes what the service has to know. It takes the
// place of one that apply wrote before, and of no other.
type envFile struct {
	path string
	temp *os.File
	old  map[string]string // the lines of the file before
}

// openEnv gets the place ready, before anything is made: a secret of the result
// cannot be had a second time. A file about another tenant is refused, since it
// may have the only copy of another secret.
func openEnv(path, domain string) (*envFile, error) {
	f := &envFile{path: path}
	old, err := readEnv(path)
	if err != nil {
		return nil, err
	}
	f.old = envLines(old)
	fresh := envLines((&auth0.Result{Domain: domain}).DotEnv())
	if line, ok := f.old[envDomain]; ok && line != fresh[envDomain] {
		return nil, failf("name another file", "%s is about another tenant, %s", path, plain(strings.TrimPrefix(line, envDomain+"=")))
	}
	f.temp, err = os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
	return f, err
}

// readEnv returns the file of an earlier apply, and nothing when there is none.
func readEnv(path string) (string, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	foreign := failf("name another file, or take it away", "%s is there, and is not of gate auth0 apply", path)
	if !info.Mode().IsRegular() || info.Size() > 1<<16 {
		return "", foreign
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if first, _, _ := strings.Cut(string(data), "\n"); first != envMark {
		return "", foreign
	}
	return string(data), nil
}

// write writes the result over the file before. The machine client stays in it
// when the result has none, and its secret when the result has no other.
func (f *envFile) write(r *auth0.Result) error {
	text := envMark + "\n" + r.DotEnv()
	fresh := envLines(text)
	if id := f.old[envMachineID]; id != "" && (fresh[envMachineID] == "" || fresh[envMachineID] == id) {
		for _, name := range []string{envMachineID, envMachineSecret} {
			if line := f.old[name]; line != "" && fresh[name] == "" {
				text += line + "\n"
			}
		}
	}
	_, err := io.WriteString(f.temp, text)
	if err = errors.Join(err, f.temp.Sync(), f.temp.Close()); err == nil {
		err = os.Rename(f.temp.Name(), f.path)
	}
	if err != nil {
		return fmt.Errorf("%w; what it was to have is in %s", err, f.temp.Name())
	}
	return nil
}

// sourced is the path as a shell reads a file by it, not looking for it in PATH.
func sourced(path string) string {
	if !strings.ContainsRune(path, '/') {
		path = "./" + path
	}
	if strings.Trim(path, "./-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(plain(path), "'", `'\''`) + "'"
}

// discard leaves the file as it was.
func (f *envFile) discard() error { return errors.Join(f.temp.Close(), os.Remove(f.temp.Name())) }
