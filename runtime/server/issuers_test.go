package server_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwe"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/server"
)

const (
	apiAudience = "https://api.restaurant.example"
	rolesClaim  = "https://restaurant.example/roles"
)

// A provider is an issuer elsewhere, on a loopback address.
type provider struct {
	t     *testing.T
	name  string // what its tokens say
	key   *jose.Key
	asked atomic.Int64 // requests
	down  atomic.Bool
	info  http.HandlerFunc // answers /userinfo; nil means 404
	told  atomic.Int64     // requests there
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{t: t}
	var err error
	if p.key, err = jose.GenerateKey("k", jose.RS256); err != nil {
		t.Fatal(err)
	}
	keys, err := jose.NewKeySet(p.key)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": p.name, "jwks_uri": p.name + "keys", "userinfo_endpoint": p.name + "userinfo"})
	})
	mux.Handle("GET /keys", keys.Handler(time.Minute))
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		p.told.Add(1)
		if p.info == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		p.info(w, r)
	})
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		if p.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(ts.Close)
	p.name = ts.URL + "/"
	return p
}

// A forgery is what a token is to be that is not quite one of the provider.
type forgery struct {
	key      *jose.Key
	typ, iss string
	change   func(*jose.Claims)
}

func (p *provider) forge(f forgery) []string {
	p.t.Helper()
	c := &jose.Claims{
		Issuer: p.name, Subject: "auth0|7", Audience: []string{apiAudience},
		IssuedAt: time.Now(), Expiry: time.Now().Add(time.Hour), Extra: map[string]any{},
	}
	if f.iss != "" {
		c.Issuer = f.iss
	}
	if f.change != nil {
		f.change(c)
	}
	if f.key == nil {
		f.key = p.key
	}
	if f.typ == "" {
		f.typ = "at+jwt"
	}
	token, err := jose.Sign(f.key, f.typ, c)
	if err != nil {
		p.t.Fatal(err)
	}
	return []string{"Authorization", "Bearer " + token}
}

// token returns the headers of somebody with these further claims.
func (p *provider) token(extra map[string]any) []string {
	p.t.Helper()
	return p.forge(forgery{change: func(c *jose.Claims) { maps.Copy(c.Extra, extra) }})
}

func (p *provider) oidc() *auth.OIDC {
	return &auth.OIDC{Issuer: p.name, Audience: apiAudience, RolesClaim: rolesClaim, PermissionsClaim: "permissions"}
}

// trust adds an issuer to a service; change may be nil.
func trust(o *auth.OIDC, change func(*auth.Config)) func(*server.Service) {
	return func(s *server.Service) {
		if s.Auth == nil {
			s.Auth = &auth.Config{
				Entity: "user", Login: "email", Password: "password", Roles: "roles",
				Strategies: func(*auth.Auth) error { return nil },
			}
		}
		before := s.Auth.Strategies
		s.Auth.OIDC = o
		s.Auth.Strategies = func(a *auth.Auth) error { return errors.Join(before(a), a.RegisterIssuer()) }
		if change != nil {
			change(s.Auth)
		}
	}
}

// TestOIDC_sideBySide: one strategy takes the tokens of the service and those of
// an issuer.
func TestOIDC_sideBySide(t *testing.T) {
	p := newProvider(t)
	r := start(t, options{change: trust(p.oidc(), nil)})
	id := r.signUp("ada@x.example", "menu-admin")
	ada := r.login("ada@x.example")
	bob := p.token(map[string]any{"permissions": []string{"create:items"}})
	const dish = `{"name":"Figs","price":1}`
	for range 2 { // the first token of an issuer asks for its keys
		r.do("POST", "/api/items", dish, ada...).is(201)
		r.do("POST", "/api/items", dish, bob...).is(201)
	}
	if me := r.do("GET", "/api/me", "", ada...).is(200).json(); me["id"] != id || me["email"] != "ada@x.example" {
		t.Errorf("me is %v", me)
	}
	if got, want := r.do("GET", "/api/me", "", bob...).is(200).Body, `{"id":"`+p.name+`|auth0|7","roles":[]}`; got != want {
		t.Errorf("me is %s, want %s", got, want)
	}
	if got := p.asked.Load(); got != 2 {
		t.Errorf("%d requests to the issuer, want 2", got)
	}
	// A token logs in as itself, and its session is not for us to end.
	token := strings.TrimPrefix(bob[1], "Bearer ")
	in := r.do("POST", "/api/authentication", `{"strategy":"jwt","accessToken":"`+token+`"}`).is(201).json()
	if in["accessToken"] != token {
		t.Errorf("the log-in answers %v", in)
	}
}

