package idp_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/idptest"
)

// A moved is a clock that tests move.
type moved struct{ now time.Time }

func (m *moved) Now() time.Time { return m.now }

// OPS-05: whoever has a /64 has one bucket, however they write the address.
func TestOPS05_requestLimit(t *testing.T) {
	clock := &moved{time.Unix(1_800_000_000, 0)}
	l := idp.NewRequestLimit(2, clock.Now)
	addrs := []string{
		"2001:db8::1", "2001:0DB8:0:0::2", "2001:db8:0:0:ffff::3", "2001:db8:0:0:0:0:0:4", "2001:db8::5%eth0",
		"2001:db8::6", "2001:db8::7", "2001:db8::8", "2001:db8::9", "2001:db8::a",
	}
	for i, text := range addrs {
		if left, wait := l.Take(netip.MustParseAddr(text)); wait != 0 || left != 9-i {
			t.Errorf("%s: %d left, wait %v", text, left, wait)
		}
	}
	if _, wait := l.Take(netip.MustParseAddr("2001:db8::ffff")); wait != 500*time.Millisecond {
		t.Errorf("the eleventh waits %v", wait)
	}
	for _, other := range []string{"2001:db8:0:1::1", "192.0.2.1"} {
		if _, wait := l.Take(netip.MustParseAddr(other)); wait != 0 {
			t.Errorf("%s waits for others", other)
		}
	}
	// IPv4 in IPv6 is IPv4.
	if left, _ := l.Take(netip.MustParseAddr("::ffff:192.0.2.1")); left != 8 {
		t.Errorf("%d left", left)
	}
	clock.now = clock.now.Add(500 * time.Millisecond)
	if _, wait := l.Take(netip.MustParseAddr(addrs[0])); wait != 0 {
		t.Errorf("half a second later it waits %v", wait)
	}
	clock.now = clock.now.Add(-time.Hour) // a clock that is set back gives nothing
	if _, wait := l.Take(netip.MustParseAddr(addrs[0])); wait == 0 {
		t.Error("a clock that is set back fills the bucket")
	}
}

// OPS-05: a flood from everywhere takes no more memory than there is for it.
func TestOPS05_requestLimitMemory(t *testing.T) {
	clock := &moved{time.Unix(1_800_000_000, 0)}
	l := idp.NewRequestLimit(0, clock.Now)
	for i := range idp.MaxNetworks + 1000 {
		l.Take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if got := l.Networks(); got != idp.MaxNetworks {
		t.Errorf("%d networks", got)
	}
}

// limitedServer lets a network send n requests a second.
func limitedServer(t *testing.T, n int) *idptest.Server {
	return idptest.New(t, idptest.Config{
		Edit: func(c *idp.Config) { c.RequestLimit = n },
		Wrap: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if addr, err := netip.ParseAddr(r.Header.Get("Test-From")); err == nil {
					r = r.WithContext(gate.ContextWithClient(r.Context(), gate.Client{Address: addr}))
				}
				next.ServeHTTP(w, r)
			})
		},
	})
}

func TestRateLimit(t *testing.T) {
	s := limitedServer(t, 1)
	get := func(from, path string, more ...string) (*http.Response, string) {
		t.Helper()
		return s.Do(s.HTTP, http.MethodGet, path, nil, append([]string{"Test-From", from}, more...)...)
	}
	for i := range 5 {
		res, _ := get("192.0.2.1", "/userinfo")
		h := res.Header
		if res.StatusCode != http.StatusUnauthorized || h.Get("X-RateLimit-Limit") != "5" || h.Get("X-RateLimit-Remaining") != strconv.Itoa(4-i) {
			t.Errorf("%d %v", res.StatusCode, h)
		}
		if at, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err != nil || at < time.Now().Unix() || at > time.Now().Unix()+7 {
			t.Errorf("reset at %q", h.Get("X-RateLimit-Reset"))
		}
	}
	// The pages of a client can read the refusal.
	res, body := get("192.0.2.1", "/userinfo", "Origin", "http://localhost:3000")
	if res.StatusCode != http.StatusTooManyRequests || s.JSON(body)["error"] != "too_many_requests" || res.Header.Get("Retry-After") != "1" ||
		res.Header.Get("X-RateLimit-Remaining") != "0" || res.Header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
	}
	for _, door := range []struct{ method, path string }{
		{"POST", "/oauth/token"},
		{"POST", "/oauth/revoke"},
		{"POST", "/oauth/introspect"},
		{"POST", "/dbconnections/signup"},
		{"POST", "/dbconnections/change_password"},
		{"GET", "/authorize"},
		{"POST", "/authorize"},
		{"POST", "/u/login"},
		{"POST", "/u/signup"},
		{"GET", "/u/with"},
		{"POST", "/u/reset-password/request"},
		{"POST", "/u/reset-password"},
		{"POST", "/u/email-verification"},
	} {
		if res, body := s.Do(s.HTTP, door.method, door.path, url.Values{}, "Test-From", "192.0.2.1"); res.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%s: %d %s", door.path, res.StatusCode, body)
		}
	}
	// A person sees a page, and others are not concerned.
	if res, body := get("192.0.2.1", "/authorize", "Accept", "text/html"); res.StatusCode != http.StatusTooManyRequests || !strings.Contains(body, "Too many tries") {
		t.Errorf("%d %.300s", res.StatusCode, body)
	}
	for _, open := range []string{"/.well-known/openid-configuration", "/.well-known/jwks.json", "/healthz"} {
		if res, _ := get("192.0.2.1", open); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", open, res.StatusCode)
		}
	}
	if res, _ := get("192.0.2.2", "/userinfo"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("another network: %d", res.StatusCode)
	}
	if got := types(t, s, "api_limit"); len(got) != 5 { // not one for each
		t.Errorf("%d entries in the log", len(got))
	}
}

func TestRateLimit_off(t *testing.T) {
	for _, n := range []int{0, -1} { // zero: idptest is for development
		s := limitedServer(t, n)
		for i := range 700 {
			res, _ := s.Do(s.HTTP, http.MethodGet, "/userinfo", nil)
			if res.StatusCode != http.StatusUnauthorized || res.Header.Get("X-RateLimit-Remaining") == "" {
				t.Fatal(fmt.Sprint(i, res.StatusCode, res.Header))
			}
		}
	}
}
