package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/idp/config"
	"github.com/gatewright/gate/idp/tenant"
	"github.com/gatewright/gate/idp/trial"
	"github.com/gatewright/gate/internal/framing"
	"github.com/gatewright/gate/internal/loopback"
	"github.com/gatewright/gate/internal/terminal"
)

type idpServeCmd struct {
	Dev   bool   `help:"For this machine alone: makes the secret, writes letters to a folder, explains errors."`
	CADir string `name:"ca-dir" placeholder:"DIR" help:"With tls: local, folder of the certificate authority; one of this user's configuration unless said."`
}

// Help says what stands where.
func (idpServeCmd) Help() string {
	return "Reads idp.yaml, brings the database up to date, puts the seed into it and serves until it is interrupted. The secret is in IDP_SECRET. Any number of processes may serve one PostgreSQL database."
}

// Example is what help ends with.
func (idpServeCmd) Example() string { return "gate idp serve --config idp.yaml --dev" }

// shutdownTime is how long requests may go on after an interrupt.
const shutdownTime = 20 * time.Second

// Run serves.
func (c *idpServeCmd) Run(out *console, idp *idpCmd) error {
	if idp.JSON {
		out.talk.toPrograms(out.stdout)
	}
	cfg, err := idp.load()
	if err != nil {
		return err
	}
	s := &idpServer{cfg: cfg, out: out, dev: c.Dev}
	s.log = newServeLogger(out, &s.level)
	if c.Dev && cfg.LogLevel == "" {
		s.level.Set(slog.LevelWarn) // until it has said where it is: what it makes for itself is no news there
	} else {
		s.levelOf(cfg)
	}
	if err := s.checkDev(); err != nil {
		return err
	}
	if s.tls, s.trust, err = cfg.ServeTLS(config.TLSOptions{CADir: c.CADir, Logger: s.log}); err != nil {
		return failf("tls in "+cfg.File()+" names PEM files, or is local", "%w", err)
	}
	return s.run(out)
}

// newServeLogger returns the log of the server, one JSON object a line.
func newServeLogger(out *console, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(terminal.Escaping{W: out.talk.w}, &slog.HandlerOptions{Level: level}))
}

// levelOf has the log be as the configuration says.
func (s *idpServer) levelOf(cfg *config.Config) {
	_ = s.level.UnmarshalText([]byte(cmp.Or(cfg.LogLevel, "info"))) // was checked
}

// An idpServer is one run of gate idp serve.
type idpServer struct {
	cfg   *config.Config
	out   *console
	dev   bool
	log   *slog.Logger
	level slog.LevelVar
	tls   *tls.Config
	trust []string // lines of the environment in which the certificate is trusted
}

// checkDev refuses to show the conveniences of development to others.
func (s *idpServer) checkDev() error {
	if !s.dev {
		return nil
	}
	const hint = "leave --dev out"
	if !s.cfg.Local() {
		return failf(hint, "--dev is for this machine alone, and the issuer is %s", s.cfg.Issuer)
	}
	host, _, err := net.SplitHostPort(s.cfg.Address())
	if err != nil {
		return err
	}
	if !loopback.Host(host) {
		return failf("listen: 127.0.0.1:PORT, or "+hint, "--dev is for this machine alone, and %s is for others, too", s.cfg.Address())
	}
	if len(s.cfg.Proxies()) > 0 {
		return failf("leave trustedProxies out, or "+hint, "--dev is for this machine alone, and a proxy in front of it is for others")
	}
	return nil
}

func (s *idpServer) run(ctx context.Context) error {
	step := s.out.talk.step("open")
	options := config.Options{Development: s.dev, Worker: actionsWorker, Logger: s.log}
	if s.dev && outbox(s.cfg) != "" {
		options.Outbox = trial.OutboxPath
	}
	in, err := s.cfg.Open(ctx, options)
	if err != nil {
		return opening(s.cfg, err)
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		if err := in.Close(end); err != nil {
			s.log.ErrorContext(end, "provider did not close in order", "error", err)
		}
	}()
	step.done(s.cfg.Issuer)
	report, err := in.Seed(ctx, s.cfg.Seed)
	if told := s.tellSeed(report); err != nil || told != nil {
		return refusal(errors.Join(err, told))
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Address())
	if err != nil {
		return failf("listen in "+s.cfg.File()+" names another address", "cannot listen on %s: %w", s.cfg.Address(), err)
	}
	if s.tls != nil {
		listener = tls.NewListener(listener, s.tls)
	}
	return s.serve(ctx, in, listener)
}

func (s *idpServer) serve(ctx context.Context, in *config.Instance, listener net.Listener) error {
	site, err := s.site(in)
	if err != nil {
		return err
	}
	srv := newProviderServer(s.handler(site), s.log)
	running, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { in.Run(running) })
	defer background.Wait()
	defer stop()
	s.tellReady(listener.Addr())
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.out.talk.event(map[string]any{"event": "stopping"})
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := srv.Shutdown(end); err != nil {
		return fmt.Errorf("requests were still going on after %s: %w", shutdownTime, err)
	}
	return nil
}

