package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"golang.org/x/term"

	"github.com/gatewright/gate/runtime/config"
)

// The exit codes of [Main].
const (
	exitOK     = 0
	exitFault  = 1
	exitUsage  = 2
	exitBehind = 3
)

// process is the program's surroundings.
type process struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string // nil means that of the process
	terminal       bool     // stderr is one
}

// Main runs the program of a service and returns its exit code: 0, 1 for a
// fault, 2 for wrong usage, 3 where a command was asked whether the database is
// up to date and it is not. The arguments are those of the command line without
// the name of the program.
func Main(s Service, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, s, args, process{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
	})
}

func run(ctx context.Context, s Service, args []string, p process) int {
	command, rest := "serve", args
	if len(args) > 0 {
		command, rest = args[0], args[1:]
	}
	f, ok := map[string]administration{"keys": keys, "logout": logout}[command]
	begin := existing
	if !ok {
		f, ok = s.command(command, p)
		begin = start
	}
	if ok {
		if len(rest) > 0 && (rest[0] == "--help" || rest[0] == "-h") {
			_, _ = io.WriteString(p.stdout, usage(s))
			return exitOK
		}
		return administer(ctx, s, p, rest, begin, f)
	}
	if c, ok := migrationOf(args); ok {
		return migrations(ctx, s, p, c)
	}
	var own func(context.Context, Service, process) int
	switch command {
	case "serve":
		own = serve
	case "migrate":
		own = migrateOnly
	case "version", "--version":
		own = version
	case "help", "--help", "-h":
		_, _ = io.WriteString(p.stdout, usage(s))
		return exitOK
	}
	if len(rest) > 0 && (rest[0] == "--help" || rest[0] == "-h") && own != nil {
		_, _ = io.WriteString(p.stdout, usage(s))
		return exitOK
	}
	if own == nil || len(rest) > 0 {
		bad := command
		if own != nil {
			bad = rest[0]
		}
		_, _ = fmt.Fprintf(p.stderr, "%s: unknown argument %q\n\n%s", s.Name, bad, usage(s))
		return exitUsage
	}
	return own(ctx, s, p)
}

func usage(s Service) string {
	var b strings.Builder
	b.WriteString(s.Name)
	if s.Description != "" {
		b.WriteString(": " + s.Description)
	}
	b.WriteString(`

Usage:
  NAME            serve until interrupted
  NAME migrate    bring the database up to date, make the first administrator
                  and end; by itself, and without a secret:
                    migrate status  what is applied, pending, changed by hand
                    migrate plan    the SQL that is pending
                    migrate apply   run what is pending
                    migrate down    take the last migration back, if nothing
                                    is lost
                  each with --json for programs; status and plan exit with 3
                  when the database is not up to date
`)
	if s.Auth != nil {
		b.WriteString(`  NAME keys       list the keys that sign tokens; keys rotate makes the next
                  one, keys remove KEY takes one out that leaked: processes
                  that run notice within a minute, or when restarted
  NAME logout ID  end the sessions and API keys of an account, of everyone
                  with --all
`)
	}
	for _, c := range s.Commands {
		b.WriteString(c.usage())
	}
	b.WriteString("  NAME version    print the version\n")
	example := "ADDR=127.0.0.1:8080 "
	if s.Auth != nil {
		example += `AUTH_SECRET="$(openssl rand -base64 48)" `
	}
	return strings.ReplaceAll(b.String(), "NAME", s.Name) + "\n" + settings(s.Settings) + "\nExample:\n  " + example + s.Name + "\n"
}

// settings says where the settings come from, and which there are, in lines as long
// as the others.
func settings(names []string) string {
	const longest = 72
	text := "Settings come from the environment, and from the file .env for what the\nenvironment does not say"
	at := len(text) - strings.LastIndex(text, "\n")
	for i, name := range names {
		before := ", "
		if i == 0 {
			before = ": "
		}
		if at+len(name)+3 > longest {
			before, at = strings.TrimSpace(before)+"\n", 0
		}
		text += before + name
		at += len(name) + 2
	}
	return text + ".\n"
}

// start reads the settings and opens the server.
func start(ctx context.Context, s Service, p process) (*Server, error) {
	cfg, logger, err := s.settings(ctx, p)
	if err != nil {
		return nil, err
	}
	srv, err := Open(ctx, s, cfg, logger)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(srv.firstAdministrator(ctx, p), srv.staleRoles(ctx)); err != nil {
		return nil, errors.Join(err, srv.Close())
	}
	return srv, nil
}

