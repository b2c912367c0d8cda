package permissions_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/gen/permissions"
)

const desk = `
gate: 1
service: {name: desk, module: example.com/desk}
roles:
  agent: {permissions: ["update:tickets"]}
  operator: {acrossTenants: true, inherits: [agent]}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  Ticket:
    fields:
      firm: {type: relation, to: Firm, required: true, onDelete: cascade}
      title: text
      author: {type: relation, to: User}
    tenant: firm
    owner: author
    allow: {view: signed-in, list: [owner, {rules: agent, when: {title: null}}], create: signed-in, update: [owner, "update:tickets"], delete: nobody}
  Firm:
    fields: {name: text}
    tenant: id
    allow: {view: signed-in, create: agent, delete: agent}
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles, firm: {type: relation, to: Firm}}
    owner: id
    tenant: firm
    allow: {view: [owner, agent], create: public, update: [owner, agent]}
`

// TestAUZ09_matrix: what rules say holds within the tenant of a caller, but for who
// stands above tenants.
func TestAUZ09_matrix(t *testing.T) {
	m := matrix(t, desk)
	got := map[string]string{}
	for _, e := range m.Entities {
		for _, g := range e.Grants {
			if g.Kind == permissions.Permission {
				continue
			}
			var words []string
			for _, a := range authz.Actions() {
				words = append(words, g.Rows.At(a).Rows.String())
			}
			for _, f := range g.Fields {
				if f.Name == "firm" {
					words = append(words, "firm: "+f.Create.Rows.String()+", "+f.Update.Rows.String())
				}
			}
			got[e.Name+" "+permissions.Caller{Kind: g.Kind, Name: g.Name}.String()] = strings.Join(words, "; ")
		}
	}
	want := map[string]string{ // view, list, create, update, delete
		"Ticket anonymous": "none; none; none; none; none; firm: none, none",
		"Ticket signed-in": "tenant; own within tenant; tenant; own within tenant; none; firm: none, none",
		"Ticket agent":     "tenant; own within tenant and some tenant; tenant; tenant; none; firm: none, none",
		"Ticket operator":  "all; own and some; all; all; none; firm: all, none",
		"Firm anonymous":   "none; none; none; none; none",
		"Firm signed-in":   "tenant; none; none; none; none",
		"Firm agent":       "tenant; none; none; none; tenant",
		"Firm operator":    "all; none; all; none; all",
		"User anonymous":   "none; none; all; none; none; firm: none, none",
		"User signed-in":   "own; none; all; own; none; firm: none, none",
		"User agent":       "own or tenant; none; all; own or tenant; none; firm: none, none",
		"User operator":    "all; none; all; all; none; firm: all, all",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, c := range m.Callers {
		if c.AcrossTenants != (c.Name == "operator") {
			t.Errorf("%s above tenants: %t", c, c.AcrossTenants)
		}
	}
}

// TestAUZ09_words: what changes when a tenant comes and goes, and when a role rises.
func TestAUZ09_words(t *testing.T) {
	for _, tt := range []struct {
		old, new string
		want     []string
	}{
		{"roles:\n", "roles:\n  auditor: {acrossTenants: true}\n", []string{
			"auditors can now view the tickets of all tenants, not only those of their tenant",
			"auditors can now list and update their own tickets, not only their own within their tenant",
			"auditors can now create the tickets of all tenants, not only those of their tenant (this is not so for firm)",
			"auditors can now set the firm of tickets",
			"auditors can now view the firms of all tenants, not only those of their tenant",
			"auditors can now set the firm of users",
			"auditors can now change the firm of their own account",
		}},
		{"    tenant: id\n", "", []string{
			"everybody signed in can now view the firms of all tenants, not only those of their tenant",
			"agents can now create firms", "agents can now delete the firms of all tenants, not only those of their tenant",
		}},
	} {
		var got []string
		for _, c := range permissions.Compare(matrix(t, desk), matrix(t, strings.Replace(desk, tt.old, tt.new, 1))) {
			got = append(got, c.Text)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestAUZ09_table: the table says who stands above tenants, and where rows have one.
func TestAUZ09_table(t *testing.T) {
	var b strings.Builder
	if err := matrix(t, desk).Table(&b, permissions.Look{ASCII: true}); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"stands above tenants", "within the tenant by firm", "within the tenant by id", "tenant: rows of one's tenant", "own/ten.:", "own+ten.:"} {
		if !strings.Contains(b.String(), words) {
			t.Errorf("nothing of %q in\n%s", words, b.String())
		}
	}
}

// TestAUZ09_cascades: who deletes what has no tenant takes rows of all tenants along.
func TestAUZ09_cascades(t *testing.T) {
	const shop = `
gate: 1
service: {name: shop, module: example.com/shop}
roles: {root: {acrossTenants: true}}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  Ware:
    fields: {firm: {type: relation, to: Firm, required: true}, kind: {type: relation, to: Kind, onDelete: cascade}, shelf: {type: relation, to: Shelf, onDelete: cascade}}
    tenant: firm
    allow: {view: signed-in, delete: signed-in}
  Shelf:
    fields: {firm: {type: relation, to: Firm, required: true}}
    tenant: firm
    allow: {view: signed-in, delete: signed-in}
  Kind: {fields: {name: text}, allow: {view: signed-in, delete: signed-in}}
  Firm: {fields: {name: text}, tenant: id, allow: {view: root}}
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles, firm: {type: relation, to: Firm}}
    tenant: firm
    allow: {view: root}
`
	m := matrix(t, shop)
	want := []permissions.Cascade{{Entity: "Ware", Beyond: []string{"signed-in"}}}
	if diff := cmp.Diff(want, m.Entity("Kind").Cascades); diff != "" {
		t.Errorf("with a kind: %s", diff)
	}
	if diff := cmp.Diff([]permissions.Cascade{{Entity: "Ware"}}, m.Entity("Shelf").Cascades); diff != "" {
		t.Errorf("with a shelf: %s", diff)
	}
}
