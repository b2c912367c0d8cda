package config_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/store/storetest"
)

// instance opens a provider over a database of its own that ends with the test.
func instance(t *testing.T, env ...string) *config.Instance {
	t.Helper()
	file := filepath.Join(t.TempDir(), "idp.yaml")
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "profile.js"), []byte(`exports.onExecutePostLogin = async () => {};`), 0o600); err != nil {
		t.Fatal(err)
	}
	return openAt(t, file, env...)
}

func openAt(t *testing.T, file string, env ...string) *config.Instance {
	t.Helper()
	c, err := config.Parse(file, []byte(local), lookup(env...))
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.Open(t.Context(), config.Options{Development: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := in.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return in
}

const audience = "https://restaurant.example/api"

func seed() config.Seed {
	return config.Seed{
		APIs: []config.API{{Identifier: audience, Name: "Restaurant", RBAC: true, OfflineAccess: true, Scopes: []config.Scope{
			{Value: "create:items", Description: "Add dishes"}, {Value: "update:items"},
		}}},
		Roles: []config.Role{{Name: "menu-admin", Permissions: map[string][]string{audience: {"create:items", "update:items"}}}},
		Clients: []config.Client{
			{Name: "Menu", Type: config.SPA, Callbacks: []string{"http://localhost:3000/cb"}, WebOrigins: []string{"http://localhost:3000"}},
			{Name: "Desk", Type: config.Web, ID: "desk", Callbacks: []string{"http://localhost:4000/cb"}, SecretEnv: "DESK_SECRET"},
			{Name: "Cron", Type: config.Machine, Grants: map[string][]string{audience: {"create:items"}, config.ManagementAPI: {"*"}}},
		},
		Users:   []config.User{{Email: "Ada@example.com", Roles: []string{"menu-admin"}}},
		Actions: []config.Action{{Name: "profile", Trigger: "post-login", File: "profile.js", Secrets: map[string]string{"KEY": "PROFILE_KEY"}}},
	}
}

var seedEnv = []string{"DESK_SECRET=desk-q8w7e6r5t4y3u2i1o0p9a8s7d6f5g4", "PROFILE_KEY=k-1"} //nolint:gochecknoglobals // constant

func plant(t *testing.T, in *config.Instance, s config.Seed) config.Report {
	t.Helper()
	report, err := in.Seed(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestSeed(t *testing.T) {
	in := instance(t, seedEnv...)
	report := plant(t, in, seed())
	var made []string
	for _, r := range report {
		if !r.Made || r.ID == "" {
			t.Errorf("%+v", r)
		}
		made = append(made, r.Kind+" "+r.Name+map[bool]string{true: " with a secret"}[r.Secret != ""])
	}
	want := []string{
		"API " + audience, "role menu-admin", "client Menu", "client Desk", "client Cron with a secret",
		"connection Username-Password-Authentication", "user Ada@example.com with a secret", "action profile",
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	ctx, k := t.Context(), in.Tenant()
	api, err := k.APIs.ByName(ctx, audience)
	if err != nil || !api.EnforcePolicies || api.TokenDialect != "access_token_authz" || !api.AllowOfflineAccess || !api.SkipConsent {
		t.Errorf("API %+v, %v", api, err)
	}
	desk, err := k.Clients.Get(ctx, "desk")
	if err != nil || desk.Secret != "desk-q8w7e6r5t4y3u2i1o0p9a8s7d6f5g4" || desk.AppType != tenant.RegularWeb {
		t.Errorf("client %+v, %v", desk, err)
	}
	if all, err := k.Clients.List(ctx); err != nil || len(all) != 3 {
		t.Errorf("%d clients, %v", len(all), err)
	}
	menu, _ := report.Find(config.KindClient, "Menu")
	conn, err := k.Connections.ByName(ctx, config.DefaultConnection)
	if err != nil || !slices.Equal(conn.EnabledClients, []string{menu.ID, "desk"}) {
		t.Errorf("connection %+v, %v", conn, err)
	}
	u, identity, err := k.UserByLogin(ctx, config.DefaultConnection, "ada@example.com")
	if err != nil || !u.EmailVerified || identity.PasswordHash == "" {
		t.Fatalf("user %+v, %v", u, err)
	}
	if perms, err := k.PermissionsOf(ctx, u.ID, api); err != nil || len(perms) != 2 {
		t.Errorf("permissions %v, %v", perms, err)
	}
	act, err := k.Actions.ByName(ctx, "profile")
	if err != nil || act.Deployed == nil || len(act.Deployed.Secrets) != 1 || act.Deployed.Secrets[0].Value != "k-1" {
		t.Errorf("action %+v, %v", act, err)
	}
	if b, err := k.Bindings.Get(ctx, "post-login"); err != nil || len(b.List) != 1 {
		t.Errorf("bindings %+v, %v", b, err)
	}
}

// TestSeed_again: at the next start nothing is made, and no secret is told.
func TestSeed_again(t *testing.T) {
	in := instance(t, seedEnv...)
	first := plant(t, in, seed())
	before := dump(t, in)
	for _, r := range plant(t, in, seed()) {
		was, _ := first.Find(r.Kind, r.Name)
		if r.Made || r.Secret != "" || r.ID != was.ID {
			t.Errorf("again: %+v, was %+v", r, was)
		}
	}
	if after := dump(t, in); !bytes.Equal(before, after) {
		t.Errorf("changed (-before +after):\n%s", cmp.Diff(string(before), string(after)))
	}
}

// dump returns the tenant without the line that has the time.
func dump(t *testing.T, in *config.Instance) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := in.Tenant().Export(t.Context(), &b, tenant.DumpOptions{Secrets: true}); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(b.Bytes(), []byte("\n"))
	return rest
}

// TestSeed_administrator: what an administrator took away does not come back;
// what is new in the seed comes.
func TestSeed_administrator(t *testing.T) {
	in := instance(t, seedEnv...)
	report := plant(t, in, seed())
	ctx, k := t.Context(), in.Tenant()
	id := func(kind, name string) string { s, _ := report.Find(kind, name); return s.ID }
	do := func(method, path string, body any) {
		t.Helper()
		if err := in.Admin.Do(ctx, method, path, body, nil); err != nil {
			t.Fatal(err)
		}
	}
	do(http.MethodPatch, "resource-servers/"+id(config.KindAPI, audience), map[string]any{
		"name": "Ours", "scopes": []any{map[string]string{"value": "create:items"}}, "enforce_policies": false,
	})
	do(http.MethodDelete, "roles/"+id(config.KindRole, "menu-admin")+"/permissions", map[string]any{
		"permissions": []any{map[string]string{"resource_server_identifier": audience, "permission_name": "create:items"}},
	})
	do(http.MethodPatch, "clients/"+id(config.KindClient, "Menu"), map[string]any{"callbacks": []string{"https://menu.example/cb"}})
	do(http.MethodDelete, "users/"+strings.ReplaceAll(id(config.KindUser, "Ada@example.com"), "|", "%7C"), nil)
	do(http.MethodDelete, "actions/actions/"+id(config.KindAction, "profile")+"?force=true", nil)

	s := seed()
	s.APIs[0].Scopes = append(s.APIs[0].Scopes, config.Scope{Value: "delete:items"})
	s.Roles[0].Permissions[audience] = append(s.Roles[0].Permissions[audience], "delete:items")
	s.Clients[0].Callbacks = append(s.Clients[0].Callbacks, "http://localhost:5173/cb")
	again := plant(t, in, s)

	api, err := k.APIs.ByName(ctx, audience)
	if err != nil || api.Name != "Ours" || api.EnforcePolicies || api.Defines("update:items") || !api.Defines("delete:items") {
		t.Errorf("API %+v, %v", api, err)
	}
	perms, err := k.RolePermissions(ctx, id(config.KindRole, "menu-admin"))
	var names []string
	for _, p := range perms {
		names = append(names, p.Name)
	}
	if err != nil || slices.Contains(names, "create:items") || !slices.Contains(names, "delete:items") {
		t.Errorf("permissions %v, %v", names, err)
	}
	menu, err := k.Clients.Get(ctx, id(config.KindClient, "Menu"))
	if err != nil || !slices.Equal(menu.Callbacks, []string{"https://menu.example/cb", "http://localhost:5173/cb"}) {
		t.Errorf("client %+v, %v", menu, err)
	}
	for _, gone := range []struct{ kind, name string }{{config.KindUser, "Ada@example.com"}, {config.KindAction, "profile"}} {
		if r, ok := again.Find(gone.kind, gone.name); !ok || r.Made || r.ID != "" {
			t.Errorf("%s %s came back: %+v", gone.kind, gone.name, r)
		}
	}
}

// TestLNK_seedTakesNobodyOver: somebody who signed up with the address of the
// first administrator before the seed does not become administrator.
func TestLNK_seedTakesNobodyOver(t *testing.T) {
	in := instance(t, seedEnv...)
	first := seed()
	first.Users = nil
	plant(t, in, first)
	var squatter struct {
		ID string `json:"user_id"`
	}
	err := in.Admin.Do(t.Context(), http.MethodPost, "users", map[string]any{
		"connection": config.DefaultConnection, "email": "ada@example.com", "password": "Tin-Otter-Marsh-41",
	}, &squatter)
	if err != nil {
		t.Fatal(err)
	}
	report := plant(t, in, seed())
	if r, _ := report.Find(config.KindUser, "Ada@example.com"); r.Made || r.ID != squatter.ID {
		t.Errorf("got %+v", r)
	}
	if roles, err := in.Tenant().RolesOf(t.Context(), squatter.ID); err != nil || len(roles) != 0 {
		t.Errorf("roles %v, %v", roles, err)
	}
}

// TestSeed_notReady: where a secret or a file is missing all of it is told, and
// nothing is made. What has been made needs them no longer.
func TestSeed_notReady(t *testing.T) {
	in := instance(t, seedEnv...)
	broken := seed()
	broken.Clients[1].SecretEnv, broken.Users[0].PasswordEnv, broken.Actions[0].File = "NOTHING", "NO_PASSWORD", "absent.js"
	report, err := in.Seed(t.Context(), broken)
	if err == nil || len(report) > 0 {
		t.Fatalf("%v, %v", report, err)
	}
	for _, want := range []string{"client Desk: the variable NOTHING is not set", "the variable NO_PASSWORD is not set", "action profile: open "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if clients, err := in.Tenant().Clients.List(t.Context()); err != nil || slices.ContainsFunc(clients, func(c *tenant.Client) bool { return c.Name == "Menu" }) {
		t.Errorf("a client was made: %v", err)
	}
	plant(t, in, seed())
	if _, err := in.Seed(t.Context(), broken); err != nil {
		t.Errorf("with everything there: %v", err)
	}
}

// TestSeed_refused: what is wrong stops, says what it was about, and keeps what
// was made before it.
func TestSeed_refused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*config.Seed)
		want   string
	}{
		"callback":         {func(s *config.Seed) { s.Clients[0].Callbacks[0] = "javascript:alert(1)" }, "seed: client Menu: "},
		"permission":       {func(s *config.Seed) { s.Roles[0].Permissions[audience] = []string{"no:such"} }, "seed: role menu-admin: "},
		"kind of a client": {func(s *config.Seed) { s.Clients = append(s.Clients, config.Client{Name: "Menu", Type: config.Machine}) }, "the client "},
	} {
		t.Run(name, func(t *testing.T) {
			in := instance(t, seedEnv...)
			s := seed()
			tt.change(&s)
			report, err := in.Seed(t.Context(), s)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(report) == 0 {
				t.Fatalf("%v, %v", report, err)
			}
			if _, err := in.Seed(t.Context(), seed()); err != nil {
				t.Errorf("mended: %v", err)
			}
		})
	}
}

func TestSeed_imitation(t *testing.T) {
	in := instance(t)
	plant(t, in, config.Seed{Connections: []config.Connection{{Name: "github", Strategy: "github", Imitation: &upstream.Config{
		ClientID: "imitation", ClientSecret: "imitation", AuthorizationURL: "http://localhost:9/a", TokenURL: "http://localhost:9/t", UserInfoURL: "http://localhost:9/u",
	}}}})
	c, err := in.Tenant().Connections.ByName(t.Context(), "github")
	if err != nil || c.Options.TokenURL != "http://localhost:9/t" || string(c.Options.Extra["imitation"]) != "true" || c.Options.ClientSecret != "imitation" {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestSeed_together: processes that start at the same moment make each thing
// once.
func TestSeed_together(t *testing.T) {
	url := storetest.PostgresURL(t)
	file := filepath.Join(t.TempDir(), "idp.yaml")
	env := append(slices.Clone(seedEnv), "IDP_DATABASE_URL="+url, "IDP_SECRET="+good)
	all := []*config.Instance{openAt(t, file, env...), openAt(t, file, env...)}
	s := seed()
	s.Actions = nil
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, in := range all {
		wg.Go(func() { _, errs[i] = in.Seed(t.Context(), s) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	clients, err := all[0].Tenant().Clients.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, c := range clients {
		seen[c.Name]++
	}
	if diff := cmp.Diff(map[string]int{"Menu": 1, "Desk": 1, "Cron": 1}, seen); diff != "" {
		t.Errorf("clients (-want +got):\n%s", diff)
	}
}

// TestSeed_half: what a start that was killed left half made is finished by the
// next one: an action without its binding, a user without their roles.
func TestSeed_half(t *testing.T) {
	in := instance(t, seedEnv...)
	ctx, db := t.Context(), in.DB
	for _, broken := range []string{
		"INSERT ON idp_user_roles BEGIN SELECT RAISE(ABORT, 'killed'); END",
		"INSERT ON idp_objects WHEN NEW.kind = 'bindings' BEGIN SELECT RAISE(ABORT, 'killed'); END",
	} {
		if _, err := db.Exec(ctx, "CREATE TRIGGER broken BEFORE "+broken); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Seed(ctx, seed()); err == nil {
			t.Fatalf("nothing came between: %s", broken)
		}
		if _, err := db.Exec(ctx, "DROP TRIGGER broken"); err != nil {
			t.Fatal(err)
		}
	}
	report := plant(t, in, seed())
	u, _, err := in.Tenant().UserByLogin(ctx, config.DefaultConnection, "ada@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if roles, err := in.Tenant().RolesOf(ctx, u.ID); err != nil || len(roles) != 1 {
		t.Errorf("roles of the user: %v, %v", roles, err)
	}
	if b, err := in.Tenant().Bindings.Get(ctx, "post-login"); err != nil || len(b.List) != 1 {
		t.Errorf("bindings: %+v, %v", b, err)
	}
	for kind, name := range map[string]string{config.KindUser: "Ada@example.com", config.KindAction: "profile"} {
		if r, ok := report.Find(kind, name); !ok || r.ID == "" || r.Made || r.Secret != "" {
			t.Errorf("%s: %+v", kind, r)
		}
	}
	// It is finished once: what an administrator takes away after that stays away.
	if err := in.Tenant().RemoveRoles(ctx, u.ID, mustRoles(t, in, u.ID)...); err != nil {
		t.Fatal(err)
	}
	plant(t, in, seed())
	if roles := mustRoles(t, in, u.ID); len(roles) != 0 {
		t.Errorf("roles came back: %v", roles)
	}
}

func mustRoles(t *testing.T, in *config.Instance, user string) []string {
	t.Helper()
	roles, err := in.Tenant().RolesOf(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return roles
}

// TestSeed_others: what somebody else made under the name of a seed gets nothing by
// it, also when a start was killed before it made its own.
func TestSeed_others(t *testing.T) {
	in := instance(t, seedEnv...)
	ctx := t.Context()
	if _, err := in.DB.Exec(ctx, "CREATE TRIGGER broken BEFORE INSERT ON idp_users BEGIN SELECT RAISE(ABORT, 'killed'); END"); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Seed(ctx, seed()); err == nil {
		t.Fatal("nothing came between")
	}
	if _, err := in.DB.Exec(ctx, "DROP TRIGGER broken"); err != nil {
		t.Fatal(err)
	}
	mallory := &tenant.User{Email: "ada@example.com", Identities: []tenant.Identity{{
		Connection: config.DefaultConnection, Provider: tenant.Database, UserID: "666", Email: "ada@example.com",
	}}}
	if err := in.Tenant().CreateUser(ctx, mallory); err != nil {
		t.Fatal(err)
	}
	code := map[string]any{"name": "profile", "code": "exports.onExecutePostLogin = async () => {};", "supported_triggers": []any{map[string]string{"id": "post-login"}}}
	if err := in.Admin.Do(ctx, http.MethodPost, "actions/actions", code, nil); err != nil {
		t.Fatal(err)
	}
	plant(t, in, seed())
	if roles := mustRoles(t, in, mallory.ID); len(roles) != 0 {
		t.Errorf("somebody else's roles: %v", roles)
	}
	if b, err := in.Tenant().Bindings.Get(ctx, "post-login"); err == nil && len(b.List) != 0 {
		t.Errorf("somebody else's action is bound: %+v", b.List)
	}
}
