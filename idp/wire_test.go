package idp_test

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/tenant"
)

// W1: what discovery names is there, at both of its addresses, and what is not there
// it does not name.
func TestW1_discovery(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	_, body := s.Do(s.HTTP, http.MethodGet, "/.well-known/openid-configuration", nil)
	_, other := s.Do(s.HTTP, http.MethodGet, "/.well-known/oauth-authorization-server", nil)
	doc := s.JSON(body)
	if diff := cmp.Diff(doc, s.JSON(other)); diff != "" {
		t.Errorf("the two differ: %s", diff)
	}
	if doc["issuer"] != s.URL+"/" {
		t.Errorf("issuer %v", doc["issuer"])
	}
	endpoints := 0
	for name, value := range doc {
		address, ok := value.(string)
		if name == "issuer" || !ok {
			continue
		}
		endpoints++
		statuses := []int{}
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			res, _ := s.Do(s.Browser(), method, address, nil)
			statuses = append(statuses, res.StatusCode)
		}
		if !strings.HasPrefix(address, s.URL+"/") || !slices.ContainsFunc(statuses, func(n int) bool { return n != http.StatusNotFound && n != http.StatusMethodNotAllowed }) {
			t.Errorf("%s %s: %v", name, address, statuses)
		}
	}
	if endpoints != 7 {
		t.Errorf("%d endpoints", endpoints)
	}
	for _, name := range []string{"device_authorization_endpoint", "registration_endpoint", "pushed_authorization_request_endpoint", "mfa_challenge_endpoint"} {
		if doc[name] != nil {
			t.Errorf("%s is named", name)
		}
	}
	for name, want := range map[string][]any{ // what SDKs look for before they begin
		"id_token_signing_alg_values_supported": {"RS256", "ES256"}, "response_modes_supported": {"query", "fragment", "form_post", "web_message"},
		"token_endpoint_auth_methods_supported": {"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
		"response_types_supported":              {"code", "id_token", "code id_token"}, "subject_types_supported": {"public"},
	} {
		list, _ := doc[name].([]any)
		for _, value := range want {
			if !slices.Contains(list, value) {
				t.Errorf("%s has no %v: %v", name, value, list)
			}
		}
	}
}

// W2: keys are public, each with a name and a certificate that is about it, the one
// that signs and the next; every token names its own.
func TestW2_keys(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	res, body := s.Do(s.HTTP, http.MethodGet, "/.well-known/jwks.json", nil)
	if h := res.Header; h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "public, max-age=600, stale-while-revalidate=600" ||
		h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("headers %v", h)
	}
	same, _ := s.Do(s.HTTP, http.MethodGet, "/.well-known/jwks.json", nil, "If-None-Match", res.Header.Get("ETag"))
	if same.StatusCode != http.StatusNotModified || same.Header.Get("Cache-Control") != res.Header.Get("Cache-Control") {
		t.Errorf("the same keys again: %d %v, before %v", same.StatusCode, same.Header, res.Header)
	}
	known := map[any]*rsa.PublicKey{}
	list, _ := s.JSON(body)["keys"].([]any)
	for _, item := range list {
		jwk := item.(map[string]any)
		if _, twice := known[jwk["kid"]]; twice || jwk["kid"] == "" || jwk["use"] != "sig" || jwk["alg"] == nil || jwk["d"] != nil || jwk["k"] != nil || jwk["key_ops"] != nil {
			t.Errorf("key %v", jwk)
		}
		known[jwk["kid"]] = nil
		if jwk["alg"] == "RS256" {
			known[jwk["kid"]] = certified(t, jwk)
		}
	}
	if len(list) != 6 { // RS256, the same for PS256, and ES256, of each one to come
		t.Errorf("%d keys", len(list))
	}
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	_, machine := machineToken(s)
	for name, token := range map[string]any{"access token": tokens["access_token"], "ID token": tokens["id_token"], "of a program": machine["access_token"]} {
		if h := header(t, token); known[h["kid"]] == nil || h["alg"] != "RS256" || h["typ"] != "JWT" {
			t.Errorf("%s: %v", name, h)
		}
	}
	_, text := s.Do(s.HTTP, http.MethodGet, "/pem", nil)
	_, raw := s.Do(s.HTTP, http.MethodGet, "/cer", nil)
	block, _ := pem.Decode([]byte(text))
	if block == nil || string(block.Bytes) != raw {
		t.Fatal("/pem and /cer are not one certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if signs := known[header(t, tokens["id_token"])["kid"]]; signs == nil || !signs.Equal(cert.PublicKey) {
		t.Error("the certificate is not of the key that signs")
	}
}

