package cookie_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/cookie"
	"github.com/gatewright/gate/strategy/strategytest"
)

const (
	good   = "Zm9vYmFyYmF6_secret-of-ada"
	gone   = "Zm9vYmFyYmF6_secret-of-nobody"
	banned = "Zm9vYmFyYmF6_secret-of-bob"
	admins = "Zm9vYmFyYmF6_secret-of-admin"
)

var (
	login   = time.Unix(1_700_000_000, 0)
	expires = login.Add(12 * time.Hour)
)

// backend is a table of sessions and accounts.
type backend struct {
	mu       sync.Mutex
	err      error
	sessions map[string]gate.Session
	looked   int
	gotten   *gate.Principal
}

func newBackend() *backend {
	session := func(id, subject, entity string) gate.Session {
		return gate.Session{ID: id, Subject: subject, Entity: entity, AuthenticatedAt: login, ExpiresAt: expires}
	}
	return &backend{
		sessions: map[string]gate.Session{
			good: session("s1", "7", "user"), banned: session("s2", "8", "user"), admins: session("s3", "7", "admin"),
		},
		gotten: &gate.Principal{Subject: "7", Roles: []string{"cook"}},
	}
}

func (b *backend) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *backend) BySecret(_ context.Context, text string) (gate.Session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looked++
	if b.err != nil {
		return gate.Session{}, b.err
	}
	session, ok := b.sessions[text]
	if !ok {
		return gate.Session{}, gate.ErrNotAuthenticated
	}
	return session, nil
}

func (b *backend) Subject(_ context.Context, id string) (*gate.Principal, error) {
	if id != "7" {
		return nil, gate.ErrNotAuthenticated
	}
	return b.gotten, nil
}

func newStrategy(cfg cookie.Config) *cookie.Strategy {
	b := newBackend()
	return cookie.New(b, b, cfg)
}

// request returns a request to https://shop.example with these cookie headers.
func request(method string, cookies ...string) *http.Request {
	r := httptest.NewRequest(method, "https://shop.example/items", nil)
	if len(cookies) > 0 {
		r.Header["Cookie"] = cookies
	}
	return r
}

func with(method, secret string) func() *http.Request {
	return func() *http.Request { return request(method, "theme=dark; __Host-gate="+secret) }
}

func TestStrategy(t *testing.T) {
	strategytest.Run(t, strategytest.Suite{
		New: func() (gate.Strategy, func(error)) {
			b := newBackend()
			return cookie.New(b, b, cookie.Config{}), b.fail
		},
		Subject: "7",
		Good: []strategytest.Case{
			{Name: "GET", Request: with(http.MethodGet, good)},
			{Name: "POST of a program", Request: with(http.MethodPost, good)},
			{Name: "POST of a browser", Request: func() *http.Request {
				r := with(http.MethodPost, good)()
				r.Header.Set("Origin", "https://shop.example")
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				return r
			}},
		},
		Bad: []strategytest.Case{
			{Name: "unknown", Request: with(http.MethodGet, gone)},
			{Name: "disabled account", Request: with(http.MethodGet, banned)},
			{Name: "another kind of account", Request: with(http.MethodGet, admins)},
			{Name: "posted to the login", Fields: map[string]any{"session": good}, Distinct: true},
			{Name: "from another site", Code: gate.ErrForbidden, Request: func() *http.Request {
				r := with(http.MethodPost, good)()
				r.Header.Set("Sec-Fetch-Site", "cross-site")
				return r
			}},
		},
	})
}

func TestAuthenticate(t *testing.T) {
	b := newBackend()
	s := cookie.New(b, b, cookie.Config{})
	c, _, err := s.Parse(with(http.MethodGet, good)())
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Authenticate(t.Context(), c)
	want := &gate.Principal{Subject: "7", SessionID: "s1", Roles: []string{"cook"}, AuthenticatedAt: login, ExpiresAt: expires}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if b.gotten.SessionID != "" {
		t.Error("the principal of the store was changed")
	}
}

