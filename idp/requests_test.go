package idp_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// send sends a body as it is.
func send(t *testing.T, s *idptest.Server, method, path, kind, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := s.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data)
}

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// OPS-02, OPS-03, LOG-11: a body is bounded before it is read, is a form or one
// JSON object, and its values are texts.
func TestLOG11_bodies(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	const begin = `{"grant_type":"http://auth0.com/oauth/grant-type/password-realm","realm":"` + idptest.Connection + `","client_id":"` +
		idptest.Web + `","client_secret":"` + idptest.Secret + `","username":"ada@example.com",`
	if status, body := send(t, s, http.MethodPost, "/oauth/token", jsonType, begin+`"password":"`+idptest.Password+`"}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	for name, tt := range map[string]struct {
		kind, body string
		status     int
	}{
		"an operator":    {jsonType, begin + `"password":{"$gte":""}}`, 400},
		"a list":         {jsonType, begin + `"password":["` + idptest.Password + `"]}`, 400},
		"true":           {jsonType, begin + `"password":true}`, 400},
		"null":           {jsonType, begin + `"password":null}`, 400},
		"a number":       {jsonType, begin + `"password":1}`, 403},
		"NUL":            {jsonType, begin + `"password":"a\u0000"}`, 400},
		"a member twice": {jsonType, begin + `"password":"x","password":"` + idptest.Password + `"}`, 400},
		"two objects":    {jsonType, begin + `"password":"` + idptest.Password + `"}{}`, 400},
		"no object":      {jsonType, `["grant_type"]`, 400},
		"depth":          {jsonType, begin + `"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, 400},
		"too long":       {jsonType, begin + `"password":"` + strings.Repeat("a", 65<<10) + `"}`, 413},
		"a long form":    {formType, "grant_type=password&x=" + strings.Repeat("a", 65<<10), 413},
		"a form twice":   {formType, "grant_type=client_credentials&grant_type=password", 400},
		"no UTF-8":       {formType, "grant_type=%ff", 400},
		"a bad escape":   {formType, "grant_type=%zz", 400},
		"plain text":     {"text/plain", begin + `"password":"` + idptest.Password + `"}`, 400},
		"no type":        {"", begin + `"password":"` + idptest.Password + `"}`, 400},
		"several parts":  {"multipart/form-data; boundary=x", "--x--", 400},
	} {
		status, body := send(t, s, http.MethodPost, "/oauth/token", tt.kind, tt.body)
		if status != tt.status || strings.Contains(body, "access_token") {
			t.Errorf("%s: %d %.200s", name, status, body)
		}
	}
	status, body := send(t, s, http.MethodPost, "/oauth/token", jsonType, begin+`"password":"`+idptest.Password+`"}`, "Content-Encoding", "gzip")
	if status != http.StatusUnsupportedMediaType || !strings.Contains(body, "without a Content-Encoding") {
		t.Errorf("gzip: %d %s", status, body) // it is not unpacked, and not taken for something else
	}
	// Pages and the other endpoints read bodies the same way.
	for _, path := range []string{
		"/authorize", "/oauth/revoke", "/oauth/introspect", "/dbconnections/signup", "/dbconnections/change_password", "/oidc/logout", "/u/login", "/userinfo",
	} {
		if status, _ := send(t, s, http.MethodPost, path, formType, "x="+strings.Repeat("a", 65<<10)); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _ := send(t, s, http.MethodGet, "/authorize?x="+strings.Repeat("a", 9<<10), "", ""); status != http.StatusBadRequest {
		t.Errorf("a long query: %d", status)
	}
}

