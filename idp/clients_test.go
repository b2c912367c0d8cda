package idp_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/store/storetest"
)

func TestIDP07_clients(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	ask := func(in url.Values, header ...string) (int, map[string]any) {
		in.Set("grant_type", "client_credentials")
		in.Set("audience", idptest.Audience)
		res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in, header...)
		return res.StatusCode, s.JSON(body)
	}
	basic := "Basic " + basicOf(idptest.Machine, idptest.Secret)
	if status, body := ask(url.Values{}, "Authorization", basic); status != http.StatusOK ||
		!strings.Contains(claims(t, body["access_token"]), `"sub":"`+idptest.Machine+`@clients"`) {
		t.Fatalf("%d %v", status, body)
	}
	for name, q := range map[string]struct {
		in     url.Values
		header []string
		status int
		code   string
	}{
		"wrong secret":   {url.Values{"client_id": {idptest.Machine}, "client_secret": {"x"}}, nil, 401, "access_denied"},
		"no secret":      {url.Values{"client_id": {idptest.Machine}}, nil, 401, "access_denied"},
		"unknown client": {url.Values{"client_id": {"nobody"}, "client_secret": {idptest.Secret}}, nil, 401, "access_denied"},
		"two ways":       {url.Values{"client_secret": {idptest.Secret}}, []string{"Authorization", basic}, 400, "invalid_request"},
		"two clients":    {url.Values{"client_id": {idptest.Web}}, []string{"Authorization", basic}, 400, "invalid_request"},
		"public client":  {url.Values{"client_id": {idptest.SPA}}, nil, 403, "unauthorized_client"},
		"no assertion":   {url.Values{"client_assertion": {"x.y.z"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}, nil, 401, "invalid_client"},
		"no grant":       {url.Values{"client_id": {idptest.Web}, "client_secret": {idptest.Secret}}, nil, 403, "unauthorized_client"},
	} {
		if status, body := ask(q.in, q.header...); status != q.status || body["error"] != q.code || body["access_token"] != nil {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
	// Addresses are logged: nothing of a request is in one, whatever else is right.
	good := url.Values{
		"grant_type": {"client_credentials"}, "audience": {idptest.Audience}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret},
	}
	for path, body := range map[string]url.Values{
		"/oauth/token?" + good.Encode(): {}, "/oauth/token?client_secret=" + idptest.Secret: good, "/oauth/token?x=1": good,
	} {
		if res, text := s.Do(s.HTTP, http.MethodPost, path, body); res.StatusCode != http.StatusBadRequest || strings.Contains(text, "access_token") {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
	if res, _ := s.Do(s.HTTP, http.MethodGet, "/oauth/token", good); res.StatusCode < http.StatusBadRequest {
		t.Errorf("GET: %d", res.StatusCode)
	}
	// A client whose secret is not there has not shown it by sending none.
	setClient(t, s, idptest.Machine, func(c *tenant.Client) { c.Secret = "" })
	for _, in := range []url.Values{{"client_id": {idptest.Machine}}, {"client_id": {idptest.Machine}, "client_secret": {""}}} {
		if status, body := ask(in); status != http.StatusUnauthorized || body["access_token"] != nil {
			t.Errorf("a client without a secret: %d %v", status, body)
		}
	}
	if status, body := ask(url.Values{}, "Authorization", "Basic "+basicOf(idptest.Machine, "")); status != http.StatusUnauthorized {
		t.Errorf("a client without a secret: %d %v", status, body)
	}
}

// IDP-07: an assertion is good for once, for minutes, and signed with the key of
// the client.
func TestIDP07_assertions(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	key, err := jose.GenerateKey("k1", jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := key.PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Tenant().Clients.Update(t.Context(), idptest.Machine, func(c *tenant.Client) error {
		c.AuthMethod = tenant.AuthPrivateKeyJWT
		c.Credentials = []tenant.Credential{{ID: "cred_1", KeyID: "k1", Type: "public_key", Algorithm: "ES256", PEM: string(pem)}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	hmac, err := jose.NewHMACKey("k1", jose.HS256, []byte(idptest.Secret))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now
	audience := []string{s.Issuer()}
	sign := func(k *jose.Key, id string, life time.Duration, subject string) string {
		now := at()
		text, err := jose.Sign(k, "JWT", &jose.Claims{
			Issuer: idptest.Machine, Subject: subject, Audience: audience, ID: id, IssuedAt: now, Expiry: now.Add(life),
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	ask := func(assertion string) int {
		res, _ := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
			"grant_type": {"client_credentials"}, "audience": {idptest.Audience}, "client_assertion": {assertion},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		})
		return res.StatusCode
	}
	// A key that a client has beside another way to prove who it is opens nothing,
	// be it not yet or no longer.
	setClient(t, s, idptest.Machine, func(c *tenant.Client) { c.AuthMethod = tenant.AuthPost })
	if got := ask(sign(key, "j0", time.Minute, idptest.Machine)); got != http.StatusUnauthorized {
		t.Errorf("beside a secret: %d", got)
	}
	setClient(t, s, idptest.Machine, func(c *tenant.Client) { c.AuthMethod = tenant.AuthPrivateKeyJWT })
	good := sign(key, "j1", time.Minute, idptest.Machine)
	for i, want := range []int{http.StatusOK, http.StatusUnauthorized} {
		if got := ask(good); got != want {
			t.Errorf("use %d: %d", i+1, got)
		}
	}
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + strings.Split(sign(key, "j5", time.Minute, idptest.Machine), ".")[1] + "."
	stranger, err := jose.GenerateKey("k1", jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{
		"an hour":           sign(key, "j2", time.Hour, idptest.Machine),
		"no name":           sign(key, "", time.Minute, idptest.Machine),
		"other client":      sign(key, "j3", time.Minute, idptest.Web),
		"HMAC":              sign(hmac, "j4", time.Minute, idptest.Machine),
		"no signature":      unsigned,
		"a key of nobody's": sign(stranger, "j6", time.Minute, idptest.Machine),
	}
	audience = []string{"https://other.example/"}
	bad["for somebody else"] = sign(key, "j7", time.Minute, idptest.Machine)
	audience = []string{s.Issuer(), "https://other.example/"}
	bad["for somebody else, too"] = sign(key, "j11", time.Minute, idptest.Machine)
	audience = []string{s.URL + "/oauth/par"}
	bad["for an endpoint that is not there"] = sign(key, "j12", time.Minute, idptest.Machine)
	audience = []string{s.Issuer()}
	at = func() time.Time { return time.Now().Add(-10 * time.Minute) }
	bad["expired"] = sign(key, "j8", time.Minute, idptest.Machine)
	bad["old, with a long life"] = sign(key, "j9", 14*time.Minute, idptest.Machine)
	at = time.Now
	for name, assertion := range bad {
		if got := ask(assertion); got != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, got)
		}
	}
	res, _ := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "audience": {idptest.Audience}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret},
	})
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the secret beside the key: %d", res.StatusCode)
	}
	// A key that has expired is none.
	setClient(t, s, idptest.Machine, func(c *tenant.Client) { c.Credentials[0].ExpiresAt = time.Now().Add(-time.Second) })
	if got := ask(sign(key, "j10", time.Minute, idptest.Machine)); got != http.StatusUnauthorized {
		t.Errorf("a key that has expired: %d", got)
	}
}

// OPS-06: for whom a client asks it says if it has a secret and this right, and
// else nobody does.
func TestOPS06_forwardedFor(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	setClient(t, s, idptest.SPA, func(c *tenant.Client) {
		c.TrustsForwardedFor, c.GrantTypes = true, append(c.GrantTypes, "password", "http://auth0.com/oauth/grant-type/password-realm")
	})
	seen := map[string]bool{}
	ask := func(client, secret, header string) string {
		t.Helper()
		in := url.Values{
			"grant_type": {"http://auth0.com/oauth/grant-type/password-realm"}, "realm": {idptest.Connection}, "client_id": {client},
			"username": {"ada@example.com"}, "password": {idptest.Password}, "scope": {"openid"},
		}
		if secret != "" {
			in.Set("client_secret", secret)
		}
		res, body := s.Do(s.HTTP, http.MethodPost, "/oauth/token", in, "auth0-forwarded-for", header, "X-Forwarded-For", header, "Forwarded", "for="+header)
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
		for _, e := range types(t, s, "sepft") {
			if !seen[e.ID] {
				seen[e.ID] = true
				return e.IP
			}
		}
		t.Fatal("no entry")
		return ""
	}
	if got := ask(idptest.Web, idptest.Secret, "203.0.113.9"); got != "127.0.0.1" {
		t.Errorf("a client without the right: %s", got)
	}
	if got := ask(idptest.SPA, "", "203.0.113.9"); got != "127.0.0.1" {
		t.Errorf("a client without a secret: %s", got)
	}
	setClient(t, s, idptest.Web, func(c *tenant.Client) { c.TrustsForwardedFor = true })
	for header, want := range map[string]string{
		"203.0.113.9": "203.0.113.9", "203.0.113.9, 198.51.100.1": "203.0.113.9", "nonsense": "127.0.0.1", "203.0.113.9:80": "127.0.0.1",
	} {
		if got := ask(idptest.Web, idptest.Secret, header); got != want {
			t.Errorf("%q: %s", header, got)
		}
	}
}

// IDP-08: a database that does not answer is no success of a revocation.
func TestIDP08_databaseAway(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	if err := s.DB.Close(); err != nil {
		t.Fatal(err)
	}
	for path, in := range map[string]url.Values{
		"/oauth/revoke":     {"client_id": {idptest.SPA}, "token": {tokens["refresh_token"].(string)}},
		"/oauth/introspect": {"client_id": {idptest.Web}, "client_secret": {idptest.Secret}, "token": {tokens["refresh_token"].(string)}},
	} {
		if res, body := s.Do(s.HTTP, http.MethodPost, path, in); res.StatusCode < http.StatusInternalServerError {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
}

func TestIDP09_cors(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	for origin, want := range map[string]string{"http://localhost:3000": "http://localhost:3000", "http://evil.example": "", "null": ""} {
		res, _ := s.Do(s.HTTP, http.MethodOptions, "/oauth/token", nil, "Origin", origin, "Access-Control-Request-Method", "POST")
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != want || res.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %q", origin, got)
		}
	}
	// The origin of another client is not this one's.
	res, _ := s.Do(s.HTTP, http.MethodPost, "/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {idptest.Machine}, "client_secret": {idptest.Secret}, "audience": {idptest.Audience},
	}, "Origin", "http://localhost:3000")
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("origin of another client: %q", got)
	}
	for _, origin := range []string{"http://localhost:3000.evil.example", "http://localhost:30001", "https://localhost:3000", "http://localhost:3000/"} {
		res, _ := s.Do(s.HTTP, http.MethodOptions, "/oauth/token", nil, "Origin", origin, "Access-Control-Request-Method", "POST")
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s: %q", origin, got)
		}
	}
	for _, path := range []string{"/authorize?" + authorization().Encode(), "/u/login", "/v2/logout", "/oidc/logout"} {
		res, _ := s.Do(s.Browser(), http.MethodGet, path, nil, "Origin", "http://localhost:3000")
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("a page is read by %q: %s", got, path)
		}
	}
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/openid-configuration"} {
		res, _ := s.Do(s.HTTP, http.MethodGet, path, nil, "Origin", "http://evil.example")
		if res.Header.Get("Access-Control-Allow-Origin") != "*" || res.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", path, res.Header)
		}
	}
	for _, path := range []string{"/authorize", "/u/login", "/u/consent", "/v2/logout", "/oidc/logout"} {
		res, _ := s.Do(s.HTTP, http.MethodOptions, path, nil, "Origin", "http://localhost:3000")
		if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

// LOG-13: a client that is gone gets nothing, nor does what it has.
func TestLOG13_client(t *testing.T) {
	s := idptest.New(t, idptest.Config{})
	s.AddUser("ada@example.com")
	tokens := enter(t, s, s.HTTP, "ada@example.com")
	if err := s.Tenant().Clients.Delete(t.Context(), idptest.SPA); err != nil {
		t.Fatal(err)
	}
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d %v", res.StatusCode, body)
	}
	if res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil, "Authorization", "Bearer "+tokens["access_token"].(string)); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("userinfo: %d", res.StatusCode)
	}
	if res, _ := s.Do(s.HTTP, http.MethodGet, "/authorize", authorization("prompt", "none")); res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
		t.Errorf("silently: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	// One that is made anew under the same name has nothing of it.
	if err := s.Tenant().Clients.Create(t.Context(), &tenant.Client{
		ID: idptest.SPA, Name: "Menu", AppType: tenant.SPA, FirstParty: true, AuthMethod: tenant.AuthNone,
		GrantTypes: []string{"authorization_code", "refresh_token"}, Callbacks: []string{idptest.Callback},
	}); err != nil {
		t.Fatal(err)
	}
	if res, body := refresh(s, tokens["refresh_token"]); res.StatusCode != http.StatusForbidden {
		t.Errorf("a refresh token of the one before: %d %v", res.StatusCode, body)
	}
}

