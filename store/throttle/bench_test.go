package throttle_test

import (
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/storetest"
	"github.com/gatewright/gate/store/throttle"
)

// BenchmarkBegin is what a throttle adds to a log-in, and what a refusal costs.
func BenchmarkBegin(b *testing.B) {
	for _, place := range []struct {
		name string
		open func(testing.TB) *store.DB
	}{
		{"memory", func(testing.TB) *store.DB { return nil }},
		{"sqlite", storetest.SQLite},
		{"postgresql", storetest.Postgres},
	} {
		b.Run(place.name, func(b *testing.B) {
			th := newThrottle(b, throttle.Config{DB: place.open(b)})
			ctx := from(b, "192.0.2.1")
			b.Run("success", func(b *testing.B) {
				for b.Loop() {
					if attempt(b, th, ctx, "alice", gate.Succeeded) > 0 {
						b.Fatal("refused")
					}
				}
			})
			b.Run("refused", func(b *testing.B) {
				failures(b, th, 10, always("bob"), always(ctx))
				for b.Loop() {
					if attempt(b, th, ctx, "bob", gate.Failed) == 0 {
						b.Fatal("let through")
					}
				}
			})
		})
	}
}
