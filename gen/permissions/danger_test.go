package permissions_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/design"
	"github.com/gatewright/gate/gen/permissions"
)

// warned lists the warnings that are left, each as its name and its place.
func warned(t *testing.T, src string) []string {
	t.Helper()
	d := parse(t, src)
	found, err := permissions.Warnings(d)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, p := range d.Unaccepted(append(d.Warnings(), found...)) {
		if p.Severity != design.Warning || p.Message == "" || p.Hint == "" || p.Line == 0 {
			t.Errorf("%+v", p)
		}
		name := p.Name
		if name == "" {
			name = p.Message
		}
		list = append(list, name+" "+p.Path)
	}
	slices.Sort(list)
	return list
}

func TestDangers(t *testing.T) {
	const roles = `roles: {clerk: {permissions: ["view:items"], default: true}, boss: {permissions: ["*"]}}`
	item := func(rest string) string { return "  Item:\n    " + strings.ReplaceAll(rest, "; ", "\n    ") + "\n" }
	for _, tt := range []struct {
		name, entities string
		open           bool // sign-up
		want           []string
	}{
		{"harmless", item("fields: {name: text}; allow: {view: public, list: public}"), true, nil},
		{"an address for all", item("fields: {contact: email}; allow: {view: public, list: public}"), false, []string{"shows-email entities.Item.fields.contact"}},
		{"in lists alone", item("fields: {contact: email}; allow: {list: public}"), false, []string{"shows-email entities.Item.fields.contact"}},
		{"closed by a field rule", item("fields: {contact: email}; allow: {view: public, list: public}; fieldRules: {contact: {view: boss}}"), false, nil},
		{"for all who are let in", item("fields: {contact: email}; allow: {view: signed-in}"), false, nil},
		{"for all who sign up", item("fields: {contact: email}; allow: {view: signed-in}"), true, []string{"shows-email entities.Item.fields.contact"}},
		{"by the default role", item("fields: {contact: email}; allow: {view: clerk}"), true, []string{"shows-email entities.Item.fields.contact"}},
		{"by its permission", item("fields: {contact: email}; allow: {view: \"view:items\"}"), true, []string{"shows-email entities.Item.fields.contact"}},
		{"by a role that is given", item("fields: {contact: email}; allow: {view: boss}"), true, nil},
		{"one's own", item("fields: {contact: email, by: {type: relation, to: User}}; owner: by; allow: {view: owner, list: owner}"), true, nil},
		{"of some rows", item("fields: {contact: email, name: text}; allow: {list: {rules: public, when: {name: a}}}"), false, []string{"shows-email entities.Item.fields.contact"}},
		{"in some rows", item("fields: {contact: email, name: text}; allow: {list: public}; fieldRules: {contact: {view: {rules: public, when: {name: a}}}}"), false, []string{
			"shows-email entities.Item.fields.contact",
		}},
		{"one's own under a condition", item("fields: {contact: email, by: {type: relation, to: User}}; owner: by; allow: {view: {rules: owner, when: {by: null}}}"), true, nil},
		{"update wider than some rows", item("fields: {name: text}; allow: {view: {rules: clerk, when: {name: a}}, update: clerk}"), false, []string{"update-wider-than-view entities.Item.allow.update"}},
		{"some of all rows", item("fields: {name: text}; allow: {view: clerk, update: {rules: clerk, when: {name: a}}}"), false, nil},
		{"called like an address", item("fields: {contactEmail: text, mailbox: text, eMail: text}; allow: {view: public}"), false, []string{
			"shows-email entities.Item.fields.contactEmail", "shows-email entities.Item.fields.eMail",
		}},
		{"called like a secret", item("fields: {apiKey: text, pin: text, pinned: boolean, spinner: text, userPassword: longtext, tokens: integer}; allow: {view: public}"), false, []string{
			"shows-secret entities.Item.fields.apiKey", "shows-secret entities.Item.fields.pin", "shows-secret entities.Item.fields.userPassword",
		}},
		{"update wider than view", item("fields: {name: text}; allow: {view: boss, update: clerk}"), false, []string{"update-wider-than-view entities.Item.allow.update"}},
		{"delete wider than view", item("fields: {name: text, by: {type: relation, to: User}}; owner: by; allow: {view: owner, delete: clerk}"), false, []string{"delete-wider-than-view entities.Item.allow.delete"}},
		{"as wide by other words", item("fields: {name: text, by: {type: relation, to: User}}; owner: by; allow: {view: signed-in, update: [owner, clerk, \"view:items\"]}"), false, nil},
		{"accepted", item("fields: {contact: email}; accept: [shows-email]; allow: {view: public}"), false, nil},
		{"accepted elsewhere", item("fields: {contact: email}; allow: {view: public}") + "  Note: {fields: {text: text}, accept: [shows-email], allow: {view: public}}\n", false, []string{
			`Note accepts "shows-email", and there is no such warning entities.Note.accept`, "shows-email entities.Item.fields.contact",
		}},
		{"another is accepted", item("fields: {contact: email}; accept: [shows-secret]; allow: {view: public}"), false, []string{
			`Item accepts "shows-secret", and there is no such warning entities.Item.accept`, "shows-email entities.Item.fields.contact",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := signedIn(roles, tt.entities)
			if tt.open {
				src = strings.Replace(src, "allow: {view: owner}", "allow: {view: owner, create: public}", 1)
			}
			if diff := cmp.Diff(tt.want, warned(t, src)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	whole := strings.Replace(signedIn(roles, item("fields: {contact: email}; allow: {view: public}")), "name: shop,", "name: shop, accept: [shows-email],", 1)
	if got := warned(t, whole); got != nil {
		t.Errorf("accepted by the service: %v", got)
	}
}

// TestAcceptanceWhileTurnedOff wants no needless acceptance told while auth-core is
// turned off: the warnings that it was written for come back with it.
func TestAcceptanceWhileTurnedOff(t *testing.T) {
	src := signedIn("roles: {boss: {}}", "  Item: {fields: {contact: email}, accept: [shows-email, needs-authentication], allow: {view: signed-in}}\n")
	src = strings.Replace(src, "allow: {view: owner}", "accept: [needs-authentication]\n    allow: {view: owner}", 1)
	off := strings.Replace(strings.Replace(src, "{entity: User}", "{entity: User, enabled: false}", 1), ", auth-jwt: {}", "", 1)
	if got := warned(t, off); got != nil {
		t.Errorf("turned off: %v", got)
	}
	if got := warned(t, src); len(got) != 3 {
		t.Errorf("turned on: %v", got)
	}
}
