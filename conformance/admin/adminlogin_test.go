package admin_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/conformance/internal/stagetest"
)

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
	stagetest.Installed(t)
	logins(t, "auth-session: {}\n  auth-basic: {}", "cookie")
}

// TestAdminBasic: pages that send the password with each request.
func TestAdminBasic(t *testing.T) {
	t.Parallel()
	stagetest.Installed(t)
	logins(t, "auth-basic: {}", "basic")
}

// TestAdminNobody: pages of a service without log-in.
func TestAdminNobody(t *testing.T) {
	t.Parallel()
	stagetest.Installed(t)
	dir := t.TempDir()
	program := stagetest.Pages(t, dir, board, stagetest.Bundle)
	stagetest.Scenario(t, "adminlogin.mjs", stagetest.Facts{"url": stagetest.Serve(t, program), "by": "none"}, "")
}

// logins builds the pages of notes with the plugins by which people log in, and logs in
// in every way that people do.
func logins(t *testing.T, plugins, by string) {
	t.Helper()
	src := strings.Replace(stagetest.Design(t, "notes.yaml"), "auth-session: {}", plugins, 1)
	dir := t.TempDir()
	program := stagetest.Pages(t, dir, src, stagetest.Bundle)
	url := stagetest.Serve(t, program, "ADMIN_EMAIL=ada@notes.example")
	stagetest.Scenario(t, "adminlogin.mjs", stagetest.Facts{"url": url, "by": by, "ada": stagetest.Administrator(t, dir)}, "")
}
