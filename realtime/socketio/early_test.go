package socketio_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gatewright/gate/realtime/socketio"
)

// TestConnect_quick: a client that asks as soon as it is told that it is
// connected is answered, although the library does not know it by then.
func TestConnect_quick(t *testing.T) {
	s := newShop(t, nil)
	socketio.SlowConnect(s.door, 300*time.Millisecond)
	ws := dial(t, s, nil)
	write(t, ws, `421["find","notes",{}]`)
	if got := read(t, ws, "431["); !strings.Contains(got, `"not-authenticated"`) {
		t.Errorf("the answer is %s", got)
	}
}
