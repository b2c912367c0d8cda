// Package stagetest sets up what scenarios need: the packages of Node.js, Chromium, and
// services that are generated, built and run. Its functions are for tests alone: they
// fail or skip the test that they are given.
//
// A scenario is a file of conformance/browser: plain tests of node:test, each of which
// becomes a subtest of the Go test that runs it.
//
// Without Node.js, Chromium, or a registry to install from, tests are skipped by name,
// unless GATE_TEST_REQUIRE contains "node" or "chromium": then they fail. GATE_CHROMIUM
// names another Chromium than the one in the PATH.
package stagetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Folder is where the scenarios and the installed packages are while the tests of a
// package run: one for all, as to install takes longer than to run them. [Main] makes it.
//
//nolint:gochecknoglobals // set by Main
var Folder string

//nolint:gochecknoglobals // set by Main
var install func() error

// Main runs the tests of a package, and returns the code that its TestMain exits with.
// The scenarios of source are copied to [Folder] and their packages installed when the
// first test asks for them: with all, those that the clients of others need, too, and
// what prepare makes of them.
func Main(m *testing.M, source string, all bool, prepare func(folder string) error) (code int) {
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	Folder = dir
	install = sync.OnceValue(func() error {
		if err := os.CopyFS(Folder, os.DirFS(source)); err != nil {
			return err
		}
		arg := "--omit=dev"
		if all {
			arg = "--include=dev"
		}
		if err := ci(context.Background(), Folder, arg); err != nil {
			return err
		}
		if prepare == nil {
			return nil
		}
		return prepare(Folder)
	})
	return m.Run()
}

// ci installs what a lock file names.
func ci(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "npm", append([]string{"ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return nil
}

func node() error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return err
		}
	}
	return nil
}

func chromium() (string, error) {
	if path := os.Getenv("GATE_CHROMIUM"); path != "" {
		return exec.LookPath(path)
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		path, err = exec.LookPath("chromium-browser")
	}
	return path, err
}

func missing(t *testing.T, what string, why error) {
	t.Helper()
	if strings.Contains(os.Getenv("GATE_TEST_REQUIRE"), what) {
		t.Fatal(why)
	}
	t.Skip(what+": ", why)
}

// Installed fills the [Folder], and returns the path of Chromium; or skips.
func Installed(t *testing.T) (browser string) {
	t.Helper()
	browser, err := chromium()
	if err != nil {
		missing(t, "chromium", err)
	}
	if err := node(); err != nil {
		missing(t, "node", err)
	}
	if err := install(); err != nil {
		missing(t, "node", err)
	}
	return browser
}

// Facts is what a scenario knows.
type Facts map[string]any

// Scenario runs a scenario that knows arg, in a Chromium of its own, with certificates
// to trust if any; each of its tests is a subtest.
func Scenario(t *testing.T, script string, arg Facts, ca string) {
	t.Helper()
	all := Facts{"chromium": Installed(t), "profile": t.TempDir()}
	if shots := os.Getenv("GATE_SHOTS"); shots != "" { // a folder for pictures
		path, err := filepath.Abs(shots)
		if err != nil {
			t.Fatal(err)
		}
		all["shots"] = path
	}
	maps.Copy(all, arg)
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	// GATE_TEST_ONLY is a pattern of tests of the scenario, to look at one.
	only := "--test-name-pattern=" + cmp.Or(os.Getenv("GATE_TEST_ONLY"), ".")
	cmd := exec.CommandContext(t.Context(), "node", "--test-reporter=tap", only, filepath.Join(Folder, script), string(text))
	cmd.Dir = Folder
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+ca)
	out, err := cmd.CombinedOutput()
	report(t, string(out), err)
}

var outcome = regexp.MustCompile(`(?m)^(not ok|ok) \d+ - (.*)$`)

// report makes a subtest of each result of the Test Anything Protocol.
func report(t *testing.T, tap string, err error) {
	t.Helper()
	results := outcome.FindAllStringSubmatchIndex(tap, -1)
	failed := false
	for i, at := range results {
		end := len(tap)
		if i+1 < len(results) {
			end = results[i+1][0]
		}
		name, skipped, _ := strings.Cut(tap[at[4]:at[5]], " # SKIP")
		t.Run(name, func(t *testing.T) {
			switch {
			case tap[at[2]:at[3]] != "ok":
				failed = true
				t.Error(tap[at[0]:end])
			case skipped != "":
				t.Skip(skipped)
			}
		})
	}
	if err != nil && !failed || len(results) == 0 {
		t.Fatalf("%v\n%s", err, tap)
	}
}
