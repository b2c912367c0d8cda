package realtime

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatewright/gate"
)

// A Reason is why a connection was closed by this side. It is an error, and a
// target for errors.Is.
type Reason string

// The reasons.
const (
	// Expired says that the credentials of the connection expired.
	Expired Reason = "expired"
	// Revoked says that they do not hold any more: the session was ended, the
	// account is gone.
	Revoked Reason = "revoked"
	// Unavailable says that it could not be decided whether they hold, or what
	// may be seen.
	Unavailable Reason = "unavailable"
	// Slow says that the client does not take its events.
	Slow Reason = "too slow"
	// Lost says that events were lost.
	Lost Reason = "events lost"
	// Stopping says that the service stops.
	Stopping Reason = "stopping"
	// Gone says that the client closed the connection, or it broke.
	Gone Reason = "gone"
)

// Error returns the reason in words.
func (r Reason) Error() string { return "connection closed: " + string(r) }

// A Conn is a connection, whatever carries it. [Realtime.Open] makes one,
// [Conn.Run] keeps it. Its methods may be called from many goroutines.
type Conn struct {
	rt      *Realtime
	client  gate.Client
	queue   chan *event
	waiting atomic.Int64  // bytes of the queue
	wake    chan struct{} // who it belongs to changed, or should be asked
	calls   *bucket

	closing sync.Once
	done    chan struct{}
	reason  Reason // set before done is closed

	leaving sync.Once
	at      place // guarded by rt.mu

	mu sync.Mutex // may be locked while rt.mu is, not the other way round
	id identity
}

// identity is who a connection belongs to; the zero value is nobody.
type identity struct {
	creds     gate.Credentials
	principal *gate.Principal // nil for nobody
	checked   time.Time       // when the credentials were last found good
	version   uint64          // counts logins and log-outs
	loggedOut bool            // a log-out is under way
	passed    time.Time       // when an event was last passed over, of what was known then
}

// errLoggingOut says that a connection is nobody's at the moment.
var errLoggingOut = errors.New("logging out")

// Close closes the connection for the reason; [Conn.Run] returns it. Only the
// first call counts.
func (c *Conn) Close(reason Reason) {
	c.closing.Do(func() {
		c.reason = reason
		close(c.done)
	})
}

// Closed returns a channel that is closed when the connection is.
func (c *Conn) Closed() <-chan struct{} { return c.done }

// leave takes the connection out of all books.
func (c *Conn) leave() {
	c.leaving.Do(func() {
		c.Close(Gone)
		rt := c.rt
		rt.mu.Lock()
		delete(rt.conns, c)
		rt.unbook(c)
		rt.unsubscribe(c)
		rt.mu.Unlock()
		rt.running.Done()
	})
}

// push queues an event, and reports whether there was room for it; it never waits. A
// client that does not take its events keeps no more than so many of them, and of
// their bytes. The second half of the queue is for those that the client is told:
// what others do out of its sight closes nobody's connection.
func (c *Conn) push(e *event) bool {
	n := c.waiting.Load()
	if (len(c.queue) >= queueSize/2 || n+e.size > queueBytes/2) && !c.concerns(e) {
		return true
	}
	if n > 0 && n+e.size > queueBytes { // an empty one takes any
		return false
	}
	c.waiting.Add(e.size)
	select {
	case c.queue <- e:
		return true
	default:
		c.waiting.Add(-e.size)
		return false
	}
}

// concerns reports whether the client, as it is known now, may see the row of an event.
// Who turns out to be somebody else by then has missed it, see checked.
func (c *Conn) concerns(e *event) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.concerns(gate.ContextWithPrincipal(context.Background(), c.id.principal)) {
		return true
	}
	if c.id.checked.Before(e.at) && c.id.passed.Before(e.at) {
		c.id.passed = e.at
	}
	return false
}

// Run tells the connection its events until it is closed, and returns why: a
// [Reason]. send carries one event; it is given two seconds, is not called
// concurrently, and its error ends the connection with [Gone]. So does the end
// of ctx. When Run returns the connection is out of the books, and the caller
// closes what carries it.
func (c *Conn) Run(ctx context.Context, send func(context.Context, Event) error) error {
	defer c.leave() // which [Realtime.Close] waits for
	defer c.depart(ctx)
	ctx = gate.ContextWithClient(ctx, c.client)
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	expiry := time.NewTimer(0)
	defer expiry.Stop()
	for {
		expiry.Reset(c.remaining())
		var err error
		select {
		case <-c.done:
		case <-ctx.Done():
			c.Close(Gone)
		case <-expiry.C:
			if c.remaining() <= 0 {
				c.Close(Expired)
			}
		case <-c.wake:
			_, err = c.check(ctx, time.Now())
		case <-tick.C:
			_, err = c.check(ctx, time.Now())
			if errors.Is(err, Unavailable) && !c.overdue() {
				err = nil // the next round will tell
			}
		case e := <-c.queue:
			c.waiting.Add(-e.size) // it waits no more
			err = c.deliver(ctx, e, send)
		}
		if reason, ok := errors.AsType[Reason](err); ok {
			c.Close(reason)
		}
		select {
		case <-c.done:
			return c.reason
		default:
		}
	}
}

