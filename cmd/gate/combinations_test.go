package main

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// combined is a design; the section plugins is what the test changes.
const combined = `gate: 1
service: {name: shop, module: example.com/shop}
roles:
  customer: {default: true}
  keeper: {permissions: ["create:items"]}
PLUGINS
entities:
  Item:
    fields:
      name: {type: text, required: true}
    allow:
      view: [public]
      list: [public]
      create: ["create:items"]
  User:
    fields:
      email: {type: email, required: true, unique: true}
      password: {type: password, required: true}
      roles: roles
    allow:
      create: [public]
      view: [owner]
      update: [owner]
    owner: id
`

// TestOpenToEveryone opens a service without authentication: every action, but
// neither roles nor what the service sets itself.
func TestOpenToEveryone(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a service")
	}
	yaml := strings.Replace(strings.Replace(combined, "PLUGINS\n", "", 1), "example.com/shop}", "example.com/shop, insecureOpenToEveryone: true}", 1)
	r := dev(t, gateBinary(t), design(t, yaml))
	const user = `"email":"maria@kitchen.example"`
	r.want(201, "POST", "/api/items", "", `{"name":"Figs"}`)
	r.want(201, "POST", "/api/users", "", "{"+user+"}")
	if list := r.want(200, "GET", "/api/users", "", ""); strings.Contains(list.body, "argon2") {
		t.Errorf("the list shows a hash: %s", list.body)
	}
	for _, more := range []string{`"roles":["keeper"]`, `"password":"correct horse battery staple"`, `"id":"0199a1b2-0000-7000-8000-000000000000"`, `"createdAt":"2026-01-01T00:00:00Z"`} {
		if a := r.ask("POST", "/api/users", "", "{"+strings.Replace(user, "maria", "eve", 1)+","+more+"}"); a.status != 400 && a.status != 403 {
			t.Errorf("%s: %d %s", more, a.status, a.body)
		}
	}
}

// combination says which plugins of a service are on.
type combination struct {
	jwt, refresh, rotate, encrypted                 bool
	session, basic, apikey, letters, oidc, realtime bool

	auth0 bool // the issuer is the one that gate dev runs
}

// yaml is the section of the design.
func (c combination) yaml() string {
	var b strings.Builder
	line := func(on bool, text string) {
		if on {
			b.WriteString("  " + text + "\n")
		}
	}
	line(c.authenticates(), "auth-core: {entity: User}")
	settings := fmt.Sprintf("refresh: %t, encrypted: %t", c.refresh, c.encrypted)
	if c.rotate {
		settings += ", algorithm: ES256, rotateKeys: 2160h"
	}
	line(c.jwt, "auth-jwt: {"+settings+"}")
	line(c.session, "auth-session: {}")
	line(c.basic, "auth-basic: {}")
	line(c.oidc && !c.auth0, "auth-oidc: {issuer: https://localhost:9/, audience: shop}")
	line(c.auth0, "auth-auth0: {domain: localhost:3001, issuerURL: http://localhost:3001/, clientId: shop-web, audience: shop}")
	line(c.apikey, "auth-apikey: {environment: test}")
	line(c.letters, "auth-letters: {}")
	line(c.realtime, "realtime: {}")
	return "plugins:\n" + b.String()
}

func (c combination) authenticates() bool { return c.jwt || c.session || c.basic || c.oidc }

