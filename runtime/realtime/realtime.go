package realtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/crud"
)

// Bounds of a connection.
const (
	// MaxMessage is the most bytes that a message from a client may have.
	MaxMessage = 64 << 10

	maxLogin     = 8 << 10 // of a login, as over HTTP
	queueSize    = 256     // events that wait for a connection
	queueBytes   = 4 << 20 // of which they are, unless it is one
	backlogSize  = 16384   // changes that wait for all
	backlogBytes = 64 << 20
	ringSize     = 512 // events kept for clients that come back
	ringBytes    = 32 << 20
	checkEvery   = 2 * time.Second
	checkTimeout = 3 * time.Second
	readTimeout  = 1500 * time.Millisecond // of one try to read a row for events
	readAgain    = 100 * time.Millisecond  // after the first
	sendTimeout  = 2 * time.Second
	graceTimeout = 5 * time.Second // without an answer whether credentials hold
)

// AuthenticationPath is the name of the service that logs in and out.
const AuthenticationPath = "authentication"

// Config configures [New].
type Config struct {
	// Service authenticates. Nil means that nobody can: connections are
	// anonymous, and what is not public is closed to them.
	Service *gate.Service
	// Strategies are tried, in this order, with the headers of a handshake;
	// empty means that credentials come in a message. Tokens that a login on a
	// connection makes are checked by the first of them that carries tokens, so
	// without one nobody can log in on a connection.
	Strategies []string
	// Entities are those whose events are told and that may be called; each is
	// a [*crud.Resource]. What happens to others stays untold.
	Entities []crud.Service
	// Origins are the web sites whose scripts may connect, such as
	// "https://app.example.com". None is the safe default: then only clients
	// that are not browsers connect, which send no Origin.
	Origins []string
	// MaxConnections bounds them all; zero means 10,000. MaxPerPrincipal bounds
	// those of one account, or, where there is none, of one network address
	// (IPv6: of one /64); zero means 32. Credentials of an account that are limited
	// to scopes, API keys for instance, have as many of their own.
	MaxConnections, MaxPerPrincipal int
	// Logger gets faults; nil means slog.Default().
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.MaxConnections < 0 || c.MaxPerPrincipal < 0 {
		return c, errors.New("realtime: a bound on connections is negative")
	}
	if len(c.Strategies) > 0 && c.Service == nil {
		return c, errors.New("realtime: strategies without an authentication service")
	}
	for _, name := range c.Strategies {
		if _, ok := c.Service.Strategy(name).(gate.Parser); !ok {
			return c, fmt.Errorf("realtime: strategy %q is not registered, or reads no requests", name)
		}
	}
	for _, origin := range c.Origins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			return c, fmt.Errorf("realtime: %q is not an origin, which looks like https://app.example.com", origin)
		}
	}
	c.Strategies, c.Origins = slices.Clone(c.Strategies), slices.Clone(c.Origins)
	c.MaxConnections = cmp.Or(c.MaxConnections, 10_000)
	c.MaxPerPrincipal = cmp.Or(c.MaxPerPrincipal, 32)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c, nil
}

// source is what events need of an entity; [*crud.Resource] is one.
type source interface {
	crud.Service
	OnChange(tell func(context.Context, crud.Changed))
	Snapshot(ctx context.Context, id string) (crud.Snapshot, error)
}

// Realtime keeps the connections of a service. It is safe for concurrent use.
// [New] makes one, [Realtime.Close] ends it.
type Realtime struct {
	cfg      Config
	carrier  string // the strategy that checks tokens; empty without
	entities map[string]source
	paths    []string
	errors   gate.ErrorWriter
	ids      eventIDs // tells the events of this process from those of another

	backlog chan *event
	waiting atomic.Int64 // bytes of the backlog
	stop    context.CancelFunc
	told    chan struct{} // closed when the dispatcher has ended
	running sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	conns    map[*Conn]struct{}
	counts   map[string]int
	sessions map[string]map[*Conn]struct{} // by identifier
	topics   map[string]map[*Conn]struct{}
	ring     ring
}

