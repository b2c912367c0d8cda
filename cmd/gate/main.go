// Command gate turns a gate.yaml into a Go service with its authentication
// done right, and runs it while you develop.
package main

import (
	"os"

	"github.com/gatewright/gate/cmd/gate/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