// schemes are what the OpenAPI document names.
func (c combination) schemes() (list []string) {
	for name, on := range map[string]bool{
		"bearer": c.jwt, "cookie": c.session, "basic": c.basic, "issuer": c.oidc && !c.auth0, "auth0": c.auth0, "apiKey": c.apikey,
	} {
		if on {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// TestCombinations builds and runs combinations of plugins (with GATE_TEST_ALL=1,
// without it a sample), each pair of them at least once together and each way to authenticate once alone, on one service
// and one database: each is a change of a few lines, and what was there before
// stays. It tries every door: those that are on let in, those that are off
// refuse.
func TestCombinations(t *testing.T) {
	if testing.Short() {
		t.Skip("builds services")
	}
	off := "plugins:\n  auth-core: {entity: User, enabled: false}\n  auth-jwt: {enabled: false}\n  auth-letters: {enabled: false}\n"
	tests := []struct {
		name string
		on   combination
		yaml string // instead of that of the combination
		in   bool   // the sample that each run tries
	}{
		{"jwt", combination{jwt: true}, "", false},
		{"none", combination{}, off, true},
		{"basic", combination{basic: true}, "", false},
		{"session", combination{session: true}, "", false},
		{"jwt, refresh, apikey and letters", combination{jwt: true, refresh: true, apikey: true, letters: true}, "", true},
		{"session, basic, apikey and realtime", combination{session: true, basic: true, apikey: true, realtime: true}, "", true},
		{"jwt with rotated keys and basic", combination{jwt: true, rotate: true, basic: true}, "", false},
		{"all", combination{true, true, true, true, true, true, true, true, true, true, false}, "", true},
		{"oidc", combination{oidc: true}, "", false},
		{"none, no plugins at all", combination{}, "plugins: {}\n", false},
	}
	gate := gateBinary(t)
	dir := t.TempDir()
	key := "" // an API key, which outlives that the plugin is off
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sampled(t, tt.in)
			write(t, filepath.Join(dir, "gate.yaml"), strings.Replace(combined, "PLUGINS\n", cmp.Or(tt.yaml, tt.on.yaml()), 1))
			r := dev(t, gate, dir)
			defer r.stop()
			d := &doors{combination: tt.on, running: r, key: key}
			d.public(t)
			if !tt.on.authenticates() {
				d.closed(t)
				return
			}
			d.challenges(t)
			if a := r.ask("POST", "/api/users", "", `{"email":"maria@kitchen.example","password":"correct horse battery staple"}`); a.status != 201 && a.status != 409 {
				t.Errorf("sign-up: %d %s", a.status, a.body)
			}
			d.tokens(t)
			d.cookies(t)
			d.passwords(t)
			d.keys(t)
			d.letter(t)
			key = d.key
		})
	}
}

// doors tries what a combination opens and closes.
type doors struct {
	combination
	*running
	in  []string // a header that lets Maria in, if there is one
	key string
}

const (
	mariaLogin = `{"strategy":"local","email":"maria@kitchen.example","password":"correct horse battery staple"}`
	figs       = `{"name":"Figs"}`
)

// send sends a request with headers, names and values in turn, and demands one
// of the statuses.
func (d *doors) send(t *testing.T, method, path, body string, headers []string, want ...int) answer {
	t.Helper()
	g := guest{c: new(canteen), at: d.running, agent: "a test"}
	g.c.secrets = make(map[string]string)
	return g.ask(t, method, path, body, headers...).is(t, want...).answer
}

// found is a status for a path that is there, or not.
func found(on bool, status int) int {
	if on {
		return status
	}
	return 404
}

// public asks what needs no account.
func (d *doors) public(t *testing.T) {
	t.Helper()
	d.want(200, "GET", "/api/items", "", "")
	doc := d.want(200, "GET", "/api/openapi.json", "", "").object(t)
	components, _ := doc["components"].(map[string]any)
	schemes, _ := components["securitySchemes"].(map[string]any)
	if diff := gocmp.Diff(d.schemes(), slices.Sorted(maps.Keys(schemes)), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("security schemes (-want +got):\n%s", diff)
	}
	for path, on := range map[string]bool{
		"/api/authentication": d.jwt, "/api/session": d.session,
		"/api/account/api-keys": d.apikey, "/api/account/password/forgot": d.letters, "/api/events": d.realtime,
	} {
		if paths, _ := doc["paths"].(map[string]any); (paths[path] != nil) != on {
			t.Errorf("%s is in the document: %t", path, !on)
		}
	}
	d.want(found(d.jwt && d.rotate, 200), "GET", "/.well-known/jwks.json", "", "")
	if !d.realtime {
		d.want(404, "GET", "/api/events", "", "")
		d.want(404, "GET", "/api/socket", "", "")
		return
	}
	res, err := http.Get(d.url + "/api/events?entities=items")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		t.Errorf("events: %s %s", res.Status, res.Header.Get("Content-Type"))
	}
}

// closed is a service where nobody can authenticate.
func (d *doors) closed(t *testing.T) {
	t.Helper()
	d.want(403, "POST", "/api/items", "", figs)
	for _, path := range []string{"POST /api/authentication", "POST /api/session", "GET /api/me", "GET /api/account/sessions", "POST /api/account/password/forgot"} {
		method, path, _ := strings.Cut(path, " ")
		d.want(404, method, path, "", "")
	}
}

// challenges asks what credentials a stranger should send.
func (d *doors) challenges(t *testing.T) {
	t.Helper()
	headers := d.want(401, "POST", "/api/items", "", figs).header.Values("WWW-Authenticate")
	all := strings.Join(headers, ", ")
	bare := !d.jwt && !d.oidc && !d.basic // a 401 has a challenge, and there is none for cookies
	if strings.Contains(all, "Bearer") != (d.jwt || d.oidc || bare) || strings.Contains(all, "Basic") != d.basic {
		t.Errorf("WWW-Authenticate: %q", headers)
	}
	for _, wrong := range [][]string{
		{"Authorization", "Bearer x.y.z"},
		{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("maria@kitchen.example:correct horse battery stapl"))},
		{"Cookie", "__Host-gate=xXV2ljEnDOj3-zpBr2nF95bsYZ1jBhkEzUNEvhnubsQ"},
		{"X-API-Key", "gk_test_nobody"},
	} {
		d.send(t, "POST", "/api/items", figs, wrong, 400, 401)
		d.send(t, "GET", "/api/me", "", wrong, 400, 401)
	}
}

