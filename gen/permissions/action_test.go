package permissions_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/gen/permissions"
)

const cooking = `gate: 1
service: {name: kitchen, module: example.com/kitchen}
roles: {chef: {permissions: ["cook:meals"]}, boss: {inherits: [chef]}}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  User: {fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}}
actions:
  cook: {allow: ["cook:meals"]}
  burn: {row: User}
  taste: {allow: ALLOW}
`

// TestActions: who may call an action is in the matrix, in the table, and in what
// changes from one design to another.
func TestActions(t *testing.T) {
	before, err := permissions.Of(parse(t, strings.Replace(cooking, "ALLOW", "chef", 1)))
	if err != nil {
		t.Fatal(err)
	}
	want := []permissions.Action{
		{Name: "cook", Words: []string{"cook:meals"}, Callers: []string{"chef", "boss", "cook:meals"}},
		{Name: "burn", Row: "User", Words: []string{"nobody"}, Callers: []string{}},
		{Name: "taste", Words: []string{"chef"}, Callers: []string{"chef", "boss"}},
	}
	if diff := cmp.Diff(want, before.Actions); diff != "" {
		t.Error(diff)
	}
	var table strings.Builder
	if err := before.Table(&table, permissions.Look{}); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"  cook          chef, boss, cook:meals\n", "  burn          nobody\n", "                by rule cook:meals\n"} {
		if !strings.Contains(table.String(), line) {
			t.Errorf("no line %q in\n%s", line, &table)
		}
	}
	after, err := permissions.Of(parse(t, strings.Replace(cooking, "ALLOW", "signed-in", 1)))
	if err != nil {
		t.Fatal(err)
	}
	wider, narrower := permissions.Compare(before, after), permissions.Compare(after, before)
	if len(wider) != 1 || !wider[0].Wider || !strings.HasSuffix(wider[0].Text, " can now call the action taste") {
		t.Errorf("opened: %+v", wider)
	}
	if len(narrower) != 1 || !narrower[0].Narrower || !strings.HasSuffix(narrower[0].Text, " could call the action taste and cannot any more") {
		t.Errorf("closed: %+v", narrower)
	}
}
