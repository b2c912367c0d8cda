// Package browser has no code of its own: its tests log in at the identity
// provider with clients for browsers that others wrote, at the versions that
// package.json pins, and look at its pages, in Chromium.
//
// A scenario is a file <client>.mjs: plain tests of node:test, each of which is
// a subtest of the Go test of the same name. It drives Chromium by puppeteer and
// fills in pages by what their labels say, as a person does. The pages of
// applications are in site/; esbuild bundles them with the clients, and the
// applications of the guide to Auth0 with the text of the guide.
//
// Without Node.js, Chromium, or a registry to install from, the tests are skipped
// by name, unless GATE_TEST_REQUIRE contains "node" or "chromium": then they
// fail. GATE_CHROMIUM names another Chromium than the one in the PATH. With
// GATE_SHOTS, a folder, TestShots leaves pictures of the hosted pages there.
package browser
