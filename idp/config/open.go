package config

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	netmail "net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gatewright/gate/idp"
	"github.com/gatewright/gate/idp/actions"
	"github.com/gatewright/gate/idp/login"
	"github.com/gatewright/gate/idp/upstream"
	"github.com/gatewright/gate/mail"
	"github.com/gatewright/gate/mail/smtp"
	"github.com/gatewright/gate/password"
	"github.com/gatewright/gate/store"
	"github.com/gatewright/gate/store/postgres"
	"github.com/gatewright/gate/store/sqlite"
)

// Options say how a provider is opened. The zero value is for production, with
// scripts refused.
type Options struct {
	// Development is for a provider on this machine alone: it makes the secret
	// and the folder for letters when there are none, explains errors, and lets
	// connections and scripts reach this machine.
	Development bool
	// Outbox is the path of a page with the letters, see [idp.Config].
	Outbox string
	// Administration is for a program that serves nobody: it opens where nothing is
	// known of how letters are sent, too. They are refused then.
	Administration bool
	// Worker makes the command of a process that runs scripts, see
	// [actions.Config]. Without one they run in this process, in development
	// alone; otherwise they are refused.
	Worker func() *exec.Cmd
	// Console gets each line that scripts write; nil means none.
	Console func(ctx context.Context, e actions.ConsoleEntry)
	// Lookup finds hosts, see [idp.Config].
	Lookup upstream.Lookup
	// Logger gets faults; nil means slog.Default().
	Logger *slog.Logger
}

// An Instance is a provider with its database, opened.
type Instance struct {
	*idp.Provider

	// DB is the database, which [Instance.Close] closes.
	DB *store.DB
	// Admin administers the provider in this process.
	Admin *Administration
	// Actions runs scripts; nil when they are refused.
	Actions *actions.Runner

	cfg *Config
}

// Open opens the database and the provider in it, whose schema it brings up to
// date. Scripts that use the module "auth0" for the issuer's host, or fetch from
// its Management API, reach the provider in this process.
func (c *Config) Open(ctx context.Context, o Options) (*Instance, error) {
	own := new(ownAPI)
	cfg, runner, err := c.provider(o, own)
	if err != nil {
		return nil, err
	}
	in := &Instance{cfg: c, Actions: runner}
	if err := in.open(ctx, cfg); err != nil {
		return nil, errors.Join(err, in.Close(context.WithoutCancel(ctx)))
	}
	own.serve(in.Provider)
	return in, nil
}

func (i *Instance) open(ctx context.Context, cfg idp.Config) (err error) {
	if i.DB, err = i.cfg.OpenDatabase(ctx); err != nil {
		return err
	}
	if i.Provider, err = idp.Open(ctx, i.DB, cfg); err != nil {
		return err
	}
	i.Admin, err = Administer(i.Provider, i.DB, cfg)
	return err
}

// Close sends the letters and writes the log entries that wait, until ctx ends,
// and closes the database.
func (i *Instance) Close(ctx context.Context) error {
	var errs []error
	if i.Admin != nil {
		errs = append(errs, i.Admin.Close(ctx))
	}
	if i.Provider != nil {
		errs = append(errs, i.Provider.Close(ctx))
	}
	if i.Actions != nil {
		errs = append(errs, i.Actions.Close())
	}
	if i.DB != nil {
		errs = append(errs, i.DB.Close())
	}
	return errors.Join(errs...)
}

// OpenDatabase opens the database.
func (c *Config) OpenDatabase(ctx context.Context) (*store.DB, error) {
	name := c.Database
	if name == "" {
		name = "sqlite:idp.db"
	}
	if file, ok := strings.CutPrefix(name, "sqlite:"); ok {
		return sqlite.Open(ctx, c.path(strings.TrimPrefix(file, "//")), sqlite.Config{SyncFull: c.Synchronous != "normal"})
	}
	return postgres.Open(ctx, name, postgres.Config{ApplicationName: "gate-idp"})
}

// Provider returns the configuration of the provider, with the runner of its
// scripts for the caller to close; it is nil when scripts are refused. Unlike
// those of [Config.Open] they reach the issuer's host by requests like any other.
func (c *Config) Provider(o Options) (idp.Config, *actions.Runner, error) { return c.provider(o, nil) }

