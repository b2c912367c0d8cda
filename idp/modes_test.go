package idp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/internal/unverified"
	"github.com/gatewright/gate/jose"
)

// web is a request of the confidential client.
func web(more ...string) url.Values {
	return authorization(append([]string{"client_id", idptest.Web}, more...)...)
}

var inputs = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// posted returns what a page sends to the client, and where.
func posted(body string) (string, url.Values) {
	_, rest, _ := strings.Cut(body, `action="`)
	target, _, _ := strings.Cut(rest, `"`)
	out := url.Values{}
	for _, m := range inputs.FindAllStringSubmatch(body, -1) {
		out.Set(m[1], html.UnescapeString(m[2]))
	}
	return html.UnescapeString(target), out
}

func TestIDP05_modes(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	enter(t, s, s.HTTP, "ada@example.com")
	for _, tt := range []struct{ types, mode, where, has, hasNot string }{
		{"code", "", "query", "code state iss", "access_token id_token"},
		{"code", "query", "query", "code state iss", ""},
		{"code", "fragment", "fragment", "code state iss", ""},
		{"code", "form_post", "form", "code state iss", ""},
		{"id_token", "", "fragment", "id_token state iss", "code access_token"},
		{"id_token", "form_post", "form", "id_token state iss", "code access_token"},
		{"token", "", "fragment", "access_token token_type expires_in state iss", "code id_token"},
		{"id_token token", "", "fragment", "access_token id_token token_type expires_in scope", "code refresh_token"},
		{"code id_token", "", "fragment", "code id_token", "access_token"},
		{"code id_token token", "form_post", "form", "code id_token access_token", "refresh_token"},
		{"id_token", "query", "fragment", "error", "id_token"},
		{"token", "query", "fragment", "error", "access_token"},
	} {
		res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", web("response_type", tt.types, "response_mode", tt.mode))
		u, err := url.Parse(res.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		where, got := "", url.Values{}
		switch {
		case u.Fragment != "":
			where = "fragment"
			if got, err = url.ParseQuery(u.Fragment); err != nil {
				t.Fatal(err)
			}
		case u.RawQuery != "":
			where, got = "query", u.Query()
		case strings.HasPrefix(body, "<!doctype"):
			var target string
			where = "form"
			if target, got = posted(body); target != idptest.Callback {
				t.Errorf("%s %s: form to %q", tt.types, tt.mode, target)
			}
		}
		if where != tt.where || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: answer in the %s, %q", tt.types, tt.mode, where, res.Header.Get("Cache-Control"))
		}
		for name := range strings.FieldsSeq(tt.has) {
			if got.Get(name) == "" {
				t.Errorf("%s %s: no %s in %v", tt.types, tt.mode, name, got)
			}
		}
		for name := range strings.FieldsSeq(tt.hasNot) {
			if got.Has(name) {
				t.Errorf("%s %s: %s in %v", tt.types, tt.mode, name, got)
			}
		}
		if got.Get("state") != "st==" {
			t.Errorf("%s %s: state %q", tt.types, tt.mode, got.Get("state"))
		}
		checkHashes(t, got)
	}
	// Without a nonce an ID token could be that of another log-in.
	res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", web("response_type", "id_token", "nonce", ""))
	if back := answerOf(t, res, body); back.Get("error") != "invalid_request" || back.Has("id_token") {
		t.Errorf("no nonce: %v", back)
	}
	// The single-page client may not have tokens from there.
	for _, types := range []string{"token", "id_token", "id_token token", "code id_token", "code token"} {
		res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("response_type", types))
		if back := answerOf(t, res, body); back.Get("error") != "unauthorized_client" || back.Has("code") {
			t.Errorf("%s: %v", types, back)
		}
	}
}

