package design_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
)

const tenants = `
gate: 1
service: {name: desk, module: example.com/desk}
roles:
  agent: {permissions: ["update:tickets"]}
  root: {acrossTenants: true}
  owner-of-all: {inherits: [root]}
plugins: {auth-core: {entity: User}}
entities:
  Ticket:
    fields:
      firm: {type: relation, to: Firm, required: true, onDelete: cascade}
      title: {type: text, required: true, unique: true}
      number: integer
      day: date
      box: {type: relation, to: Box, unique: true}
    tenant: firm
    unique: [[number, day], [firm, day]]
    allow: {view: signed-in, create: signed-in}
    fieldRules: {firm: {view: root}}
  Box:
    fields: {firm: {type: relation, to: Firm, required: true}}
    tenant: firm
    allow: {view: signed-in}
  Remark:
    fields: {ticket: {type: relation, to: Ticket}, users: {type: relation, to: User, many: true}}
    allow: {view: root, list: signed-in}
  Log:
    fields: {ticket: {type: relation, to: Ticket}}
    allow: {view: owner-of-all, create: signed-in}
  Firm:
    fields: {name: {type: text, unique: true}}
    allow: {view: signed-in, create: root}
  User:
    fields:
      email: {type: email, required: true, unique: true}
      badge: {type: text, unique: true}
      password: password
      roles: roles
      firm: {type: relation, to: Firm}
    owner: id
    tenant: firm
    allow: {view: owner, create: public}
`

func TestParse_tenants(t *testing.T) {
	if err := accepts(t, compileSchema(t), tenants); err != nil {
		t.Errorf("the schema: %v", err)
	}
	d, err := design.Parse("gate.yaml", []byte(tenants))
	if err != nil {
		t.Fatal(err)
	}
	if got := d.AboveTenants(); !slices.Equal(got, []string{"root", "owner-of-all"}) || d.Tenants() != d.Entity("Firm") {
		t.Errorf("above tenants %v, which are %v", got, d.Tenants())
	}
	unique := map[string][]string{}
	for _, e := range d.Entities {
		for _, f := range e.Fields {
			if f.Unique && f.Type != design.ID {
				unique[e.Name] = append(unique[e.Name], f.Name)
			}
		}
		for _, x := range e.Unique {
			var names []string
			for _, f := range x.Fields {
				names = append(names, f.Name)
			}
			unique[e.Name] = append(unique[e.Name], strings.Join(names, " "))
		}
	}
	want := map[string][]string{
		"Ticket": {"box", "firm number day", "firm day", "firm title"}, "Firm": {"name"}, "User": {"email", "badge"},
	}
	if diff := cmp.Diff(want, unique); diff != "" {
		t.Error(diff)
	}
	for entity, want := range map[string][2]bool{"Ticket": {true, false}, "User": {true, true}, "Firm": {}, "Remark": {}} {
		e := d.Entity(entity)
		if got := [2]bool{e.NamesTenant("create"), e.NamesTenant("update")}; got != want || e.NamesTenant("view") {
			t.Errorf("%s: who is above tenants names one in create, update: %v, want %v", entity, got, want)
		}
	}
}

// TestWarnings_tenants: whoever points to rows of tenants and has none is named, if
// its rules let in people of more than one.
func TestWarnings_tenants(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, new string
		want     []string
	}{
		{"as it is", "", "", []string{"Remark", "Firm"}},
		{"accepted", "allow: {view: root, list: signed-in}", "allow: {view: root, list: signed-in}\n    accept: [outside-tenants]", []string{"Firm"}},
		{"each to their own", "allow: {view: signed-in, create: root}", "tenant: id\n    allow: {view: signed-in, create: root}", []string{"Remark"}},
		{"by nobody below", "allow: {view: root, list: signed-in}", "allow: {view: root, list: owner-of-all}", []string{"Firm"}},
		{"made by everybody", "allow: {view: owner-of-all, create: signed-in}", "allow: {view: owner-of-all, create: public}", []string{"Remark", "Log", "Firm"}},
		{"by its owner", "allow: {view: owner-of-all, create: signed-in}", "owner: ticket.by\n    allow: {view: owner}", []string{"Remark", "Firm"}},
		{"without authentication", "{entity: User}", "{entity: User, enabled: false}", nil},
	} {
		src := strings.Replace(tenants, tt.old, tt.new, 1)
		if strings.Contains(tt.new, "ticket.by") {
			src = strings.Replace(src, "      number: integer", "      number: integer\n      by: {type: relation, to: User}", 1)
		}
		d, err := design.Parse("gate.yaml", []byte(src))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		var got []string
		for _, p := range d.Unaccepted(d.Warnings()) {
			if p.Name == design.WarnOutsideTenants {
				got = append(got, strings.Split(p.Path, ".")[1])
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
