package auth0_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/auth0"
)

const audience = "https://menu.example/api"

func desired() auth0.Desired {
	return auth0.Desired{
		API: auth0.API{
			Identifier: audience, Name: "Menu API", RBAC: true, AllowOfflineAccess: true, SkipConsent: true, TokenLifetime: 3600,
			Scopes: []auth0.Scope{{Value: "create:items", Description: "create items"}, {Value: "delete:items"}},
		},
		SPA: &auth0.SPA{
			Name: "menu SPA", Callbacks: []string{"http://localhost:3000/auth-callback"},
			LogoutURLs: []string{"http://localhost:3000/login"}, WebOrigins: []string{"http://localhost:3000"},
		},
		Machine: &auth0.Machine{Name: "menu machine", Scopes: []string{"create:items"}},
		Roles: []auth0.Role{
			{Name: "menu-admin", Description: "runs the menu", Permissions: []string{"create:items", "delete:items"}},
			{Name: "guest"},
		},
		Action: &auth0.Action{
			Code:    auth0.DefaultAction(audience, audience, true),
			Secrets: []auth0.ActionSecret{{Name: "API_KEY", Value: "value-of-the-action-secret"}},
		},
		Connections: []string{"Username-Password-Authentication"},
	}
}

// tenant returns the fake seen by the package, which waits no time.
func tenant(t *testing.T, f *fake) *auth0.Tenant {
	t.Helper()
	return tenantWith(t, auth0.Config{BaseURL: f.URL, Token: fakeToken})
}

