//go:build unix

package gen_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen"
)

// TestReadState_pipe: a pipe in the place of a file is refused, and not waited
// for.
func TestReadState_pipe(t *testing.T) {
	for _, name := range []string{"go.mod", "go.sum"} {
		dir := t.TempDir()
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := gen.ReadState(dir, design.SQLite); err == nil {
			t.Errorf("%s: a pipe was read", name)
		}
	}
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "gate.manifest.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := gen.Apply(dir, nil, gen.ApplyOptions{}); err == nil {
		t.Error("a manifest that is a pipe was read")
	}
}
