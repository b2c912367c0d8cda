// Package metrics counts the requests of a generated service and tells
// Prometheus, on a listener of its own: nobody who can reach the service reaches
// that. It is a package of its own so that services without do not carry it.
//
// # Settings
//
//	METRICS_ADDR   where to listen, host:port; off counts nothing
//	METRICS_TOKEN  what whoever asks sends as Authorization: Bearer; needed
//	               unless only this machine can reach the address
package metrics

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gatewright/gate/internal/loopback"
	"github.com/gatewright/gate/runtime/server"
)

// Path is where the metrics are.
const Path = "/metrics"

// The names of the settings.
const (
	keyAddr  = "METRICS_ADDR"
	keyToken = "METRICS_TOKEN"
)

// minToken is the least length of a token in bytes.
const minToken = 32

// Mount returns what counts the requests of a service and tells them on addr,
// host:port, unless METRICS_ADDR says otherwise. It is for [server.App.Extend];
// generated code does that. The service listens there while it serves.
func Mount(addr string) func(*server.App) error {
	return func(a *server.App) error {
		s, err := read(a, addr)
		if err != nil || s == nil {
			return err
		}
		o := newObserver()
		a.Observe(o)
		l := &listener{settings: *s, handler: o.handler(), logger: a.Logger, dev: a.Config.Dev != nil}
		a.OnStart(l.start)
		a.OnStop(l.stop)
		return nil
	}
}

// settings are where to listen, and for whom.
type settings struct {
	addr  string
	token string // empty means whoever is on this machine
}

// read returns the settings, nil when nothing is to be counted.
func read(a *server.App, addr string) (*settings, error) {
	if v, ok := a.Config.Lookup(keyAddr); ok && strings.TrimSpace(v) != "" {
		addr = strings.TrimSpace(v)
	}
	if addr == "off" {
		return nil, nil //nolint:nilnil // off
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%s: must be host:port, for instance 127.0.0.1:9464, or off", keyAddr)
	}
	token, _ := a.Config.Lookup(keyToken)
	token = strings.TrimSpace(token)
	switch {
	case token == "" && !loopback.Host(host):
		return nil, fmt.Errorf("%s: is not set, and others can reach %s: make one with openssl rand -base64 48, or listen on 127.0.0.1", keyToken, addr)
	case token != "" && len(token) < minToken:
		return nil, fmt.Errorf("%s: is shorter than %d bytes: make one with openssl rand -base64 48", keyToken, minToken)
	case strings.ContainsAny(token, " \t"):
		return nil, fmt.Errorf("%s: holds a blank: make one with openssl rand -base64 48", keyToken)
	}
	return &settings{addr: addr, token: token}, nil
}

// observer counts. Its labels are a method, a route and a status, of all of which
// there are few: see [server.Answered].
type observer struct {
	registry *prometheus.Registry
	inFlight prometheus.Gauge
	duration *prometheus.HistogramVec
}

func newObserver() *observer {
	o := &observer{
		registry: prometheus.NewRegistry(),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "http_server_active_requests", Help: "Requests that are being answered.",
		}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_server_request_duration_seconds", Help: "How long requests took, by the pattern of their route; empty where none took them.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"method", "route", "status"}),
	}
	o.registry.MustRegister(o.inFlight, o.duration, collectors.NewGoCollector(), collectors.NewBuildInfoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return o
}

// Begin implements [server.Observer].
func (o *observer) Begin(r *http.Request) context.Context {
	o.inFlight.Inc()
	return r.Context()
}

// End implements [server.Observer].
func (o *observer) End(_ context.Context, a server.Answered) {
	o.inFlight.Dec()
	o.duration.WithLabelValues(a.Method, a.Route, strconv.Itoa(a.Status)).Observe(a.Duration.Seconds())
}

func (o *observer) handler() http.Handler {
	return promhttp.HandlerFor(o.registry, promhttp.HandlerOpts{DisableCompression: true, MaxRequestsInFlight: 4})
}

// listener serves the metrics.
type listener struct {
	settings
	handler http.Handler
	logger  *slog.Logger
	dev     bool
	server  *http.Server
	done    chan struct{}
}

// Time-outs of a connection.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
)

// start listens. In development a port that is taken is told and no more: the
// version before this one may still be there.
func (l *listener) start(ctx context.Context) error {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", l.addr)
	if err != nil && l.dev {
		l.logger.WarnContext(ctx, "no metrics", "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("metrics: %w: set %s to another address, or to off", err, keyAddr)
	}
	l.server = &http.Server{
		Handler: l, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(l.logger.Handler(), slog.LevelWarn),
	}
	l.done = make(chan struct{})
	l.logger.InfoContext(ctx, "metrics", "addr", ln.Addr().String())
	go func() {
		defer close(l.done)
		if err := l.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			l.logger.ErrorContext(ctx, "metrics", "err", err)
		}
	}()
	return nil
}

// stop ends what start began.
func (l *listener) stop(ctx context.Context) error {
	if l.server == nil {
		return nil
	}
	err := l.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, l.server.Close())
	}
	<-l.done
	return err
}

// ServeHTTP implements [http.Handler].
func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	switch {
	case r.URL.Path != Path:
		w.WriteHeader(http.StatusNotFound)
	case !l.permitted(r):
		if l.token != "" {
			h.Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusForbidden)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
	default:
		l.handler.ServeHTTP(w, r)
	}
}

// permitted reports whether the caller may read the metrics. Without a token
// that is whoever is on this machine, and calls it by a name that no page of
// another site can have: browsers are led here by names that change their
// address.
func (l *listener) permitted(r *http.Request) bool {
	if l.token == "" {
		host, _, err := net.SplitHostPort(r.Host)
		return err == nil && loopback.Host(host)
	}
	sent := r.Header["Authorization"]
	if len(sent) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(sent[0], " ")
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(l.token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
}
