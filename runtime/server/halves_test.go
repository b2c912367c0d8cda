package server_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/gatewright/gate/runtime/auth"
)

// broken has a statement on a table fail, while fn runs.
func (r *running) broken(statement, table string, fn func()) {
	r.t.Helper()
	if _, err := r.app.DB.Exec(r.t.Context(), "CREATE TRIGGER broken BEFORE "+statement+" ON "+table+" BEGIN SELECT RAISE(ABORT, 'disk'); END"); err != nil {
		r.t.Fatal(err)
	}
	fn()
	if _, err := r.app.DB.Exec(r.t.Context(), "DROP TRIGGER broken"); err != nil {
		r.t.Fatal(err)
	}
}

// fails sends a request that has to be answered with a fault.
func (r *running) fails(method, path, body string, headers ...string) {
	r.t.Helper()
	if got := r.do(method, path, body, headers...); got.Status < http.StatusInternalServerError {
		r.t.Errorf("%s %s: status %d: %s", method, path, got.Status, got.Body)
	}
}

// TestPWD11_allOrNothing: a new password that cannot end the other sessions is
// not set, so that who sets it again ends them.
func TestPWD11_allOrNothing(t *testing.T) {
	for _, broken := range [][2]string{{"UPDATE OF ended_at", "gate_sessions"}, {"DELETE", "gate_refresh_tokens"}} {
		t.Run(broken[1], func(t *testing.T) {
			r := start(t, everything(newLetterbox(), func(c *auth.Config) { c.Letters = nil }))
			id := r.signUp(ada)
			here, thief := r.login(ada), r.do("POST", "/api/authentication", loginBody(ada, goodPassword)).is(201).json()
			bearer := []string{"Authorization", "Bearer " + thief["accessToken"].(string)}
			body := fmt.Sprintf(`{"password":%q}`, newPassword)
			r.broken(broken[0], broken[1], func() { r.fails("PATCH", "/api/users/"+id, body, here...) })
			r.do("POST", "/api/authentication", loginBody(ada, newPassword)).is(401)
			r.do("GET", "/api/me", "", bearer...).is(200)
			r.do("PATCH", "/api/users/"+id, body, here...).is(200)
			r.do("GET", "/api/me", "", here...).is(200)
			r.do("GET", "/api/me", "", bearer...).is(401)
			r.do("POST", "/api/authentication", fmt.Sprintf(`{"strategy":"refresh","refreshToken":%q}`, thief["refreshToken"])).is(401)
		})
	}
}

// TestPWD11_keysAllOrNothing: an account that is taken back from somebody is taken
// back with its keys.
func TestPWD11_keysAllOrNothing(t *testing.T) {
	r := start(t, everything(newLetterbox(), func(c *auth.Config) { c.Letters = nil }))
	const admin = "admin@x.example"
	r.signUp(admin, "menu-admin")
	id := r.signUp(ada, "menu-admin")
	key, _ := r.do("POST", "/api/account/api-keys", `{"name":"ci","scopes":["create:items"]}`, r.login(ada)...).is(201).json()["key"].(string)
	r.do("POST", "/api/items", `{"name":"Figs","price":1}`, "X-API-Key", key).is(201)
	body := fmt.Sprintf(`{"password":%q}`, newPassword)
	r.broken("UPDATE OF revoked_at", "gate_api_keys", func() { r.fails("PATCH", "/api/users/"+id, body, r.login(admin)...) })
	r.do("POST", "/api/authentication", loginBody(ada, goodPassword)).is(201)
	r.do("PATCH", "/api/users/"+id, body, r.login(admin)...).is(200)
	r.do("POST", "/api/items", `{"name":"Limes","price":1}`, "X-API-Key", key).is(401)
}

// TestRoles_allOrNothing: other roles come with the end of the refresh tokens, or
// not at all.
func TestRoles_allOrNothing(t *testing.T) {
	r := start(t, everything(newLetterbox(), nil))
	const admin = "admin@x.example"
	r.signUp(admin, "menu-admin")
	id := r.signUp(ada, "menu-admin")
	in := r.do("POST", "/api/authentication", loginBody(ada, goodPassword)).is(201).json()
	const none = `{"roles":[]}`
	r.broken("DELETE", "gate_refresh_tokens", func() { r.fails("PATCH", "/api/users/"+id, none, r.login(admin)...) })
	r.do("POST", "/api/items", `{"name":"Figs","price":1}`, "Authorization", "Bearer "+in["accessToken"].(string)).is(201)
	r.do("PATCH", "/api/users/"+id, none, r.login(admin)...).is(200)
	r.do("POST", "/api/authentication", fmt.Sprintf(`{"strategy":"refresh","refreshToken":%q}`, in["refreshToken"])).is(401)
}
