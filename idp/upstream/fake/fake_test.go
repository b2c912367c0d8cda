package fake_test

import (
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/idp/upstream/fake"
)

const callback = "http://localhost:3001/login/callback"

func noon() time.Time { return time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC) }

// serve starts an imitation below a path.
func serve(t *testing.T, change func(*fake.Config)) (*fake.Server, string) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	cfg := fake.Config{
		Development: true, Issuer: server.URL + "/fake/hub", Name: "Fake <Hub>", RedirectURIs: []string{callback}, Now: noon,
	}
	if change != nil {
		change(&cfg)
	}
	s, err := fake.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/fake/hub/", s)
	return s, cfg.Issuer
}

// A reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// location is where an answer sends the browser to, nil when nowhere.
func (r *reply) location(t *testing.T) *url.URL {
	t.Helper()
	raw := r.header.Get("Location")
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func do(t *testing.T, method, to string, form url.Values, change func(*http.Request)) *reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if change != nil {
		change(r)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &reply{resp.StatusCode, resp.Header, string(body)}
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// press chooses a person and returns what the browser brings back, from the
// address or from the form with the one button.
func press(t *testing.T, to, person string) url.Values {
	t.Helper()
	got := do(t, http.MethodPost, to, url.Values{"person": {person}}, nil)
	if got.status == http.StatusOK {
		back := make(url.Values)
		for _, m := range hidden.FindAllStringSubmatch(got.body, -1) {
			back.Set(m[1], html.UnescapeString(m[2]))
		}
		return back
	}
	at := got.location(t)
	if at == nil || got.status != http.StatusSeeOther || !strings.HasPrefix(at.String(), callback+"?") {
		t.Fatalf("%d %v %s", got.status, at, got.body)
	}
	return at.Query()
}

func connect(t *testing.T, s *fake.Server, strategy string) *upstream.Connection {
	t.Helper()
	c, err := upstream.New(s.Connection("c1", strategy))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestLogIn(t *testing.T) {
	s, _ := serve(t, nil)
	for strategy, want := range map[string]struct {
		id       string
		verified bool
	}{
		upstream.Google: {"google-oauth2|1001", true}, upstream.GitHub: {"github|1001", true}, upstream.MicrosoftAccount: {"windowslive|1001", false},
		upstream.Entra: {"waad|1001", false}, upstream.Apple: {"apple|1001", true}, upstream.Facebook: {"facebook|1001", false},
		upstream.GitLab: {"gitlab|1001", true}, upstream.OIDC: {"oidc|c1|1001", true}, upstream.OAuth2: {"oauth2|c1|1001", false},
	} {
		t.Run(strategy, func(t *testing.T) {
			c := connect(t, s, strategy)
			logIn := func(person string) (*upstream.Profile, error) {
				to, p, err := c.Start(t.Context(), upstream.StartRequest{RedirectURI: callback})
				if err != nil {
					t.Fatal(err)
				}
				return c.Finish(t.Context(), p, press(t, to, person))
			}
			got, err := logIn("1001")
			if err != nil {
				t.Fatal(err)
			}
			if got.UserID() != want.id || got.Email != "ada@example.com" || got.EmailVerified != want.verified || got.Name != "Ada Lovelace" && strategy != upstream.Apple {
				t.Errorf("%s %+v", got.UserID(), got)
			}
			if got, err = logIn("1002"); err != nil || got.EmailVerified || got.Email != "grace@example.com" {
				t.Errorf("CLI-07: %+v, %v", got, err)
			}
			if got, err = logIn("1003"); err != nil || got.Email != "" || got.EmailVerified {
				t.Errorf("without an address: %+v, %v", got, err)
			}
			for _, person := range []string{"", "9", "x"} {
				if _, err = logIn(person); !errors.Is(err, upstream.ErrDenied) {
					t.Errorf("%q: %v", person, err)
				}
			}
		})
	}
}

func TestNew_refuses(t *testing.T) {
	for name, change := range map[string]func(*fake.Config){
		"not in development": func(c *fake.Config) { c.Development = false },
		"on the internet":    func(c *fake.Config) { c.Issuer = "https://login.example.com" },
		"a similar name":     func(c *fake.Config) { c.Issuer = "http://localhost.evil.test" },
		"every address":      func(c *fake.Config) { c.Issuer = "http://0.0.0.0:3001" },
		"no issuer":          func(c *fake.Config) { c.Issuer = "" },
		"no redirect URI":    func(c *fake.Config) { c.RedirectURIs = nil },
		"person without ID":  func(c *fake.Config) { c.People = []fake.Person{{Name: "Ada"}} },
	} {
		cfg := fake.Config{Development: true, Issuer: "http://localhost:3001/fake", RedirectURIs: []string{callback}}
		change(&cfg)
		if s, err := fake.New(cfg); s != nil || err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// query is an authorization request that is good.
func query() url.Values {
	return url.Values{
		"client_id": {fake.ClientID}, "redirect_uri": {callback}, "response_type": {"code"}, "state": {"s"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
}

func TestPage(t *testing.T) {
	_, issuer := serve(t, nil)
	got := do(t, http.MethodGet, issuer+"/login/oauth/authorize?"+query().Encode(), nil, nil)
	policy := got.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%q lacks %q", policy, want)
		}
	}
	for _, want := range []string{"Development only", "Sign in to Fake &lt;Hub&gt; as", "Ada Lovelace", "(not verified)", "no e-mail address"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if got.status != http.StatusOK || strings.Contains(got.body, "<script") || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", got.status, got.header)
	}
}

func TestRequests_refused(t *testing.T) {
	_, issuer := serve(t, nil)
	for name, tt := range map[string]struct {
		change  func(url.Values)
		request func(*http.Request)
		status  int
		error   string
	}{
		"IDP-01 redirect URI":   {func(q url.Values) { q.Set("redirect_uri", "https://evil.test/") }, nil, http.StatusBadRequest, ""},
		"IDP-01 suffix":         {func(q url.Values) { q.Set("redirect_uri", callback+"/../x") }, nil, http.StatusBadRequest, ""},
		"no redirect URI":       {func(q url.Values) { q.Del("redirect_uri") }, nil, http.StatusBadRequest, ""},
		"another host":          {nil, func(r *http.Request) { r.Host = "evil.test" }, http.StatusMisdirectedRequest, ""},
		"another site's form":   {nil, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden, ""},
		"IDP-04 no challenge":   {func(q url.Values) { q.Del("code_challenge") }, nil, http.StatusSeeOther, "invalid_request"},
		"IDP-04 plain":          {func(q url.Values) { q.Set("code_challenge_method", "plain") }, nil, http.StatusSeeOther, "invalid_request"},
		"token in the fragment": {func(q url.Values) { q.Set("response_type", "token") }, nil, http.StatusSeeOther, "invalid_request"},
		"no client":             {func(q url.Values) { q.Del("client_id") }, nil, http.StatusSeeOther, "invalid_request"},
	} {
		q := query()
		if tt.change != nil {
			tt.change(q)
		}
		got := do(t, http.MethodPost, issuer+"/authorize?"+q.Encode(), url.Values{"person": {"1001"}}, tt.request)
		if got.status != tt.status {
			t.Errorf("%s: %d", name, got.status)
		}
		at := got.location(t)
		if tt.error == "" && at != nil || tt.error != "" && (at == nil || at.Query().Get("error") != tt.error || at.Query().Has("code")) {
			t.Errorf("%s: %v", name, at)
		}
	}
	q := query()
	q.Set("prompt", "none")
	at := do(t, http.MethodGet, issuer+"/authorize?"+q.Encode(), nil, nil).location(t)
	if at == nil || at.Query().Get("error") != "login_required" || at.Query().Get("iss") != issuer {
		t.Errorf("prompt none: %v", at)
	}
}

func TestIDP03_codes(t *testing.T) {
	now := noon()
	_, issuer := serve(t, func(c *fake.Config) { c.Now = func() time.Time { return now } })
	form := func(code string) url.Values {
		return url.Values{
			"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "client_id": {fake.ClientID},
			"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}, // RFC 7636 appendix B
		}
	}
	redeem := func(f url.Values) map[string]any {
		t.Helper()
		got := do(t, http.MethodPost, issuer+"/login/oauth/access_token", f, nil)
		var m map[string]any
		if err := json.Unmarshal([]byte(got.body), &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	code := func() string { return press(t, issuer+"/authorize?"+query().Encode(), "1001").Get("code") }
	for name, change := range map[string]func(url.Values){
		"no verifier":       func(f url.Values) { f.Del("code_verifier") },
		"another verifier":  func(f url.Values) { f.Set("code_verifier", strings.Repeat("v", 43)) },
		"another client":    func(f url.Values) { f.Set("client_id", "x") },
		"another URI":       func(f url.Values) { f.Set("redirect_uri", "http://localhost:3001/") },
		"made up":           func(f url.Values) { f.Set("code", "x") },
		"another grant":     func(f url.Values) { f.Set("grant_type", "password") },
		"a minute too late": func(url.Values) { now = now.Add(time.Minute) },
	} {
		f := form(code())
		change(f)
		if got := redeem(f); got["access_token"] != nil || got["error"] == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	f := form(code())
	first := redeem(f)
	if first["access_token"] == nil {
		t.Fatal(first)
	}
	if again := redeem(f); again["error"] != "bad_verification_code" {
		t.Errorf("a second time: %v", again)
	}
	bearer := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+first["access_token"].(string)) }
	if got := do(t, http.MethodGet, issuer+"/user", nil, bearer); got.status != http.StatusOK || !strings.Contains(got.body, `"id":1001`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	now = now.Add(2 * time.Hour)
	if got := do(t, http.MethodGet, issuer+"/user", nil, bearer); got.status != http.StatusUnauthorized {
		t.Errorf("an old token: %d", got.status)
	}
	if got := do(t, http.MethodGet, issuer+"/user", nil, nil); got.status != http.StatusUnauthorized {
		t.Errorf("no token: %d", got.status)
	}
}

func TestLogout(t *testing.T) {
	s, _ := serve(t, nil)
	c := connect(t, s, upstream.OIDC)
	for returnTo, goes := range map[string]bool{callback: true, "https://evil.test/": false, "": false} {
		to, err := c.LogoutURL(t.Context(), returnTo, "")
		if err != nil {
			t.Fatal(err)
		}
		if at := do(t, http.MethodGet, to, nil, nil).header.Get("Location"); goes != (at != "") || goes && at != returnTo {
			t.Errorf("%q: goes to %q", returnTo, at)
		}
	}
}
