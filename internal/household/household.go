// Package household names the network that an address is counted with.
package household

import "net/netip"

// Of returns what an attacker with one connection can hardly leave: one IPv4 address,
// or the /64 that IPv6 gives to a household. It is empty for an address that is none.
func Of(addr netip.Addr) string {
	if network := Network(addr); network.IsValid() {
		return network.String()
	}
	return ""
}

// Network is [Of] as a prefix, the zero one for an address that is none.
func Network(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	network, _ := addr.Prefix(bits)
	return network
}
