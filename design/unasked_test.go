package design_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestWarnings_unasked: a misspelt permission of a role is no silence, and one that may
// be for code of the service is no warning.
func TestWarnings_unasked(t *testing.T) {
	const rest = `plugins: {auth-core: {entity: User}}
entities:
  Lending:
    renamedFrom: Loan
    allow: {view: public, list: public, create: "create:lendings", update: "update:lendings"}
  Book:
    fields: {title: text, price: {type: integer}}
    allow: {view: public, list: public, create: "create:books", delete: "delete:books"}
    fieldRules: {price: {view: "view:prices"}}
  User:
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    owner: id
    allow: {view: owner}
actions:
  closeShop: {allow: "close:shop"}
`
	for permission, meant := range map[string]string{
		"delte:books":        "delete:books",
		"creat:bookz":        "create:books",
		"veiw:prices":        "view:prices",
		"close:shops":        "close:shop",
		"delte:*":            "delete:*",
		"*:bookz":            "*:books",
		"create:loans":       "create:lendings",
		"print:loans":        "print:lendings",
		"update:books":       "", // each word is known
		"print:labels":       "",
		"assign:books":       "",
		"create:*":           "",
		"*":                  "",
		"*:*":                "",
		"update:lendings":    "",
		"delete:thumb-nails": "",
	} {
		src := header + "roles:\n  all: {permissions: [\"*\"]}\n  chief: {permissions: [\"view:prices\", \"" + permission + "\"]}\n" + rest
		got := ""
		d := parse(t, src)
		for _, w := range d.Warnings() {
			got += strings.SplitN(w.String(), "\n", 2)[0]
		}
		want := ""
		if meant != "" {
			why := ""
			if strings.HasSuffix(permission, ":loans") {
				why = ", and Loan is Lending now"
			}
			want = fmt.Sprintf("gate.yaml:5:40: warning: no rule asks for permission %q%s, did you mean %q? [unasked-permission]", permission, why, meant)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", permission, got, want)
		}
		if meant == "" {
			continue
		}
		d = parse(t, strings.Replace(src, "service: {", "service: {accept: [unasked-permission], ", 1))
		if left := d.Unaccepted(d.Warnings()); len(left) > 0 {
			t.Errorf("%s, accepted: %v", permission, left)
		}
		if open := parse(t, strings.NewReplacer("service: {", "service: {insecureOpenToEveryone: true, ", "entity: User", "entity: User, enabled: false").Replace(src)); len(open.Warnings()) != 1 {
			t.Errorf("%s, open to everyone: %v", permission, open.Warnings())
		}
	}
}

// TestWarnings_unaskedMany: of a file that is full of them some are told, because to
// compare each with each would take long.
func TestWarnings_unaskedMany(t *testing.T) {
	var held, rules strings.Builder
	for i := range 500 {
		fmt.Fprintf(&held, "\"do:thing-%d\", \"doo:thing-%d\", ", i, i)
		fmt.Fprintf(&rules, "\"do:thing-%d\", ", i)
	}
	d := parse(t, header+"roles: {all: {permissions: ["+held.String()+"]}}\nplugins: {auth-core: {entity: User}}\nentities:\n"+
		"  User: {fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}, allow: {view: ["+rules.String()+"]}}\n")
	if n := len(d.Warnings()); n == 0 || n > 40 {
		t.Errorf("%d warnings", n)
	}
}
