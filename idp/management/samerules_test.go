package management_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// A badObject is a member that the API refuses, and where.
type badObject struct {
	kind, path string
	// with are the members; those of good that they do not name are there too.
	with  string
	field string
}

// goods are objects that the API takes, with the members that only a dump has.
func goods() map[string]struct{ body, dump string } {
	return map[string]struct{ body, dump string }{
		"client":     {`{"name":"x","app_type":"regular_web"}`, `{"client_id":"x1"}`},
		"api":        {`{"name":"x","identifier":"urn:x"}`, `{"id":"x1"}`},
		"connection": {`{"name":"x","strategy":"oidc"}`, `{"id":"con_x1"}`},
		"action":     {`{"name":"x","code":"1","supported_triggers":[{"id":"post-login","version":"v3"}]}`, `{"id":"x1"}`},
		"role":       {`{"name":"x"}`, `{"id":"rol_x1"}`},
		"settings":   {`{}`, `{}`},
	}
}

func badObjects() []badObject {
	long := func(n int) string { return strings.Repeat("x", n) }
	return []badObject{
		{"client", "clients", `{"name":"` + long(141) + `"}`, "name"},
		{"client", "clients", `{"name":"<script>"}`, "name"},
		{"client", "clients", `{"callbacks":["javascript:alert(1)"]}`, "callbacks"},
		{"client", "clients", `{"callbacks":["https://*.co.uk/cb"],"unsafe_wildcards":true,"is_first_party":true}`, "callbacks"},
		{"client", "clients", `{"allowed_logout_urls":["https://u@a.example/"]}`, "allowed_logout_urls"},
		{"client", "clients", `{"web_origins":["https://a.example/path"]}`, "web_origins"},
		{"client", "clients", `{"client_secret":"short"}`, "client_secret"},
		{"client", "clients", `{"grant_types":["magic"]}`, "grant_types"},
		{"client", "clients", `{"token_endpoint_auth_method":"none","grant_types":["client_credentials"]}`, "grant_types"},
		{"client", "clients", `{"jwt_configuration":{"alg":"none"}}`, "jwt_configuration.alg"},
		{"client", "clients", `{"client_metadata":{"a":5}}`, "client_metadata"},
		{"client", "clients", `{"initiate_login_uri":"http://a.example/"}`, "initiate_login_uri"},
		{"client", "clients", `{"oidc_logout":{"backchannel_logout_urls":["http://169.254.169.254/"]}}`, "oidc_logout.backchannel_logout_urls"},
		{"client", "clients", `{"app_type":"toaster"}`, "app_type"},
		{"client", "clients", `{"addons":{"a":1e400}}`, "addons.a"},
		{"api", "resource-servers", `{"identifier":"urn:a b"}`, "identifier"},
		{"api", "resource-servers", `{"identifier":"urn:` + long(600) + `"}`, "identifier"},
		{"api", "resource-servers", `{"scopes":[{"value":"read all"}]}`, "scopes.value"},
		{"api", "resource-servers", `{"scopes":[{"value":"r"},{"value":"r"}]}`, "scopes"},
		{"api", "resource-servers", `{"scopes":[{"value":"r","description":"` + long(501) + `"}]}`, "scopes.description"},
		{"api", "resource-servers", `{"signing_alg":"none"}`, "signing_alg"},
		{"api", "resource-servers", `{"signing_alg":"HS256","signing_secret":"short"}`, "signing_secret"},
		{"api", "resource-servers", `{"token_lifetime":99999999}`, "token_lifetime"},
		{"connection", "connections", `{"name":"a b"}`, "name"},
		{"connection", "connections", `{"options":{"issuer":"http://evil.example/"}}`, "options.issuer"},
		{"connection", "connections", `{"options":{"tokenURL":"https://u@a.example/"}}`, "options.tokenURL"},
		{"connection", "connections", `{"options":{"passwordPolicy":"any"}}`, "options.passwordPolicy"},
		{"connection", "connections", `{"display_name":"` + long(129) + `"}`, "display_name"},
		{"action", "actions/actions", `{"name":"` + long(256) + `"}`, "name"},
		{"action", "actions/actions", `{"code":"` + long(100_001) + `"}`, "code"},
		{"action", "actions/actions", `{"supported_triggers":[{"id":"never","version":"v1"}]}`, "supported_triggers.id"},
		{"action", "actions/actions", `{"runtime":"node6"}`, "runtime"},
		{"action", "actions/actions", `{"secrets":[{"name":"a","value":"1"},{"name":"a","value":"2"}]}`, "secrets"},
		{"role", "roles", `{"name":""}`, "name"},
		{"role", "roles", `{"description":"` + long(513) + `"}`, "description"},
		{"settings", "tenants/settings", `{"support_email":"nobody"}`, "support_email"},
		{"settings", "tenants/settings", `{"allowed_logout_urls":["data:x"]}`, "allowed_logout_urls"},
		{"settings", "tenants/settings", `{"session_lifetime":-1}`, "session_lifetime"},
	}
}

