package apikey_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/apikey"
	"github.com/gatewright/gate/strategy/strategytest"
)

const (
	good      = "gk_test_k1_0123456789abcdefghijklmnopqrstuvwxyz"
	unknown   = "gk_test_k9_0123456789abcdefghijklmnopqrstuvwxyz"
	banned    = "gk_test_k2_0123456789abcdefghijklmnopqrstuvwxyz"
	expired   = "gk_test_k3_0123456789abcdefghijklmnopqrstuvwxyz"
	admins    = "gk_test_k4_0123456789abcdefghijklmnopqrstuvwxyz"
	fenced    = "gk_test_k5_0123456789abcdefghijklmnopqrstuvwxyz"
	scopeless = "gk_test_k6_0123456789abcdefghijklmnopqrstuvwxyz"
)

var (
	now     = time.Unix(1_700_000_000, 0)
	expires = now.Add(90 * 24 * time.Hour)
)

// backend is a table of keys and accounts.
type backend struct {
	mu     sync.Mutex
	err    error
	keys   map[string]apikey.Key
	looked int
	gotten *gate.Principal
}

func newBackend() *backend {
	key := func(id, subject string) apikey.Key {
		return apikey.Key{ID: id, Subject: subject, Entity: "user", Scopes: []string{"read:*"}, ExpiresAt: expires}
	}
	b := &backend{
		keys:   map[string]apikey.Key{good: key("k1", "7"), banned: key("k2", "8")},
		gotten: &gate.Principal{Subject: "7", Roles: []string{"cook"}, AuthenticatedAt: now, SessionID: "s1"},
	}
	k := key("k3", "7")
	k.ExpiresAt = now
	b.keys[expired] = k
	k = key("k4", "7")
	k.Entity = "admin"
	b.keys[admins] = k
	k = key("k5", "7")
	k.Networks = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	b.keys[fenced] = k
	k = key("k6", "7")
	k.Scopes = nil
	b.keys[scopeless] = k
	return b
}

func (b *backend) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *backend) Find(_ context.Context, text string) (apikey.Key, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looked++
	if b.err != nil {
		return apikey.Key{}, b.err
	}
	key, ok := b.keys[text]
	if !ok {
		return apikey.Key{}, gate.ErrNotAuthenticated
	}
	return key, nil
}

func (b *backend) Subject(_ context.Context, id string) (*gate.Principal, error) {
	if id != "7" {
		return nil, gate.ErrNotAuthenticated
	}
	return b.gotten, nil
}

func config() apikey.Config { return apikey.Config{Now: func() time.Time { return now }} }

func header(key string) func() *http.Request {
	return func() *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/items?$limit=5&name=key", nil)
		r.Header.Set("X-Api-Key", key)
		return r
	}
}

func authorization(value string) func() *http.Request {
	return func() *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", value)
		return r
	}
}

func inURL(query string) func() *http.Request {
	return func() *http.Request {
		r := header(good)()
		r.URL.RawQuery = query
		return r
	}
}

func TestStrategy(t *testing.T) {
	strategytest.Run(t, strategytest.Suite{
		New: func() (gate.Strategy, func(error)) {
			b := newBackend()
			return apikey.New(b, b, config()), b.fail
		},
		Subject: "7",
		Good: []strategytest.Case{
			{Name: "header", Request: header(good)},
			{Name: "scheme", Request: authorization("ApiKey " + good)},
		},
		Bad: []strategytest.Case{
			{Name: "unknown", Request: header(unknown)},
			{Name: "disabled account", Request: header(banned)},
			{Name: "expired", Request: header(expired)},
			{Name: "another kind of account", Request: header(admins)},
			{Name: "another network", Request: header(fenced)},
			{Name: "cut short", Request: header(good[:len(good)-1])},
			{Name: "made longer", Request: authorization("apikey " + good + "0")},
			{Name: "another prefix", Request: header("sk" + good[2:])},
			{Name: "prefix alone", Request: header("gk_")},
			{Name: "posted to the login", Fields: map[string]any{"apiKey": good}, Distinct: true},
			{Name: "in the URL", Request: inURL("api_key=" + good), Code: gate.ErrBadRequest},
			{Name: "not a key", Request: authorization("ApiKey"), Code: gate.ErrBadRequest},
		},
	})
}

// ask presents what is on r, from an address.
func ask(t *testing.T, b *backend, cfg apikey.Config, r *http.Request, from string) (*gate.Principal, error) {
	t.Helper()
	s := apikey.New(b, b, cfg)
	c, found, err := s.Parse(r)
	if err != nil || !found {
		return nil, err
	}
	ctx := t.Context()
	if from != "" {
		ctx = gate.ContextWithClient(ctx, gate.Client{Address: netip.MustParseAddr(from)})
	}
	return s.Authenticate(ctx, c)
}

