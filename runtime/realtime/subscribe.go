package realtime

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gatewright/gate"
)

// Subscribe asks for the events of the entity under that path. Subscribing
// twice is once. It is refused, 401 or 403, to those who may not get any row,
// and 404 for a path that there is not; what may be seen of each row is decided
// at each event.
func (c *Conn) Subscribe(ctx context.Context, path string) error {
	e, err := c.rt.entity(path)
	if err != nil {
		return err
	}
	ctx, err = c.caller(ctx)
	if err != nil {
		return err
	}
	if err := c.rt.mayAsk(mayView(ctx, e)); err != nil {
		return err
	}
	c.rt.mu.Lock()
	defer c.rt.mu.Unlock()
	c.join(path)
	return nil
}

// join books a subscription; rt.mu is held.
func (c *Conn) join(path string) {
	if _, there := c.rt.conns[c]; there {
		c.rt.topics[path][c] = struct{}{}
	}
}

// Unsubscribe ends a subscription. Ending one that there is not is no error.
func (c *Conn) Unsubscribe(path string) error {
	if _, err := c.rt.entity(path); err != nil {
		return err
	}
	c.rt.mu.Lock()
	defer c.rt.mu.Unlock()
	delete(c.rt.topics[path], c)
	return nil
}

// SubscribeAll subscribes to every entity of which the connection may get rows.
func (c *Conn) SubscribeAll(ctx context.Context) error {
	for _, path := range c.rt.paths {
		switch err := c.Subscribe(ctx, path); {
		case err == nil, isStatus(err, http.StatusForbidden), isStatus(err, http.StatusUnauthorized):
		default:
			return err
		}
	}
	return nil
}

// UnsubscribeAll ends all subscriptions.
func (c *Conn) UnsubscribeAll() {
	c.rt.mu.Lock()
	defer c.rt.mu.Unlock()
	c.rt.unsubscribe(c)
}

// unsubscribe ends all subscriptions of a connection; rt.mu is held.
func (rt *Realtime) unsubscribe(c *Conn) {
	for _, topic := range rt.topics {
		delete(topic, c)
	}
}

// resume is Subscribe for a client that comes back: it queues what happened
// since the event lastID, and returns false when that is not known any more, so
// that the client has to begin anew. From is the event after which it is told.
func (c *Conn) resume(ctx context.Context, paths []string, lastID string) (from string, complete bool, err error) {
	rt := c.rt
	rt.mu.Lock()
	from = rt.ids.id(rt.ring.last) // before it subscribes: nothing after it is missed
	rt.mu.Unlock()
	for _, path := range paths {
		if err := c.Subscribe(ctx, path); err != nil {
			return "", false, err
		}
	}
	if lastID == "" {
		return from, true, nil
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	seq, known := rt.ids.parse(lastID)
	var missed []*event
	if known {
		missed, known = rt.ring.since(seq)
	}
	if !known {
		return from, false, nil
	}
	// What came in since the subscription is among what was missed.
	for len(c.queue) > 0 {
		c.waiting.Add(-(<-c.queue).size)
	}
	for _, e := range missed {
		if _, wanted := rt.topics[e.source.Entity().Path][c]; !wanted {
			continue
		}
		if !c.push(e.again()) {
			return from, false, nil
		}
	}
	return rt.ids.id(seq), true, nil
}

// caller returns ctx with who the connection belongs to, asked now.
func (c *Conn) caller(ctx context.Context) (context.Context, error) {
	ctx = gate.ContextWithClient(ctx, c.client)
	p, err := c.current(ctx)
	return gate.ContextWithPrincipal(ctx, p), err
}

// current returns the principal as an answer can have it: a connection whose
// credentials do not hold is closed, and its last call 401.
func (c *Conn) current(ctx context.Context) (*gate.Principal, error) {
	select {
	case <-c.done:
		return nil, gate.ErrUnavailable
	default:
	}
	p, err := c.check(ctx, time.Now())
	reason, closes := errors.AsType[Reason](err)
	switch {
	case err == nil:
		return p, nil
	case closes && reason == Lost:
		c.Close(reason)
		return nil, gate.ErrUnavailable
	case closes && reason != Unavailable:
		c.Close(reason)
		return nil, gate.ErrNotAuthenticated
	case errors.Is(err, errLoggingOut):
		return nil, gate.ErrNotAuthenticated
	}
	return nil, gate.ErrUnavailable
}

// isStatus reports whether an error is answered with that status.
func isStatus(err error, status int) bool {
	if e, ok := errors.AsType[*gate.Error](err); ok {
		return e.Status == status
	}
	switch status {
	case http.StatusUnauthorized:
		return errors.Is(err, gate.ErrNotAuthenticated)
	case http.StatusForbidden:
		return errors.Is(err, gate.ErrForbidden)
	}
	return false
}
