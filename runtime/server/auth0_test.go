package server_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/query"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/identities"
	"github.com/gatewright/gate/store/storetest"
)

const dish = `{"name":"Figs","price":1}`

// auth0 is what auth-auth0 says of the provider.
func (p *provider) auth0() *auth.OIDC {
	return &auth.OIDC{
		Issuer: p.name, Audience: apiAudience, Type: "JWT", ClientID: "web", PermissionsClaim: "permissions",
		Roles: map[string]string{"chef": "menu-admin"},
		Users: &auth.Users{Create: true, Email: "email", Fields: map[string]string{"name": "name"}},
		Page:  &auth.Page{Domain: "tenant.example"},
	}
}

// person returns the headers of somebody with this subject and profile.
func (p *provider) person(subject string, profile map[string]any) []string {
	p.t.Helper()
	return p.forge(forgery{typ: "JWT", change: func(c *jose.Claims) {
		c.Subject = subject
		c.Audience = []string{apiAudience, p.name + "userinfo"}
		c.Extra["azp"] = "web"
		maps.Copy(c.Extra, profile)
	}})
}

// verified is a profile with that address.
func verified(email string) map[string]any {
	return map[string]any{"email": email, "email_verified": true, "name": "Somebody"}
}

// withUsers is a service that only the provider vouches for; change may be nil.
func withUsers(o *auth.OIDC, environ ...string) options {
	return options{noAuth: true, change: trust(o, nil), environ: environ}
}

// accounts returns the accounts there are.
func (r *running) accounts() []map[string]any {
	r.t.Helper()
	rows, err := r.app.Users.FindRows(authz.System(r.t.Context()), &query.Query{})
	if err != nil {
		r.t.Fatal(err)
	}
	var list []map[string]any
	if err := json.Unmarshal(rows.AppendJSON(nil), &list); err != nil {
		r.t.Fatal(err)
	}
	return list
}

// hash returns what is stored of a password.
func (r *running) hash(id string) string {
	r.t.Helper()
	var hash string
	if err := r.app.DB.Read().QueryRowContext(r.t.Context(), `SELECT "password" FROM "users" WHERE "id" = $1`, id).Scan(&hash); err != nil {
		r.t.Fatal(err)
	}
	return hash
}

// TestAuth0_firstToken: two people who come for the first time get an account
// each, with the least role and no password, and keep it.
func TestAuth0_firstToken(t *testing.T) {
	p := newProvider(t)
	r := start(t, withUsers(p.auth0()))
	seen := map[any]bool{}
	for _, name := range []string{"ada", "bob"} {
		email := name + "@x.example"
		me := r.do("GET", "/api/me", "", p.person("auth0|"+name, verified(email))...).is(200).json()
		if me["email"] != email || me["name"] != "Somebody" || fmt.Sprint(me["roles"]) != "[customer]" {
			t.Errorf("me is %v", me)
		}
		// Neither the address nor anything else but issuer and subject finds it again.
		again := r.do("GET", "/api/me", "", p.person("auth0|"+name, verified("new-"+email))...).is(200).json()
		if again["id"] != me["id"] || again["email"] != email {
			t.Errorf("the second token is about %v, the first about %v", again, me)
		}
		if hash := r.hash(me["id"].(string)); hash != "" {
			t.Errorf("a password is stored: %q", hash)
		}
		r.do("GET", "/api/users/"+me["id"].(string), "", p.person("auth0|"+name, nil)...).is(200)
		seen[me["id"]] = true
	}
	if len(seen) != 2 || len(r.accounts()) != 2 {
		t.Errorf("%d accounts for two people: %v", len(r.accounts()), r.accounts())
	}
}

