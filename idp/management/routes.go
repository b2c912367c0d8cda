package management

import (
	"context"
	"slices"
	"strings"

	"github.com/gatewright/gate/idp/tenant"
)

// A route is one operation. What has no route does not exist.
type route struct {
	method, path string
	// scopes are those of which the caller needs one, with blanks between them.
	scopes string
	handle func(*API, context.Context, *request) (answer, error)
	media  string // of the body, if it is not JSON
	open   bool   // for bearers of a link, not of a token
}

// Scopes returns the scopes of the API, sorted: what the resource server with
// the audience [API.Audience] has to define.
func Scopes() []tenant.APIScope {
	seen := map[string]bool{
		"create:client_keys": true, "update:client_keys": true, "read:client_keys": true, // asked for inside operations
	}
	for _, r := range routes() {
		for s := range strings.FieldsSeq(r.scopes) {
			seen[s] = true
		}
	}
	var list []tenant.APIScope
	for s := range seen {
		verb, what, _ := strings.Cut(s, ":")
		list = append(list, tenant.APIScope{Value: s, Description: strings.ToUpper(verb[:1]) + verb[1:] + " " + strings.ReplaceAll(what, "_", " ")})
	}
	slices.SortFunc(list, func(a, b tenant.APIScope) int { return strings.Compare(a.Value, b.Value) })
	return list
}

func routes() []route {
	return slices.Concat(applicationRoutes(), peopleRoutes(), actionRoutes(), tenantRoutes(), absentRoutes())
}

// applicationRoutes are clients, APIs, grants, roles.
func applicationRoutes() []route {
	return []route{
		{method: "GET", path: "clients", scopes: "read:clients read:client_keys", handle: (*API).listClients},
		{method: "POST", path: "clients", scopes: "create:clients", handle: (*API).createClient},
		{method: "GET", path: "clients/{client}", scopes: "read:clients read:client_keys", handle: (*API).getClient},
		{method: "PATCH", path: "clients/{client}", scopes: "update:clients", handle: (*API).updateClient},
		{method: "DELETE", path: "clients/{client}", scopes: "delete:clients", handle: (*API).deleteClient},
		{method: "POST", path: "clients/{client}/rotate-secret", scopes: "update:client_keys", handle: (*API).rotateSecret},
		{method: "GET", path: "clients/{client}/connections", scopes: "read:connections", handle: (*API).clientConnections},
		{method: "GET", path: "clients/{client}/credentials", scopes: "read:client_credentials", handle: (*API).listCredentials},
		{method: "POST", path: "clients/{client}/credentials", scopes: "create:client_credentials", handle: (*API).createCredential},
		{method: "GET", path: "clients/{client}/credentials/{credential}", scopes: "read:client_credentials", handle: (*API).getCredential},
		{method: "PATCH", path: "clients/{client}/credentials/{credential}", scopes: "update:client_credentials", handle: (*API).updateCredential},
		{method: "DELETE", path: "clients/{client}/credentials/{credential}", scopes: "delete:client_credentials", handle: (*API).deleteCredential},

		{method: "GET", path: "resource-servers", scopes: "read:resource_servers", handle: (*API).listAPIs},
		{method: "POST", path: "resource-servers", scopes: "create:resource_servers", handle: (*API).createAPI},
		{method: "GET", path: "resource-servers/{api}", scopes: "read:resource_servers", handle: (*API).getAPI},
		{method: "PATCH", path: "resource-servers/{api}", scopes: "update:resource_servers", handle: (*API).updateAPI},
		{method: "DELETE", path: "resource-servers/{api}", scopes: "delete:resource_servers", handle: (*API).deleteAPI},

		{method: "GET", path: "client-grants", scopes: "read:client_grants", handle: (*API).listGrants},
		{method: "POST", path: "client-grants", scopes: "create:client_grants", handle: (*API).createGrant},
		{method: "GET", path: "client-grants/{grant}", scopes: "read:client_grants", handle: (*API).getGrant},
		{method: "PATCH", path: "client-grants/{grant}", scopes: "update:client_grants", handle: (*API).updateGrant},
		{method: "DELETE", path: "client-grants/{grant}", scopes: "delete:client_grants", handle: (*API).deleteGrant},

		{method: "GET", path: "roles", scopes: "read:roles", handle: (*API).listRoles},
		{method: "POST", path: "roles", scopes: "create:roles", handle: (*API).createRole},
		{method: "GET", path: "roles/{role}", scopes: "read:roles", handle: (*API).getRole},
		{method: "PATCH", path: "roles/{role}", scopes: "update:roles", handle: (*API).updateRole},
		{method: "DELETE", path: "roles/{role}", scopes: "delete:roles", handle: (*API).deleteRole},
		{method: "GET", path: "roles/{role}/permissions", scopes: "read:roles", handle: (*API).listRolePermissions},
		{method: "POST", path: "roles/{role}/permissions", scopes: "update:roles", handle: (*API).addRolePermissions},
		{method: "DELETE", path: "roles/{role}/permissions", scopes: "update:roles", handle: (*API).removeRolePermissions},
		{method: "GET", path: "roles/{role}/users", scopes: "read:roles read:users", handle: (*API).listRoleUsers},
		{method: "POST", path: "roles/{role}/users", scopes: "update:roles", handle: (*API).addRoleUsers},
	}
}

