//go:build unix

package cli

import (
	"os"
	"syscall"
)

// ownGroup keeps Ctrl+C in the terminal from the service: gate ends it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// terminate asks a process to end.
func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) }

// kill ends a process that has not been waited for, and its children.
func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
