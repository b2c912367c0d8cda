package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
		opened bool // a letter to it was opened, whoever has the password
		bound  bool // somebody else at the issuer has it
		claim  any
		want   int
		why    string // in the log alone
	}{
		"unverified":                   {claim: false, want: 403, why: "does not call verified"},
		"verified in a text":           {claim: "true", want: 403, why: "does not call verified"},
		"verified by a number":         {claim: 1, want: 403, why: "does not call verified"},
		"nothing said":                 {claim: nil, want: 403, why: "does not call verified"},
		"unverified, proven here":      {claim: false, proven: true, want: 403, why: "does not call verified"},
		"bound to somebody else":       {claim: true, proven: true, bound: true, want: 403, why: "somebody else is bound to it"},
		"not proven, with a password":  {claim: true, beside: true, want: 403, why: "never showed that the address is its own"},
		"proven on both sides":         {claim: true, beside: true, proven: true, want: 200},
		"opened here, proven there":    {claim: true, beside: true, opened: true, want: 200},
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
				prove(t, r, row.ID, "ada@x.example", 1)
			}
			if tt.opened {
				prove(t, r, row.ID, "ada@x.example", 0)
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
			log := r.logged()
			if refused := strings.Contains(log, `"msg":"account refused","subject":"auth0|second","err":"`); refused != (tt.want == 403) || !strings.Contains(log, tt.why) {
				t.Errorf("the log does not say %q: %s", tt.why, log)
			}
			if strings.Contains(strings.ToLower(log), "ada@") {
				t.Errorf("the log has the address: %s", log)
			}
			// CLI-08: what was attached to an address that nobody proved is gone.
			if hash := r.hash(row.ID); (hash == before) != (tt.want == 403 || tt.proven) {
				t.Errorf("the password is %q, it was %q", hash, before)
			}
		})
	}
}

// prove notes that an address was shown to be the account's; owned is 1 if it was
// by whoever has the password.
func prove(t *testing.T, r *running, id, email string, owned int) {
	t.Helper()
	_, err := r.app.DB.Exec(t.Context(), "INSERT INTO gate_verified (entity, subject, address, verified_at, owned) VALUES ('user', $1, $2, 1, $3)", id, email, owned)
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
		id, ok := ids[0].(string)
		if !ok {
			t.Fatal("nobody came first")
		}
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
	"created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL, "photo" jsonb);
CREATE TABLE "users_files" ("file" text NOT NULL, "part" integer NOT NULL, "row_id" uuid NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE, "data" bytea NOT NULL, PRIMARY KEY ("file", "part"));
CREATE UNIQUE INDEX "users_email_key" ON "users" ((lower("email" COLLATE "C")));
`}}, nil
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
			r.do("GET", "/api/me", "", p.person("auth0|boss", unverified)...).is(403)
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
