package management_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func TestAPIs(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	made := w.do(token, "POST", "resource-servers", `{"name":"Menu API","identifier":"https://menu.example/api","scopes":[{"value":"read:items"}],"verification_location":"x"}`, 201)
	o := made.object()
	if len(made.str("id")) != 24 || o["signing_alg"] != "RS256" || o["token_lifetime"] != 86400.0 || o["token_lifetime_for_web"] != 7200.0 ||
		o["allow_offline_access"] != false || o["verification_location"] != "x" {
		t.Errorf("made %s", made.text)
	}
	for _, id := range []string{made.str("id"), "https%3A%2F%2Fmenu.example%2Fapi"} {
		if got := w.do(token, "GET", "resource-servers/"+id, nil, 200).text; got != made.text {
			t.Errorf("by %s: %s", id, got)
		}
	}
	changed := w.do(token, "PATCH", "resource-servers/https%3A%2F%2Fmenu.example%2Fapi", `{"scopes":[{"value":"write:items","description":"d"}]}`, 200).object()
	if diff := cmp.Diff([]any{map[string]any{"value": "write:items", "description": "d"}}, changed["scopes"]); diff != "" {
		t.Errorf("scopes are not replaced: %s", diff)
	}
	w.send(token, "POST", "resource-servers", `{"identifier":"https://menu.example/api"}`).refused(409, "A resource server with the same identifier already exists.")
	for _, audience := range []string{
		w.api.Audience(), strings.TrimSuffix(w.api.Audience(), "/"), issuer, strings.TrimSuffix(issuer, "/"),
		issuer + "userinfo", issuer + "userinfo/", issuer + "mfa/", issuer + "me",
	} {
		w.send(token, "POST", "resource-servers", map[string]any{"identifier": audience}).refused(409, "already exists")
	}
	client := w.do(token, "POST", "clients", `{"name":"Web"}`, 201).str("client_id")
	w.send(token, "POST", "resource-servers", map[string]any{"identifier": client}).refused(409, "the ID of a client")
	operator := w.bearer(management.Caller{ClientID: "operator", Scopes: []string{"create:clients"}, ChoosesIDs: true})
	w.do(token, "POST", "resource-servers", `{"identifier":"orders"}`, 201)
	w.send(operator, "POST", "clients", `{"name":"Orders","client_id":"orders"}`).refused(409, "the identifier of an API")
	// One that was there before its identifier was taken can be changed.
	if err := w.store.APIs.Create(t.Context(), &tenant.API{ID: "api_old", Identifier: issuer + "me", Name: "Old", SigningAlg: "RS256"}); err != nil {
		t.Fatal(err)
	}
	w.do(token, "PATCH", "resource-servers/api_old", `{"name":"Older"}`, 200)
	for body, text := range map[string]string{
		`{}`:                   "Missing required property: identifier",
		`{"identifier":"a b"}`: "format identifier",
		`{"identifier":"x","signing_alg":"none"}`:                   "No enum match for: none",
		`{"identifier":"x","token_lifetime":0}`:                     "less than minimum 1",
		`{"identifier":"x","token_lifetime":1.5}`:                   "Expected type integer",
		`{"identifier":"x","token_lifetime":60}`:                    "longer than token_lifetime",
		`{"identifier":"x","scopes":["read"]}`:                      "Expected type object",
		`{"identifier":"x","scopes":[{"value":"a b"}]}`:             "format scope",
		`{"identifier":"x","scopes":[{"value":"a"},{"value":"a"}]}`: "not unique",
		`{"identifier":"x","scopes":[{"value":7}]}`:                 "Expected type string but found type number",
		`{"identifier":"x","is_system":true}`:                       "Additional properties not allowed: is_system",
		`{"identifier":"x","id":"y"}`:                               "Additional properties not allowed: id",
	} {
		w.send(token, "POST", "resource-servers", body).refused(400, text)
	}
	w.send(token, "PATCH", "resource-servers/"+made.str("id"), `{"identifier":"y"}`).refused(400, "not allowed: identifier")
	if got := w.do(token, "GET", "resource-servers?identifiers=https://menu.example/api", nil, 200).list(); len(got) != 1 {
		t.Errorf("by identifiers: %v", got)
	}

	own := &tenant.API{ID: "system", Name: "Auth0 Management API", Identifier: w.api.Audience(), System: true, Scopes: management.Scopes()}
	if err := w.store.APIs.Create(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	w.send(token, "DELETE", "resource-servers/system", nil).refused(400, "cannot be deleted")
	w.send(token, "PATCH", "resource-servers/system", `{"scopes":[]}`).refused(400, "cannot be changed")
	w.do(token, "DELETE", "resource-servers/"+made.str("id"), nil, 204)
	r := w.send(token, "GET", "resource-servers/"+made.str("id"), nil)
	r.refused(404, "The resource server does not exist")
}

// An API that is made anew does not find the permissions and grants of the one
// before.
func TestIDP13_deletedAPI(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	api := map[string]any{"identifier": "urn:a", "scopes": []map[string]string{{"value": "read:a"}}}
	id := w.do(token, "POST", "resource-servers", api, 201).str("id")
	role := w.do(token, "POST", "roles", `{"name":"r"}`, 200).str("id")
	perm := map[string]any{"permissions": []map[string]string{{"resource_server_identifier": "urn:a", "permission_name": "read:a"}}}
	w.do(token, "POST", "roles/"+role+"/permissions", perm, 201)
	client := w.do(token, "POST", "clients", `{"name":"m","app_type":"non_interactive"}`, 201).str("client_id")
	w.do(token, "POST", "client-grants", map[string]any{"client_id": client, "audience": "urn:a", "scope": []string{"read:a"}}, 201)
	w.do(token, "DELETE", "resource-servers/"+id, nil, 204)
	w.do(token, "POST", "resource-servers", api, 201)
	if got := w.do(token, "GET", "roles/"+role+"/permissions", nil, 200).text; strings.TrimSpace(got) != "[]" {
		t.Errorf("permissions: %s", got)
	}
	if got := w.do(token, "GET", "client-grants", nil, 200).text; strings.TrimSpace(got) != "[]" {
		t.Errorf("grants: %s", got)
	}
}

func TestClientGrants(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	machine := w.do(token, "POST", "clients", `{"name":"m","app_type":"non_interactive"}`, 201).str("client_id")
	spa := w.do(token, "POST", "clients", `{"name":"s","app_type":"spa"}`, 201).str("client_id")
	w.do(token, "POST", "resource-servers", `{"identifier":"urn:a","scopes":[{"value":"read:a"},{"value":"write:a"}]}`, 201)
	made := w.do(token, "POST", "client-grants", map[string]any{"client_id": machine, "audience": "urn:a", "scope": []string{"read:a"}, "organization_usage": "deny"}, 201)
	id := made.str("id")
	if !strings.HasPrefix(id, "cgr_") || made.str("organization_usage") != "deny" {
		t.Errorf("made %s", made.text)
	}
	w.send(token, "POST", "client-grants", map[string]any{"client_id": machine, "audience": "urn:a", "scope": []string{}}).refused(409, "A resource with the same identifier already exists.")
	w.send(token, "POST", "client-grants", map[string]any{"client_id": "nobody", "audience": "urn:a", "scope": []string{}}).refused(404, "The client does not exist")
	w.send(token, "POST", "client-grants", map[string]any{"client_id": machine, "audience": "urn:b", "scope": []string{}}).refused(404, "The resource server does not exist")
	w.send(token, "POST", "client-grants", map[string]any{"client_id": spa, "audience": "urn:a", "scope": []string{}}).refused(400, "does not authenticate")
	w.send(token, "PATCH", "client-grants/"+id, `{"scope":["delete:a"]}`).refused(400, "Scope delete:a is not one of the resource server")
	w.send(token, "PATCH", "client-grants/"+id, `{"client_id":"x"}`).refused(400, "Additional properties not allowed: client_id")
	if got := w.do(token, "PATCH", "client-grants/"+id, `{"scope":[]}`, 200); !strings.Contains(got.text, `"scope":[]`) {
		t.Errorf("scope: %s", got.text)
	}
	if got := w.do(token, "GET", "client-grants?client_id="+machine+"&audience=urn:a&include_totals=true", nil, 200).object(); got["total"] != 1.0 {
		t.Errorf("list: %v", got)
	}
	if got := w.do(token, "GET", "client-grants?client_id=other", nil, 200).list(); len(got) != 0 {
		t.Errorf("of another client: %v", got)
	}
	w.do(token, "DELETE", "client-grants/"+id, nil, 204)
	w.send(token, "GET", "client-grants/"+id, nil).refused(404, "The grant does not exist.")
}

func TestRoles(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token := w.everything()
		w.connection(token, "db")
		user := w.user(token, "db", "ada@example.com")
		w.do(token, "POST", "resource-servers", `{"name":"Menu","identifier":"urn:a","scopes":[{"value":"read:a","description":"Read it"},{"value":"write:a"}]}`, 201)
		made := w.do(token, "POST", "roles", `{"name":"menu-admin","description":"d"}`, 200)
		id := made.str("id")
		if !strings.HasPrefix(id, "rol_") {
			t.Errorf("made %s", made.text)
		}
		w.send(token, "POST", "roles", `{"name":"menu-admin"}`).refused(409, "The role already exists")
		if got := w.do(token, "GET", "roles?name_filter=MENU", nil, 200).list(); len(got) != 1 {
			t.Errorf("by name: %v", got)
		}
		if got := w.do(token, "PATCH", "roles/"+id, `{"description":"e"}`, 200); got.str("description") != "e" || got.str("name") != "menu-admin" {
			t.Errorf("changed: %s", got.text)
		}

		perms := map[string]any{"permissions": []map[string]string{{"resource_server_identifier": "urn:a", "permission_name": "read:a"}}}
		if got := w.do(token, "POST", "roles/"+id+"/permissions", perms, 201).text; strings.TrimSpace(got) != "{}" {
			t.Errorf("added: %s", got)
		}
		want := []map[string]any{{"resource_server_identifier": "urn:a", "permission_name": "read:a", "description": "Read it", "resource_server_name": "Menu"}}
		if diff := cmp.Diff(want, w.do(token, "GET", "roles/"+id+"/permissions", nil, 200).list()); diff != "" {
			t.Error(diff)
		}
		unknown := map[string]any{"permissions": []map[string]string{{"resource_server_identifier": "urn:a", "permission_name": "fly:a"}}}
		w.send(token, "POST", "roles/"+id+"/permissions", unknown).refused(400, "do not exist")
		w.send(token, "POST", "users/"+user+"/permissions", unknown).refused(400, "do not exist")
		w.send(token, "POST", "roles/rol_x/permissions", perms).refused(404, "The role does not exist.")

		// Users of a role, roles of a user, where their permissions come from.
		if got := w.do(token, "POST", "roles/"+id+"/users", map[string]any{"users": []string{user}}, 200).text; strings.TrimSpace(got) != "{}" {
			t.Errorf("assigned: %s", got)
		}
		w.send(token, "POST", "roles/"+id+"/users", map[string]any{"users": []string{user, "auth0|nobody"}}).refused(404, "The user does not exist.")
		if got := w.do(token, "GET", "roles/"+id+"/users?include_totals=true", nil, 200).object(); got["total"] != 1.0 || !strings.Contains(got["users"].([]any)[0].(map[string]any)["email"].(string), "ada@") {
			t.Errorf("users: %v", got)
		}
		escaped := strings.ReplaceAll(user, "|", "%7C")
		if got := w.do(token, "GET", "users/"+escaped+"/roles", nil, 200).list(); len(got) != 1 || got[0]["id"] != id {
			t.Errorf("roles: %v", got)
		}
		w.do(token, "POST", "users/"+user+"/permissions", perms, 201)
		got := w.do(token, "GET", "users/"+user+"/permissions", nil, 200).list()
		wantSources := []any{
			map[string]any{"source_id": "", "source_name": "", "source_type": "DIRECT"},
			map[string]any{"source_id": id, "source_name": "menu-admin", "source_type": "ROLE"},
		}
		if len(got) != 1 {
			t.Fatalf("permissions: %v", got)
		}
		if diff := cmp.Diff(wantSources, got[0]["sources"]); diff != "" {
			t.Error(diff)
		}
		w.do(token, "DELETE", "users/"+user+"/permissions", perms, 204)
		w.do(token, "DELETE", "roles/"+id+"/permissions", perms, 204)
		if got := w.do(token, "GET", "users/"+user+"/permissions", nil, 200).list(); len(got) != 0 {
			t.Errorf("permissions left: %v", got)
		}
		w.do(token, "DELETE", "users/"+user+"/roles", map[string]any{"roles": []string{id}}, 204)
		w.do(token, "POST", "users/"+user+"/roles", map[string]any{"roles": []string{id}}, 204)
		w.send(token, "POST", "users/"+user+"/roles", map[string]any{"roles": []string{id, "rol_x"}}).refused(404, "The role does not exist.")
		w.send(token, "POST", "users/nobody/roles", map[string]any{"roles": []string{id}}).refused(404, "The user does not exist.")
		w.send(token, "POST", "users/"+user+"/roles", `{"roles":[]}`).refused(400, "too short")
		w.send(token, "POST", "users/"+user+"/roles", `{"roles":["a"],"x":1}`).refused(400, "not allowed: x")

		if got := w.do(token, "DELETE", "roles/"+id, nil, 200).text; strings.TrimSpace(got) != "{}" {
			t.Errorf("deleted: %s", got)
		}
		r := w.send(token, "DELETE", "roles/"+id, nil)
		r.refused(404, "The role does not exist.")
		if r.object()["errorCode"] != nil {
			t.Errorf("a role has an errorCode: %s", r.text)
		}
	})
}