// checkHashes compares what an ID token says of its companions (OpenID Connect
// Core 1.0 §3.3.2.11).
// A page of ours posts answers to pages alone: an application on a device is told
// so by a redirect.
func TestIDP05_modesOfApplications(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	enter(t, s, s.HTTP, "ada@example.com")
	const ours, v6 = "com.example.app:/cb", "http://[::1]:8080/cb"
	setClient(t, s, idptest.SPA, func(c *tenant.Client) {
		c.AppType, c.Callbacks, c.WebOrigins = tenant.Native, []string{ours, v6}, []string{"http://[::1]:8080"}
	})
	for _, tt := range []struct{ uri, mode, want string }{
		{ours, "form_post", "invalid_request"},
		{ours, "web_message", "invalid_request"},
		{v6, "web_message", "invalid_request"},
		{ours, "query", ""},
		{ours, "fragment", ""},
	} {
		res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("redirect_uri", tt.uri, "response_mode", tt.mode, "prompt", "none"))
		u, err := url.Parse(res.Header.Get("Location"))
		if err != nil || res.StatusCode != http.StatusFound || !strings.HasPrefix(u.String(), tt.uri+map[bool]string{true: "#", false: "?"}[tt.mode == "fragment"]) {
			t.Errorf("%s %s: %d %s %.300s", tt.uri, tt.mode, res.StatusCode, u, body)
			continue
		}
		back := u.Query()
		if tt.mode == "fragment" {
			back, _ = url.ParseQuery(u.Fragment)
		}
		if back.Get("error") != tt.want || back.Has("code") != (tt.want == "") || back.Get("state") != "st==" {
			t.Errorf("%s %s: %v", tt.uri, tt.mode, back)
		}
	}
	if res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("redirect_uri", v6, "response_mode", "form_post", "prompt", "none")); res.StatusCode != http.StatusOK {
		t.Errorf("form_post to a page: %d %.300s", res.StatusCode, body)
	}
}

func checkHashes(t *testing.T, got url.Values) {
	t.Helper()
	if !got.Has("id_token") {
		return
	}
	c := claimsMap(t, got.Get("id_token"))
	half := func(name string) any {
		if !got.Has(name) {
			return nil
		}
		sum := sha256.Sum256([]byte(got.Get(name)))
		return base64.RawURLEncoding.EncodeToString(sum[:16])
	}
	if c["nonce"] != "n1" || c["c_hash"] != half("code") || c["at_hash"] != half("access_token") || c["aud"] != idptest.Web {
		t.Errorf("ID token %v", c)
	}
}

func TestIDP10_webMessage(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	for _, prompt := range []string{"code", "error"} {
		if prompt == "code" {
			enter(t, s, s.HTTP, "ada@example.com")
		} else {
			s.Do(s.HTTP, http.MethodGet, "/v2/logout", nil)
		}
		res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("response_mode", "web_message", "prompt", "none"))
		if res.StatusCode != http.StatusOK || !strings.Contains(body, "http://localhost:3000") || !strings.Contains(body, prompt) || res.Header.Get("Location") != "" {
			t.Errorf("%s: %d %s", prompt, res.StatusCode, body)
		}
		if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors http://localhost:3000") || strings.Contains(csp, "unsafe-inline") {
			t.Errorf("%s: policy %q", prompt, csp)
		}
		if strings.Contains(body, `"*"`) {
			t.Errorf("%s: posted to everybody", prompt)
		}
	}
	// A client whose origin is not registered is told which one that is.
	res, body := s.Do(s.HTTP, http.MethodGet, "/authorize", web("response_mode", "web_message", "prompt", "none"))
	if res.StatusCode != http.StatusForbidden || res.Header.Get("Location") != "" || !strings.Contains(body, "http://localhost:3000") || !strings.Contains(body, "web origins") {
		t.Errorf("unregistered: %d %.3000s", res.StatusCode, body)
	}
}