func (c *Config) provider(o Options, own *ownAPI) (idp.Config, *actions.Runner, error) {
	if o.Development && !c.Local() {
		return idp.Config{}, nil, fmt.Errorf("development is for this machine alone, and the issuer is %s", c.Issuer)
	}
	key, err := c.Secret(o.Development)
	if err != nil {
		return idp.Config{}, nil, err
	}
	signup, err := c.signup()
	if err != nil {
		return idp.Config{}, nil, err
	}
	cfg := idp.Config{
		Issuer: c.Issuer, Secret: []byte(key.Reveal()), Signup: signup,
		PrivateUpstreams: c.PrivateUpstreams, Lookup: o.Lookup,
		Development: o.Development, Outbox: o.Outbox, RequestLimit: c.RequestLimit, ManagementLimit: c.ManagementLimit, RotateEvery: c.RotateKeys, Logger: o.Logger,
	}
	if cfg.Looks, err = c.looksConfig(); err != nil {
		return idp.Config{}, nil, err
	}
	if c.Protection.BreachCheck != "" {
		breach := &password.Breach{URL: c.Protection.BreachCheck, Logger: o.Logger}
		if err := breach.Validate(); err != nil {
			return idp.Config{}, nil, fmt.Errorf("protection.breachCheck: %w", err)
		}
		cfg.Breach = breach
	}
	if cfg.Mail, cfg.MailFrom, err = c.sender(o); err != nil {
		return idp.Config{}, nil, err
	}
	if o.Worker == nil && !o.Development {
		return cfg, nil, nil
	}
	scripts := actions.Config{
		Worker: o.Worker, InProcess: o.Worker == nil, AllowedHosts: c.Actions.AllowedHosts, AllowPrivate: o.Development,
		Logger: o.Logger, Console: o.Console,
	}
	if own != nil {
		scripts.Management, scripts.ManagementHost = own, c.host()
	}
	cfg.Actions, err = actions.New(scripts)
	return cfg, cfg.Actions, err
}

// signup returns who may make an account.
func (c *Config) signup() (idp.Signup, error) {
	switch c.Signup {
	case "", "closed":
		return "", nil
	case string(idp.SignupConfirm):
		return idp.SignupConfirm, nil
	case string(idp.SignupOpen):
		return idp.SignupOpen, nil
	}
	return "", fmt.Errorf("signup is closed, confirm or open, and not %s", quote(c.Signup))
}

func (c *Config) looksConfig() (login.Config, error) {
	cfg := c.Looks.config()
	if c.Looks.Logo == "" {
		return cfg, nil
	}
	name := c.path(c.Looks.Logo)
	data, err := os.ReadFile(name) //nolint:gosec // the operator's choice
	if err != nil {
		return cfg, fmt.Errorf("looks.logo: %w", err)
	}
	kind := mime.TypeByExtension(strings.ToLower(filepath.Ext(name)))
	kind, _, _ = strings.Cut(kind, ";")
	cfg.Logo = login.Logo{Content: data, MediaType: kind}
	return cfg, nil
}

// sender returns what sends letters, and who they come from.
func (c *Config) sender(o Options) (mail.Sender, string, error) {
	if o.Administration {
		o.Administration, o.Development = false, o.Development || c.hasOutbox()
		if s, from, err := c.sender(o); err == nil {
			return s, from, nil
		}
		return noMail{}, "", nil
	}
	from := c.Mail.From
	where := c.Mail.URL
	if where == "" && o.Development {
		where = "folder:outbox"
	}
	folder, isFolder := strings.CutPrefix(where, "folder:")
	switch {
	case isFolder && !c.Local():
		return nil, "", fmt.Errorf("letters into the folder %s: that is for development, on this machine", folder)
	case isFolder:
		s, err := mail.Folder(c.path(folder))
		return s, from, err
	case where == "":
		return nil, "", fmt.Errorf("%w: mail.url in %s, or %s", ErrNoMail, c.file, EnvMailURL)
	case from == "":
		return nil, "", fmt.Errorf("nothing says who letters come from: mail.from in %s, or %s", c.file, EnvMailFrom)
	}
	address, err := netmail.ParseAddress(from)
	if err != nil {
		return nil, "", fmt.Errorf("mail.from: %w", err)
	}
	s, err := smtp.New(smtp.Config{URL: where, From: address.Address, FromName: address.Name})
	return s, address.Address, err
}

// noMail refuses letters.
type noMail struct{}

// Send implements [mail.Sender].
func (noMail) Send(context.Context, mail.Message) error {
	return fmt.Errorf("nothing says how letters are sent here: %w", mail.ErrRefused)
}