// depart tells the engine that a connection of somebody closed.
func (c *Conn) depart(ctx context.Context) {
	if p := c.principal(); p != nil {
		c.rt.cfg.Service.Disconnected(gate.ContextWithClient(ctx, c.client), p)
	}
}

func (c *Conn) principal() *gate.Principal {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id.principal
}

// never is longer than any connection lasts.
const never = 1000 * time.Hour

// remaining returns how long the credentials still last.
func (c *Conn) remaining() time.Duration {
	p := c.principal()
	if p == nil || p.ExpiresAt.IsZero() {
		return never
	}
	return min(time.Until(p.ExpiresAt), never)
}

// overdue reports whether it has not been known for too long whether the
// credentials hold.
func (c *Conn) overdue() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Since(c.id.checked) >= graceTimeout-checkEvery
}

// check returns the principal, whose credentials were good at a moment not
// before since; nil for nobody. Its errors are Revoked, Expired, Unavailable and
// errLoggingOut.
func (c *Conn) check(ctx context.Context, since time.Time) (*gate.Principal, error) {
	for {
		c.mu.Lock()
		id := c.id
		c.mu.Unlock()
		switch {
		case id.loggedOut:
			return nil, errLoggingOut
		case id.principal == nil:
			return nil, nil //nolint:nilnil // nobody is a caller like any other
		case expired(id.principal):
			return nil, Expired
		case !id.checked.Before(since) && !id.checked.Before(id.passed):
			return id.principal, nil
		}
		now := time.Now()
		p, err := c.rt.authenticate(ctx, id.creds)
		known, lost := c.checked(id.version, now, p, err)
		switch {
		case !known:
			continue // somebody else logged in meanwhile, or out
		case lost:
			return nil, Lost
		case err == nil:
			return p, nil
		case refused(err):
			return nil, Revoked
		}
		if ctx.Err() == nil {
			c.rt.cfg.Logger.WarnContext(ctx, "connection not checked", "err", err)
		}
		return nil, Unavailable
	}
}

// checked notes what became of a check; known is false when it was about another
// identity. Lost says that the client may see other rows now than when an event was
// passed over.
func (c *Conn) checked(version uint64, at time.Time, p *gate.Principal, err error) (known, lost bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id.version != version || c.id.loggedOut {
		return false, false
	}
	if err == nil {
		lost = !c.id.passed.IsZero() && !sameRights(p, c.id.principal)
		c.id.principal, c.id.checked = p, at
		if !at.Before(c.id.passed) {
			c.id.passed = time.Time{}
		}
	}
	return true, lost
}

// sameRights reports whether the same is shown to both.
func sameRights(p, q *gate.Principal) bool {
	return p.Subject == q.Subject && p.Tenant == q.Tenant && (p.Scopes == nil) == (q.Scopes == nil) && slices.Equal(p.Scopes, q.Scopes) &&
		slices.Equal(p.Roles, q.Roles) && slices.Equal(p.Permissions, q.Permissions)
}

func expired(p *gate.Principal) bool {
	return !p.ExpiresAt.IsZero() && !time.Now().Before(p.ExpiresAt)
}

// refused reports whether an error says no, and not that it is not known.
func refused(err error) bool {
	if errors.Is(err, gate.ErrUnavailable) {
		return false
	}
	return errors.Is(err, gate.ErrNotAuthenticated) || errors.Is(err, gate.ErrInvalidCredentials) || errors.Is(err, gate.ErrForbidden)
}

// deliver tells one event, if this connection may know of it.
func (c *Conn) deliver(ctx context.Context, e *event, send func(context.Context, Event) error) error {
	p, err := c.check(ctx, e.at)
	if err != nil {
		if errors.Is(err, errLoggingOut) {
			return nil
		}
		return err
	}
	out, ok, err := e.show(gate.ContextWithPrincipal(ctx, p))
	if err != nil {
		return Unavailable
	}
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if err := send(ctx, out); err != nil {
		return Gone
	}
	return nil
}