// existing is start for commands that are about what is there: it makes no database, no
// schema and no administrator.
func existing(ctx context.Context, s Service, p process) (*Server, error) {
	cfg, logger, err := s.settings(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := s.there(cfg); err != nil {
		return nil, err
	}
	return open(ctx, s, cfg, logger, asItIs)
}

// settings reads the settings, and warns of what is odd about them.
func (s Service) settings(ctx context.Context, p process) (*config.Config, *slog.Logger, error) {
	if err := s.check(); err != nil {
		return nil, nil, err
	}
	o := s.options(p)
	if s.Auth != nil {
		o.SecretBytes, o.KeyFile = s.Auth.SecretBytes(), s.Auth.KeyFile()
	}
	cfg, err := config.Load(o)
	if err != nil {
		return nil, nil, err
	}
	logger := newLogger(p.stderr, cfg.LogLevel)
	if err := devCheck(cfg); err != nil {
		return nil, nil, err
	}
	for _, w := range cfg.Warnings {
		logger.WarnContext(ctx, "setting", "problem", w.String())
	}
	return cfg, logger, nil
}

// options say what every command reads.
func (s Service) options(p process) config.Options {
	o := config.Options{Environ: p.environ, File: ".env", Addr: s.Addr, Database: s.Database, Pool: s.Pool, Settings: s.Settings}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:3000"
	}
	return o
}

// firstAdministrator creates the administrator of a service without accounts,
// and shows the password if somebody watches. It never goes to the log.
func (s *Server) firstAdministrator(ctx context.Context, p process) error {
	if s.app.Auth == nil {
		return nil
	}
	admin, err := s.app.Auth.FirstAdministrator(ctx, adminFile)
	if err != nil || admin == nil {
		return err
	}
	s.logger.InfoContext(ctx, "first administrator created", "file", adminFile)
	if p.terminal {
		_, _ = fmt.Fprintf(p.stderr, "\n  Administrator   %s\n  Password        %s\n  Also in %s; shown this once.\n\n",
			admin.Login, admin.Password.Reveal(), adminFile)
	}
	return nil
}

// staleRoles warns of roles that the first administrator kept.
func (s *Server) staleRoles(ctx context.Context) error {
	if s.app.Auth == nil {
		return nil
	}
	problem, err := s.app.Auth.StaleRoles(ctx)
	if problem != "" {
		s.logger.WarnContext(ctx, "first administrator", "problem", problem)
	}
	return err
}

// adminFile is where the first administrator is written to.
const adminFile = ".gate/admin.json"

// fail reports why the program ends: settings in words, everything as a line of
// the log.
func fail(ctx context.Context, p process, err error) int {
	if problems, ok := errors.AsType[*config.Errors](err); ok {
		_, _ = fmt.Fprintln(p.stderr, problems.Error())
		err = errors.New("the settings are not right")
	}
	newLogger(p.stderr, slog.LevelInfo).ErrorContext(ctx, "the service does not start", "err", err)
	return exitFault
}

// gcPercent lets the heap of a service, which is a few megabytes, grow to five
// times its live size before it is collected: a collection every few
// milliseconds costs more than the memory is worth. GOGC overrides it.
const gcPercent = 400

func serve(ctx context.Context, s Service, p process) int {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
	srv, err := start(ctx, s, p)
	if err != nil {
		return fail(ctx, p, err)
	}
	defer srv.Close()
	ctx, stop := watch(ctx, srv.app.Config, p.stdin)
	defer stop()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", srv.app.Config.Addr)
	if err != nil {
		return fail(ctx, p, err)
	}
	// Whoever started the service waits for this line, whatever the level.
	srv.logger.Log(ctx, max(slog.LevelInfo, srv.app.Config.LogLevel), "listening", "addr", l.Addr().String(), "service", s.Name)
	if err := srv.Serve(ctx, l); err != nil {
		srv.logger.ErrorContext(ctx, "stopped", "err", err)
		return exitFault
	}
	srv.logger.InfoContext(ctx, "stopped")
	return exitOK
}

// migrateOnly brings the database up to date, creates the first administrator
// like a start does, and prints what was applied.
func migrateOnly(ctx context.Context, s Service, p process) int {
	srv, err := start(ctx, s, p)
	if err != nil {
		return fail(ctx, p, err)
	}
	defer srv.Close()
	out := json.NewEncoder(p.stdout)
	for _, m := range srv.applied {
		if err := out.Encode(m); err != nil {
			return fail(ctx, p, err)
		}
	}
	return exitOK
}
