package socketio

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/zishang520/socket.io/servers/engine/v3"
)

// Engine.io tells a client that its session is open a moment before it listens
// to the session. What a quick client sends in that moment would be lost, so it
// is not read before.

// listenWithin bounds that moment.
const listenWithin = 2 * time.Second

type readyKey struct{}

// A readiness is closed when a session is listened to.
type readiness struct {
	once sync.Once
	done chan struct{}
}

func (r *readiness) set() { r.once.Do(func() { close(r.done) }) }

// wait returns when the session is listened to, or it takes too long.
func (r *readiness) wait() {
	select {
	case <-r.done:
	case <-time.After(listenWithin):
	}
}

// begin prepares the request that opens a session.
func begin(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request) {
	ready := &readiness{done: make(chan struct{})}
	return hijacker{w, ready}, r.WithContext(context.WithValue(r.Context(), readyKey{}, ready))
}

// listening hears that a session is listened to.
func (s *Server) listening(args ...any) {
	if len(args) == 0 {
		return
	}
	session, ok := args[0].(engine.Socket)
	if !ok {
		return
	}
	ready, ok := session.Request().Request().Context().Value(readyKey{}).(*readiness)
	if !ok {
		return
	}
	ready.set()
}

// await delays a later request of a session that is not yet listened to.
func (s *Server) await(sid string) {
	session, ok := s.io.Engine().Clients().Load(sid)
	if !ok {
		return
	}
	if ready, ok := session.Request().Request().Context().Value(readyKey{}).(*readiness); ok {
		ready.wait()
	}
}

// hijacker finds the connection behind middleware, for a library that does not
// look behind it.
type hijacker struct {
	http.ResponseWriter

	ready *readiness // nil for the later requests of a session
}

// Hijack implements [http.Hijacker].
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err == nil && h.ready != nil {
		conn = patient{conn, h.ready}
	}
	return conn, rw, err
}

// patient is a connection that is not read before it is listened to.
type patient struct {
	net.Conn

	ready *readiness
}

// Read implements [net.Conn].
func (p patient) Read(b []byte) (int, error) {
	p.ready.wait()
	return p.Conn.Read(b)
}
