package server_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
)

// TestAuth0_shapes: the profile is read where it is: in the namespaced claim, in
// "user" as the action of Amplication writes it, in the claims themselves, or at
// the issuer, which is asked once. Without any there is an answer, too.
func TestAuth0_shapes(t *testing.T) {
	p := newProvider(t)
	p.info = func(w http.ResponseWriter, r *http.Request) {
		claims, err := base64.RawURLEncoding.DecodeString(strings.Split(r.Header.Get("Authorization"), ".")[1])
		if err != nil {
			t.Error(err)
		}
		var token struct{ Sub string }
		if err := json.Unmarshal(claims, &token); err != nil {
			t.Error(err)
		}
		switch token.Sub {
		case "auth0|info":
			fmt.Fprint(w, `{"sub":"auth0|info","email":"info@x.example","email_verified":true,"name":"Info"}`)
		case "auth0|other":
			fmt.Fprint(w, `{"sub":"auth0|ada","email":"other@x.example","email_verified":true}`)
		case "auth0|slow":
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			fmt.Fprintf(w, `{"sub":%q}`, token.Sub)
		}
	}
	r := start(t, withUsers(p.auth0()))
	object := func(name string) map[string]any {
		return map[string]any{"email": name + "@x.example", "email_verified": true, "name": name, "user_id": "auth0|" + name, "identities": []any{map[string]any{"provider": "auth0"}}}
	}
	for name, tt := range map[string]struct {
		claims map[string]any
		status int
		asked  int64
	}{
		"namespaced": {map[string]any{apiAudience + "/user": object("namespaced"), "user": object("wrong"), "email": "wrong@x.example"}, 200, 0},
		"user":       {map[string]any{"user": object("user"), "email": "wrong@x.example"}, 200, 0},
		"top":        {object("top"), 200, 0},
		"info":       {nil, 200, 1},
		"other":      {nil, 503, 1},
		"slow":       {nil, 503, 1},
		"nothing":    {nil, 403, 1},
		"a text":     {map[string]any{"user": "x", "email": 7}, 403, 1},
		"somebody":   {map[string]any{"user": object("else")}, 403, 1},
	} {
		t.Run(name, func(t *testing.T) {
			before := p.told.Load()
			for range 3 {
				a := r.do("GET", "/api/me", "", p.person("auth0|"+name, tt.claims)...)
				if a.Status != tt.status && (tt.status != 503 || a.Status != 403) {
					t.Fatalf("%d %s", a.Status, a.Body)
				}
				if tt.status == 200 {
					if me := a.json(); me["email"] != name+"@x.example" || !strings.EqualFold(me["name"].(string), name) {
						t.Errorf("me is %v", me)
					}
				}
				if name == "slow" {
					return // it is asked again
				}
			}
			if got := p.told.Load() - before; got != tt.asked {
				t.Errorf("the issuer was asked %d times, want %d", got, tt.asked)
			}
		})
	}
}

// KEY-05: somebody who is called like a program is none.
func TestKEY05_calledLikeAProgram(t *testing.T) {
	p := newProvider(t)
	for _, machines := range []bool{false, true} {
		o := p.auth0()
		o.Users.Machines = machines
		r := start(t, withUsers(o))
		token := p.forge(forgery{typ: "JWT", change: func(c *jose.Claims) {
			c.Subject, c.Extra["azp"], c.Extra["scope"] = "oidc|corp|bob@clients", "spa", "create:items"
			maps.Copy(c.Extra, verified("bob@x.example"))
		}})
		r.do("GET", "/api/me", "", token...).is(401)
		r.do("POST", "/api/items", dish, token...).is(401)
	}
}

