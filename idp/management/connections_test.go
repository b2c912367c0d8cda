package management_test

import (
	"strings"
	"testing"

	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func TestConnections(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	made := w.do(token, "POST", "connections", `{"name":"users-1","strategy":"auth0","options":{"disable_signup":true,"import_mode":false},"authentication":{"active":true}}`, 201)
	id := made.str("id")
	for _, part := range []string{`"realms":["users-1"]`, `"passwordPolicy":"good"`, `"strategy_version":2`, `"disable_signup":true`, `"import_mode":false`, `"active":true`, `"enabled_clients":[]`} {
		if !strings.Contains(made.text, part) {
			t.Errorf("no %s in %s", part, made.text)
		}
	}
	if got := w.do(token, "GET", "connections/"+id, nil, 200).text; got != made.text {
		t.Errorf("read back %s", got)
	}
	// Options are replaced as a whole.
	if got := w.do(token, "PATCH", "connections/"+id, `{"options":{"passwordPolicy":"fair"}}`, 200).text; strings.Contains(got, "disable_signup") || !strings.Contains(got, `"passwordPolicy":"fair"`) {
		t.Errorf("changed: %s", got)
	}
	w.send(token, "POST", "connections", `{"name":"users-1","strategy":"auth0"}`).refused(409, "A connection with the same name already exists")
	for body, text := range map[string]string{
		`{"name":"a--b","strategy":"auth0"}`: "format connection-name", `{"name":"-a","strategy":"auth0"}`: "format connection-name",
		`{"name":"a b","strategy":"auth0"}`: "format connection-name", `{"name":"a"}`: "Missing required property: strategy",
		`{"name":"` + strings.Repeat("a", 129) + `","strategy":"auth0"}`:                  "too long",
		`{"name":"a","strategy":"oidc","options":{"issuer":"http://evil.example/"}}`:      "has to be https",
		`{"name":"a","strategy":"oidc","options":{"discovery_url":"file:///etc/passwd"}}`: "is no URL",
		`{"name":"a","strategy":"oauth2","options":{"tokenURL":"https://u@a.example/"}}`:  "names a user",
		`{"name":"a","strategy":"auth0","options":{"passwordPolicy":"any"}}`:              "No enum match",
		`{"name":"a","strategy":"github","options":{"client_secret":7}}`:                  "Expected type string but found type number",
		`{"name":"a","strategy":"github","id":"con_1"}`:                                   "not allowed: id",
	} {
		w.send(token, "POST", "connections", body).refused(400, text)
	}
	w.send(token, "PATCH", "connections/"+id, `{"name":"x"}`).refused(400, "not allowed: name")
	w.send(token, "PATCH", "connections/"+id, `{"strategy":"github"}`).refused(400, "not allowed: strategy")
	if got := w.do(token, "GET", "connections?strategy=auth0&strategy=github&include_totals=true", nil, 200).object(); got["total"] != 1.0 {
		t.Errorf("list: %v", got)
	}
	if got := w.do(token, "GET", "connections?name=other", nil, 200).list(); len(got) != 0 {
		t.Errorf("by name: %v", got)
	}
	w.do(token, "GET", "connections/"+id+"/status", nil, 200)
	w.send(token, "GET", "connections/con_x", nil).refused(404, "The connection does not exist")
}

// A secret that the writer was not shown stays, unless what is written sends it
// to somebody else.
func TestConnections_secretStays(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	id := w.do(token, "POST", "connections", `{"name":"up","strategy":"oidc","options":{"client_id":"x","client_secret":"hush","issuer":"https://a.example/"}}`, 201).str("id")
	writer := w.machine("read:connections update:connections")
	secret := func() string {
		c, err := w.store.Connections.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return c.Options.ClientSecret
	}
	got := w.do(writer, "PATCH", "connections/"+id, `{"options":{"client_id":"x","issuer":"https://a.example/","scope":["openid"]}}`, 200)
	if secret() != "hush" || strings.Contains(got.text, "hush") {
		t.Errorf("secret %q, answer %s", secret(), got.text)
	}
	for _, body := range []string{
		`{"options":{"client_id":"x","issuer":"https://evil.example/"}}`,
		`{"options":{"client_id":"x","issuer":"https://a.example/","tokenURL":"https://evil.example/"}}`,
		`{"options":{"client_id":"x","issuer":"https://a.example/","discovery_url":"https://evil.example/"}}`,
		`{"options":{"client_id":"y","issuer":"https://a.example/"}}`,
	} {
		w.do(token, "PATCH", "connections/"+id, `{"options":{"client_id":"x","client_secret":"hush","issuer":"https://a.example/"}}`, 200)
		w.do(writer, "PATCH", "connections/"+id, body, 200)
		if secret() != "" {
			t.Errorf("%s keeps the secret", body)
		}
	}
}

func TestConnections_clients(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	id := w.connection(token, "db")
	a := w.do(token, "POST", "clients", `{"name":"a"}`, 201).str("client_id")
	b := w.do(token, "POST", "clients", `{"name":"b"}`, 201).str("client_id")
	w.do(token, "PATCH", "connections/"+id+"/clients", []map[string]any{{"client_id": a, "status": true}, {"client_id": b, "status": true}}, 204)
	w.do(token, "PATCH", "connections/"+id+"/clients", []map[string]any{{"client_id": a, "status": false}}, 204)
	if got := w.do(token, "GET", "connections/"+id+"/clients", nil, 200).text; strings.TrimSpace(got) != `{"clients":[{"client_id":"`+b+`"}]}` {
		t.Errorf("clients: %s", got)
	}
	w.send(token, "PATCH", "connections/"+id+"/clients", []map[string]any{{"client_id": "nobody", "status": true}}).refused(404, "The client does not exist")
	w.send(token, "PATCH", "connections/"+id+"/clients", `[{"client_id":"x"}]`).refused(400, "status")
	w.send(token, "PATCH", "connections/"+id+"/clients", `[],"x":1`).refused(400, "not allowed: x")
	w.send(token, "PATCH", "connections/"+id+"/clients", `{}`).refused(400, "Expected type array")
}

// The users of a connection go with it; of users whose main identity is another
// only the identity goes.
func TestConnections_deletion(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token := w.everything()
		gone := w.connection(token, "gone")
		w.connection(token, "stays")
		own := w.user(token, "gone", "ada@example.com")
		linked, main := w.user(token, "gone", "bob@example.com"), w.user(token, "stays", "bob@example.com")
		w.do(token, "POST", "users/"+main+"/identities", map[string]string{"provider": "auth0", "user_id": linked}, 201)
		w.session(own, "s1")
		if got := w.do(token, "DELETE", "connections/"+gone, nil, 202); got.str("deleted_at") != "2026-11-21T12:00:00.000Z" {
			t.Errorf("answer %s", got.text)
		}
		for _, id := range []string{own, linked} {
			w.send(token, "GET", "users/"+id, nil).refused(404, "The user does not exist.")
		}
		if got, _ := w.do(token, "GET", "users/"+main, nil, 200).object()["identities"].([]any); len(got) != 1 {
			t.Errorf("identities left: %v", got)
		}
		if len(w.ended) != 1 {
			t.Errorf("told of %v", w.ended)
		}
	})
}

func TestConnections_deleteUser(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	id := w.connection(token, "db")
	user := w.user(token, "db", "ada@example.com")
	w.do(token, "DELETE", "connections/"+id+"/users?email=ADA@example.com", nil, 204)
	w.send(token, "GET", "users/"+user, nil).refused(404, "does not exist")
	w.do(token, "DELETE", "connections/"+id+"/users?email=ada@example.com", nil, 204)
	w.send(token, "DELETE", "connections/"+id+"/users", nil).refused(400, "format email")
}
