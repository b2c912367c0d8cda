package admin_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/conformance/internal/stagetest"
)

// TestAdminGraphQL uses the pages of a service that has GraphQL alone.
func TestAdminGraphQL(t *testing.T) {
	t.Parallel()
	stagetest.Installed(t)
	src := strings.Replace(stagetest.Design(t, "larder.yaml"), "  client-ts: {}\n", "  client-ts: {}\n  admin: {}\n", 1)
	dir := t.TempDir()
	program := stagetest.Pages(t, dir, src, stagetest.Application)
	url := stagetest.Serve(t, program, "ADMIN_EMAIL=ada@larder.example")
	stagetest.Scenario(t, "admingraphql.mjs", stagetest.Facts{"url": url, "ada": stagetest.Administrator(t, dir)}, "")
}
