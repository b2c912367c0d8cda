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

// lock takes no file here: there is no lock that every such system has.
func lock(*os.File) (bool, error) { return true, nil }
