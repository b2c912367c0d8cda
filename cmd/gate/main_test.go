package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(cleaned{m}, map[string]func(){"gate": main})
}

// cleaned runs the tests and removes what they share.
type cleaned struct{ *testing.M }

func (c cleaned) Run() int {
	defer func() { _ = os.RemoveAll(shared()) }()
	return c.M.Run()
}

// TestScript runs the commands as a person types them.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", RequireExplicitExec: false})
}
