// Package gate authenticates requests of net/http applications: strategies
// registered by name, access tokens, guards in front of handlers, login and
// logout.
//
// A [Service] is an ordered registry of strategies together with the issuing
// and checking of tokens. A [Guard] stands in front of a handler, asks the
// strategies it names and puts a [Principal] into the request's context. The
// handler of [Service.Handler] speaks the authentication contract of Feathers:
// POST logs in, DELETE logs out.
//
// # Three outcomes
//
// Asked for a decision, a strategy says yes (a principal), no (an error that
// is [ErrNotAuthenticated], [ErrInvalidCredentials] or one of the other codes)
// or that it could not decide: any other error, and any panic. The last is
// never answered with 401 and never lets a request through; it becomes
// [ErrUnavailable], 503 over HTTP, with its cause in the log and not in the
// answer.
//
// # What is left to the caller
//
// The package does not terminate TLS, does not decide which origins may read
// answers (CORS), and believes no header about who the client is: whoever
// stands behind a proxy puts the [Client] into the context before a guard or
// the handler runs.
package gate