func (d *doors) tokens(t *testing.T) {
	t.Helper()
	if !d.jwt {
		d.want(404, "POST", "/api/authentication", "", mariaLogin)
		return
	}
	bearer, result := d.login("maria@kitchen.example", "correct horse battery staple")
	d.want(403, "POST", "/api/items", bearer, figs)
	d.want(200, "GET", "/api/me", bearer, "")
	admin, _ := d.login(d.admin.Email, d.admin.Password)
	d.want(201, "POST", "/api/items", admin, figs)
	if encrypted := strings.Count(bearer, ".") == 4; encrypted != d.encrypted {
		t.Errorf("the token is encrypted: %t", encrypted)
	}
	token, renews := result["refreshToken"].(string)
	if renews != d.refresh {
		t.Errorf("there is a refresh token: %t", renews)
	}
	if renews {
		d.want(201, "POST", "/api/authentication", "", renewal(token))
	} else {
		d.send(t, "POST", "/api/authentication", renewal("x"), nil, 400, 401)
	}
	d.in = []string{"Authorization", bearer}
}

func (d *doors) cookies(t *testing.T) {
	t.Helper()
	a := d.want(found(d.session, 201), "POST", "/api/session", "", mariaLogin)
	if !d.session {
		return
	}
	for _, line := range a.header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil || c.Name != "__Host-gate" {
			continue
		}
		d.in = []string{"Cookie", c.Name + "=" + c.Value}
		d.send(t, "GET", "/api/me", "", d.in, 200)
		d.send(t, "POST", "/api/items", figs, d.in, 403)
		d.send(t, "POST", "/api/items", figs, append(d.in, "Sec-Fetch-Site", "cross-site"), 403)
		return
	}
	t.Error("no cookie was set")
}

func (d *doors) passwords(t *testing.T) {
	t.Helper()
	maria := "Basic " + base64.StdEncoding.EncodeToString([]byte("maria@kitchen.example:correct horse battery staple"))
	if !d.basic {
		d.want(401, "POST", "/api/items", maria, figs)
		return
	}
	d.want(403, "POST", "/api/items", maria, figs)
	d.want(200, "GET", "/api/me", maria, "")
	admin := "Basic " + base64.StdEncoding.EncodeToString([]byte(d.admin.Email+":"+d.admin.Password))
	d.want(201, "POST", "/api/items", admin, figs)
	// A password that came with the request is as fresh as can be.
	id, _ := d.want(200, "GET", "/api/me", maria, "").object(t)["id"].(string)
	d.want(200, "PATCH", "/api/users/"+id, maria, `{"password":"correct horse battery staple"}`)
	d.want(400, "POST", "/api/items", maria+"!", figs)
	d.in = []string{"Authorization", maria}
}

func (d *doors) keys(t *testing.T) {
	t.Helper()
	if d.in == nil {
		return // nobody can make one
	}
	a := d.send(t, "POST", "/api/account/api-keys", `{"name":"till","scopes":["owner"]}`, d.in, found(d.apikey, 201))
	if !d.apikey {
		if d.key != "" {
			d.send(t, "GET", "/api/me", "", []string{"X-API-Key", d.key}, 401)
		}
		return
	}
	next, _ := a.object(t)["key"].(string)
	for _, key := range []string{next, cmp.Or(d.key, next)} {
		d.send(t, "GET", "/api/me", "", []string{"X-API-Key", key}, 200)
		d.send(t, "POST", "/api/items", figs, []string{"X-API-Key", key}, 403)
	}
	d.send(t, "GET", "/api/me?api_key="+next, "", nil, 400)
	d.key = cmp.Or(d.key, next)
}

func (d *doors) letter(t *testing.T) {
	t.Helper()
	folder := filepath.Join(d.cmd.Args[2], ".gate", "mail", "*.eml")
	before, err := filepath.Glob(folder)
	if err != nil {
		t.Fatal(err)
	}
	d.want(found(d.letters, 202), "POST", "/api/account/password/forgot", "", `{"email":"maria@kitchen.example"}`)
	if !d.letters {
		return
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if now, err := filepath.Glob(folder); err == nil && len(now) > len(before) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no letter was written")
		}
	}
}
