package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/authz"
	"github.com/gatewright/gate/runtime/auth"
	"github.com/gatewright/gate/runtime/config"
	"github.com/gatewright/gate/runtime/rest"
	"github.com/gatewright/gate/store"
)

// Time-outs of a connection, and of stopping.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 120 * time.Second
	maxHeaderBytes    = 32 << 10
	pingTimeout       = 2 * time.Second
	shutdownTimeout   = 10 * time.Second
)

// A Server is a service with its database open and its routes in place.
// [Main] makes one; tests of a service make their own.
type Server struct {
	app      *App
	handler  http.Handler
	logger   *slog.Logger
	applied  []applied // migrations, by this start
	stopping atomic.Bool
}

// Open opens the database, migrates it, and builds the service. The caller
// closes the server. A nil logger means slog.Default().
func Open(ctx context.Context, s Service, cfg *config.Config, logger *slog.Logger) (*Server, error) {
	return open(ctx, s, cfg, logger, migrate)
}

// open is Open with another way to bring the schema to what the program needs.
func open(ctx context.Context, s Service, cfg *config.Config, logger *slog.Logger, schema schema) (*Server, error) {
	if logger == nil {
		logger = slog.Default()
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	db, err := s.database(ctx, cfg)
	if err != nil {
		return nil, err
	}
	db.LogTo(logger)
	srv, err := build(ctx, s, cfg, logger, db, schema)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return srv, nil
}

// A schema sees to it that the schema of a database is what the program needs, and
// returns the migrations that it applied.
type schema func(context.Context, Service, *store.DB) ([]applied, error)

func build(ctx context.Context, s Service, cfg *config.Config, logger *slog.Logger, db *store.DB, schema schema) (*Server, error) {
	done, err := schema(ctx, s, db)
	if err != nil {
		return nil, err
	}
	policy, err := authz.NewPolicy(s.Roles, authz.WithTenant(authz.AccountTenant()))
	if err != nil {
		return nil, err
	}
	a := &App{
		Name: s.Name, Config: cfg, DB: db, Policy: policy, Logger: logger,
		service: s, mux: http.NewServeMux(), takes: map[string]int64{}, errors: gate.ErrorWriter{Logger: logger},
	}
	if s.Auth != nil {
		a.Auth, err = auth.New(ctx, *s.Auth, auth.Options{Service: s.Name, Settings: cfg, DB: db, Policy: policy, Logger: logger})
		if err != nil {
			return nil, err
		}
	}
	srv := &Server{app: a, logger: logger, applied: done}
	if err := s.Build(a); err != nil {
		return nil, errors.Join(fmt.Errorf("build the service: %w", err), srv.closeParts(ctx))
	}
	srv.health(a.mux, s.Grammar)
	if err := a.finish(); err != nil {
		return nil, errors.Join(fmt.Errorf("build the service: %w", err), srv.closeParts(ctx))
	}
	var large func(*http.Request) int64
	if len(a.takes) > 0 {
		large = a.large
	}
	srv.handler = rest.InForm(s.Grammar, &edge{
		next: devHost(a.handler(), cfg, a.errors), logger: logger, errors: a.errors, login: pathLogin,
		proxies: cfg.TrustedProxies, origins: cfg.CORSOrigins, cookies: s.Auth != nil && s.Auth.Cookies != nil,
		hsts: cfg.PublicURL != nil && cfg.PublicURL.Scheme == "https", now: time.Now,
		observers: a.observers, ownRoot: a.ownRoot, large: large, bodies: a.bodies(),
	})
	return srv, nil
}

// An applied is a migration that was applied.
type applied struct {
	Component string `json:"component"`
	Version   int    `json:"version"`
	Name      string `json:"name"`
}

// migrate brings the schema up to date: that of sessions, if there are any, and
// that of the service.
func migrate(ctx context.Context, s Service, db *store.DB) ([]applied, error) {
	components, err := s.components(db.Dialect())
	if err != nil {
		return nil, err
	}
	var all []applied
	for _, c := range components {
		done, err := db.Migrate(ctx, c.Name, c.Migrations)
		for _, m := range done {
			all = append(all, applied{c.Name, m.Version, m.Name})
		}
		if err != nil {
			return all, stuck(s.Name, c, done, err)
		}
	}
	return all, nil
}

// components are the parts of the schema, that of the service's own tables first.
func (s Service) components(dialect store.Dialect) ([]store.Component, error) {
	own, err := s.Migrations()
	if err != nil {
		return nil, err
	}
	components := []store.Component{{Name: "app", Migrations: own}}
	if s.Auth != nil {
		for _, c := range s.Auth.Components(dialect) {
			components = append(components, store.Component(c))
		}
	}
	for _, of := range s.Components {
		components = append(components, of(dialect))
	}
	return components, nil
}

// Handler returns the whole service as one handler.
func (s *Server) Handler() http.Handler { return s.handler }

// Close closes the database and ends what runs in the background. No request
// may run any more.
func (s *Server) Close() error {
	return errors.Join(s.closeParts(context.Background()), s.app.DB.Close())
}

// closeParts ends what runs in the background.
func (s *Server) closeParts(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := s.end(ctx)
	if s.app.Auth != nil {
		err = errors.Join(err, s.app.Auth.Close(ctx))
	}
	return err
}

// Serve answers requests on l until ctx ends. Then it takes no further ones,
// lets those that run finish for at most ten seconds, and returns. The error is
// nil after an orderly stop.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	hs := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	hs.Protocols = &protocols
	for _, f := range s.app.start {
		if err := f(ctx); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	background, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if s.app.Auth != nil {
			s.app.Auth.Run(background)
		}
	}()
	defer func() { stop(); <-ended }()

	served := make(chan error, 1)
	go func() { served <- hs.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	s.logger.InfoContext(ctx, "stopping")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	ends := make(chan error, 1)
	go func() { ends <- s.end(drain) }() // while requests finish, not before
	err := hs.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests still ran after %v: %w", shutdownTimeout, err), hs.Close())
	}
	err = errors.Join(<-ends, err)
	if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}

// end calls what wants to know that the service stops.
func (s *Server) end(ctx context.Context) error {
	var err error
	for _, f := range slices.Backward(s.app.stop) {
		err = errors.Join(err, f(ctx))
	}
	s.app.stop = nil
	return err
}

// health mounts what tells how the service is, where it is looked for.
func (s *Server) health(mux *http.ServeMux, g rest.Grammar) {
	mux.HandleFunc("GET /health/live", s.live(http.StatusOK))
	mux.HandleFunc("GET /health/ready", s.ready(http.StatusOK))
	if _, ok := g.(rest.Amplication); ok {
		mux.HandleFunc("GET "+prefix+"/_health/live", s.live(http.StatusNoContent))
		mux.HandleFunc("GET "+prefix+"/_health/ready", s.ready(http.StatusNoContent))
	}
}

// live answers as long as the process does.
func (s *Server) live(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
	}
}

// ready answers 503 while requests cannot be served: the database does not
// answer, or the service is stopping. It does not say which.
func (s *Server) ready(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		ctx, cancel := context.WithTimeout(r.Context(), pingTimeout)
		defer cancel()
		w.WriteHeader(s.readiness(ctx, status))
	}
}

// readiness returns ok, or why not.
func (s *Server) readiness(ctx context.Context, ok int) int {
	if s.stopping.Load() {
		return http.StatusServiceUnavailable
	}
	if err := s.app.DB.Ping(ctx); err != nil {
		s.logger.WarnContext(ctx, "not ready", "err", err)
		return http.StatusServiceUnavailable
	}
	return ok
}
