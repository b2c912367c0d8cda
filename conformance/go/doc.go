// Package conformance has no code of its own: its tests use the identity
// provider with Go packages that others wrote, at the versions that go.mod pins.
// It is a module of its own, so that nobody who imports gate needs them.
package conformance
