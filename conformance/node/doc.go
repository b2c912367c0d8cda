// Package node has no code of its own: its tests log in at the identity
// provider with clients for Node.js that others wrote, at the versions that
// package.json pins.
//
// A scenario is a file <client>.mjs: plain tests of node:test, each of which is
// a subtest of the Go test of the same name. Log-in pages are filled in over
// HTTP by lib/browser.mjs, which keeps cookies as a browser does; what a real
// browser does with the same pages is tested elsewhere. Without Node.js, or a
// registry to install from, the tests are skipped by name, unless
// GATE_TEST_REQUIRE contains "node": then they fail.
package node
