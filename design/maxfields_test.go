package design_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
)

// More fields than a service can have are told here, where the line is known, and not
// by the service that does not start.
func TestMaxFields(t *testing.T) {
	t.Parallel()
	of := func(n int) []byte {
		text := "gate: 1\nservice: {name: shop, module: example.com/shop}\nentities:\n  Item:\n    fields:\n"
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "      f%d: text\n", i)
		}
		return []byte(text + b.String())
	}
	const added = 3 // id, createdAt, updatedAt
	d, err := design.Parse("gate.yaml", of(design.MaxFields-added))
	if err != nil || len(d.Entities[0].Fields) != design.MaxFields {
		t.Fatal(err)
	}
	_, err = design.Parse("gate.yaml", of(design.MaxFields-added+1))
	if err == nil || !strings.Contains(err.Error(), "gate.yaml:") || !strings.Contains(err.Error(), "entity Item has 257 fields, with those that every entity has, and 256 are the most") {
		t.Errorf("%v", err)
	}
}
