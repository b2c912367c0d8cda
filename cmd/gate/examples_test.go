package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestExamplesAreCurrent generates every committed example again, and builds it.
func TestExamplesAreCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("builds services")
	}
	gate := gateBinary(t)
	designs, err := filepath.Glob("../../examples/*/gate.yaml")
	if err != nil || len(designs) == 0 {
		t.Fatal("no examples", err)
	}
	for _, design := range designs {
		dir := filepath.Dir(design)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			if out, err := exec.Command(gate, "generate", "--check", dir).CombinedOutput(); err != nil {
				t.Fatalf("gate generate --check: %v\n%s", err, out)
			}
			cmd := exec.Command("go", "vet", "./...")
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("go vet: %v\n%s", err, out)
			}
		})
	}
}
