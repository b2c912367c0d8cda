package upstream_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/jose"
)

func TestLogIn(t *testing.T) {
	o := newOP(t)
	o.extra = map[string]any{"email": "ada@example.com", "email_verified": true, "name": "Ada", "auth_time": noon().Unix()}
	c := connect(t, o, nil)
	q, p := start(t, c, upstream.StartRequest{
		LoginHint: "ada", Prompt: "login", UILocales: []string{"de", "en"}, Scope: []string{"groups", "email"}, MaxAge: time.Minute,
	})
	sum := sha256.Sum256([]byte(p.Verifier))
	want := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {callback}, "state": {p.State}, "nonce": {p.Nonce},
		"scope": {"openid profile email groups"}, "login_hint": {"ada"}, "prompt": {"login"}, "ui_locales": {"de en"}, "max_age": {"60"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	if diff := cmp.Diff(want, q); diff != "" {
		t.Error(diff)
	}
	stored, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back upstream.Pending
	if err := json.Unmarshal(stored, &back); err != nil || back != p {
		t.Fatalf("%s: %v", stored, err)
	}
	o.nonce = p.Nonce
	got, err := c.Finish(t.Context(), back, good(&p))
	if err != nil {
		t.Fatal(err)
	}
	if got.UserID() != "oidc|op|u-1" || got.Issuer != issuer || got.Subject != "u-1" || got.Email != "ada@example.com" || !got.EmailVerified ||
		got.EmailAuthoritative || got.Name != "Ada" || !got.AuthTime.Equal(noon()) {
		t.Errorf("%+v", got)
	}
	if got.Tokens.Access.Reveal() != "at-4711-secret" || got.Tokens.Refresh.Reveal() != "rt-4711-secret" || !got.Tokens.Expiry.Equal(noon().Add(300*time.Second)) {
		t.Errorf("%+v", got.Tokens)
	}
	f := o.form(t)
	if f.Get("code") != "c0de" || f.Get("redirect_uri") != callback || f.Get("code_verifier") != p.Verifier || f.Has("client_secret") {
		t.Errorf("sent %v", f)
	}
}

func TestCLI01_state(t *testing.T) {
	o := newOP(t)
	now := noon()
	c := connect(t, o, func(cfg *upstream.Config) { cfg.Now = func() time.Time { return now } })
	other := connect(t, o, func(cfg *upstream.Config) { cfg.Name = "other" })
	_, p := start(t, c, upstream.StartRequest{})
	_, foreign := start(t, other, upstream.StartRequest{State: p.State})
	_, second := start(t, c, upstream.StartRequest{})
	with := func(change func(url.Values)) url.Values {
		v := good(&p)
		change(v)
		return v
	}
	for name, tt := range map[string]struct {
		pending upstream.Pending
		params  url.Values
	}{
		"no state":                 {p, url.Values{"code": {"c"}}},
		"empty state":              {p, with(func(v url.Values) { v.Set("state", "") })},
		"the state of another":     {p, good(&second)},
		"a prefix":                 {p, with(func(v url.Values) { v.Set("state", p.State[:20]) })},
		"two states":               {p, with(func(v url.Values) { v.Add("state", p.State) })},
		"two codes":                {p, with(func(v url.Values) { v.Add("code", "x") })},
		"a very long code":         {p, with(func(v url.Values) { v.Set("code", strings.Repeat("c", 10_000)) })},
		"no code":                  {p, with(func(v url.Values) { v.Del("code") })},
		"another connection's":     {foreign, good(&foreign)},
		"nothing was started":      {upstream.Pending{}, url.Values{"code": {"c"}, "state": {""}}},
		"pending without verifier": {func() upstream.Pending { q := p; q.Verifier = ""; return q }(), good(&p)},
		"pending without nonce":    {func() upstream.Pending { q := p; q.Nonce = ""; return q }(), good(&p)},
		"an error with no state":   {p, url.Values{"error": {"access_denied"}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Finish(t.Context(), tt.pending, tt.params)
			wants(t, err, upstream.ErrInvalid)
		})
	}
	now = now.Add(upstream.PendingLifetime + time.Second)
	_, err := c.Finish(t.Context(), p, good(&p))
	wants(t, err, upstream.ErrExpired)
	now = noon().Add(-time.Hour)
	_, err = c.Finish(t.Context(), p, good(&p))
	wants(t, err, upstream.ErrInvalid)
	if n := o.count("POST " + issuer + "/token"); n != 0 {
		t.Errorf("%d codes were redeemed", n)
	}
}

// TestCLI02_longSubject: a subject that is good but whose user could not be
// stored is refused as what it is.
func TestCLI02_longSubject(t *testing.T) {
	for length, reason := range map[int]upstream.Reason{247: "", 248: upstream.ErrInvalid, 255: upstream.ErrInvalid} {
		o := newOP(t)
		o.sub = strings.Repeat("s", length) // with oidc|op| in front
		c := connect(t, o, nil)
		_, p := start(t, c, upstream.StartRequest{})
		o.nonce = p.Nonce
		got, err := c.Finish(t.Context(), p, good(&p))
		if reason != "" {
			wants(t, err, reason)
			continue
		}
		if err != nil || len(got.UserID()) > 255 {
			t.Errorf("%d: %v, %v", length, got, err)
		}
	}
}

func TestCLI02_freshPerLogIn(t *testing.T) {
	o := newOP(t)
	c := connect(t, o, nil)
	_, one := start(t, c, upstream.StartRequest{})
	q, two := start(t, c, upstream.StartRequest{})
	if one.State == two.State || one.Nonce == two.Nonce || one.Verifier == two.Verifier || len(two.Verifier) < 43 || q.Get("code_challenge_method") != "S256" {
		t.Errorf("%q, %q", one.Verifier, two.Verifier)
	}
	// The ID token of one log-in does for no other.
	o.nonce = one.Nonce
	if _, err := c.Finish(t.Context(), one, good(&one)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Finish(t.Context(), two, good(&two))
	wants(t, err, upstream.ErrInvalid)
}

func TestCLI03_mixUp(t *testing.T) {
	o := newOP(t)
	silent := connect(t, o, nil)
	insists := connect(t, o, func(cfg *upstream.Config) { cfg.ResponseIssuer = true })
	announced := newOP(t)
	m := announced.metadata()
	m["authorization_response_iss_parameter_supported"] = true
	announced.pages[issuer+"/.well-known/openid-configuration"] = says(http.StatusOK, m)
	announcing := connect(t, announced, nil)
	for name, tt := range map[string]struct {
		c    *upstream.Connection
		iss  []string
		good bool
	}{
		"silent":                    {silent, nil, true},
		"silent, right":             {silent, []string{issuer}, true},
		"silent, wrong":             {silent, []string{"https://evil.test"}, false},
		"announced, absent":         {announcing, nil, false},
		"announced, right":          {announcing, []string{issuer}, true},
		"announced, slash":          {announcing, []string{issuer + "/"}, false},
		"announced, two":            {announcing, []string{issuer, "https://evil.test"}, false},
		"asked for, absent":         {insists, nil, false},
		"asked for, another's case": {insists, []string{"https://OP.test"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			provider := o
			if tt.c == announcing {
				provider = announced
			}
			before := provider.count("POST " + issuer + "/token")
			_, p := start(t, tt.c, upstream.StartRequest{})
			provider.nonce = p.Nonce
			params := good(&p)
			params["iss"] = tt.iss
			_, err := tt.c.Finish(t.Context(), p, params)
			if tt.good {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wants(t, err, upstream.ErrInvalid)
			if provider.count("POST "+issuer+"/token") != before {
				t.Error("the code was redeemed")
			}
		})
	}
}

// A code of another authorization server is refused by ours, which says so.
func TestCLI03_foreignCode(t *testing.T) {
	o := newOP(t)
	o.token = says(http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
	_, err := o.logIn(t, connect(t, o, nil))
	wants(t, err, upstream.ErrInvalid)
}

// Keys that cannot be had say nothing about a token.
func TestJKS06_noKeys(t *testing.T) {
	o := newOP(t)
	o.pages[issuer+"/keys"] = says(http.StatusOK, "<html>maintenance</html>")
	_, err := o.logIn(t, connect(t, o, nil))
	wants(t, err, upstream.ErrUnavailable)
}

func TestJKS04_metadata(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"another issuer":     func(m map[string]any) { m["issuer"] = "https://evil.test" },
		"a slash":            func(m map[string]any) { m["issuer"] = issuer + "/" },
		"token over http":    func(m map[string]any) { m["token_endpoint"] = "http://op.test/token" },
		"no token endpoint":  func(m map[string]any) { delete(m, "token_endpoint") },
		"authorize is a jar": func(m map[string]any) { m["authorization_endpoint"] = "javascript:alert(1)" },
	} {
		o := newOP(t)
		m := o.metadata()
		change(m)
		o.pages[issuer+"/.well-known/openid-configuration"] = says(http.StatusOK, m)
		to, p, err := connect(t, o, nil).Start(t.Context(), upstream.StartRequest{RedirectURI: callback})
		if to != "" || p != (upstream.Pending{}) {
			t.Errorf("%s: %q", name, to)
		}
		wants(t, err, upstream.ErrUnavailable)
	}
}

func TestUserInfo(t *testing.T) {
	const at = issuer + "/userinfo"
	for name, tt := range map[string]struct {
		page     http.HandlerFunc
		inToken  map[string]any
		email    string
		verified bool
		reason   upstream.Reason
	}{
		"more":             {page: says(200, map[string]any{"sub": "u-1", "email": "a@x.test", "email_verified": true}), email: "a@x.test", verified: true},
		"another subject":  {page: says(200, map[string]any{"sub": "u-2", "email": "a@x.test"}), reason: upstream.ErrInvalid},
		"no subject":       {page: says(200, map[string]any{"email": "a@x.test"}), reason: upstream.ErrInvalid},
		"other case":       {page: says(200, map[string]any{"sub": "U-1"}), reason: upstream.ErrInvalid},
		"a token":          {page: says(200, "eyJhbGciOiJub25lIn0.e30."), reason: upstream.ErrUnavailable},
		"a list":           {page: says(200, []any{"sub", "u-1"}), reason: upstream.ErrUnavailable},
		"two subjects":     {page: says(200, `{"sub":"u-1","sub":"u-2"}`), reason: upstream.ErrUnavailable},
		"401":              {page: says(401, ""), reason: upstream.ErrUnavailable},
		"500":              {page: says(500, "<html>"), reason: upstream.ErrUnavailable},
		"token's address":  {says(200, map[string]any{"sub": "u-1", "email": "b@x.test", "email_verified": true}), map[string]any{"email": "a@x.test"}, "a@x.test", false, ""},
		"verified alone":   {says(200, map[string]any{"sub": "u-1", "email_verified": true}), map[string]any{"email": "a@x.test"}, "a@x.test", false, ""},
		"verified in both": {says(200, map[string]any{"sub": "u-1", "email": "b@x.test"}), map[string]any{"email_verified": true}, "b@x.test", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOP(t)
			o.pages[at] = tt.page
			maps.Copy(o.extra, tt.inToken)
			got, err := o.logIn(t, connect(t, o, func(cfg *upstream.Config) { cfg.UserInfoURL = at }))
			wants(t, err, tt.reason)
			if tt.reason != "" {
				return
			}
			if got.Email != tt.email || got.EmailVerified != tt.verified || got.Raw["email"] != tt.email {
				t.Errorf("%q, verified: %v", got.Email, got.EmailVerified)
			}
		})
	}
}

// A provider that is away is not asked anew by each person; one that is back is.
func TestDiscovery(t *testing.T) {
	o := newOP(t)
	const at = issuer + "/.well-known/openid-configuration"
	back := o.pages[at]
	o.pages[at] = says(503, "")
	now := noon()
	c := connect(t, o, func(cfg *upstream.Config) { cfg.Now = func() time.Time { return now } })
	if n := o.count("GET " + at); n != 0 {
		t.Errorf("New asked %d times", n)
	}
	for range 3 {
		_, _, err := c.Start(t.Context(), upstream.StartRequest{RedirectURI: callback})
		wants(t, err, upstream.ErrUnavailable)
	}
	if n := o.count("GET " + at); n != 1 {
		t.Errorf("asked %d times", n)
	}
	o.pages[at], now = back, now.Add(6*time.Second)
	for range 3 {
		if _, _, err := c.Start(t.Context(), upstream.StartRequest{RedirectURI: callback}); err != nil {
			t.Error(err)
		}
	}
	if n := o.count("GET " + at); n != 2 {
		t.Errorf("asked %d times", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	now = now.Add(2 * time.Hour)
	_, _, err := c.Start(ctx, upstream.StartRequest{RedirectURI: callback})
	wants(t, err, upstream.ErrUnavailable)
	if _, _, err := c.Start(t.Context(), upstream.StartRequest{RedirectURI: callback}); err != nil {
		t.Errorf("the one who went away spoilt it: %v", err)
	}
}

func TestAuthMethods(t *testing.T) {
	key := newKey(t, "a1", jose.ES256)
	for name, tt := range map[string]struct {
		change    func(*upstream.Config)
		supported []string
		basic     bool
		has, not  []string
	}{
		"basic":       {nil, nil, true, nil, []string{"client_secret", "client_id"}},
		"as the OP":   {nil, []string{"client_secret_post"}, false, []string{"client_secret", "client_id"}, nil},
		"as we":       {func(c *upstream.Config) { c.AuthMethod = upstream.SecretPost }, nil, false, []string{"client_secret"}, nil},
		"public":      {func(c *upstream.Config) { c.ClientSecret = "" }, nil, false, []string{"client_id", "code_verifier"}, []string{"client_secret"}},
		"private key": {func(c *upstream.Config) { c.ClientSecret, c.Key = "", key }, nil, false, []string{"client_assertion", "client_assertion_type"}, []string{"client_secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOP(t)
			m := o.metadata()
			m["token_endpoint_auth_methods_supported"] = tt.supported
			o.pages[issuer+"/.well-known/openid-configuration"] = says(200, m)
			if _, err := o.logIn(t, connect(t, o, tt.change)); err != nil {
				t.Fatal(err)
			}
			f := o.form(t)
			if slices.ContainsFunc(tt.has, func(n string) bool { return f.Get(n) == "" }) || slices.ContainsFunc(tt.not, f.Has) {
				t.Errorf("sent %v", f)
			}
			basic := slices.ContainsFunc(o.heads, func(h http.Header) bool { return strings.HasPrefix(h.Get("Authorization"), "Basic ") })
			if basic != tt.basic {
				t.Errorf("basic: %v", basic)
			}
			if raw := f.Get("client_assertion"); raw != "" {
				checkAssertion(t, key, raw, clientID, issuer)
			}
		})
	}
}

func checkAssertion(t *testing.T, key *jose.Key, raw, iss, aud string) {
	t.Helper()
	keys, err := jose.NewKeySet(key)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jose.NewVerifier(jose.VerifierConfig{Keys: keys, Issuer: iss, Audience: []string{aud}, Type: []string{"JWT"}, Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := v.Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject != clientID || claims.Expiry.Sub(noon()) > 5*time.Minute || claims.ID == "" {
		t.Errorf("%+v", claims)
	}
}

func TestCLI11_secretsDoNotPrint(t *testing.T) {
	o := newOP(t)
	c := connect(t, o, nil)
	_, p := start(t, c, upstream.StartRequest{})
	o.nonce = p.Nonce
	got, err := c.Finish(t.Context(), p, good(&p))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "connection", c, "pending", p, "tokens", got.Tokens)
	text := fmt.Sprintf("%v %+v %#v %v %+v %#v %s %v %+v %#v %s", p, p, p, *got, *got, *got, stored, c, c, c, log.String())
	for _, s := range []string{password, p.Verifier, p.State, got.Tokens.Access.Reveal(), got.Tokens.Refresh.Reveal(), got.Tokens.ID.Reveal()} {
		if strings.Contains(text, s) {
			t.Errorf("%q is shown", s)
		}
	}
}

func TestLogoutURL(t *testing.T) {
	o := newOP(t)
	got, err := connect(t, o, nil).LogoutURL(t.Context(), "https://id.test/out?x=1&y", "id-token")
	want := issuer + "/logout?client_id=" + clientID + "&id_token_hint=id-token&post_logout_redirect_uri=https%3A%2F%2Fid.test%2Fout%3Fx%3D1%26y"
	if got != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := connect(t, o, preset(upstream.GitHub)).LogoutURL(t.Context(), "https://id.test/out", ""); got != "" || err != nil {
		t.Errorf("GitHub: %q, %v", got, err)
	}
}