// peopleRoutes are connections, users and what users have.
func peopleRoutes() []route {
	return []route{
		{method: "GET", path: "connections", scopes: "read:connections", handle: (*API).listConnections},
		{method: "POST", path: "connections", scopes: "create:connections", handle: (*API).createConnection},
		{method: "GET", path: "connections/{connection}", scopes: "read:connections", handle: (*API).getConnection},
		{method: "PATCH", path: "connections/{connection}", scopes: "update:connections", handle: (*API).updateConnection},
		{method: "DELETE", path: "connections/{connection}", scopes: "delete:connections", handle: (*API).deleteConnection},
		{method: "GET", path: "connections/{connection}/clients", scopes: "read:connections", handle: (*API).listConnectionClients},
		{method: "PATCH", path: "connections/{connection}/clients", scopes: "update:connections", handle: (*API).updateConnectionClients},
		{method: "GET", path: "connections/{connection}/status", scopes: "read:connections", handle: (*API).connectionStatus},
		{method: "DELETE", path: "connections/{connection}/users", scopes: "delete:users", handle: (*API).deleteConnectionUser},

		{method: "GET", path: "users", scopes: "read:users", handle: (*API).listUsers},
		{method: "POST", path: "users", scopes: "create:users", handle: (*API).createUser},
		{method: "GET", path: "users/{user}", scopes: "read:users read:current_user", handle: (*API).getUser},
		{method: "PATCH", path: "users/{user}", scopes: "update:users update:users_app_metadata update:current_user_metadata", handle: (*API).updateUser},
		{method: "DELETE", path: "users/{user}", scopes: "delete:users", handle: (*API).deleteUser},
		{method: "GET", path: "users/{user}/roles", scopes: "read:users read:roles", handle: (*API).listUserRoles},
		{method: "POST", path: "users/{user}/roles", scopes: "update:users create:role_members", handle: (*API).addUserRoles},
		{method: "DELETE", path: "users/{user}/roles", scopes: "update:users delete:role_members", handle: (*API).removeUserRoles},
		{method: "GET", path: "users/{user}/permissions", scopes: "read:users", handle: (*API).listUserPermissions},
		{method: "POST", path: "users/{user}/permissions", scopes: "update:users", handle: (*API).addUserPermissions},
		{method: "DELETE", path: "users/{user}/permissions", scopes: "update:users", handle: (*API).removeUserPermissions},
		{method: "POST", path: "users/{user}/identities", scopes: "update:users update:current_user_identities", handle: (*API).linkIdentity},
		{method: "DELETE", path: "users/{user}/identities/{provider}/{identity}", scopes: "update:users update:current_user_identities", handle: (*API).unlinkIdentity},
		{method: "GET", path: "users/{user}/logs", scopes: "read:logs read:logs_users", handle: (*API).listUserLogs},
		{method: "GET", path: "users/{user}/sessions", scopes: "read:sessions", handle: (*API).listUserSessions},
		{method: "DELETE", path: "users/{user}/sessions", scopes: "delete:sessions", handle: (*API).deleteUserSessions},
		{method: "GET", path: "users/{user}/refresh-tokens", scopes: "read:refresh_tokens", handle: (*API).listUserTokens},
		{method: "DELETE", path: "users/{user}/refresh-tokens", scopes: "delete:refresh_tokens", handle: (*API).deleteUserTokens},
		{method: "GET", path: "users-by-email", scopes: "read:users", handle: (*API).usersByEmail},

		{method: "GET", path: "user-blocks", scopes: "read:users", handle: (*API).getBlocks},
		{method: "DELETE", path: "user-blocks", scopes: "update:users", handle: (*API).deleteBlocks},
		{method: "GET", path: "user-blocks/{user}", scopes: "read:users", handle: (*API).getUserBlocks},
		{method: "DELETE", path: "user-blocks/{user}", scopes: "update:users", handle: (*API).deleteUserBlocks},

		{method: "GET", path: "sessions/{session}", scopes: "read:sessions", handle: (*API).getSession},
		{method: "DELETE", path: "sessions/{session}", scopes: "delete:sessions", handle: (*API).deleteSession},
		{method: "POST", path: "sessions/{session}/revoke", scopes: "delete:sessions", handle: (*API).revokeSession},
		{method: "GET", path: "refresh-tokens/{token}", scopes: "read:refresh_tokens", handle: (*API).getToken},
		{method: "DELETE", path: "refresh-tokens/{token}", scopes: "delete:refresh_tokens", handle: (*API).deleteToken},
		{method: "GET", path: "grants", scopes: "read:grants", handle: (*API).listConsents},
		{method: "DELETE", path: "grants", scopes: "delete:grants", handle: (*API).deleteConsents},
		{method: "DELETE", path: "grants/{consent}", scopes: "delete:grants", handle: (*API).deleteConsent},

		{method: "POST", path: "tickets/email-verification", scopes: "create:user_tickets", handle: (*API).verificationTicket},
		{method: "POST", path: "tickets/password-change", scopes: "create:user_tickets", handle: (*API).passwordTicket},
		{method: "POST", path: "jobs/verification-email", scopes: "update:users", handle: (*API).verificationJob},
		{method: "POST", path: "jobs/users-exports", scopes: "read:users", handle: (*API).exportJob},
		{method: "POST", path: "jobs/users-imports", scopes: "create:users", handle: (*API).importJob, media: "multipart/form-data"},
		{method: "GET", path: "jobs/exports/{ticket}", handle: (*API).download, open: true},
		{method: "GET", path: "jobs/{job}", scopes: "create:users read:users", handle: (*API).getJob},
		{method: "GET", path: "jobs/{job}/errors", scopes: "create:users read:users", handle: (*API).getJobErrors},
	}
}

