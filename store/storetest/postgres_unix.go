//go:build unix

package storetest

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// ownGroup puts cmd in a process group of its own, so that Ctrl-C reaches it
// through its input only; under root it also gives cmd and dir to the user of
// the server.
func ownGroup(cmd *exec.Cmd, dir string) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := serverUser()
	if err != nil {
		return err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(dir, int(uid), int(gid))
}
