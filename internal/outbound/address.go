package outbound

import "net/netip"

// Public reports whether addr belongs to a host on the internet: it lies in
// nothing that the special-purpose registries of IANA list (RFC 6890), globally
// reachable or not. That is not this host, not a private or shared network, no
// group of hosts, nothing reserved, no IPv6 address that stands for an IPv4 one,
// and no address that each network may answer by itself. The one address that
// Azure took out of the internet for the machines in it is refused, too.
func Public(addr netip.Addr) bool {
	if !addr.IsValid() || addr.Zone() != "" || addr.Is4In6() {
		return false
	}
	if addr.Is4() {
		return !special4(addr.As4())
	}
	b := addr.As16()
	return b[0]>>5 == 1 && !special6(b) // 2000::/3 is all that was ever given out
}

// special4 reports whether b lies in a network that is not for hosts on the
// internet.
func special4(b [4]byte) bool {
	switch b[0] {
	case 0, 10, 127: // this network, private, loopback
		return true
	case 100: // shared by the customers of a provider
		return b[1]>>6 == 1
	case 169: // link-local, and with it the metadata of clouds
		return b[1] == 254
	case 172: // private
		return b[1]>>4 == 1
	case 168: // wire server of Azure, with what a machine may know of itself
		return b == [4]byte{168, 63, 129, 16}
	case 192:
		return special192(b)
	case 198: // benchmarks, documentation
		return b[1]>>1 == 9 || b[1] == 51 && b[2] == 100
	case 203: // documentation
		return b[1] == 0 && b[2] == 113
	default: // groups, reserved, broadcast
		return b[0] >= 224
	}
}

// special192 does the same for 192.0.0.0/8.
func special192(b [4]byte) bool {
	switch b[1] {
	case 0: // protocols, documentation
		return b[2] == 0 || b[2] == 2
	case 31: // AS112 (RFC 7535)
		return b[2] == 196
	case 52: // AMT relays (RFC 7450)
		return b[2] == 193
	case 88: // 6to4 relays
		return b[2] == 99
	case 168: // private
		return true
	default: // AS112 (RFC 7534)
		return b[1] == 175 && b[2] == 48
	}
}

// special6 does the same for what lies in 2000::/3.
func special6(b [16]byte) bool {
	switch {
	case b[0] == 0x20 && b[1] == 0x01: // protocols with Teredo among them, documentation
		return b[2]>>1 == 0 || b[2] == 0x0d && b[3] == 0xb8
	case b[0] == 0x20 && b[1] == 0x02: // 6to4
		return true
	case b[0] == 0x26 && b[1] == 0x20: // AS112 (RFC 7534)
		return [4]byte(b[2:6]) == [4]byte{0, 0x4f, 0x80, 0}
	default: // documentation
		return b[0] == 0x3f && b[1] == 0xff && b[2]>>4 == 0
	}
}
