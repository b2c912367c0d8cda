// Package household names the network that an address is counted with.
package household

import "net/netip"

// Of returns what an attacker with one connection can hardly leave: one IPv4 address,
// or the /64 that IPv6 gives to a household. It is empty for an address that is none.
func Of(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	network, err := addr.Prefix(bits)
	if err != nil || !network.IsValid() {
		return ""
	}
	return network.String()
}
