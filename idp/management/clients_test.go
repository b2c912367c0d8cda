package management_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/management"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
)

func TestClients_life(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := openWorld(t, db)
		token := w.everything()
		made := w.do(token, "POST", "clients", map[string]any{
			"name": "Web", "app_type": "spa", "callbacks": []string{"http://localhost:3000/auth-callback"},
			"web_origins": []string{"http://localhost:3000"}, "client_metadata": map[string]string{"a": "1", "b": "2"},
			"mobile": map[string]any{"ios": map[string]any{"team_id": "T"}}, "require_pushed_authorization_requests": false,
		}, 201)
		id := made.str("client_id")
		if len(id) != 32 || len(made.str("client_secret")) != 64 {
			t.Errorf("made %s", made.text)
		}
		if got := w.do(token, "GET", "clients/"+id, nil, 200).text; got != made.text {
			t.Errorf("read back: %s", cmp.Diff(made.text, got))
		}
		changed := w.do(token, "PATCH", "clients/"+id, `{"name":"Web 2","callbacks":["https://app.example/cb"],
			"client_metadata":{"a":null,"c":"3"},"mobile":{"android":{}},"require_pushed_authorization_requests":null}`, 200).object()
		want := map[string]any{
			"name": "Web 2", "callbacks": []any{"https://app.example/cb"}, "client_metadata": map[string]any{"b": "2", "c": "3"},
			"mobile": map[string]any{"android": map[string]any{}}, "web_origins": []any{"http://localhost:3000"}, "client_id": id,
			"require_pushed_authorization_requests": nil, "client_secret": made.str("client_secret"),
		}
		for name := range want {
			if diff := cmp.Diff(want[name], changed[name]); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		rotated := w.do(token, "POST", "clients/"+id+"/rotate-secret", nil, 200).str("client_secret")
		if rotated == made.str("client_secret") || len(rotated) != 64 {
			t.Errorf("rotated to %q", rotated)
		}
		w.do(token, "DELETE", "clients/"+id, nil, 204)
		w.do(token, "DELETE", "clients/"+id, nil, 204)
		r := w.send(token, "GET", "clients/"+id, nil)
		r.refused(404, "The client does not exist")
		if r.str("errorCode") != "inexistent_client" {
			t.Errorf("%s", r.text)
		}
	})
}

func TestClients_defaults(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	for _, tt := range []struct {
		body, method, grants, rotation string
	}{
		{`{"name":"a"}`, "client_secret_post", "[authorization_code refresh_token]", "non-rotating"},
		{`{"name":"a","app_type":"spa"}`, "none", "[authorization_code refresh_token]", "rotating"},
		{`{"name":"a","app_type":"native"}`, "none", "[authorization_code refresh_token]", "rotating"},
		{`{"name":"a","app_type":"regular_web"}`, "client_secret_post", "[authorization_code refresh_token]", "non-rotating"},
		{`{"name":"a","app_type":"non_interactive"}`, "client_secret_post", "[client_credentials]", "non-rotating"},
		{`{"name":"a","app_type":"spa","token_endpoint_auth_method":"none"}`, "none", "[authorization_code refresh_token]", "rotating"},
		{`{"name":"a","grant_types":["implicit","password"]}`, "client_secret_post", "[implicit password]", "non-rotating"},
	} {
		o := w.do(token, "POST", "clients", tt.body, 201).object()
		refresh, _ := o["refresh_token"].(map[string]any)
		if o["token_endpoint_auth_method"] != tt.method || fmt.Sprint(o["grant_types"]) != tt.grants || refresh["rotation_type"] != tt.rotation ||
			o["is_first_party"] != true || o["custom_login_page_on"] != true || o["oidc_conformant"] != true {
			t.Errorf("%s: %v", tt.body, o)
		}
	}
}

