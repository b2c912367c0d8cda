package browser_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gatewright/gate/conformance/internal/stagetest"
	"github.com/gatewright/gate/idp/idptest"
)

func TestMain(m *testing.M) {
	os.Exit(stagetest.Main(m, ".", true, func(folder string) error {
		guide, err := os.ReadFile("../../docs/guides/auth0.md")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "auth0.md"), guide, 0o600); err != nil {
			return err
		}
		cmd := exec.Command("node", "bundle.mjs")
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("bundle.mjs: %w\n%s", err, out)
		}
		return nil
	}))
}

// run runs a scenario; each of its tests is a subtest.
func run(t *testing.T, s *idptest.Server, script string, more stagetest.Facts) {
	t.Helper()
	arg := stagetest.Facts{
		"url": s.URL, "issuer": s.Issuer(), "audience": idptest.Audience,
		"secret": idptest.Secret, "connection": idptest.Connection, "password": idptest.Password, "outbox": s.Outbox,
	}
	maps.Copy(arg, more)
	stagetest.Scenario(t, script, arg, s.CA)
}