// become makes the connection somebody's.
func (c *Conn) become(creds gate.Credentials, p *gate.Principal) error {
	c.rt.mu.Lock()
	defer c.rt.mu.Unlock()
	if err := c.rt.move(c, placeOf(p, c.client)); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.id = identity{creds: creds, principal: p, checked: time.Now(), version: c.id.version + 1}
	c.poke()
	return nil
}

// becomeNobody ends the identity of that version, and with it the
// subscriptions. It does nothing to another, which somebody has who logged in
// meanwhile.
func (c *Conn) becomeNobody(version uint64) {
	c.rt.mu.Lock()
	defer c.rt.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id.version != version {
		return
	}
	c.id = identity{version: version + 1}
	c.rt.unsubscribe(c)
	if c.rt.move(c, place{key: anonymousKey(c.client)}) != nil {
		c.Close(Gone)
	}
}

// poke makes Run look at the identity anew.
func (c *Conn) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// loggedOut asks the connections of a session that somebody logged out of: the
// service may keep no sessions, and its tokens go on.
func (rt *Realtime) loggedOut(p *gate.Principal) {
	if p == nil {
		return
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for c := range rt.sessions[p.SessionID] {
		c.poke()
	}
}

// SessionEnded closes the connections of a session that was ended, with
// [Revoked]. It does not wait for them. Whoever keeps sessions calls it; without
// it, connections notice within seconds. A connection that logs out by itself
// stays open.
func (rt *Realtime) SessionEnded(_ context.Context, id string) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for c := range rt.sessions[id] {
		if !c.loggingOut() {
			c.Close(Revoked)
		}
	}
}

func (c *Conn) loggingOut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id.loggedOut
}

// Login logs in on the connection with what a client sent: the name of a
// strategy and the fields that it asks for. From then on the connection is that
// account's, whoever it was before. The session of an earlier login goes on.
func (c *Conn) Login(ctx context.Context, fields map[string]any) (*gate.Result, error) {
	if c.rt.carrier == "" {
		return nil, &gate.Error{Status: http.StatusMethodNotAllowed, Message: "Nobody can log in on a connection"}
	}
	svc := c.rt.cfg.Service
	creds := gate.Credentials{Fields: fields}
	var err error
	if creds.Strategy, err = creds.Text("strategy"); err != nil {
		return nil, err
	}
	ctx = gate.ContextWithClient(ctx, c.client)
	result, err := svc.Create(ctx, creds, gate.External())
	if err != nil {
		return nil, err
	}
	carrier, ok := svc.Strategy(c.rt.carrier).(gate.TokenCarrier)
	if !ok {
		return nil, errors.New("the strategy that checks tokens is gone")
	}
	token := carrier.FromToken(result.AccessToken)
	token.Strategy = c.rt.carrier
	p, err := c.rt.authenticate(ctx, token)
	if err == nil {
		err = c.become(token, p)
	}
	if err != nil {
		if _, renews := svc.Strategy(creds.Strategy).(gate.Renewer); !renews && result.Authentication.AccessToken == "" {
			c.abandon(ctx, token)
		}
		return nil, err
	}
	return result, nil
}

// abandon ends the session of a login that came to nothing: its token was made
// for it, and nobody will get to know it.
func (c *Conn) abandon(ctx context.Context, token gate.Credentials) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	_, err := c.rt.cfg.Service.Remove(ctx, "", token, gate.External(), gate.WithStrategies(token.Strategy))
	if err != nil {
		c.rt.cfg.Logger.WarnContext(ctx, "session of a refused login not ended", "err", err)
	}
}

// Logout ends the session behind the connection, which stays open as nobody's
// and without subscriptions, unless somebody logs in on it meanwhile. id is
// empty or the access token itself.
func (c *Conn) Logout(ctx context.Context, id string) (*gate.Result, error) {
	c.mu.Lock()
	if c.id.principal == nil || c.id.loggedOut {
		c.mu.Unlock()
		return nil, gate.ErrNotAuthenticated
	}
	c.id.loggedOut = true // what ends now is not a revocation
	creds, version := c.id.creds, c.id.version
	c.mu.Unlock()
	result, err := c.rt.cfg.Service.Remove(gate.ContextWithClient(ctx, c.client), id, creds, gate.External(), gate.WithStrategies(creds.Strategy))
	if err != nil {
		c.stay(version)
		return nil, err
	}
	c.becomeNobody(version)
	return result, nil
}

// stay undoes the beginning of a log-out that was refused.
func (c *Conn) stay(version uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.id.version == version {
		c.id.loggedOut = false
		c.poke()
	}
}

// Anonymous reports whether the connection is nobody's.
func (c *Conn) Anonymous() bool { return c.principal() == nil }
