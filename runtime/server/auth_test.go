package server_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/server"
	"github.com/gatewright/gate/store"
)

func basicHeader(email, password string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(email+":"+password))}
}

// TestPlugins walks the ways in which a service may have authentication.
func TestPlugins(t *testing.T) {
	const dish = `{"name":"Figs","price":1}`
	const login = `{"strategy":"local","email":"ada@x.example","password":"` + goodPassword + `"}`
	for _, tt := range []struct {
		name      string
		options   options
		tokens    bool
		basic     bool
		challenge []string // of a 401
	}{
		{"tokens", options{}, true, false, []string{"Bearer"}},
		{"basic", options{noTokens: true, basic: true}, false, true, []string{"Basic"}},
		{"both", options{basic: true}, true, true, []string{"Bearer", "Basic"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := start(t, tt.options)
			r.signUp("ada@x.example", "menu-admin")
			challenges := r.do("POST", "/api/items", dish).is(401).Header.Values("WWW-Authenticate")
			if len(challenges) != len(tt.challenge) {
				t.Errorf("challenges are %q", challenges)
			}
			for i, want := range tt.challenge {
				if i < len(challenges) && !strings.HasPrefix(challenges[i], want+" ") {
					t.Errorf("challenge %d is %q, want %s", i, challenges[i], want)
				}
			}
			if !tt.tokens {
				r.do("POST", "/api/authentication", login).is(404)
				r.do("DELETE", "/api/authentication", "").is(404)
				r.do("GET", "/api/items", "", "Authorization", "Bearer x.y.z").is(401)
			} else {
				token := r.login("ada@x.example")
				r.do("POST", "/api/items", dish, token...).is(201)
				r.do("GET", "/api/me", "", token...).is(200)
				r.do("POST", "/api/authentication", `{"strategy":"basic","username":"ada@x.example","password":"`+goodPassword+`"}`).is(401)
			}
			right, wrong := basicHeader("ADA@x.example", goodPassword), basicHeader("ada@x.example", goodPassword+"!")
			if tt.basic {
				r.do("POST", "/api/items", dish, right...).is(201)
				r.do("GET", "/api/me/permissions", "", right...).is(200)
				r.do("GET", "/api/items", "", wrong...).is(401)
			} else {
				r.do("GET", "/api/items", "", right...).is(401)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		r := start(t, options{noAuth: true})
		r.do("GET", "/api/items", "").is(200)
		// A 401 would have to say how to authenticate, and there is no way.
		for _, a := range []answer{
			r.do("POST", "/api/items", dish),
			r.do("POST", "/api/items", "{bad"),
			r.do("GET", "/api/users", ""),
			r.do("GET", "/api/users?nosuch=1", ""),
		} {
			if got := a.is(403).Header.Values("WWW-Authenticate"); got != nil {
				t.Errorf("WWW-Authenticate is %q", got)
			}
		}
		r.do("POST", "/api/authentication", login).is(404)
		r.do("GET", "/api/me", "").is(404)
		r.do("GET", "/api/items", "", basicHeader("a", "b")...).is(200) // nobody looks
	})
}

func TestOpen_refuses(t *testing.T) {
	cfg, err := config.Load(config.Options{Environ: []string{"AUTH_SECRET=" + testSecret}, Addr: ":0", Database: ":memory:", SecretBytes: 32})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*server.Service){
		"lacks a name":                 func(s *server.Service) { s.Name = "" },
		"lacks a name, a database":     func(s *server.Service) { s.Open = nil },
		"entity holds the accounts":    func(s *server.Service) { s.Build = func(*server.App) error { return nil } },
		"canary of build":              func(s *server.Service) { s.Build = func(*server.App) error { return errors.New("canary of build") } },
		"canary of open":               func(s *server.Service) { s.Open = failingOpen },
		"cannot name a role":           func(s *server.Service) { s.Roles = []authz.Role{{Name: "public"}} },
		`has no field "login"`:         func(s *server.Service) { s.Auth.Login = "login" },
		"authentication needs a login": func(s *server.Service) { s.Auth.Login = "" },
	} {
		t.Run(name, func(t *testing.T) {
			s := restaurant(true, false, nil)
			change(&s)
			srv, err := server.Open(t.Context(), s, cfg, nil)
			if srv != nil || err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("Open = %v, %v", srv, err)
			}
		})
	}
}

func failingOpen(context.Context, string) (*store.DB, error) {
	return nil, errors.New("canary of open")
}

// TestPWD11_passwordChange: a new password ends every session of the account but
// the one it was set in; the old password is dead at once, cached or not.
func TestPWD11_passwordChange(t *testing.T) {
	r := start(t, options{basic: true})
	id := r.signUp("ada@x.example")
	here, elsewhere := r.login("ada@x.example"), r.login("ada@x.example")
	old := basicHeader("ada@x.example", goodPassword)
	for _, who := range [][]string{here, elsewhere, old} {
		r.do("GET", "/api/me", "", who...).is(200)
	}
	const next = "quince-Harbour-lantern-7"
	r.do("PATCH", "/api/users/"+id, `{"password":"`+next+`"}`, here...).is(200)
	r.do("GET", "/api/me", "", here...).is(200)
	r.do("GET", "/api/me", "", elsewhere...).is(401)
	r.do("GET", "/api/me", "", old...).is(401)
	r.do("GET", "/api/me", "", basicHeader("ada@x.example", next)...).is(200)
}

