// Package nodetest runs scripts of Node.js from tests, for clients that are
// written in JavaScript.
package nodetest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Run installs what the package.json and the package-lock.json in dir name, in a
// temporary folder, runs the script there with arg as JSON, and fails the test
// with what the script says unless it exits with 0. It returns the lines that the
// script printed.
//
// Without Node.js, or a registry to install from, the test is skipped, unless
// GATE_TEST_REQUIRE contains "node": then it fails.
func Run(t *testing.T, dir, script string, arg any) []string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, program+" is not installed")
		}
	}
	work := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", script} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(work, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	install.Dir = work
	if out, err := install.CombinedOutput(); err != nil {
		missing(t, "npm could not install the client: "+err.Error()+"\n"+string(out))
	}
	text, err := json.Marshal(arg)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", script, string(text))
	cmd.Dir = work
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func missing(t *testing.T, why string) {
	t.Helper()
	if strings.Contains(os.Getenv("GATE_TEST_REQUIRE"), "node") {
		t.Fatal(why)
	}
	t.Skip("node: " + why)
}
