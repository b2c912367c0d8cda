package upstream_test

import (
	"testing"
	"time"

	"github.com/gatewright/gate/idp/upstream"
)

// What an issuer said holds for a day where it does not say it again: that its
// document is not there for a moment keeps nobody out.
func TestDiscovery_kept(t *testing.T) {
	const at = issuer + "/.well-known/openid-configuration"
	for name, page := range map[string]struct {
		status int
		body   any
	}{"away": {503, ""}, "of another": {200, map[string]any{"issuer": "https://evil.example"}}} {
		t.Run(name, func(t *testing.T) {
			o := newOP(t)
			now := noon()
			c := connect(t, o, func(cfg *upstream.Config) { cfg.Now = func() time.Time { return now } })
			start := func() error {
				_, _, err := c.Start(t.Context(), upstream.StartRequest{RedirectURI: callback})
				return err
			}
			if err := start(); err != nil {
				t.Fatal(err)
			}
			back, asked := o.pages[at], o.count("GET "+at)
			o.pages[at], now = says(page.status, page.body), now.Add(2*time.Hour)
			for range 3 {
				if err := start(); err != nil {
					t.Errorf("two hours later: %v", err)
				}
			}
			again := o.count("GET " + at)
			if again == asked {
				t.Error("it was not asked again")
			}
			if now = now.Add(6 * time.Second); start() != nil || o.count("GET "+at) == again {
				t.Error("it is not asked after a rest")
			}
			now = now.Add(23 * time.Hour)
			wants(t, start(), upstream.ErrUnavailable)
			o.pages[at], now = back, now.Add(6*time.Second)
			if err := start(); err != nil {
				t.Errorf("once it is back: %v", err)
			}
		})
	}
}