// TestCLI07_email: an address gives nobody an account that is another's.
func TestCLI07_email(t *testing.T) {
	for name, tt := range map[string]struct {
		beside bool // passwords log in as well
		proven bool // the account showed that the address is its own
		bound  bool // somebody else at the issuer has it
		claim  any
		want   int
	}{
		"unverified":                   {claim: false, want: 403},
		"verified in a text":           {claim: "true", want: 403},
		"verified by a number":         {claim: 1, want: 403},
		"nothing said":                 {claim: nil, want: 403},
		"unverified, proven here":      {claim: false, proven: true, want: 403},
		"bound to somebody else":       {claim: true, proven: true, bound: true, want: 403},
		"not proven, with a password":  {claim: true, beside: true, want: 403},
		"proven on both sides":         {claim: true, beside: true, proven: true, want: 200},
		"verified, no other way to in": {claim: true, want: 200},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			r := start(t, options{noAuth: !tt.beside, change: trust(p.auth0(), nil)})
			row, err := r.app.Users.CreateRow(authz.System(t.Context()), []byte(`{"email":"ada@x.example","password":"`+goodPassword+`","name":"Ada"}`), nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.proven {
				prove(t, r, row.ID, "ada@x.example")
			}
			before := r.hash(row.ID)
			if tt.bound {
				r.do("GET", "/api/me", "", p.person("auth0|first", verified("ada@x.example"))...).is(200)
			}
			profile := map[string]any{"email": "ADA@x.example", "name": "Eve"}
			if tt.claim != nil {
				profile["email_verified"] = tt.claim
			}
			me := r.do("GET", "/api/me", "", p.person("auth0|second", profile)...).is(tt.want)
			if len(r.accounts()) != 1 {
				t.Errorf("accounts: %v", r.accounts())
			}
			if tt.want == 200 {
				if got := me.json(); got["id"] != row.ID || got["name"] != "Ada" {
					t.Errorf("me is %v", got)
				}
			} else if strings.Contains(me.Body, "Ada") || strings.Contains(me.Body, row.ID) {
				t.Errorf("the refusal tells: %s", me.Body)
			}
			// CLI-08: what was attached to an address that nobody proved is gone.
			if hash := r.hash(row.ID); (hash == before) != (tt.want == 403 || tt.proven) {
				t.Errorf("the password is %q, it was %q", hash, before)
			}
		})
	}
}

// prove notes that an address was shown to be the account's.
func prove(t *testing.T, r *running, id, email string) {
	t.Helper()
	_, err := r.app.DB.Exec(t.Context(), "INSERT INTO gate_verified (entity, subject, address, verified_at) VALUES ('user', $1, $2, 1)", id, email)
	if err != nil {
		t.Fatal(err)
	}
}

// TestAuth0_atOnce: twenty first tokens of one person make one account, on both
// databases.
func TestAuth0_atOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newProvider(t)
		r := start(t, options{noAuth: true, change: func(s *server.Service) {
			trust(p.auth0(), nil)(s)
			s.Open = func(context.Context, string) (*store.DB, error) { return db, nil }
			if db.Dialect() == store.Postgres {
				s.Migrations = postgresMigrations
			}
		}})
		// Half of them say another address, so that not only its index decides.
		ids := make([]any, 20)
		var all sync.WaitGroup
		for i := range ids {
			headers := p.person("auth0|ada", verified(fmt.Sprintf("ada%d@x.example", i%2)))
			all.Go(func() {
				a := r.do("GET", "/api/me", "", headers...)
				if a.Status != 200 {
					t.Errorf("%d %s", a.Status, a.Body)
					return
				}
				ids[i] = a.json()["id"]
			})
		}
		all.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("accounts %v and %v", ids[0], id)
			}
		}
		if list := r.accounts(); len(list) != 1 {
			t.Errorf("%d accounts", len(list))
		}
		// Twenty people are twenty.
		for i := range 20 {
			headers := p.person(fmt.Sprintf("auth0|%d", i), verified(fmt.Sprintf("p%d@x.example", i)))
			all.Go(func() {
				if a := r.do("GET", "/api/me", "", headers...); a.Status != 200 {
					t.Errorf("%d %s", a.Status, a.Body)
				}
			})
		}
		all.Wait()
		if list := r.accounts(); len(list) != 21 {
			t.Errorf("%d accounts", len(list))
		}
		// A second start finds what is there.
		id := ids[0].(string)
		if found, err := r.app.Auth.Identities().Find(t.Context(), p.name, "auth0|ada"); err != nil || found.Account != id {
			t.Errorf("identity: %+v, %v", found, err)
		}
		if _, err := r.app.Users.RemoveRow(authz.System(t.Context()), id, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := r.app.Auth.Identities().Find(t.Context(), p.name, "auth0|ada"); !errors.Is(err, identities.ErrRemoved) {
			t.Errorf("identity of a deleted account: %v", err)
		}
	})
}

