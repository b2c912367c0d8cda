package node_test

import (
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
	"time"

	"github.com/gatewright/gate/idp/idptest"
)

// Each folder with a package.json is installed once for all tests, as that
// takes longer than to run them; root is where, and goes with the last test.
var (
	root   string
	plain  = sync.OnceValues(func() (string, error) { return install(".") })
	nextjs = sync.OnceValues(func() (string, error) { return install("nextjs") })
	linter = sync.OnceValues(func() (string, error) { return install("openapi") })
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "conformance-node-")
	if err != nil {
		panic(err)
	}
	root = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// install copies the scenarios and installs what those of a folder need. It
// returns the copy.
func install(folder string) (string, error) {
	dir, err := os.MkdirTemp(root, "")
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		return "", err
	}
	npm := exec.CommandContext(context.Background(), "npm", "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--prefer-offline")
	npm.Dir = filepath.Join(dir, folder)
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return dir, nil
}

func present() error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return err
		}
	}
	return nil
}

func missing(t *testing.T, why error) {
	t.Helper()
	if strings.Contains(os.Getenv("GATE_TEST_REQUIRE"), "node") {
		t.Fatal(why)
	}
	t.Skip("node: ", why)
}

// A facts is what a scenario knows beside the provider.
type facts map[string]any

// run runs a scenario; each of its tests is a subtest.
func run(t *testing.T, s *idptest.Server, script string, more facts) {
	t.Helper()
	arg := facts{
		"url": s.URL, "issuer": s.Issuer(), "domain": strings.SplitN(s.URL, "://", 2)[1], "audience": idptest.Audience,
		"spa": idptest.SPA, "web": idptest.Web, "machine": idptest.Machine, "manager": idptest.Management,
		"secret": idptest.Secret, "callback": idptest.Callback, "logoutURL": idptest.LogoutURL, "connection": idptest.Connection,
		"password": idptest.Password, "outbox": s.Outbox,
	}
	maps.Copy(arg, more)
	execute(t, script, trusted(t, s, more), arg)
}

// execute runs a scenario with an argument, and certificates to trust if any.
func execute(t *testing.T, script, ca string, arg facts) {
	t.Helper()
	if err := present(); err != nil {
		missing(t, err)
	}
	project := plain
	switch folder, _, _ := strings.Cut(script, "/"); folder {
	case "nextjs":
		project = nextjs
	case "openapi":
		project = linter
	}
	dir, err := project()
	if err != nil {
		missing(t, err)
	}
	text, err := json.Marshal(arg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--test-reporter=tap", script, string(text))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+ca)
	out, err := cmd.CombinedOutput()
	report(t, string(out), err)
}

// trusted returns a file with the certificates of the provider and the apps;
// empty when all is http.
func trusted(t *testing.T, s *idptest.Server, more facts) string {
	t.Helper()
	cert, _ := more["cert"].(string)
	if s.CA != "" {
		ca, err := os.ReadFile(s.CA)
		if err != nil {
			t.Fatal(err)
		}
		cert += string(ca)
	}
	if cert == "" {
		return ""
	}
	file := filepath.Join(t.TempDir(), "trusted.pem")
	if err := os.WriteFile(file, []byte(cert), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
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
		t.Run(tap[at[4]:at[5]], func(t *testing.T) {
			if tap[at[2]:at[3]] != "ok" {
				failed = true
				t.Error(tap[at[0]:end])
			}
		})
	}
	if err != nil && !failed || len(results) == 0 {
		t.Fatalf("%v\n%s", err, tap)
	}
}
