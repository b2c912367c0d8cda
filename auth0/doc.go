// Package auth0 brings an Auth0 tenant, or any other server of Auth0's
// Management API v2, to what a service needs of it: an API with scopes, a
// single-page client, a machine client with its grant, roles with permissions,
// an action with its binding, and connections that the single-page client may
// use.
//
// [Tenant.Plan] reads and says what is missing or has drifted, [Tenant.Apply]
// does it, [Tenant.PlanDestroy] says what would be deleted. Nothing is kept
// between two runs: the tenant is the state. An apply that stopped half-way is
// finished by the next one, and an apply of what is there already writes nothing.
//
// # What belongs to whom
//
// An API is found by its identifier, everything else by its exact name. Lists
// are added to and never shortened: callbacks, scopes, permissions, bindings and
// enabled clients of others stay, in their order. A setting that is not asked
// for stays as it is, and so do the name of an API that is there and what is
// said of its scopes and of roles. A client that is made gets an entry in its
// metadata, so that nothing else is deleted; see [Tenant.PlanDestroy]. A name that
// belongs to something of another kind is an error and not taken over.
//
// # Requests
//
// Lists are read to the last page. A tenant that is too busy (429) is waited for
// as long as it asks, up to [MaxWait]. A GET is tried again when it failed; a
// request that writes is not: whether it was done is looked up, and when it was
// not the caller plans again.
//
// # Secrets
//
// The token of the Management API is kept in memory only. It is in no plan, no
// error and no line of the log, and neither are the values of an action's
// secrets.
package auth0