// TestSES02_cookies sends what a browser or an attacker may send: there is one
// cookie, exactly so called, or none.
func TestSES02_cookies(t *testing.T) {
	for _, tt := range []struct {
		cookies []string
		want    bool
	}{
		{nil, false},
		{[]string{"__Host-gate=" + good}, true},
		{[]string{"a=b; __Host-gate=" + good + "; c=d"}, true},
		{[]string{"a=b;__Host-gate=" + good + ";c=d"}, true},
		{[]string{"a=b", "__Host-gate=" + good}, true}, // HTTP/2 splits them
		{[]string{"__host-gate=evil; __Host-gate=" + good}, true},
		{[]string{"__Host-gate=" + good + "; __Host-gate=" + good}, false},
		{[]string{"__Host-gate=" + good + "; __Host-gate="}, false},
		{[]string{"__Host-gate=" + good + "; __Host-gate"}, false},
		{[]string{"__Host-gate=" + good + "; __Host-gate=\"b\x01ad"}, false}, // net/http would drop the second
		{[]string{"__Host-gate=" + good + "; __Host-gate =x"}, false},
		{[]string{"__Host-gate=" + good, "__Host-gate=" + good}, false},
		{[]string{"__host-gate=" + good}, false},
		{[]string{"__HOST-GATE=" + good}, false},
		{[]string{"X__Host-gate=" + good}, false},
		{[]string{"__Host-gate2=" + good}, false},
		{[]string{"__Host-admin=" + good}, false},
		{[]string{"__Host-gate"}, false},
		{[]string{"__Host-gate="}, false},
		{[]string{`__Host-gate="` + good + `"`}, false},
		{[]string{"__Host-gate=" + good + ", x"}, false},
		{[]string{"__Host-gate=" + good + "%00"}, false},
		{[]string{"__Host-gate=" + strings.Repeat("A", 257)}, false},
		{[]string{"=__Host-gate=" + good}, false}, // a nameless cookie that looks like ours
		{[]string{"a=__Host-gate=" + good}, false},
	} {
		_, found, err := newStrategy(cookie.Config{}).Parse(request(http.MethodGet, tt.cookies...))
		if found != tt.want || err != nil {
			t.Errorf("%q: found %v, error %v, want %v", tt.cookies, found, err, tt.want)
		}
	}
}

// TestSES08_authorizationWins sends a good cookie beside each kind of
// Authorization header: the cookie counts for nothing.
func TestSES08_authorizationWins(t *testing.T) {
	for _, authorization := range [][]string{{"Bearer bad.a.b"}, {"Basic YTpi"}, {""}, {"x"}, {"a", "b"}} {
		r := with(http.MethodGet, good)()
		r.Header["Authorization"] = authorization
		if _, found, err := newStrategy(cookie.Config{}).Parse(r); found || err != nil {
			t.Errorf("%q: found %v, error %v", authorization, found, err)
		}
	}
}

