package outbound_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatewright/gate/internal/outbound"
)

func newClient(t *testing.T, cfg outbound.Config) *outbound.Client {
	t.Helper()
	c, err := outbound.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestJKS02_redirect(t *testing.T) {
	var asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer server.Close()
	doc, err := newClient(t, outbound.Config{}).Get(t.Context(), server.URL+"/a?secret=b", "*/*")
	if status, ok := errors.AsType[outbound.StatusError](err); !ok || status != http.StatusFound || doc != nil {
		t.Errorf("%v, %v", doc, err)
	}
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows the query: %v", err)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the other host was asked %d times", n)
	}
}

func TestJKS02_size(t *testing.T) {
	for name, tt := range map[string]struct {
		header, body int
		chunked, ok  bool
	}{
		"just right":          {0, outbound.MaxBody, false, true},
		"just right, chunked": {0, outbound.MaxBody, true, true},
		"a byte more":         {0, outbound.MaxBody + 1, false, false},
		"a byte more in bits": {0, outbound.MaxBody + 1, true, false},
		"a long header":       {80 << 10, 1, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X", strings.Repeat("x", tt.header))
				if tt.chunked {
					_ = http.NewResponseController(w).Flush()
				}
				_, _ = w.Write(make([]byte, tt.body))
			}))
			defer server.Close()
			doc, err := newClient(t, outbound.Config{}).Get(t.Context(), server.URL, "*/*")
			if (err == nil) != tt.ok || tt.ok && len(doc.Body) != tt.body {
				t.Errorf("accepted: %t, want %t: %v", err == nil, tt.ok, err)
			}
		})
	}
}

// The environment names a proxy; nobody asks it.
func TestJKS02_noProxy(t *testing.T) {
	for _, guarded := range []bool{true, false} {
		if newClient(t, outbound.Config{Guarded: guarded}).Proxies() {
			t.Errorf("guarded %t: a client asks for a proxy", guarded)
		}
	}
}

