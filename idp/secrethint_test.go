package idp_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/jose"
)

// byWeb logs ada in to the client with a secret and returns the ID token.
func byWeb(t *testing.T, s *idptest.Server, browser *http.Client) string {
	t.Helper()
	res, body := s.Login(browser, web("scope", "openid"), "ada@example.com", idptest.Password)
	_, tokens := exchange(s, answerOf(t, res, body).Get("code"), "client_id", idptest.Web, "client_secret", idptest.Secret)
	id, _ := tokens["id_token"].(string)
	if id == "" {
		t.Fatal(tokens)
	}
	return id
}

// secretly makes the tokens of a client ones that are signed with its secret.
func secretly(t *testing.T, s *idptest.Server, id string) {
	t.Helper()
	setClient(t, s, id, func(c *tenant.Client) { c.JWT.Algorithm = "HS256" })
}

// An ID token that is signed with the secret of its client says whom it is about
// as any other does.
func TestIDP12_secretHint(t *testing.T) {
	s, now := withClock(t)
	ada := s.AddUser("ada@example.com")
	secretly(t, s, idptest.Web)
	browser := s.Browser()
	id := byWeb(t, s, browser)
	now.turn(11 * time.Hour) // an expired one, too
	res, body := s.Do(browser, http.MethodGet, "/authorize", web("scope", "openid", "prompt", "none", "id_token_hint", id))
	if back := answerOf(t, res, body); !back.Has("code") {
		t.Errorf("silently: %v", back)
	}
	s.AddUser("bob@example.com")
	res, body = s.Login(s.Browser(), web("scope", "openid", "id_token_hint", id), "bob@example.com", idptest.Password)
	if back := answerOf(t, res, body); back.Get("error") != "login_required" {
		t.Errorf("somebody else: %v", back)
	}
	res, _ = s.Do(browser, http.MethodGet, "/oidc/logout", url.Values{"id_token_hint": {id}, "post_logout_redirect_uri": {idptest.LogoutURL}})
	if res.StatusCode != http.StatusFound {
		t.Errorf("log-out: %d", res.StatusCode)
	}
	if silent(t, s, browser).Has("code") {
		t.Errorf("%s is still logged in", ada.ID)
	}
}

