package node_test

import (
	"testing"

	"github.com/gatewright/gate/idp/idptest"
)

// node-auth0 puts https:// before the domain, whatever it is told.
func TestNodeAuth0v4(t *testing.T) { nodeAuth0(t, "node-auth0-4.mjs") }

func TestNodeAuth0v7(t *testing.T) { nodeAuth0(t, "node-auth0-7.mjs") }

func nodeAuth0(t *testing.T, script string) {
	t.Helper()
	s := idptest.New(t, idptest.Config{TLS: true})
	keys := machines(t, s)
	run(t, s, script, facts{"ada": person(s, "ada@example.com", "menu-admin"), "signing": signingClient, "keys": keys})
}