// The special-purpose registries of IANA for IPv4 and IPv6, with the first and
// the last address of each entry, and what clouds answer at.
func TestJKS03_addresses(t *testing.T) {
	for what, list := range map[string][]string{
		"this network":        {"0.0.0.0", "0.1.2.3", "0.255.255.255"},
		"private":             {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"},
		"shared":              {"100.64.0.0", "100.127.255.255"},
		"loopback":            {"127.0.0.1", "127.255.255.255", "::1"},
		"link-local":          {"169.254.0.0", "169.254.255.255", "fe80::1", "fe80::1%eth0", "febf:ffff::1"},
		"protocols":           {"192.0.0.0", "192.0.0.8", "192.0.0.9", "192.0.0.10", "192.0.0.170", "192.0.0.255"},
		"documentation":       {"192.0.2.0", "192.0.2.255", "198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.255"},
		"AS112":               {"192.31.196.0", "192.31.196.255", "192.175.48.0", "192.175.48.255", "2620:4f:8000::", "2620:4f:8000:ffff::1", "2001:4:112::1"},
		"AMT":                 {"192.52.193.0", "192.52.193.255", "2001:3::1"},
		"6to4 relays":         {"192.88.99.0", "192.88.99.255"},
		"benchmarks":          {"198.18.0.0", "198.19.255.255", "2001:2::1"},
		"groups":              {"224.0.0.0", "239.255.255.255", "ff02::1", "ffff::1"},
		"reserved":            {"240.0.0.0", "255.255.255.254", "255.255.255.255", "5f00::1", "4000::1", "fec0::1"},
		"unspecified":         {"::"},
		"an IPv4 address":     {"::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "::8.8.8.8"},
		"translated":          {"64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::1", "64:ff9b:1:ffff::1"},
		"discard":             {"100::1", "100:0:0:1::1"},
		"protocols of IPv6":   {"2001::1", "2001:0:ffff::1", "2001:1::1", "2001:20::1", "2001:30::1", "2001:1ff:ffff::1"},
		"documentation, IPv6": {"2001:db8::1", "2001:db8:ffff::1", "3fff::1", "3fff:fff::1"},
		"6to4":                {"2002:7f00:1::", "2002:a00:1::1", "2002:c0a8:1::1", "2002:808:808::1"},
		"unique local":        {"fc00::1", "fd00::1", "fdff:ffff::1"},
		"zone":                {"2606:4700::1111%eth0"},
		"clouds": {
			"169.254.169.254", "169.254.170.2", "169.254.169.123", "168.63.129.16", "::ffff:168.63.129.16", "100.100.100.200", "192.0.0.192",
			"fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42",
		},
	} {
		for _, addr := range list {
			if outbound.Public(netip.MustParseAddr(addr)) {
				t.Errorf("%s, %s, is public", addr, what)
			}
		}
	}
	for _, addr := range []string{ // the neighbours of those
		"1.0.0.0", "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"168.63.129.15", "168.63.129.17", "168.63.128.16", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
		"191.255.255.255", "192.0.1.0", "192.0.3.0", "192.31.195.255", "192.31.197.0", "192.52.192.255", "192.52.194.0", "192.88.98.255",
		"192.88.100.0", "192.167.255.255", "192.169.0.0", "192.175.47.255", "192.175.49.0", "193.0.0.0", "198.17.255.255", "198.20.0.0",
		"198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
		"2000::1", "2001:200::1", "2001:4860:4860::8888", "2001:db7:ffff::1", "2001:db9::1", "2003::1", "2606:4700:4700::1111",
		"2620:4f:7fff::1", "2620:4f:8001::1", "2a00:1450::1", "3ffe::1", "3fff:1000::1",
	} {
		if !outbound.Public(netip.MustParseAddr(addr)) {
			t.Errorf("%s is not public", addr)
		}
	}
	if outbound.Public(netip.Addr{}) {
		t.Error("no address is public")
	}
	for address, ok := range map[string]bool{
		"8.8.8.8:443": true, "8.8.8.8:80": false, "8.8.8.8:22": false, "10.0.0.1:443": false, "[::1]:443": false, "": false, "8.8.8.8": false,
	} {
		if err := outbound.Control(address); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A name that was public when somebody looked is 127.0.0.1 when it is dialled.
func TestJKS03_rebinding(t *testing.T) {
	var answers atomic.Int64
	dns := nameserver(t, func() [4]byte {
		if answers.Add(1) == 1 {
			return [4]byte{8, 8, 8, 8}
		}
		return [4]byte{127, 0, 0, 1}
	})
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", dns)
	}}
	if addrs, err := resolver.LookupNetIP(t.Context(), "ip4", "rebind.test."); err != nil || !outbound.Public(addrs[0].Unmap()) {
		t.Fatalf("the first look: %v, %v", addrs, err)
	}
	c := newClient(t, outbound.Config{Guarded: true, Resolver: resolver})
	_, err := c.Get(t.Context(), "https://rebind.test./keys", "*/*")
	if refused, ok := errors.AsType[outbound.AddressError](err); !ok || refused != "127.0.0.1:443" {
		t.Errorf("the second look: %v", err)
	}
}

// nameserver answers every question for an IPv4 address, and knows no other.
func nameserver(t *testing.T, answer func() [4]byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			end := 12 // of the question: labels, a zero, type and class
			for end < n && b[end] != 0 {
				end += int(b[end]) + 1
			}
			end += 5
			reply := append([]byte(nil), b[:end]...)
			binary.BigEndian.PutUint16(reply[2:], 0x8180)
			copy(reply[4:], []byte{0, 1, 0, 0, 0, 0, 0, 0})
			if binary.BigEndian.Uint16(b[end-4:]) == 1 {
				reply[7] = 1
				ip := answer()
				reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
				reply = append(reply, ip[:]...)
			}
			_, _ = conn.WriteTo(reply, from)
		}
	}()
	return conn.LocalAddr().String()
}

// Plain http is for this machine, whatever its names resolve to.
func TestLoopbackOnly(t *testing.T) {
	c := newClient(t, outbound.Config{})
	for _, raw := range []string{"http://10.0.0.1/", "http://issuer.test/", "http://127.0.0.1.issuer.test/", "ftp://127.0.0.1/", "http://[fe80::1]/"} {
		if _, err := c.Get(t.Context(), raw, "*/*"); err == nil || !strings.Contains(err.Error(), "not https") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestNew_guardHasNoWayRound(t *testing.T) {
	for _, cfg := range []outbound.Config{
		{Guarded: true, Transport: http.DefaultTransport},
		{Guarded: true, Proxy: http.ProxyFromEnvironment},
	} {
		if _, err := outbound.New(cfg); err == nil {
			t.Errorf("%+v: accepted", cfg.Guarded)
		}
	}
}

// TestGetAs: a token goes to the address that it is for, and nowhere a redirect
// leads.
func TestGetAs(t *testing.T) {
	var got []string
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.Path+" "+r.Header.Get("Authorization"))
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}
	}))
	defer ts.Close()
	c := newClient(t, outbound.Config{})
	if _, err := c.GetAs(t.Context(), ts.URL+"/a", "application/json", "secret"); err != nil {
		t.Error(err)
	}
	if _, err := c.Get(t.Context(), ts.URL+"/b", "application/json"); err != nil {
		t.Error(err)
	}
	_, err := c.GetAs(t.Context(), ts.URL+"/away?x=1", "application/json", "secret")
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a redirect: %v", err)
	}
	if want := "[/a Bearer secret /b  /away Bearer secret]"; fmt.Sprint(got) != want {
		t.Errorf("requests %q, want %s", got, want)
	}
}
