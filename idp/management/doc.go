// Package management is the API by which programs administer a tenant: Auth0's
// Management API v2, for the objects that package tenant keeps.
//
// An [API] is an [net/http.Handler] for everything below /api/v2/. Its paths,
// statuses, error bodies and paging are those that Auth0's SDKs, its Terraform
// provider and its deploy CLI expect. Every operation stands in one table
// (routes.go) with the scopes of which the caller needs one; what has no line
// there does not exist.
//
// # Who may call
//
// Callers bear an access token whose audience is [Config].Issuer + "api/v2/",
// which [Config].Verify judges. [Scopes] lists the scopes there are. Those for
// the current user (read:current_user, update:current_user_metadata and so on)
// hold for the path of the token's own subject and nowhere else.
//
// # What is never told
//
// Hashes of passwords, values of action secrets and the secrets in the options of
// connections are written and never read; of connections a client_secret is left
// out and others have a mask in their place, which may be written back. The
// secrets of clients and APIs are part of an answer only for a caller with the
// scope read:client_keys, and reading them leaves an entry mgmt_api_read in the
// log. Every change that succeeds leaves an entry sapi, and
// every one that is refused an entry fapi.
//
// # Unknown members
//
// Members of clients, APIs, grants, connections, actions and settings that this
// provider knows nothing of are kept and come back, so that programs which
// compare what they wrote with what they read find no difference. Users are the
// exception: a member that is not listed is refused.
//
// # What other tenants have and this one has not
//
// Reading a feature that is not there answers an empty list or its defaults, so
// that exports go through; writing it is refused with operation_not_supported.
package management
