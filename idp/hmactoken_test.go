package idp_test

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/jose"
)

const (
	sharedAPI    = "https://shared.example/api"
	sharedSecret = "9Wq2-shared-between-provider-and-API-7Lk"
	guest        = "guestClient000000000000000000a" // the API sharedAPI as a client
	host         = "hostClient0000000000000000000a" // the API idptest.Audience as a client
)

// shared returns a provider with an API whose tokens are signed with a secret.
func shared(t *testing.T) *idptest.Server {
	t.Helper()
	s := idptest.New(t, idptest.Config{})
	ctx := t.Context()
	if err := s.Tenant().APIs.Create(ctx, &tenant.API{
		ID: tenant.NewSubject(), Name: "Shared", Identifier: sharedAPI, SigningAlg: "HS256", SigningSecret: sharedSecret,
		SkipConsent: true, Scopes: []tenant.APIScope{{Value: "read:all"}},
	}); err != nil {
		t.Fatal(err)
	}
	for id, api := range map[string]string{guest: sharedAPI, host: idptest.Audience} {
		if err := s.Tenant().Clients.Create(ctx, &tenant.Client{
			ID: id, Name: api, AppType: "resource_server", AuthMethod: tenant.AuthPost, Secret: idptest.Secret,
			Extra: tenant.Extra{"resource_server_identifier": []byte(`"` + api + `"`)},
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Tenant().Grants.Create(ctx, &tenant.ClientGrant{
		ID: "cgr_shared0000000001", ClientID: idptest.Machine, Audience: sharedAPI, Scope: []string{"read:all"},
	}); err != nil {
		t.Fatal(err)
	}
	if err := offer(s, idptest.SPA, idptest.Web, idptest.Machine); err != nil { // or no token of the machine is about a person
		t.Fatal(err)
	}
	s.AddUser("ada@example.com")
	return s
}

// at asks an endpoint about a token, as a client.
func at(s *idptest.Server, path, client, token string) (int, map[string]any) {
	res, body := s.Do(s.HTTP, http.MethodPost, path, url.Values{"client_id": {client}, "client_secret": {idptest.Secret}, "token": {token}})
	if body == "" {
		return res.StatusCode, nil
	}
	return res.StatusCode, s.JSON(body)
}

// forge signs what whoever keeps the secret of the API likes.
func forge(t *testing.T, s *idptest.Server, secret string, change map[string]any) string {
	t.Helper()
	key, err := jose.NewHMACKey("", jose.HS256, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	u, err := s.Tenant().User(t.Context(), userID(t, s, "ada@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	mark, err := s.MarkOf(t.Context(), idptest.Machine)
	if err != nil {
		t.Fatal(err)
	}
	c := &jose.Claims{
		Issuer: s.Issuer(), Subject: u.ID, Audience: []string{sharedAPI}, IssuedAt: time.Now(),
		Expiry: time.Now().Add(time.Hour), ID: "forged." + strconv.FormatInt(u.Epoch, 36) + "." + mark, Extra: map[string]any{"azp": idptest.Machine, "scope": "openid read:all"},
	}
	if aud, ok := change["aud"].([]string); ok {
		c.Audience = aud
	}
	if id, ok := change["jti"].(string); ok {
		c.ID = id
	}
	extra := maps.Clone(change)
	delete(extra, "aud")
	delete(extra, "jti")
	maps.Copy(c.Extra, extra)
	text, err := jose.Sign(key, "JWT", c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// JWT-01: the secret of an API makes tokens for that API, and for nothing else.
func TestJWT01_secretOfAnAPI(t *testing.T) {
	s := shared(t)
	active := func(client, token string) bool {
		t.Helper()
		status, body := at(s, "/oauth/introspect", client, token)
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, body)
		}
		return body["active"] == true
	}
	userinfo, management := s.URL+"/userinfo", s.Issuer()+"api/v2/"
	for name, token := range map[string]string{
		"another API besides":    forge(t, s, sharedSecret, map[string]any{"aud": []string{sharedAPI, idptest.Audience}}),
		"another API":            forge(t, s, sharedSecret, map[string]any{"aud": []string{idptest.Audience}}),
		"UserInfo":               forge(t, s, sharedSecret, map[string]any{"aud": []string{userinfo}}),
		"the Management API":     forge(t, s, sharedSecret, map[string]any{"aud": []string{sharedAPI, management}, "scope": "read:users"}),
		"another secret":         forge(t, s, "another-secret-of-some-other-API-39b7", nil),
		"a secret of the client": forge(t, s, idptest.Secret, nil),
		"an ID token":            forge(t, s, sharedSecret, map[string]any{"nonce": "n"}),
	} {
		for _, client := range []string{idptest.Machine, guest, host} {
			if active(client, token) {
				t.Errorf("%s: active for %s", name, client)
			}
		}
	}
	own := forge(t, s, sharedSecret, map[string]any{"aud": []string{sharedAPI, userinfo}})
	if !active(guest, own) {
		t.Error("the API does not know its own token")
	}
	if active(host, own) || active(idptest.Web, own) {
		t.Error("another API or client is told of it")
	}
	if res, body := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+own); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("UserInfo: %d %s", res.StatusCode, body)
	}
	if status, _ := manage(t, s, own, http.MethodGet, "users", ""); status != http.StatusUnauthorized {
		t.Errorf("Management API: %d", status)
	}
}

// A token of the provider is active for its client and its API until it is
// revoked; a name that a forger chose revokes nothing else.
func TestIntrospect_secretOfAnAPI(t *testing.T) {
	s := shared(t)
	status, body := machineToken(s, "audience", sharedAPI)
	token, _ := body["access_token"].(string)
	if status != http.StatusOK || header(t, token)["alg"] != "HS256" {
		t.Fatalf("%d %v", status, body)
	}
	for _, client := range []string{idptest.Machine, guest} {
		if _, body := at(s, "/oauth/introspect", client, token); body["active"] != true || body["client_id"] != idptest.Machine || body["scope"] != "read:all" || body["sub"] != idptest.Machine+"@clients" {
			t.Errorf("%s: %v", client, body)
		}
	}
	_, body = machineToken(s)
	other, _ := body["access_token"].(string)
	id, _ := claimsMap(t, other)["jti"].(string)
	if status, _ := at(s, "/oauth/revoke", idptest.Machine, forge(t, s, sharedSecret, map[string]any{"jti": id})); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	if _, body := at(s, "/oauth/introspect", idptest.Machine, other); body["active"] != true {
		t.Errorf("a token of another API was revoked by a forged one: %v", body)
	}
	if status, _ := at(s, "/oauth/revoke", guest, token); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	if _, body := at(s, "/oauth/introspect", guest, token); body["active"] != true {
		t.Error("revoked by somebody whose it is not")
	}
	if status, _ := at(s, "/oauth/revoke", idptest.Machine, token); status != http.StatusOK {
		t.Errorf("%d", status)
	}
	if _, body := at(s, "/oauth/introspect", guest, token); body["active"] != false {
		t.Errorf("revoked: %v", body)
	}
}

// LOG-13: a token of a client that was removed is worth nothing to an API.
func TestLOG13_introspectRemovedClient(t *testing.T) {
	s := shared(t)
	res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret}, "audience": {idptest.Audience},
	})
	token, _ := s.JSON(body)["access_token"].(string)
	if _, body := at(s, "/oauth/introspect", host, token); body["active"] != true {
		t.Fatalf("%d, before: %v", res.StatusCode, body)
	}
	if err := s.Tenant().Clients.Delete(t.Context(), idptest.Machine); err != nil {
		t.Fatal(err)
	}
	if status, body := at(s, "/oauth/introspect", host, token); status != http.StatusOK || body["active"] != false || len(body) != 1 {
		t.Errorf("after: %d %v", status, body)
	}
}