// TestLOG13_deletedAccount: the tokens of an account die with it.
func TestLOG13_deletedAccount(t *testing.T) {
	r := start(t, options{basic: true})
	id := r.signUp("ben@x.example")
	r.signUp("ada@x.example", "menu-admin")
	ben, ada := r.login("ben@x.example"), r.login("ada@x.example")
	r.do("GET", "/api/me", "", ben...).is(200)
	r.do("DELETE", "/api/users/"+id, "", ada...).is(200)
	for _, who := range [][]string{ben, basicHeader("ben@x.example", goodPassword)} {
		r.do("GET", "/api/me", "", who...).is(401)
		r.do("GET", "/api/items", "", who...).is(401)
	}
	again := r.signUp("ben@x.example")
	if again == id {
		t.Error("the identifier came back")
	}
	r.do("GET", "/api/me", "", ben...).is(401)
}

// TestRolesCountAtOnce: the next request sees them, with the same token.
func TestRolesCountAtOnce(t *testing.T) {
	r := start(t, options{basic: true})
	id := r.signUp("ben@x.example")
	ben := r.login("ben@x.example")
	const dish = `{"name":"Figs","price":1}`
	for _, who := range [][]string{ben, basicHeader("ben@x.example", goodPassword)} {
		r.do("POST", "/api/items", dish, who...).is(403)
	}
	grant := func(roles string) {
		if _, err := r.app.Users.PatchRow(authz.System(t.Context()), id, []byte(`{"roles":`+roles+`}`), nil); err != nil {
			t.Fatal(err)
		}
	}
	grant(`["menu-admin"]`)
	for _, who := range [][]string{ben, basicHeader("ben@x.example", goodPassword)} {
		r.do("POST", "/api/items", dish, who...).is(201)
	}
	grant(`[]`)
	for _, who := range [][]string{ben, basicHeader("ben@x.example", goodPassword)} {
		r.do("POST", "/api/items", dish, who...).is(403)
	}
}

// TestLOG03_throttle: after ten failures an account is closed to that network,
// to the right password too, under every spelling and at every door; an unknown
// account in the same way.
func TestLOG03_throttle(t *testing.T) {
	for _, email := range []string{"ada@x.example", "nobody@x.example"} {
		r := start(t, options{basic: true})
		r.signUp("ada@x.example")
		for i := range 10 {
			spelling := []string{email, strings.ToUpper(email)}[i%2]
			if i < 5 {
				r.do("GET", "/api/items", "", basicHeader(spelling, "wrong-wrong-wrong")...).is(401)
				continue
			}
			r.do("POST", "/api/authentication", fmt.Sprintf(`{"strategy":"local","email":%q,"password":"wrong-wrong-wrong"}`, spelling)).is(401)
		}
		a := r.do("POST", "/api/authentication", fmt.Sprintf(`{"strategy":"local","email":%q,"password":%q}`, email, goodPassword)).is(429)
		if a.Header.Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
		r.do("GET", "/api/items", "", basicHeader(email, goodPassword)...).is(429)
	}
}

// TestThrottleOutcomes pins the numbers by which package auth and the strategy
// understand each other.
func TestThrottleOutcomes(t *testing.T) {
	if gate.Failed != 0 || gate.Succeeded != 1 || gate.Undecided != 2 {
		t.Errorf("outcomes are %d, %d, %d", gate.Failed, gate.Succeeded, gate.Undecided)
	}
	r := start(t, options{})
	r.signUp("ada@x.example")
	for range 15 { // successes do not count
		r.login("ada@x.example")
	}
}

// TestOPS06_headersAreNotIdentity: what a proxy might say of a user is nothing.
func TestOPS06_headersAreNotIdentity(t *testing.T) {
	r := start(t, options{})
	id := r.signUp("ada@x.example", "menu-admin")
	for _, name := range []string{"X-User", "X-Forwarded-User", "X_User", "X-Remote-User", "Remote-User", "X-Auth-Request-User", "X-Forwarded-Email", "Cookie"} {
		r.do("GET", "/api/me", "", name, id).is(401)
		r.do("GET", "/api/users", "", name, "menu-admin").is(401)
	}
}

// TestLOG15_carriers: a bearer token comes in one header, whole.
func TestLOG15_carriers(t *testing.T) {
	r := start(t, options{})
	r.signUp("ada@x.example")
	token := strings.TrimPrefix(r.login("ada@x.example")[1], "Bearer ")
	for _, value := range []string{"Bearerx " + token, "Bearer " + token + " x", "XBearerX " + token, token, "Bearer", "Bearer: " + token, "Basic " + token} {
		a := r.do("GET", "/api/items", "", "Authorization", value)
		if a.Status != 401 && a.Status != 400 {
			t.Errorf("%q answers %d", value[:min(len(value), 12)], a.Status)
		}
	}
	r.do("GET", "/api/items", "", "Authorization", "bearer "+token).is(200)
	status, _ := r.raw("GET /api/items HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\nAuthorization: Bearer " + token + "\r\n\r\n")
	if status != 400 {
		t.Errorf("two headers answer %d", status)
	}
	r.do("GET", "/api/me?access_token="+token, "").is(401)
}

// TestOwnRoute: a handler of the service's own knows who asks, and can be
// guarded.
func TestOwnRoute(t *testing.T) {
	r := start(t, options{configure: func(a *App) error {
		a.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) {
			p, ok := gate.PrincipalFromContext(r.Context())
			fmt.Fprint(w, ok, p.HasRole("menu-admin"))
		})
		return nil
	}})
	r.signUp("ada@x.example", "menu-admin")
	if got := r.do("GET", "/hello", "").is(200).Body; got != "false false" && got != "falsefalse" {
		t.Errorf("to nobody: %s", got)
	}
	if got := r.do("GET", "/hello", "", r.login("ada@x.example")...).is(200).Body; !strings.HasPrefix(got, "true") || !strings.HasSuffix(got, "true") {
		t.Errorf("to ada: %s", got)
	}
	r.do("GET", "/hello", "", "Authorization", "Bearer x").is(401)
}
