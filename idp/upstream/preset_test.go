package upstream_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/jose"
)

const (
	tenantA  = "3aa4a235-b6e2-48d5-9195-7fcf05b459b0"
	tenantB  = "b9419818-09af-49c2-b0c3-653adc1f376e"
	personal = "9188040d-6c67-4c5b-b112-36a304b66dad"
)

// at is where a preset sends people.
func at(t *testing.T, c *upstream.Connection) string {
	t.Helper()
	to, _, err := c.Start(t.Context(), upstream.StartRequest{RedirectURI: callback})
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(to, "?")
	return before
}

func TestGoogle(t *testing.T) {
	for name, tt := range map[string]struct {
		iss                     string
		claims                  map[string]any
		verified, authoritative bool
		tenant                  string
	}{
		"gmail":       {"", map[string]any{"email": "ada@gmail.com", "email_verified": true}, true, true, ""},
		"other name":  {"accounts.google.com", map[string]any{"email": "ada@gmail.com", "email_verified": true}, true, true, ""},
		"workspace":   {"", map[string]any{"email": "ada@corp.test", "email_verified": true, "hd": "corp.test"}, true, true, "corp.test"},
		"elsewhere":   {"", map[string]any{"email": "ada@web.test", "email_verified": true}, true, false, ""},
		"not proven":  {"", map[string]any{"email": "ada@gmail.com", "email_verified": false}, false, false, ""},
		"CLI-07 text": {"", map[string]any{"email": "ada@gmail.com", "email_verified": "true"}, false, false, ""},
		"silence":     {"", map[string]any{"email": "ada@gmail.com"}, false, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOP(t)
			o.issuer, o.iss, o.sub, o.extra, o.key = "https://accounts.google.com", tt.iss, "110248495921238986420", tt.claims, newKey(t, "g", jose.RS256)
			o.extra["picture"], o.extra["given_name"], o.extra["azp"] = "https://lh3.googleusercontent.com/a/x", "Ada", clientID
			o.serve("https://oauth2.googleapis.com/token", "https://www.googleapis.com/oauth2/v3/certs")
			c := connect(t, o, preset(upstream.Google))
			if to := at(t, c); to != "https://accounts.google.com/o/oauth2/v2/auth" {
				t.Error(to)
			}
			got, err := o.logIn(t, c)
			if err != nil {
				t.Fatal(err)
			}
			if got.UserID() != "google-oauth2|110248495921238986420" || got.Issuer != o.issuer || got.EmailVerified != tt.verified ||
				got.EmailAuthoritative != tt.authoritative || got.Tenant != tt.tenant || got.Picture == "" || got.GivenName != "Ada" {
				t.Errorf("%s %+v", got.UserID(), got)
			}
		})
	}
	q, _ := start(t, connect(t, &internet{}, preset(upstream.Google)), upstream.StartRequest{Offline: true, Prompt: "login consent"})
	if q.Get("access_type") != "offline" || q.Get("prompt") != "consent" || q.Get("scope") != "openid email profile" {
		t.Errorf("asked for %v", q)
	}
}

// Nobody but Google has two names.
func TestCLI04_googleNames(t *testing.T) {
	o := newOP(t)
	o.iss = "accounts.google.com"
	_, err := o.logIn(t, connect(t, o, nil))
	wants(t, err, upstream.ErrInvalid)
}

func githubPages(emails http.HandlerFunc) *internet {
	return &internet{pages: map[string]http.HandlerFunc{
		"https://github.com/login/oauth/access_token": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept") != "application/json" {
				says(200, "access_token=gho_x&scope=user%3Aemail&token_type=bearer")(w, r)
				return
			}
			says(200, `{"access_token":"gho_4711-secret","scope":"read:user,user:email","token_type":"bearer"}`)(w, r)
		},
		"https://api.github.com/user": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer gho_4711-secret" || r.Header.Get("User-Agent") == "" {
				says(403, "Request forbidden by administrative rules.")(w, r)
				return
			}
			says(200, `{"login":"octocat","id":583231,"node_id":"MDQ6VXNlcjE=","avatar_url":"https://avatars.githubusercontent.com/u/583231?v=4",
				"type":"User","name":"The Octocat","email":"public@github.test","followers":20}`)(w, r)
		},
		"https://api.github.com/user/emails": emails,
	}}
}

