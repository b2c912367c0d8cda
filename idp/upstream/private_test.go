package upstream_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatewright/gate/idp/upstream"
)

// The operator names networks of their own, and no more than they mean.
func TestJKS03_parsePrivate(t *testing.T) {
	for entry, want := range map[string]string{
		"0.0.0.0/0": "every address", "::/0": "every address", "::ffff:0.0.0.0/96": "every address",
		"169.254.169.254": "never connected to", "169.254.0.0/16": "never connected to", "fe80::/10": "never connected to",
		"::ffff:169.254.0.0/112": "never connected to", "fd00:ec2::254": "never connected to", "168.63.129.16/32": "never connected to",
		"0.0.0.0": "no host", "0.0.0.0/8": "no host", "::": "no host", "::ffff:10.0.0.0/90": "neither a host",
		"localhost": "by its address: 127.0.0.1", "LocalHost": "by its address", "sso.localhost": "by its address",
		"": "neither a host", "sso.corp:8443": "neither a host", "https://sso.corp": "neither a host", "*.corp": "neither a host",
		"10.0.0.0/33": "neither a host", ".corp": "neither a host", "sso.corp.": "neither a host",
		"10.0.0": "neither a host", "127.1": "neither a host", "2130706433": "neither a host", "0x7f.0x1": "neither a host",
	} {
		if _, err := upstream.ParsePrivate([]string{"sso.corp", entry}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", entry, err, want)
		}
	}
}

// JKS-03: what is not on the internet is connected to when the operator lists it, and
// only then: each address is judged when it is dialled, whatever a name meant before.
func TestJKS03_privateUpstreams(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			asked.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	named := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	for name, tt := range map[string]struct {
		url     string
		list    []string
		reaches bool
	}{
		"an address in a network": {server.URL, []string{"10.0.0.0/8", "127.0.0.0/8"}, true},
		"a name in a network":     {named, []string{"127.0.0.1"}, true},
		"another network":         {server.URL, []string{"10.0.0.0/8"}, false},
		"another host":            {server.URL, []string{"sso.corp"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			private, err := upstream.ParsePrivate(tt.list)
			if err != nil {
				t.Fatal(err)
			}
			for what, change := range map[string]func(*upstream.Config){
				"metadata": func(*upstream.Config) {},
				"tokens": func(cfg *upstream.Config) {
					cfg.AuthorizationURL, cfg.TokenURL, cfg.JWKSURL = tt.url+"/a", tt.url+"/t", tt.url+"/k"
				},
			} {
				asked.Store(0)
				c := connect(t, nil, func(cfg *upstream.Config) {
					cfg.Issuer, cfg.Transport, cfg.Private = tt.url, nil, private
					change(cfg)
				})
				_, p, err := c.Start(t.Context(), upstream.StartRequest{RedirectURI: callback})
				if err == nil {
					_, err = c.Finish(t.Context(), p, good(&p))
				}
				wants(t, err, upstream.ErrUnavailable) // nobody knows the server's certificate
				if got := asked.Load() > 0; got != tt.reaches || tt.reaches == strings.Contains(err.Error(), "is not allowed") {
					t.Errorf("%s: connected %t: %v", what, got, err)
				}
			}
		})
	}
	private, err := upstream.ParsePrivate([]string{"127.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := upstream.New(upstream.Config{
		Name: "op", Strategy: upstream.OIDC, ClientID: clientID, ClientSecret: password, Issuer: "http://127.0.0.1:1", Private: private,
	}); c != nil || err == nil {
		t.Error("without TLS")
	}
}

// What could not be connected to is told beforehand, with what to do.
func TestReachable(t *testing.T) {
	zone := map[string][]netip.Addr{
		"public.test": {netip.MustParseAddr("93.184.215.14")},
		"sso.corp":    {netip.MustParseAddr("10.1.2.3")},
		"meta.test":   {netip.MustParseAddr("169.254.169.254")},
		"imds.test":   {netip.MustParseAddr("fd00:ec2::254")},
		"ali.test":    {netip.MustParseAddr("100.100.100.200")},
		"here.test":   {netip.MustParseAddr("127.0.0.1")},
		"both.test":   {netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("::ffff:93.184.215.14")},
	}
	lookup := func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if found, ok := zone[host]; ok {
			return found, nil
		}
		return nil, errors.New("no such host")
	}
	for _, tt := range []struct {
		url  string
		list []string
		want string // part of the error
	}{
		{"https://public.test", nil, ""},
		{"https://both.test", nil, ""},
		{"https://nowhere.test", nil, ""},
		{"https://public.test:8443", nil, "port 8443 of public.test"},
		{"https://public.test:8443", []string{"Public.Test"}, ""},
		{"https://nowhere.test:8443", nil, "lists nowhere.test under privateUpstreams in idp.yaml"},
		{"https://nowhere.test:8443", []string{"10.0.0.0/8"}, ""},
		{"https://10.0.0.5", nil, "10.0.0.5 is not on the internet"},
		{"https://10.0.0.5", []string{"10.0.0.5"}, ""},
		{"https://10.0.0.5:8443", []string{"10.0.0.0/24"}, ""},
		{"https://10.0.1.5", []string{"10.0.0.0/24"}, "lists 10.0.1.5 under privateUpstreams"},
		{"https://sso.corp", nil, "sso.corp (10.1.2.3) is not on the internet"},
		{"https://SSO.corp", nil, ""}, // lookup does not know it so
		{"https://sso.corp:8443", []string{"sso.corp"}, ""},
		{"https://sso.corp", []string{"10.1.0.0/16"}, ""},
		{"https://meta.test", []string{"meta.test", "169.0.0.0/8"}, "meta.test (169.254.169.254) is where clouds keep"},
		{"https://imds.test", []string{"imds.test", "fd00::/8"}, "never connected to"},
		{"https://ali.test", []string{"ali.test", "100.64.0.0/10"}, "never connected to"},
		// A name that is listed means a network of the operator's, not this machine.
		{"https://here.test", []string{"here.test"}, "here.test (127.0.0.1) is this machine: it is not connected to unless the operator lists 127.0.0.1, the address,"},
		{"https://here.test", []string{"127.0.0.0/8"}, ""},
		{"https://127.0.0.1", nil, "127.0.0.1 is this machine"},
		{"https://[::1]:8443", []string{"::1"}, ""},
		{"https://[::ffff:93.184.215.14]", nil, ""},
		{"https://[::ffff:10.0.0.5]", nil, "10.0.0.5 is not on the internet"},
		{"https://[::ffff:10.0.0.5]", []string{"10.0.0.0/8"}, ""},
		{"https://10.0.0.5", []string{"::ffff:10.0.0.0/104"}, ""},
		{"https://10.0.0.5", []string{"::ffff:10.0.0.5"}, ""},
		{"https://[fd00::5]", nil, "fd00::5 is not on the internet"},
		{"https://[fd00::5]", []string{"fd00::/8"}, ""},
	} {
		private, err := upstream.ParsePrivate(tt.list)
		if err != nil {
			t.Fatal(err)
		}
		c := connect(t, nil, func(cfg *upstream.Config) { cfg.Issuer, cfg.Transport, cfg.Private = tt.url, nil, private })
		err = c.Reachable(t.Context(), lookup)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s with %v: %v, want %q", tt.url, tt.list, err, tt.want)
		}
	}
}
