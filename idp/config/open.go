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
	// Administration is for a program that serves nobody: letters are refused, so
	// that nothing has to be known of how they are sent.
	Administration bool
	// Worker makes the command of a process that runs scripts, see
	// [actions.Config]. Without one they run in this process, in development
	// alone; otherwise they are refused.
	Worker func() *exec.Cmd
	// Console gets each line that scripts write; nil means none.
	Console func(ctx context.Context, e actions.ConsoleEntry)
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
// date.
func (c *Config) Open(ctx context.Context, o Options) (_ *Instance, err error) {
	cfg, runner, err := c.Provider(o)
	if err != nil {
		return nil, err
	}
	in := &Instance{cfg: c, Actions: runner}
	defer func() {
		if err != nil {
			_ = in.end()
		}
	}()
	if in.DB, err = c.OpenDatabase(ctx); err != nil {
		return nil, err
	}
	if in.Provider, err = idp.Open(ctx, in.DB, cfg); err != nil {
		return nil, err
	}
	in.Admin, err = Administer(in.Provider, in.DB, cfg)
	return in, err
}

// Close sends the letters and writes the log entries that wait, until ctx ends,
// and closes the database.
func (i *Instance) Close(ctx context.Context) error {
	return errors.Join(i.Admin.Close(ctx), i.Provider.Close(ctx), i.end())
}

func (i *Instance) end() error {
	var err error
	if i.Actions != nil {
		err = i.Actions.Close()
	}
	if i.DB != nil {
		err = errors.Join(err, i.DB.Close())
	}
	return err
}

// OpenDatabase opens the database.
func (c *Config) OpenDatabase(ctx context.Context) (*store.DB, error) {
	name := c.Database
	if name == "" {
		name = "sqlite:idp.db"
	}
	if file, ok := strings.CutPrefix(name, "sqlite:"); ok {
		return sqlite.Open(ctx, c.path(strings.TrimPrefix(file, "//")), sqlite.Config{})
	}
	return postgres.Open(ctx, name, postgres.Config{ApplicationName: "gate-idp"})
}

// Provider returns the configuration of the provider, with the runner of its
// scripts for the caller to close; it is nil when scripts are refused.
func (c *Config) Provider(o Options) (idp.Config, *actions.Runner, error) {
	if o.Development && !c.Local() {
		return idp.Config{}, nil, fmt.Errorf("development is for this machine alone, and the issuer is %s", c.Issuer)
	}
	key, err := c.Secret(o.Development)
	if err != nil {
		return idp.Config{}, nil, err
	}
	cfg := idp.Config{
		Issuer: c.Issuer, Secret: []byte(key.Reveal()), Signup: idp.Signup(strings.TrimSuffix(c.Signup, "closed")),
		Development: o.Development, ManagementLimit: c.ManagementLimit, RotateEvery: c.RotateKeys, Logger: o.Logger,
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
	cfg.Actions, err = actions.New(actions.Config{
		Worker: o.Worker, InProcess: o.Worker == nil, AllowedHosts: c.Actions.AllowedHosts, AllowPrivate: o.Development,
		Logger: o.Logger, Console: o.Console,
	})
	return cfg, cfg.Actions, err
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
		return nil, "", fmt.Errorf("nothing says how letters are sent: mail.url in %s, or %s", c.file, EnvMailURL)
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
	return errors.New("letters are sent by the program that serves")
}