// certified returns a key of a set after comparing it with its certificate.
func certified(t *testing.T, jwk map[string]any) *rsa.PublicKey {
	t.Helper()
	chain, _ := jwk["x5c"].([]any)
	if len(chain) != 1 || jwk["e"] != "AQAB" {
		t.Fatalf("key %v", jwk)
	}
	raw, err := base64.StdEncoding.DecodeString(fmt.Sprint(chain[0]))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	n, err := base64.RawURLEncoding.DecodeString(fmt.Sprint(jwk["n"]))
	if err != nil {
		t.Fatal(err)
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	sum := sha1.Sum(raw)
	if !key.Equal(cert.PublicKey) || jwk["x5t"] != base64.RawURLEncoding.EncodeToString(sum[:]) {
		t.Errorf("the certificate is not of the key %v", jwk["kid"])
	}
	return key
}

// W3: what SDKs send beside the parameters changes nothing, forms and JSON are one,
// and answers are what they read. A challenge would keep them from the body.
func TestW3_answers(t *testing.T) {
	s := idptest.New(t, idptest.Config{Edit: func(c *idp.Config) { c.RequestLimit = 1000 }})
	s.AddUser("ada@example.com")
	refreshed := enter(t, s, s.HTTP, "ada@example.com")["refresh_token"].(string)
	good := `{"grant_type":"client_credentials","client_id":"` + idptest.Machine + `","client_secret":"` + idptest.Secret + `","audience":"` + idptest.Audience + `"`
	for name, tt := range map[string]struct {
		kind, body string
		header     []string
		status     int
	}{
		"form": {formType, url.Values{
			"grant_type": {"client_credentials"}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret}, "audience": {idptest.Audience},
		}.Encode(), nil, 200},
		"form, with a charset":  {formType + "; charset=UTF-8", "grant_type=refresh_token&client_id=" + idptest.SPA + "&refresh_token=" + refreshed + "&redirect_uri=http%3A%2F%2Felsewhere&auth0Client=x", nil, 200},
		"JSON":                  {jsonType, good + `}`, nil, 200},
		"JSON, with telemetry":  {jsonType + "; charset=utf-8", good + `,"auth0Client":"x","ext-order":"7"}`, []string{"Auth0-Client", "not base64"}, 200},
		"a wrong secret":        {jsonType, strings.Replace(good, idptest.Secret, "wrong", 1) + `}`, nil, 401},
		"a wrong secret, Basic": {formType, "grant_type=client_credentials&audience=x", []string{"Authorization", "Basic " + basicOf(idptest.Machine, "wrong")}, 401},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/oauth/token", strings.NewReader(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", tt.kind)
		for i := 0; i+1 < len(tt.header); i += 2 {
			req.Header.Set(tt.header[i], tt.header[i+1])
		}
		res, err := s.HTTP.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		h := res.Header
		if res.StatusCode != tt.status || h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" || h.Get("Pragma") != "no-cache" {
			t.Errorf("%s: %d %v", name, res.StatusCode, h)
		}
		if asked := strings.HasPrefix(h.Get("WWW-Authenticate"), "Basic "); asked != (name == "a wrong secret, Basic") {
			t.Errorf("%s: challenge %q", name, h.Get("WWW-Authenticate"))
		}
		for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
			if n, err := strconv.ParseInt(h.Get(name), 10, 64); err != nil || n <= 0 {
				t.Errorf("%s: %q", name, h.Get(name))
			}
		}
	}
}

// W4: what the SDKs send from a page they may.
func TestW4_preflight(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	for _, path := range []string{"/oauth/token", "/oauth/revoke", "/userinfo", "/dbconnections/signup", "/dbconnections/change_password", "/.well-known/jwks.json"} {
		for origin, allowed := range map[string]bool{"http://localhost:3000": true, "http://evil.example": strings.HasPrefix(path, "/.well-known/")} {
			res, _ := s.Do(s.HTTP, http.MethodOptions, path, nil, "Origin", origin, "Access-Control-Request-Method", "POST",
				"Access-Control-Request-Headers", "auth0-client,content-type")
			h := res.Header
			want := map[bool]string{true: origin}[allowed]
			if strings.HasPrefix(path, "/.well-known/") {
				want = "*"
			}
			if res.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != want || h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %s: %d %v", path, origin, res.StatusCode, h)
			}
			for _, name := range []string{"Content-Type", "Authorization", "Auth0-Client", "DPoP"} {
				if !strings.Contains(h.Get("Access-Control-Allow-Headers"), name) {
					t.Errorf("%s: %s is not allowed", path, name)
				}
			}
			if h.Get("Access-Control-Max-Age") != "86400" || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") {
				t.Errorf("%s: %v", path, h)
			}
		}
	}
	res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Origin", "http://localhost:3000")
	if exposed := res.Header.Get("Access-Control-Expose-Headers"); !strings.Contains(exposed, "Retry-After") || !strings.Contains(exposed, "X-RateLimit-Reset") {
		t.Errorf("exposed are %q", exposed)
	}
}