func TestGitHub(t *testing.T) {
	for name, tt := range map[string]struct {
		emails   http.HandlerFunc
		email    string
		verified bool
		reason   upstream.Reason
	}{
		"primary, verified": {
			says(200, `[{"email":"old@x.test","primary":false,"verified":true,"visibility":null},{"email":"octocat@x.test","primary":true,"verified":true,"visibility":"private"}]`),
			"octocat@x.test", true, "",
		},
		"CLI-07 primary is not verified": {says(200, `[{"email":"victim@x.test","primary":true,"verified":false},{"email":"own@x.test","primary":false,"verified":true}]`), "victim@x.test", false, ""},
		"CLI-07 verified is a text":      {says(200, `[{"email":"victim@x.test","primary":true,"verified":"true"}]`), "victim@x.test", false, ""},
		"CLI-07 the public address":      {says(200, `[]`), "public@github.test", false, ""},
		"scope missing":                  {says(404, `{"message":"Not Found"}`), "public@github.test", false, ""},
		"away":                           {says(502, "<html>unicorn"), "", false, upstream.ErrUnavailable},
		"an object":                      {says(200, `{"message":"?"}`), "", false, upstream.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			n := githubPages(tt.emails)
			c := connect(t, n, preset(upstream.GitHub))
			q, p := start(t, c, upstream.StartRequest{LoginHint: "octocat"})
			if q.Get("login") != "octocat" || q.Get("scope") != "read:user user:email" || q.Has("nonce") || q.Get("code_challenge") == "" {
				t.Errorf("asked for %v", q)
			}
			got, err := c.Finish(t.Context(), p, good(&p))
			wants(t, err, tt.reason)
			if tt.reason != "" {
				return
			}
			if got.UserID() != "github|583231" || got.Nickname != "octocat" || got.Email != tt.email || got.EmailVerified != tt.verified ||
				got.Name != "The Octocat" || got.Picture == "" {
				t.Errorf("%s %+v", got.UserID(), got)
			}
		})
	}
}

func TestGitHub_errorsWith200(t *testing.T) {
	for code, reason := range map[string]upstream.Reason{
		"bad_verification_code":        upstream.ErrInvalid,
		"incorrect_client_credentials": upstream.ErrRefused,
		"redirect_uri_mismatch":        upstream.ErrRefused,
	} {
		n := githubPages(nil)
		n.pages["https://github.com/login/oauth/access_token"] = says(200, map[string]any{
			"error": code, "error_description": "The code passed is incorrect or expired.", "error_uri": "https://docs.github.test",
		})
		c := connect(t, n, preset(upstream.GitHub))
		_, p := start(t, c, upstream.StartRequest{})
		_, err := c.Finish(t.Context(), p, good(&p))
		wants(t, err, reason)
	}
}

// The login changes hands, so an answer without a number names nobody.
func TestCLI06_githubID(t *testing.T) {
	for _, user := range []string{
		`{"login":"octocat"}`, `{"login":"octocat","id":0}`, `{"login":"octocat","id":"583231"}`, `{"login":"octocat","id":-1}`,
		`{"login":"octocat","id":1.5}`, `{"login":"octocat","id":1e3}`, `{"login":"octocat","id":null}`, `{"login":"octocat","id":1,"ID":2}`,
	} {
		n := githubPages(says(200, `[]`))
		n.pages["https://api.github.com/user"] = says(200, user)
		c := connect(t, n, preset(upstream.GitHub))
		_, p := start(t, c, upstream.StartRequest{})
		got, err := c.Finish(t.Context(), p, good(&p))
		if got != nil {
			t.Errorf("%s is %s", user, got.UserID())
		}
		wants(t, err, upstream.ErrUnavailable)
	}
}

// Number 1 of somebody's own server is not number 1 of GitHub.
func TestCLI06_ownServers(t *testing.T) {
	n := githubPages(says(200, `[]`))
	n.pages["https://ghe.test/login/oauth/access_token"] = n.pages["https://github.com/login/oauth/access_token"]
	n.pages["https://ghe.test/api/v3/user"] = n.pages["https://api.github.com/user"]
	n.pages["https://ghe.test/api/v3/user/emails"] = n.pages["https://api.github.com/user/emails"]
	c := connect(t, n, func(cfg *upstream.Config) {
		preset(upstream.GitHub)(cfg)
		cfg.AuthorizationURL, cfg.TokenURL = "https://ghe.test/login/oauth/authorize", "https://ghe.test/login/oauth/access_token"
		cfg.UserInfoURL = "https://ghe.test/api/v3/user"
	})
	_, p := start(t, c, upstream.StartRequest{})
	if got, err := c.Finish(t.Context(), p, good(&p)); err != nil || got.UserID() != "github|c1|583231" {
		t.Errorf("%v, %v", got, err)
	}
	for issuer, want := range map[string]string{"": "gitlab|u-1", "https://git.corp.test/lab": "gitlab|c1|u-1"} {
		o, base := newOP(t), issuer
		if base == "" {
			base = "https://gitlab.com"
		}
		o.issuer, o.extra["email"], o.extra["email_verified"] = base, "a@x.test", true
		o.serve(base+"/oauth/token", base+"/oauth/discovery/keys")
		o.pages[base+"/oauth/userinfo"] = says(200, map[string]any{"sub": "u-1", "nickname": "ada"})
		c := connect(t, o, func(cfg *upstream.Config) { preset(upstream.GitLab)(cfg); cfg.Issuer = issuer })
		if to := at(t, c); to != base+"/oauth/authorize" {
			t.Error(to)
		}
		got, err := o.logIn(t, c)
		if err != nil {
			t.Fatal(err)
		}
		if got.UserID() != want || !got.EmailVerified || got.Nickname != "ada" || got.EmailAuthoritative {
			t.Errorf("%s %+v", got.UserID(), got)
		}
	}
}

