package management_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/internal/shape"
	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
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
		`{"name":"a","strategy":"github","options":{"client_secret":"placeholder"}}`:      "is a placeholder: write the one that the other provider gave you' on property options.client_secret",
		`{"name":"a","strategy":"github","options":{"client_secret":"<your secret>"}}`:    "on property options.client_secret",
		`{"name":"a","strategy":"oauth2","options":{"apple":{"app_secret":"x"}}}`:         "is for the strategy apple' on property options.apple.app_secret",
		`{"name":"a","strategy":"banana"}`:                                                "No enum match for: banana (there are auth0, google-oauth2, github,", `{"name":"a","strategy":"saml"}`: "on property strategy",
		`{"name":"a","strategy":"github","id":"con_1"}`: "not allowed: id",
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

// AUZ-06: the secrets of a connection are shown to nobody, at any depth. What was
// read may be written back, and keeps them; where they would be sent elsewhere
// they have to be written anew.
func TestAUZ06_connectionSecrets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token := w.everything() // read:client_keys is among its scopes
		const options = `{"client_id":"x","client_secret":"HUSH-1","tokenURL":"https://a.example/token","userInfoURL":"https://a.example/me",
			"customHeaders":{"x-api":"HUSH-2","x-id":{"deep":["HUSH-3"]}},
			"gateway_authentication":{"audience":"a","method":"bearer","secret":"HUSH-4","secret_base64_encoded":false,"subject":"s"},
			"configuration":{"DB":"HUSH-5"},"twilio_token":"HUSH-6","apple":{"app_secret":"HUSH-7","kid":"k"},"signingKey":{"cert":"HUSH-8","key":"HUSH-9"},
			"upstream_params":{"login_hint":{"alias":"login_hint"}},"pin_secret":77777777,
			"nested":{"shared_secret":"HUSH-10","arr":[{"password":"HUSH-11","size":7}]},"authentication_methods":{"password":{"enabled":true}},"big":12345678901234567890,"passkey_options":{"challenge_ui":"both"}}`
		id := w.do(token, "POST", "connections", `{"name":"up","strategy":"apple","options":`+options+`}`, 201).str("id")
		client := w.do(token, "POST", "clients", `{"name":"a"}`, 201).str("client_id")
		w.do(token, "PATCH", "connections/"+id+"/clients", []map[string]any{{"client_id": client, "status": true}}, 204)
		stored := func() string {
			c, err := w.store.Connections.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			data, err := c.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
		before := stored()
		var read reply
		for _, path := range []string{"connections", "connections/" + id, "connections?take=5", "clients/" + client + "/connections"} {
			for _, bearer := range []string{token, w.machine("read:connections"), w.machine("read:connections read:client_keys")} {
				read = w.do(bearer, "GET", path, nil, 200)
				if strings.Contains(read.text, "HUSH") || strings.Contains(read.text, "77777777") || strings.Contains(read.text, `"client_secret"`) {
					t.Errorf("%s shows %s", path, read.text)
				}
			}
		}
		read = w.do(token, "GET", "connections/"+id, nil, 200)
		for _, part := range []string{
			`"method":"bearer"`, `"secret":"********"`, `"secret_base64_encoded":false`, `"kid":"k"`, `"big":12345678901234567890`, `"challenge_ui":"both"`, `"x-api":"********"`,
			`"arr":[{"password":"********","size":7}]`, `"authentication_methods":{"password":{"enabled":true}}`,
		} {
			if !strings.Contains(read.text, part) {
				t.Errorf("no %s in %s", part, read.text)
			}
		}
		// Back as it was read, by who may not read secrets.
		writer := w.machine("read:connections update:connections")
		var shown struct {
			Options json.RawMessage `json:"options"`
		}
		if err := json.Unmarshal([]byte(read.text), &shown); err != nil {
			t.Fatal(err)
		}
		if got := w.do(writer, "PATCH", "connections/"+id, map[string]any{"options": shown.Options}, 200).text; strings.Contains(got, "HUSH") {
			t.Errorf("answer %s", got)
		}
		if got := stored(); got != before {
			t.Errorf("after writing back what was read:\n%s\nwant\n%s", got, before)
		}
		// To another address a mask brings nothing.
		for _, from := range []string{`"https://a.example/token"`, `"https://a.example/me"`, `"client_id":"x"`} {
			to := strings.NewReplacer("a.example", "evil.example", `"x"`, `"y"`).Replace(from)
			body := map[string]any{"options": json.RawMessage(strings.ReplaceAll(string(shown.Options), from, to))}
			w.send(writer, "PATCH", "connections/"+id, body).refused(400, "write the secret itself' on property options.")
		}
		w.send(writer, "PATCH", "connections/"+id, `{"options":{"client_id":"x","tokenURL":"https://a.example/token","userInfoURL":"https://a.example/me","customHeaders":"********"}}`).
			refused(400, "on property options.customHeaders")
		w.send(token, "POST", "connections", `{"name":"new","strategy":"oauth2","options":{"customHeaders":{"a":"********"}}}`).refused(400, "options.customHeaders.a")
		if got := stored(); got != before {
			t.Errorf("after refusals: %s", got)
		}
		// At rest they are sealed, and a dump without secrets has none.
		var doc string
		if err := db.Read().QueryRowContext(t.Context(), "SELECT doc FROM idp_objects WHERE kind = 'connection'").Scan(&doc); err != nil {
			t.Fatal(err)
		}
		var dump strings.Builder
		if err := w.store.Export(t.Context(), &dump, tenant.DumpOptions{}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(doc, "HUSH") || strings.Contains(dump.String(), "HUSH") {
			t.Errorf("in the open: %s\n%s", doc, dump.String())
		}
		// Such a dump comes back, and leaves them.
		report, err := w.store.Import(t.Context(), strings.NewReader(dump.String()), tenant.RestoreOptions{})
		if got := stored(); err != nil || report.Failed > 0 || got != before {
			t.Errorf("after its own dump %+v, %v:\n%s\nwant\n%s", report, err, got, before)
		}
	})
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

