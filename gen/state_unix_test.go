//go:build unix

package gen_test

import (
	"os"
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

// TestApply_mode: what nobody else may read stays so when it is written anew.
func TestApply_mode(t *testing.T) {
	dir := t.TempDir()
	apply(t, dir, gen.Files{generated("app/a_gen.go", "package app\n")}, gen.ApplyOptions{})
	name := filepath.Join(dir, "app", "a_gen.go")
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	apply(t, dir, gen.Files{generated("app/a_gen.go", "package app // changed\n")}, gen.ApplyOptions{})
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
