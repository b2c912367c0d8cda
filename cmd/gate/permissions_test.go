package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestGEN08_revisions compares with revisions that are options, files and commands,
// in repositories that would like to run something.
func TestGEN08_revisions(t *testing.T) {
	testscript.Run(t, testscript.Params{Files: []string{"testdata/hostile/git.txtar"}})
}