// JWT-01: a secret speaks for its client alone, where it is the one that signs.
func TestJWT01_secretOfAClient(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	ada := s.AddUser("ada@example.com")
	const (
		other       = "otherClient0000000000000000000"
		otherSecret = "8Vd2-of-another-client-altogether-5Qx"
		open        = "openClient00000000000000000000"
	)
	for _, c := range []*tenant.Client{
		{ID: other, Name: "Other", AppType: tenant.RegularWeb, AuthMethod: tenant.AuthPost, Secret: otherSecret},
		{ID: open, Name: "Open", AppType: tenant.SPA, AuthMethod: tenant.AuthNone, Secret: otherSecret},
	} {
		c.JWT.Algorithm = "HS256"
		if err := s.Tenant().Clients.Create(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	secretly(t, s, idptest.Web)
	public, signing := jwksKeys(t, s), ""
	for _, k := range public.Keys() {
		if key, ok := public.ByID(k.ID); ok && key.Algorithm() == jose.RS256 {
			data, err := json.Marshal(key)
			if err != nil {
				t.Fatal(err)
			}
			signing = string(data)
		}
	}
	modulus := map[string]string{}
	if err := json.Unmarshal([]byte(signing), &modulus); err != nil {
		t.Fatal(err)
	}
	sign := func(secret string, change func(*jose.Claims)) string {
		t.Helper()
		key, err := jose.NewHMACKey("", jose.HS256, []byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		c := &jose.Claims{
			Issuer: s.Issuer(), Subject: ada.ID, Audience: []string{idptest.Web}, IssuedAt: time.Now(), Expiry: time.Now().Add(time.Hour),
			Extra: map[string]any{},
		}
		if change != nil {
			change(c)
		}
		text, err := jose.Sign(key, "JWT", c)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, token := range map[string]string{
		"the secret of another client":          sign(otherSecret, nil),
		"another client's name":                 sign(idptest.Secret, func(c *jose.Claims) { c.Audience = []string{other} }),
		"two clients":                           sign(idptest.Secret, func(c *jose.Claims) { c.Audience = []string{idptest.Web, other} }),
		"a client of the same secret, by RS256": sign(idptest.Secret, func(c *jose.Claims) { c.Audience = []string{idptest.Machine} }),
		"a client that keeps no secret":         sign(otherSecret, func(c *jose.Claims) { c.Audience = []string{open} }),
		"another issuer":                        sign(idptest.Secret, func(c *jose.Claims) { c.Issuer = "https://else.example/" }),
		"the public key":                        sign(modulus["n"], nil),
		"an API":                                sign(idptest.Secret, func(c *jose.Claims) { c.Audience = []string{idptest.Audience} }),
	} {
		res, _ := s.Do(s.Browser(), http.MethodGet, "/oidc/logout", url.Values{"id_token_hint": {token}})
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: log-out %d", name, res.StatusCode)
		}
		res, body := s.Do(s.Browser(), http.MethodGet, "/authorize", web("scope", "openid", "prompt", "none", "id_token_hint", token))
		if back := answerOf(t, res, body); back.Get("error") != "invalid_request" {
			t.Errorf("%s: hint %v", name, back)
		}
	}
}

// CLI-09: whoever keeps the secret of a client makes ID tokens as they like. They
// link an account only while its owner is logged in to that client, from when they
// came in.
func TestCLI09_proofBySecret(t *testing.T) {
	s, now := withClock(t)
	ada, mallory := s.AddUser("ada@example.com"), s.AddUser("mallory@example.com")
	secretly(t, s, idptest.Web)
	browser := s.Browser()
	honest := claimsMap(t, byWeb(t, s, browser))
	now.turn(time.Hour)                         // by now the log-in is too old to link anything
	enter(t, s, s.Browser(), "ada@example.com") // a session of now, in which the client has no part
	sessions, err := s.Tenant().SessionsOf(t.Context(), ada.ID)
	if err != nil || len(sessions) != 2 {
		t.Fatalf("%d sessions, %v", len(sessions), err)
	}
	own, sid := honest["sid"].(string), ""
	for _, ses := range sessions {
		if ses.ID != own {
			sid = ses.ID
		}
	}
	key, err := jose.NewHMACKey("", jose.HS256, []byte(idptest.Secret))
	if err != nil {
		t.Fatal(err)
	}
	link := func(change map[string]any) int {
		t.Helper()
		res, body := s.Login(s.Browser(), web("audience", s.Issuer()+"api/v2/", "scope", "openid update:current_user_identities"), "mallory@example.com", idptest.Password)
		_, tokens := exchange(s, answerOf(t, res, body).Get("code"), "client_id", idptest.Web, "client_secret", idptest.Secret)
		token, _ := tokens["access_token"].(string)
		c := &jose.Claims{
			Issuer: s.Issuer(), Subject: ada.ID, Audience: []string{idptest.Web}, IssuedAt: now.now(), Expiry: now.now().Add(time.Hour),
			Extra: map[string]any{"sid": own, "auth_time": now.now().Unix()},
		}
		for name, value := range change {
			c.Extra[name] = value
			if value == nil {
				delete(c.Extra, name)
			}
		}
		proof, err := jose.Sign(key, "JWT", c)
		if err != nil {
			t.Fatal(err)
		}
		status, _ := manage(t, s, token, http.MethodPost, "users/"+url.PathEscape(mallory.ID)+"/identities", `{"link_with":"`+proof+`"}`)
		return status
	}
	res, body := s.Login(s.Browser(), web("scope", "openid"), "mallory@example.com", idptest.Password)
	_, tokens := exchange(s, answerOf(t, res, body).Get("code"), "client_id", idptest.Web, "client_secret", idptest.Secret)
	theirs := claimsMap(t, tokens["id_token"])["sid"] // of now as well, and of the client
	for name, change := range map[string]map[string]any{
		"a time that is made up":   {},
		"no time":                  {"auth_time": nil},
		"a session of others":      {"sid": sid},
		"that of another person":   {"sid": theirs},
		"no session":               {"sid": nil},
		"a session that is no one": {"sid": "x"},
	} {
		if status := link(change); status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, status)
		}
	}
	res, body = s.Login(browser, web("scope", "openid", "prompt", "login"), "ada@example.com", idptest.Password)
	answerOf(t, res, body)
	if status := link(nil); status != http.StatusCreated {
		t.Errorf("after a log-in of now: %d", status)
	}
}

// IDP-12: an access token is no hint, also where an API has the name of a client.
func TestIDP12_accessTokenIsNoHint(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	for id, identifier := range map[string]string{"api_spa": idptest.SPA, "api_web": idptest.Web} {
		other := &tenant.API{ID: id, Identifier: "https://" + id + ".example/", Scopes: []tenant.APIScope{{Value: "read"}}}
		if err := s.Tenant().APIs.Create(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		// As in a database from when that was not refused.
		if _, err := s.DB.Exec(t.Context(), "UPDATE idp_objects SET name = $1, doc = REPLACE(doc, $2, $1) WHERE id = $3", identifier, other.Identifier, id); err != nil {
			t.Fatal(err)
		}
	}
	for name, in := range map[string][]string{
		"of another client":    {"audience", idptest.SPA, "scope", "read"},
		"for userinfo as well": {"audience", idptest.Web, "scope", "openid read"},
	} {
		browser := s.Browser()
		res, body := s.Login(browser, web(in...), "ada@example.com", idptest.Password)
		_, tokens := exchange(s, answerOf(t, res, body).Get("code"), "client_id", idptest.Web, "client_secret", idptest.Secret)
		token, _ := tokens["access_token"].(string)
		if res, _ := s.Do(browser, http.MethodGet, "/oidc/logout", url.Values{"id_token_hint": {token}}); token == "" || res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d %v", name, res.StatusCode, tokens)
		}
		if !silent(t, s, browser).Has("code") {
			t.Errorf("%s: logged out", name)
		}
	}
}
