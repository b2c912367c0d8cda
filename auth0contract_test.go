package gate_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestAuth0Contract reads docs/auth0-contract.md: each row is there once, and every
// test that it names exists in the package that it names.
func TestAuth0Contract(t *testing.T) {
	page, err := os.ReadFile("docs/auth0-contract.md")
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for area, last := range map[string]int{"A": 40, "W": 14} {
		for n := range last {
			missing[fmt.Sprint(area, n+1)] = true
		}
	}
	named := 0
	for _, m := range regexp.MustCompile(`(?m)^\| ([AW]\d+) \| (.+) \| (.+) \|$`).FindAllStringSubmatch(string(page), -1) {
		if id := m[1]; !missing[id] {
			t.Errorf("%s: there is no such row to have, or it is there twice", id)
		} else {
			delete(missing, id)
			named += checkShown(t, id, m[3])
		}
	}
	if len(missing) > 0 {
		t.Errorf("no row %v", slices.Sorted(maps.Keys(missing)))
	}
	if rows := strings.Count(string(page), "\n| A") + strings.Count(string(page), "\n| W"); rows != 54 || named < 130 {
		t.Errorf("%d rows name %d tests", rows, named)
	}
}
