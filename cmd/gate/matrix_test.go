package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatewright/gate/store/storetest"
)

// sampled skips a test of combinations that is not in the sample which each run
// tries, unless GATE_TEST_ALL=1 asks for all.
func sampled(t *testing.T, in bool) {
	t.Helper()
	if !in && os.Getenv("GATE_TEST_ALL") == "" {
		t.Skip("not in the sample: GATE_TEST_ALL=1 tries all")
	}
}

// TestMatrix generates, builds and runs each way to authenticate, with each
// surface, on each database, and asks it what its public and its people see.
func TestMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("builds services")
	}
	ways := []struct {
		name string
		on   combination
	}{
		{"none", combination{}},
		{"jwt", combination{jwt: true}},
		{"basic", combination{basic: true}},
		{"jwt+basic", combination{jwt: true, basic: true}},
		{"auth0", combination{oidc: true, auth0: true}},
	}
	sample := map[string]bool{"jwt+basic/graphql/postgres": true, "auth0/graphql/sqlite": true}
	gate := gateBinary(t)
	for _, way := range ways {
		for _, graphql := range []bool{false, true} {
			for _, database := range []string{"sqlite", "postgres"} {
				name := strings.Join([]string{way.name, map[bool]string{false: "rest", true: "graphql"}[graphql], database}, "/")
				t.Run(name, func(t *testing.T) {
					sampled(t, sample[name])
					tryCell(t, gate, way.on, graphql, database)
				})
			}
		}
	}
}

// tryCell tries one service of the matrix.
func tryCell(t *testing.T, gate string, on combination, graphql bool, database string) {
	t.Helper()
	if database == "postgres" {
		t.Setenv("DATABASE_URL", storetest.PostgresURL(t))
	}
	apis := "[rest]"
	if graphql {
		apis = "[rest, graphql]"
	}
	dir := t.TempDir()
	yaml := strings.Replace(combined, "module: example.com/shop}", "module: example.com/shop, database: "+database+", apis: "+apis+"}", 1)
	var args []string
	if on.auth0 { // a token names no account here, its address does
		yaml = strings.Replace(yaml, "email: {type: email, required: true, unique: true}", "email: {type: email, required: true, unique: true, searchable: true}", 1)
		args = []string{"--idp", "localhost:0"}
	}
	write(t, filepath.Join(dir, "gate.yaml"), strings.Replace(yaml, "PLUGINS\n", on.yaml(), 1))
	r := dev(t, gate, dir, args...)
	defer r.stop()
	d := &doors{combination: on, running: r}
	d.public(t)
	d.graph(t, graphql)
	if !on.authenticates() {
		d.closed(t)
		return
	}
	d.challenges(t)
	if !on.auth0 { // there people sign up at the provider
		d.want(201, "POST", "/api/users", "", `{"email":"maria@kitchen.example","password":"correct horse battery staple"}`)
	}
	d.tokens(t)
	d.passwords(t)
	if on.auth0 {
		admin := base64.StdEncoding.EncodeToString([]byte(d.admin.Email + ":" + d.admin.Password))
		d.want(401, "GET", "/api/me", "Basic "+admin, "")
	}
}

// graph asks by GraphQL what anybody may see, and what nobody may without an
// account.
func (d *doors) graph(t *testing.T, on bool) {
	t.Helper()
	a := d.want(found(on, 200), "POST", "/api/graphql", "", `{"query":"{items {name} itemsCount}"}`)
	if !on {
		return
	}
	if strings.Contains(a.body, `"errors"`) || !strings.Contains(a.body, `"itemsCount":`) {
		t.Errorf("what is public: %s", a.body)
	}
	a = d.ask("POST", "/api/graphql", "", `{"query":"mutation {createItem(input: {name: \"Figs\"}) {id}}"}`)
	if !strings.Contains(a.body, `"errors"`) || strings.Contains(a.body, `"id":`) {
		t.Errorf("a stranger creates: %d %s", a.status, a.body)
	}
}