func TestIDP21_clientSecrets(t *testing.T) {
	w := newWorld(t)
	all := w.everything()
	made := w.do(all, "POST", "clients", `{"name":"Web","app_type":"regular_web"}`, 201)
	id, hush := made.str("client_id"), made.str("client_secret")
	w.do(all, "POST", "resource-servers", `{"name":"A","identifier":"https://a.example/","signing_alg":"HS256"}`, 201)
	w.do(all, "POST", "connections", `{"name":"gh","strategy":"github","options":{"client_id":"x","client_secret":"upstream-hush","configuration":{"k":"conf-hush"}}}`, 201)
	reader := w.machine("read:clients read:resource_servers read:connections update:clients create:clients update:connections update:resource_servers read:logs")
	for _, r := range []reply{
		w.do(reader, "GET", "clients", nil, 200),
		w.do(reader, "GET", "clients?include_totals=true", nil, 200),
		w.do(reader, "GET", "clients?fields=client_secret,name&include_fields=true", nil, 200),
		w.do(reader, "GET", "clients/"+id, nil, 200),
		w.do(reader, "PATCH", "clients/"+id, `{"description":"x"}`, 200),
		w.do(reader, "POST", "clients", `{"name":"b"}`, 201),
		w.do(reader, "GET", "resource-servers", nil, 200),
		w.do(reader, "GET", "resource-servers/https%3A%2F%2Fa.example%2F", nil, 200),
		w.do(reader, "GET", "connections", nil, 200),
		w.do(reader, "GET", "logs", nil, 200),
	} {
		for _, word := range []string{hush, `"client_secret":`, `"signing_secret":`, "upstream-hush", "conf-hush"} {
			if strings.Contains(r.text, word) {
				t.Errorf("%s is in %s", word, r.text)
			}
		}
	}
	w.send(reader, "POST", "clients/"+id+"/rotate-secret", nil).refused(403, "update:client_keys")
	w.send(reader, "PATCH", "clients/"+id, `{"client_secret":"0123456789012345678901234567890123456789"}`).refused(403, "update:client_keys")
	w.send(reader, "POST", "clients", `{"name":"c","client_secret":"0123456789012345678901234567890123456789"}`).refused(403, "create:client_keys")
	if got := w.do(w.machine("read:client_keys"), "GET", "clients/"+id, nil, 200).str("client_secret"); got != hush {
		t.Errorf("with read:client_keys: %q", got)
	}
}

// What callers must not say of a client.
func TestIDP21_clientMassAssignment(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	id := w.do(token, "POST", "clients", `{"name":"Web"}`, 201).str("client_id")
	for name, value := range map[string]string{
		"client_id": `"mine"`, "global": "true", "tenant": `"t"`, "is_system": "true", "signing_keys": "[]", "credentials": "[]", "gate_x": "1", "owners": "[]",
	} {
		want := "Payload validation error: 'Additional properties not allowed: " + name + "'."
		w.send(token, "POST", "clients", `{"name":"x","`+name+`":`+value+`}`).refused(400, want)
		w.send(token, "PATCH", "clients/"+id, `{"`+name+`":`+value+`}`).refused(400, want)
	}
	for body, text := range map[string]string{
		`{"grant_types":["authorization_code","magic"]}`:    "No enum match for: magic",
		`{"app_type":"toaster"}`:                            "No enum match for: toaster",
		`{"name":"<b>"}`:                                    "format client-name",
		`{"client_secret":"short"}`:                         "String is too short",
		`{"client_secret":null}`:                            "found type null",
		`{"name":null}`:                                     "found type null",
		`{"callbacks":"https://a.example"}`:                 "Expected type array",
		`{"jwt_configuration":{"lifetime_in_seconds":"1"}}`: "Expected type integer but found type string' on property jwt_configuration.lifetime_in_seconds",
		`{"jwt_configuration":{"alg":"none"}}`:              "No enum match for: none",
		`{"token_endpoint_auth_method":"none","jwt_configuration":{"alg":"HS256"}}`:       "needs a client that keeps a secret",
		`{"token_endpoint_auth_method":"none","grant_types":["client_credentials"]}`:      "needs a client that authenticates",
		`{"token_endpoint_auth_method":"private_key_jwt"}`:                                "needs client_authentication_methods",
		`{"token_endpoint_auth_method":"none"}`:                                           "has to be rotating",
		`{"refresh_token":{"rotation_type":"rotating","expiration_type":"non-expiring"}}`: "has to be expiring",
		`{"unsafe_wildcards":true,"is_first_party":false}`:                                "third-party",
		`{"client_metadata":{"a":1}}`:                                                     "Expected type string",
		`{"oidc_logout":{"backchannel_logout_urls":["http://a.example/"]}}`:               "has to be https",
		`{"initiate_login_uri":"http://a.example/"}`:                                      "has to be https",
		`{"logo_uri":"javascript:alert(1)"}`:                                              "cannot be returned to",
	} {
		w.send(token, "PATCH", "clients/"+id, body).refused(400, text)
	}
}