// LOG-15: a token is sent once, in one place.
func TestLOG15_userinfo(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	token, _ := enter(t, s, s.HTTP, "ada@example.com")["access_token"].(string)
	in := url.Values{"access_token": {token}}.Encode()
	for name, tt := range map[string]struct {
		method, path, kind, body string
		header                   []string
		status                   int
	}{
		"header":             {"GET", "/userinfo", "", "", []string{"Authorization", "Bearer " + token}, 200},
		"in small":           {"GET", "/userinfo", "", "", []string{"Authorization", "bearer " + token}, 200},
		"form":               {"POST", "/userinfo", formType, in, nil, 200},
		"nothing":            {"GET", "/userinfo", "", "", nil, 401},
		"another scheme":     {"GET", "/userinfo", "", "", []string{"Authorization", "Bearerx " + token}, 401},
		"Basic":              {"GET", "/userinfo", "", "", []string{"Authorization", "Basic " + token}, 401},
		"words behind":       {"GET", "/userinfo", "", "", []string{"Authorization", "Bearer " + token + " x"}, 401},
		"two words":          {"GET", "/userinfo", "", "", []string{"Authorization", "Bearer x " + token}, 401},
		"header and query":   {"GET", "/userinfo?" + in, "", "", []string{"Authorization", "Bearer " + token}, 400},
		"header and form":    {"POST", "/userinfo", formType, in, []string{"Authorization", "Bearer " + token}, 400},
		"query and form":     {"POST", "/userinfo?" + in, formType, in, nil, 400},
		"query twice":        {"GET", "/userinfo?" + in + "&" + in, "", "", nil, 400},
		"two headers":        {"GET", "/userinfo", "", "", []string{"Authorization", "Bearer " + token, "Authorization", "Bearer x"}, 400},
		"two headers, other": {"GET", "/userinfo", "", "", []string{"Authorization", "Basic eDp5", "Authorization", "Bearer " + token}, 400},
	} {
		if status, body := send(t, s, tt.method, tt.path, tt.kind, tt.body, tt.header...); status != tt.status {
			t.Errorf("%s: %d %.200s", name, status, body)
		}
	}
}

// LOG-15: a token for userinfo that was asked for without openid says who may not read
// what (RFC 6750 §3.1); one for an API alone is none for userinfo, as at Auth0.
func TestLOG15_userinfoScope(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	ada := s.AddUser("ada@example.com")
	ask := func(tokens map[string]any) (*http.Response, map[string]any) {
		res, body := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", fmt.Sprint("Bearer ", tokens["access_token"]))
		return res, s.JSON(body)
	}
	opaque := enter(t, s, s.Browser(), "ada@example.com", "scope", "profile email", "audience", "", "nonce", "")
	res, said := ask(opaque)
	if got := res.Header.Get("WWW-Authenticate"); res.StatusCode != http.StatusForbidden || said["error"] != "insufficient_scope" || said["sub"] != nil ||
		!strings.HasPrefix(got, `Bearer error="insufficient_scope"`) || !strings.HasSuffix(got, `scope="openid"`) {
		t.Errorf("without openid: %d %v %v", res.StatusCode, res.Header, said)
	}
	api := enter(t, s, s.Browser(), "ada@example.com", "scope", "create:items", "nonce", "")
	res, said = ask(api)
	if res.StatusCode != http.StatusUnauthorized || said["error"] != "invalid_token" || res.Header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
		t.Errorf("for an API: %d %v %v", res.StatusCode, res.Header, said)
	}
	// Who is gone learns nothing about scopes.
	if err := s.Tenant().DeleteUser(t.Context(), ada.ID); err != nil {
		t.Fatal(err)
	}
	if res, _ := ask(opaque); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("of nobody: %d", res.StatusCode)
	}
}

// OPS-07: browsers are told to use https alone, but not for this machine: there
// it would count for all ports, and so for what others listen on.
func TestOPS07_strictTransport(t *testing.T) {
	for issuer, want := range map[string]string{"https://id.example.com/": "max-age=31536000", "https://localhost:3101/": "", "http://localhost:3101/": ""} {
		s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.Issuer, c.Development, c.Outbox = issuer, false, "" }})
		if res, _ := s.Do(s.HTTP, http.MethodGet, "/healthz", nil); res.Header.Get("Strict-Transport-Security") != want {
			t.Errorf("%s: %v", issuer, res.Header)
		}
	}
}

// OPS-07, OPS-12: headers of safety are on every answer, and what is said about
// health is yes or no.
func TestOPS07_answers(t *testing.T) {
	s := idptest.New(t, idptest.Config{TLS: true})
	for path, status := range map[string]int{
		"/.well-known/openid-configuration": 200, "/.well-known/jwks.json": 200, "/authorize": 400, "/u/login": 400, "/userinfo": 401,
		"/oauth/token": 404, "/v2/logout": 200, "/oidc/logout": 200, "/nothing": 404, "/api/v2/users": 401, "/healthz": 200, "/u/reset-password": 400,
		"/login/callback/x": 400, "/pem": 200, "/cer": 200,
	} {
		res, body := s.Do(s.Browser(), http.MethodGet, path, nil)
		if res.StatusCode != status || res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
		}
		if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") &&
			(!strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") || res.Header.Get("X-Frame-Options") != "DENY") {
			t.Errorf("%s: a page without a policy: %v", path, res.Header)
		}
		if path == "/healthz" && strings.TrimSpace(body) != `{"status":"ok"}` {
			t.Errorf("health says %s", body)
		}
	}
	if err := s.DB.Close(); err != nil {
		t.Fatal(err)
	}
	res, body := s.Do(s.Browser(), http.MethodGet, "/healthz", nil)
	if res.StatusCode != http.StatusServiceUnavailable || strings.Contains(body, "sql") || strings.Contains(body, "database is closed") {
		t.Errorf("without a database: %d %s", res.StatusCode, body)
	}
}