// AUZ-06: what lets somebody in is a secret by whatever name people write it.
func TestAUZ06_namesOfSecrets(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	for _, option := range []string{
		`"headers":{"Authorization":"HUSH"}`, `"headers":{"x-tenant":"HUSH"}`, `"setHeaders":[{"a":1}],"auth":"HUSH"`, `"nested":{"headers":{"Cookie":"HUSH"}}`,
		`"apikey":"HUSH"`, `"apiKey":"HUSH"`, `"api_key":"HUSH"`, `"api-key":"HUSH"`, `"X-API-Key":"HUSH"`, `"nested":{"APIKEY":"HUSH"}`,
		`"passphrase":"HUSH"`, `"pass_phrase":"HUSH"`, `"keyPassphrase":"HUSH"`, `"passwd":"HUSH"`, `"db_pwd":"HUSH"`, `"pass":"HUSH"`,
		`"Authorization":"HUSH"`, `"proxy-authorization":"HUSH"`, `"bearer":"HUSH"`, `"session_cookie":"HUSH"`, `"key":"HUSH"`, `"accessToken":"HUSH"`,
		`"access-token":"HUSH"`, `"nested":{"list":[{"pin":12345678}]}`,
	} {
		made := w.do(token, "POST", "connections", `{"name":"c","strategy":"oauth2","options":{`+option+`}}`, 201)
		id := made.str("id")
		stored := dumpObjects(t, w.db)
		for what, text := range map[string]string{"the answer": made.text, "what is read": w.do(token, "GET", "connections/"+id, nil, 200).text, "the database": stored} {
			if strings.Contains(text, "HUSH") || strings.Contains(text, "12345678") {
				t.Errorf("%s is in %s", option, what)
			}
		}
		w.do(token, "DELETE", "connections/"+id, nil, 202)
	}
	// Addresses and names of these are none.
	const plain = `"authorizationURL":"https://a.example/authorize","oidc_metadata":{"authorization_endpoint":"https://a.example/a","token_endpoint":"https://a.example/t"},"kid":"k1","token_endpoint_auth_method":"client_secret_post"`
	if made := w.do(token, "POST", "connections", `{"name":"c","strategy":"oauth2","options":{`+plain+`}}`, 201); strings.Contains(strings.ReplaceAll(made.text, `"client_secret_post"`, ""), "****") {
		t.Errorf("%s", made.text)
	}
}