func postgresMigrations() ([]store.Migration, error) {
	return []store.Migration{{Version: 1, Name: "init", SQL: `
CREATE TABLE "items" ("id" uuid PRIMARY KEY, "name" text NOT NULL, "price" numeric(10,2) NOT NULL, "description" text, "image" text,
	"secret" text, "created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL);
CREATE TABLE "users" ("id" uuid PRIMARY KEY, "email" text NOT NULL, "password" text NOT NULL, "name" text, "roles" jsonb NOT NULL,
	"created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL);
CREATE UNIQUE INDEX "users_email_key" ON "users" ((lower("email" COLLATE "C")));
`}}, nil
}

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

// TestKEY05_machines: a program is a principal without an account, or refused.
func TestKEY05_machines(t *testing.T) {
	p := newProvider(t)
	for name, change := range map[string]func(*jose.Claims){
		"gty":        func(c *jose.Claims) { c.Subject, c.Extra["gty"] = "x", "client-credentials" },
		"subject":    func(c *jose.Claims) { c.Subject = "abc@clients" },
		"RFC 9068":   func(c *jose.Claims) { c.Subject, c.Extra["client_id"] = "abc", "abc" },
		"with email": func(c *jose.Claims) { c.Subject = "abc@clients"; maps.Copy(c.Extra, verified("ada@x.example")) },
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

// TestAuth0_removed: whose account is deleted does not get another one, until
// somebody forgets them.
func TestAuth0_removed(t *testing.T) {
	p := newProvider(t)
	r := start(t, withUsers(p.auth0()))
	ada := p.person("auth0|ada", verified("ada@x.example"))
	id := r.do("GET", "/api/me", "", ada...).is(200).json()["id"].(string)
	if _, err := r.app.Users.RemoveRow(authz.System(t.Context()), id, nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		a := r.do("GET", "/api/items", "", ada...).is(401)
		if !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("challenge %q", a.Header.Get("WWW-Authenticate"))
		}
	}
	if list := r.accounts(); len(list) != 0 {
		t.Errorf("accounts: %v", list)
	}
	// AUD-05: nothing of the person is left.
	var left int
	err := r.app.DB.Read().QueryRowContext(t.Context(), `SELECT COUNT(*) FROM gate_identities WHERE subject LIKE '%|ada%' OR account IS NOT NULL`).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("%d identities are left, %v", left, err)
	}
	if err := r.app.Auth.Identities().Forget(t.Context(), p.name, "auth0|ada"); err != nil {
		t.Fatal(err)
	}
	if me := r.do("GET", "/api/me", "", p.person("auth0|ada", verified("ada@x.example"))...).is(200).json(); me["id"] == id {
		t.Errorf("the old account is back: %v", me)
	}
}

// TestAuth0_firstAdministrator: where nobody has a password none is made up; the
// owner of the address that the operator named gets every role, once.
func TestAuth0_firstAdministrator(t *testing.T) {
	for _, name := range []string{"FIRST_ADMIN_EMAIL", "ADMIN_EMAIL"} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			r := start(t, withUsers(p.auth0(), name+"=boss@x.example"))
			if admin, err := r.app.Auth.FirstAdministrator(t.Context(), t.TempDir()+"/admin.json"); admin != nil || err != nil || len(r.accounts()) != 0 {
				t.Errorf("an administrator with a password: %v, %v", admin, err)
			}
			roles := func(subject string, profile map[string]any) string {
				return fmt.Sprint(r.do("GET", "/api/me", "", p.person(subject, profile)...).is(200).json()["roles"])
			}
			unverified := map[string]any{"email": "boss@x.example", "email_verified": false}
			if got := roles("auth0|other", verified("other@x.example")); got != "[customer]" {
				t.Errorf("another address: %s", got)
			}
			if got := roles("auth0|boss", unverified); got != "[customer]" {
				t.Errorf("the address, not verified: %s", got)
			}
			r.do("GET", "/api/me", "", p.person("auth0|eve", verified("boss@x.example"))...).is(403)
			r = start(t, withUsers(p.auth0(), name+"=Boss@X.example"))
			if got := roles("auth0|boss", verified("boss@x.example")); got != "[customer menu-admin]" {
				t.Errorf("the owner of the address: %s", got)
			}
			id, _ := r.accounts()[0]["id"].(string)
			if _, err := r.app.Users.PatchRow(authz.System(t.Context()), id, []byte(`{"roles":["customer"]}`), nil); err != nil {
				t.Fatal(err)
			}
			if got := roles("auth0|boss", verified("boss@x.example")); got != "[customer]" {
				t.Errorf("it was given twice: %s", got)
			}
		})
	}
}

