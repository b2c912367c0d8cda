package management_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// Terraform reads back what it wrote: a member that nobody here knows stays, at
// the first writing, at a change of something else, and goes by null.
func TestUnknownMembers(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	client := w.do(token, "POST", "clients", `{"name":"m","app_type":"non_interactive"}`, 201).str("client_id")
	w.do(token, "POST", "resource-servers", `{"identifier":"urn:a"}`, 201)
	want := map[string]any{"deep": map[string]any{"list": []any{1.5, "two", nil, true}, "snowman": "☃"}}
	for _, tt := range []struct {
		path, id string
		body     map[string]any
		change   map[string]any
	}{
		{"clients", "client_id", map[string]any{"name": "x"}, map[string]any{"description": "y"}},
		{"resource-servers", "id", map[string]any{"identifier": "urn:x"}, map[string]any{"name": "y"}},
		{"client-grants", "id", map[string]any{"client_id": client, "audience": "urn:a", "scope": []string{}}, map[string]any{"scope": []string{}}},
		{"roles", "id", map[string]any{"name": "x"}, map[string]any{"description": "y"}},
		{"connections", "id", map[string]any{"name": "x", "strategy": "auth0"}, map[string]any{"display_name": "y"}},
		{"actions/actions", "id", newAction("x"), map[string]any{"code": "y"}},
	} {
		t.Run(tt.path, func(t *testing.T) {
			tt.body["addons"] = want
			made := w.send(token, "POST", tt.path, tt.body)
			id, _ := made.object()[tt.id].(string)
			changed := w.do(token, "PATCH", tt.path+"/"+id, tt.change, 200)
			read := w.do(token, "GET", tt.path+"/"+id, nil, 200)
			for _, r := range []reply{made, changed, read} {
				if diff := cmp.Diff(any(want), r.object()["addons"]); diff != "" {
					t.Error(diff)
				}
			}
			// What was read may be written as it is, without what is the server's own.
			gone := w.do(token, "PATCH", tt.path+"/"+id, `{"addons":null}`, 200)
			if _, there := gone.object()["addons"]; there {
				t.Errorf("null left it: %s", gone.text)
			}
		})
	}
	if got := w.do(token, "PATCH", "tenants/settings", map[string]any{"addons": want}, 200).object(); !cmp.Equal(got["addons"], any(want)) {
		t.Errorf("settings: %v", got["addons"])
	}
}

// The longest values fit the columns of every database.
func TestLongestValues(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token := w.everything()
		long := func(n int) string { return strings.Repeat("ü", n) }
		w.do(token, "POST", "roles", map[string]any{"name": long(128), "description": long(512)}, 200)
		w.do(token, "POST", "clients", map[string]any{"name": long(140), "description": long(140)}, 201)
		w.do(token, "POST", "connections", map[string]any{"name": strings.Repeat("a", 128), "strategy": "auth0", "display_name": long(128)}, 201)
		audience, scope := "urn:"+strings.Repeat("a", 596), strings.Repeat("s", 280)
		w.do(token, "POST", "resource-servers", map[string]any{"identifier": audience, "name": long(200), "scopes": []any{map[string]string{"value": scope}}}, 201)
		client := w.do(token, "POST", "clients", `{"name":"m","app_type":"non_interactive"}`, 201).str("client_id")
		w.do(token, "POST", "client-grants", map[string]any{"client_id": client, "audience": audience, "scope": []string{scope}}, 201)
		w.do(token, "POST", "actions/actions", newAction(long(255)), 201)
		user := w.do(token, "POST", "users", map[string]any{
			"connection": strings.Repeat("a", 128), "email": strings.Repeat("e", 64) + "@example.com", "password": "correct horse battery",
			"user_id": strings.Repeat("u", 100), "name": long(300), "nickname": long(300), "given_name": long(150), "family_name": long(150),
			"username": strings.Repeat("n", 15),
		}, 201).str("user_id")
		w.do(token, "POST", "users/"+user+"/permissions", map[string]any{"permissions": []any{map[string]string{"resource_server_identifier": audience, "permission_name": scope}}}, 201)
		w.do(token, "GET", "users/"+user, nil, 200)
		for path, body := range map[string]map[string]any{
			"roles":            {"name": long(129)},
			"clients":          {"name": long(141)},
			"resource-servers": {"identifier": strings.Repeat("a", 601)},
			"actions/actions":  newAction(long(256)),
			"users":            {"connection": "x", "email": strings.Repeat("e", 400) + "@example.com"},
		} {
			if r := w.send(token, "POST", path, body); r.status != 400 {
				t.Errorf("%s: %d %s", path, r.status, r.text)
			}
		}
	})
}