// TestOIDC_encryptedBeside: the service's own tokens may be encrypted, which an
// issuer's are not.
func TestOIDC_encryptedBeside(t *testing.T) {
	p := newProvider(t)
	r := start(t, options{change: trust(p.oidc(), func(c *auth.Config) {
		c.JWT.Encryption = func(key []byte) (gate.Encryption, error) {
			k, err := jwe.NewKey("", key)
			if err != nil {
				return nil, err
			}
			return jwe.NewCodec(jwe.Config{Algorithm: jwe.Direct, Key: k})
		}
	})})
	r.signUp("ada@x.example")
	r.do("GET", "/api/me", "", r.login("ada@x.example")...).is(200)
	r.do("GET", "/api/me", "", p.token(nil)...).is(200)
}

// TestJKS04_refused: what is not quite a token of the issuer is refused, with and
// without tokens of the service's own, and nobody else is asked about it.
func TestJKS04_refused(t *testing.T) {
	p, other := newProvider(t), newProvider(t)
	secret, err := jose.NewHMACKey("k", jose.HS256, []byte(testSecret))
	if err != nil {
		t.Fatal(err)
	}
	attacks := map[string][]string{
		"JWT-10 other audience":      p.forge(forgery{change: func(c *jose.Claims) { c.Audience = []string{"https://other.example"} }}),
		"JWT-10 audience of ours":    p.forge(forgery{change: func(c *jose.Claims) { c.Audience = []string{"restaurant"} }}),
		"JWT-10 no slash":            p.forge(forgery{iss: strings.TrimSuffix(p.name, "/")}),
		"JWT-10 other case":          p.forge(forgery{iss: strings.ToUpper(p.name)}),
		"JWT-08 an ID token":         p.forge(forgery{typ: "JWT"}),
		"keys crossed, as ours":      p.forge(forgery{iss: "restaurant"}),
		"keys crossed, our secret":   p.forge(forgery{key: secret}),
		"keys crossed, other issuer": other.forge(forgery{iss: p.name}),
		"unknown issuer":             other.token(nil),
		"expired":                    p.forge(forgery{change: func(c *jose.Claims) { c.Expiry = time.Now().Add(-time.Hour) }}),
		"not yet":                    p.forge(forgery{change: func(c *jose.Claims) { c.NotBefore = time.Now().Add(time.Hour) }}),
		"about nobody":               p.forge(forgery{change: func(c *jose.Claims) { c.Subject = "" }}),
		"no token":                   {"Authorization", "Bearer x.y.z"},
		"encrypted":                  {"Authorization", "Bearer a.b.c.d.e"},
	}
	for name, o := range map[string]options{
		"beside": {change: trust(p.oidc(), nil)},
		"alone":  {noAuth: true, change: trust(p.oidc(), nil)},
		"basic":  {noTokens: true, basic: true, change: trust(p.oidc(), nil)},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, o)
			r.do("GET", "/api/me", "", p.token(nil)...).is(200)
			for name, headers := range attacks {
				a := r.do("GET", "/api/items", "", headers...)
				if challenge := strings.Join(a.Header.Values("WWW-Authenticate"), "\n"); a.Status != 401 || !strings.Contains(challenge, "Bearer ") {
					t.Errorf("%s: %d %q %s", name, a.Status, challenge, a.Body)
				}
			}
			if got := other.asked.Load(); got != 0 {
				t.Errorf("%d requests to an issuer that is not trusted", got)
			}
			if o.basic {
				r.signUp("ada@x.example")
				r.do("GET", "/api/me", "", basicHeader("ada@x.example", goodPassword)...).is(200)
			}
		})
	}
}

