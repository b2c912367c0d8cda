package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestSameWork generates and builds the peer, and measures it for a moment beside the
// service, which ends with an error unless both answer alike.
func TestSameWork(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it generates and builds two services")
	}
	databases := []string{"sqlite"}
	if os.Getenv("GATE_TEST_POSTGRES") != "" || strings.Contains(os.Getenv("GATE_TEST_REQUIRE"), "postgres") {
		databases = append(databases, "postgres")
	}
	// So few rows that the filter decides which products are answered, and the limit which orders.
	cmd := exec.CommandContext(t.Context(), "go", "run", "./bench/shop", "-rows", "50", "-seconds", "0.05",
		"-database", strings.Join(databases, ","), "-peers", "bench/compare/entgql")
	cmd.Dir = "../../.."
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, what := range []string{"get", "list", "create", "nested", "mixed"} {
		line := regexp.MustCompile(`graphql ` + what + ` +ent \+ gqlgen +[1-9]`)
		if got := len(line.FindAll(out, -1)); got != len(databases) {
			t.Errorf("%s was measured %d times on %v:\n%s", what, got, databases, out)
		}
	}
}