// actionRoutes are actions and where they run.
func actionRoutes() []route {
	return []route{
		{method: "GET", path: "actions/actions", scopes: "read:actions", handle: (*API).listActions},
		{method: "POST", path: "actions/actions", scopes: "create:actions", handle: (*API).createAction},
		{method: "GET", path: "actions/actions/{action}", scopes: "read:actions", handle: (*API).getAction},
		{method: "PATCH", path: "actions/actions/{action}", scopes: "update:actions", handle: (*API).updateAction},
		{method: "DELETE", path: "actions/actions/{action}", scopes: "delete:actions", handle: (*API).deleteAction},
		{method: "POST", path: "actions/actions/{action}/deploy", scopes: "create:actions update:actions", handle: (*API).deployAction},
		{method: "POST", path: "actions/actions/{action}/test", scopes: "create:actions", handle: (*API).testAction},
		{method: "GET", path: "actions/actions/{action}/versions", scopes: "read:actions", handle: (*API).listVersions},
		{method: "GET", path: "actions/actions/{action}/versions/{version}", scopes: "read:actions", handle: (*API).getVersion},
		{method: "POST", path: "actions/actions/{action}/versions/{version}/deploy", scopes: "create:actions update:actions", handle: (*API).deployVersion},
		{method: "GET", path: "actions/triggers", scopes: "read:actions", handle: (*API).listTriggers},
		{method: "GET", path: "actions/triggers/{trigger}/bindings", scopes: "read:actions", handle: (*API).listBindings},
		{method: "PATCH", path: "actions/triggers/{trigger}/bindings", scopes: "update:actions", handle: (*API).replaceBindings},
		{method: "POST", path: "actions/triggers/{trigger}/bindings", scopes: "update:actions", handle: (*API).appendBindings},
	}
}

