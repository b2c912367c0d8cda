package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/store"
)

// TestDev_neitherStarts: where neither the new version starts nor the one before, whose
// database is ahead of it by then, both are told, with what leads out of there.
func TestDev_neitherStarts(t *testing.T) {
	var out bytes.Buffer
	d := &dev{cmd: new(devCmd), talk: newTalk(&out, "never"), p: issued(t, "https://shop.eu.auth0.com/"), addr: "127.0.0.1:0"}
	d.log = &serviceLog{talk: d.talk}
	program := func(name, says string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+says+"' >&2\nexit 1\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bad := program("new", "no such host")
	for says, want := range map[string]string{
		"shop: " + store.ErrNewer.Error() + ": it has 0002": "gate migrate down",
		"the port is taken": "any more either: the port is taken",
	} {
		d.bin = program("old", says)
		err := d.restart(t.Context(), bad)
		f, ok := errors.AsType[*fault](err)
		if !ok || f.Error() != "no such host" || !strings.Contains(f.hint, want) || d.serving != nil {
			t.Errorf("%s: %v, %+v", says, err, f)
		}
	}
}

// TestDev_noDatabase: nothing is built for a database of which nobody says where it is.
func TestDev_noDatabase(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	p := issued(t, "https://shop.eu.auth0.com/")
	dir := p.dir
	if err := p.located(); err != nil {
		t.Errorf("SQLite: %v", err)
	}
	p.design.Service.Database = design.Postgres
	for text, want := range map[string]bool{
		"": false, "DATABASE_URL=\n": false, "DATABASE_URL=\"\"\n": false, "# DATABASE_URL=x\n": false, "OTHER_DATABASE_URL=x\n": false,
		"A=1\nDATABASE_URL=postgres://localhost/shop\n": true, " export DATABASE_URL = 'postgres://localhost/shop'\n": true,
	} {
		if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := p.located() == nil; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	t.Setenv("DATABASE_URL", "postgres://localhost/shop")
	if !says(t.TempDir(), "DATABASE_URL") {
		t.Error("the environment says it")
	}
}
