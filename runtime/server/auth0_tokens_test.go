package server_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/jose"
)

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
		_, rest, _ := strings.Cut(p.forge(forgery{key: key, typ: "JWT"})[1], ".")
		head := "Bearer " + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","typ":"JWT","kid":"made-up-%d"}`, i))
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
	if got := get(r); got["domain"].(string)+"/" != foreign.name || got["clientId"] != "other" || got["audience"] != "urn:elsewhere" ||
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

// TestAuth0_pageDomain: Auth0's SDKs put https:// before a domain without a scheme.
func TestAuth0_pageDomain(t *testing.T) {
	p := newProvider(t)
	for name, tt := range map[string]struct {
		environ []string
		want    string
	}{
		"in the cloud":      {[]string{"AUTH0_ISSUER_URL=https://shop.eu.auth0.com/"}, "shop.eu.auth0.com"},
		"custom domain":     {[]string{"AUTH0_ISSUER_URL=https://shop.eu.auth0.com/", "AUTH0_DOMAIN=login.shop.example"}, "login.shop.example"},
		"this machine":      {[]string{"AUTH0_ISSUER_URL=http://localhost:3001/"}, "http://localhost:3001"},
		"this machine, TLS": {[]string{"AUTH0_ISSUER_URL=https://localhost:3001/"}, "localhost:3001"},
		"beside gate dev":   {[]string{"AUTH0_ISSUER_URL=http://localhost:3001/", "AUTH0_DOMAIN=localhost:3001"}, "http://localhost:3001"},
		"IPv6":              {[]string{"AUTH0_ISSUER_URL=http://[::1]:3001/"}, "http://[::1]:3001"},
		"another host":      {[]string{"AUTH0_ISSUER_URL=http://localhost:3001/", "AUTH0_DOMAIN=shop.eu.auth0.com"}, "shop.eu.auth0.com"},
	} {
		t.Run(name, func(t *testing.T) {
			got := start(t, withUsers(p.auth0(), tt.environ...)).do("GET", "/api/auth-config.json", "").is(200).json()
			if got["domain"] != tt.want {
				t.Errorf("the domain is %v, want %s", got["domain"], tt.want)
			}
		})
	}
}

// TestAuth0_refusalLogged: why a token is not taken is in the log for whoever asks
// for it, without the token.
func TestAuth0_refusalLogged(t *testing.T) {
	p := newProvider(t)
	o := withUsers(p.auth0())
	o.level = slog.LevelDebug
	r := start(t, o)
	headers := p.forge(forgery{typ: "JWT", iss: "https://evil.example/"})
	r.do("GET", "/api/me", "", headers...).is(401)
	log := r.logged()
	if !strings.Contains(log, `"msg":"token refused","issuer":"`+p.name+`","err":"`) {
		t.Errorf("the log is silent: %s", log)
	}
	if strings.Contains(log, strings.Split(headers[1], ".")[1]) {
		t.Errorf("the log has the token: %s", log)
	}
	o.level = slog.LevelInfo
	r = start(t, o)
	r.do("GET", "/api/me", "", headers...).is(401)
	if log := r.logged(); strings.Contains(log, "token refused") {
		t.Errorf("strangers fill the log: %s", log)
	}
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
