package design_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
)

// TestActions_flat: what a query string cannot hold is refused where it is declared.
func TestActions_flat(t *testing.T) {
	for member, refused := range map[string]bool{
		"{type: geo}": false, "{type: multi-enum, values: [a]}": false, "{type: text, list: true}": false,
		"{type: geo, list: true}": true, "{type: multi-enum, values: [a], list: true}": true, "{type: json}": true,
	} {
		_, err := design.Parse("gate.yaml", []byte("gate: 1\nservice: {name: shop, module: example.com/shop}\nactions:\n  ask: {method: GET, input: {x: "+member+"}, allow: public}\n"))
		if got := err != nil && strings.Contains(err.Error(), `"x" has no place in a query string`); got != refused || !refused && err != nil {
			t.Errorf("%s: %v", member, err)
		}
	}
}
