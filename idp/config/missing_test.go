package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/config"
)

func TestConfig_missing(t *testing.T) {
	const text = `issuer: https://id.example.com/
tls: {certificate: tls.crt, key: tls.key}
looks: {logo: logo.svg}
seed:
  clients: [{name: Cron, type: machine, secretEnv: CRON_SECRET}]
  connections: [{name: github, strategy: github, clientID: x, clientSecretEnv: GITHUB_SECRET}]
  users: [{email: ada@example.com, passwordEnv: ADA_PASSWORD}]
  actions: [{name: a, trigger: post-login, file: a.js, secrets: {K: CRON_SECRET, L: ACTION_KEY}}]
`
	dir := t.TempDir()
	file := filepath.Join(dir, "idp.yaml")
	c, err := config.Parse(file, []byte(text), lookup("GITHUB_SECRET=x", "ADA_PASSWORD="))
	if err != nil {
		t.Fatal(err)
	}
	variables, err := c.Missing()
	if diff := cmp.Diff([]string{"ACTION_KEY", "ADA_PASSWORD", "CRON_SECRET"}, variables); diff != "" {
		t.Error(diff)
	}
	want := ""
	for _, problem := range []string{
		`2:20: tls.certificate: there is no file "tls.crt"`, `2:34: tls.key: there is no file "tls.key"`, `3:15: looks.logo: there is no file "logo.svg"`,
		`8:50: seed.actions[0].file: there is no file "a.js"`,
	} {
		want += file + ":" + problem + "\n    paths are relative to this file\n"
	}
	if err == nil || strings.TrimRight(err.Error(), "\n") != strings.TrimRight(want, "\n") {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	for _, name := range []string{"tls.crt", "tls.key", "logo.svg", "a.js"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if c, err = config.Parse(file, []byte(text), lookup("GITHUB_SECRET=x", "ADA_PASSWORD=x", "CRON_SECRET=x", "ACTION_KEY=x")); err != nil {
		t.Fatal(err)
	}
	if variables, err = c.Missing(); err != nil || len(variables) > 0 {
		t.Errorf("with all of it: %q, %v", variables, err)
	}
}
