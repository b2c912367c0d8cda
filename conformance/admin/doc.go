// Package admin has no code of its own: its tests build the pages that the plugin admin
// writes for services of several designs, and use them in Chromium, by the scenarios
// admin*.mjs of conformance/browser, as [stagetest] says. How people log in at an issuer is
// tried in conformance/browser, beside the other clients of one.
//
// [stagetest]: https://pkg.go.dev/github.com/gatewright/gate/conformance/internal/stagetest
package admin
