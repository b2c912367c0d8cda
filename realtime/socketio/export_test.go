package socketio

import (
	"time"

	"github.com/zishang520/socket.io/servers/engine/v3"
)

// SlowConnect has the library pause after it told a client something.
func SlowConnect(s *Server, pause time.Duration) {
	_ = s.io.Engine().On("connection", func(args ...any) {
		_ = args[0].(engine.Socket).On("drain", func(...any) { time.Sleep(pause) })
	})
}
