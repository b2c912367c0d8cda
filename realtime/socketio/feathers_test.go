package socketio_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/nodetest"
	"github.com/gatewright/gate/runtime/realtime"
)

// TestFeathersClients runs the official clients of Feathers, unchanged: log-in,
// calls, events to those who may see the row, re-authentication, log-out, expiry.
func TestFeathersClients(t *testing.T) {
	s := newShop(t, nil)
	short := newShop(t, func(_ *realtime.Config, c *gate.Config) { c.ExpiresIn = 2 * time.Second })
	lines := nodetest.Run(t, "testdata/feathers", "scenario.js", map[string]string{"url": s.url, "shortLived": short.url})
	if !slices.Contains(lines, "ok") {
		t.Errorf("the scenario said %q", lines)
	}
}
