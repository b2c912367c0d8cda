package auth_test

import (
	"testing"

	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/config"
)

// Links in letters under development lead to the name that every other address has.
func TestPublicURL_development(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:3000": "http://localhost:3000", "[::1]:3000": "http://localhost:3000", ":3000": "http://localhost:3000",
		"0.0.0.0:3000": "http://localhost:3000", "192.0.2.7:3000": "http://192.0.2.7:3000", "shop.test:3000": "http://shop.test:3000",
	} {
		if got := auth.PublicURL(auth.Options{Settings: &config.Config{Addr: addr}}).String(); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}
