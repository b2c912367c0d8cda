package idp

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/tenant"
)

// record adds an entry to the tenant's log.
func (p *Provider) record(r *http.Request, kind string, c *tenant.Client, u *tenant.User, description string, details map[string]any) {
	client, _ := gate.ClientFromContext(r.Context())
	e := tenant.Log{
		Type: kind, Description: description, Details: details, IP: addressText(client), UserAgent: client.UserAgent, Hostname: p.host,
	}
	if c != nil {
		e.ClientID, e.ClientName = c.ID, c.Name
	}
	if u != nil {
		e.UserID, e.UserName = u.ID, u.Email
		if len(u.Identities) > 0 {
			e.Connection = u.Identities[0].Connection
		}
	}
	p.tenant.Record(r.Context(), e)
}

// connectionClient returns the other end of the connection.
func connectionClient(r *http.Request) gate.Client {
	c := gate.Client{UserAgent: r.UserAgent()}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return c
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		c.Address = addr.Unmap()
	}
	return c
}