// The addresses that a client may be returned to are judged when they are
// written.
func TestIDP_redirectRules(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	id := w.do(token, "POST", "clients", `{"name":"Web","app_type":"native"}`, 201).str("client_id")
	for _, tt := range []struct {
		url    string
		plain  bool // accepted in callbacks
		wild   bool // accepted with unsafe_wildcards
		origin bool // accepted in web_origins
	}{
		{"https://app.example/cb", true, true, false},
		{"https://app.example/cb?x=1", true, true, false},
		{"https://app.example", true, true, true},
		{"http://localhost:3000", true, true, true},
		{"http://127.0.0.1:4000/cb", true, true, false},
		{"com.example.app:/cb", true, true, false},
		{"com.example.app://callback", true, true, false},
		{"https://xn--9ca.example/cb", true, true, false},
		{"https://a_b.example/cb", true, true, false},
		{"http://[::1]:8080/cb", true, true, false},
		{"https://é.example/cb", false, false, false},
		{"https://%C3%A9.example", false, false, false},
		{"https://a;b.example", false, false, false},
		{"https://a,b.example/cb", false, false, false},
		{"https://a'b.example/cb", false, false, false},
		{"https://*.é.example/cb", false, false, false},
		{"https://*.app.example/cb", false, true, false},
		{"https://pre-*-post.app.example:8443/cb", false, true, false},
		{"https://*.app.example", false, true, false},
		{"https://*.example/cb", false, false, false},
		{"https://*.com/cb", false, false, false},
		{"https://*.co.uk/cb", false, false, false},
		{"https://*.vercel.app/cb", false, false, false},
		{"https://*/cb", false, false, false},
		{"https://a.*.app.example/cb", false, false, false},
		{"https://*.*.app.example/cb", false, false, false},
		{"https://app.example/*", false, false, false},
		{"https://app.example/?a=*", false, false, false},
		{"https://*@app.example/", false, false, false},
		{"https://*.{organization_name}.app.example/", false, false, false},
		{"app*:/cb", false, false, false},
		{"https://app.example/cb#x", false, false, false},
		{"https://app.example/cb#", false, false, false},
		{"https://user:pw@app.example/cb", false, false, false},
		{"javascript:alert(1)", false, false, false},
		{"JavaScript:alert(1)", false, false, false},
		{"data:text/html,x", false, false, false},
		{"vbscript:x", false, false, false},
		{"file:///etc/passwd", false, false, false},
		{"blob:https://a.example/x", false, false, false},
		{"app.example/cb", false, false, false},
		{"//app.example/cb", false, false, false},
		{"/cb", false, false, false},
		{"https:///cb", false, false, false},
		{"https://", false, false, false},
		{"https://app.example/c b", false, false, false},
		{"https://app.example/\\evil", false, false, false},
		{"https://app.example/\u2028", true, true, false},
		{"https://app.example/" + strings.Repeat("a", 2048), false, false, false},
	} {
		for _, c := range []struct {
			list string
			wild bool
			want bool
		}{
			{"callbacks", false, tt.plain},
			{"callbacks", true, tt.wild},
			{"allowed_logout_urls", false, tt.plain},
			{"web_origins", false, tt.origin},
			{"allowed_origins", false, tt.origin},
		} {
			r := w.send(token, "PATCH", "clients/"+id, map[string]any{c.list: []string{tt.url}, "unsafe_wildcards": c.wild})
			if (r.status == 200) != c.want || r.status != 200 && r.status != 400 {
				t.Errorf("%s %q, wildcards %v: %d %s", c.list, tt.url, c.wild, r.status, r.text)
			}
			w.do(token, "PATCH", "clients/"+id, map[string]any{c.list: nil, "unsafe_wildcards": nil}, 200)
		}
	}
	w.send(token, "PATCH", "clients/"+id, `{"callbacks":["https://é.example/cb"]}`).refused(400, "on property callbacks")
	w.send(token, "PATCH", "clients/"+id, `{"initiate_login_uri":"https://é.example/login"}`).refused(400, "on property initiate_login_uri")
	// What needs wildcards cannot stay when they are taken away.
	w.do(token, "PATCH", "clients/"+id, `{"unsafe_wildcards":true,"callbacks":["https://*.app.example/cb"]}`, 200)
	w.send(token, "PATCH", "clients/"+id, `{"unsafe_wildcards":false}`).refused(400, "needs unsafe_wildcards")
}