// dumpObjects returns the documents of all objects as they are stored.
func dumpObjects(t *testing.T, db *store.DB) string {
	t.Helper()
	rows, err := db.Read().QueryContext(t.Context(), "SELECT doc FROM idp_objects")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var doc string
		if err := rows.Scan(&doc); err != nil {
			t.Fatal(err)
		}
		all.WriteString(doc + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// Where a connection leads is judged when it is said, and not with every change.
func TestConnections_judgedWithOptions(t *testing.T) {
	var strict bool
	judge := func(*tenant.Connection) error {
		if strict {
			return &shape.Error{Field: "options", Reason: "leads nowhere"}
		}
		return nil
	}
	w := newWorld(t, func(c *management.Config) {
		c.CheckConnection = judge
		c.FindConnection = func(_ context.Context, c *tenant.Connection) error { return judge(c) }
	})
	token := w.everything()
	options := map[string]any{"client_id": "a", "client_secret": "qhGx41PzmNv8", "issuer": "https://sso.example", "scope": []string{"openid", "email"}}
	made := w.do(token, "POST", "connections", map[string]any{"name": "sso", "strategy": "oidc", "options": options}, 201)
	path, read := "connections/"+made.str("id"), made.object()["options"]
	strict = true
	w.do(token, "PATCH", path, `{"display_name":"Work"}`, 200)
	w.do(token, "PATCH", path, map[string]any{"options": read}, 200) // as it was read
	options["issuer"] = "https://other.example"
	w.send(token, "PATCH", path, map[string]any{"options": options}).refused(400, "leads nowhere")
}

// TestConnections_unknownClients: a client that is not there is named, and one that
// another process made just now is known.
func TestConnections_unknownClients(t *testing.T) {
	db := storetest.SQLite(t)
	w, other := openWorld(t, db), openWorld(t, db)
	token := w.everything()
	w.do(token, "GET", "clients", nil, 200)
	id := other.do(other.everything(), "POST", "clients", map[string]any{"name": "Web"}, 201).str("client_id")
	in := func(clients ...string) map[string]any {
		return map[string]any{"enabled_clients": append([]string{}, clients...)}
	}
	create := func(clients ...string) map[string]any {
		return map[string]any{"name": "staff", "strategy": "auth0", "enabled_clients": clients}
	}
	const why = `Payload validation error: 'There is no such client: no-1, no-2' on property enabled_clients`
	w.send(token, "POST", "connections", create(id, "no-1", "no-2")).refused(400, why)
	conn := w.do(token, "POST", "connections", create(id), 201).str("id")
	w.send(token, "PATCH", "connections/"+conn, in(id, "no-1", "no-2")).refused(400, why)
	if got := w.do(token, "PATCH", "connections/"+conn, in(), 200).text; !strings.Contains(got, `"enabled_clients":[]`) {
		t.Errorf("%s", got)
	}
	// What is there goes on, as when a program sends back what it read.
	if _, err := w.store.Connections.Update(t.Context(), conn, func(c *tenant.Connection) error {
		c.EnabledClients = []string{"of-before"}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w.do(token, "PATCH", "connections/"+conn, in("of-before", id), 200)
}