// tenantRoutes are what concerns the tenant as a whole.
func tenantRoutes() []route {
	return []route{
		{method: "GET", path: "logs", scopes: "read:logs", handle: (*API).listLogs},
		{method: "GET", path: "logs/{log}", scopes: "read:logs", handle: (*API).getLog},
		{method: "GET", path: "stats/daily", scopes: "read:stats", handle: (*API).dailyStats},
		{method: "GET", path: "stats/active-users", scopes: "read:stats", handle: (*API).activeUsers},
		{method: "GET", path: "tenants/settings", scopes: "read:tenant_settings", handle: (*API).getSettings},
		{method: "PATCH", path: "tenants/settings", scopes: "update:tenant_settings", handle: (*API).updateSettings},
		{method: "GET", path: "attack-protection/{protection}", scopes: "read:attack_protection", handle: (*API).getProtection},
		{method: "PATCH", path: "attack-protection/{protection}", scopes: "update:attack_protection", handle: (*API).updateProtection},
		{method: "GET", path: "keys/signing", scopes: "read:signing_keys", handle: (*API).listKeys},
		{method: "GET", path: "keys/signing/{kid}", scopes: "read:signing_keys", handle: (*API).getKey},
		{method: "POST", path: "keys/signing/rotate", scopes: "create:signing_keys update:signing_keys", handle: (*API).rotateKeys},
		{method: "PUT", path: "keys/signing/{kid}/revoke", scopes: "update:signing_keys", handle: (*API).revokeKey},

		{method: "GET", path: "branding", scopes: "read:branding", handle: (*API).getBranding},
		{method: "PATCH", path: "branding", scopes: "update:branding", handle: (*API).updateBranding},
		{method: "POST", path: "branding/themes", scopes: "create:branding", handle: (*API).createTheme},
		{method: "GET", path: "branding/themes/default", scopes: "read:branding", handle: (*API).defaultTheme},
		{method: "GET", path: "branding/themes/{theme}", scopes: "read:branding", handle: (*API).getTheme},
		{method: "PATCH", path: "branding/themes/{theme}", scopes: "update:branding", handle: (*API).updateTheme},
		{method: "DELETE", path: "branding/themes/{theme}", scopes: "delete:branding", handle: (*API).deleteTheme},
		{method: "GET", path: "prompts", scopes: "read:prompts", handle: (*API).getPrompts},
		{method: "PATCH", path: "prompts", scopes: "update:prompts", handle: (*API).updatePrompts},
		{method: "GET", path: "prompts/{prompt}/custom-text/{language}", scopes: "read:prompts", handle: (*API).getCustomText},
		{method: "PUT", path: "prompts/{prompt}/custom-text/{language}", scopes: "update:prompts", handle: (*API).putCustomText},
		{method: "POST", path: "email-templates", scopes: "create:email_templates", handle: (*API).createTemplate},
		{method: "GET", path: "email-templates/{template}", scopes: "read:email_templates", handle: (*API).getTemplate},
		{method: "PATCH", path: "email-templates/{template}", scopes: "update:email_templates", handle: (*API).patchTemplate},
		{method: "PUT", path: "email-templates/{template}", scopes: "update:email_templates", handle: (*API).putTemplate},
	}
}
