package main

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/internal/nodetest"
)

// TestFeathersClient runs the official Feathers REST client against a generated
// service: the same scenario that examples/guard passes.
func TestFeathersClient(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	dir := design(t, read(t, "../../examples/restaurant/gate.yaml"))
	r := dev(t, gateBinary(t), dir)
	const password = "correct horse battery staple"
	r.want(201, "POST", "/api/users", "", `{"email":"maria@kitchen.example","password":"`+password+`"}`)
	admin, _ := r.login(r.admin.Email, r.admin.Password)
	r.want(201, "POST", "/api/items", admin, `{"name":"Toast","price":3}`)

	lines := nodetest.Run(t, "../../examples/guard/testdata/feathers", "scenario.js", map[string]any{
		"url": r.url + "/api", "email": r.admin.Email, "password": r.admin.Password,
		"weak": map[string]string{"email": "maria@kitchen.example", "password": password},
		"find": "users", "create": "items", "data": map[string]any{"name": "Figs", "price": 7.5},
	})
	if lines[len(lines)-1] != "done" {
		t.Errorf("the scenario ends early:\n%s", strings.Join(lines, "\n"))
	}
}
