package server

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/gatewright/gate"
)

// proxies are the peers whose X-Forwarded-For is believed.
type proxies []netip.Prefix

func (p proxies) trust(addr netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// peer returns the other end of the connection, and whether it is a proxy that
// may speak for others.
func (p proxies) peer(r *http.Request) (addr netip.Addr, trusted bool) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr = ap.Addr().Unmap().WithZone("")
	return addr, p.trust(addr)
}

// client returns the address of the client: the peer, unless that is a trusted
// proxy; then the right-most address of all X-Forwarded-For lines that is not
// one. Every other forwarding header is ignored, for anybody can send them.
func (p proxies) client(r *http.Request) netip.Addr {
	addr, trusted := p.peer(r)
	if !trusted {
		return addr
	}
	entries := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(entries) - 1; i >= 0 && p.trust(addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(entries[i]))
		if err != nil {
			break // who wrote this is not known: the last address that is counts
		}
		addr = next.Unmap().WithZone("")
	}
	return addr
}

// maxUserAgent bounds what is kept of a header that the client chooses.
const maxUserAgent = 256

// withClient puts the client of r into its context.
func (p proxies) withClient(r *http.Request) *http.Request {
	agent := r.UserAgent()
	if len(agent) > maxUserAgent {
		agent = agent[:maxUserAgent]
	}
	c := gate.Client{Address: p.client(r), UserAgent: strings.ToValidUTF8(agent, "")}
	return r.WithContext(gate.ContextWithClient(r.Context(), c))
}
