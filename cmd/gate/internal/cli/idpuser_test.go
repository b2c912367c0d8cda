package cli

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/tenant"
)

// The address of somebody who also comes by another provider is that of the
// password, and nobody guesses between two.
func TestWithPassword(t *testing.T) {
	db, other, github := tenant.Identity{Connection: "db", Provider: tenant.Database}, tenant.Identity{Connection: "old", Provider: tenant.Database},
		tenant.Identity{Connection: "github", Provider: "github"}
	for want, identities := range map[string][]tenant.Identity{
		"db": {github, db}, "github": {github}, "--connection is one of db, old": {db, other}, "--connection is one of github, github": {github, github},
	} {
		got, err := withPassword(&tenant.User{ID: "auth0|1", Identities: identities})
		if f, ok := err.(*fault); ok { //nolint:errorlint // made right here
			got = f.hint
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("%v: %q, %v, want %q", identities, got, err, want)
		}
	}
}
