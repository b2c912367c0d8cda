package browser_test

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

	"github.com/gatewright/gate/idp/idptest"
)

// folder is where the scenarios, the installed packages and the bundled pages are:
// one for all tests, as to install takes longer than to run them.
//
//nolint:gochecknoglobals // set by TestMain
var folder string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "conformance-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	folder = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

//nolint:gochecknoglobals // once
var install = sync.OnceValue(func() error {
	if err := os.CopyFS(folder, os.DirFS(".")); err != nil {
		return err
	}
	guide, err := os.ReadFile("../../docs/guides/auth0.md")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "auth0.md"), guide, 0o600); err != nil {
		return err
	}
	for _, command := range [][]string{
		{"npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"},
		{"node", "bundle.mjs"},
	} {
		cmd := exec.CommandContext(context.Background(), command[0], command[1:]...)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(command[:2], " "), err, out)
		}
	}
	return nil
})

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

// installed fills the folder, and returns the path of Chromium; or skips.
func installed(t *testing.T) (browser string) {
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

// A facts is what a scenario knows beside the provider.
type facts map[string]any

// run runs a scenario; each of its tests is a subtest.
func run(t *testing.T, s *idptest.Server, script string, more facts) {
	t.Helper()
	arg := facts{
		"chromium": installed(t), "profile": t.TempDir(), "url": s.URL, "issuer": s.Issuer(), "audience": idptest.Audience,
		"secret": idptest.Secret, "connection": idptest.Connection, "password": idptest.Password, "outbox": s.Outbox,
	}
	maps.Copy(arg, more)
	scenario(t, script, arg, s.CA)
}

// scenario runs a scenario that knows arg, with certificates to trust if any.
func scenario(t *testing.T, script string, arg facts, ca string) {
	t.Helper()
	text, err := json.Marshal(arg)
	if err != nil {
		t.Fatal(err)
	}
	// GATE_TEST_ONLY is a pattern of tests of the scenario, to look at one.
	only := "--test-name-pattern=" + cmp.Or(os.Getenv("GATE_TEST_ONLY"), ".")
	cmd := exec.CommandContext(t.Context(), "node", "--test-reporter=tap", only, filepath.Join(folder, script), string(text))
	cmd.Dir = folder
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
