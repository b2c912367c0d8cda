package management_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

// AUZ-04: a number that no float64 holds is a mistake of the caller, which is
// named, wherever members are kept as they come; and nothing is changed by it.
func TestAUZ04_hugeNumbers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token := w.everything()
		connection := w.connection(token, "db")
		user := w.user(token, "db", "ada@example.com")
		client := w.do(token, "POST", "clients", `{"name":"c","app_type":"non_interactive"}`, 201).str("client_id")
		api := w.do(token, "POST", "resource-servers", `{"identifier":"urn:a"}`, 201).str("id")
		grant := w.do(token, "POST", "client-grants", map[string]any{"client_id": client, "audience": "urn:a", "scope": []string{}}, 201).str("id")
		role := w.do(token, "POST", "roles", `{"name":"r"}`, 200).str("id")
		action := w.do(token, "POST", "actions/actions", newAction("a"), 201).str("id")
		theme := w.do(token, "POST", "branding/themes", `{"displayName":"T"}`, 200).str("themeId")
		long := strings.Repeat("9", 400)
		for _, tt := range []struct{ method, path, body, field string }{
			{"PATCH", "users/" + user, `{"user_metadata":{"a":[0,{"b":1e400}]}}`, "user_metadata.a[1].b"},
			{"PATCH", "users/" + user, `{"app_metadata":{"a":-1E+999}}`, "app_metadata.a"},
			{"PATCH", "users/" + user, `{"app_metadata":{"a":` + long + `}}`, "app_metadata.a"},
			{"POST", "users", `{"connection":"db","email":"b@example.com","password":"correct horse battery","app_metadata":{"a":1e400}}`, "app_metadata.a"},
			{"PATCH", "clients/" + client, `{"client_metadata":{"a":1e400}}`, "client_metadata.a"},
			{"PATCH", "clients/" + client, `{"addons":{"a":1e400}}`, "addons.a"},
			{"PATCH", "clients/" + client, `{"jwt_configuration":{"lifetime_in_seconds":1e400}}`, "jwt_configuration.lifetime_in_seconds"},
			{"POST", "clients", `{"name":"x","mobile":[1e400]}`, "mobile[0]"},
			{"PATCH", "resource-servers/" + api, `{"token_lifetime":1e400}`, "token_lifetime"},
			{"PATCH", "resource-servers/" + api, `{"proof_of_possession":{"a":1e400}}`, "proof_of_possession.a"},
			{"PATCH", "client-grants/" + grant, `{"x":1e400}`, "x"},
			{"PATCH", "roles/" + role, `{"x":{"y":1e400}}`, "x.y"},
			{"PATCH", "connections/" + connection, `{"options":{"validation":{"username":{"max":1e400}}}}`, "options.validation.username.max"},
			{"PATCH", "actions/actions/" + action, `{"x":1e400}`, "x"},
			{"POST", "actions/actions/" + action + "/test", `{"payload":{"a":1e400}}`, "payload.a"},
			{"PATCH", "tenants/settings", `{"sessions":{"a":1e400}}`, "sessions.a"},
			{"PATCH", "tenants/settings", `{"session_lifetime":1e400}`, "session_lifetime"},
			{"PATCH", "attack-protection/suspicious-ip-throttling", `{"stage":{"pre-login":{"rate":1e400}}}`, "stage.pre-login.rate"},
			{"PATCH", "branding", `{"colors":{"a":1e400}}`, "colors.a"},
			{"PATCH", "branding/themes/" + theme, `{"widget":{"a":1e400}}`, "widget.a"},
			{"PUT", "email-templates/verify_email", `{"x":1e400}`, "x"},
			{"PUT", "prompts/login/custom-text/en", `{"s":{"k":1e400}}`, "s.k"},
			{"POST", "users/" + user + "/permissions", `{"permissions":[{"resource_server_identifier":1e400,"permission_name":"x"}]}`, "permissions[0].resource_server_identifier"},
		} {
			t.Run(tt.method+" "+tt.path+" "+tt.field, func(t *testing.T) {
				r := w.send(token, tt.method, tt.path, tt.body)
				r.t = t
				r.refused(400, "Number is too large' on property "+tt.field)
			})
		}
		// What fits is kept as it is, and can be searched for on both databases.
		w.do(token, "PATCH", "users/"+user, `{"user_metadata":{"a":1e308,"b":5e-324}}`, 200)
		if got := w.do(token, "GET", "users?q=user_metadata.a%3A%5B1e307+TO+*%5D", nil, 200).list(); len(got) != 1 {
			t.Errorf("search: %v", got)
		}
	})
}