// AUZ-04: what the API refuses, an import of a tenant refuses too: with the line
// and the member, and the lines before and after it are there.
func TestAUZ04_importRules(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token := w.everything()
		for i, bad := range badObjects() {
			t.Run(fmt.Sprintf("%s %s %d", bad.kind, bad.field, i), func(t *testing.T) {
				good := goods()[bad.kind]
				body := joined(t, good.body, bad.with)
				method := map[bool]string{true: "PATCH", false: "POST"}[bad.kind == "settings"]
				r := w.send(token, method, bad.path, body)
				r.t = t
				r.refused(400, "on property "+bad.field)

				line := map[string]any{bad.kind: joined(t, good.body, good.dump, bad.with)}
				if bad.kind == "role" {
					line[bad.kind] = map[string]any{"role": line[bad.kind]}
				}
				before, after := fmt.Sprintf("before-%d", i), fmt.Sprintf("after-%d", i)
				wantOneFailure(t, w, bad.field, role(before), line, role(after))
				for _, name := range []string{before, after} {
					if _, err := w.store.Roles.ByName(t.Context(), name); err != nil {
						t.Errorf("a good line: %v", err)
					}
				}
			})
		}
		if list, err := w.store.Clients.List(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("clients %v, %v", list, err)
		}
		// The same lines without what is wrong with them are taken.
		var file []any
		for kind, good := range goods() {
			line := map[string]any{kind: joined(t, good.body, good.dump)}
			if kind == "role" {
				line[kind] = map[string]any{"role": line[kind]}
			}
			file = append(file, line)
		}
		if report, err := w.store.Import(t.Context(), dumpOf(t, file...), tenant.RestoreOptions{ManagementAPI: w.api.Audience()}); err != nil || report.Failed != 0 {
			t.Errorf("good lines: %+v, %v", report, err)
		}
	})
}

// AUZ-04: what the API never changes of an object, an import does not change
// either: users are found by the name of their connection.
func TestAUZ04_importImmutable(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	conn := w.connection(token, "db")
	user := w.user(token, "db", "ada@example.com")
	api := w.do(token, "POST", "resource-servers", `{"identifier":"urn:a"}`, 201).str("id")
	for field, line := range map[string]string{
		"name":       `{"connection":{"id":"` + conn + `","name":"other","strategy":"auth0"}}`,
		"identifier": `{"api":{"id":"` + api + `","name":"x","identifier":"urn:b"}}`,
	} {
		wantOneFailure(t, w, field, role("b-"+field), json.RawMessage(line), role("a-"+field))
	}
	if _, _, err := w.store.UserByLogin(t.Context(), "db", "ada@example.com"); err != nil {
		t.Errorf("%s: %v", user, err)
	}
	if c, err := w.store.Connections.Get(t.Context(), conn); err != nil || c.Name != "db" {
		t.Errorf("connection %+v, %v", c, err)
	}
	if a, err := w.store.APIs.Get(t.Context(), api); err != nil || a.Identifier != "urn:a" {
		t.Errorf("API %+v, %v", a, err)
	}
}

// role is a line with a role.
func role(name string) any {
	return map[string]any{"role": map[string]any{"role": map[string]any{"id": "rol_" + name, "name": name}}}
}

// joined returns an object with the members of several.
func joined(t *testing.T, objects ...string) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, text := range objects {
		var o map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			t.Fatal(err)
		}
		for name, value := range o {
			all[name] = value
		}
	}
	return maps.Clone(all)
}

