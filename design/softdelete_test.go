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
	accounts, firm := strings.Index(src, "  User:"), strings.Index(src, "  Firm:")
	ticket := strings.Index(src, "  Ticket:")
	turned := src[:accounts] + src[firm:ticket] + src[accounts:firm] + src[ticket:]
	if _, err := design.Parse("gate.yaml", []byte(turned)); err != nil {
		t.Errorf("the tenants before the accounts: %v", err)
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

// TestCascade_accounts: accounts are not deleted with other rows, where nothing asks
// who may delete them.
func TestCascade_accounts(t *testing.T) {
	const src = `gate: 1
service: {name: desk, module: example.com/desk}
roles: {root: {}}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  User:
    fields:
      email: {type: email, required: true, unique: true}
      password: password
      roles: roles
      company: {type: relation, to: Company, onDelete: ON}
    allow: {view: root, create: root}
  Company: {fields: {name: text, boss: {type: relation, to: User, onDelete: cascade}}}
`
	for _, on := range []string{"restrict", "set-null"} {
		if _, err := design.Parse("gate.yaml", []byte(strings.Replace(src, "ON", on, 1))); err != nil {
			t.Errorf("%s: %v", on, err)
		}
	}
	cascade := strings.Replace(src, "ON", "cascade", 1)
	tenant := strings.NewReplacer("root: {}", "root: {acrossTenants: true}", "  User:\n", "  User:\n    tenant: company\n", "Company: {", "Company: {tenant: id, ", ", boss: {type: relation, to: User, onDelete: cascade}", "").Replace(cascade)
	for name, src := range map[string]string{
		"another row":               cascade,
		"another account":           strings.Replace(cascade, "to: Company, onDelete", "to: User, onDelete", 1),
		"a tenant that is not kept": tenant,
	} {
		if _, err := design.Parse("gate.yaml", []byte(src)); err == nil || !strings.Contains(err.Error(), "onDelete: cascade would delete accounts with rows of ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := design.Parse("gate.yaml", []byte(strings.Replace(tenant, "{tenant: id", "{softDelete: true, tenant: id", 1))); err != nil {
		t.Errorf("a tenant that is kept: %v", err)
	}
}
