package idp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
)

// poisoned sends a request that says in every way that is known that it was for
// another host, and returns the answer.
func poisoned(s *idptest.Server, method, path string, form url.Values) *http.Response {
	r := httptest.NewRequest(method, "http://evil.example"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", formType)
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Server", "X-Host", "X-Original-Host", "X-HTTP-Host-Override"} {
		r.Header.Set(name, "evil.example")
	}
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("X-Forwarded-Port", "4443")
	r.Header.Set("X-Forwarded-Prefix", "/evil")
	r.Header.Set("Forwarded", "host=evil.example;proto=https")
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Referer", "https://evil.example/")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

// OTP-06: links in letters are to the issuer, whatever a request says of its host.
func TestOTP06_poisoned(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	res := poisoned(s, http.MethodPost, "/dbconnections/change_password", url.Values{
		"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"ada@example.com"},
	})
	if res.StatusCode != http.StatusOK || res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	res = poisoned(s, http.MethodPost, "/dbconnections/signup", url.Values{
		"client_id": {idptest.SPA}, "connection": {idptest.Connection}, "email": {"new@example.com"}, "password": {newPassword},
	})
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d", res.StatusCode)
	}
	for address, path := range map[string]string{"ada@example.com": "/u/reset-password?ticket=", "new@example.com": "/u/email-verification?ticket="} {
		for _, letter := range waitLetters(t, s, address, 1) {
			if strings.Contains(letter, "evil") || !strings.Contains(letter, s.URL+path) {
				t.Errorf("%s: %s", address, letter)
			}
		}
	}
}

// IDP-14: the issuer is that of the configuration, in what is said, in answers and in
// tokens.
func TestIDP14_host(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/jwks.json", "/u/login", "/authorize?" + authorization("prompt", "none").Encode(), "/v2/logout"} {
		res := poisoned(s, http.MethodGet, path, nil)
		var body strings.Builder
		if err := res.Write(&body); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(body.String(), "evil") {
			t.Errorf("%s: %.2000s", path, &body)
		}
		if strings.HasPrefix(path, "/authorize") {
			if back := answerOf(t, res, ""); back.Get("iss") != s.Issuer() {
				t.Errorf("answer %v", back)
			}
		}
	}
	res := poisoned(s, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret}, "audience": {idptest.Audience},
	})
	var body strings.Builder
	if err := res.Write(&body); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(body.String(), "\r\n\r\n")
	if got := claimsMap(t, s.JSON(text)["access_token"]); got["iss"] != s.Issuer() {
		t.Errorf("token %v", got)
	}
}
