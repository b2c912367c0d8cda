package design_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/design"
)

// TestSoftDelete_tenants: a tenant that is kept closes its accounts, which need not
// be kept themselves; all other rows that go with it do.
func TestSoftDelete_tenants(t *testing.T) {
	const src = `gate: 1
service: {name: desk, module: example.com/desk}
roles: {root: {acrossTenants: true}}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  User:
    tenant: firm
    fields:
      email: {type: email, required: true, unique: true}
      password: password
      roles: roles
      firm: {type: relation, to: Firm, onDelete: cascade}
      former: {type: relation, to: Firm}
    allow: {view: root, create: root}
  Firm:
    tenant: id
    softDelete: true
    fields: {name: text}
    allow: {view: signed-in, delete: root}
  Ticket:
    tenant: firm
    softDelete: true
    fields: {firm: {type: relation, to: Firm, required: true, onDelete: cascade}}
    allow: {view: signed-in}
`
	if _, err := design.Parse("gate.yaml", []byte(src)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"rows that are not kept":  {"  Ticket:\n    tenant: firm\n    softDelete: true\n", "  Ticket:\n    tenant: firm\n"},
		"another key of accounts": {"former: {type: relation, to: Firm}", "former: {type: relation, to: Firm, onDelete: cascade}"},
	} {
		changed := strings.Replace(src, change[0], change[1], 1)
		if _, err := design.Parse("gate.yaml", []byte(changed)); changed == src || err == nil || !strings.Contains(err.Error(), "would be deleted for good") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