// newProviderServer returns the server of a provider, here and in gate dev.
func newProviderServer(next http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			framing.Guard(w.Header(), r)
			next.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what strangers do to a connection
	}
}

// site is the provider, with what there is besides in development.
func (s *idpServer) site(in *config.Instance) (http.Handler, error) {
	if !s.dev {
		return in, nil
	}
	site := devSite{provider: in, pages: trial.Config{
		Issuer: s.cfg.Issuer, Style: in.Style(), Outbox: outbox(s.cfg), HTTP: &http.Client{Transport: inProcess{in}},
	}}
	if err := seedTry(s.out, in, &site.pages); err != nil {
		return nil, err
	}
	if strings.HasPrefix(s.cfg.Issuer, "http:") { // over https the provider would not trust itself
		social, err := newFake(s.cfg.Issuer)
		if err != nil {
			return nil, err
		}
		if err := moveFake(s.out, in, social); err != nil && !errors.Is(err, tenant.ErrNotFound) {
			return nil, err
		}
		site.fake = social
	}
	return site.handler()
}

// tellReady says where the provider is.
func (s *idpServer) tellReady(addr net.Addr) {
	t := s.out.talk
	t.event(map[string]any{"event": "ready", "issuer": s.cfg.Issuer, "address": addr.String(), "environment": s.trust})
	t.line("")
	t.named("Issuer", t.paint(cyan, s.cfg.Issuer))
	t.named("Listening", addr.String())
	for i, line := range s.trust {
		t.named(map[bool]string{true: "Trust it"}[i == 0], line)
	}
	if s.dev {
		t.named("Development", "errors are explained, this machine only")
		t.named("Log-in", t.paint(cyan, strings.TrimSuffix(s.cfg.Issuer, "/")+trial.Path))
		if folder := outbox(s.cfg); folder != "" {
			t.named("Outbox", t.paint(cyan, strings.TrimSuffix(s.cfg.Issuer, "/")+trial.OutboxPath)+"   "+t.paint(dim, "letters go to "+folder))
		}
	}
	t.line("")
	s.levelOf(s.cfg)
}

// tellSeed shows what was made. Secrets that were made up go to the terminal or,
// where there is none, into a file that only its owner may read.
func (s *idpServer) tellSeed(report config.Report) error {
	var file strings.Builder
	for _, r := range report {
		s.out.talk.event(map[string]any{"event": "seed", "kind": r.Kind, "name": r.Name, "id": r.ID, "made": r.Made})
		if !r.Made {
			continue
		}
		line := pad(r.Kind, 11) + " " + pad(plain(r.Name), 30) + " " + r.ID
		if secret := r.Secret.Reveal(); secret != "" {
			fmt.Fprintf(&file, "%s %s %s %s\n", r.Kind, r.Name, r.ID, secret)
			if s.out.talk.terminal {
				line += "  " + s.out.talk.paint(bold, secret)
			}
		}
		s.out.talk.line("  " + s.out.talk.paint(green, tick(s.out.talk)) + " " + line)
	}
	if file.Len() == 0 || s.out.talk.terminal {
		return nil
	}
	path := filepath.Join(filepath.Dir(s.cfg.File()), "idp.made")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Chmod(0o600); err != nil { // one that is there may be open to others
		return errors.Join(err, f.Close())
	}
	_, err = f.WriteString(file.String())
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	s.out.talk.line("  " + s.out.talk.paint(yellow, "!") + " passwords and secrets that were made up are in " + path + "; read it and remove it")
	return nil
}

// handler is the provider behind what a server does.
func (s *idpServer) handler(next http.Handler) http.Handler {
	return s.cfg.WithClient(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		client, _ := gate.ClientFromContext(r.Context())
		rec := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			// The path alone: codes and links travel in the query, but for exports.
			s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("method", r.Method), slog.String("path", bounded(r.URL.Path)),
				slog.Int("status", rec.told(r.Context())), slog.Int64("ms", time.Since(start).Milliseconds()), slog.String("ip", client.Address.String()))
		}()
		next.ServeHTTP(rec, r)
	}))
}

// bounded is a path for the log. The ticket of an export opens it, as a link does.
func bounded(path string) string {
	const exports = "/jobs/exports/"
	if before, _, ok := strings.Cut(path, exports); ok {
		return before + exports + "…"
	}
	return path[:min(len(path), 200)]
}

// thisMachine reports whether a host, which may have a port, is this machine.
func thisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return loopback.Site(strings.Trim(host, "[]"))
}

// A statusRecorder remembers the status of an answer.
type statusRecorder struct {
	http.ResponseWriter

	status int
}

// WriteHeader implements [http.ResponseWriter].
func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// clientGone is the status of a request whose client did not wait for the answer, in
// the log alone; other servers write the same number there.
const clientGone = 499

// told is the status for the log: what could not be done for a client that is gone is
// no outage.
func (r *statusRecorder) told(ctx context.Context) int {
	if r.status == http.StatusServiceUnavailable && errors.Is(ctx.Err(), context.Canceled) {
		return clientGone
	}
	return r.status
}

// Unwrap is for [http.ResponseController].
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