// TestAuth0_update: an account follows the issuer when the design says so, save
// in what somebody is recognised by.
func TestAuth0_update(t *testing.T) {
	p := newProvider(t)
	for _, update := range []bool{false, true} {
		o := p.auth0()
		o.Users.Update = update
		o.Users.Fields["email"] = "email" // is not followed, even so
		file := "DATABASE_URL=" + t.TempDir() + "/data.db"
		at := time.Now().Add(-time.Minute)
		name := func(after time.Duration, name string) string {
			r := start(t, withUsers(o, file)) // which remembers nobody
			headers := p.forge(forgery{typ: "JWT", change: func(c *jose.Claims) {
				c.Subject, c.IssuedAt = "auth0|ada", at.Add(after)
				maps.Copy(c.Extra, map[string]any{"email": name + "@x.example", "email_verified": true, "name": name})
			}})
			me := r.do("GET", "/api/me", "", headers...).is(200).json()
			if me["email"] != "ada@x.example" {
				t.Errorf("the address is %v", me["email"])
			}
			return me["name"].(string)
		}
		name(0, "ada")
		want := "ada"
		if update {
			want = "Augusta"
		}
		if got := name(2*time.Second, "Augusta"); got != want {
			t.Errorf("update %t: the name is %q", update, got)
		}
		if got := name(time.Second, "older"); got != want {
			t.Errorf("update %t: an older token made the name %q", update, got)
		}
	}
}

// TestAuth0_hook: the service's own code changes new accounts, and refuses them.
func TestAuth0_hook(t *testing.T) {
	p := newProvider(t)
	o := withUsers(p.auth0())
	o.configure = func(a *App) error {
		a.Auth.OnNewAccount(func(_ context.Context, n *auth.NewAccount) error {
			switch n.Profile.Email {
			case "no@x.example":
				return &gate.AuthError{Code: gate.ErrForbidden, Message: "This is for our own people"}
			case "fault@x.example":
				return errors.New("the register does not answer")
			case "wrong@x.example":
				n.Fields["name"] = 7
			default:
				n.Fields["name"] = "Dr " + n.Profile.Name
			}
			return nil
		})
		return nil
	}
	r := start(t, o)
	if me := r.do("GET", "/api/me", "", p.person("1", verified("ada@x.example"))...).is(200).json(); me["name"] != "Dr Somebody" {
		t.Errorf("me is %v", me)
	}
	if a := r.do("GET", "/api/me", "", p.person("2", verified("no@x.example"))...).is(403); !strings.Contains(a.Body, "our own people") {
		t.Errorf("refused with %s", a.Body)
	}
	if a := r.do("GET", "/api/me", "", p.person("3", verified("fault@x.example"))...).is(503); strings.Contains(a.Body, "register") {
		t.Errorf("the fault tells: %s", a.Body)
	}
	r.do("GET", "/api/me", "", p.person("4", verified("wrong@x.example"))...).is(403)
	if list := r.accounts(); len(list) != 1 {
		t.Errorf("%d accounts", len(list))
	}
}

// TestAuth0_limits: who may get an account at all, and values that do not fit.
func TestAuth0_limits(t *testing.T) {
	p := newProvider(t)
	o := p.auth0()
	o.Users.VerifiedOnly = true
	r := start(t, withUsers(o))
	r.do("GET", "/api/me", "", p.person("1", map[string]any{"email": "ada@x.example", "name": "Ada"})...).is(403)
	r.do("GET", "/api/me", "", p.person("1", verified("ada@x.example"))...).is(200)
	r.do("GET", "/api/me", "", p.person("2", verified("no address"))...).is(403)
	r.do("GET", "/api/me", "", p.person("3", verified("a@x.example\x00"))...).is(403)
	long := verified("b@x.example")
	long["name"] = strings.Repeat("ü", 500)
	if me := r.do("GET", "/api/me", "", p.person("4", long)...).is(200).json(); me["name"] != strings.Repeat("ü", 100) {
		t.Errorf("the name is %v", me["name"])
	}
	odd := verified("c@x.example")
	odd["name"] = map[string]any{"first": "C"}
	if me := r.do("GET", "/api/me", "", p.person("5", odd)...).is(200).json(); me["name"] != nil {
		t.Errorf("the name is %v", me["name"])
	}

	o = p.auth0()
	o.Users.Create = false
	r = start(t, withUsers(o))
	r.do("GET", "/api/me", "", p.person("1", verified("ada@x.example"))...).is(403)
	if _, err := r.app.Users.CreateRow(authz.System(t.Context()), []byte(`{"email":"ada@x.example","password":"`+goodPassword+`"}`), nil); err != nil {
		t.Fatal(err)
	}
	r.do("GET", "/api/me", "", p.person("1", verified("ada@x.example"))...).is(200)
}

