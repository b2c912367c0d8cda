// Package authz decides who may do what: roles give permissions, a [Rule] says
// which of them an action needs, and a [Policy] puts both together with a
// principal.
//
// Nothing is allowed that no rule allows. The zero [Rule] admits nobody, a role
// that the policy does not know gives nothing, and the zero [Decision] is a
// refusal. Deciding asks no database and cannot fail, so there is no error to be
// taken for a yes. [Policy.Explain] says why a decision is what it is.
//
// # Rows
//
// A rule may admit people to their own rows only, or to those of their tenant.
// Then the decision is [OwnRows], [TenantRows] or a combination of the two, and
// the query must be narrowed to such rows: the filter belongs into the statement
// itself, not into a check before it. A caller that does not know a decision
// must refuse.
//
// # Who holds what
//
//   - A principal holds its roles and what they inherit, and the permissions of
//     these and of its own list, wildcards included; see [gate.Permits].
//   - A principal whose credentials are limited by scopes holds no role, and only
//     those of its own permissions that a scope permits too. It is the owner of
//     rows only with the scope [gate.ScopeOwner], and signed-in only with the scope
//     [ScopeSignedIn].
//   - A principal without a subject is nobody in particular: it is not signed in
//     and owns nothing, but holds the roles and permissions that the strategy gave
//     to it. What it may not do is unauthenticated, since signing in may help.
package authz