// New returns a Realtime that hears of every change of the entities from now
// on. It refuses a configuration that is incomplete. Call it before the first
// change, and before requests are served.
func New(cfg Config) (*Realtime, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ids, err := newEventIDs()
	if err != nil {
		return nil, err
	}
	rt := &Realtime{
		cfg: cfg, entities: make(map[string]source, len(cfg.Entities)),
		errors: gate.ErrorWriter{Logger: cfg.Logger}, ids: ids,
		backlog: make(chan *event, backlogSize), told: make(chan struct{}),
		conns: make(map[*Conn]struct{}), counts: make(map[string]int),
		sessions: make(map[string]map[*Conn]struct{}), topics: make(map[string]map[*Conn]struct{}),
	}
	for _, s := range cfg.Entities {
		if err := rt.add(s); err != nil {
			return nil, err
		}
	}
	for _, name := range cfg.Strategies {
		if _, ok := cfg.Service.Strategy(name).(gate.TokenCarrier); ok && rt.carrier == "" {
			rt.carrier = name
		}
	}
	for _, e := range rt.entities {
		e.OnChange(rt.changed)
	}
	if cfg.Service != nil {
		cfg.Service.OnLogout(func(_ context.Context, ev *gate.Event) { rt.loggedOut(ev.Principal) })
	}
	ctx, stop := context.WithCancel(context.Background())
	rt.stop = stop
	go rt.dispatch(ctx)
	return rt, nil
}

func (rt *Realtime) add(s crud.Service) error {
	e, ok := s.(source)
	if !ok {
		return errors.New("realtime: an entity does not tell of its changes")
	}
	path := e.Entity().Path
	if path == AuthenticationPath || path == "" || rt.entities[path] != nil {
		return fmt.Errorf("realtime: the path %q is taken", path)
	}
	rt.entities[path] = e
	rt.paths = append(rt.paths, path)
	rt.topics[path] = make(map[*Conn]struct{})
	return nil
}

// Close closes all connections with [Stopping], takes no new ones, and returns
// when the last one has gone, or with an error when ctx ends first. Call it
// when the server begins to shut down: its Shutdown does not know of WebSockets,
// and waits for event streams.
func (rt *Realtime) Close(ctx context.Context) error {
	rt.mu.Lock()
	rt.closed = true
	for c := range rt.conns {
		c.Close(Stopping)
	}
	rt.mu.Unlock()
	rt.stop()
	gone := make(chan struct{})
	go func() {
		rt.running.Wait()
		<-rt.told
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for connections to close: %w", context.Cause(ctx))
	}
}

// CheckOrigin refuses, with 403, the scripts of web sites that are not listed
// (RFC 6455 §10.2). Clients that are not browsers send no Origin.
func (rt *Realtime) CheckOrigin(r *http.Request) error {
	origins, sent := r.Header["Origin"]
	if !sent || len(origins) == 1 && slices.Contains(rt.cfg.Origins, origins[0]) {
		return nil
	}
	return &gate.Error{Status: http.StatusForbidden, Message: "This origin may not connect"}
}

// credentials returns what a handshake carries in its headers, the zero
// Credentials for nothing.
func (rt *Realtime) credentials(r *http.Request) (gate.Credentials, error) {
	var found gate.Credentials
	if len(rt.cfg.Strategies) > 0 {
		c, ok, err := rt.cfg.Service.Parse(r, rt.cfg.Strategies...)
		if err != nil {
			return found, err
		}
		if ok {
			found = c
		}
	}
	if found.Strategy == "" && len(r.Header["Authorization"]) > 0 {
		return found, gate.ErrNotAuthenticated
	}
	return found, nil
}

