package loopback_test

import (
	"testing"

	"github.com/gatewright/gate/internal/loopback"
)

func TestHost(t *testing.T) {
	for host, want := range map[string][2]bool{
		"localhost": {true, true}, "LocalHost": {true, true}, "127.0.0.1": {true, true}, "127.8.9.1": {true, true}, "::1": {true, true},
		"::ffff:127.0.0.1": {true, true}, "shop.localhost": {false, true}, "Shop.LocalHost": {false, true},
		"": {}, "0.0.0.0": {}, "::": {}, "10.0.0.1": {}, "localhost.example": {}, "notlocalhost": {}, "127.0.0.1.example": {},
		"localhost:80": {}, "[::1]": {}, "2130706433": {}, "127.1": {}, "localhost.": {},
	} {
		if got := [2]bool{loopback.Host(host), loopback.Site(host)}; got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}
