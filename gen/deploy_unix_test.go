//go:build unix

package gen_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestDeploy_image runs what the Dockerfile makes of a service as the Dockerfile
// says: alone in a file system, as nobody, where only /data can be written.
func TestDeploy_image(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	if os.Getuid() != 0 {
		t.Skip("root alone may enclose a program in a folder")
	}
	dir, root := t.TempDir(), t.TempDir()
	regenerate(t, dir, deployed("sqlite"))
	t.Setenv("CGO_ENABLED", "0")
	goTool(t, dir, "build", "-trimpath", "-o", filepath.Join(root, "service"), ".")
	data := filepath.Join(root, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, 65532, 65532); err != nil {
		t.Fatal(err)
	}
	url := launch(t, "/service", func(cmd *exec.Cmd) {
		cmd.Dir = "/data"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	})
	if status, body := get(t, url+"/health/ready"); status != 200 {
		t.Errorf("not ready: %d %s", status, body)
	}
	for _, name := range []string{".gate/shop.db", ".gate/admin.json"} {
		if info, err := os.Stat(filepath.Join(data, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("/data/%s: %v, %v", name, info, err)
		}
	}
}
