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

func peopleRoutes() []route { return nil }
func actionRoutes() []route { return nil }
func tenantRoutes() []route { return nil }
func absentRoutes() []route { return nil }