// IDP-15, IDP-16, IDP-17, IDP-18, IDP-20: what is not there is refused, and is
// not mistaken for something else.
func TestIDP20_notThere(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	setClient(t, s, idptest.Web, func(c *tenant.Client) {
		c.GrantTypes = append(c.GrantTypes, "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange",
			"urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:openid:params:grant-type:ciba", "http://auth0.com/oauth/grant-type/mfa-otp",
			"http://auth0.com/oauth/grant-type/passwordless/otp")
	})
	for _, grant := range []string{
		"urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer",
		"urn:openid:params:grant-type:ciba", "http://auth0.com/oauth/grant-type/mfa-otp", "http://auth0.com/oauth/grant-type/passwordless/otp", "implicit",
	} {
		res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
			"grant_type": {grant}, "client_id": {idptest.Web}, "client_secret": {idptest.Secret}, "device_code": {"x"}, "audience": {idptest.Audience},
			"subject_token": {tokens["access_token"].(string)}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
			"assertion": {tokens["access_token"].(string)},
		})
		if got := s.JSON(body); res.StatusCode < 400 || res.StatusCode >= 500 || got["error"] != "unsupported_grant_type" || got["access_token"] != nil {
			t.Errorf("%s: %d %s", grant, res.StatusCode, body)
		}
	}
	for _, path := range []string{"/oauth/device/code", "/activate", "/oidc/register", "/oauth/par", "/bc-authorize", "/passwordless/start", "/mfa/challenge"} {
		if res, body := s.Do(s.HTTP, http.MethodPost, path, url.Values{"client_id": {idptest.Web}, "client_secret": {idptest.Secret}}); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	// Who sends a proof of a key learns that the token is bound to none.
	res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {idptest.SPA}, "refresh_token": {tokens["refresh_token"].(string)},
	}, "DPoP", "x.y.z")
	if got := s.JSON(body); res.StatusCode != http.StatusOK || got["token_type"] != "Bearer" || strings.Contains(claims(t, got["access_token"]), "cnf") {
		t.Errorf("with a proof: %d %s", res.StatusCode, body)
	}
}

// RFC 8707 §2.2: whoever asks for a token for a resource gets one for that, or
// none.
func TestIDP13_resourceOfAnExchange(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	code := func(more ...string) string {
		t.Helper()
		res, body := s.Login(s.Browser(), authorization(more...), "ada@example.com", idptest.Password)
		return answerOf(t, res, body).Get("code")
	}
	userinfo := s.URL + "/userinfo"
	for _, tt := range []struct {
		name, audience, resource string
		want                     int
	}{
		{"the granted one", idptest.Audience, idptest.Audience, http.StatusOK},
		{"another one", idptest.Audience, s.Issuer() + "api/v2/", http.StatusBadRequest},
		{"an unknown one", idptest.Audience, "https://nothing.example", http.StatusBadRequest},
		{"part of the granted", idptest.Audience, userinfo, http.StatusBadRequest},
		{"userinfo alone", "", userinfo, http.StatusOK},
		{"more than userinfo", "", idptest.Audience, http.StatusBadRequest},
	} {
		res, tokens := exchange(s, code("audience", tt.audience), "resource", tt.resource)
		if res.StatusCode != tt.want || tt.want != http.StatusOK && tokens["error"] != "invalid_target" {
			t.Errorf("a code, %s: %d %v", tt.name, res.StatusCode, tokens)
		}
		_, tokens = exchange(s, code("audience", tt.audience))
		res, next := refresh(s, tokens["refresh_token"], "resource", tt.resource)
		if res.StatusCode != tt.want || tt.want != http.StatusOK && (next["error"] != "invalid_target" || next["access_token"] != nil) {
			t.Errorf("a refresh, %s: %d %v", tt.name, res.StatusCode, next)
		}
		if tt.want == http.StatusOK {
			continue
		}
		if res, next := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusOK {
			t.Errorf("%s: the refresh token is used up: %d %v", tt.name, res.StatusCode, next)
		}
	}
}
