// Package authz decides who may do what: roles give permissions, a [Rule] says
// which of them an action needs, and a [Policy] puts both together with a
// principal.
//
// Nothing is allowed that no rule allows. The zero [Rule] admits nobody, a role
// that the policy does not know gives nothing, and the zero [Decision] is a
// refusal. Deciding asks no database and cannot fail, so there is no error to be
// taken for a yes.
//
// A rule may admit people to their own rows only. Then the decision is [OwnRows],
// and the query must be narrowed to rows that the principal owns: the filter
// belongs into the statement itself, not into a check before it.
package authz