func TestOpen_refuses(t *testing.T) {
	for name, edit := range map[string]func(*idp.Config){
		"issuer without slash":    func(c *idp.Config) { c.Issuer = "https://id.example.com" },
		"issuer with a path":      func(c *idp.Config) { c.Issuer = "https://id.example.com/auth/" },
		"http elsewhere":          func(c *idp.Config) { c.Issuer = "http://id.example.com/" },
		"short secret":            func(c *idp.Config) { c.Secret = []byte("short") },
		"development in the open": func(c *idp.Config) { c.Issuer, c.Development = "https://id.example.com/", true },
		"unknown sign-up":         func(c *idp.Config) { c.Signup = "maybe" },
		"no mail":                 func(c *idp.Config) { c.Mail = nil },
	} {
		cfg := idp.Config{Issuer: "http://localhost:1/", Secret: make([]byte, 32), Mail: discard{}}
		edit(&cfg)
		if _, err := idp.Open(t.Context(), nil, cfg); err == nil {
			t.Errorf("%s: opened", name)
		} else if errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What Open has begun ends with it when it fails.
func TestOpen_leavesNothing(t *testing.T) {
	db := storetest.SQLite(t)
	for name, edit := range map[string]func(*idp.Config){
		"looks": func(c *idp.Config) { c.Looks = login.Config{Name: "x", SupportURL: "nonsense"} },
		"costs": func(c *idp.Config) { c.PasswordCost.Passes = 1 },
	} {
		cfg := idp.Config{
			Issuer: "http://localhost:1/", Secret: bytes.Repeat([]byte("s"), 32), Mail: discard{}, Logger: slog.New(slog.DiscardHandler),
		}
		edit(&cfg)
		if _, err := idp.Open(t.Context(), db, cfg); err == nil {
			t.Fatalf("%s: opened", name)
		}
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) { // what has ended may not be gone
			left := running(t, "gate/idp/tenant.", "gate/mail.")
			if left == "" {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s: still there: %s", name, left)
			}
		}
	}
}

// running returns the stack of a goroutine in which one of the texts is, or "".
func running(t *testing.T, texts ...string) string {
	t.Helper()
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 2); err != nil {
		t.Fatal(err)
	}
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(stack, text) }) {
			return stack
		}
	}
	return ""
}
