package realtime

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate"
)

// heartbeatEvery keeps proxies from taking a quiet stream for a dead one.
const heartbeatEvery = 15 * time.Second

// Events returns the door for server-sent events, mounted with GET under one
// path:
//
//	GET /api/events?entities=items,orders
//
// Credentials come in headers, as for every request; a token in the URL is
// refused. A client that comes back sends the header Last-Event-ID and is told
// what it missed as far as this process remembers, the last 512 events, or fewer
// where their rows are large; when it does not, the first event is "reset", and the client reads again what it
// shows. The stream ends with an event "close" whose data is the [Reason].
func (rt *Realtime) Events() http.Handler { return http.HandlerFunc(rt.serveEvents) }

func (rt *Realtime) serveEvents(w http.ResponseWriter, r *http.Request) {
	paths, err := streamPaths(r.URL.RawQuery)
	if err != nil {
		rt.errors.Write(w, r, err)
		return
	}
	c, err := rt.Open(r)
	if err != nil {
		rt.errors.Write(w, r, err)
		return
	}
	defer c.leave()
	lastID := r.Header.Get("Last-Event-ID")
	from, complete, err := c.resume(r.Context(), paths, lastID)
	if err != nil {
		rt.errors.Write(w, r, err)
		return
	}
	s := &stream{w: w, rc: http.NewResponseController(w)}
	if err := s.begin(from, !complete); err != nil {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	var beating sync.WaitGroup
	beating.Go(func() { s.beat(ctx, c) })
	err = c.Run(ctx, s.send)
	cancel()
	beating.Wait()
	if reason, ok := errors.AsType[Reason](err); ok && reason != Gone {
		_ = s.write("event: close\ndata: " + string(reason) + "\n\n") // a courtesy
	}
}

// streamPaths reads the one parameter that there is.
func streamPaths(raw string) ([]string, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, badRequest("The query string is not properly encoded")
	}
	for name := range values {
		if name != "entities" {
			return nil, badQuery(name, "is not a parameter of this route")
		}
	}
	var paths []string
	for _, value := range values["entities"] {
		for path := range strings.SplitSeq(value, ",") {
			if path != "" && !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	if len(paths) == 0 || len(paths) > 100 {
		return nil, &gate.Error{Status: http.StatusBadRequest, Message: "Name the entities: ?entities=items,orders"}
	}
	return paths, nil
}

// stream writes to one client.
type stream struct {
	mu sync.Mutex // a heartbeat can come between two events
	w  http.ResponseWriter
	rc *http.ResponseController
}

// begin answers the request. The time-outs of the server are for requests that
// end; each write has its own. The client knows from where on it is told before the
// first event: a stream that breaks until then would lose events without a word.
func (s *stream) begin(from string, reset bool) error {
	_ = s.rc.SetReadDeadline(time.Time{}) // not every server has deadlines
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	s.w.WriteHeader(http.StatusOK)
	if reset {
		return s.write("id: " + from + "\nevent: reset\ndata: {}\n\n")
	}
	return s.write("id: " + from + "\n\n")
}

func (s *stream) send(_ context.Context, e Event) error {
	var b strings.Builder
	b.Grow(len(e.Data) + 80)
	b.WriteString("id: " + e.ID + "\nevent: " + e.Name + "\ndata: ")
	b.Write(e.Data) // JSON as it is made here has no line breaks
	b.WriteString("\n\n")
	return s.write(b.String())
}

func (s *stream) write(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.rc.SetWriteDeadline(time.Now().Add(sendTimeout))
	if _, err := s.w.Write([]byte(text)); err != nil { //nolint:gosec // an event stream, not HTML
		return err
	}
	return s.rc.Flush()
}

func (s *stream) beat(ctx context.Context, c *Conn) {
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if s.write(": \n\n") != nil {
				c.Close(Gone)
				return
			}
		}
	}
}
