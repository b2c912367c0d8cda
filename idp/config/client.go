package config

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/gatewright/gate"
)

// maxUserAgent bounds what is kept of a header that the client chooses.
const maxUserAgent = 256

// WithClient puts the client of each request into its context, see
// [gate.ClientFromContext]: the other end of the connection or, when that is one
// of the trusted proxies, the right-most address of X-Forwarded-For that is none.
// Every other forwarding header is ignored, for anybody can send them.
func (c *Config) WithClient(next http.Handler) http.Handler {
	trusted := proxies(c.Proxies())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent := r.UserAgent()
		agent = strings.ToValidUTF8(agent[:min(len(agent), maxUserAgent)], "")
		client := gate.Client{Address: trusted.client(r), UserAgent: agent}
		next.ServeHTTP(w, r.WithContext(gate.ContextWithClient(r.Context(), client)))
	})
}

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

func (p proxies) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap().WithZone("")
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
