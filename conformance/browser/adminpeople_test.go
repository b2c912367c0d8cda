package browser_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
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
	dir := t.TempDir()
	program := pages(t, dir, bureau, bundle)
	browser := installed(t)
	// Nobody takes the letters: what is looked at is what the pages say.
	url := serve(t, program, "ADMIN_EMAIL=ada@bureau.example", "MAIL_URL=smtp://127.0.0.1:1", "MAIL_FROM=bureau@bureau.example", "PUBLIC_URL=http://localhost:1")
	var admin map[string]string
	src, err := os.ReadFile(filepath.Join(dir, ".gate", "admin.json"))
	if err == nil {
		err = json.Unmarshal(src, &admin)
	}
	if err != nil {
		t.Fatal(err)
	}
	scenario(t, "adminpeople.mjs", facts{
		"chromium": browser, "profile": t.TempDir(), "url": url, "path": "/admin", "shots": os.Getenv("GATE_SHOTS"),
		"ada": facts{"email": admin["email"], "password": admin["password"]},
	}, "")
}
