package auth0_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/auth0"
)

func TestDrift_isFoundAndRepaired(t *testing.T) {
	for name, test := range map[string]struct {
		drift func(f *fake, get func(collection, name string) object)
		want  string // the first change
	}{
		"signing algorithm": {func(_ *fake, get func(string, string) object) {
			get("resource-servers", "Menu API")["signing_alg"] = "HS256"
		}, `update api "https://menu.example/api"|signing_alg: "HS256" -> "RS256"`},
		"RBAC": {func(_ *fake, get func(string, string) object) {
			get("resource-servers", "Menu API")["enforce_policies"] = false
		}, `update api "https://menu.example/api"|enforce_policies: "false" -> "true"`},
		"dialect": {func(_ *fake, get func(string, string) object) {
			get("resource-servers", "Menu API")["token_dialect"] = "rfc9068_profile"
		}, `update api "https://menu.example/api"|token_dialect: "rfc9068_profile" -> "rfc9068_profile_authz"`},
		"offline access": {func(_ *fake, get func(string, string) object) {
			delete(get("resource-servers", "Menu API"), "allow_offline_access")
		}, `update api "https://menu.example/api"|allow_offline_access: "false" -> "true"`},
		"consent": {func(_ *fake, get func(string, string) object) {
			get("resource-servers", "Menu API")["skip_consent_for_verifiable_first_party_clients"] = false
		}, `update api "https://menu.example/api"|skip_consent_for_verifiable_first_party_clients: "false" -> "true"`},
		"lifetime": {func(_ *fake, get func(string, string) object) {
			get("resource-servers", "Menu API")["token_lifetime"], get("resource-servers", "Menu API")["token_lifetime_for_web"] = 86400, 7200.0
		}, `update api "https://menu.example/api"|token_lifetime: "86400" -> "3600"`},
		"a scope": {func(_ *fake, get func(string, string) object) {
			get("resource-servers", "Menu API")["scopes"] = []any{object{"value": "theirs", "description": "d"}, object{"value": "create:items", "description": "create items"}}
		}, `update api "https://menu.example/api"|scopes: + "delete:items"`},
		"description of a scope": {func(_ *fake, get func(string, string) object) {
			get("resource-servers", "Menu API")["scopes"].([]any)[0].(object)["description"] = ""
		}, `update api "https://menu.example/api"|scopes.create:items.description: + "create items"`},
		"type of the client": {func(_ *fake, get func(string, string) object) {
			delete(get("clients", "menu SPA"), "app_type")
		}, `update client "menu SPA"|app_type: + "spa"`},
		"client authentication": {func(_ *fake, get func(string, string) object) {
			get("clients", "menu SPA")["token_endpoint_auth_method"] = "client_secret_post"
		}, `update client "menu SPA"|token_endpoint_auth_method: "client_secret_post" -> "none"`},
		"OIDC conformance": {func(_ *fake, get func(string, string) object) {
			get("clients", "menu SPA")["oidc_conformant"] = false
		}, `update client "menu SPA"|oidc_conformant: "false" -> "true"`},
		"grant types": {func(_ *fake, get func(string, string) object) {
			get("clients", "menu SPA")["grant_types"] = []any{"implicit", "authorization_code"}
		}, `update client "menu SPA"|grant_types: + "refresh_token"`},
		"callbacks": {func(_ *fake, get func(string, string) object) {
			get("clients", "menu SPA")["callbacks"] = []any{"https://theirs.example/cb"}
		}, `update client "menu SPA"|callbacks: + "http://localhost:3000/auth-callback"`},
		"logout URLs": {func(_ *fake, get func(string, string) object) {
			get("clients", "menu SPA")["allowed_logout_urls"] = nil
		}, `update client "menu SPA"|allowed_logout_urls: + "http://localhost:3000/login"`},
		"web origins": {func(_ *fake, get func(string, string) object) {
			get("clients", "menu SPA")["web_origins"] = []any{}
		}, `update client "menu SPA"|web_origins: + "http://localhost:3000"`},
		"algorithm of ID tokens": {func(_ *fake, get func(string, string) object) {
			get("clients", "menu SPA")["jwt_configuration"] = object{"alg": "HS256", "lifetime_in_seconds": 5, "secret_encoded": false}
		}, `update client "menu SPA"|jwt_configuration.alg: "HS256" -> "RS256"`},
		"rotation": {func(_ *fake, get func(string, string) object) {
			get("clients", "menu SPA")["refresh_token"] = object{"rotation_type": "non-rotating", "expiration_type": "expiring", "leeway": 7}
		}, `update client "menu SPA"|refresh_token.rotation_type: "non-rotating" -> "rotating"`},
		"refresh tokens for ever": {func(_ *fake, get func(string, string) object) {
			get("clients", "menu SPA")["refresh_token"] = object{"rotation_type": "rotating", "expiration_type": "expiring", "infinite_token_lifetime": true}
		}, `update client "menu SPA"|refresh_token.infinite_token_lifetime: "true" -> "false"`},
		"a client is gone": {func(f *fake, _ func(string, string) object) {
			f.objects["clients"] = slices.DeleteFunc(f.objects["clients"], func(o object) bool { return o["name"] == "menu machine" })
		}, `create client "menu machine"|app_type: + "non_interactive"`},
		"a public machine": {func(_ *fake, get func(string, string) object) {
			get("clients", "menu machine")["token_endpoint_auth_method"] = "none"
		}, `update client "menu machine"|token_endpoint_auth_method: "none" -> "client_secret_post"`},
		"scopes of the grant": {func(f *fake, _ func(string, string) object) {
			f.objects["client-grants"][0]["scope"] = []any{"delete:items"}
		}, `update client grant "menu machine" (tokens for https://menu.example/api)|scope: + "create:items"`},
		"description of a role": {func(_ *fake, get func(string, string) object) {
			get("roles", "menu-admin")["description"] = ""
		}, `update role "menu-admin"|description: + "runs the menu"`},
		"permissions of a role": {func(f *fake, get func(string, string) object) {
			id := get("roles", "menu-admin")["id"].(string)
			f.perms[id] = append(f.perms[id][:1:1], object{"resource_server_identifier": "https://else.example", "permission_name": "delete:items"})
		}, `bind role permissions "menu-admin"|permissions: + "delete:items"`},
		"runtime": {func(_ *fake, get func(string, string) object) {
			get("actions", auth0.DefaultActionName)["runtime"] = "node18-actions"
		}, `update action "Add user details to access token"|runtime: "node18-actions" -> "node22"`},
		"a secret of the action": {func(_ *fake, get func(string, string) object) {
			delete(get("actions", auth0.DefaultActionName), "secrets")
		}, `update action "Add user details to access token"|secrets: + "API_KEY"`},
		"deployment": {func(_ *fake, get func(string, string) object) {
			get("actions", auth0.DefaultActionName)["all_changes_deployed"] = false
		}, `update action "Add user details to access token"|deployed: "an earlier version" -> "all changes"`},
		"never deployed": {func(f *fake, get func(string, string) object) {
			delete(get("actions", auth0.DefaultActionName), "deployed_version")
		}, `update action "Add user details to access token"|deployed: "nothing" -> "all changes"`},
		"binding": {
			func(f *fake, _ func(string, string) object) { f.bound = nil },
			`bind action binding "Add user details to access token" (at post-login, behind what is there)`,
		},
		"connection": {
			func(f *fake, _ func(string, string) object) { f.enabled["con_main"] = []string{"theirs"} },
			`bind connection "Username-Password-Authentication"|clients: + "menu SPA"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			apply(t, f, desired())
			test.drift(f, func(collection, name string) object { return f.one(t, collection, name) })
			p, err := tenant(t, f).Plan(t.Context(), desired())
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(p.String(), "\n")
			if got := strings.Join([]string{lines[0], strings.TrimSpace(lines[1])}, "|"); !strings.HasPrefix(got, test.want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			f.writes()
			if _, err := tenant(t, f).Apply(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			if len(f.writes()) == 0 {
				t.Error("nothing was written")
			}
			after, err := tenant(t, f).Plan(t.Context(), desired())
			if err != nil || !after.Empty() {
				t.Errorf("it is not repaired: %v\n%s", err, after)
			}
		})
	}
}

func TestDrift_ofCode(t *testing.T) {
	f := newFake(t)
	apply(t, f, desired())
	a := f.one(t, "actions", auth0.DefaultActionName)
	a["code"] = "const password = 'theirs'"
	p, err := tenant(t, f).Plan(t.Context(), desired())
	if err != nil {
		t.Fatal(err)
	}
	if s := p.String(); strings.Contains(s, "theirs") || !strings.Contains(s, `code: "1 lines, sha256 `) {
		t.Errorf("got:\n%s", s)
	}
	if _, err := tenant(t, f).Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if a["deployed_version"].(object)["code"] != desired().Action.Code {
		t.Error("the code that runs is not ours")
	}
	// What an editor does on its way is no drift.
	a["code"] = strings.ReplaceAll(a["code"].(string), "\n", "\r\n") + "\n\n"
	a["runtime"] = "node22-actions"
	if p, err := tenant(t, f).Plan(t.Context(), desired()); err != nil || !p.Empty() {
		t.Errorf("%v\n%s", err, p)
	}
}

func TestDrift_whatIsOfOthersIsSentBack(t *testing.T) {
	f := newFake(t)
	apply(t, f, desired())
	spa, api := f.one(t, "clients", "menu SPA"), f.one(t, "resource-servers", "Menu API")
	spa["callbacks"] = []any{"https://b.example/cb", "https://a.example/cb"}
	spa["refresh_token"] = object{"rotation_type": "non-rotating", "expiration_type": "expiring", "leeway": 7.0, "policies": []any{"p"}}
	api["scopes"] = []any{object{"value": "theirs", "description": "d"}}
	apply(t, f, desired())
	for name, test := range map[string]struct{ got, want any }{
		"callbacks": {spa["callbacks"], []any{"https://b.example/cb", "https://a.example/cb", "http://localhost:3000/auth-callback"}},
		"refresh tokens": {spa["refresh_token"], object{
			"rotation_type": "rotating", "expiration_type": "expiring", "leeway": 7.0, "policies": []any{"p"},
		}},
		"scopes": {api["scopes"], []any{
			object{"value": "theirs", "description": "d"},
			object{"value": "create:items", "description": "create items"},
			object{"value": "delete:items"},
		}},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestPlan_whatIsNotAskedForStays(t *testing.T) {
	f := newFake(t)
	apply(t, f, desired())
	less := auth0.Desired{API: auth0.API{Identifier: audience, Name: "Menu API"}, SPA: &auth0.SPA{Name: "menu SPA"}}
	p, err := tenant(t, f).Plan(t.Context(), less)
	if err != nil || !p.Empty() {
		t.Errorf("%v\n%s", err, p)
	}
}

// Nobody who does not say where the client is served gives it another place than it
// has; one that has none, or was put there, is watched as ever.
func TestPlan_guessedAddresses(t *testing.T) {
	for name, tt := range map[string]struct {
		callbacks []any
		guessed   bool
		drifts    bool
	}{
		"elsewhere":            {[]any{"https://shop.example/auth-callback"}, true, false},
		"elsewhere, and asked": {[]any{"https://shop.example/auth-callback"}, false, true},
		"nowhere":              {[]any{}, true, true},
		"there":                {[]any{"http://localhost:3000/auth-callback"}, true, true},
	} {
		f := newFake(t)
		apply(t, f, desired())
		c := f.one(t, "clients", "menu SPA")
		c["callbacks"], c["web_origins"] = tt.callbacks, []any{}
		want := desired()
		want.SPA.Guessed = tt.guessed
		p, err := tenant(t, f).Plan(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		if p.Empty() == tt.drifts {
			t.Errorf("%s: %s", name, p)
		}
	}
}

func TestPlan_warnsOfGrants(t *testing.T) {
	f := newFake(t)
	apply(t, f, desired())
	f.one(t, "clients", "menu SPA")["grant_types"] = []any{"implicit", "authorization_code", "refresh_token", "password"}
	p, err := tenant(t, f).Plan(t.Context(), desired())
	if err != nil || !p.Empty() || len(p.Warnings) != 2 {
		t.Errorf("%v\n%s", err, p)
	}
}

func TestDestroy_whatItShowsAndTakes(t *testing.T) {
	f := newFake(t)
	apply(t, f, desired())
	f.writes()
	tn := tenant(t, f)
	p, err := tn.PlanDestroy(t.Context(), desired())
	if err != nil {
		t.Fatal(err)
	}
	if got := f.writes(); len(got) > 0 {
		t.Errorf("the plan wrote %q", got)
	}
	var got []string
	for _, c := range p.Changes {
		got = append(got, fmt.Sprintf("%s %s %s", c.Kind, c.Object, c.Name))
	}
	want := []string{
		"unbind connection Username-Password-Authentication",
		"unbind action binding Add user details to access token",
		"delete action Add user details to access token",
		"delete role menu-admin",
		"delete client grant menu machine",
		"delete client menu machine",
		"delete client menu SPA",
		"delete api https://menu.example/api",
	}
	// The role guest has no permission and no description: it could be anybody's,
	// but it is as this service made it.
	want = slices.Insert(want, 3, "delete role guest")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := tn.Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	again, err := tn.PlanDestroy(t.Context(), desired())
	if err != nil || !again.Empty() {
		t.Errorf("%v\n%s", err, again)
	}
}

func TestDestroy_rolesOfOthersStay(t *testing.T) {
	f := newFake(t)
	apply(t, f, desired())
	admin, guest := f.one(t, "roles", "menu-admin"), f.one(t, "roles", "guest")
	id := admin["id"].(string)
	f.perms[id] = append(f.perms[id], object{"resource_server_identifier": "https://else.example", "permission_name": "x"})
	guest["description"] = "whoever comes to the reception"
	tn := tenant(t, f)
	p, err := tn.PlanDestroy(t.Context(), desired())
	if err != nil || len(p.Warnings) != 2 {
		t.Fatalf("%v\n%s", err, p)
	}
	if _, err := tn.Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if len(f.objects["roles"]) != 2 {
		t.Errorf("roles: %v", f.objects["roles"])
	}
}

// TestApply_whatWasThereStays: an API, clients and a role of the same names that
// somebody made by hand are added to, keep what was written of them, and are not
// deleted afterwards.
func TestApply_whatWasThereStays(t *testing.T) {
	f := newFake(t)
	f.add("resource-servers", object{"id": "rs-theirs", "name": "Restaurant", "identifier": audience, "scopes": []any{
		object{"value": "create:items", "description": "their words"}, object{"value": "theirs"},
	}})
	f.add("clients", object{"client_id": "spa-theirs", "name": "menu SPA", "app_type": "spa", "client_metadata": object{"team": "web"}})
	f.add("clients", object{"client_id": "machine-theirs", "name": "menu machine", "app_type": "non_interactive"})
	f.add("client-grants", object{"id": "cgr-theirs", "client_id": "machine-theirs", "audience": audience, "scope": []any{"theirs"}})
	f.add("roles", object{"id": "rol-theirs", "name": "menu-admin", "description": "their words"})
	apply(t, f, desired())
	api := f.one(t, "resource-servers", "Restaurant")
	if diff := cmp.Diff([]any{
		object{"value": "create:items", "description": "their words"}, object{"value": "theirs"}, object{"value": "delete:items"},
	}, api["scopes"]); diff != "" {
		t.Error(diff)
	}
	if got := f.one(t, "roles", "menu-admin")["description"]; got != "their words" {
		t.Errorf("the role is described as %q", got)
	}
	if diff := cmp.Diff(object{"team": "web"}, f.one(t, "clients", "menu SPA")["client_metadata"]); diff != "" {
		t.Error(diff)
	}
	f.writes()
	apply(t, f, desired())
	if got := f.writes(); len(got) > 0 {
		t.Errorf("the second apply wrote: %q", got)
	}
	tn := tenant(t, f)
	p, err := tn.PlanDestroy(t.Context(), desired())
	if err != nil || len(p.Warnings) != 4 {
		t.Fatalf("%v\n%s", err, p)
	}
	if _, err := tn.Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	f.one(t, "resource-servers", "Restaurant")
	f.one(t, "clients", "menu SPA")
	f.one(t, "clients", "menu machine")
	f.one(t, "roles", "menu-admin")
	if len(f.objects["client-grants"]) != 1 {
		t.Errorf("client grants: %v", f.objects["client-grants"])
	}
}

// TestDestroy_staysWithAReason: each thing that makes what apply made somebody's.
func TestDestroy_staysWithAReason(t *testing.T) {
	for want, change := range map[string]func(f *fake, get func(collection, name string) object){
		`the API "` + audience + `" stays: it has the scopes ["theirs"]`: func(_ *fake, get func(string, string) object) {
			api := get("resource-servers", "Menu API")
			api["scopes"] = append(api["scopes"].([]any), object{"value": "theirs"})
		},
		`the API "` + audience + `" stays: it is called "Restaurant"`: func(_ *fake, get func(string, string) object) {
			get("resource-servers", "Menu API")["name"] = "Restaurant"
		},
		`the action "` + auth0.DefaultActionName + `" stays: its code is not the one`: func(_ *fake, get func(string, string) object) {
			get("actions", auth0.DefaultActionName)["code"] = "exports.onExecutePostLogin = async (event, api) => {};"
		},
		`the role "menu-admin" stays: people have it`: func(f *fake, get func(string, string) object) {
			f.having[get("roles", "menu-admin")["id"].(string)] = []object{{"user_id": "auth0|1"}, {"user_id": "auth0|2"}}
		},
		`the role "menu-admin" stays: it has permissions that are not the design's`: func(f *fake, get func(string, string) object) {
			id := get("roles", "menu-admin")["id"].(string)
			f.perms[id] = append(f.perms[id], object{"resource_server_identifier": audience, "permission_name": "theirs"})
		},
		`the role "menu-admin" stays: its description is not the design's`: func(_ *fake, get func(string, string) object) {
			get("roles", "menu-admin")["description"] = "x"
		},
		`the role "menu-admin" stays: the token may not see who has it`: func(f *fake, _ func(string, string) object) {
			f.hook = func(_ int, r *http.Request) fault {
				return map[bool]fault{true: {status: 403, message: "Insufficient scope, expected any of: read:users"}}[strings.HasSuffix(r.URL.Path, "/users")]
			}
		},
	} {
		t.Run(want, func(t *testing.T) {
			f := newFake(t)
			apply(t, f, desired())
			change(f, func(collection, name string) object { return f.one(t, collection, name) })
			p, err := tenant(t, f).PlanDestroy(t.Context(), desired())
			if err != nil || !strings.Contains(p.String(), "warning: "+want) {
				t.Fatalf("%v\n%s", err, p)
			}
			_, thing, _ := strings.Cut(want, `the `)
			thing, _, _ = strings.Cut(thing, " stays")
			if strings.Contains(strings.ToLower(p.String()), "delete "+strings.ToLower(thing)) {
				t.Errorf("it is deleted all the same:\n%s", p)
			}
		})
	}
}

// TestDestroy_again: a role that stays because people have it goes when nobody has it
// any more. By the API it is known whose it is, so that stays with it, and this is
// said before anything is deleted.
func TestDestroy_again(t *testing.T) {
	f := newFake(t)
	apply(t, f, desired())
	role := f.one(t, "roles", "menu-admin")["id"].(string)
	f.having[role] = []object{{"user_id": "auth0|1"}}
	destroy := func() *auth0.Plan {
		t.Helper()
		tn := tenant(t, f)
		p, err := tn.PlanDestroy(t.Context(), desired())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tn.Apply(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := destroy(); !strings.Contains(p.String(), `warning: the API "`+audience+`" stays as long as the role "menu-admin"`) {
		t.Errorf("the first time:\n%s", p)
	}
	f.one(t, "resource-servers", "Menu API")
	f.one(t, "roles", "menu-admin")
	delete(f.having, role)
	p := destroy()
	if len(f.objects["roles"]) != 0 || len(f.objects["resource-servers"]) != 1 || len(p.Warnings) != 0 { // the tenant's own API
		t.Errorf("the second time:\n%s%v", p, f.objects)
	}
}

// TestDestroy_namesTheMachineThatStays: whoever made a machine client, too, and
// does not say so again is told of it.
func TestDestroy_namesTheMachineThatStays(t *testing.T) {
	f := newFake(t)
	apply(t, f, desired())
	d := desired()
	d.Machine = nil
	tn := tenant(t, f)
	p, err := tn.PlanDestroy(t.Context(), d)
	if err != nil || len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], `the machine client "menu machine"`) {
		t.Fatalf("%v\n%s", err, p)
	}
	if _, err := tn.Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	f.one(t, "clients", "menu machine")
}

func TestDestroy_clientsWithoutATypeStay(t *testing.T) {
	f := newFake(t)
	f.add("clients", object{"client_id": "theirs", "name": "menu SPA"})
	p, err := tenant(t, f).PlanDestroy(t.Context(), desired())
	if err != nil || !p.Empty() || len(p.Warnings) != 1 {
		t.Errorf("%v\n%s", err, p)
	}
}

func TestDestroy_neverTheTenantsOwnAPI(t *testing.T) {
	f := newFake(t)
	d := desired()
	d.API.Identifier = f.URL + "/api/v2/"
	if _, err := tenant(t, f).PlanDestroy(t.Context(), d); !errors.Is(err, auth0.ErrConflict) {
		t.Errorf("got %v", err)
	}
}

func TestDestroy_killedAndRunAgain(t *testing.T) {
	for at := 1; ; at++ {
		f := newFake(t)
		foreign(f)
		apply(t, f, desired())
		writes, failed := 0, false
		f.hook = func(_ int, r *http.Request) fault {
			if r.Method != "GET" {
				writes++
			}
			failed = failed || writes >= at
			return fault{before: writes >= at}
		}
		tn := tenant(t, f)
		p, err := tn.PlanDestroy(t.Context(), desired())
		if err != nil {
			t.Fatal(err)
		}
		_, err = tn.Apply(t.Context(), p)
		f.breakdown(nil)
		if (err != nil) != failed {
			t.Fatalf("killed at write %d: %v", at, err)
		}
		if p, err = tn.PlanDestroy(t.Context(), desired()); err != nil {
			t.Fatal(err)
		}
		if _, err := tn.Apply(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		f.breakdown(nil)
		if !onlyForeign(f) {
			t.Fatalf("killed at write %d: it left or took something:\n%s", at, state(t, f))
		}
		if !failed {
			if at < 9 {
				t.Errorf("there were only %d writes", at-1)
			}
			return
		}
	}
}