// A database that does not answer is a fault, and never a refusal.
func TestServe_databaseAway(t *testing.T) {
	db := storetest.SQLite(t)
	w := openWorld(t, db)
	token, id := w.ada()
	if err := w.store.FlushLogs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		method, path string
		body         any
	}{
		{"GET", "users/" + id, nil},
		{"GET", "users", nil},
		{"PATCH", "users/" + id, `{"name":"x"}`},
		{"DELETE", "users/" + id, nil},
		{"POST", "roles", `{"name":"x"}`},
		{"GET", "logs", nil},
		{"GET", "grants", nil},
		{"POST", "users/" + id + "/roles", `{"roles":["x"]}`},
		{"GET", "sessions/x", nil},
		{"GET", "jobs/x", nil},
		{"GET", "stats/daily", nil},
	} {
		got := w.send(token, r.method, r.path, r.body)
		if got.status != 503 && got.status != 500 || strings.Contains(got.text, "sql") || strings.Contains(got.text, "closed") {
			t.Errorf("%s %s: %d %s", r.method, r.path, got.status, got.text)
		}
	}
	if !strings.Contains(w.log.String(), "management request failed") {
		t.Error("no log line")
	}
}

// An ID of one kind is no ID of another, and nothing of a path reaches a query.
func TestIDP21_idConfusion(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	conn := w.connection(token, "db")
	user := w.user(token, "db", "ada@example.com")
	client := w.do(token, "POST", "clients", `{"name":"c"}`, 201).str("client_id")
	role := w.do(token, "POST", "roles", `{"name":"r"}`, 200).str("id")
	w.session(user, "s1")
	family := w.family(user, "s1")
	ids := []string{conn, user, client, role, "s1", family, "'", "%27%20OR%201%3D1%20--", "..%2F..", "*", "%25", "%2F", "null", "__proto__", "all", "%C3%9F"}
	for path, own := range map[string]string{
		"clients/": client, "connections/": conn, "users/": user, "roles/": role, "sessions/": "s1", "refresh-tokens/": family,
		"resource-servers/": "", "client-grants/": "", "actions/actions/": "", "jobs/": "", "logs/": "", "keys/signing/": "",
	} {
		for _, id := range ids {
			r := w.send(token, "GET", path+id, nil)
			switch {
			case id == own && r.status == 200, id != own && r.status == 404, path == "keys/signing/" && r.status == 400:
			default:
				t.Errorf("%s%s: %d %s", path, id, r.status, r.text)
			}
		}
	}
	for i := range 3 {
		w.do(token, "DELETE", "users/"+ids[6+i], nil, 204)
	}
	if got := w.do(token, "GET", "users", nil, 200).list(); len(got) != 1 {
		t.Errorf("%d users are left", len(got))
	}
}

// The list of scopes is what the table of operations asks for.
func TestScopes(t *testing.T) {
	w := newWorld(t)
	all := w.everything()
	_, err := w.verify(context.Background(), all)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	text := fmt.Sprint(w.tokens[all].Scopes)
	for _, s := range w.tokens[all].Scopes {
		if seen[s] || strings.Count(s, ":") != 1 {
			t.Errorf("scope %q", s)
		}
		seen[s] = true
	}
	for s := range strings.FieldsSeq("read:clients create:clients update:clients read:resource_servers create:resource_servers update:resource_servers " +
		"read:actions create:actions update:actions read:roles create:roles update:roles read:client_keys") {
		if !seen[s] {
			t.Errorf("no %s in %s", s, text)
		}
	}
}