// W5: refusals have the status, the code and the text that SDKs, and those who wrote
// code around them, look at.
func TestW5_refusals(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	secret := url.Values{"client_id": {idptest.Web}, "client_secret": {idptest.Secret}}
	machine := url.Values{"client_id": {idptest.Machine}, "client_secret": {idptest.Secret}, "grant_type": {"client_credentials"}}
	spa := url.Values{"client_id": {idptest.SPA}}
	const realm = "http://auth0.com/oauth/grant-type/password-realm"
	person := []string{"username", "ada@example.com", "password", "wrong"}
	for name, tt := range map[string]struct {
		as     url.Values
		more   []string
		status int
		code   string
		text   string
	}{
		"no grant type":   {secret, nil, 400, "invalid_request", "Missing required parameter: grant_type"},
		"another grant":   {secret, []string{"grant_type", "x"}, 403, "unsupported_grant_type", "Unsupported grant type: x"},
		"not its grant":   {spa, append([]string{"grant_type", "password"}, person...), 403, "unauthorized_client", "Grant type 'password' not allowed for the client."},
		"no code":         {spa, []string{"grant_type", "authorization_code"}, 400, "invalid_request", "Missing required parameter: code"},
		"unknown code":    {spa, []string{"grant_type", "authorization_code", "code", "x", "code_verifier", verifier}, 403, "invalid_grant", "Invalid authorization code"},
		"wrong verifier":  {spa, []string{"grant_type", "authorization_code", "code", "-", "redirect_uri", idptest.Callback, "code_verifier", strings.Repeat("x", 43)}, 403, "invalid_grant", "Failed to verify code verifier"},
		"no token":        {spa, []string{"grant_type", "refresh_token"}, 400, "invalid_request", "Missing required parameter: refresh_token"},
		"unknown token":   {spa, []string{"grant_type", "refresh_token", "refresh_token", "x"}, 403, "invalid_grant", "Unknown or invalid refresh token."},
		"no audience":     {machine, nil, 403, "access_denied", "No audience parameter was provided, and no default audience has been configured"},
		"unknown API":     {machine, []string{"audience", "https://nobody.example"}, 403, "access_denied", "Service not enabled within domain: https://nobody.example"},
		"no client grant": {machine, []string{"audience", s.URL + "/api/v2/"}, 403, "access_denied", `Client is not authorized to access "` + s.URL + `/api/v2/". You need to create a "client-grant" associated to this API.`},
		"wrong secret":    {machine, []string{"client_secret", "x"}, 401, "access_denied", "Unauthorized"},
		"no directory":    {secret, append([]string{"grant_type", "password"}, person...), 500, "server_error", "Authorization server not configured with default connection."},
		"no such realm":   {secret, append([]string{"grant_type", realm, "realm", "x"}, person...), 403, "access_denied", "the connection is not enabled"},
		"wrong password":  {secret, append([]string{"grant_type", realm, "realm", idptest.Connection}, person...), 403, "invalid_grant", "Wrong email or password."},
	} {
		in := maps.Clone(tt.as)
		for i := 0; i+1 < len(tt.more); i += 2 {
			in.Set(tt.more[i], tt.more[i+1])
		}
		if in.Get("code") == "-" {
			res, body := s.Login(s.Browser(), authorization(), "ada@example.com", idptest.Password)
			in.Set("code", answerOf(t, res, body).Get("code"))
		}
		res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in)
		got := s.JSON(body)
		if text, _ := got["error_description"].(string); res.StatusCode != tt.status || got["error"] != tt.code || !strings.HasPrefix(text, tt.text) {
			t.Errorf("%s: %d %s\nwant %d %s %s", name, res.StatusCode, body, tt.status, tt.code, tt.text)
		}
	}
	setClient(t, s, idptest.Web, func(c *tenant.Client) { c.FirstParty = false })
	browser := s.Browser()
	enter(t, s, browser, "ada@example.com")
	for name, tt := range map[string]struct {
		in   url.Values
		code string
		text string
	}{
		"unknown audience":   {authorization("audience", "https://nobody.example"), "access_denied", "Service not found: https://nobody.example"},
		"another connection": {authorization("connection", "x"), "access_denied", "the connection is not enabled"},
		"nobody is there":    {authorization("prompt", "none", "max_age", "0"), "login_required", "Login required"},
		"consent":            {web("prompt", "none"), "consent_required", "Consent required"},
		"none with others":   {authorization("prompt", "none login"), "invalid_request", ""},
		"another type":       {authorization("response_type", "x"), "unsupported_response_type", ""},
		"tokens for a SPA":   {authorization("response_type", "token"), "unauthorized_client", ""},
	} {
		res, body := s.Do(browser, http.MethodGet, "/authorize", tt.in)
		back := answerOf(t, res, body)
		if back.Get("error") != tt.code || !strings.HasPrefix(back.Get("error_description"), tt.text) || back.Get("state") != "st==" {
			t.Errorf("%s: %v", name, back)
		}
	}
}

