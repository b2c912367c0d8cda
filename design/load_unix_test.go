//go:build unix

package design_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gatewright/gate/design"
)

// TestLoad_pipe: a pipe is refused, and not waited for.
func TestLoad_pipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "gate.yaml")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := design.Load(name); err == nil {
		t.Error("a pipe was read")
	}
}
