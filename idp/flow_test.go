package idp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/internal/unverified"
)

const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

// authorization returns an authorization request of the single-page client.
func authorization(more ...string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	in := url.Values{
		"client_id": {idptest.SPA}, "redirect_uri": {idptest.Callback}, "response_type": {"code"},
		"scope": {"openid profile email offline_access create:items"}, "audience": {idptest.Audience}, "state": {"st=="}, "nonce": {"n1"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		in.Set(more[i], more[i+1])
		if more[i+1] == "" {
			in.Del(more[i])
		}
	}
	return in
}

// answerOf returns the parameters that an answer brings to the client.
func answerOf(t *testing.T, res *http.Response, body string) url.Values {
	t.Helper()
	where := res.Header.Get("Location")
	if !strings.HasPrefix(where, idptest.Callback) {
		t.Fatalf("not sent back: %d %q %.2000s", res.StatusCode, where, body)
	}
	u, err := url.Parse(where)
	if err != nil {
		t.Fatal(err)
	}
	if u.RawQuery != "" {
		return u.Query()
	}
	values, err := url.ParseQuery(u.Fragment)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func exchange(s *idptest.Server, code string, more ...string) (*http.Response, map[string]any) {
	in := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {idptest.SPA}, "code": {code}, "redirect_uri": {idptest.Callback},
		"code_verifier": {verifier},
	}
	for i := 0; i+1 < len(more); i += 2 {
		in.Set(more[i], more[i+1])
	}
	res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in)
	return res, s.JSON(body)
}

func claims(t *testing.T, token any) string {
	t.Helper()
	text, _ := token.(string)
	u, err := unverified.DecodeUnverified(text)
	if err != nil {
		t.Fatalf("%v: %v", err, token)
	}
	return string(u.Claims)
}

func TestCodeFlow(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com", "menu-admin")
	res, body := s.Login(s.HTTP, authorization(), "Ada@Example.com", idptest.Password)
	back := answerOf(t, res, body)
	if back.Get("state") != "st==" || back.Get("iss") != s.Issuer() {
		t.Errorf("answer %v", back)
	}
	res, tokens := exchange(s, back.Get("code"))
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d %v", res.StatusCode, tokens)
	}
	if got := claims(t, tokens["access_token"]); !strings.Contains(got, `"permissions":["create:items","delete:items","update:items"]`) ||
		!strings.Contains(got, `"scope":"openid profile email offline_access create:items"`) {
		t.Errorf("access token %s", got)
	}
	if got := claims(t, tokens["id_token"]); !strings.Contains(got, `"nonce":"n1"`) || !strings.Contains(got, `"email":"ada@example.com"`) {
		t.Errorf("ID token %s", got)
	}
	res, body = s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+tokens["access_token"].(string))
	if res.StatusCode != http.StatusOK || s.JSON(body)["email"] != "ada@example.com" {
		t.Errorf("userinfo: %d %s", res.StatusCode, body)
	}
	res, body = s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {idptest.SPA}, "refresh_token": {tokens["refresh_token"].(string)},
	})
	if res.StatusCode != http.StatusOK || s.JSON(body)["id_token"] == nil || s.JSON(body)["refresh_token"] == tokens["refresh_token"] {
		t.Errorf("refresh: %d %s", res.StatusCode, body)
	}
	// The session goes on, silently.
	res, body = s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("prompt", "none"))
	if answerOf(t, res, body).Get("code") == "" {
		t.Errorf("silent: %s", body)
	}
}