func TestRoles_usersByCheckpoint(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	w.connection(token, "db")
	role := w.do(token, "POST", "roles", `{"name":"r"}`, 200).str("id")
	want := map[string]bool{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		id := w.user(token, "db", name+"@example.com")
		want[id] = true
		w.do(token, "POST", "users/"+id+"/roles", map[string]any{"roles": []string{role}}, 204)
	}
	path, pages := "roles/"+role+"/users?take=2", 0
	for {
		o := w.do(token, "GET", path, nil, 200).object()
		for _, u := range o["users"].([]any) {
			delete(want, u.(map[string]any)["user_id"].(string))
		}
		pages++
		next, more := o["next"].(string)
		if !more {
			break
		}
		path = "roles/" + role + "/users?take=2&from=" + next
	}
	if len(want) != 0 || pages != 3 {
		t.Errorf("%d missed in %d pages", len(want), pages)
	}
}

// IDP-21: who may change APIs does not thereby choose what signs their tokens.
func TestIDP21_signingSecretScope(t *testing.T) {
	w := newWorld(t)
	token := w.machine("create:resource_servers update:resource_servers")
	const secret = `"signing_secret":"kT9mQ2xW7vB4nL8pR3sD6fG1hJ5yU0aZcE"`
	w.send(token, "POST", "resource-servers", `{"identifier":"x","signing_alg":"HS256",`+secret+`}`).refused(403, "create:client_keys")
	w.do(token, "POST", "resource-servers", `{"identifier":"x","signing_alg":"HS256"}`, 201)
	w.send(token, "PATCH", "resource-servers/x", `{`+secret+`}`).refused(403, "update:client_keys")
	w.do(token, "PATCH", "resource-servers/x", `{"name":"X"}`, 200)
	both := w.machine("create:resource_servers update:resource_servers create:client_keys update:client_keys")
	w.do(both, "POST", "resource-servers", `{"identifier":"y","signing_alg":"HS256",`+secret+`}`, 201)
	w.do(both, "PATCH", "resource-servers/x", `{`+secret+`}`, 200)
}
