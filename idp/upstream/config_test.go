package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/internal/secret"
	"github.com/gatewright/gate/jose"
)

// TestConfig_secretOfOthers: who is outside of this module can set and read it.
func TestConfig_secretOfOthers(t *testing.T) {
	text := strings.ToLower("FROM-A-VARIABLE")
	cfg := upstream.Config{ClientSecret: upstream.Secret(text)}
	if got := fmt.Sprint(cfg.ClientSecret); got != "[secret]" || cfg.ClientSecret.Reveal() != text {
		t.Errorf("shown as %s", got)
	}
}

func TestNew_refuses(t *testing.T) {
	es, rs := newKey(t, "a1", jose.ES256), newKey(t, "a1", jose.RS256)
	hs := newKey(t, "h", jose.HS256)
	on := func(strategy string, change func(*upstream.Config)) func(*upstream.Config) {
		return func(cfg *upstream.Config) { preset(strategy)(cfg); change(cfg) }
	}
	for name, tt := range map[string]struct {
		change func(*upstream.Config)
		why    string
	}{
		"no name":              {func(c *upstream.Config) { c.Name = "" }, "a name has"},
		"a bar in the name":    {func(c *upstream.Config) { c.Name = "a|b" }, "a name has"},
		"two hyphens":          {func(c *upstream.Config) { c.Name = "a--b" }, "a name has"},
		"long name":            {func(c *upstream.Config) { c.Name = strings.Repeat("a", 129) }, "a name has"},
		"unknown strategy":     {func(c *upstream.Config) { c.Strategy = "linkedin" }, "unknown"},
		"no strategy":          {func(c *upstream.Config) { c.Strategy = "" }, "unknown"},
		"no client":            {func(c *upstream.Config) { c.ClientID = "" }, "no client ID"},
		"placeholder client":   {func(c *upstream.Config) { c.ClientID = "YOUR_CLIENT_ID" }, "placeholder"},
		"placeholder secret":   {func(c *upstream.Config) { c.ClientSecret = "<client secret>" }, "placeholder"},
		"xxx":                  {func(c *upstream.Config) { c.ClientSecret = "xxxxxxxx" }, "placeholder"},
		"variable":             {func(c *upstream.Config) { c.ClientSecret = "${GOOGLE_SECRET}" }, "placeholder"},
		"no issuer":            {func(c *upstream.Config) { c.Issuer = "" }, "no issuer"},
		"issuer over http":     {func(c *upstream.Config) { c.Issuer = "http://op.test" }, "not https"},
		"issuer is a file":     {func(c *upstream.Config) { c.Issuer = "file:///etc/passwd" }, "without a host"},
		"credentials in a URL": {func(c *upstream.Config) { c.TokenURL = "https://a:b@op.test/token" }, "credentials"},
		"token over http":      {func(c *upstream.Config) { c.TokenURL = "http://op.test/token" }, "not https"},
		"script":               {func(c *upstream.Config) { c.AuthorizationURL = "javascript:alert(1)" }, "without a host"},
		"scope with a blank":   {func(c *upstream.Config) { c.Scope = []string{"a b"} }, "not a scope"},
		"state by parameter":   {func(c *upstream.Config) { c.Params = map[string]string{"State": "x"} }, "by the protocol"},
		"request by parameter": {func(c *upstream.Config) { c.Params = map[string]string{"request_uri": "x"} }, "by the protocol"},
		"authorization header": {func(c *upstream.Config) { c.Headers = map[string]string{"authorization": "x"} }, "by the protocol"},
		"header with a line":   {func(c *upstream.Config) { c.Headers = map[string]string{"X-A": "x\r\nHost: y"} }, "not a header"},
		"HS256":                {func(c *upstream.Config) { c.Algorithms = []jose.Algorithm{jose.HS256} }, "shared secrets"},
		"unknown method":       {func(c *upstream.Config) { c.AuthMethod = "tls_client_auth" }, "unknown"},
		"basic, no secret":     {func(c *upstream.Config) { c.AuthMethod, c.ClientSecret = upstream.SecretBasic, "" }, "without a client secret"},
		"key method, no key":   {func(c *upstream.Config) { c.AuthMethod = upstream.PrivateKeyJWT }, "wants a key"},
		"shared key":           {func(c *upstream.Config) { c.Key = hs }, "shared secret"},
		"public key":           {func(c *upstream.Config) { c.Key = es.Public() }, "does not sign"},
		"team":                 {func(c *upstream.Config) { c.TeamID = "T" }, "team"},
		"tenants":              {func(c *upstream.Config) { c.Tenants = []string{"*"} }, "tenants"},
		"fields of OIDC":       {func(c *upstream.Config) { c.Fields.ID = "x" }, "oauth2"},
		"imitation elsewhere":  {func(c *upstream.Config) { c.Imitation = true }, "not on this machine"},
		"imitation, one URL": {func(c *upstream.Config) {
			c.Imitation, c.Issuer, c.TokenURL = true, "http://localhost:1", "https://op.test/t"
		}, "not on this machine"},
		"imitation by address": {func(c *upstream.Config) { c.Imitation, c.Issuer = true, "https://127.0.0.1.evil.test" }, "not on this machine"},
		"Google, no secret":    {on(upstream.Google, func(c *upstream.Config) { c.ClientSecret = "" }), "no client secret"},
		"Google, a key":        {on(upstream.Google, func(c *upstream.Config) { c.Key = rs }), "a key is for"},
		"GitHub, no secret":    {on(upstream.GitHub, func(c *upstream.Config) { c.ClientSecret = "" }), "no client secret"},
		"Facebook, public":     {on(upstream.Facebook, func(c *upstream.Config) { c.AuthMethod = upstream.NoSecret }), "wants a secret"},
		"Apple, a secret":      {on(upstream.Apple, func(c *upstream.Config) { c.Key, c.TeamID = es, "T" }), "made from the key"},
		"Apple, no key":        {on(upstream.Apple, func(c *upstream.Config) { c.ClientSecret, c.TeamID = "", "T" }), "ES256"},
		"Apple, RSA":           {on(upstream.Apple, func(c *upstream.Config) { c.ClientSecret, c.Key, c.TeamID = "", rs, "T" }), "ES256"},
		"Apple, no team":       {on(upstream.Apple, func(c *upstream.Config) { c.ClientSecret, c.Key = "", es }), "team"},
		"Entra, no tenant":     {on(upstream.Entra, func(*upstream.Config) {}), "the tenant is"},
		"Entra, a path":        {on(upstream.Entra, func(c *upstream.Config) { c.Tenant = "common/../x" }), "the tenant is"},
		"CLI-06 Entra, common": {on(upstream.Entra, func(c *upstream.Config) { c.Tenant = "common" }), "lists which"},
		"Entra, bad tenant":    {on(upstream.Entra, func(c *upstream.Config) { c.Tenant, c.Tenants = "common", []string{"corp.test"} }), "not a GUID"},
		"Entra, own issuer":    {on(upstream.Entra, func(c *upstream.Config) { c.Tenant, c.Issuer = tenantA, issuer }), "for another cloud"},
		"personal, common":     {on(upstream.MicrosoftAccount, func(c *upstream.Config) { c.Tenant = "common" }), "consumers"},
		"OAuth2, no URLs":      {on(upstream.OAuth2, func(*upstream.Config) {}), "no authorization URL"},
		"OAuth2, no profile":   {on(upstream.OAuth2, func(c *upstream.Config) { plainConfig(c); c.UserInfoURL = "" }), "a profile comes"},
		"OAuth2, iss of whom":  {on(upstream.OAuth2, func(c *upstream.Config) { plainConfig(c); c.ResponseIssuer = true }), "no issuer"},
		"OAuth2, keys":         {on(upstream.OAuth2, func(c *upstream.Config) { plainConfig(c); c.JWKSURL = issuer }), "signs nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := upstream.Config{Name: "op", Strategy: upstream.OIDC, ClientID: clientID, ClientSecret: password, Issuer: issuer, Now: noon}
			tt.change(&cfg)
			c, err := upstream.New(cfg)
			if c != nil || err == nil || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("%v", err)
			}
			if err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("%v: a secret in an error", err)
			}
		})
	}
}

