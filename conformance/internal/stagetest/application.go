package stagetest

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Application lints and builds an application for browsers that has no packages yet.
func Application(t *testing.T, dir string) {
	t.Helper()
	packages(t, dir)
	quietly(t, dir, "npm", "run", "lint")
	quietly(t, dir, "npm", "run", "build")
}

// Bundle builds an application whose like has been linted, and its types checked.
func Bundle(t *testing.T, dir string) {
	t.Helper()
	packages(t, dir)
	quietly(t, dir, filepath.Join("node_modules", ".bin", "vite"), "build")
}

// quietly runs a command that has nothing to warn of.
func quietly(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	for line := range strings.Lines(string(out)) {
		own := strings.HasPrefix(line, "> ") || strings.HasPrefix(line, "npm warn") // the command, and settings of this machine
		if !own && strings.Contains(strings.ToLower(line), "warn") {
			t.Errorf("%s warns: %s", cmd, line)
		}
	}
}

//nolint:gochecknoglobals // once for each lock file
var shared sync.Map // its digest → func() (dir string, err error)

var (
	packageName = regexp.MustCompile(`"name": "[^"]*"`)
	unnamed     = []byte(`"name": "application"`)
)

// packages puts the packages of an application where its lock file wants them, as "npm
// ci" does. Those of applications that differ by their name alone are installed once.
// Without a registry to install from the test is skipped.
func packages(t *testing.T, dir string) {
	t.Helper()
	if err := node(); err != nil {
		missing(t, "node", err)
	}
	files := map[string][]byte{}
	for _, name := range []string{"package.json", "package-lock.json"} {
		src, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = packageName.ReplaceAll(src, unnamed)
	}
	digest := sha256.Sum256(files["package-lock.json"])
	install, _ := shared.LoadOrStore(digest, sync.OnceValues(func() (string, error) {
		at := filepath.Join(Folder, "packages-"+hex.EncodeToString(digest[:6]))
		if err := os.Mkdir(at, 0o700); err != nil {
			return "", err
		}
		for name, src := range files {
			if err := os.WriteFile(filepath.Join(at, name), src, 0o600); err != nil {
				return "", err
			}
		}
		return filepath.Join(at, "node_modules"), ci(context.WithoutCancel(t.Context()), at)
	}))
	once, _ := install.(func() (string, error)) // nothing else is in there
	modules, err := once()
	if err != nil {
		missing(t, "node", err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
}

// firstLoad is how much a browser loads, compressed, before it shows the first page.
const firstLoad = 450_000

// Loads adds up what the page of the application loads at once.
func Loads(t *testing.T, dist string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(dist, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(page), "__CSP_NONCE__") < 2 || strings.Contains(string(page), "<script>") {
		t.Errorf("the page has no place for a nonce, or a script of its own: %s", page)
	}
	sum, files := counter(0), 0
	assets, err := os.ReadDir(filepath.Join(dist, "assets"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range assets {
		if !strings.Contains(string(page), a.Name()) {
			continue
		}
		files++
		data, err := os.ReadFile(filepath.Join(dist, "assets", a.Name()))
		if err != nil {
			t.Fatal(err)
		}
		zw := gzip.NewWriter(&sum)
		if _, err = zw.Write(data); err == nil {
			err = zw.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if t.Logf("%d bytes in %d files", sum, files); files == 0 || sum > firstLoad {
		t.Errorf("the first page loads %d bytes in %d files, want at most %d", sum, files, firstLoad)
	}
}

// counter counts what is written to it.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

var _ io.Writer = (*counter)(nil)
