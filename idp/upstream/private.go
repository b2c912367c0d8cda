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
	"strings"
	"syscall"

	"github.com/gatewright/gate/internal/outbound"
)

// A Private lists what a connection may lead to that is not on the internet: hosts
// and networks of the operator's own. The zero value lists nothing.
type Private struct {
	hosts    []string // in small letters
	networks []netip.Prefix
}

var sharedNetwork = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

// ParsePrivate reads names of hosts, addresses, and networks such as 10.0.0.0/8. A
// host that is named is trusted as far as private networks (RFC 1918, RFC 4193, RFC
// 6598) go; this machine is reached by its address alone, and link-local addresses,
// where clouds keep secrets of a machine, in no way. Ports are free in all of them.
func ParsePrivate(list []string) (Private, error) {
	var p Private
	for _, entry := range list {
		network, err := netip.ParsePrefix(entry)
		if addr, plain := netip.ParseAddr(entry); plain == nil {
			network, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
		}
		switch {
		case err == nil && network.Bits() == 0:
			return Private{}, fmt.Errorf("%s is every address", entry)
		case err == nil && network.Addr().IsLinkLocalUnicast():
			return Private{}, fmt.Errorf("%s is link-local, where clouds keep what a machine may know of itself", entry)
		case err == nil:
			p.networks = append(p.networks, network.Masked())
		case entry == "" || strings.ContainsAny(entry, "/:*@?# ") || strings.Trim(entry, ".") != entry:
			return Private{}, fmt.Errorf("%q is neither a host, an address nor a network: write sso.corp, 10.0.0.5 or 10.0.0.0/8", entry)
		default:
			p.hosts = append(p.hosts, strings.ToLower(entry))
		}
	}
	return p, nil
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
	if addr.IsLinkLocalUnicast() || addr.Zone() != "" {
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
	all, what := []netip.Addr{addr}, host
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
	}
	return fmt.Errorf("%s is not on the internet: it is not connected to unless the operator lists %s under privateUpstreams in idp.yaml", what, host)
}
