package jwks_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gatewright/gate/jose"
)

// BenchmarkKey measures the look-up of a key that is known.
func BenchmarkKey(b *testing.B) {
	s := newIssuer(b, keySet(b, "one", "two", "three")).set(b)
	if err := s.Ready(b.Context()); err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Key(ctx, "two", jose.EdDSA); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := s.Key(ctx, "two", jose.EdDSA); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// BenchmarkFlood measures the refusal of a key that nobody has.
func BenchmarkFlood(b *testing.B) {
	i := newIssuer(b, keySet(b, "k"))
	s := i.set(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Key(context.Background(), "nobody's", jose.EdDSA); !errors.Is(err, jose.ErrUnknownKey) {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(len(i.requests())), "requests")
}