// TestJWT08_loose: where access tokens say no more than JWT, those meant for the
// client that logs people in are refused.
func TestJWT08_loose(t *testing.T) {
	p := newProvider(t)
	o := p.oidc()
	o.Type, o.ClientID = "JWT", "web"
	r := start(t, options{change: trust(o, nil)})
	loose := func(aud []string, extra map[string]any) []string {
		return p.forge(forgery{typ: "JWT", change: func(c *jose.Claims) { c.Audience = aud; maps.Copy(c.Extra, extra) }})
	}
	r.do("GET", "/api/me", "", loose([]string{apiAudience}, map[string]any{"azp": "web"})...).is(200)
	for name, headers := range map[string][]string{
		"for the client":         loose([]string{"web"}, nil),
		"for the client as well": loose([]string{apiAudience, "web"}, nil),
		"for another client":     loose([]string{apiAudience}, map[string]any{"azp": apiAudience}),
		"nonce":                  loose([]string{apiAudience}, map[string]any{"nonce": "n"}),
		"at_hash":                loose([]string{apiAudience}, map[string]any{"at_hash": "h"}),
	} {
		if a := r.do("GET", "/api/me", "", headers...); a.Status != 401 {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
}

// TestJKS06_issuerDown: an issuer that cannot be asked refuses nobody. What does
// not need it goes on, the start of the service first of all.
func TestJKS06_issuerDown(t *testing.T) {
	p := newProvider(t)
	p.down.Store(true)
	r := start(t, options{basic: true, change: trust(p.oidc(), nil)})
	if got := p.asked.Load(); got != 0 {
		t.Errorf("the start asked the issuer %d times", got)
	}
	r.signUp("ada@x.example")
	for range 3 {
		a := r.do("GET", "/api/items", "", p.token(nil)...).is(503)
		if a.Header.Get("WWW-Authenticate") != "" || strings.Contains(a.Body, "keys") || strings.Contains(a.Body, p.name) {
			t.Errorf("the answer says %v %s", a.Header, a.Body)
		}
		r.do("GET", "/api/me", "", r.login("ada@x.example")...).is(200)
		r.do("GET", "/api/me", "", basicHeader("ada@x.example", goodPassword)...).is(200)
		r.do("GET", "/api/items", "").is(200)
	}
	r.do("GET", "/health/ready", "").is(200)
}

// TestAUZ16_claims: tokens give the roles that the design knows and permissions
// by name; nothing else in them gives anything.
func TestAUZ16_claims(t *testing.T) {
	p := newProvider(t)
	r := start(t, options{change: func(s *server.Service) {
		s.Roles = append(s.Roles, authz.Role{Name: "chef", Inherits: []string{"menu-admin"}})
		trust(p.oidc(), nil)(s)
	}})
	const dish = `{"name":"Figs","price":1}`
	all := `["create:items","delete:items","update:items"]`
	for name, tt := range map[string]struct {
		extra  map[string]any
		create int
		want   string
	}{
		"nothing":              {nil, 403, `{"roles":[],"permissions":[]}`},
		"unknown role":         {map[string]any{rolesClaim: []string{"owner", "public", "system", "root"}}, 403, `{"roles":[],"permissions":[]}`},
		"other claim":          {map[string]any{"roles": []string{"menu-admin"}, "role": "menu-admin"}, 403, `{"roles":[],"permissions":[]}`},
		"role in a text":       {map[string]any{rolesClaim: "menu-admin"}, 403, `{"roles":[],"permissions":[]}`},
		"role in an object":    {map[string]any{rolesClaim: map[string]any{"menu-admin": true}}, 403, `{"roles":[],"permissions":[]}`},
		"role, other case":     {map[string]any{rolesClaim: []string{"Menu-Admin"}}, 403, `{"roles":[],"permissions":[]}`},
		"role":                 {map[string]any{rolesClaim: []string{"menu-admin", "root"}}, 201, `{"roles":["menu-admin"],"permissions":` + all + `}`},
		"inherited":            {map[string]any{rolesClaim: []string{"chef"}}, 201, `{"roles":["chef","menu-admin"],"permissions":` + all + `}`},
		"permission":           {map[string]any{"permissions": []string{"create:items"}}, 201, `{"roles":[],"permissions":["create:items"]}`},
		"permissions in words": {map[string]any{"permissions": "read:items create:items"}, 201, `{"roles":[],"permissions":["create:items","read:items"]}`},
		"both":                 {map[string]any{rolesClaim: []string{"menu-admin"}, "permissions": []string{"a:b", "create:items"}}, 201, `{"roles":["menu-admin"],"permissions":["a:b","create:items","delete:items","update:items"]}`},
		"wildcards":            {map[string]any{"permissions": []string{"*", "create:*", "*:items"}}, 403, `{"roles":[],"permissions":[]}`},
		"permission of a role": {map[string]any{"permissions": []string{"menu-admin"}}, 403, `{"roles":[],"permissions":["menu-admin"]}`},
		"scope":                {map[string]any{"scope": "create:items"}, 403, `{"roles":[],"permissions":[]}`},
	} {
		headers := p.token(tt.extra)
		if a := r.do("POST", "/api/items", dish, headers...); a.Status != tt.create {
			t.Errorf("%s: create: %d %s", name, a.Status, a.Body)
		}
		if got := r.do("GET", "/api/me/permissions", "", headers...).is(200).Body; !strings.HasPrefix(got, strings.TrimSuffix(tt.want, "}")+`,"entities":{`) {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// TestKEY05_noAccount: whom a token of an issuer is about has no account here,
// people and machines alike: they own nothing, whatever they are called, and are
// refused where an account is needed.
func TestKEY05_noAccount(t *testing.T) {
	p := newProvider(t)
	r := start(t, options{basic: true, change: trust(p.oidc(), nil)})
	id := r.signUp("ada@x.example")
	ada := r.login("ada@x.example")
	session, _ := r.do("GET", "/api/account/sessions", "", ada...).is(200).json()["sessions"].([]any)[0].(map[string]any)["id"].(string)
	if session == "" {
		t.Fatal("ada has no session")
	}
	for name, headers := range map[string][]string{
		"person":       p.token(nil),
		"machine":      p.forge(forgery{change: func(c *jose.Claims) { c.Subject = "client@clients"; c.Extra["gty"] = "client-credentials" }}),
		"ada's number": p.forge(forgery{change: func(c *jose.Claims) { c.Subject = id }}),
		"her session": p.forge(forgery{change: func(c *jose.Claims) {
			c.Subject = id
			c.Extra["sid"] = session
			c.Extra["auth_time"] = time.Now().Unix()
		}}),
		"odd":  p.forge(forgery{change: func(c *jose.Claims) { c.Subject = "' OR 1=1 --\x00|%" }}),
		"long": p.forge(forgery{change: func(c *jose.Claims) { c.Subject = strings.Repeat("x", 2000) }}),
	} {
		t.Run(name, func(t *testing.T) {
			if me := r.do("GET", "/api/me", "", headers...).is(200).json(); !strings.HasPrefix(me["id"].(string), p.name+"|") || len(me) != 2 {
				t.Errorf("me is %v", me)
			}
			for _, q := range [][3]string{
				{"GET", "/api/account/sessions"},
				{"DELETE", "/api/account/sessions"},
				{"DELETE", "/api/account/sessions/" + session},
				{"PUT", "/api/account/password", `{"currentPassword":"` + goodPassword + `","password":"quince-Harbour-lantern-7"}`},
				{"GET", "/api/account/api-keys"},
				{"POST", "/api/account/api-keys", `{"name":"k","scopes":["owner"]}`},
				{"GET", "/api/account/nothing"},
			} {
				if a := r.do(q[0], q[1], q[2], headers...); a.Status != 403 {
					t.Errorf("%s %s: %d %s", q[0], q[1], a.Status, a.Body)
				}
			}
			r.do("GET", "/api/users/"+id, "", headers...).is(404)
			r.do("PATCH", "/api/users/"+id, `{"name":"Eve"}`, headers...).is(404)
			r.do("DELETE", "/api/users/"+id, "", headers...).is(404)
			r.do("GET", "/api/users", "", headers...).is(403)
			r.do("DELETE", "/api/authentication", "", headers...).is(400)
			r.do("GET", "/api/me", "", ada...).is(200)
		})
	}
}

// TestOIDC_otherIssuer: two settings point the same service at another issuer,
// and away from that of the design.
func TestOIDC_otherIssuer(t *testing.T) {
	designed, other := newProvider(t), newProvider(t)
	const audience = "urn:restaurant:staging"
	for _, noTokens := range []bool{false, true} {
		r := start(t, options{
			noTokens: noTokens, basic: true, change: trust(designed.oidc(), nil),
			environ: []string{"OIDC_ISSUER=" + other.name, "OIDC_AUDIENCE=" + audience},
		})
		token := other.forge(forgery{change: func(c *jose.Claims) { c.Audience = []string{audience}; c.Extra[rolesClaim] = []string{"menu-admin"} }})
		r.do("POST", "/api/items", `{"name":"Figs","price":1}`, token...).is(201)
		r.do("GET", "/api/me", "", other.token(nil)...).is(401) // the audience of the design
		r.do("GET", "/api/me", "", designed.token(nil)...).is(401)
	}
	if got := designed.asked.Load(); got != 0 {
		t.Errorf("%d requests to the issuer of the design", got)
	}
}
