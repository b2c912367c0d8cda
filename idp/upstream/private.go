package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/gatewright/gate/internal/loopback"
	"github.com/gatewright/gate/internal/outbound"
)

// A Private lists what a connection may lead to that is not on the internet: hosts
// and networks of the operator's own. The zero value lists nothing.
type Private struct {
	hosts    []string // in small letters
	networks []netip.Prefix
}

var sharedNetwork = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

// clouds are the addresses at which clouds tell a machine its own secrets, beside
// link-local ones: those of AWS, Alibaba, Azure and Oracle.
//
//nolint:gochecknoglobals // constant
var clouds = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200"),
	netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("192.0.0.192"),
}

// ofCloud reports whether an address is connected to in no way.
func ofCloud(addr netip.Addr) bool { return addr.IsLinkLocalUnicast() || slices.Contains(clouds, addr) }

// ParsePrivate reads names of hosts, addresses, and networks such as 10.0.0.0/8. A
// host that is named is trusted as far as private networks (RFC 1918, RFC 4193, RFC
// 6598) go; this machine is reached by its address alone, and link-local addresses
// and their kin, where clouds keep secrets of a machine, in no way. Ports are free in
// all of them.
func ParsePrivate(list []string) (Private, error) {
	var p Private
	for _, entry := range list {
		network, err := parseNetwork(entry)
		switch {
		case err == nil && network.Bits() == 0:
			return Private{}, fmt.Errorf("%s is every address", entry)
		case err == nil && network.Addr().IsUnspecified():
			return Private{}, fmt.Errorf("%s begins with the address of no host: this machine is 127.0.0.1 and ::1", entry)
		case err == nil && ofCloud(network.Addr()):
			return Private{}, fmt.Errorf("%s is where clouds keep what a machine may know of itself: it is never connected to", entry)
		case err == nil:
			p.networks = append(p.networks, network)
		case loopback.Site(entry):
			return Private{}, fmt.Errorf("%s is this machine, which is listed by its address: 127.0.0.1, ::1 or both", entry)
		case entry == "" || strings.ContainsAny(entry, "/:*@?# ") || strings.Trim(entry, ".") != entry || numeric(entry):
			return Private{}, fmt.Errorf("%q is neither a host, an address nor a network: write sso.corp, 10.0.0.5 or 10.0.0.0/8", entry)
		default:
			p.hosts = append(p.hosts, strings.ToLower(entry))
		}
	}
	return p, nil
}

// parseNetwork reads a network or an address. IPv4 in IPv6 is IPv4, as it is when it
// is dialled.
func parseNetwork(entry string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(entry)
	if addr, plain := netip.ParseAddr(entry); plain == nil {
		network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	if err == nil && network.Addr().Is4In6() {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
		if !network.IsValid() {
			err = errors.New("a network across the bounds of IPv4")
		}
	}
	return network.Masked(), err
}

// numeric reports whether a name ends as an address does, such as 10.0.0 and 127.1: a
// part of one, or another spelling.
func numeric(name string) bool {
	_, err := strconv.ParseUint(name[strings.LastIndexByte(name, '.')+1:], 0, 64)
	return err == nil
}

func (p *Private) empty() bool { return len(p.hosts) == 0 && len(p.networks) == 0 }

// names reports whether host is listed by its name.
func (p *Private) names(host string) bool {
	return slices.Contains(p.hosts, strings.TrimSuffix(strings.ToLower(host), "."))
}

// allows reports whether host may be connected to at this address.
func (p *Private) allows(host string, to netip.AddrPort) bool {
	addr := to.Addr()
	if outbound.Public(addr) && (to.Port() == 443 || p.names(host)) {
		return true
	}
	addr = addr.Unmap()
	if ofCloud(addr) || addr.Zone() != "" {
		return false
	}
	if slices.ContainsFunc(p.networks, func(n netip.Prefix) bool { return n.Contains(addr) }) {
		return true
	}
	return p.names(host) && (addr.IsPrivate() || sharedNetwork.Contains(addr))
}

// dial connects to a host at the addresses that it may have: each is judged when it
// is about to be connected to, whatever the name resolved to before.
func (p Private) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: connectTimeout, Control: func(_, at string, _ syscall.RawConn) error {
		if to, err := netip.ParseAddrPort(at); err != nil || !p.allows(host, to) {
			return outbound.AddressError(at)
		}
		return nil
	}}
	return dialer.DialContext(ctx, network, address)
}

// encrypted refuses requests without TLS.
type encrypted struct{ *http.Transport }

func (e encrypted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, errors.New("a URL that is not https")
	}
	return e.Transport.RoundTrip(r)
}

// A Lookup finds the addresses of a name, as [net.Resolver.LookupNetIP] does.
type Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// Reachable returns why the provider could not be connected to, as far as that can
// be told without a request: an address that is neither public nor in
// [Config.Private], or a port. Names are judged by what lookup finds now; one that
// it does not find may be there later. A nil lookup leaves names out.
func (c *Connection) Reachable(ctx context.Context, lookup Lookup) error {
	if c.cfg.AllowPrivate || c.cfg.Imitation || c.cfg.Transport != nil {
		return nil
	}
	e := &c.preset.ends
	for _, raw := range []string{c.preset.issuer, e.TokenURL, e.UserInfoURL, e.JWKSURL} {
		if u, err := url.Parse(raw); raw != "" && err == nil {
			if err := c.reachable(ctx, lookup, u); err != nil {
				return fmt.Errorf("connection %q: %w", c.cfg.Name, err)
			}
		}
	}
	return nil
}

func (c *Connection) reachable(ctx context.Context, lookup Lookup, u *url.URL) error {
	host, private := u.Hostname(), &c.cfg.Private
	port := uint16(443)
	if text := u.Port(); text != "" {
		at, err := netip.ParseAddrPort("0.0.0.0:" + text)
		if err != nil {
			return fmt.Errorf("%s: not a port", text)
		}
		port = at.Port()
	}
	addr, err := netip.ParseAddr(host)
	if err == nil {
		host = addr.Unmap().String()
	}
	all, what := []netip.Addr{addr.Unmap()}, host
	if err != nil {
		if all = nil; lookup != nil {
			found, _ := lookup(ctx, "ip", host)
			for _, a := range found {
				all = append(all, a.Unmap())
			}
		}
		if len(all) > 0 {
			what = fmt.Sprintf("%s (%s)", host, all[0])
		}
	}
	for _, addr := range all {
		if private.allows(host, netip.AddrPortFrom(addr, port)) {
			return nil
		}
	}
	switch {
	case len(all) == 0 && (port == 443 || private.names(host) || len(private.networks) > 0):
		return nil
	case len(all) == 0 || outbound.Public(all[0]):
		return fmt.Errorf("port %d of %s is not connected to, but 443, unless the operator lists %s under privateUpstreams in idp.yaml", port, host, host)
	case ofCloud(all[0]):
		return fmt.Errorf("%s is where clouds keep what a machine may know of itself: it is never connected to", what)
	case all[0].IsLoopback():
		return fmt.Errorf("%s is this machine: it is not connected to unless the operator lists %s, the address, under privateUpstreams in idp.yaml", what, all[0])
	}
	return fmt.Errorf("%s is not on the internet: it is not connected to unless the operator lists %s under privateUpstreams in idp.yaml", what, host)
}
