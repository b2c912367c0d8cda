package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSES06_refresh renews a login: a client that lost the answer asks again, a
// thief ends the login of both.
func TestSES06_refresh(t *testing.T) {
	c := open(t)
	maria := c.signUp(t, "maria").login(t)
	first := maria.renewing
	maria.keep(t, maria.ask(t, "POST", "/api/authentication", renewal(first)).is(t, 201))
	second := maria.renewing
	if first == second {
		t.Fatal("a renewal answers the token that it was asked with")
	}
	maria.keep(t, maria.ask(t, "POST", "/api/authentication", renewal(first)).is(t, 201))
	if maria.renewing != second {
		t.Error("who asks again gets another token")
	}
	maria.me(t, 200)
	thief := maria.device("another machine")
	thief.ask(t, "POST", "/api/authentication", renewal(first)).is(t, 401)
	maria.me(t, 401)
	maria.ask(t, "POST", "/api/authentication", renewal(second)).is(t, 401)
	maria.login(t).me(t, 200)
}

// TestSES05_devices changes the password on one device, which logs out the others
// however they came in.
func TestSES05_devices(t *testing.T) {
	c := open(t)
	here := c.signUp(t, "maria").login(t)
	telephone, browser := here.device("a telephone").login(t), here.device("a browser").enter(t)
	telephone.me(t, 200)
	browser.me(t, 200)
	dish := `{"name":"Figs","price":1}`
	browser.ask(t, "POST", "/api/items", dish, "Cookie", browser.cookie).is(t, 403) // known, and not allowed
	browser.ask(t, "PATCH", "/api/users/"+browser.id(t), `{"name":"x"}`, "Cookie", browser.cookie, "Sec-Fetch-Site", "cross-site").is(t, 403)
	list := here.ask(t, "GET", "/api/account/sessions", "", "Authorization", here.bearer).is(t, 200)
	if strings.Count(list.body, `"current":true`) != 1 || strings.Count(list.body, `"id"`) != 3 || !strings.Contains(list.body, "a telephone") {
		t.Errorf("sessions: %s", list.body)
	}

	next := c.note("a password", "canary of maria, the second")
	change := fmt.Sprintf(`{"currentPassword":%q,"password":%q}`, here.password, next)
	here.ask(t, "PUT", "/api/account/password", change, "Cookie", browser.cookie, "Origin", "https://evil.example").is(t, 403)
	here.ask(t, "PUT", "/api/account/password", change, "Authorization", here.bearer).is(t, 204)
	here.me(t, 200)
	telephone.me(t, 401)
	browser.me(t, 401)
	telephone.ask(t, "POST", "/api/authentication", renewal(telephone.renewing)).is(t, 401)
	here.ask(t, "POST", "/api/session", here.credentials()).is(t, 401)
	here.password = next
	here.enter(t).me(t, 200)
	out := here.ask(t, "DELETE", "/api/session", "", "Cookie", here.cookie).is(t, 204)
	if out.header.Get("Clear-Site-Data") == "" || out.header.Get("Cache-Control") != "no-store" {
		t.Errorf("SES-04: %v", out.header)
	}
	here.ask(t, "GET", "/api/me", "", "Cookie", here.cookie).is(t, 401)
	here.cookie = ""
	here.me(t, 200)
}

// TestSES10_stepUpOfOldLogins lets a login grow old, with a cookie that still
// works: it may read, but not take the account over.
func TestSES10_stepUpOfOldLogins(t *testing.T) {
	c := open(t)
	maria := c.signUp(t, "maria").enter(t)
	c.sql(t, "UPDATE gate_sessions SET authenticated_at = authenticated_at - 3600000")
	maria.at = c.serve(t) // one that remembers nothing
	maria.me(t, 200)
	id := maria.id(t)
	maria.ask(t, "PATCH", "/api/users/"+id, `{"name":"Maria"}`, "Cookie", maria.cookie).is(t, 200)
	for _, body := range []string{`{"email":"eve@kitchen.example"}`, `{"password":"quite another horse battery"}`} {
		a := maria.ask(t, "PATCH", "/api/users/"+id, body, "Cookie", maria.cookie).is(t, 401)
		if !strings.Contains(a.header.Get("WWW-Authenticate"), "insufficient_user_authentication") || !strings.Contains(a.body, "step_up_required") {
			t.Errorf("%s: %v %s", body, a.header, a.body)
		}
	}
	maria.ask(t, "POST", "/api/account/api-keys", `{"name":"x","scopes":["owner"]}`, "Cookie", maria.cookie).is(t, 401)
	maria.ask(t, "DELETE", "/api/users/"+id, "", "Cookie", maria.cookie).is(t, 401)
	maria.ask(t, "PUT", "/api/account/email", `{"email":"eve@kitchen.example"}`, "Cookie", maria.cookie).is(t, 401)
	maria.enter(t).ask(t, "PUT", "/api/account/email", `{"email":"maria.neu@kitchen.example"}`, "Cookie", maria.cookie).is(t, 202)
}