// W6: state and nonce come back to the byte, and where none was sent none does.
func TestW6_stateAndNonce(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	enter(t, s, s.HTTP, "ada@example.com")
	for _, state := range []string{"", "st==", "a b+c%20&d=ü/?#", "eyJ4IjoxfQ=="} {
		for _, nonce := range []string{"", "n-0S6_WzA2Mj", "ü %26"} {
			back := silent(t, s, s.HTTP, "state", state, "nonce", nonce)
			if back.Get("state") != state || back.Has("state") != (state != "") {
				t.Errorf("state %q: %v", state, back)
			}
			_, tokens := exchange(s, back.Get("code"))
			got := claimsMap(t, tokens["id_token"])
			if _, has := got["nonce"]; has != (nonce != "") || has && got["nonce"] != nonce {
				t.Errorf("nonce %q: %v", nonce, got)
			}
			_, renewed := refresh(s, tokens["refresh_token"])
			if again := claimsMap(t, renewed["id_token"]); again["nonce"] != nil || again["sid"] != got["sid"] || again["auth_time"] != got["auth_time"] || again["sub"] != got["sub"] {
				t.Errorf("renewed: %v, before %v", again, got)
			}
		}
	}
}

// W7, W8: tokens have the members that SDKs and APIs read, of the type that they
// read, and no others that say who may what.
func TestW7_tokens(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	ada := s.AddUser("ada@example.com", "menu-admin")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	if tokens["token_type"] != "Bearer" || tokens["expires_in"] != 86400.0 || tokens["scope"] != "openid profile email offline_access create:items" {
		t.Errorf("answer %v", tokens)
	}
	id, access := claimsMap(t, tokens["id_token"]), claimsMap(t, tokens["access_token"])
	if id["iss"] != s.URL+"/" || id["sub"] != ada.ID || id["aud"] != idptest.SPA || id["exp"].(float64)-id["iat"].(float64) != 36000 || id["sid"] == nil ||
		id["auth_time"] == nil || id["permissions"] != nil || id["roles"] != nil || id["scope"] != nil {
		t.Errorf("ID token %v", id)
	}
	if at, err := time.Parse("2006-01-02T15:04:05.000Z", fmt.Sprint(id["updated_at"])); err != nil || at.IsZero() {
		t.Errorf("updated_at %v", id["updated_at"])
	}
	if access["iss"] != s.URL+"/" || access["sub"] != ada.ID || access["azp"] != idptest.SPA || access["client_id"] != nil || access["gty"] != nil ||
		access["roles"] != nil || access["email"] != nil || access["exp"].(float64)-access["iat"].(float64) != 86400 {
		t.Errorf("access token %v", access)
	}
	if diff := cmp.Diff([]any{idptest.Audience, s.URL + "/userinfo"}, access["aud"]); diff != "" {
		t.Errorf("aud: %s", diff)
	}
	// Without openid it is for the API alone, as one text, and there is no ID token.
	plain := enter(t, s, s.Browser(), "ada@example.com", "scope", "create:items", "nonce", "")
	if got := claimsMap(t, plain["access_token"]); got["aud"] != idptest.Audience || plain["id_token"] != nil || plain["refresh_token"] != nil {
		t.Errorf("without openid: %v", got)
	}
	_, machine := machineToken(s)
	if got := claimsMap(t, machine["access_token"]); got["sub"] != idptest.Machine+"@clients" || got["gty"] != "client-credentials" || got["azp"] != idptest.Machine ||
		got["aud"] != idptest.Audience || machine["id_token"] != nil || machine["refresh_token"] != nil || machine["scope"] != "create:items" {
		t.Errorf("of a program: %v %v", got, machine)
	}
	opaque := enter(t, s, s.Browser(), "ada@example.com", "audience", "")
	text, _ := opaque["access_token"].(string)
	if strings.Contains(text, ".") || len(text) != 43 || opaque["expires_in"] != 86400.0 {
		t.Errorf("without an audience: %v", opaque)
	}
	for _, where := range []string{"/userinfo?access_token=" + text, "/userinfo"} {
		res, body := s.Do(s.HTTP, http.MethodGet, where, nil, "Authorization", map[bool]string{true: "Bearer " + text}[where == "/userinfo"])
		if got := s.JSON(body); res.StatusCode != http.StatusOK || got["sub"] != ada.ID || got["iss"] != nil || got["aud"] != nil {
			t.Errorf("%s: %d %s", where, res.StatusCode, body)
		}
	}
}
