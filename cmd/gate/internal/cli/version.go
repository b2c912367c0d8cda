package cli

import (
	"fmt"
	"runtime"
)

type versionCmd struct{}

func (versionCmd) Example() string { return "gate version" }

// Run prints the version of gate and of Go.
func (versionCmd) Run(out *console) error {
	_, err := fmt.Fprintf(out.stdout, "gate %s (%s %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
