package realtime

import (
	"bufio"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// mostFrames is how many bytes a message may take with all that its frames add to it, and
// those between them: a message in pieces of a few bytes.
const mostFrames = 4 * MaxMessage

// A frameMeter makes a client wait for its turn with what is no message, and costs as much:
// pings and pongs, each of which is a call, and frames of which no message comes.
type frameMeter struct {
	http.ResponseWriter
	calls *bucket
	bytes atomic.Int64 // since a message ended
}

// Unwrap is for [http.ResponseController].
func (m *frameMeter) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// Hijack implements [http.Hijacker].
func (m *frameMeter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(m.ResponseWriter).Hijack()
	return meteredConn{conn, m}, rw, err
}

type meteredConn struct {
	net.Conn
	meter *frameMeter
}

// Read implements [io.Reader].
func (c meteredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.meter.bytes.Add(int64(n)) > mostFrames {
		c.meter.calls.wait()
	}
	return n, err
}

// wait takes one out, when there is one.
func (b *bucket) wait() {
	for {
		n := b.take(time.Now())
		if n <= 0 {
			return
		}
		time.Sleep(n)
	}
}
