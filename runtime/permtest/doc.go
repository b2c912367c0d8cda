// Package permtest tries who may do what in a service: every caller of the
// permission matrix, each action, each entity and each field, over each surface,
// what is allowed and what is refused; and who may call the actions of the service.
//
// What has to happen is taken from the matrix that "gate design permissions"
// makes of a design. What does happen is seen over HTTP, in the service as it is
// built, hooks and own strategies included, on an empty database. Nothing of the
// gate that enforces the rules is asked, or both would agree on a mistake of it.
//
// Generated services call [Run] in app/permissions_gen_test.go:
//
//	customer · update · Order.note · graphql: want 403, got 200 (a row of somebody else)
//
// # Callers
//
// There is an account for each role, one without a role, one with a role that the
// design does not know ("ghost"), who may do what everybody may with an account,
// and whoever is not signed in. They come by what the service has: a log-in that
// answers a token, or sets a cookie; Basic; or tokens of an issuer, which is one
// in the process of the test then. A stranger owns rows that are none of theirs.
// Where accounts have keys, programs come with keys of accounts that have every role:
// one that permits nothing, one that stands for its account, and one for each permission.
// Where rows belong to tenants, each comes from one tenant and from none, and
// strangers own rows of theirs, of another, and accounts of none.
//
// # Rows
//
// Values follow the types of fields. For each condition of a rule there are rows
// of which it holds and rows of which it does not. Where a hook wants more of a
// row than its type says, a [Sample] gives it, and a [Target] chooses to which rows
// keys lead. A hook may use up the row to which a key leads: what it refuses is tried
// once more with a new one. What a hook refuses that the rules allow is named in
// [Config.Except].
//
// Files are sent over REST to rows that are there, where fields are changed, and
// whenever one was sent every caller tries to fetch it, and to remove it.
//
// # Events
//
// Where the service tells of its rows as they change, the service itself makes rows,
// changes and removes them, and each caller hears of those that they get, with the
// fields that they read, and of no others.
//
// # Attacks
//
// Tokens are tried that are signed with nothing, with the secret of an example, or with
// a public key; and the answers to a wrong password of somebody and of nobody compared.
// How long they take is not, which one run could not tell.
//
// # What is not tried
//
// WebSockets, own routes that are no actions, arguments of actions in GraphQL, the first
// account of a service, and the end of one's own tenant. Changes of many rows, deleted rows
// that are restored and lists on the routes of relations are tried over REST alone, not in
// GraphQL nor in the words of "rest: amplication"; counts and pages of GraphQL, and rows
// that are made on the route of a relation, are not. Somebody with a permission and no role can only come
// with a token of an issuer, so elsewhere the roles that give it stand for it. What a
// run leaves out beside that, because there would be too many rows or no way to tell,
// is in its log: "not tried: …".
package permtest
