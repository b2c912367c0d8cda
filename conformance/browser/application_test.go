package browser_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// application lints and builds an application for browsers that has no packages yet.
func application(t *testing.T, dir string) {
	t.Helper()
	packages(t, dir)
	quietly(t, dir, "npm", "run", "lint")
	quietly(t, dir, "npm", "run", "build")
}

// bundle builds an application whose like has been linted, and its types checked.
func bundle(t *testing.T, dir string) {
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

// variant is a test of an application that differs little from another. It takes a minute
// of two cores, so it runs where Chromium is required.
func variant(t *testing.T) {
	t.Helper()
	if !strings.Contains(os.Getenv("GATE_TEST_REQUIRE"), "chromium") {
		t.Skip("builds one more application: set GATE_TEST_REQUIRE=chromium")
	}
	t.Parallel()
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
		at := filepath.Join(folder, "packages-"+hex.EncodeToString(digest[:6]))
		if err := os.Mkdir(at, 0o700); err != nil {
			return "", err
		}
		for name, src := range files {
			if err := os.WriteFile(filepath.Join(at, name), src, 0o600); err != nil {
				return "", err
			}
		}
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
		cmd.Dir = at
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Logf("%s", out)
		}
		return filepath.Join(at, "node_modules"), err
	}))
	modules, err := install.(func() (string, error))()
	if err != nil {
		missing(t, "node", err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
}
