package browser_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/conformance/internal/stagetest"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

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
	program := stagetest.Pages(t, dir, strings.Replace(stagetest.Design(t, "notes.yaml"), "auth-session: {}",
		`auth-auth0: {domain: "localhost:3001", clientId: `+client+`, issuerURL: "http://localhost:3001/", audience: "`+idptest.Audience+`"}`, 1), stagetest.Application)
	stagetest.Loads(t, filepath.Join(dir, "admin", "dist"))
	ada := w.person("ada@notes.example")
	at := strings.Replace(stagetest.Serve(t, program, "AUTH0_ISSUER_URL="+w.Issuer(), "FIRST_ADMIN_EMAIL=ada@notes.example"), "127.0.0.1", "localhost", 1)
	w.create(t, &tenant.Client{
		ID: client, Name: "Notes", FirstParty: true, AppType: tenant.SPA, AuthMethod: tenant.AuthNone, OIDCConformant: true,
		GrantTypes: []string{"authorization_code", "refresh_token"},
		Callbacks:  []string{at + "/admin/auth-callback"}, LogoutURLs: []string{at + "/admin/login"}, WebOrigins: []string{at},
	})
	stagetest.Scenario(t, "adminlogin.mjs", stagetest.Facts{
		"url": at, "issuer": w.Issuer(), "by": "issuer", "ada": ada,
		"closed": w.person("closed@example.com"),
	}, "")
}