func header(t *testing.T, token any) map[string]any {
	t.Helper()
	text, _ := token.(string)
	part, _, _ := strings.Cut(text, ".")
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTokens_algorithms(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	const apiSecret = "an-api-secret-of-at-least-32-bytes!!"
	for _, tt := range []struct{ alg, dialect, typ string }{
		{"", "", "JWT"},
		{"RS256", "access_token_authz", "JWT"},
		{"ES256", "rfc9068_profile", "at+jwt"},
		{"PS256", "access_token_authz", "JWT"},
		{"HS256", "access_token", "JWT"},
		{"RS256", "rfc9068_profile_authz", "at+jwt"},
	} {
		name := "https://api.example/" + tt.alg + tt.dialect
		api := &tenant.API{
			ID: tenant.NewSubject(), Name: name, Identifier: name, SigningAlg: tt.alg, TokenDialect: tt.dialect, EnforcePolicies: strings.HasSuffix(tt.dialect, "authz"),
			Scopes: []tenant.APIScope{{Value: "read:a"}, {Value: "write:a"}}, TokenLifetime: 600,
		}
		keys := jose.KeySource(jwksKeys(t, s))
		if tt.alg == "HS256" {
			api.SigningSecret = apiSecret
			key, err := jose.NewHMACKey("", jose.HS256, []byte(apiSecret))
			if err != nil {
				t.Fatal(err)
			}
			if keys, err = jose.NewKeySet(key); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Tenant().APIs.Create(t.Context(), api); err != nil {
			t.Fatal(err)
		}
		if err := s.Tenant().Grants.Create(t.Context(), &tenant.ClientGrant{ID: "cgr_" + tenant.NewSubject(), ClientID: idptest.Machine, Audience: name, Scope: []string{"read:a", "gone:a"}}); err != nil {
			t.Fatal(err)
		}
		status, body := machineToken(s, "audience", name)
		if status != http.StatusOK || body["expires_in"] != 600.0 || body["scope"] != "read:a" {
			t.Fatalf("%s: %d %v", name, status, body)
		}
		v, err := jose.NewVerifier(jose.VerifierConfig{Keys: keys, Issuer: s.Issuer(), Audience: []string{name}, Type: []string{tt.typ}})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := body["access_token"].(string)
		if _, err := v.Verify(t.Context(), text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		h, c := header(t, text), claimsMap(t, text)
		alg := tt.alg
		if alg == "" {
			alg = "RS256"
		}
		if h["alg"] != alg || h["typ"] != tt.typ || (h["kid"] == nil) != (alg == "HS256") {
			t.Errorf("%s: header %v", name, h)
		}
		if strings.HasPrefix(tt.dialect, "rfc9068") {
			if c["client_id"] != idptest.Machine || c["azp"] != nil || c["gty"] != nil || c["jti"] == nil {
				t.Errorf("%s: %v", name, c)
			}
		} else if c["azp"] != idptest.Machine || c["gty"] != "client-credentials" || c["client_id"] != nil {
			t.Errorf("%s: %v", name, c)
		}
		if (c["permissions"] != nil) != strings.HasSuffix(tt.dialect, "authz") || c["aud"] != name || c["sub"] != idptest.Machine+"@clients" {
			t.Errorf("%s: %v", name, c)
		}
	}
	// An algorithm that nothing here signs with is a fault, and no token.
	if _, err := s.Tenant().APIs.Update(t.Context(), apiID(t, s, "https://api.example/"), func(a *tenant.API) error { a.SigningAlg = "none"; return nil }); err != nil {
		t.Fatal(err)
	}
	if status, body := machineToken(s, "audience", "https://api.example/"); status != http.StatusInternalServerError || body["access_token"] != nil {
		t.Errorf("alg none: %d %v", status, body)
	}
}

func apiID(t *testing.T, s *idptest.Server, name string) string {
	t.Helper()
	api, err := s.Tenant().APIs.ByName(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return api.ID
}

func TestTokens_hs256ID(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	for _, client := range []string{idptest.Web, idptest.SPA} {
		if _, err := s.Tenant().Clients.Update(t.Context(), client, func(c *tenant.Client) error { c.JWT.Algorithm = "HS256"; return nil }); err != nil {
			t.Fatal(err)
		}
		res, body := s.Login(s.Browser(), authorization("client_id", client), "ada@example.com", idptest.Password)
		_, tokens := exchange(s, answerOf(t, res, body).Get("code"), "client_id", client, "client_secret", idptest.Secret)
		id, _ := tokens["id_token"].(string)
		if client == idptest.SPA { // it has no secret
			if header(t, id)["alg"] != "RS256" {
				t.Errorf("%v", header(t, id))
			}
			continue
		}
		key, err := jose.NewHMACKey("", jose.HS256, []byte(idptest.Secret))
		if err != nil {
			t.Fatal(err)
		}
		keys, err := jose.NewKeySet(key)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jose.NewVerifier(jose.VerifierConfig{Keys: keys, Issuer: s.Issuer(), Audience: []string{client}, Type: []string{"JWT"}, IDToken: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), id); err != nil {
			t.Error(err)
		}
		// The one who holds the secret logs the person out with it.
		if u, err := unverified.DecodeUnverified(id); err != nil || len(u.Claims) == 0 {
			t.Fatal(err)
		}
	}
}

// IDP-08: a client learns of its own tokens, and ends its own.
func TestIDP08_owners(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	enterWeb := func(more ...string) map[string]any {
		t.Helper()
		res, body := s.Login(s.Browser(), web(more...), "ada@example.com", idptest.Password)
		_, tokens := exchange(s, answerOf(t, res, body).Get("code"), "client_id", idptest.Web, "client_secret", idptest.Secret)
		return tokens
	}
	ask := func(path, client string, token any, more ...string) (int, map[string]any) {
		t.Helper()
		text, _ := token.(string)
		in := url.Values{"client_id": {client}, "client_secret": {idptest.Secret}, "token": {text}}
		for i := 0; i+1 < len(more); i += 2 {
			in.Set(more[i], more[i+1])
		}
		res, body := s.Do(s.HTTP, http.MethodPost, path, in)
		if body == "" {
			return res.StatusCode, nil
		}
		return res.StatusCode, s.JSON(body)
	}
	active := func(token any) bool {
		t.Helper()
		status, body := ask("/oauth/introspect", idptest.Web, token)
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, body)
		}
		return body["active"] == true
	}
	jwt, opaque := enterWeb(), enterWeb("audience", "")
	_, machine := machineToken(s)
	for name, token := range map[string]any{"JWT": jwt["access_token"], "opaque": opaque["access_token"], "refresh": jwt["refresh_token"]} {
		if !active(token) {
			t.Errorf("%s is not active", name)
		}
		status, body := ask("/oauth/introspect", idptest.Machine, token)
		if status != http.StatusOK || len(body) != 1 || body["active"] != false {
			t.Errorf("%s of another client: %d %v", name, status, body)
		}
		// Another client's revocation is answered the same, and does nothing.
		if status, body := ask("/oauth/revoke", idptest.Machine, token); status != http.StatusOK || body != nil || !active(token) {
			t.Errorf("%s was ended by another client: %d %v", name, status, body)
		}
	}
	for name, token := range map[string]any{"of another client": machine["access_token"], "ID token": jwt["id_token"], "nothing": "x", "three parts": "a.b.c"} {
		if active(token) {
			t.Errorf("%s is active", name)
		}
	}
	for _, q := range []struct{ client, secret string }{{idptest.SPA, ""}, {idptest.Web, "wrong"}, {idptest.Web, ""}, {"nobody", idptest.Secret}} {
		if status, body := ask("/oauth/introspect", q.client, jwt["access_token"], "client_secret", q.secret); status != http.StatusUnauthorized || body["active"] != nil {
			t.Errorf("%v: %d %v", q, status, body)
		}
	}
	for name, token := range map[string]any{"opaque": opaque["access_token"], "JWT": jwt["access_token"]} {
		if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+token.(string)); res.StatusCode != http.StatusOK {
			t.Errorf("%s at userinfo: %d", name, res.StatusCode)
		}
		if status, _ := ask("/oauth/revoke", idptest.Web, token); status != http.StatusOK || active(token) {
			t.Errorf("%s goes on: %d", name, status)
		}
		if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+token.(string)); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s at userinfo: %d", name, res.StatusCode)
		}
	}
	if status, _ := ask("/oauth/revoke", idptest.Web, jwt["refresh_token"]); status != http.StatusOK || active(jwt["refresh_token"]) {
		t.Errorf("refresh token goes on: %d", status)
	}
	if status, _ := ask("/oauth/revoke", idptest.Web, "unknown"); status != http.StatusOK {
		t.Errorf("an unknown token: %d", status)
	}
	// A database that does not answer is no "inactive", and no "revoked".
	if err := s.DB.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/oauth/introspect", "/oauth/revoke"} {
		if status, body := ask(path, idptest.Web, opaque["refresh_token"]); status != http.StatusServiceUnavailable && status != http.StatusInternalServerError {
			t.Errorf("%s without a database: %d %v", path, status, body)
		}
	}
}
