package node_test

import (
	"testing"

	"github.com/gatewright/gate/idp/idptest"
)

// Next is larger than all other packages together: it is installed for itself.
func TestNextJSAuth0(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	run(t, s, "nextjs/nextjs-auth0.mjs", facts{"ada": person(s, "ada@example.com", "menu-admin")})
}
