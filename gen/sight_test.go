package gen_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/gatewright/gate/gen"
)

// TestGraphQL_outOfSight: whoever makes an account or a tenant and stands in none, or in
// another, does not see it. A field that is never null would take the answer away, and
// what was made would look refused.
func TestGraphQL_outOfSight(t *testing.T) {
	const src = `gate: 1
service: {name: shop, module: example.com/shop, apis: [graphql]}
roles: {boss: {permissions: ["manage:users"]}, operator: {acrossTenants: true}}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  Firm:
    tenant: id
    fields: {name: {type: text, required: true}}
    allow: {view: signed-in, create: FOUNDER}
  User:
    tenant: firm
    owner: id
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles, firm: {type: relation, to: Firm}}
    allow: {view: signed-in, create: MAKER}
  Note:
    tenant: firm
    fields: {firm: {type: relation, to: Firm, required: true}}
    allow: {view: signed-in, create: signed-in}
`
	for _, tt := range []struct {
		founder, maker string
		whole          map[string]bool // types whose rows are never answered in part
	}{
		{"operator", "operator", map[string]bool{"Firm": true, "User": true, "Note": true}},
		{"operator", `"manage:users"`, map[string]bool{"Firm": true, "Note": true}},
		{"boss", "operator", map[string]bool{"User": true, "Note": true}},
	} {
		d := parse(t, strings.NewReplacer("FOUNDER", tt.founder, "MAKER", tt.maker).Replace(src))
		sdl, _ := generate(t, d, gen.Options{}).Get("app/schema_gen.graphql")
		for _, name := range []string{"Firm", "User", "Note"} {
			body := regexp.MustCompile(`(?s)type ` + name + ` \{.*?\}`).Find(sdl)
			if got := strings.Contains(string(body), "createdAt: DateTime!"); got != tt.whole[name] || body == nil {
				t.Errorf("made by %s and %s: never null is %t:\n%s", tt.founder, tt.maker, got, body)
			}
		}
	}
}
