package design_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/design"
)

func TestInherits(t *testing.T) {
	d := parse(t, header+`roles:
  chef: {inherits: [cook, baker], permissions: ["items:*"]}
  cook: {inherits: [guest]}
  baker: {inherits: [guest]}
  guest:
`)
	for name, want := range map[string][]string{"chef": {"cook", "baker"}, "cook": {"guest"}, "guest": nil} {
		if got := d.Role(name).Inherits; !slices.Equal(got, want) {
			t.Errorf("%s inherits %q, want %q", name, got, want)
		}
	}
}

// TestWildcards asks for permissions in rules that roles hold by a wildcard.
// What the loader takes for held has to be what the engine takes for held.
func TestWildcards(t *testing.T) {
	for _, held := range []string{"*", "*:*", "create:*", "*:items", "create:items", "delete:*", "*:orders", "create:item"} {
		src := header + fmt.Sprintf("roles: {staff: {permissions: [%q]}}\nentities: {Item: {allow: {view: [\"create:items\"]}}}\n", held)
		_, err := design.Parse("gate.yaml", []byte(src))
		if want := gate.Permits(held, "create:items"); (err == nil) != want {
			t.Errorf("a role holds %s, a rule asks for create:items: %v, and the engine says %t", held, err, want)
		}
	}
}

// TestGEN03_hostileRoles has as many ways from role to role as fit into a file.
func TestGEN03_hostileRoles(t *testing.T) {
	var b strings.Builder
	b.WriteString(header + "roles:\n")
	for i := range 200 {
		fmt.Fprintf(&b, "  r%d: {inherits: [", i)
		for j := range i {
			fmt.Fprintf(&b, "r%d,", j)
		}
		b.WriteString("]}\n")
	}
	start := time.Now()
	d, err := design.Parse("gate.yaml", []byte(b.String()))
	if err != nil || len(d.Roles) != 200 {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 30*time.Second { // whatever else the machine does
		t.Errorf("took %s", took)
	}
}