// TestJWT02_auth0Tokens: the token matrix of an API at Auth0, each answered with
// 401, and 503 while the issuer cannot be asked.
func TestJWT02_auth0Tokens(t *testing.T) {
	p, other := newProvider(t), newProvider(t)
	r := start(t, withUsers(p.auth0()))
	good := verified("ada@x.example")
	forge := func(f forgery) []string {
		change := f.change
		f.change = func(c *jose.Claims) {
			maps.Copy(c.Extra, good)
			if change != nil {
				change(c)
			}
		}
		if f.typ == "" {
			f.typ = "JWT"
		}
		return p.forge(f)
	}
	strange, err := jose.GenerateKey("unheard-of", jose.RS256)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := jose.GenerateKey("k", jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	set, err := jose.NewKeySet(p.key)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"iss":%q,"sub":"auth0|7","aud":%q,"exp":%d}`, p.name, apiAudience, time.Now().Add(time.Hour).Unix())
	symmetric := b64([]byte(`{"alg":"HS256","typ":"JWT","kid":"k"}`)) + "." + b64([]byte(claims))
	mac := hmac.New(sha256.New, set.JWKS()) // everybody has the public key
	mac.Write([]byte(symmetric))
	symmetric += "." + b64(mac.Sum(nil))
	none := b64([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + b64([]byte(claims)) + "."
	valid := forge(forgery{})
	for name, headers := range map[string][]string{
		"wrong issuer":           forge(forgery{iss: "https://evil.example/"}),
		"issuer without slash":   forge(forgery{iss: strings.TrimSuffix(p.name, "/")}),
		"wrong audience":         forge(forgery{change: func(c *jose.Claims) { c.Audience = []string{"https://other.example"} }}),
		"ID token":               forge(forgery{change: func(c *jose.Claims) { c.Audience = []string{"web"} }}),
		"expired":                forge(forgery{change: func(c *jose.Claims) { c.Expiry = time.Now().Add(-2 * time.Minute) }}),
		"unknown key":            forge(forgery{key: strange}),
		"key of another issuer":  forge(forgery{key: other.key}),
		"ES256":                  forge(forgery{key: curve}),
		"HS256 with public key":  {"Authorization", "Bearer " + symmetric},
		"none":                   {"Authorization", "Bearer " + none},
		"signature cut":          {"Authorization", valid[1][:len(valid[1])-8]},
		"in the query":           nil,
		"opaque":                 {"Authorization", "Bearer abcdef"},
		"of nobody":              forge(forgery{change: func(c *jose.Claims) { c.Subject = "" }}),
		"another type":           forge(forgery{typ: "logout+jwt"}),
		"nonce, as ID tokens do": forge(forgery{change: func(c *jose.Claims) { c.Extra["nonce"] = "n" }}),
	} {
		path := "/api/me"
		if headers == nil {
			path += "?access_token=" + strings.TrimPrefix(valid[1], "Bearer ")
		}
		if a := r.do("GET", path, "", headers...); a.Status != 401 || !strings.Contains(a.Header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	if list := r.accounts(); len(list) != 0 {
		t.Errorf("accounts were made: %v", list)
	}
	r.do("GET", "/api/me", "", valid...).is(200)
	r.do("GET", "/api/me", "", forge(forgery{typ: "at+jwt"})...).is(200) // an API set to RFC 9068

	p.down.Store(true)
	r = start(t, withUsers(p.auth0()))
	r.do("GET", "/api/me", "", valid...).is(503)
}

// TestJKS01_flood: a flood of made-up key identifiers asks the issuer a few times,
// and known keys go on working.
func TestJKS01_flood(t *testing.T) {
	p := newProvider(t)
	r := start(t, withUsers(p.auth0()))
	good := p.person("auth0|ada", verified("ada@x.example"))
	r.do("GET", "/api/me", "", good...).is(200)
	for i := range 200 {
		key, err := jose.NewHMACKey(fmt.Sprintf("made-up-%d", i), jose.HS256, []byte(testSecret))
		if err != nil {
			t.Fatal(err)
		}
		head, rest, _ := strings.Cut(p.forge(forgery{key: key, typ: "JWT"})[1], ".")
		head = "Bearer " + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","typ":"JWT","kid":"made-up-%d"}`, i))
		r.do("GET", "/api/me", "", "Authorization", head+"."+rest).is(401)
	}
	if got := p.asked.Load(); got > 2+5 {
		t.Errorf("%d requests to the issuer", got)
	}
	r.do("GET", "/api/me", "", good...).is(200)
}

