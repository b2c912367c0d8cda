package server

import (
	"cmp"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/config"
)

// earlyBody is how much of a body comes out of a share for small ones, so that large
// ones, however many, do not keep anybody from a log-in.
const earlyBody = 8 << 10

// The shares of what is held of bodies.
const (
	early = iota // the first bytes of each
	later        // the rest
	known        // the rest, when that is used up, of those who have proven who they are
	shares
)

// bodies bounds the bytes of bodies that are held at once, of all requests together:
// most of each share.
type bodies struct {
	most  int64
	knows func(*http.Request) bool // whether its credentials are good; nil without any
	held  [shares]atomic.Int64
}

// bodies returns the bounds of the service.
func (a *App) bodies() *bodies {
	b := &bodies{most: cmp.Or(a.Config.MaxBodies, config.DefaultMaxBodies)}
	if a.Auth != nil {
		b.knows = a.Auth.Knows
	}
	return b
}

// count lets the body of a request count until release is called.
func (b *bodies) count(w http.ResponseWriter, r *http.Request) (release func()) {
	asked := *r
	asked.Body = http.NoBody // which is being read when somebody asks who sends it
	c := &countedBody{ReadCloser: r.Body, bodies: b, header: w.Header(), request: &asked}
	r.Body = c
	return c.release
}

// A countedBody is a body whose bytes count as long as its request runs: those that
// came, for a length is a claim.
type countedBody struct {
	io.ReadCloser

	bodies  *bodies
	header  http.Header // of the answer
	request *http.Request
	read    int64
	held    [shares]int64
	judged  bool
	known   bool
	err     error
}

// Read implements [io.Reader]. Its error is a [*gate.Error] when too much is held
// already.
func (c *countedBody) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.ReadCloser.Read(p)
	if n > 0 && !c.hold(int64(n)) {
		c.header.Set("Connection", "close")
		c.err = &gate.Error{Status: http.StatusServiceUnavailable, Message: "Too much is being sent at once", RetryAfter: 5 * time.Second}
		return 0, c.err
	}
	return n, err
}

// hold takes bytes out of the first share that has them for this request.
func (c *countedBody) hold(n int64) bool {
	if c.read += n; c.read <= earlyBody && c.take(early, n) || c.take(later, n) {
		return true
	}
	if !c.judged {
		c.judged, c.known = true, c.bodies.knows != nil && c.bodies.knows(c.request)
	}
	return c.known && c.take(known, n)
}

func (c *countedBody) take(share int, n int64) bool {
	if c.bodies.held[share].Add(n) > c.bodies.most {
		c.bodies.held[share].Add(-n)
		return false
	}
	c.held[share] += n
	return true
}

// release gives back what the request held.
func (c *countedBody) release() {
	for share, n := range c.held {
		c.bodies.held[share].Add(-n)
	}
}
