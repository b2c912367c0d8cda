package outbound

import "net/http"

// Control is asked for the addresses that a guarded client connects to.
func Control(address string) error { return publicAddress("tcp", address, nil) }

// Proxies reports whether the client's own transports ask for a proxy.
func (c *Client) Proxies() bool {
	return c.https.Transport.(*http.Transport).Proxy != nil || c.loopback.Transport.(*http.Transport).Proxy != nil
}