// Open takes a connection: it judges the origin of r and the credentials in its
// headers, and counts. Whoever opens a Conn calls [Conn.Run], which ends it.
//
// Errors: 403 for an origin that is not listed, 401 and 400 for credentials, 429
// when there are too many connections of that kind, 503 when there are too many
// in all or it could not be decided. Answer them with [gate.ErrorWriter].
func (rt *Realtime) Open(r *http.Request) (*Conn, error) {
	if err := rt.CheckOrigin(r); err != nil {
		return nil, err
	}
	creds, err := rt.credentials(r)
	if err != nil {
		return nil, err
	}
	c := &Conn{
		rt: rt, client: clientOf(r), queue: make(chan *event, queueSize),
		wake: make(chan struct{}, 1), done: make(chan struct{}), calls: newBucket(time.Now()),
	}
	at := place{key: anonymousKey(c.client)}
	if creds.Strategy != "" {
		now := time.Now()
		p, err := rt.authenticate(gate.ContextWithClient(r.Context(), c.client), creds)
		if err != nil {
			return nil, err
		}
		c.id = identity{creds: creds, principal: p, checked: now}
		at = placeOf(p, c.client)
	}
	if err := rt.enter(c, at); err != nil {
		return nil, err
	}
	return c, nil
}

func (rt *Realtime) authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return rt.cfg.Service.Authenticate(ctx, c, c.Strategy)
}

// A place is where a connection is in the books.
type place struct {
	key     string // under which it is counted
	session string // behind its credentials; empty without one
}

func placeOf(p *gate.Principal, c gate.Client) place {
	if p.Subject == "" {
		return place{anonymousKey(c), p.SessionID}
	}
	if p.Scopes != nil { // what somebody gave away takes no connection from themselves
		return place{"limited " + p.Subject, p.SessionID}
	}
	return place{"subject " + p.Subject, p.SessionID}
}

// enter books a new connection.
func (rt *Realtime) enter(c *Conn, at place) error {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	switch {
	case rt.closed || len(rt.conns) >= rt.cfg.MaxConnections:
		return &gate.Error{Status: http.StatusServiceUnavailable, RetryAfter: 10 * time.Second}
	case rt.counts[at.key] >= rt.cfg.MaxPerPrincipal:
		return tooMany()
	}
	rt.conns[c] = struct{}{}
	rt.book(c, at)
	rt.running.Add(1)
	return nil
}

// move books a connection elsewhere; rt.mu is held.
func (rt *Realtime) move(c *Conn, to place) error {
	if _, there := rt.conns[c]; !there {
		return nil
	}
	if to.key != c.at.key && rt.counts[to.key] >= rt.cfg.MaxPerPrincipal {
		return tooMany()
	}
	rt.unbook(c)
	rt.book(c, to)
	return nil
}

// book notes where a connection is; rt.mu is held.
func (rt *Realtime) book(c *Conn, at place) {
	c.at = at
	rt.counts[at.key]++
	if at.session == "" {
		return
	}
	if rt.sessions[at.session] == nil {
		rt.sessions[at.session] = make(map[*Conn]struct{}, 1)
	}
	rt.sessions[at.session][c] = struct{}{}
}

// unbook takes a connection out of the books but one; rt.mu is held.
func (rt *Realtime) unbook(c *Conn) {
	if rt.counts[c.at.key]--; rt.counts[c.at.key] <= 0 {
		delete(rt.counts, c.at.key)
	}
	same := rt.sessions[c.at.session]
	if delete(same, c); len(same) == 0 {
		delete(rt.sessions, c.at.session)
	}
}

func tooMany() error {
	return &gate.Error{
		Status: http.StatusTooManyRequests, Message: "Too many connections are open", RetryAfter: 10 * time.Second,
	}
}

// Paths returns the names of the entities that can be called, in the order of
// [Config.Entities].
func (rt *Realtime) Paths() []string { return slices.Clone(rt.paths) }

func anonymousKey(c gate.Client) string {
	addr := c.Address
	if addr.Is6() {
		prefix, err := addr.WithZone("").Prefix(64)
		if err == nil {
			return "address " + prefix.String()
		}
	}
	return "address " + addr.String()
}

// maxUserAgent bounds what is kept of a header that the client chooses.
const maxUserAgent = 256

// clientOf returns the client that middleware found, or else the peer.
func clientOf(r *http.Request) gate.Client {
	if c, ok := gate.ClientFromContext(r.Context()); ok {
		return c
	}
	agent := r.UserAgent()
	c := gate.Client{UserAgent: strings.ToValidUTF8(agent[:min(len(agent), maxUserAgent)], "")}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.Address = ap.Addr().Unmap()
	}
	return c
}
