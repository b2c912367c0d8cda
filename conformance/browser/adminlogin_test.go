package browser_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// notes is a design whose people log in by what stands in the place of PROVIDER.
const notes = `gate: 1
service: {name: notes, module: example.com/notes}
roles:
  guest: {default: true}
  clerk: {permissions: ["write:notes"]}
plugins:
  auth-core: {entity: User}
  PROVIDER
  client-ts: {}
  admin: {}
entities:
  Note:
    fields: {title: {type: text, required: true, maxLength: 60}, body: longtext}
    allow: {view: signed-in, list: signed-in, create: "write:notes", update: "write:notes", delete: "write:notes"}
  User:
    fields: {email: {type: email, required: true, unique: true, searchable: true}, password: password, name: text, roles: roles}
    owner: id
    allow: {view: [owner, "write:notes"], list: "write:notes", create: public, update: [owner, "write:notes"], delete: "write:notes"}
    fieldRules: {roles: {create: "write:notes", update: "write:notes"}}
`

// board is a design of which everybody may do a part.
const board = `gate: 1
service: {name: board, module: example.com/board}
plugins:
  client-ts: {}
  admin: {}
entities:
  Note:
    fields: {title: {type: text, required: true, maxLength: 60}, body: longtext, stamp: text}
    allow: {view: public, list: public, create: public, update: nobody, delete: nobody}
    fieldRules: {stamp: {create: nobody}}
`

// TestAdminCookie: pages of a service that logs people in with a cookie. That it takes
// passwords by Basic, too, makes no browser ask for one.
func TestAdminCookie(t *testing.T) {
	t.Parallel()
	logins(t, strings.Replace(notes, "PROVIDER", "auth-session: {}\n  auth-basic: {}", 1), "cookie")
}

// TestAdminBasic: pages that send the password with each request.
func TestAdminBasic(t *testing.T) {
	t.Parallel()
	logins(t, strings.Replace(notes, "PROVIDER", "auth-basic: {}", 1), "basic")
}

// TestAdminNobody: pages of a service without log-in.
func TestAdminNobody(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := pages(t, dir, board)
	browser := installed(t)
	scenario(t, "adminlogin.mjs", facts{"chromium": browser, "profile": t.TempDir(), "url": serve(t, program), "by": "none"}, "")
}

// logins builds the pages of a design, and logs in to them in every way that people do.
func logins(t *testing.T, src, by string) {
	t.Helper()
	dir := t.TempDir()
	program := pages(t, dir, src)
	browser := installed(t)
	url := serve(t, program, "ADMIN_EMAIL=ada@notes.example")
	var ada map[string]string
	known, err := os.ReadFile(filepath.Join(dir, ".gate", "admin.json"))
	if err == nil {
		err = json.Unmarshal(known, &ada)
	}
	if err != nil {
		t.Fatal(err)
	}
	scenario(t, "adminlogin.mjs", facts{
		"chromium": browser, "profile": t.TempDir(), "url": url, "by": by, "shots": os.Getenv("GATE_SHOTS"),
		"ada": facts{"email": ada["email"], "password": ada["password"]},
	}, "")
}