func microsoft(t *testing.T, tenant string) *op {
	o := newOP(t)
	o.issuer, o.key = "https://login.microsoftonline.com/"+tenant+"/v2.0", newKey(t, "ms", jose.ES256)
	o.extra = map[string]any{
		"tid": tenant, "oid": "00000000-0000-0000-66f3-3332eca7ea81", "preferred_username": "ada@corp.test",
		"email": "victim@x.test", "email_verified": true, "xms_edov": "1", "name": "Ada", "ver": "2.0",
	}
	for _, directory := range []string{"common", "organizations", "consumers", tenantA} {
		base := "https://login.microsoftonline.com/" + directory
		o.serve(base+"/oauth2/v2.0/token", base+"/discovery/v2.0/keys")
	}
	return o
}

func TestCLI06_microsoft(t *testing.T) {
	for name, tt := range map[string]struct {
		strategy, directory string
		tenants             []string
		from                string // the tenant of the account
		change              func(*op)
		reason              upstream.Reason
	}{
		"own tenant":           {strategy: upstream.Entra, directory: tenantA, from: tenantA},
		"listed":               {strategy: upstream.Entra, directory: "organizations", tenants: []string{tenantA, tenantB}, from: tenantB},
		"any":                  {strategy: upstream.Entra, directory: "common", tenants: []string{"*"}, from: tenantB},
		"personal":             {strategy: upstream.MicrosoftAccount, from: personal},
		"another tenant":       {strategy: upstream.Entra, directory: tenantA, from: tenantB, reason: upstream.ErrNotAllowed},
		"not listed":           {strategy: upstream.Entra, directory: "organizations", tenants: []string{tenantA}, from: tenantB, reason: upstream.ErrNotAllowed},
		"organization's":       {strategy: upstream.MicrosoftAccount, from: tenantA, reason: upstream.ErrNotAllowed},
		"tid is another":       {upstream.Entra, "organizations", []string{tenantA}, tenantB, func(o *op) { o.extra["tid"] = tenantA }, upstream.ErrInvalid},
		"no tid":               {upstream.Entra, tenantA, nil, tenantA, func(o *op) { o.extra["tid"] = nil }, upstream.ErrInvalid},
		"issuer is a template": {upstream.Entra, "common", []string{"*"}, tenantA, func(o *op) { o.iss = "https://login.microsoftonline.com/{tenantid}/v2.0" }, upstream.ErrInvalid},
		"issuer of version 1":  {upstream.Entra, "common", []string{"*"}, tenantA, func(o *op) { o.iss = "https://sts.windows.net/" + tenantA + "/" }, upstream.ErrInvalid},
		"issuer elsewhere": {
			upstream.Entra, "common",
			[]string{"*"},
			tenantA, func(o *op) { o.iss = "https://login.microsoftonline.com.evil.test/" + tenantA + "/v2.0" },
			upstream.ErrInvalid,
		},
		"tid is a path": {
			upstream.Entra, "common",
			[]string{"*"},
			tenantA, func(o *op) {
				o.iss, o.extra["tid"] = "https://login.microsoftonline.com/x/"+tenantA+"/v2.0", "x/"+tenantA
			},
			upstream.ErrInvalid,
		},
		"issuer with a path": {upstream.Entra, "common", []string{"*"}, tenantA, func(o *op) { o.iss = "https://login.microsoftonline.com/x/" + tenantA + "/v2.0" }, upstream.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			o := microsoft(t, tt.from)
			if tt.change != nil {
				tt.change(o)
			}
			got, err := o.logIn(t, connect(t, o, func(cfg *upstream.Config) {
				preset(tt.strategy)(cfg)
				cfg.Tenant, cfg.Tenants = tt.directory, tt.tenants
			}))
			wants(t, err, tt.reason)
			if tt.reason != "" {
				return
			}
			if got.UserID() != tt.strategy+"|"+tt.from+".u-1" || got.Tenant != tt.from || got.Issuer != o.issuer || got.Username != "ada@corp.test" {
				t.Errorf("%s %+v", got.UserID(), got)
			}
			if got.Email != "victim@x.test" || got.EmailVerified || got.EmailAuthoritative {
				t.Error("nOAuth: an address of Microsoft counts as verified")
			}
		})
	}
}

