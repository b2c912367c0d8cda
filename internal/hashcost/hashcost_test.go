package hashcost_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/gatewright/gate/internal/hashcost"
)

func TestLower(t *testing.T) {
	if hashcost.Lowered() {
		t.Error("lowered by nobody")
	}
	hashcost.Lower()
	if !hashcost.Lowered() {
		t.Error("not lowered")
	}
}

// TestLower_program: a program that is no test cannot lower anything.
func TestLower_program(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "run", "./testdata/program").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "only tests may hash passwords cheaply") {
		t.Errorf("%v %s", err, out)
	}
}