// TestKEY04_limits has the key be limited to its scopes: no scope is not the
// same as no limit.
func TestKEY04_limits(t *testing.T) {
	for key, scopes := range map[string][]string{good: {"read:*"}, scopeless: {}} {
		b := newBackend()
		got, err := ask(t, b, config(), header(key)(), "")
		want := &gate.Principal{Subject: "7", Roles: []string{"cook"}, Scopes: scopes, ExpiresAt: expires}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
			continue
		}
		got.Scopes = append(got.Scopes, "write:*")
		if again, _ := ask(t, b, config(), header(key)(), ""); !slices.Equal(again.Scopes, scopes) {
			t.Errorf("a change of the principal changed the key: %v", again.Scopes)
		}
	}
}

// TestKEY04_throughTheEngine sends a key that may read, of an account that may
// do more, and one that may do nothing.
func TestKEY04_throughTheEngine(t *testing.T) {
	b := newBackend()
	svc, err := gate.New(gate.Config{Permissions: func([]string) []string { return []string{"read:items", "write:items"} }})
	if err != nil {
		t.Fatal(err)
	}
	if err := svc.Register("apikey", apikey.New(b, b, config())); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		key   string
		guard *gate.Guard
		want  int
	}{
		{good, svc.Guard("apikey").Require("read:items"), http.StatusOK},
		{good, svc.Guard("apikey").Require("write:items"), http.StatusForbidden},
		{good, svc.Guard("apikey").RequireRole("cook"), http.StatusForbidden},
		{good, svc.Guard("apikey").Fresh(time.Hour), http.StatusForbidden},
		{scopeless, svc.Guard("apikey").Require("read:items"), http.StatusForbidden},
		{scopeless, svc.Guard("apikey"), http.StatusOK},
	} {
		w := httptest.NewRecorder()
		tt.guard.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, header(tt.key)())
		if w.Code != tt.want {
			t.Errorf("%s: %d, want %d", tt.key, w.Code, tt.want)
		}
	}
}

// TestKEY02_noTrade presents a key to the login in every way that a client has.
func TestKEY02_noTrade(t *testing.T) {
	b := newBackend()
	s := apikey.New(b, b, config())
	for name, fields := range map[string]map[string]any{
		"as the field":  {"strategy": "apikey", "apiKey": good},
		"as exposed":    {"strategy": "apikey", "exposed": good},
		"as both":       {"apiKey": good, "exposed": good},
		"as an object":  {"apiKey": map[string]any{"$ne": nil}},
		"under another": {"accessToken": good},
		"nothing":       {"strategy": "apikey"},
	} {
		p, err := s.Authenticate(t.Context(), gate.Credentials{Strategy: "apikey", Fields: fields})
		if p != nil || !errors.Is(err, gate.ErrNotAuthenticated) || b.looked > 0 {
			t.Errorf("%s: got %v and %v after %d look-ups", name, p, err, b.looked)
		}
	}
}

// TestKEY03_expiry asks before and at the second of the expiry.
func TestKEY03_expiry(t *testing.T) {
	for at, want := range map[time.Time]bool{expires.Add(-time.Nanosecond): true, expires: false, expires.Add(time.Hour): false} {
		p, err := ask(t, newBackend(), apikey.Config{Now: func() time.Time { return at }}, header(good)(), "")
		if got := p != nil; got != want || !want && !errors.Is(err, gate.ErrNotAuthenticated) {
			t.Errorf("%v before the expiry: got %v and %v", expires.Sub(at), p, err)
		}
	}
	b := newBackend()
	k := b.keys[good]
	k.ExpiresAt = time.Time{}
	b.keys[good] = k
	if p, err := ask(t, b, config(), header(good)(), ""); err != nil || !p.ExpiresAt.IsZero() {
		t.Errorf("a key without an expiry: %v and %v", p, err)
	}
}

func TestKEY03_networks(t *testing.T) {
	for from, want := range map[string]bool{
		"198.51.100.1": true, "198.51.100.255": true, "::ffff:198.51.100.1": true, "2001:db8::1": true, "2001:db8::1%eth0": true,
		"192.0.2.1": false, "2001:db9::1": false, "::1": false, "": false,
	} {
		p, err := ask(t, newBackend(), config(), header(fenced)(), from)
		if got := p != nil; got != want || !want && !errors.Is(err, gate.ErrNotAuthenticated) {
			t.Errorf("from %q: got %v and %v", from, p, err)
		}
	}
}

