package gen_test

import (
	"fmt"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"

	"github.com/gatewright/gate/gen"
)

// TestGoWords: what Go calls its own is a name of a field, of the other end of a
// relation, of a member of a type and of an action like any other.
func TestGoWords(t *testing.T) {
	words := append(types.Universe.Names(), "init", "main")
	for tok := token.BREAK; tok <= token.VAR; tok++ {
		words = append(words, tok.String())
	}
	slices.Sort(words)
	var fields, keys, members, actions strings.Builder
	for _, w := range words {
		if w != strings.ToLower(w) || w == "_" {
			continue
		}
		fmt.Fprintf(&fields, "      %s: {type: text, column: %s_word}\n", w, w)
		fmt.Fprintf(&keys, "      %sOf: {type: relation, to: Third, inverse: %q}\n", w, w)
		fmt.Fprintf(&members, "      %s: {type: text}\n", w)
		fmt.Fprintf(&actions, "  %s: {method: POST, path: do/%s, input: Words, output: Words, allow: [public]}\n", w, w)
	}
	src := "gate: 1\nservice: {name: shop, module: example.com/shop, apis: [rest, graphql]}\nentities:\n  Item:\n    fields:\n" + fields.String() +
		"    allow: {view: public, list: public, create: public, update: public}\n  Other:\n    fields:\n      kind: {type: enum, values: [type, func]}\n      type: {type: enum, values: [type, func], column: type}\n" + keys.String() +
		"      len: {type: relation, to: Item}\n    allow: {view: public, list: public, create: public}\n  Third:\n    fields: {name: text}\n    allow: {view: public, list: public}\n" +
		"types:\n  Words:\n    fields:\n" + members.String() + "actions:\n" + actions.String()
	dir := t.TempDir()
	if _, err := regenerated(t, dir, src, gen.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	if found := newChecker(t).check(t, dir); found != nil {
		t.Errorf("%v\n%s", found, src)
	}
}