func TestStart_refuses(t *testing.T) {
	n := &internet{}
	c := connect(t, n, preset(upstream.GitHub))
	for name, req := range map[string]upstream.StartRequest{
		"no redirect URI":       {},
		"relative redirect URI": {RedirectURI: "/callback"},
		"redirect URI fragment": {RedirectURI: callback + "#x"},
		"short state":           {RedirectURI: callback, State: "123"},
		"bad scope":             {RedirectURI: callback, Scope: []string{"a b"}},
		"negative age":          {RedirectURI: callback, MaxAge: -time.Second},
		"cannot be silent":      {RedirectURI: callback, Prompt: "none"},
	} {
		to, p, err := c.Start(t.Context(), req)
		if err == nil || to != "" || p != (upstream.Pending{}) {
			t.Errorf("%s: %q, %v", name, to, err)
		}
		wants(t, err, "") // it is about the request and nothing else
	}
}

// Without leave nothing in one's own network is connected to, by any of the
// three ways that requests go out.
func TestJKS03_privateAddresses(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(net.Conn, http.ConnState) { asked.Add(1) }
	server.StartTLS()
	defer server.Close()
	for name, base := range map[string]string{
		"loopback": server.URL, "name": strings.Replace(server.URL, "127.0.0.1", "localhost", 1),
		"mapped": strings.Replace(server.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1), "cloud": "https://169.254.169.254", "private": "https://10.0.0.1:8443",
	} {
		t.Run(name, func(t *testing.T) {
			discovers := connect(t, nil, func(cfg *upstream.Config) { cfg.Issuer, cfg.Transport = base, nil })
			_, _, err := discovers.Start(t.Context(), upstream.StartRequest{RedirectURI: callback})
			wants(t, err, upstream.ErrUnavailable)
			posts := connect(t, nil, func(cfg *upstream.Config) {
				cfg.Transport = nil
				cfg.AuthorizationURL, cfg.TokenURL, cfg.JWKSURL = base+"/a", base+"/t", base+"/k"
			})
			_, p := start(t, posts, upstream.StartRequest{})
			_, err = posts.Finish(t.Context(), p, good(&p))
			wants(t, err, upstream.ErrUnavailable)
			if !strings.Contains(err.Error(), "is not allowed") {
				t.Error(err)
			}
		})
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d connections", n)
	}
}

