package standard_test

import (
	"fmt"

	"github.com/gatewright/gate/gen/standard"
)

func ExamplePlugins() {
	for _, p := range standard.Plugins() {
		if !p.Base {
			fmt.Printf("%s: %s\n", p.Name, p.Summary)
		}
	}
	// Output:
	// auth-core: accounts, from an entity with a login name, a password and roles
	// auth-jwt: access tokens: POST /api/authentication, then Authorization: Bearer
	// auth-basic: login name and password with every request: Authorization: Basic
}