// TestAuth0_page: pages learn at run time what they log people in with, and
// variables alone point the service elsewhere.
func TestAuth0_page(t *testing.T) {
	designed, foreign := newProvider(t), newProvider(t)
	get := func(r *running) map[string]any {
		a := r.do("GET", "/api/auth-config.json", "", "Origin", "https://app.example").is(200)
		if a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("headers %v", a.Header)
		}
		return a.json()
	}
	r := start(t, withUsers(designed.auth0(), "CORS_ORIGINS=https://app.example"))
	if a := r.do("GET", "/api/auth-config.json", "", "Origin", "https://app.example"); a.Header.Get("Access-Control-Allow-Origin") != "https://app.example" {
		t.Errorf("headers %v", a.Header)
	}
	if got := get(r); got["domain"] != "tenant.example" || got["clientId"] != "web" || got["audience"] != apiAudience || got["issuer"] != designed.name ||
		got["redirectUri"] != "/auth-callback" || got["logoutRedirectUri"] != "/login" || got["scope"] != "openid profile email" {
		t.Errorf("pages are told %v", got)
	}
	r = start(t, withUsers(designed.auth0(), "AUTH0_ISSUER_URL="+foreign.name, "AUTH0_AUDIENCE=urn:elsewhere",
		"AUTH0_CLIENT_ID=other", "AUTH0_REDIRECT_URI=https://app.example/cb"))
	if got := get(r); "http://"+got["domain"].(string)+"/" != foreign.name || got["clientId"] != "other" || got["audience"] != "urn:elsewhere" ||
		got["redirectUri"] != "https://app.example/cb" {
		t.Errorf("pages are told %v", got)
	}
	token := func(p *provider, audience string) []string {
		return p.forge(forgery{typ: "JWT", change: func(c *jose.Claims) {
			c.Audience = []string{audience}
			maps.Copy(c.Extra, verified("ada@x.example"))
			c.Extra["urn:elsewhere/roles"] = []string{"chef"}
		}})
	}
	r.do("POST", "/api/items", dish, token(foreign, "urn:elsewhere")...).is(201)
	r.do("GET", "/api/me", "", token(foreign, apiAudience)...).is(401)
	r.do("GET", "/api/me", "", token(designed, apiAudience)...).is(401)
	// A service whose pages are told nothing has no such address.
	start(t, options{}).do("GET", "/api/auth-config.json", "").is(404)
}

// TestAuth0_beside: the service's own passwords and tokens go on working.
func TestAuth0_beside(t *testing.T) {
	p := newProvider(t)
	r := start(t, options{basic: true, change: trust(p.auth0(), nil)})
	id := r.signUp("ada@x.example", "menu-admin")
	r.do("POST", "/api/items", dish, r.login("ada@x.example")...).is(201)
	r.do("POST", "/api/items", dish, basicHeader("ada@x.example", goodPassword)...).is(201)
	bob := p.person("auth0|bob", verified("bob@x.example"))
	me := r.do("GET", "/api/me", "", bob...).is(200).json()
	if me["id"] == id || me["email"] != "bob@x.example" {
		t.Errorf("me is %v", me)
	}
	// Whom the issuer vouches for has no password that could be guessed.
	r.do("POST", "/api/authentication", `{"strategy":"local","email":"bob@x.example","password":""}`).is(401)
	r.do("POST", "/api/authentication", `{"strategy":"local","email":"bob@x.example","password":"`+goodPassword+`"}`).is(401)
	r.do("GET", "/api/account/sessions", "", bob...).is(200)
	// SES-10: a token that does not say when its bearer logged in does not delete.
	r.do("DELETE", "/api/users/"+me["id"].(string), "", bob...).is(401)
	recent := verified("bob@x.example")
	recent[apiAudience+"/auth_time"] = time.Now().Add(-time.Minute).Unix()
	r.do("DELETE", "/api/users/"+me["id"].(string), "", p.person("auth0|bob", recent)...).is(200)
	r.do("GET", "/api/me", "", p.person("auth0|bob", recent)...).is(401)
}
