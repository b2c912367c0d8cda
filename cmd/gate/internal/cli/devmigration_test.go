package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDev_filesFollow: what a generation does to files of the user's when an entity has
// another name is told under gate dev, too, with the places that somebody has to see
// to: no later generation knows of them. It is no change of the user's.
func TestDev_filesFollow(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	design := func(entity string) string {
		return "gate: 1\nservice: {name: shop, module: example.com/shop}\nentities:\n  " + entity + "\n    fields: {name: text}\n    allow: {view: public}\n"
	}
	var out bytes.Buffer
	d := &dev{cmd: &devCmd{Dir: dir}, talk: newTalk(&out, "never")}
	generate := func() {
		t.Helper()
		var err error
		if d.p, err = open(dir); err != nil {
			t.Fatal(err)
		}
		if d.watch, err = newWatcher(dir); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(d.watch.close)
		if err := d.generate(d.talk.step("generate")); err != nil {
			t.Fatal(err)
		}
	}
	write("gate.yaml", design("Item:"))
	generate()
	write("app/hooks.go", "package app\n\nfunc configure(a *App) error {\n\t_ = a.Items\n\t_ = `SELECT name FROM items`\n\treturn nil\n}\n")
	write("app/item.go", "package app\n")
	out.Reset()

	write("gate.yaml", design("Product:\n    renamedFrom: Item"))
	generate()
	for _, want := range []string{
		"app/item.go is app/product.go now", "app/hooks.go has the other names now", "! app/hooks.go:5: SQL that names items", "1 moved, 1 with other names in them",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("not told: %s\n%s", want, out.String())
		}
	}
	now, err := d.watch.read()
	if err != nil {
		t.Fatal(err)
	}
	if changed := d.watch.changed(now); len(changed) > 0 {
		t.Errorf("changed for whom: %q", changed)
	}
}
