package socketio

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zishang520/socket.io/servers/engine/v3"
)

// Engine.io tells a client that its session is open a moment before it listens
// to the session, and Socket.io that the socket is connected a moment before it
// knows the socket. What a quick client sends in that moment would be lost, or
// end the session: it is not read before.

// listenWithin bounds that moment.
const listenWithin = 2 * time.Second

type readyKey struct{}

// A readiness says how far a session is.
type readiness struct {
	listened, connected moment
	connecting          atomic.Bool // what comes waits until it is connected
}

func newReadiness() *readiness {
	return &readiness{listened: moment{done: make(chan struct{})}, connected: moment{done: make(chan struct{})}}
}

// readinessOf returns that of a session, nil when it was not opened here.
func readinessOf(session engine.Socket) *readiness {
	ready, _ := session.Request().Request().Context().Value(readyKey{}).(*readiness)
	return ready
}

// A moment comes once.
type moment struct {
	once sync.Once
	done chan struct{}
}

func (m *moment) come() { m.once.Do(func() { close(m.done) }) }

// wait returns when it has come, or it takes too long.
func (m *moment) wait() {
	select {
	case <-m.done:
	case <-time.After(listenWithin):
	}
}

// begin prepares the request that opens a session.
func begin(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request) {
	ready := newReadiness()
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
	ready := readinessOf(session)
	if ready == nil {
		return
	}
	_ = session.On("packet", func(...any) { // before the packet is looked at
		if ready.connecting.Load() {
			ready.connected.wait()
		}
	})
	ready.listened.come()
}

// await delays a later request of a session that is not yet listened to.
func (s *Server) await(sid string) {
	session, ok := s.io.Engine().Clients().Load(sid)
	if !ok {
		return
	}
	if ready := readinessOf(session); ready != nil {
		ready.listened.wait()
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
	p.ready.listened.wait()
	return p.Conn.Read(b)
}
