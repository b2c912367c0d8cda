package strategytest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGuide builds the strategy of the guide as it is printed, and runs its
// test: for the compiler both stand in the folder of the guides.
func TestGuide(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a package")
	}
	const guides = "../../docs/guides"
	guide, err := os.ReadFile(filepath.Join(guides, "strategies.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(guide), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d blocks of Go, want 2", len(blocks))
	}
	if lines := strings.Count(blocks[0][1], "\n"); lines >= 30 {
		t.Errorf("the strategy has %d lines", lines)
	}
	here, err := filepath.Abs(guides)
	if err != nil {
		t.Fatal(err)
	}
	temp, replace := t.TempDir(), make(map[string]string)
	for i, name := range []string{"kiosk.go", "kiosk_test.go"} {
		code := strings.ReplaceAll(blocks[i][1], "example.com/restaurant/kiosk", "github.com/gatewright/gate/docs/guides")
		file := filepath.Join(temp, name)
		if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(here, name)] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(temp, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "test", "-v", "-overlay", file, guides).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestKiosk") {
		t.Errorf("%v\n%s", err, out)
	}
}