func TestMicrosoft_urls(t *testing.T) {
	c := connect(t, &internet{}, func(cfg *upstream.Config) { preset(upstream.Entra)(cfg); cfg.Tenant = tenantA })
	if to := at(t, c); to != "https://login.microsoftonline.com/"+tenantA+"/oauth2/v2.0/authorize" {
		t.Error(to)
	}
	q, _ := start(t, c, upstream.StartRequest{Prompt: "select_account", Offline: true})
	if q.Get("prompt") != "select_account" || q.Get("scope") != "openid profile email offline_access" {
		t.Errorf("asked for %v", q)
	}
	out, err := c.LogoutURL(t.Context(), "https://id.test/out", "")
	if err != nil || !strings.HasPrefix(out, "https://login.microsoftonline.com/"+tenantA+"/oauth2/v2.0/logout?") {
		t.Errorf("%s, %v", out, err)
	}
	_, p := start(t, c, upstream.StartRequest{})
	params := good(&p)
	params.Set("iss", "https://evil.test/"+tenantA+"/v2.0")
	_, err = c.Finish(t.Context(), p, params)
	wants(t, err, upstream.ErrInvalid)
}

func TestApple(t *testing.T) {
	key := newKey(t, "ABC123DEFG", jose.ES256)
	for name, tt := range map[string]struct {
		email, verified any
		user            string
		want            upstream.Profile
	}{
		"first time": {
			"ada@icloud.test", "true", `{"name":{"firstName":"Ada","lastName":"Lovelace"},"email":"forged@x.test"}`,
			upstream.Profile{Email: "ada@icloud.test", EmailVerified: true, Name: "Ada Lovelace", GivenName: "Ada", FamilyName: "Lovelace"},
		},
		"later":              {"ada@icloud.test", true, "", upstream.Profile{Email: "ada@icloud.test", EmailVerified: true}},
		"private relay":      {"x7@privaterelay.appleid.com", "true", "", upstream.Profile{Email: "x7@privaterelay.appleid.com", EmailVerified: true, EmailAuthoritative: true}},
		"not verified":       {"ada@icloud.test", "false", "", upstream.Profile{Email: "ada@icloud.test"}},
		"form's address":     {nil, nil, `{"email":"forged@x.test"}`, upstream.Profile{}},
		"broken form":        {nil, nil, `{"name":`, upstream.Profile{}},
		"name is a list":     {nil, nil, `{"name":["a"]}`, upstream.Profile{}},
		"hostile name":       {nil, nil, `{"name":{"firstName":"A\r\nB\u202e","lastName":{"x":1}}}`, upstream.Profile{Name: "A  B", GivenName: "A  B"}},
		"verified is 'True'": {"a@x.test", "True", "", upstream.Profile{Email: "a@x.test"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOP(t)
			o.issuer, o.sub, o.key = "https://appleid.apple.com", "001234.aabbcc.0123", newKey(t, "apple", jose.ES256)
			o.extra = map[string]any{"email": tt.email, "email_verified": tt.verified, "is_private_email": "true", "nonce_supported": true}
			o.serve("https://appleid.apple.com/auth/token", "https://appleid.apple.com/auth/keys")
			c := connect(t, o, func(cfg *upstream.Config) {
				preset(upstream.Apple)(cfg)
				cfg.ClientSecret, cfg.Key, cfg.TeamID = "", key, "TEAM123456"
			})
			q, p := start(t, c, upstream.StartRequest{LoginHint: "x", Prompt: "login"})
			if q.Get("response_mode") != "form_post" || q.Get("scope") != "openid name email" || q.Has("prompt") || !c.FormPost() {
				t.Errorf("asked for %v", q)
			}
			o.nonce = p.Nonce
			params := good(&p)
			if tt.user != "" {
				params.Set("user", tt.user)
			}
			got, err := c.Finish(t.Context(), p, params)
			if err != nil {
				t.Fatal(err)
			}
			checkAssertion(t, key, o.form(t).Get("client_secret"), "TEAM123456", "https://appleid.apple.com")
			if got.UserID() != "apple|001234.aabbcc.0123" {
				t.Error(got.UserID())
			}
			short := upstream.Profile{
				Email: got.Email, EmailVerified: got.EmailVerified, EmailAuthoritative: got.EmailAuthoritative,
				Name: got.Name, GivenName: got.GivenName, FamilyName: got.FamilyName,
			}
			if diff := cmp.Diff(tt.want, short); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFacebook(t *testing.T) {
	mac := hmac.New(sha256.New, []byte(password))
	mac.Write([]byte("EAAG4711-secret"))
	proof := hex.EncodeToString(mac.Sum(nil))
	n := &internet{pages: map[string]http.HandlerFunc{
		"https://graph.facebook.com/v23.0/oauth/access_token": says(200, `{"access_token":"EAAG4711-secret","token_type":"bearer","expires_in":5183944}`),
		"https://graph.facebook.com/v23.0/me": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("appsecret_proof") != proof || r.URL.Query().Has("access_token") {
				says(400, `{"error":{"message":"Invalid appsecret_proof","type":"GraphMethodException","code":100}}`)(w, r)
				return
			}
			says(200, `{"id":"10158393215551234","name":"Ada Lovelace","first_name":"Ada","last_name":"Lovelace","email":"victim@x.test","email_verified":true,
				"picture":{"data":{"height":50,"is_silhouette":false,"url":"https://platform-lookaside.fbsbx.com/x?asid=1&ext=2","width":50}}}`)(w, r)
		},
	}}
	c := connect(t, n, preset(upstream.Facebook))
	q, p := start(t, c, upstream.StartRequest{Prompt: "login"})
	if q.Get("auth_type") != "reauthenticate" || q.Has("prompt") || q.Get("scope") != "public_profile email" {
		t.Errorf("asked for %v", q)
	}
	got, err := c.Finish(t.Context(), p, good(&p))
	if err != nil {
		t.Fatal(err)
	}
	if got.UserID() != "facebook|10158393215551234" || got.Email != "victim@x.test" || got.EmailVerified || got.GivenName != "Ada" || got.Picture == "" {
		t.Errorf("%s %+v", got.UserID(), got)
	}
	me := n.pages["https://graph.facebook.com/v23.0/me"]
	delete(n.pages, "https://graph.facebook.com/v23.0/me")
	_, p = start(t, c, upstream.StartRequest{})
	if _, err = c.Finish(t.Context(), p, good(&p)); err == nil || strings.Contains(err.Error(), "proof") {
		t.Errorf("the query in an error: %v", err)
	}
	wants(t, err, upstream.ErrUnavailable)
	n.pages["https://graph.facebook.com/v23.0/me"] = me
	for body, reason := range map[string]upstream.Reason{
		`{"error":{"message":"This authorization code has been used.","type":"OAuthException","code":100,"error_subcode":36009}}`: upstream.ErrInvalid,
		`{"error":{"message":"Error validating client secret.","type":"OAuthException","code":1,"fbtrace_id":"A"}}`:               upstream.ErrUnavailable,
		`{"error":{"message":"Invalid application ID","type":"OAuthException","code":101}}`:                                       upstream.ErrRefused,
		`{"error":{}}`: upstream.ErrRefused,
	} {
		n.pages["https://graph.facebook.com/v23.0/oauth/access_token"] = says(400, body)
		_, p := start(t, c, upstream.StartRequest{})
		_, err := c.Finish(t.Context(), p, good(&p))
		wants(t, err, reason)
	}
}

// Facebook's tokens for other clients are of no use here, for no token that
// comes with the browser is looked at.
func TestCLI05_tokensOfTheBrowser(t *testing.T) {
	o := newOP(t)
	c := connect(t, o, nil)
	_, p := start(t, c, upstream.StartRequest{})
	o.nonce = p.Nonce
	_, err := c.Finish(t.Context(), p, url.Values{"state": {p.State}, "access_token": {"at-4711-secret"}, "id_token": {o.idToken()}})
	wants(t, err, upstream.ErrInvalid)
	// Beside a good code they are not looked at, however good they are themselves.
	own := o.sub
	o.sub = "u-2"
	params := good(&p)
	params.Set("id_token", o.idToken())
	params.Set("access_token", "at-of-u-2")
	o.sub = own
	got, err := c.Finish(t.Context(), p, params)
	if err != nil || got.Subject != own || got.Tokens.Access.Reveal() != "at-4711-secret" {
		t.Errorf("%+v, %v", got, err)
	}
}
