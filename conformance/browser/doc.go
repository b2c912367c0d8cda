// Package browser has no code of its own: its tests log in at the identity
// provider with clients for browsers that others wrote, at the versions that
// package.json pins, and look at its pages, in Chromium.
//
// A scenario is a file <client>.mjs, which drives Chromium by puppeteer and fills in
// pages by what their labels say, as a person does; package stagetest runs it. The pages
// of applications are in site/; esbuild bundles them with the clients, and the
// applications of the guide to Auth0 with the text of the guide. The scenarios admin*.mjs
// are those of conformance/admin, but for an issuer.
//
// With GATE_SHOTS, a folder, TestShots leaves pictures of the hosted pages there.
package browser
