package realtime_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/model"
	"github.com/gatewright/gate/runtime/realtime"
)

// BenchmarkFanOut is one change until the last of the connections was told: each
// asked anew who it is, judged, and given the row.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("connections=%d", n), func(b *testing.B) {
			s := newShop(b, func(c *realtime.Config, _ *gate.Config, _ *model.Entity) { c.MaxPerPrincipal = n })
			for i := range n {
				s.set("user"+strconv.Itoa(i), "clerk")
			}
			var told sync.WaitGroup
			for i := range n {
				c, err := s.rt.Open(request(s.token(b, "user"+strconv.Itoa(i))))
				check(b, err)
				check(b, c.Subscribe(b.Context(), "items"))
				go func() {
					_ = c.Run(context.WithoutCancel(b.Context()), func(context.Context, realtime.Event) error { told.Done(); return nil })
				}()
			}
			b.ReportAllocs()
			for b.Loop() {
				told.Add(n)
				s.newItem(b, `{"name":"soup","price":4}`)
				told.Wait()
			}
		})
	}
}
