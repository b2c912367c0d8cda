// Package frameworks shows the guard in front of the handlers of other people's
// frameworks: chi, echo, gin, huma, Connect and gRPC. Where a framework takes
// net/http middleware, [gate.Guard.Protect] is it; elsewhere the adapter is a
// function of this package, to be copied.
//
// It is a module of its own, so that nobody who requires gate requires these.
package frameworks