// TestSES08_crossOrigin sends requests as browsers make them for other sites.
func TestSES08_crossOrigin(t *testing.T) {
	const allowed, refused = true, false
	for _, tt := range []struct {
		name, method string
		header       map[string]string
		want         bool
	}{
		{"GET of another site", "GET", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, allowed},
		{"HEAD of another site", "HEAD", map[string]string{"Sec-Fetch-Site": "cross-site"}, allowed},
		{"own page", "POST", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "https://shop.example"}, allowed},
		{"address bar", "POST", map[string]string{"Sec-Fetch-Site": "none"}, allowed},
		{"a program", "DELETE", nil, allowed},
		{"own page, old browser", "POST", map[string]string{"Origin": "https://shop.example"}, allowed},
		{"trusted", "POST", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://app.shop.example:8443"}, allowed},
		{"trusted, old browser", "PATCH", map[string]string{"Origin": "https://app.shop.example:8443"}, allowed},

		{"form of another site", "POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, refused},
		{"form of a subdomain", "POST", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://blog.shop.example"}, refused},
		{"no origin", "POST", map[string]string{"Sec-Fetch-Site": "cross-site"}, refused},
		{"null", "POST", map[string]string{"Origin": "null"}, refused},
		{"null and cross-site", "POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "null"}, refused},
		{"same host on http", "POST", map[string]string{"Origin": "http://shop.example"}, refused},
		{"trusted on http", "POST", map[string]string{"Origin": "http://app.shop.example:8443"}, refused},
		{"trusted on another port", "POST", map[string]string{"Origin": "https://app.shop.example"}, refused},
		{"trusted with a tail", "POST", map[string]string{"Origin": "https://app.shop.example:8443.evil.example"}, refused},
		{"own host on another port", "POST", map[string]string{"Origin": "https://shop.example:8443"}, refused},
		{"own host as a user", "POST", map[string]string{"Origin": "https://shop.example@evil.example"}, refused},
		{"a user at own host", "POST", map[string]string{"Origin": "https://evil@shop.example"}, refused},
		{"no scheme", "POST", map[string]string{"Origin": "shop.example"}, refused},
		{"strange scheme", "POST", map[string]string{"Origin": "chrome-extension://shop.example"}, refused},
		{"unknown site", "POST", map[string]string{"Sec-Fetch-Site": "sideways"}, refused},
		{"old browser, other site", "PUT", map[string]string{"Origin": "https://evil.example"}, refused},
		{"unknown method", "BREW", map[string]string{"Origin": "https://evil.example"}, refused},
		{"empty method", "", map[string]string{"Origin": "https://evil.example"}, refused},
		{"method in lower case", "get", map[string]string{"Origin": "https://evil.example"}, refused},
		{"WebSocket of another site", "GET", map[string]string{"Upgrade": "websocket", "Origin": "https://evil.example"}, refused},
		{"WebSocket of a subdomain", "GET", map[string]string{"Upgrade": "websocket", "Sec-Fetch-Site": "same-site"}, refused},
		{"own WebSocket", "GET", map[string]string{"Upgrade": "websocket", "Origin": "https://shop.example"}, allowed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStrategy(cookie.Config{TrustedOrigins: []string{"https://app.shop.example:8443"}})
			r := with(http.MethodGet, good)()
			r.Method = tt.method
			for name, value := range tt.header {
				r.Header.Set(name, value)
			}
			c, found, err := s.Parse(r)
			switch {
			case tt.want && (err != nil || !found):
				t.Errorf("refused: %v", err)
			case !tt.want && (!errors.Is(err, gate.ErrForbidden) || found || !reflect.DeepEqual(c, gate.Credentials{})):
				t.Errorf("got %v, found %v, want ErrForbidden", err, found)
			}
			if r.Method != tt.method {
				t.Errorf("the request's method is %q now", r.Method)
			}
		})
	}
}

// TestSES08_twoOrigins cannot come from a browser.
func TestSES08_twoOrigins(t *testing.T) {
	r := with(http.MethodPost, good)()
	r.Header["Origin"] = []string{"https://shop.example", "https://evil.example"}
	if _, _, err := newStrategy(cookie.Config{}).Parse(r); !errors.Is(err, gate.ErrForbidden) {
		t.Errorf("got %v", err)
	}
}

// TestSES08_development works on this machine without https, where browsers
// keep the cookie too.
func TestSES08_development(t *testing.T) {
	for _, host := range []string{"localhost:3000", "127.0.0.1:3000", "[::1]:3000", "shop.localhost:3000"} {
		r := with(http.MethodPost, good)()
		r.Host, r.TLS = host, nil
		r.Header.Set("Origin", "http://"+host)
		if _, found, err := newStrategy(cookie.Config{}).Parse(r); !found || err != nil {
			t.Errorf("%s: found %v, error %v", host, found, err)
		}
	}
}

// TestSES08_withoutCookieNobodyAsks leaves requests without a session alone:
// what they may do is nobody's business here.
func TestSES08_withoutCookieNobodyAsks(t *testing.T) {
	for _, cookies := range [][]string{nil, {"theme=dark"}, {"__Host-gate="}} {
		r := request(http.MethodPost, cookies...)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if _, found, err := newStrategy(cookie.Config{}).Parse(r); found || err != nil {
			t.Errorf("%q: found %v, error %v", cookies, found, err)
		}
	}
}

// TestSES02_twoServices keeps two services on one host apart, each by its own
// cookie and its own kind of accounts.
func TestSES02_twoServices(t *testing.T) {
	b := newBackend()
	svc, err := gate.New(gate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]cookie.Config{"shop": {}, "admin": {Name: "__Host-admin", Entity: "admin"}} {
		if err := svc.Register(name, cookie.New(b, b, cfg)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		guard, cookies string
		want           int
	}{
		{"shop", "__Host-gate=" + good, http.StatusOK},
		{"admin", "__Host-admin=" + admins, http.StatusOK},
		{"shop", "__Host-gate=" + good + "; __Host-admin=" + admins, http.StatusOK},
		{"admin", "__Host-gate=" + admins, http.StatusUnauthorized},
		{"admin", "__Host-admin=" + good, http.StatusUnauthorized},
		{"shop", "__Host-gate=" + admins, http.StatusUnauthorized},
	} {
		w := httptest.NewRecorder()
		svc.Guard(tt.guard).Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).
			ServeHTTP(w, request(http.MethodGet, tt.cookies))
		if w.Code != tt.want {
			t.Errorf("%s with %s: %d, want %d", tt.guard, tt.cookies, w.Code, tt.want)
		}
	}
}

// TestSES08_badBearerGoodCookie asks a guard that takes both.
func TestSES08_badBearerGoodCookie(t *testing.T) {
	svc, err := gate.New(gate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.Register("cookie", newStrategy(cookie.Config{})); err != nil {
		t.Fatal(err)
	}
	for name, guard := range map[string]*gate.Guard{"plain": svc.Guard("cookie"), "optional": svc.Guard("cookie").Optional()} {
		r := with(http.MethodGet, good)()
		r.Header.Set("Authorization", "Bearer bad.a.b")
		w := httptest.NewRecorder()
		guard.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("let through") })).ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

func TestLOG16_oddStores(t *testing.T) {
	for name, change := range map[string]func(*backend){
		"forbids":         func(b *backend) { b.err = gate.ErrForbidden },
		"no session":      func(b *backend) { b.sessions[good] = gate.Session{} },
		"no subject":      func(b *backend) { b.sessions[good] = gate.Session{ID: "s1", Entity: "user"} },
		"another subject": func(b *backend) { b.gotten = &gate.Principal{Subject: "9"} },
		"no principal":    func(b *backend) { b.gotten = nil },
	} {
		b := newBackend()
		change(b)
		s := cookie.New(b, b, cookie.Config{})
		c, _, _ := s.Parse(with(http.MethodGet, good)())
		if p, err := s.Authenticate(t.Context(), c); p != nil || err == nil || errors.Is(err, gate.ErrNotAuthenticated) {
			t.Errorf("%s: got %v and %v, want no decision", name, p, err)
		}
	}
}

func TestValidate(t *testing.T) {
	b := newBackend()
	for name, s := range map[string]*cookie.Strategy{
		"no sessions":         cookie.New(nil, b, cookie.Config{}),
		"no subjects":         cookie.New(b, nil, cookie.Config{}),
		"any name":            newStrategy(cookie.Config{Name: "session"}),
		"prefix alone":        newStrategy(cookie.Config{Name: "__Host-"}),
		"prefix in lower":     newStrategy(cookie.Config{Name: "__host-gate"}),
		"odd name":            newStrategy(cookie.Config{Name: "__Host-a;b"}),
		"origin with path":    newStrategy(cookie.Config{TrustedOrigins: []string{"https://app.example/"}}),
		"origin alone":        newStrategy(cookie.Config{TrustedOrigins: []string{"app.example"}}),
		"null":                newStrategy(cookie.Config{TrustedOrigins: []string{"null"}}),
		"wildcard":            newStrategy(cookie.Config{TrustedOrigins: []string{"*"}}),
		"http":                newStrategy(cookie.Config{TrustedOrigins: []string{"http://app.example"}}),
		"origin in upper":     newStrategy(cookie.Config{TrustedOrigins: []string{"https://App.example"}}),
		"one good, one wrong": newStrategy(cookie.Config{TrustedOrigins: []string{"https://app.example", "x"}}),
	} {
		if s.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := newStrategy(cookie.Config{TrustedOrigins: []string{"https://app.example:8443", "http://localhost:5173"}}).Validate(); err != nil {
		t.Error(err)
	}
}

// FuzzParse compares with net/http: a secret that is taken is the only cookie
// of the name there, too.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"__Host-gate=abc", "a=b; __Host-gate=abc; c=\"d\"", "__Host-gate=a; __Host-gate=b", "__Host-gate", ";;=;", "__Host-gate=\xff", "__Host-gate =a",
	} {
		f.Add(seed, "POST", "https://shop.example", "")
	}
	f.Add("__Host-gate=abc", "GET", "null", "cross-site")
	s := newStrategy(cookie.Config{})
	f.Fuzz(func(t *testing.T, header, method, origin, site string) {
		r := &http.Request{Method: method, Host: "shop.example", TLS: &tls.ConnectionState{}, Header: http.Header{"Cookie": {header}}}
		for name, value := range map[string]string{"Origin": origin, "Sec-Fetch-Site": site} {
			if value != "" {
				r.Header[name] = []string{value}
			}
		}
		c, found, err := s.Parse(r)
		if !found || err != nil {
			if !reflect.DeepEqual(c, gate.Credentials{}) {
				t.Errorf("%q: credentials although not found", header)
			}
			return
		}
		secret, _ := c.Text("session")
		if cookies := r.CookiesNamed(gate.DefaultCookieName); len(cookies) != 1 || cookies[0].Value != secret {
			t.Errorf("%q: took %q, net/http says %v", header, secret, cookies)
		}
		if origin != "" && origin != "https://shop.example" && method == http.MethodPost && site != "same-origin" && site != "none" {
			if err := new(http.CrossOriginProtection).Check(r); err != nil {
				t.Errorf("%q from %q: net/http says %v", header, origin, err)
			}
		}
	})
}
