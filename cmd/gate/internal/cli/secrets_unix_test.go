//go:build unix

package cli

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestPrepare_pipe: a .env to which nobody writes is not waited for.
func TestPrepare_pipe(t *testing.T) {
	p := issued(t, "http://localhost:0/")
	if err := syscall.Mkfifo(filepath.Join(p.dir, ".env"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.prepare(); err == nil || !strings.Contains(err.Error(), ".env is not a file") {
		t.Errorf("%v", err)
	}
}
