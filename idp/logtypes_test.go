package idp_test

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/tenant"
)

// What the sources write into the log is among the types that gate idp log takes.
func TestLogTypes(t *testing.T) {
	known := tenant.LogTypes()
	if !slices.IsSorted(known) {
		t.Errorf("not sorted: %v", known)
	}
	written := regexp.MustCompile(`(?:record\w*\((?:&?[\w.]+, )+|\bkind(?:, \w+)* :?= |\{kind: |Log\{\s*Type: )"([a-z_]+)"`)
	found := map[string]bool{}
	for _, dir := range []string{".", "../cmd/gate/internal/cli"} {
		root := os.DirFS(dir)
		err := fs.WalkDir(root, ".", func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := fs.ReadFile(root, path)
			for _, m := range written.FindAllStringSubmatch(string(text), -1) {
				if found[m[1]] = true; !slices.Contains(known, m[1]) {
					t.Errorf("%s writes %q", path, m[1])
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 20 {
		t.Errorf("found only %v", found)
	}
}
