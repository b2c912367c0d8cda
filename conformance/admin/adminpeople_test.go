package admin_test

import (
	"testing"

	"github.com/gatewright/gate/conformance/internal/stagetest"
)

// bureau is a design in which somebody looks after the accounts of others.
const bureau = `gate: 1
service: {name: bureau, module: example.com/bureau}
roles:
  guest: {default: true}
  boss: {permissions: ["list:users", "manage:users", "read:audit"]}
plugins:
  auth-core: {entity: User, sessions: "manage:users", keys: "manage:users", audit: "read:audit"}
  auth-jwt: {refresh: true}
  auth-apikey: {}
  auth-letters: {}
  client-ts: {}
  admin: {}
entities:
  Note:
    fields: {text: {type: text, required: true}, writer: {type: relation, to: User}}
    allow: {view: signed-in, list: signed-in, create: boss}
  User:
    owner: id
    fields: {email: {type: email, required: true, unique: true}, password: password, name: text, roles: roles}
    allow: {view: [owner, "manage:users"], list: "list:users", create: public, update: [owner, "manage:users"], delete: "manage:users"}
    fieldRules: {roles: {create: "manage:users", update: "manage:users"}}
`

// TestAdminPeople uses the pages on which people look after accounts: their own, and
// those of others.
func TestAdminPeople(t *testing.T) {
	t.Parallel()
	stagetest.Installed(t)
	dir := t.TempDir()
	program := stagetest.Pages(t, dir, bureau, stagetest.Bundle)
	// Nobody takes the letters: what is looked at is what the pages say.
	url := stagetest.Serve(t, program, "ADMIN_EMAIL=ada@bureau.example", "MAIL_URL=smtp://127.0.0.1:1", "MAIL_FROM=bureau@bureau.example", "PUBLIC_URL=http://localhost:1")
	stagetest.Scenario(t, "adminpeople.mjs", stagetest.Facts{
		"url": url, "path": "/admin",
		"ada": stagetest.Administrator(t, dir),
	}, "")
}