// TestOTP08_addressAndBack has a thief with a login change the address. The
// owner is told at the old one, and takes the account back.
func TestOTP08_addressAndBack(t *testing.T) {
	c := open(t)
	maria := c.signUp(t, "maria").login(t)
	thief := maria.device("another machine").login(t)
	id := maria.id(t)
	thief.ask(t, "PATCH", "/api/users/"+id, `{"email":"eve@kitchen.example"}`, "Authorization", thief.bearer).is(t, 400)
	thief.ask(t, "PUT", "/api/account/email", `{"email":"eve@kitchen.example"}`, "Authorization", thief.bearer).is(t, 202)
	eve := &guest{c: c, at: c.running, agent: thief.agent, email: "eve@kitchen.example", password: maria.password}
	_, token := eve.link(t, "email")
	maria.login(t) // the letter alone changes nothing
	thief.ask(t, "POST", "/api/account/email/confirm", fmt.Sprintf(`{"token":%q}`, token)).is(t, 204)
	maria.ask(t, "POST", "/api/authentication", maria.credentials()).is(t, 401)
	eve.login(t).me(t, 200)

	path, undo := maria.link(t, "undo")
	maria.ask(t, "GET", path+"?token="+undo, "").is(t, 200)
	for _, want := range []int{204, 400} {
		maria.ask(t, "POST", "/api/account/email/undo", fmt.Sprintf(`{"token":%q}`, undo)).is(t, want)
	}
	for _, g := range []*guest{maria, thief, eve} {
		g.me(t, 401)
		g.ask(t, "POST", "/api/authentication", renewal(g.renewing)).is(t, 401)
		g.ask(t, "POST", "/api/authentication", g.credentials()).is(t, 401) // the thief knows the password
	}
	_, reset := maria.link(t, "reset")
	maria.password = c.note("a password", "canary of maria who is back")
	maria.ask(t, "POST", "/api/account/password/reset", fmt.Sprintf(`{"token":%q,"password":%q}`, reset, maria.password)).is(t, 204)
	maria.login(t).me(t, 200)
}

// TestOTP05_confirmed signs up with an address: until its owner has confirmed it,
// each door answers like to a wrong password.
func TestOTP05_confirmed(t *testing.T) {
	c := open(t)
	maria := c.newcomer(t, "maria")
	wrong := strings.Replace(maria.credentials(), "canary", "canarx", 1)
	for _, path := range []string{"/api/authentication", "/api/session"} {
		early, bad := maria.ask(t, "POST", path, maria.credentials()).is(t, 401), maria.ask(t, "POST", path, wrong).is(t, 401)
		if early.body != bad.body {
			t.Errorf("LOG-01: %s and %s", early.body, bad.body)
		}
	}
	basic := "Basic " + c.note("a header", base64.StdEncoding.EncodeToString([]byte(maria.email+":"+maria.password)))
	maria.ask(t, "GET", "/api/me", "", "Authorization", basic).is(t, 401)
	path, token := maria.link(t, "verify")
	for range 2 {
		maria.ask(t, "GET", path+"?token="+token, "").is(t, 200)
	}
	maria.ask(t, "GET", "/api/me", "", "Authorization", basic).is(t, 401)
	// The link is for this and nothing else, once.
	maria.ask(t, "POST", "/api/account/password/reset", fmt.Sprintf(`{"token":%q,"password":"quite another horse battery"}`, token)).is(t, 400, 401)
	for _, want := range []int{204, 400} {
		maria.ask(t, "POST", "/api/account/email/confirm", fmt.Sprintf(`{"token":%q}`, token)).is(t, want)
	}
	maria.login(t).enter(t).me(t, 200)
	maria.ask(t, "GET", "/api/me", "", "Authorization", basic).is(t, 200)
}

