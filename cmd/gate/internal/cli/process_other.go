//go:build !unix

package cli

import (
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

// terminate does nothing: the service ends when its standard input does.
func terminate(*os.Process) {}

func kill(p *os.Process) { _ = p.Kill() }
