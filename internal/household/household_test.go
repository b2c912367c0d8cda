package household_test

import (
	"net/netip"
	"testing"

	"github.com/gatewright/gate/internal/household"
)

func TestOf(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "",
		"192.0.2.7":          "192.0.2.7/32",
		"::ffff:192.0.2.7":   "192.0.2.7/32",
		"2001:db8::7":        "2001:db8::/64",
		"2001:db8::1:0:0:7":  "2001:db8::/64",
		"2001:db8:0:1::7":    "2001:db8:0:1::/64",
		"fe80::1%eth0":       "fe80::/64",
		"2001:db8::7 or not": "",
	} {
		addr, _ := netip.ParseAddr(text)
		if got := household.Of(addr); got != want {
			t.Errorf("%q is of %q, want %q", text, got, want)
		}
	}
}