// TestOTP07_byLetter sets a forgotten password anew, by what the mail server got.
func TestOTP07_byLetter(t *testing.T) {
	c := open(t)
	maria := c.signUp(t, "maria").login(t).enter(t)
	forgot := func(email string) reply {
		return maria.ask(t, "POST", "/api/account/password/forgot", fmt.Sprintf(`{"email":%q}`, email), "Host", "evil.example").is(t, 202)
	}
	if known, unknown := forgot(maria.email), forgot("nobody@kitchen.example"); known.body != unknown.body {
		t.Errorf("LOG-02: %q and %q", known.body, unknown.body)
	}
	path, token := maria.link(t, "reset")
	for range 2 { // whoever looks first is a scanner
		maria.ask(t, "GET", path+"?token="+token, "").is(t, 200)
	}
	next := c.note("a password", "canary of maria by letter")
	form := url.Values{"token": {token}, "password": {next}}.Encode()
	const urlencoded = "application/x-www-form-urlencoded"
	maria.ask(t, "POST", path, form, "Content-Type", urlencoded, "Sec-Fetch-Site", "cross-site").is(t, 403)
	maria.ask(t, "POST", path, form, "Content-Type", urlencoded, "Sec-Fetch-Site", "same-origin").is(t, 200)
	maria.ask(t, "POST", path, form, "Content-Type", urlencoded, "Sec-Fetch-Site", "same-origin").is(t, 400, 401)
	maria.me(t, 401)
	maria.ask(t, "POST", "/api/authentication", renewal(maria.renewing)).is(t, 401)
	maria.ask(t, "POST", "/api/authentication", maria.credentials()).is(t, 401)
	maria.password = next
	maria.login(t).enter(t).me(t, 200)
}

// TestKEY04_scopes makes keys whose scopes are less than their account may do.
func TestKEY04_scopes(t *testing.T) {
	c := open(t)
	chef := c.chef().login(t)
	key := func(scopes string) (id, text string) {
		o := chef.ask(t, "POST", "/api/account/api-keys", `{"name":"till","scopes":[`+scopes+`]}`, "Authorization", chef.bearer).is(t, 201).object(t)
		id, _ = o["id"].(string)
		text, _ = o["key"].(string)
		return id, text
	}
	id, till := key(`"create:items"`)
	dish := chef.ask(t, "POST", "/api/items", `{"name":"Figs","price":1}`, "X-API-Key", till).is(t, 201).object(t)
	chef.ask(t, "DELETE", fmt.Sprint("/api/items/", dish["id"]), "", "X-API-Key", till).is(t, 403)
	chef.ask(t, "GET", "/api/users", "", "X-API-Key", till).is(t, 403)
	chef.ask(t, "GET", "/api/account/api-keys", "", "X-API-Key", till).is(t, 401, 403)
	chef.ask(t, "PUT", "/api/account/password", fmt.Sprintf(`{"currentPassword":%q,"password":"quite another horse"}`, chef.password), "X-API-Key", till).is(t, 401, 403)
	maria := c.signUp(t, "maria").login(t)
	maria.ask(t, "POST", "/api/account/api-keys", `{"name":"x","scopes":["create:items"]}`, "Authorization", maria.bearer).is(t, 400, 403)
	maria.ask(t, "DELETE", "/api/account/api-keys/"+id, "", "Authorization", maria.bearer).is(t, 404)

	fresh := chef.ask(t, "POST", "/api/account/api-keys/"+id+"/rotate", `{}`, "Authorization", chef.bearer).is(t, 201).object(t)
	for _, text := range []string{till, fresh["key"].(string)} { // both, for a day
		chef.ask(t, "POST", "/api/items", `{"name":"Figs","price":1}`, "X-API-Key", text).is(t, 201)
	}
	chef.ask(t, "DELETE", "/api/account/api-keys/"+id, "", "Authorization", chef.bearer).is(t, 204)
	chef.ask(t, "POST", "/api/items", `{"name":"Figs","price":1}`, "X-API-Key", till).is(t, 401)
}