func TestClients_lists(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	var ids []string
	for i := range 7 {
		ids = append(ids, w.do(token, "POST", "clients", map[string]any{"name": fmt.Sprintf("c%d", i), "app_type": []string{"spa", "native"}[i%2]}, 201).str("client_id"))
	}
	if got := w.do(token, "GET", "clients", nil, 200).list(); len(got) != 7 {
		t.Errorf("%d clients", len(got))
	}
	r := w.do(token, "GET", "clients?page=1&per_page=3&include_totals=true&fields=client_id,name", nil, 200)
	o := r.object()
	items, _ := o["clients"].([]any)
	if o["total"] != 7.0 || o["start"] != 3.0 || o["limit"] != 3.0 || len(items) != 3 {
		t.Errorf("page: %s", r.text)
	}
	if one, _ := items[0].(map[string]any); len(one) != 2 || one["name"] == nil {
		t.Errorf("fields: %v", items[0])
	}
	for _, rel := range []string{`page=0&per_page=3>; rel="first"`, `page=2&per_page=3>; rel="last"`, `rel="next"`, `rel="prev"`} {
		if !strings.Contains(r.header.Get("Link"), rel) {
			t.Errorf("no %s in %s", rel, r.header.Get("Link"))
		}
	}
	if one := w.do(token, "GET", "clients/"+ids[0]+"?fields=name&include_fields=false", nil, 200).object(); one["name"] != nil || one["client_id"] == nil {
		t.Errorf("excluded: %v", one)
	}
	if got := w.do(token, "GET", "clients?app_type=spa", nil, 200).list(); len(got) != 4 {
		t.Errorf("%d of app_type spa", len(got))
	}
	if got := w.do(token, "GET", "clients?is_global=true", nil, 200).list(); len(got) != 0 {
		t.Errorf("%d global", len(got))
	}

	// Checkpoints: every client once, also when the one at the checkpoint goes.
	var seen []string
	path := "clients?take=2"
	for range 10 {
		o := w.do(token, "GET", path, nil, 200).object()
		items, _ := o["clients"].([]any)
		for _, item := range items {
			seen = append(seen, item.(map[string]any)["client_id"].(string))
		}
		next, more := o["next"].(string)
		if !more {
			break
		}
		if len(seen) == 4 {
			w.do(token, "DELETE", "clients/"+seen[3], nil, 204)
		}
		path = "clients?take=2&from=" + next
	}
	unique := map[string]bool{}
	for _, id := range seen {
		unique[id] = true
	}
	if len(unique) != 7 {
		t.Errorf("%d of 7 by checkpoints", len(unique))
	}
	w.send(token, "GET", "clients?take=101", nil).refused(400, "greater than maximum 100")
}