// TestKEY01_inURL has keys in URLs, beside a good header or not: refused, and
// the live ones among them reported.
func TestKEY01_inURL(t *testing.T) {
	for query, want := range map[string]string{
		"api_key=" + good:            "k1",
		"apikey=" + good:             "k1",
		"apiKey=" + good:             "k1",
		"API-KEY=" + good:            "k1",
		"X-API-Key=" + good:          "k1",
		"key=" + good:                "k1",
		"q=" + good:                  "k1",
		"a=b&token=" + good + "&c=d": "k1",
		"token=" + url.QueryEscape("g") + "%6b" + good[2:]: "k1",
		"api%5Fkey=" + good:                     "k1",
		"a=%zz&key=" + good:                     "k1", // net/url gives up on it
		"a=1;b&key=" + good:                     "k1",
		"api_key=guess&key=" + good:             "k1",
		"api_key=" + unknown:                    "",
		"api_key=":                              "",
		"api_key":                               "",
		"api_key=1":                             "",
		"api_key=" + strings.Repeat("A", 1<<16): "",
		"api_key=gk_":                           "",
		"key=" + unknown:                        "",
	} {
		for name, r := range map[string]*http.Request{
			"with a header": inURL(query)(), "alone": httptest.NewRequest(http.MethodPost, "/", nil),
		} {
			r.URL.RawQuery = query
			var reported []string
			cfg := config()
			cfg.Exposed = func(_ context.Context, k apikey.Key) { reported = append(reported, k.ID) }
			p, err := ask(t, newBackend(), cfg, r, "")
			if p != nil || !errors.Is(err, gate.ErrBadRequest) {
				t.Errorf("%s %.60s: got %v and %v, want ErrBadRequest", name, query, p, err)
			}
			if got := strings.Join(reported, " "); got != want {
				t.Errorf("%s %.60s: reported %q, want %q", name, query, got, want)
			}
			if p, err := ask(t, newBackend(), config(), r, ""); p != nil || !errors.Is(err, gate.ErrBadRequest) {
				t.Errorf("%s %.60s without somebody to tell: got %v and %v", name, query, p, err)
			}
		}
	}
}