// TestKEY05_machines: a program is a principal without an account, or refused.
func TestKEY05_machines(t *testing.T) {
	p := newProvider(t)
	for name, change := range map[string]func(*jose.Claims){
		"gty":      func(c *jose.Claims) { c.Subject, c.Extra["gty"] = "x", "client-credentials" },
		"subject":  func(c *jose.Claims) { c.Subject, c.Extra["azp"] = "abc@clients", "abc" },
		"RFC 9068": func(c *jose.Claims) { c.Subject, c.Extra["client_id"] = "abc", "abc" },
		"with email": func(c *jose.Claims) {
			c.Subject, c.Extra["azp"] = "abc@clients", "abc"
			maps.Copy(c.Extra, verified("ada@x.example"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			token := func(extra map[string]any) []string {
				return p.forge(forgery{typ: "JWT", change: func(c *jose.Claims) { change(c); maps.Copy(c.Extra, extra) }})
			}
			r := start(t, withUsers(p.auth0()))
			r.do("GET", "/api/me", "", token(nil)...).is(401)

			o := p.auth0()
			o.Users.Machines = true
			r = start(t, withUsers(o))
			if me := r.do("GET", "/api/me", "", token(nil)...).is(200).json(); !strings.HasPrefix(me["id"].(string), p.name+"|") || len(me) != 2 {
				t.Errorf("me is %v", me)
			}
			r.do("POST", "/api/items", dish, token(nil)...).is(403)
			r.do("POST", "/api/items", dish, token(map[string]any{"scope": "read:items create:items"})...).is(201)
			r.do("POST", "/api/items", dish, token(map[string]any{"permissions": []string{"create:items"}})...).is(201)
			r.do("POST", "/api/items", dish, token(map[string]any{"permissions": []string{}, "scope": "create:items"})...).is(403)
			r.do("GET", "/api/account/sessions", "", token(nil)...).is(403)
			r.do("GET", "/api/users", "", token(nil)...).is(403)
			if list := r.accounts(); len(list) != 0 {
				t.Errorf("accounts were made: %v", list)
			}
		})
	}
}

// TestAuth0_rights: roles come through the list of those that count, permissions
// by their names, and both add to what the account has.
func TestAuth0_rights(t *testing.T) {
	p := newProvider(t)
	o := p.auth0()
	nested := *o
	nested.RolesClaim, nested.PermissionsClaim = "realm_access.roles", "authz.may"
	flat, deep := start(t, withUsers(o)), start(t, withUsers(&nested))
	namespaced := apiAudience + "/roles"
	for name, tt := range map[string]struct {
		r      *running
		claims map[string]any
		want   int
	}{
		"nothing":                  {flat, nil, 403},
		"a role of the design":     {flat, map[string]any{namespaced: []string{"menu-admin", "owner", "admin"}}, 403},
		"a role that counts":       {flat, map[string]any{namespaced: []string{"x", "chef"}}, 201},
		"in another claim":         {flat, map[string]any{"roles": []string{"chef"}, "realm_access": map[string]any{"roles": []string{"chef"}}}, 403},
		"in a text":                {flat, map[string]any{namespaced: "chef"}, 403},
		"with something else":      {flat, map[string]any{namespaced: []any{"chef", 7}}, 403},
		"permission":               {flat, map[string]any{"permissions": []string{"create:items", "unheard:of"}}, 201},
		"other permission":         {flat, map[string]any{"permissions": []string{"update:items", "create:item", "create:items "}}, 403},
		"no permission":            {flat, map[string]any{"permissions": []string{}}, 403},
		"wildcard":                 {flat, map[string]any{"permissions": []string{"*", "create:*"}}, 403},
		"scope of a person":        {flat, map[string]any{"scope": "create:items"}, 403},
		"nested role":              {deep, map[string]any{"realm_access": map[string]any{"roles": []string{"chef"}}}, 201},
		"nested, a list in a list": {deep, map[string]any{"realm_access": []any{map[string]any{"roles": []string{"chef"}}}}, 403},
		"nested permission":        {deep, map[string]any{"authz": map[string]any{"may": "a:b create:items"}}, 201},
	} {
		claims := verified("ada@x.example")
		maps.Copy(claims, tt.claims)
		if a := tt.r.do("POST", "/api/items", dish, p.person("auth0|ada", claims)...); a.Status != tt.want {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	// The role of the account is there whatever the token says.
	id, _ := flat.accounts()[0]["id"].(string)
	if _, err := flat.app.Users.PatchRow(authz.System(t.Context()), id, []byte(`{"roles":["menu-admin"]}`), nil); err != nil {
		t.Fatal(err)
	}
	flat.do("POST", "/api/items", dish, p.person("auth0|ada", nil)...).is(201)
	flat.do("POST", "/api/items", dish, p.person("auth0|ada", map[string]any{"permissions": []string{}})...).is(201)
}

// IDP-11: a token that says it is a third party's does what its scope says, whatever
// roles are in it and whatever roles the account has.
func TestIDP11_tokenOfThirdParty(t *testing.T) {
	p := newProvider(t)
	r := start(t, withUsers(p.auth0()))
	token := func(more map[string]any) []string {
		claims := verified("ada@x.example")
		claims[apiAudience+"/roles"] = []string{"chef"}
		maps.Copy(claims, more)
		return p.person("auth0|ada", claims)
	}
	r.do("POST", "/api/items", dish, token(nil)...).is(201) // an application of the service
	id, _ := r.accounts()[0]["id"].(string)
	if _, err := r.app.Users.PatchRow(authz.System(t.Context()), id, []byte(`{"roles":["menu-admin"]}`), nil); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		more map[string]any
		want int
	}{
		"nothing":                 {map[string]any{}, 403},
		"openid":                  {map[string]any{"scope": "openid profile email"}, 403},
		"another scope":           {map[string]any{"scope": "openid update:items"}, 403},
		"wildcards":               {map[string]any{"scope": "* create:*"}, 403},
		"permissions, not scope":  {map[string]any{"permissions": []string{"create:items"}}, 403},
		"scope of what they may":  {map[string]any{"scope": "openid create:items"}, 201},
		"scope and permission":    {map[string]any{"scope": "create:items", "permissions": []string{"create:items"}}, 201},
		"a scope that is no text": {map[string]any{"scope": []any{"openid", nil}}, 403},
		"the mark is no boolean":  {map[string]any{"third_party": "true", "scope": "openid"}, 403},
		"the mark says otherwise": {map[string]any{"third_party": false}, 201},
	} {
		if _, said := tt.more["third_party"]; !said {
			tt.more["third_party"] = true
		}
		if a := r.do("POST", "/api/items", dish, token(tt.more)...); a.Status != tt.want {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	foreign := token(map[string]any{"third_party": true, "scope": "openid create:items"})
	r.do("GET", "/api/account/sessions", "", foreign...).is(403)
	r.do("GET", "/api/users", "", foreign...).is(403)
	// With the scope "owner" it changes the row of its user, and not who logs in as
	// them, or whether they do, though they have just logged in.
	own := token(map[string]any{"third_party": true, "scope": "openid owner", "auth_time": time.Now().Unix()})
	r.do("PATCH", "/api/users/"+id, `{"name":"Ada L."}`, own...).is(200)
	r.do("PATCH", "/api/users/"+id, `{"password":"`+goodPassword+`"}`, own...).is(403)
	r.do("PATCH", "/api/users/"+id, `{"email":"eve@x.example"}`, own...).is(403)
	carl := map[string]any{"third_party": true, "scope": "openid owner", "auth_time": time.Now().Unix(), "email": "carl@x.example", "email_verified": true}
	r.do("DELETE", "/api/users/"+r.do("GET", "/api/me", "", p.person("auth0|carl", carl)...).is(200).json()["id"].(string), "", p.person("auth0|carl", carl)...).is(403)
	r.do("PATCH", "/api/users/"+id, `{"password":"`+goodPassword+`"}`, token(map[string]any{"auth_time": time.Now().Unix()})...).is(200)
	// What nobody could give by themselves, no scope gives.
	bob := p.person("auth0|bob", map[string]any{"email": "bob@x.example", "email_verified": true, "third_party": true, "scope": "create:items"})
	r.do("POST", "/api/items", dish, bob...).is(403)
}
