package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/config"
)

// fuse lets a database take n further writes of objects and people, and none
// after them, as of a process that is killed there.
func fuse(t *testing.T, in *config.Instance, n int) {
	t.Helper()
	statements := []string{"CREATE TABLE IF NOT EXISTS fuse (n INTEGER)", "DELETE FROM fuse", fmt.Sprintf("INSERT INTO fuse VALUES (%d)", n)}
	for _, table := range []string{"idp_objects", "idp_users", "idp_user_roles", "idp_role_permissions"} {
		for _, verb := range []string{"INSERT", "UPDATE", "DELETE"} {
			statements = append(statements, strings.NewReplacer("TABLE", table, "VERB", verb).Replace(`CREATE TRIGGER IF NOT EXISTS fuse_TABLE_VERB BEFORE VERB ON TABLE BEGIN
				SELECT RAISE(ABORT, 'killed') WHERE (SELECT n FROM fuse) <= 0; UPDATE fuse SET n = n - 1; END`))
		}
	}
	for _, s := range statements {
		if _, err := in.DB.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

// A start that is killed after any write leaves what the next one finishes: no
// client is there twice, under its own ID or a random one, and no start is refused
// for what another one left.
func TestSeed_killedAnywhere(t *testing.T) {
	in := instance(t)
	plant(t, in, config.Seed{APIs: []config.API{{Identifier: audience, Scopes: []config.Scope{{Value: "create:items"}}}}})
	kills := 0
	for done := false; !done; kills++ {
		menu, cron, cook := fmt.Sprintf("Menu %d", kills), fmt.Sprintf("Cron %d", kills), fmt.Sprintf("cook%d", kills)
		id, connection, email := fmt.Sprintf("menu%d", kills), fmt.Sprintf("people%d", kills), cook+"@example.com"
		s := config.Seed{
			Clients: []config.Client{
				{Name: menu, Type: config.SPA, ID: id, Callbacks: []string{"http://localhost:3000/cb"}},
				{Name: cron, Type: config.Machine, Grants: map[string][]string{audience: {"*"}}},
			},
			Connections: []config.Connection{{Name: connection}},
			Roles:       []config.Role{{Name: cook, Permissions: map[string][]string{audience: {"create:items"}}}},
			Users:       []config.User{{Email: email, Roles: []string{cook}}},
		}
		fuse(t, in, kills)
		_, err := in.Seed(t.Context(), s)
		done = err == nil
		fuse(t, in, 1<<30)
		report := plant(t, in, s)
		clients, err := in.Tenant().Clients.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want := 2 * (kills + 1); len(clients) != want {
			t.Errorf("after %d writes: %d clients, want %d", kills, len(clients), want)
		}
		spa, _ := report.Find(config.KindClient, menu)
		machine, _ := report.Find(config.KindClient, cron)
		if spa.ID != id || machine.ID == "" {
			t.Errorf("after %d writes: %+v, %+v", kills, spa, machine)
		}
		if g, err := in.Tenant().Grants.ByName(t.Context(), machine.ID+" "+audience); err != nil || len(g.Scope) != 1 {
			t.Errorf("after %d writes: grants %+v, %v", kills, g, err)
		}
		if u, _, err := in.Tenant().UserByLogin(t.Context(), connection, email); err != nil || len(mustRoles(t, in, u.ID)) != 1 {
			t.Errorf("after %d writes: the user %+v, %v", kills, u, err)
		}
		if c, err := in.Tenant().Connections.ByName(t.Context(), connection); err != nil || len(c.EnabledClients) != 1 {
			t.Errorf("after %d writes: the connection %+v, %v", kills, c, err)
		}
		if kills > 60 {
			t.Fatal("no end")
		}
	}
	if kills < 8 {
		t.Errorf("%d writes: the fuse did not count them", kills)
	}
}
