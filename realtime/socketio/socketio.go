package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/zishang520/socket.io/servers/engine/v3"
	"github.com/zishang520/socket.io/servers/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/runtime/realtime"
)

const (
	pingInterval   = 25 * time.Second
	pingTimeout    = 20 * time.Second
	connectTimeout = 10 * time.Second // to say who one is, after the handshake
	callTimeout    = 30 * time.Second
	closeWithin    = time.Second // for a goodbye to be written
	maxWaiting     = 256         // messages of one socket, each way
)

// Config configures [New]. The zero value is ready to use.
type Config struct {
	// MaxSessions bounds the sessions of Engine.io, which begin before it is
	// known who connects; zero means 10,000.
	MaxSessions int
	// Errors writes the refusals of handshakes.
	Errors gate.ErrorWriter
}

// A Server is the door. It is an [http.Handler] for one path and what is below
// it, usually "/socket.io/".
type Server struct {
	cfg    Config
	rt     *realtime.Realtime
	io     *socket.Server
	engine http.Handler
	ctx    func() (context.Context, context.CancelFunc)
	stop   context.CancelFunc
}

// New returns a door to the connections of rt, which is closed by its owner,
// before the Server.
func New(rt *realtime.Realtime, cfg Config) (*Server, error) {
	if rt == nil || cfg.MaxSessions < 0 {
		return nil, errors.New("socketio: connections are needed, and a bound that is not negative")
	}
	if cfg.MaxSessions == 0 {
		cfg.MaxSessions = 10_000
	}
	opts := socket.DefaultServerOptions()
	opts.SetServeClient(false)
	opts.SetAllowEIO3(false)
	opts.SetMaxHttpBufferSize(realtime.MaxMessage)
	opts.SetPingInterval(pingInterval)
	opts.SetPingTimeout(pingTimeout)
	opts.SetConnectTimeout(connectTimeout)
	opts.SetTransports(types.NewSet(engine.Polling, engine.WebSocket))
	opts.SetHttpCompression(nil) // nobody learns a secret from the length of an answer
	opts.SetPerMessageDeflate(nil)
	s := &Server{cfg: cfg, rt: rt, io: socket.NewServer(nil, opts)}
	s.engine = s.io.ServeHandler(nil)
	if err := s.io.Engine().On("connection", s.listening); err != nil { // after the library's own
		return nil, err
	}
	base, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.ctx = func() (context.Context, context.CancelFunc) { return context.WithCancel(base) }
	s.io.Use(s.open)
	if err := s.io.On("connection", s.connected); err != nil {
		return nil, err
	}
	return s, nil
}

// Close closes all sockets and takes no new ones.
func (s *Server) Close() error {
	s.stop()
	done := make(chan error, 1)
	s.io.Close(func(err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-time.After(closeWithin):
		return nil
	}
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.rt.CheckOrigin(r); err != nil {
		s.cfg.Errors.Write(w, r, err)
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		r = r.Clone(r.Context())
		r.Header.Del("Origin") // judged; the library would judge it by its own list
	}
	if !r.URL.Query().Has("sid") && s.io.Engine().ClientsCount() >= uint64(s.cfg.MaxSessions) { //nolint:gosec // not negative
		s.cfg.Errors.Write(w, r, &gate.Error{Status: http.StatusServiceUnavailable, RetryAfter: 10 * time.Second})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if sid := r.URL.Query().Get("sid"); sid != "" {
		s.await(sid)
		w = hijacker{w, nil}
	} else {
		w, r = begin(w, r)
	}
	s.engine.ServeHTTP(w, r)
}

// open admits a socket, before it is connected.
func (s *Server) open(sock *socket.Socket, next func(*socket.ExtendedError)) {
	r := sock.Request().Request()
	// With polling, the request of the handshake has ended by now.
	ctx := context.WithoutCancel(r.Context())
	conn, err := s.rt.Open(r.WithContext(ctx))
	if err != nil {
		answer := s.rt.ErrorJSON(ctx, realtime.Call{Method: "create", Path: realtime.AuthenticationPath}, err)
		var e struct{ Message string }
		_ = json.Unmarshal(answer, &e) // it was made here
		next(socket.NewExtendedError(e.Message, answer))
		return
	}
	p := &peer{server: s, sock: sock, conn: conn}
	sock.SetData(p)
	_ = sock.Conn().Once("close", func(...any) { conn.Close(realtime.Gone) })
	if sock.Conn().ReadyState() != "open" {
		conn.Close(realtime.Gone)
	}
	go p.run()
	if ready := readinessOf(sock.Conn()); ready != nil {
		ready.connecting.Store(true)
	}
	next(nil)
}

// connected attaches a socket that is connected now.
func (s *Server) connected(args ...any) {
	if len(args) == 0 {
		return
	}
	sock, ok := args[0].(*socket.Socket)
	if !ok {
		return
	}
	p, ok := sock.Data().(*peer)
	if !ok {
		sock.Disconnect(true)
		return
	}
	p.attach()
	if ready := readinessOf(sock.Conn()); ready != nil {
		ready.connected.come()
	}
}

// A peer is the other end of one socket.
type peer struct {
	server *Server
	sock   *socket.Socket
	conn   *realtime.Conn

	unanswered, unsent atomic.Int64
}

// attach listens to the socket.
func (p *peer) attach() {
	_ = p.sock.On("disconnect", func(...any) { p.conn.Close(realtime.Gone) })
	_ = p.sock.Conn().On("data", func(...any) {
		if p.unanswered.Add(1) > maxWaiting {
			p.conn.Close(realtime.Slow)
		}
	})
	_ = p.sock.Conn().On("drain", func(...any) { p.unsent.Store(0) })
	for _, method := range []string{"find", "get", "create", "update", "patch", "remove"} {
		_ = p.sock.On(method, func(args ...any) {
			defer p.unanswered.Add(-1)
			p.call(method, args)
		})
	}
	ctx, cancel := p.server.ctx()
	defer cancel()
	p.subscribe(ctx)
}

// subscribe gives the socket the events of whoever it belongs to, nobody none.
func (p *peer) subscribe(ctx context.Context) {
	if p.conn.Anonymous() {
		return
	}
	if err := p.conn.SubscribeAll(ctx); err != nil {
		p.conn.Close(realtime.Unavailable)
	}
}

// run keeps the connection until one end closes it.
func (p *peer) run() {
	ctx, cancel := p.server.ctx()
	defer cancel()
	err := p.conn.Run(ctx, func(_ context.Context, e realtime.Event) error {
		if p.unsent.Add(1) > maxWaiting {
			return realtime.Slow
		}
		return p.sock.Emit(e.Name, e.Data)
	})
	p.part(err)
}

// part closes the socket. A client that is still there is told that it was the
// server, and is given a moment to go by itself; then the connection is closed,
// and at last cut, if there is somebody who does not read.
func (p *peer) part(reason error) {
	engine := p.sock.Conn()
	if !errors.Is(reason, realtime.Gone) {
		p.sock.Disconnect(false)
	}
	shut := time.AfterFunc(closeWithin, func() { engine.Close(false) })
	cut := time.AfterFunc(2*closeWithin, func() { engine.Close(true) })
	_ = engine.Once("close", func(...any) {
		shut.Stop()
		cut.Stop()
	})
}
