// Package apikey is the strategy of API keys: secrets that a program sends with
// each of its requests, as "X-API-Key: gk_…" or "Authorization: ApiKey gk_…".
//
// A key stands for its account within the scopes that it was made with, as long
// as the account itself has them. It makes requests and nothing else: it is not
// traded for a token or a session. A key in a URL is refused and reported,
// since URLs are written to logs and histories.
package apikey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/internal/authorization"
	"github.com/gatewright/gate/strategy/internal/presented"
	"github.com/gatewright/gate/strategy/internal/subject"
)

// A Key is what the strategy has to know of an API key.
type Key struct {
	// ID names the key without opening anything.
	ID string
	// Subject is the account that the key is of, Entity its kind.
	Subject, Entity string
	// Scopes are the permissions that the key may use, see [gate.Permits], and
	// [gate.ScopeOwner]; none means nothing but what is public.
	Scopes []string
	// ExpiresAt is when the key stops working; zero means not by time.
	ExpiresAt time.Time
	// Networks are where the key works; none means everywhere.
	Networks []netip.Prefix
}

// Keys finds keys.
type Keys interface {
	// Find returns the live key of that text. One that is unknown, wrong,
	// revoked or expired is [gate.ErrNotAuthenticated], after the same time;
	// any other error means that it could not tell.
	Find(ctx context.Context, text string) (Key, error)
}

// KeysFunc is [Keys] in one function.
type KeysFunc func(ctx context.Context, text string) (Key, error)

// Find implements [Keys].
func (f KeysFunc) Find(ctx context.Context, text string) (Key, error) { return f(ctx, text) }

// Subjects looks up the accounts that keys are of.
type Subjects interface {
	// Subject returns the account as it is now: subject, roles, and what else
	// is known. An account that is gone or disabled is
	// [gate.ErrNotAuthenticated]; any other error means that it could not
	// tell. The principal is copied, not changed.
	Subject(ctx context.Context, id string) (*gate.Principal, error)
}

// Config configures a [Strategy]. The zero value is ready to use.
type Config struct {
	// Header carries a key, besides "Authorization: ApiKey …"; empty means
	// "X-API-Key".
	Header string
	// Prefix is what every key begins with, before an underscore; empty means
	// "gk".
	Prefix string
	// Realm is shown in challenges; empty means "api".
	Realm string
	// Entity is the kind of account that subjects are, as [gate.Config] has
	// it; empty means "user". Keys of others are refused: two kinds of
	// accounts may number theirs alike.
	Entity string
	// Exposed is told of a live key that came in a URL, to warn its owner or
	// revoke it; nil means that the request is refused and nothing else. It
	// runs while the request waits.
	Exposed func(ctx context.Context, k Key)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger gets what went wrong without changing the answer; nil means
	// slog.Default().
	Logger *slog.Logger
}

// Strategy implements [gate.Strategy], [gate.Parser], [gate.Challenger] and
// [gate.Validator].
type Strategy struct {
	keys     Keys
	subjects Subjects
	cfg      Config
	header   string // canonical
}

var (
	_ gate.Strategy   = (*Strategy)(nil)
	_ gate.Parser     = (*Strategy)(nil)
	_ gate.Challenger = (*Strategy)(nil)
	_ gate.Validator  = (*Strategy)(nil)
)

// New returns a strategy that finds keys, and looks at each request whether the
// account is still there.
func New(keys Keys, subjects Subjects, cfg Config) *Strategy {
	cfg.Header = cmp.Or(cfg.Header, "X-API-Key")
	cfg.Prefix = cmp.Or(cfg.Prefix, "gk")
	cfg.Realm = cmp.Or(cfg.Realm, "api")
	cfg.Entity = cmp.Or(cfg.Entity, "user")
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Strategy{keys: keys, subjects: subjects, cfg: cfg, header: http.CanonicalHeaderKey(cfg.Header)}
}

// Validate implements [gate.Validator].
func (s *Strategy) Validate() error {
	switch {
	case s.keys == nil:
		return errors.New("there are no keys")
	case s.subjects == nil:
		return errors.New("there are no subjects to look up")
	case s.header == "Authorization" || s.header == "Cookie" || !presented.IsSecret(s.header):
		return fmt.Errorf("a header of its own cannot be %q", s.cfg.Header)
	case !presented.IsSecret(s.cfg.Prefix):
		return fmt.Errorf("keys cannot begin with %q", s.cfg.Prefix)
	default:
		return nil
	}
}

// Authenticate implements [gate.Strategy] for what [Strategy.Parse] found. A
// key in the body of a login is refused.
func (s *Strategy) Authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	if text, ok := presented.Text(c, exposedField); ok {
		s.report(ctx, text)
		return nil, inURL()
	}
	text, ok := presented.Text(c, field)
	if !ok {
		return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "An API key comes with a request"}
	}
	if !s.isKey(text) {
		return nil, refusal("", nil)
	}
	key, err := s.find(ctx, text)
	if err != nil {
		return nil, err
	}
	if err := s.check(ctx, key); err != nil {
		return nil, err
	}
	p, err := subject.Find(ctx, s.subjects, key.Subject, refused)
	if err != nil {
		return nil, err
	}
	p.Scopes = append([]string{}, key.Scopes...) // never nil, which would be without limits
	p.ExpiresAt, p.AuthenticatedAt, p.SessionID = key.ExpiresAt, time.Time{}, ""
	return p, nil
}

func (s *Strategy) find(ctx context.Context, text string) (Key, error) {
	key, err := s.keys.Find(ctx, text)
	switch {
	case errors.Is(err, gate.ErrUnavailable):
		return Key{}, err
	case errors.Is(err, gate.ErrNotAuthenticated), errors.Is(err, gate.ErrInvalidCredentials):
		return Key{}, refusal(subject.Of(err), err)
	case err != nil:
		return Key{}, subject.Fault(fmt.Errorf("find api key: %w", err))
	case key.ID == "":
		return Key{}, subject.Fault(errors.New("find api key: none was returned"))
	}
	return key, nil
}

// check refuses a key that is real, but not here and now.
func (s *Strategy) check(ctx context.Context, key Key) error {
	switch {
	case key.Entity != s.cfg.Entity:
		return refusal("", fmt.Errorf("the key is of an account of the kind %q", key.Entity))
	case !key.ExpiresAt.IsZero() && !s.cfg.Now().Before(key.ExpiresAt):
		return refusal(key.Subject, errors.New("the key has expired"))
	case len(key.Networks) == 0:
		return nil
	}
	client, _ := gate.ClientFromContext(ctx)
	addr := client.Address.Unmap().WithZone("")
	if !slices.ContainsFunc(key.Networks, func(n netip.Prefix) bool { return n.Contains(addr) }) {
		return refusal(key.Subject, errors.New("the key does not work from there"))
	}
	return nil
}

const refused = "Invalid API key"

// refusal is the one answer to every key that is not good.
func refusal(account string, cause error) error {
	return &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: refused, Subject: account, Err: cause}
}

// report tells of a key that came in a URL, if it is one.
func (s *Strategy) report(ctx context.Context, text string) {
	key, err := s.find(ctx, text)
	switch {
	case err == nil:
		s.cfg.Exposed(ctx, key)
	case !errors.Is(err, gate.ErrNotAuthenticated):
		s.cfg.Logger.WarnContext(ctx, "exposed api key not reported", "err", err)
	}
}

// Challenge implements [gate.Challenger].
func (s *Strategy) Challenge(error) string {
	return "ApiKey realm=" + authorization.Quote(s.cfg.Realm)
}