func TestClients_credentials(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	key := func(bits int) string {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		return publicPEM(t, &k.PublicKey)
	}
	first, second, third := key(2048), key(2048), key(2048)
	made := w.do(token, "POST", "clients", map[string]any{
		"name": "M", "app_type": "non_interactive",
		"client_authentication_methods": map[string]any{"private_key_jwt": map[string]any{"credentials": []any{
			map[string]any{"credential_type": "public_key", "pem": first, "name": "one"},
		}}},
	}, 201)
	id := made.str("client_id")
	if strings.Contains(made.text, "client_secret") || strings.Contains(made.text, "PUBLIC KEY") || !strings.Contains(made.text, `"cred_`) {
		t.Errorf("made %s", made.text)
	}
	w.do(token, "PATCH", "clients/"+id, made.textWithout("client_id", "global", "is_first_party", "client_authentication_methods"), 200)
	path := "clients/" + id + "/credentials"
	again := map[string]any{"client_authentication_methods": map[string]any{"private_key_jwt": map[string]any{"credentials": []any{
		map[string]any{"credential_type": "public_key", "pem": second}, map[string]any{"credential_type": "public_key", "pem": second},
	}}}}
	w.send(token, "PATCH", "clients/"+id, again).refused(400, "Array items are not unique")
	cred := w.do(token, "POST", path, map[string]any{"credential_type": "public_key", "pem": second}, 201).str("id")
	w.send(token, "POST", path, map[string]any{"credential_type": "public_key", "pem": third}).refused(400, "at most 2")
	if got := w.do(token, "GET", path, nil, 200).list(); len(got) != 2 || got[0]["kid"] == got[1]["kid"] || got[0]["alg"] != "RS256" {
		t.Errorf("list: %v", got)
	}
	w.do(token, "PATCH", path+"/"+cred, `{"expires_at":"2027-01-01T00:00:00Z"}`, 200)
	if got := w.do(token, "GET", path+"/"+cred, nil, 200).str("expires_at"); got != "2027-01-01T00:00:00Z" {
		t.Errorf("expires_at %q", got)
	}
	w.do(token, "DELETE", path+"/"+cred, nil, 204)
	w.send(token, "DELETE", path+"/"+cred, nil).refused(404, "The credential does not exist")
	w.send(token, "POST", path, map[string]any{"credential_type": "public_key", "pem": first}).refused(409, "has this key already")
	last := w.do(token, "GET", path, nil, 200).list()[0]["id"].(string)
	w.send(token, "DELETE", path+"/"+last, nil).refused(400, "The last key")

	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing": "x", "weak": key(1024), "curve": publicPEM(t, &p384.PublicKey), "two": second + first,
		"private": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})),
	} {
		r := w.send(token, "POST", path, map[string]any{"credential_type": "public_key", "pem": text})
		if r.status != 400 || !strings.Contains(r.text, "property pem") {
			t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
}

// textWithout returns the answer as a body without some members.
func (r reply) textWithout(names ...string) map[string]any {
	o := r.object()
	for _, name := range names {
		delete(o, name)
	}
	return o
}

func publicPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// Of a client that is gone nothing is left to those who guess its ID.
func TestClients_deleteTakesGrants(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	client := w.do(token, "POST", "clients", `{"name":"M","app_type":"non_interactive"}`, 201).str("client_id")
	w.do(token, "POST", "resource-servers", `{"name":"A","identifier":"https://a.example/","scopes":[{"value":"read:a"}]}`, 201)
	grant := w.do(token, "POST", "client-grants", map[string]any{"client_id": client, "audience": "https://a.example/", "scope": []string{"read:a"}}, 201).str("id")
	conn := w.connection(token, "db")
	w.do(token, "PATCH", "connections/"+conn+"/clients", []map[string]any{{"client_id": client, "status": true}}, 204)
	if got := w.do(token, "GET", "clients/"+client+"/connections", nil, 200); !strings.Contains(got.text, conn) {
		t.Errorf("connections: %s", got.text)
	}
	if err := w.store.Clients.Create(t.Context(), &tenant.Client{ID: "all", Name: "All Applications", Global: true}); err != nil {
		t.Fatal(err)
	}
	w.do(token, "DELETE", "clients/"+client, nil, 204)
	w.send(token, "GET", "client-grants/"+grant, nil).refused(404, "The grant does not exist.")
	if got := w.do(token, "GET", "connections/"+conn+"/clients", nil, 200); strings.Contains(got.text, client) {
		t.Errorf("still enabled: %s", got.text)
	}
	w.send(token, "DELETE", "clients/all", nil).refused(400, "global")
	w.send(token, "POST", "clients/all/rotate-secret", nil).refused(400, "global")
}

// Of writers at the same time none undoes what another did.
func TestClients_race(t *testing.T) {
	w := newWorld(t)
	token := w.everything()
	id := w.do(token, "POST", "clients", `{"name":"Web"}`, 201).str("client_id")
	conn := w.connection(token, "db")
	var wg sync.WaitGroup
	for i := range 8 {
		client := w.do(token, "POST", "clients", `{"name":"c"}`, 201).str("client_id")
		wg.Go(func() {
			w.send(token, "PATCH", "clients/"+id, map[string]any{"client_metadata": map[string]string{fmt.Sprintf("k%d", i): "v"}})
		})
		wg.Go(func() {
			w.send(token, "PATCH", "connections/"+conn+"/clients", []map[string]any{{"client_id": client, "status": true}})
		})
	}
	wg.Wait()
	if got, _ := w.do(token, "GET", "clients/"+id, nil, 200).object()["client_metadata"].(map[string]any); len(got) != 8 {
		t.Errorf("%d of 8 changes are left", len(got))
	}
	if got, _ := w.do(token, "GET", "connections/"+conn, nil, 200).object()["enabled_clients"].([]any); len(got) != 8 {
		t.Errorf("%d of 8 clients are enabled", len(got))
	}
}

// TestIDP13_madeAtOnce: of a client and APIs that are made at the same time under one
// name, by several processes, one is there.
func TestIDP13_madeAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		worlds := []*world{openWorld(t, db), openWorld(t, db)}
		tokens := make([]string, len(worlds))
		for i, w := range worlds {
			caller := management.Caller{ClientID: "robot", Subject: "robot@clients", ChoosesIDs: true, ID: "jti"}
			for _, s := range management.Scopes() {
				caller.Scopes = append(caller.Scopes, s.Value)
			}
			tokens[i] = w.bearer(caller)
			w.do(tokens[i], "GET", "clients", nil, 200) // it knows for a second what there is
			w.do(tokens[i], "GET", "resource-servers", nil, 200)
		}
		make := func(i int, kind, name string) int {
			if kind == "client" {
				return worlds[i].send(tokens[i], "POST", "clients", map[string]any{"name": name, "client_id": name}).status
			}
			return worlds[i].send(tokens[i], "POST", "resource-servers", map[string]any{"name": name, "identifier": name}).status
		}
		if first, second := make(0, "API", "one"), make(1, "client", "one"); first != 201 || second != 409 {
			t.Errorf("a client beside an API of another process: %d, %d", first, second)
		}
		if first, second := make(1, "client", "two"), make(0, "API", "two"); first != 201 || second != 409 {
			t.Errorf("an API beside a client of another process: %d, %d", first, second)
		}
		for round := range 5 {
			var all sync.WaitGroup
			status := [8]int{}
			for n := range status {
				all.Go(func() { status[n] = make(n%2, []string{"client", "API"}[n/2%2], fmt.Sprint("both-", round)) })
			}
			all.Wait()
			slices.Sort(status[:])
			if want := [8]int{201, 409, 409, 409, 409, 409, 409, 409}; status != want {
				t.Errorf("at once: %v", status)
			}
		}
	})
}
