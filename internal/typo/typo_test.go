package typo_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/internal/typo"
)

func TestNearest(t *testing.T) {
	candidates := []string{"create:items", "update:items", "read:orders"}
	for word, want := range map[string]string{
		"create:itmes": "create:items", "Create:Items": "create:items", "creat:items": "create:items", "read:order": "read:orders",
		"delete:items": "", "read:users": "", "": "", strings.Repeat("x", 65): "",
	} {
		if got := typo.Nearest(word, candidates); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
