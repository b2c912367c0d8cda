// Package loopback says what this machine is called.
package loopback

import (
	"net/netip"
	"strings"
)

// Host reports whether a host, which has no port, is this machine: localhost, or a
// loopback address. A name below localhost is not: it is what a resolver says.
func Host(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// Site reports the same as a browser has it, which takes names below localhost for this
// machine without asking a resolver.
func Site(host string) bool {
	return Host(host) || strings.HasSuffix(strings.ToLower(host), ".localhost")
}
