package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
)

// The place of a rule that a plugin adds is in what the plugin adds, and not a line of
// gate.yaml.
func TestAuthzExplain_plugin(t *testing.T) {
	d, err := design.Parse("shop/gate.yaml", []byte("gate: 1\nservice: {name: shop, module: example.com/shop}\nroles: {clerk: {}}\nplugins: {auth-core: {entity: User}}\nentities:\n"+
		"  Item: {fields: {name: text}, allow: {view: [clerk], update: [clerk]}}\n"+
		"  User: {fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	d, err = d.With(design.Addition{Plugin: "flags", YAML: []byte("entities:\n  Item: {fields: {flagged: boolean}, fieldRules: {flagged: {update: [clerk]}}}\n  Flag: {fields: {name: text}, allow: {view: [clerk]}}\n")})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		cmd   authzExplainCmd
		wants []string
	}{
		{authzExplainCmd{Role: []string{"clerk"}, Action: "view", Entity: "Flag"}, []string{"\n  3:47         clerk: the role is held", "Decided by   plugin flags:3:47: clerk"}},
		{authzExplainCmd{Role: []string{"clerk"}, Action: "update", Entity: "Item", Field: "flagged"}, []string{"\n  shop/gate.yaml:6:64 clerk: the role is held", "\n  2:70         clerk: the role is held", "Decided by   plugin flags:2:70: clerk"}},
		{authzExplainCmd{Role: []string{"clerk"}, Action: "view", Entity: "Item"}, []string{"\n  6:47         clerk: the role is held", "Decided by   shop/gate.yaml:6:47: clerk"}},
	} {
		v, err := tt.cmd.explain(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.wants {
			if got := v.text(newTalk(&bytes.Buffer{}, "never")); !strings.Contains(got, want) {
				t.Errorf("%s %s lacks %q:\n%s", tt.cmd.Action, tt.cmd.Entity, want, got)
			}
		}
	}
}