// TestJKS08_rotation changes the keys of a service that runs: what was signed
// before stays good, and strangers can verify both with what it publishes.
func TestJKS08_rotation(t *testing.T) {
	c := open(t)
	maria := c.signUp(t, "maria").login(t)
	old := maria.bearer
	before := c.verify(t, maria, old)
	next := c.run(t, "keys", "rotate")
	if list := c.run(t, "keys"); !strings.Contains(list, before) || !strings.Contains(list, next) || next == before {
		t.Fatalf("keys:\n%s", list)
	}
	maria.login(t)
	if kid := c.verify(t, maria, maria.bearer); kid != before {
		t.Errorf("the next key %s signs before anybody could fetch it", kid)
	}

	t.Log("an hour later")
	c.sql(t, "UPDATE gate_keys SET signs_from = ? WHERE id = ?", time.Now().UnixMilli(), next)
	other := maria.device("a telephone")
	other.at = c.serve(t)
	other.login(t)
	if kid := c.verify(t, other, other.bearer); kid != next {
		t.Fatalf("%s signs, want %s", kid, next)
	}
	for _, token := range []string{old, maria.bearer} {
		other.ask(t, "GET", "/api/me", "", "Authorization", token).is(t, 200)
		c.verify(t, other, token)
	}
	// The first process has not looked yet: a token by a key that it does not
	// know has it look.
	maria.ask(t, "GET", "/api/me", "", "Authorization", other.bearer).is(t, 200)
	maria.login(t)
	if kid := c.verify(t, maria, maria.bearer); kid != next {
		t.Errorf("the first process signs with %s, want %s", kid, next)
	}
	maria.ask(t, "GET", "/api/me", "", "Authorization", old).is(t, 200)

	t.Log("the old one leaked")
	c.run(t, "keys", "remove", before)
	again := maria.device("a third one")
	again.at = c.serve(t)
	again.ask(t, "GET", "/api/me", "", "Authorization", old).is(t, 401)
	again.ask(t, "GET", "/api/me", "", "Authorization", maria.bearer).is(t, 200)
}

// verify checks a token as a stranger does who has the published keys and no
// code of ours, and returns the name of the key that signed it.
func (c *canteen) verify(t *testing.T, g *guest, bearer string) (kid string) {
	t.Helper()
	parts := strings.Split(strings.TrimPrefix(bearer, "Bearer "), ".")
	if len(parts) != 3 {
		t.Fatalf("a token has %d parts", len(parts))
	}
	bytes := func(text string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var header struct{ Kid, Alg string }
	var set struct {
		Keys []struct{ Kid, Kty, Crv, X, Y, D string }
	}
	if err := json.Unmarshal(bytes(parts[0]), &header); err != nil || header.Alg != "ES256" {
		t.Fatalf("header %+v: %v", header, err)
	}
	body := g.ask(t, "GET", "/.well-known/jwks.json", "").is(t, 200).body
	if err := json.Unmarshal([]byte(body), &set); err != nil {
		t.Fatal(err)
	}
	signature, sum := bytes(parts[2]), sha256.Sum256([]byte(parts[0]+"."+parts[1]))
	for _, k := range set.Keys {
		if k.D != "" || k.Kty != "EC" || k.Crv != "P-256" {
			t.Fatalf("keys: %s", body)
		}
		if k.Kid != header.Kid {
			continue
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, bytes(k.X)...), bytes(k.Y)...))
		if err != nil {
			t.Fatal(err)
		}
		if len(signature) != 64 || !ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
			t.Fatal("the signature is not right")
		}
		return k.Kid
	}
	t.Fatalf("the key %s is not published: %s", header.Kid, body)
	return ""
}

// sql changes the database from outside.
func (c *canteen) sql(t *testing.T, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.dir, ".gate", "restaurant.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	result, err := db.ExecContext(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s: %d rows, %v", statement, n, err)
	}
}
