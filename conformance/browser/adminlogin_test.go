package browser_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
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
	variant(t)
	logins(t, strings.Replace(notes, "PROVIDER", "auth-session: {}\n  auth-basic: {}", 1), "cookie")
}

// TestAdminBasic: pages that send the password with each request.
func TestAdminBasic(t *testing.T) {
	variant(t)
	logins(t, strings.Replace(notes, "PROVIDER", "auth-basic: {}", 1), "basic")
}

// admitted puts into tokens what the service makes accounts from, and lets one person not in.
const admitted = `exports.onExecutePostLogin = async (event, api) => {
	const { email, email_verified } = event.user
	if (email === 'closed@example.com') api.access.deny('The kitchen is closed')
	api.accessToken.setCustomClaim('https://restaurant.example/api/user', { email, email_verified })
}`

// TestAdminIssuer: pages on which an issuer logs people in.
func TestAdminIssuer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.action(t, admitted)
	dir := t.TempDir()
	const client = "adminClient0000000000000000000a"
	program := pages(t, dir, strings.Replace(notes, "PROVIDER",
		`auth-auth0: {domain: "localhost:3001", clientId: `+client+`, issuerURL: "http://localhost:3001/", audience: "`+idptest.Audience+`"}`, 1), application)
	loads(t, filepath.Join(dir, "admin", "dist"))
	ada := w.person("ada@notes.example")
	at := strings.Replace(serve(t, program, "AUTH0_ISSUER_URL="+w.Issuer(), "FIRST_ADMIN_EMAIL=ada@notes.example"), "127.0.0.1", "localhost", 1)
	w.create(t, &tenant.Client{
		ID: client, Name: "Notes", FirstParty: true, AppType: tenant.SPA, AuthMethod: tenant.AuthNone, OIDCConformant: true,
		GrantTypes: []string{"authorization_code", "refresh_token"},
		Callbacks:  []string{at + "/admin/auth-callback"}, LogoutURLs: []string{at + "/admin/login"}, WebOrigins: []string{at},
	})
	scenario(t, "adminlogin.mjs", facts{
		"chromium": installed(t), "profile": t.TempDir(), "url": at, "issuer": w.Issuer(), "by": "issuer", "ada": ada,
		"closed": w.person("closed@example.com"),
	}, "")
}

// TestAdminNobody: pages of a service without log-in.
func TestAdminNobody(t *testing.T) {
	variant(t)
	dir := t.TempDir()
	program := pages(t, dir, board, bundle)
	browser := installed(t)
	scenario(t, "adminlogin.mjs", facts{"chromium": browser, "profile": t.TempDir(), "url": serve(t, program), "by": "none"}, "")
}

// logins builds the pages of a design, and logs in to them in every way that people do.
func logins(t *testing.T, src, by string) {
	t.Helper()
	dir := t.TempDir()
	program := pages(t, dir, src, bundle)
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
