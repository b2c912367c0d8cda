package main

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
)

// combined is a design; the section plugins is what the test changes.
const combined = `gate: 1
service: {name: shop, module: example.com/shop}
roles:
  customer: {default: true}
  keeper: {permissions: ["create:items"]}
PLUGINS
entities:
  Item:
    fields:
      name: {type: text, required: true}
    allow:
      view: [public]
      list: [public]
      create: ["create:items"]
  User:
    fields:
      email: {type: email, required: true, unique: true}
      password: {type: password, required: true}
      roles: roles
    allow:
      create: [public]
      view: [owner]
    owner: id
`

// TestOpenToEveryone opens a service without authentication: every action, but
// neither roles nor what the service sets itself.
func TestOpenToEveryone(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	yaml := strings.Replace(strings.Replace(combined, "PLUGINS\n", "", 1), "example.com/shop}", "example.com/shop, insecureOpenToEveryone: true}", 1)
	r := dev(t, gateBinary(t), design(t, yaml))
	const user = `"email":"maria@kitchen.example"`
	r.want(201, "POST", "/api/items", "", `{"name":"Figs"}`)
	r.want(201, "POST", "/api/users", "", "{"+user+"}")
	if list := r.want(200, "GET", "/api/users", "", ""); strings.Contains(list.body, "argon2") {
		t.Errorf("the list shows a hash: %s", list.body)
	}
	for _, more := range []string{`"roles":["keeper"]`, `"password":"correct horse battery staple"`, `"id":"0199a1b2-0000-7000-8000-000000000000"`, `"createdAt":"2026-01-01T00:00:00Z"`} {
		if a := r.ask("POST", "/api/users", "", "{"+strings.Replace(user, "maria", "eve", 1)+","+more+"}"); a.status != 400 && a.status != 403 {
			t.Errorf("%s: %d %s", more, a.status, a.body)
		}
	}
}

// TestCombinations builds and runs every combination of authentication plugins,
// on one service and one database: each is a change of a few lines, and what was
// there before stays.
func TestCombinations(t *testing.T) {
	if testing.Short() {
		t.Skip("builds services")
	}
	const (
		signUp = `{"email":"maria@kitchen.example","password":"correct horse battery staple"}`
		login  = `{"strategy":"local","email":"maria@kitchen.example","password":"correct horse battery staple"}`
		item   = `{"name":"Figs"}`
	)
	maria := "Basic " + base64.StdEncoding.EncodeToString([]byte("maria@kitchen.example:correct horse battery staple"))
	tests := []struct {
		name    string
		plugins string
		jwt     bool
		basic   bool
	}{
		{"jwt", "plugins:\n  auth-core: {entity: User}\n  auth-jwt: {}\n", true, false},
		{"none", "plugins:\n  auth-core: {entity: User, enabled: false}\n  auth-jwt: {enabled: false}\n", false, false},
		{"basic", "plugins:\n  auth-core: {entity: User}\n  auth-basic: {}\n", false, true},
		{"both", "plugins:\n  auth-core: {entity: User}\n  auth-basic: {}\n  auth-jwt: {}\n", true, true},
		{"none, no plugins at all", "", false, false},
		{"jwt again", "plugins:\n  auth-core: {entity: User}\n  auth-jwt: {}\n", true, false},
	}
	gate := gateBinary(t)
	dir := t.TempDir()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			write(t, filepath.Join(dir, "gate.yaml"), strings.Replace(combined, "PLUGINS\n", tt.plugins, 1))
			r := dev(t, gate, dir)
			defer r.stop()
			r.want(200, "GET", "/api/items", "", "")
			r.want(200, "GET", "/api/openapi.json", "", "")
			if !tt.jwt && !tt.basic {
				r.want(403, "POST", "/api/items", "", item)
				r.want(404, "POST", "/api/authentication", "", login)
				r.want(404, "GET", "/api/me", "", "")
				return
			}
			challenges := r.want(401, "POST", "/api/items", "", item).header.Values("WWW-Authenticate")
			if all := strings.Join(challenges, ", "); strings.Contains(all, "Bearer") != tt.jwt || strings.Contains(all, "Basic") != tt.basic {
				t.Errorf("WWW-Authenticate: %q", challenges)
			}
			if a := r.ask("POST", "/api/users", "", signUp); a.status != 201 && a.status != 409 {
				t.Errorf("sign-up: %d %s", a.status, a.body)
			}
			if tt.basic {
				r.want(403, "POST", "/api/items", maria, item)
				r.want(200, "GET", "/api/me", maria, "")
				admin := "Basic " + base64.StdEncoding.EncodeToString([]byte(r.admin.Email+":"+r.admin.Password))
				r.want(201, "POST", "/api/items", admin, item)
				r.want(400, "POST", "/api/items", maria+"!", item)
				wrong := "Basic " + base64.StdEncoding.EncodeToString([]byte("maria@kitchen.example:correct horse battery stapl"))
				r.want(401, "POST", "/api/items", wrong, item)
			} else {
				r.want(401, "POST", "/api/items", maria, item)
			}
			if tt.jwt {
				bearer, _ := r.login("maria@kitchen.example", "correct horse battery staple")
				r.want(403, "POST", "/api/items", bearer, item)
				r.want(200, "GET", "/api/me", bearer, "")
				admin, _ := r.login(r.admin.Email, r.admin.Password)
				r.want(201, "POST", "/api/items", admin, item)
			} else {
				r.want(404, "POST", "/api/authentication", "", login)
			}
		})
	}
}
