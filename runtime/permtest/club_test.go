package permtest_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/runtime/permtest"
)

// club is a design whose rows are out of sight of some who make them, tie them or are
// told of them: editors see no account, members no address, and everybody has one
// profile.
const club = `gate: 1
service: {name: shop, module: example.com/shop, apis: [rest, graphql]}
roles:
  member: {default: true}
  editor: {}
plugins: {auth-core: {entity: User}, auth-jwt: {}}
entities:
  User:
    owner: id
    fields: {email: {type: email, required: true, unique: true}, password: password, roles: roles}
    allow: {view: [owner, member], list: member, create: public}
    fieldRules: {email: {view: owner}}
  Project:
    fields: {title: {type: text, required: true}, helpers: {type: relation, to: User, many: true, inverse: helps}}
    allow: {view: public, list: public, create: editor, update: [editor, member]}
  Profile:
    owner: person
    fields: {text: {type: text, required: true}, person: {type: relation, to: User, unique: true, onDelete: cascade, inverse: profile}}
    allow: {view: [owner, editor], list: [owner, editor], create: owner, update: owner, delete: owner}
`

// TestRun_outOfSight wants no complaint about who makes and ties what they do not see,
// hears of roles alone, or owns one row at most.
func TestRun_outOfSight(t *testing.T) {
	long(t)
	s := newShop(t, club)
	s.change = withEvents
	for _, f := range wrong(t, s, func(c *permtest.Config) { c.Events = true }) {
		t.Error(f)
	}
	required := strings.Replace(club, "unique: true, onDelete: cascade", "required: true, unique: true, onDelete: cascade", 1)
	for _, f := range wrong(t, newShop(t, required), nil) {
		t.Errorf("required: %s", f)
	}
}