// dumpOf is a file of a tenant with these lines.
func dumpOf(t *testing.T, lines ...any) *strings.Reader {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"gate_tenant":{"version":1,"exported_at":"2026-11-21T12:00:00Z","secrets":true}}` + "\n")
	enc := json.NewEncoder(&b)
	for _, line := range lines {
		if err := enc.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	return strings.NewReader(b.String())
}

// wantOneFailure imports three lines, of which the second is wrong.
func wantOneFailure(t *testing.T, w *world, field string, lines ...any) {
	t.Helper()
	report, err := w.store.Import(t.Context(), dumpOf(t, lines...), tenant.RestoreOptions{ManagementAPI: w.api.Audience()})
	if err != nil || report.Failed != 1 || len(report.Errors) != 1 || report.Errors[0].Line != 3 {
		t.Errorf("report %+v, %v", report, err)
		return
	}
	wrong, ok := errors.AsType[*tenant.FieldError](report.Errors[0].Err)
	if !ok || wrong.Field != field {
		t.Errorf("%v, want %s named", report.Errors[0].Err, field)
	}
}

// AUZ-04: rows of users, by the API's job and by a dump.
func TestAUZ04_importUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token := w.everything()
		conn := w.do(token, "POST", "connections", `{"name":"db","strategy":"auth0","options":{"validation":{"username":{"min":2,"max":5}}}}`, 201).str("id")
		w.do(token, "POST", "connections", `{"name":"gh","strategy":"github"}`, 201)
		long := strings.Repeat("x", 301)
		rows, fields := "", []string{}
		for _, tt := range [][2]string{
			{`"email":"nobody"`, "email"},
			{`"email":"ada@example.com, bob@example.com"`, "email"},
			{`"email":"a1@example.com","name":"` + long + `"`, "name"},
			{`"email":"a2@example.com","given_name":"` + long + `"`, "given_name"},
			{`"email":"a3@example.com","picture":"javascript:alert(1)"`, "picture"},
			{`"email":"a4@example.com","phone_number":"112"`, "phone_number"},
			{`"email":"a5@example.com","username":"a"`, "username"},
			{`"email":"a6@example.com","username":"toolong"`, "username"},
			{`"email":"a7@example.com","username":"a b"`, "username"},
			{`"email":"a8@example.com","user_metadata":{"a":1e400}`, "user_metadata.a"},
			{`"email":"a9@example.com","app_metadata":{"a":"` + strings.Repeat("x", 70<<10) + `"}`, "app_metadata"},
			{`"email":"b1@example.com","user_id":"a|b"`, "user_id"},
			{`"email":"b2@example.com","blocked":"yes"`, "blocked"},
			{`"email":"b3@example.com","name":"\u0007"`, "name"},
			{`"email":"b4@example.com","admin":true`, "admin"},
			{`"phone_number":"+4915112345678"`, "email"},
		} {
			rows += "{" + tt[0] + "}\n"
			fields = append(fields, tt[1])
		}
		rows += `{"email":"Good@example.com","username":"Good","user_id":"good","app_metadata":{"plan":"x","email":"reserved"}}`
		job := w.do(token, "POST", "jobs/users-imports", upload(conn, rows), 202).str("id")
		if err := w.api.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		faults := w.do(token, "GET", "jobs/"+job+"/errors", nil, 200).list()
		if len(faults) != len(fields) {
			t.Fatalf("%d rows failed, want %d: %v", len(faults), len(fields), faults)
		}
		for i, fault := range faults {
			user, _ := fault["user"].(map[string]any)
			list, _ := fault["errors"].([]any)
			first, _ := list[0].(map[string]any)
			if user["line"] != float64(i+1) || first["path"] != fields[i] {
				t.Errorf("row %d: %v, want %s named", i+1, fault, fields[i])
			}
		}
		good := w.do(token, "GET", "users/auth0%7Cgood", nil, 200)
		if good.str("username") != "good" || good.str("email") != "good@example.com" || strings.Contains(good.text, "reserved") {
			t.Errorf("good: %s", good.text)
		}

		user := func(members, identity, login string) any {
			return json.RawMessage(`{"user":{"user_id":"auth0|u1","email":"u1@example.com"` + members +
				`,"identities":[{"connection":"db","provider":"auth0","user_id":"u1"` + identity + `}]},"logins":[{"email":"u1@example.com"` + login + `}]}`)
		}
		for i, tt := range []struct {
			line  any
			field string
		}{
			{user(`,"name":"`+long+`"`, "", ""), "name"},
			{user(`,"picture":"data:x"`, "", ""), "picture"},
			{user(`,"user_metadata":{"a":"`+strings.Repeat("x", 70<<10)+`"}`, "", ""), "user_metadata"},
			{user(`,"email":"nobody"`, "", ""), "email"},
			{user(`,"blocked":"yes"`, "", ""), "blocked"},
			{user("", `,"provider":"github"`, ""), "identities[0].provider"},
			{user("", `,"connection":"gh"`, ""), "identities[0].provider"},
			{user("", `,"user_id":"a\u202eb"`, ""), "identities[0].user_id"},
			{user("", "", `,"email":"nobody"`), "identities[0].email"},
			{user("", "", `,"username":"a b"`), "identities[0].username"},
			{user("", "", `,"password_hash":"$2b$31$abcdefghijklmnopqrstuuW1X9P0WkzBqPVGmxsdlyaaaaaaaaaaa"`), "identities[0].password_hash"},
			{user(`,"user_id":"auth0|other"`, "", ""), "user_id"},
			{json.RawMessage(`{"user":{"user_id":"auth0|u1","identities":[{"connection":"db","provider":"auth0","user_id":"u1"},{"connection":"db","provider":"auth0","user_id":"u1"}]},"logins":[{"email":"u1@example.com"},{"email":"u2@example.com"}]}`), "identities[1].user_id"},
			{json.RawMessage(`{"user":{"user_id":"github|1","identities":[{"connection":"gh","provider":"github","user_id":"1"}]},"logins":[{"password_hash":"$2b$10$abcdefghijklmnopqrstuuW1X9P0WkzBqPVGmxsdlyaaaaaaaaaaa"}]}`), "identities[0].password_hash"},
		} {
			wantOneFailure(t, w, tt.field, role(fmt.Sprintf("b-%d", i)), tt.line, role(fmt.Sprintf("a-%d", i)))
		}
		w.send(token, "GET", "users/auth0%7Cu1", nil).refused(404, "does not exist")
	})
}

// IDP-21: no line of a dump changes the provider's own API, takes one of its
// names, or brings a grant that the API would not make.
func TestIDP21_importSystemAPI(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	own := w.api.Audience()
	system := &tenant.API{ID: "sys", Name: "Management", Identifier: own, System: true, TokenLifetime: 86400, Scopes: []tenant.APIScope{{Value: "read:users"}}}
	if err := w.store.APIs.Create(t.Context(), system); err != nil {
		t.Fatal(err)
	}
	public := w.do(token, "POST", "clients", `{"name":"p","app_type":"spa"}`, 201).str("client_id")
	machine := w.do(token, "POST", "clients", `{"name":"m","app_type":"non_interactive"}`, 201).str("client_id")
	for _, line := range []string{
		`{"api":{"id":"sys","name":"mine","identifier":"` + own + `","token_lifetime":2592000,"scopes":[{"value":"all"}]}}`,
		`{"api":{"id":"other","name":"mine","identifier":"` + own + `","is_system":true,"token_lifetime":2592000,"scopes":[{"value":"all"}]}}`,
		`{"api":{"id":"sys","name":"mine","identifier":"https://elsewhere.example/api/v2/","is_system":true,"scopes":[{"value":"all"}]}}`,
		`{"api":{"id":"sys","name":"mine","identifier":"urn:other"}}`,
		`{"api":{"id":"me","name":"mine","identifier":"https://tenant.example/userinfo"}}`,
		`{"client_grant":{"id":"g1","client_id":"` + public + `","audience":"` + own + `","scope":["read:users"]}}`,
		`{"client_grant":{"id":"g2","client_id":"` + machine + `","audience":"` + own + `","scope":["all"]}}`,
		`{"client":{"client_id":"both","name":"both","app_type":"spa"},"role":{"role":{"id":"r","name":"r"}}}`,
	} {
		if _, err := w.store.Import(t.Context(), dumpOf(t, json.RawMessage(line)), tenant.RestoreOptions{ManagementAPI: own}); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	api, err := w.store.APIs.Get(t.Context(), "sys")
	if err != nil || !api.System || api.Identifier != own || api.TokenLifetime != 86400 || api.Defines("all") || !api.Defines("read:users") {
		t.Errorf("API %+v, %v", api, err)
	}
	if all, err := w.store.APIs.List(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%d APIs, %v", len(all), err)
	}
	if grants, err := w.store.Grants.List(t.Context()); err != nil || len(grants) != 0 {
		t.Errorf("grants %v, %v", grants, err)
	}
	if _, err := w.store.Clients.Get(t.Context(), "both"); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("half of a line: %v", err)
	}
}