// Without TLS nothing but this machine is reached, and that only with leave.
func TestJKS03_plainHTTP(t *testing.T) {
	for _, change := range []func(*upstream.Config){
		func(cfg *upstream.Config) { cfg.Issuer = "http://127.0.0.1:1" },
		func(cfg *upstream.Config) { cfg.UserInfoURL = "http://localhost:1/me" },
	} {
		cfg := upstream.Config{Name: "op", Strategy: upstream.OIDC, ClientID: clientID, ClientSecret: password, Issuer: issuer}
		change(&cfg)
		if c, err := upstream.New(cfg); c != nil || err == nil {
			t.Error("accepted")
		}
		cfg.AllowPrivate = true
		c, err := upstream.New(cfg)
		if err != nil {
			t.Error(err)
			continue
		}
		_ = c.Close()
	}
}

func TestFetchProfile(t *testing.T) {
	declined := &upstream.Error{Reason: upstream.ErrNotAllowed}
	for name, tt := range map[string]struct {
		profile map[string]any
		err     error
		reason  upstream.Reason
		id      string
	}{
		"Auth0's words":    {map[string]any{"user_id": "7", "sub": "s", "id": "i", "email": "a@x.test"}, nil, "", "oauth2|acme|7"},
		"number":           {map[string]any{"id": 7}, nil, "", "oauth2|acme|7"},
		"fraction":         {map[string]any{"id": 7.5}, nil, upstream.ErrUnavailable, ""},
		"nothing":          {nil, nil, upstream.ErrUnavailable, ""},
		"it broke":         {nil, errors.New("connection reset"), upstream.ErrUnavailable, ""},
		"it says no":       {nil, declined, upstream.ErrNotAllowed, ""},
		"and an old error": {map[string]any{"id": "7"}, context.Canceled, upstream.ErrUnavailable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			n := &internet{pages: map[string]http.HandlerFunc{"https://acme.test/token": says(200, `{"access_token":"at-4711-secret"}`)}}
			var token secret.String
			c := connect(t, n, func(cfg *upstream.Config) {
				plainConfig(cfg)
				cfg.UserInfoURL = ""
				cfg.FetchProfile = func(_ context.Context, t upstream.Tokens) (map[string]any, error) {
					token = t.Access
					return tt.profile, tt.err
				}
			})
			_, p := start(t, c, upstream.StartRequest{})
			got, err := c.Finish(t.Context(), p, good(&p))
			wants(t, err, tt.reason)
			if tt.reason == "" && (got.UserID() != tt.id || got.EmailVerified) {
				t.Errorf("%s %+v", got.UserID(), got)
			}
			if token.Reveal() != "at-4711-secret" {
				t.Error("another token")
			}
		})
	}
}