func tenantWith(t *testing.T, cfg auth0.Config) *auth0.Tenant {
	t.Helper()
	if cfg.Wait == nil {
		cfg.Wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	cfg.Logger = slog.New(slog.DiscardHandler)
	tn, err := auth0.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tn
}

// converge plans and applies.
func converge(ctx context.Context, tn *auth0.Tenant, d auth0.Desired) (*auth0.Result, error) {
	p, err := tn.Plan(ctx, d)
	if err != nil {
		return nil, err
	}
	return tn.Apply(ctx, p)
}

func apply(t *testing.T, f *fake, d auth0.Desired) *auth0.Result {
	t.Helper()
	r, err := converge(t.Context(), tenant(t, f), d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// state returns what the tenant holds, without ids and times.
func state(t *testing.T, f *fake) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	names := make(map[string]string)
	for collection, all := range f.objects {
		for _, o := range all {
			for _, key := range []string{"id", "client_id"} {
				if id, ok := o[key].(string); ok && (key == "id" || collection == "clients") {
					names[id] = fmt.Sprintf("<%s %v%v>", collection, o["name"], o["audience"])
				}
			}
			delete(o, "deployed_version")
		}
	}
	b, err := json.MarshalIndent([]any{f.objects, f.perms, f.enabled, f.bound}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for id, name := range names {
		text = strings.ReplaceAll(text, `"`+id+`"`, `"`+strings.ReplaceAll(name, `"`, "'")+`"`)
	}
	return text
}

func TestApply_secondWritesNothing(t *testing.T) {
	f := newFake(t)
	first := apply(t, f, desired())
	if len(f.writes()) == 0 {
		t.Fatal("the first apply wrote nothing")
	}
	second := apply(t, f, desired())
	if got := f.writes(); len(got) > 0 {
		t.Errorf("the second apply wrote: %q", got)
	}
	if first.MachineClientSecret == "" || second.MachineClientSecret != "" {
		t.Error("the secret of the machine client has to be there when it was made, and then only")
	}
	first.MachineClientSecret = ""
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
}

func TestGEN10_planReadsOnly(t *testing.T) {
	f := newFake(t)
	p, err := tenant(t, f).Plan(t.Context(), desired())
	if err != nil {
		t.Fatal(err)
	}
	if got := f.writes(); len(got) > 0 {
		t.Errorf("plan wrote: %q", got)
	}
	if p.Empty() || len(p.Changes) != 10 {
		t.Errorf("got %d changes:\n%s", len(p.Changes), p)
	}
}

func TestApply_whatTheTenantHolds(t *testing.T) {
	f := newFake(t)
	r := apply(t, f, desired())
	api := f.one(t, "resource-servers", "Menu API")
	spa := f.one(t, "clients", "menu SPA")
	action := f.one(t, "actions", auth0.DefaultActionName)
	role := f.one(t, "roles", "menu-admin")
	for name, test := range map[string]struct{ got, want any }{
		"audience":     {r.Audience, audience},
		"issuer":       {r.IssuerURL, f.URL + "/"},
		"client":       {r.ClientID, spa["client_id"]},
		"dialect":      {api["token_dialect"], "access_token_authz"},
		"rbac":         {api["enforce_policies"], true},
		"scopes":       {len(api["scopes"].([]any)), 2},
		"public":       {spa["token_endpoint_auth_method"], "none"},
		"grants":       {fmt.Sprint(spa["grant_types"]), "[authorization_code refresh_token]"},
		"rotation":     {fmt.Sprint(spa["refresh_token"]), "map[expiration_type:expiring leeway:30 rotation_type:rotating]"},
		"trigger":      {fmt.Sprint(action["supported_triggers"]), "[map[id:post-login version:v3]]"},
		"runtime":      {action["runtime"], "node22"},
		"live":         {action["deployed_version"] != nil, true},
		"bound":        {fmt.Sprint(f.bound), fmt.Sprint([]any{action["id"]})},
		"permissions":  {len(f.perms[role["id"].(string)]), 2},
		"connection":   {fmt.Sprint(f.enabled["con_main"]), fmt.Sprint([]any{spa["client_id"]})},
		"grant":        {fmt.Sprint(f.objects["client-grants"][0]["scope"]), "[create:items]"},
		"grant client": {f.objects["client-grants"][0]["client_id"], r.MachineClientID},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %v, want %v", name, test.got, test.want)
		}
	}
}

// foreign puts things of others into a tenant.
func foreign(f *fake) {
	f.add("clients", object{"client_id": "other", "name": "menu SPA 2", "app_type": "spa"})
	f.add("resource-servers", object{"id": "rs1", "name": "Other API", "identifier": audience + "/other", "scopes": []any{object{"value": "x"}}})
	f.add("roles", object{"id": "rol_other", "name": "guest-menu-admin"})
	f.add("actions", object{
		"id": "foreign-1", "name": "Foreign", "code": "//", "status": "built", "all_changes_deployed": true,
		"deployed_version": object{"id": "v"}, "supported_triggers": []any{object{"id": "post-login", "version": "v3"}},
	})
	f.bound = []string{"foreign-1"}
	f.enabled["con_main"] = []string{"other"}
}

func TestGEN10_foreignObjectsSurvive(t *testing.T) {
	f := newFake(t)
	foreign(f)
	apply(t, f, desired())
	action := f.one(t, "actions", auth0.DefaultActionName)["id"].(string)
	if diff := cmp.Diff([]string{"foreign-1", action}, f.bound); diff != "" {
		t.Error(diff)
	}
	if got := f.enabled["con_main"]; len(got) != 2 || got[0] != "other" {
		t.Errorf("clients of the connection: %q", got)
	}
	for _, w := range f.writes() {
		if strings.Contains(w, "other") || strings.Contains(w, "rs1") || strings.HasPrefix(w, "DELETE") || strings.Contains(w, "foreign") {
			t.Errorf("it wrote %s", w)
		}
	}
	p, err := tenant(t, f).PlanDestroy(t.Context(), desired())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tenant(t, f).Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if !onlyForeign(f) {
		t.Errorf("destroy left or took something:\n%s", state(t, f))
	}
}

// onlyForeign reports whether all of others is left and nothing of the service.
func onlyForeign(f *fake) bool {
	return len(f.objects["clients"]) == 2 && len(f.objects["resource-servers"]) == 2 && len(f.objects["roles"]) == 1 &&
		len(f.objects["actions"]) == 1 && len(f.objects["client-grants"]) == 0 && len(f.bound) == 1 && len(f.enabled["con_main"]) == 1
}

func TestApply_killedAtEachRequestAndRunAgain(t *testing.T) {
	reference := newFake(t)
	foreign(reference)
	apply(t, reference, desired())
	total := len(reference.log)
	want := strings.ReplaceAll(state(t, reference), reference.URL, "")

	for name, kill := range map[string]func(at, n int) fault{
		"nothing is answered any more":          func(at, n int) fault { return fault{before: n >= at} },
		"it is done and nothing answered again": func(at, n int) fault { return fault{after: n == at, before: n > at} },
		"one answer is lost":                    func(at, n int) fault { return fault{after: n == at} },
		"one request is lost":                   func(at, n int) fault { return fault{before: n == at} },
		"one is answered by a gateway":          func(at, n int) fault { return map[bool]fault{true: {status: 502, message: "Bad Gateway"}}[n == at] },
	} {
		t.Run(name, func(t *testing.T) {
			failed := 0
			for at := 1; at <= total; at++ {
				f := newFake(t)
				foreign(f)
				f.breakdown(func(n int, _ *http.Request) fault { return kill(at, n) })
				if _, err := converge(t.Context(), tenant(t, f), desired()); err != nil {
					failed++
				}
				f.breakdown(nil)
				apply(t, f, desired())
				if diff := cmp.Diff(want, strings.ReplaceAll(state(t, f), f.URL, "")); diff != "" {
					t.Fatalf("killed at request %d:\n%s", at, diff)
				}
				f.Close()
			}
			t.Logf("%d of %d runs ended with an error", failed, total)
		})
	}
}

func TestApply_changedSincePlanned(t *testing.T) {
	for name, test := range map[string]struct {
		change func(f *fake)
		want   error
	}{
		"somebody made it otherwise": {func(f *fake) {
			f.add("clients", object{"client_id": "theirs", "name": "menu SPA", "app_type": "spa"})
		}, auth0.ErrChanged},
		"something else drifted": {func(f *fake) {
			f.add("resource-servers", object{"id": "theirs", "name": "Menu API", "identifier": audience})
		}, auth0.ErrChanged},
		"the name was taken": {func(f *fake) {
			f.add("resource-servers", object{"id": "theirs", "name": "Menu API", "identifier": "https://else.example"})
		}, auth0.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			tn := tenant(t, f)
			p, err := tn.Plan(t.Context(), desired())
			if err != nil {
				t.Fatal(err)
			}
			test.change(f)
			r, err := tn.Apply(t.Context(), p)
			if !errors.Is(err, test.want) || r == nil {
				t.Errorf("got %v and %v, want %v", r, err, test.want)
			}
		})
	}
}

func TestApply_secretSurvivesALaterFailure(t *testing.T) {
	f := newFake(t)
	f.hook = func(_ int, r *http.Request) fault {
		return map[bool]fault{true: {status: 400, message: "no"}}[r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/roles")]
	}
	r, err := converge(t.Context(), tenant(t, f), desired())
	if err == nil || r.MachineClientSecret == "" {
		t.Errorf("got %v and the secret %t", err, r.MachineClientSecret != "")
	}
}

func TestApply_foreignPlan(t *testing.T) {
	f, other := newFake(t), newFake(t)
	p, err := tenant(t, other).Plan(t.Context(), desired())
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*auth0.Plan{"none": nil, "zero": {}, "of another tenant": p} {
		if _, err := tenant(t, f).Apply(t.Context(), p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := f.writes(); len(got) > 0 {
		t.Errorf("it wrote %q", got)
	}
}

func TestApply_connectionsOfOlderTenants(t *testing.T) {
	f := newFake(t)
	f.legacy = true
	f.objects["connections"][0]["enabled_clients"] = []any{"other"}
	r := apply(t, f, desired())
	if got := fmt.Sprint(f.objects["connections"][0]["enabled_clients"]); got != "[other "+r.ClientID+"]" {
		t.Errorf("got %s", got)
	}
	f.writes()
	apply(t, f, desired())
	if got := f.writes(); len(got) > 0 {
		t.Errorf("the second apply wrote %q", got)
	}
}

func TestPlan_conflicts(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(f *fake)
		want string
	}{
		"two clients of that name": {func(f *fake) {
			f.add("clients", object{"client_id": "a", "name": "menu SPA", "app_type": "spa"})
			f.add("clients", object{"client_id": "b", "name": "menu SPA", "app_type": "spa"})
		}, `plan: a name in the tenant is taken: there are 2 of the client "menu SPA": ["a" "b"]`},
		"a client of another type": {func(f *fake) {
			f.add("clients", object{"client_id": "a", "name": "menu SPA", "app_type": "regular_web"})
		}, `plan: a name in the tenant is taken: the client "menu SPA" is of the type "regular_web" and not "spa"`},
		"the name of another API": {func(f *fake) {
			f.add("resource-servers", object{"id": "a", "name": "Menu API", "identifier": "https://else.example"})
		}, `plan: a name in the tenant is taken: the API "Menu API" has the identifier "https://else.example" and not "` + audience + `"`},
		"an action of another trigger": {func(f *fake) {
			f.add("actions", object{"id": "a", "name": auth0.DefaultActionName, "supported_triggers": []any{object{"id": "credentials-exchange"}}})
		}, `plan: a name in the tenant is taken: the action "Add user details to access token" is not one for post-login`},
		"an action with secrets of others": {func(f *fake) {
			f.add("actions", object{
				"id": "a", "name": auth0.DefaultActionName, "supported_triggers": []any{object{"id": "post-login"}},
				"secrets": []any{object{"name": "THEIRS"}},
			})
		}, `plan: a name in the tenant is taken: the action "Add user details to access token" has the secrets ["THEIRS"] besides, which a change would take away`},
		"no such connection": {func(f *fake) { f.objects["connections"] = nil }, `plan: the tenant has no connection "Username-Password-Authentication": make it first`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			test.set(f)
			if _, err := tenant(t, f).Plan(t.Context(), desired()); err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestPlan_olderNameOfTheAction(t *testing.T) {
	f := newFake(t)
	f.add("actions", object{
		"id": "act-old", "name": "Add user details to user response", "code": "exports.old = 1", "runtime": "node18", "status": "built",
		"all_changes_deployed": true, "deployed_version": object{"id": "v"}, "supported_triggers": []any{object{"id": "post-login", "version": "v2"}},
	})
	f.bound = []string{"act-old"}
	apply(t, f, desired())
	if n := len(f.objects["actions"]); n != 1 {
		t.Errorf("there are %d actions", n)
	}
	a := f.objects["actions"][0]
	if a["code"] != desired().Action.Code || a["runtime"] != "node22" || a["all_changes_deployed"] != true || !slices.Equal(f.bound, []string{"act-old"}) {
		t.Errorf("got %v, bound %q", a, f.bound)
	}
}
