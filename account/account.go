package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/loopback"
	"github.com/gatewright/gate/mail"
)

// An Error is a condition that [Users] report; a target for errors.Is.
type Error string

// The conditions.
const (
	// ErrTaken means that another account has this address.
	ErrTaken Error = "account: the address is taken"
	// ErrChanged means that the account has another password by now.
	ErrChanged Error = "account: the password was changed meanwhile"
)

// Error returns the condition in words.
func (e Error) Error() string { return string(e) }

// Config configures [New].
type Config struct {
	// Service is the name of the service in letters and on pages; required.
	Service string
	// PublicURL is where [Flows.Handler] is reached from outside, with its
	// path. Links in letters are made from it and from nothing else. It is
	// https, or http on this machine; required with a Mailer.
	PublicURL *url.URL
	// HomeURL is where pages lead when they are done; empty means nowhere.
	HomeURL string

	// Users, Tokens, Sessions, Hasher and Policy are required.
	Users    Users
	Tokens   Tokens
	Sessions Sessions
	Hasher   Hasher
	Policy   Policy
	// Mailer sends letters; nil means that there are none: nothing is confirmed,
	// no forgotten password is set anew, and nobody is told of a change.
	Mailer Mailer
	// Words are what letters and pages say; required with a Mailer.
	Words Words
	// Throttle is the one of the login; required. If it has a method
	// Reset(ctx, account) error, a new password forgets the failures.
	Throttle gate.Throttle

	// RefreshTokens ends those of a session that goes on when the password
	// changes. Nil means that such a session does not go on: it ends with the
	// others, and the person logs in again.
	RefreshTokens RefreshTokens
	// Keys keeps API keys; nil means that there are none.
	Keys Keys
	// Breach asks whether a new password is known to have leaked; nil does not
	// ask.
	Breach Breach
	// Limiter counts letters; nil means counters in this process.
	Limiter Limiter
	// Audit gets an event for each flow; nil means no trail.
	Audit gate.Auditor

	// Permit reports whether an account may be changed like that: nil, or the
	// refusal that is answered. The principal is the account itself; whoever has
	// opened a letter has nothing but its subject. Nil permits everybody.
	Permit func(ctx context.Context, p *gate.Principal, c Change) error

	// Fresh is how long ago the login may be for what cannot be taken back; zero
	// means [DefaultFresh].
	Fresh time.Duration
	// Entity is the kind of account; empty means "user".
	Entity string
	// LoginField is the name of the login in JSON bodies; empty means "email".
	LoginField string
	// Logger gets faults that change no answer; nil means slog.Default().
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// A Change is what is changed of an account.
type Change uint8

// The changes.
const (
	NewPassword Change = iota + 1
	NewEmail
)

// DefaultFresh is how long ago the login may be for what cannot be taken back.
const DefaultFresh = 5 * time.Minute

// Flows does what people do with their accounts. It is safe for concurrent use;
// [New] makes one.
//
// An error that is a [gate.Code] or a [gate.Error] below 500 is a refusal; any
// other means that it could not be decided or done.
type Flows struct {
	cfg     Config
	letters lettering // nil without a Mailer
}

// New returns flows, or an error that says what is missing.
func New(cfg Config) (*Flows, error) {
	if cfg.Limiter == nil {
		cfg.Limiter = mail.NewRates(mail.RatesConfig{Now: cfg.Now})
	}
	f, err := open(cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Mailer != nil {
		f.letters = byLetter{f}
	}
	return f, nil
}

// WithoutLetters is [New] for a service without a Mailer. A program that calls it and
// not New has nothing in it of what letters need.
func WithoutLetters(cfg Config) (*Flows, error) {
	if cfg.Mailer != nil {
		return nil, errors.New("account: a Mailer, and no letters")
	}
	return open(cfg)
}

func open(cfg Config) (*Flows, error) {
	cfg.Entity = cmp.Or(cfg.Entity, "user")
	cfg.LoginField = cmp.Or(cfg.LoginField, "email")
	cfg.Fresh = cmp.Or(cfg.Fresh, DefaultFresh)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	if cfg.PublicURL != nil {
		base := *cfg.PublicURL
		cfg.PublicURL = &base
	}
	return &Flows{cfg: cfg}, nil
}

func (c *Config) validate() error {
	var errs []error
	for name, missing := range map[string]bool{
		"Service": c.Service == "", "PublicURL": c.PublicURL == nil && c.Mailer != nil, "Words": c.Words == nil && c.Mailer != nil, "Users": c.Users == nil, "Tokens": c.Tokens == nil,
		"Sessions": c.Sessions == nil, "Hasher": c.Hasher == nil, "Policy": c.Policy == nil,
		"Throttle": c.Throttle == nil,
	} {
		if missing {
			errs = append(errs, fmt.Errorf("%s is required", name))
		}
	}
	if err := mail.CheckHeader(c.Service); err != nil {
		errs = append(errs, fmt.Errorf("service name: %w", err))
	}
	if c.PublicURL != nil {
		errs = append(errs, checkPublic(c.PublicURL))
	}
	if c.HomeURL != "" {
		home, err := url.Parse(c.HomeURL)
		if err != nil || home.Scheme != "https" && home.Scheme != "http" || home.Host == "" {
			errs = append(errs, errors.New("home URL is not an absolute http or https URL"))
		}
	}
	return errors.Join(errs...)
}

func checkPublic(u *url.URL) error {
	switch {
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return errors.New("public URL is more or less than scheme, host and path")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback.Host(u.Hostname())):
		return errors.New("public URL is not https: links in letters open accounts")
	}
	return nil
}

// person refuses whoever is not a person at their own account.
func (f *Flows) person(p *gate.Principal) error {
	switch {
	case p == nil || p.Subject == "":
		return &gate.AuthError{Code: gate.ErrNotAuthenticated}
	case p.Scopes != nil: // a key must not make keys, nor change what it came from
		return &gate.AuthError{Code: gate.ErrForbidden, Message: "These credentials cannot manage the account", Subject: p.Subject}
	}
	return nil
}

// permit asks whether an account may be changed like that.
func (f *Flows) permit(ctx context.Context, p *gate.Principal, c Change) error {
	if f.cfg.Permit == nil {
		return nil
	}
	return f.cfg.Permit(ctx, p, c)
}

// fresh asks for a login of a moment ago.
func (f *Flows) fresh(p *gate.Principal) error {
	age := f.cfg.Now().Sub(p.AuthenticatedAt)
	if p.AuthenticatedAt.IsZero() || age > f.cfg.Fresh || age < -time.Minute {
		return &gate.AuthError{
			Code: gate.ErrStepUpRequired, Message: "Log in again to do this", Subject: p.Subject, MaxAge: f.cfg.Fresh,
		}
	}
	return nil
}

// holder is an account with what is shown of it.
type holder struct {
	profile Profile
	account *gate.Account
}

// load returns the account, or an error that is [gate.ErrNotAuthenticated] when
// it is not there or is disabled.
func (f *Flows) load(ctx context.Context, subject string) (holder, error) {
	profile, err := f.cfg.Users.Profile(ctx, subject)
	if err != nil {
		return holder{}, fmt.Errorf("account: profile: %w", err)
	}
	account, err := f.cfg.Users.ByLogin(ctx, profile.Login)
	if err != nil {
		return holder{}, fmt.Errorf("account: look up: %w", err)
	}
	if account.Subject != subject || profile.Subject != subject || account.Disabled {
		return holder{}, &gate.AuthError{Code: gate.ErrNotAuthenticated, Subject: subject}
	}
	return holder{profile, account}, nil
}

// nobody reports whether err says that there is no such account, or none that
// may be used.
func nobody(err error) bool {
	return errors.Is(err, gate.ErrNotAuthenticated) && !errors.Is(err, gate.ErrUnavailable)
}