// TestKEY01_othersParameters leaves what is not a key alone.
func TestKEY01_othersParameters(t *testing.T) {
	for _, query := range []string{
		"", "key=name", "q=gk_notes", "key=gk_", "apikeys=3", "sort=api_key", "name=" + good[2:], "$select[]=api_key", "a=%zz",
	} {
		if p, err := ask(t, newBackend(), config(), inURL(query)(), ""); err != nil || p == nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// TestKEY01_reportFails refuses all the same, and says so in the log without
// the key.
func TestKEY01_reportFails(t *testing.T) {
	var log bytes.Buffer
	b := newBackend()
	b.err = errors.New("down")
	cfg := config()
	cfg.Exposed = func(context.Context, apikey.Key) { t.Error("reported") }
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	if p, err := ask(t, b, cfg, inURL("key="+good)(), ""); p != nil || !errors.Is(err, gate.ErrBadRequest) {
		t.Errorf("got %v and %v", p, err)
	}
	if text := log.String(); !strings.Contains(text, "exposed api key not reported") || strings.Contains(text, good) {
		t.Errorf("logged %q", text)
	}
}

func TestKEY01_headers(t *testing.T) {
	const found, none, bad = "found", "none", "bad"
	for _, tt := range []struct {
		keys, authorization []string
		want                string
	}{
		{nil, nil, none},
		{[]string{good}, nil, found},
		{nil, []string{"ApiKey " + good}, found},
		{nil, []string{"apikey " + good}, found},
		{[]string{"x"}, nil, found}, // judged later, and refused
		{[]string{good}, []string{"Bearer a.b.c"}, found},
		{nil, []string{"Bearer " + good}, none},
		{nil, []string{"ApiKeys " + good}, none},
		{nil, []string{good}, none},
		{[]string{good, good}, nil, bad},
		{[]string{good, ""}, nil, bad},
		{[]string{good}, []string{"ApiKey " + good}, bad},
		{nil, []string{"ApiKey " + good, "ApiKey " + good}, bad},
		{nil, []string{"ApiKey"}, bad},
		{nil, []string{"ApiKey  " + good}, bad},
		{nil, []string{"ApiKey " + good + " "}, bad},
		{nil, []string{"ApiKey " + good + " junk"}, bad},
		{[]string{""}, nil, bad},
		{[]string{" " + good}, nil, bad},
		{[]string{good + "," + good}, nil, bad},
		{[]string{good + "\x00"}, nil, bad},
		{[]string{strings.Repeat("A", 257)}, nil, bad},
	} {
		b := newBackend()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["X-Api-Key"], r.Header["Authorization"] = tt.keys, tt.authorization
		c, ok, err := apikey.New(b, b, config()).Parse(r)
		got := map[bool]string{true: found, false: none}[ok]
		if err != nil {
			got = bad
			if !errors.Is(err, gate.ErrBadRequest) || !reflect.DeepEqual(c, gate.Credentials{}) {
				t.Errorf("%q %q: %v and credentials", tt.keys, tt.authorization, err)
			}
		}
		if got != tt.want {
			t.Errorf("%q %q: %s, want %s", tt.keys, tt.authorization, got, tt.want)
		}
	}
}

// TestKEY01_formBeforeStore keeps what cannot be a key from the store.
func TestKEY01_formBeforeStore(t *testing.T) {
	for _, key := range []string{"gk", "gk_", "GK_test_k1_x", "sk_test_k1_x", "gk-test-k1", "x"} {
		b := newBackend()
		if _, err := ask(t, b, config(), header(key)(), ""); !errors.Is(err, gate.ErrNotAuthenticated) || b.looked > 0 {
			t.Errorf("%s: got %v after %d look-ups", key, err, b.looked)
		}
	}
}

func TestLOG16_oddStores(t *testing.T) {
	for name, change := range map[string]func(*backend){
		"forbids":         func(b *backend) { b.err = gate.ErrForbidden },
		"no key":          func(b *backend) { b.keys[good] = apikey.Key{} },
		"no subject":      func(b *backend) { b.keys[good] = apikey.Key{ID: "k1", Entity: "user"} },
		"another subject": func(b *backend) { b.gotten = &gate.Principal{Subject: "9"} },
		"no principal":    func(b *backend) { b.gotten = nil },
	} {
		b := newBackend()
		change(b)
		if p, err := ask(t, b, config(), header(good)(), ""); p != nil || !errors.Is(err, gate.ErrUnavailable) {
			t.Errorf("%s: got %v and %v, want ErrUnavailable", name, p, err)
		}
	}
}

func TestConfig(t *testing.T) {
	b := newBackend()
	cfg := config()
	cfg.Header, cfg.Prefix, cfg.Realm = "X-Shop-Key", "shop", `a"b`
	b.keys["shop_test_k1_x"] = b.keys[good]
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("X-Shop-Key", "shop_test_k1_x")
	if p, err := ask(t, b, cfg, r, ""); err != nil || p.Subject != "7" {
		t.Errorf("got %v and %v", p, err)
	}
	if got, want := apikey.New(b, b, cfg).Challenge(gate.ErrNotAuthenticated), `ApiKey realm="a\"b"`; got != want {
		t.Errorf("challenge %s, want %s", got, want)
	}
	for name, s := range map[string]*apikey.Strategy{
		"no keys":       apikey.New(nil, b, apikey.Config{}),
		"no subjects":   apikey.New(b, nil, apikey.Config{}),
		"Authorization": apikey.New(b, b, apikey.Config{Header: "authorization"}),
		"Cookie":        apikey.New(b, b, apikey.Config{Header: "COOKIE"}),
		"two headers":   apikey.New(b, b, apikey.Config{Header: "X-A, X-B"}),
		"odd prefix":    apikey.New(b, b, apikey.Config{Prefix: "g k"}),
	} {
		if s.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// FuzzParse looks for a key that is taken although it is not exactly what the
// header holds, or although the URL has one.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{good, "", "x", good + " ", "gk_\xff"} {
		f.Add(seed, "ApiKey "+seed, "")
		f.Add(seed, "", "a=b&api_key="+seed)
	}
	f.Add("", "Bearer "+good, "q="+url.QueryEscape(good))
	b := newBackend()
	s := apikey.New(b, b, config())
	f.Fuzz(func(t *testing.T, key, authorization, query string) {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{}}
		if key != "" {
			r.Header["X-Api-Key"] = []string{key}
		}
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		c, found, err := s.Parse(r)
		if !found || err != nil {
			if !reflect.DeepEqual(c, gate.Credentials{}) {
				t.Errorf("%q %q %q: credentials although not found", key, authorization, query)
			}
			return
		}
		text, _ := c.Text("apiKey")
		if text == "" || text != key && !strings.EqualFold("ApiKey "+text, authorization) || strings.ContainsAny(text, " \t\r\n,;\"\x00") {
			t.Errorf("%q %q: took %q", key, authorization, text)
		}
		for name, values := range r.URL.Query() {
			if strings.EqualFold(name, "api_key") || slices.ContainsFunc(values, func(v string) bool { return v == good }) {
				t.Errorf("%q: took %q beside it", query, text)
			}
		}
	})
}
