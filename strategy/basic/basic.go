// Package basic is the strategy of HTTP Basic authentication (RFC 7617).
//
// A client sends its password with every request, and a password hash is made
// to be slow. So the strategy remembers for some seconds that a password was
// right, as a keyed digest and never as text; the account itself is looked up
// for each request, so a new password or a disabled account counts at once.
package basic

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/household"
	"github.com/gatewright/gate/internal/origin"
	"github.com/gatewright/gate/strategy/internal/authorization"
)

// A Verifier judges a user name and a password; [*local.Strategy] does, with
// its throttle.
type Verifier interface {
	Verify(ctx context.Context, username, password string) (*gate.Principal, error)
}

// Users looks up accounts; see [local.Users].
type Users interface {
	ByLogin(ctx context.Context, name string) (*gate.Account, error)
}

// MaxRemember is the longest that a right password may be remembered.
const MaxRemember = 60 * time.Second

// Config configures a [Strategy]. The zero value is ready to use.
type Config struct {
	// Realm is shown in challenges, and by browsers; empty means "api".
	Realm string
	// Remember is how long a right password is remembered, at most
	// [MaxRemember]; zero means that long.
	Remember time.Duration
	// Entries bounds how many are remembered; zero means 1024.
	Entries int
	// TrustedOrigins may make browsers send requests that change something,
	// besides the service's own origin: "https://app.example.com". Browsers
	// send these credentials by themselves once somebody has typed them.
	TrustedOrigins []string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Strategy implements [gate.Strategy], [gate.Parser], [gate.Challenger] and
// [gate.Validator].
type Strategy struct {
	verifier Verifier
	users    Users
	cfg      Config
	cache    *cache
	origins  *origin.Guard // nil when one of them is wrong
	wrong    error
}

var (
	_ gate.Strategy   = (*Strategy)(nil)
	_ gate.Parser     = (*Strategy)(nil)
	_ gate.Challenger = (*Strategy)(nil)
	_ gate.Validator  = (*Strategy)(nil)
)

// New returns a strategy that lets verifier judge, and finds in users whether
// that judgment still holds. Both must speak of the same accounts.
func New(verifier Verifier, users Users, cfg Config) *Strategy {
	cfg.Realm = cmp.Or(cfg.Realm, "api")
	cfg.Remember = cmp.Or(cfg.Remember, MaxRemember)
	cfg.Entries = cmp.Or(cfg.Entries, 1024)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Strategy{verifier: verifier, users: users, cfg: cfg, cache: newCache(cfg.Entries)}
	s.origins, s.wrong = origin.New(cfg.TrustedOrigins)
	return s
}

// Validate implements [gate.Validator].
func (s *Strategy) Validate() error {
	switch {
	case s.verifier == nil:
		return errors.New("there is nothing to verify passwords with")
	case s.users == nil:
		return errors.New("there are no users")
	case s.cfg.Remember < 0 || s.cfg.Remember > MaxRemember:
		return fmt.Errorf("a password may be remembered for %v, not %v", MaxRemember, s.cfg.Remember)
	case s.cfg.Entries < 0:
		return fmt.Errorf("%d entries cannot be remembered", s.cfg.Entries)
	default:
		return s.wrong
	}
}

// The names of the fields in credentials.
const (
	usernameField = "username"
	passwordField = "password"
)

// Authenticate implements [gate.Strategy] with the fields "username" and
// "password".
func (s *Strategy) Authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	username, err := c.Text(usernameField)
	if err != nil {
		return nil, err
	}
	password, err := c.Text(passwordField)
	if err != nil {
		return nil, err
	}
	network := networkOf(ctx)
	key, who := s.cache.key(network, username, password), s.cache.key(network, username, "")
	now := s.cfg.Now()
	if hash, ok := s.cache.get(key, now); ok && !s.cache.isShut(who, now) {
		account, err := s.current(ctx, username)
		if err != nil {
			return nil, err
		}
		if account != nil && account.PasswordHash == hash {
			return &gate.Principal{Subject: account.Subject, Roles: account.Roles, Tenant: account.Tenant, AuthenticatedAt: now}, nil
		}
		s.cache.drop(key)
	}
	p, err := s.verify(ctx, key, username, password)
	if errors.Is(err, gate.ErrTooManyRequests) {
		s.cache.shut(who, now.Add(MaxRemember), now)
	}
	return p, err
}

// networkOf returns what stands for the client's network: a password that was
// right there says nothing about who comes from elsewhere.
func networkOf(ctx context.Context) string {
	client, _ := gate.ClientFromContext(ctx)
	return household.Of(client.Address)
}

// verify judges by the password. All who send the same pair meanwhile wait for
// one judgment: a page that loads twenty things asks for one hash. It goes on
// when the first of them goes away.
func (s *Strategy) verify(ctx context.Context, key digest, username, password string) (*gate.Principal, error) {
	f, first := s.cache.join(key)
	if first {
		func() {
			defer s.cache.leave(key, f)
			f.principal, f.err = s.judge(context.WithoutCancel(ctx), key, username, password)
		}()
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for the password: %w", context.Cause(ctx))
	}
	if f.err != nil {
		return nil, f.err
	}
	p := *f.principal
	p.AuthenticatedAt = s.cfg.Now() // the password came with this request
	return &p, nil
}

// judge lets the verifier judge, and remembers that the password was right
// together with the hash that it matched. That hash is read before: if it is
// replaced meanwhile, what is remembered matches nothing.
func (s *Strategy) judge(ctx context.Context, key digest, username, password string) (*gate.Principal, error) {
	expires := s.cfg.Now().Add(s.cfg.Remember)
	before, err := s.current(ctx, username)
	if err != nil {
		return nil, err
	}
	p, err := s.verifier.Verify(ctx, username, password)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, errors.New("the verifier returned neither a principal nor an error")
	}
	if before != nil && before.Subject == p.Subject {
		s.cache.put(key, before.PasswordHash, expires)
	}
	return p, nil
}

// current returns the account if it can log in now, else nil.
func (s *Strategy) current(ctx context.Context, username string) (*gate.Account, error) {
	account, err := s.users.ByLogin(ctx, username)
	switch {
	case errors.Is(err, gate.ErrUnavailable):
		return nil, err
	case errors.Is(err, gate.ErrNotAuthenticated):
		return nil, nil //nolint:nilnil // nobody is an answer here
	case err != nil:
		return nil, &gate.AuthError{Code: gate.ErrUnavailable, Err: fmt.Errorf("look up user: %w", err)}
	case account == nil || account.Disabled || account.PasswordHash == "" || account.Subject == "":
		return nil, nil //nolint:nilnil // as above
	default:
		return account, nil
	}
}

// Parse implements [gate.Parser] after RFC 7617 §2: base64 of user name, colon
// and password, in UTF-8 and without control characters.
func (s *Strategy) Parse(r *http.Request) (gate.Credentials, bool, error) {
	encoded, found, err := authorization.Credentials(r, "Basic")
	if err != nil || !found {
		return gate.Credentials{}, false, err
	}
	if err := s.origins.Check(r); err != nil {
		return gate.Credentials{}, false, &gate.AuthError{Code: gate.ErrForbidden, Message: "Not from another site", Err: err}
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") {
		return gate.Credentials{}, false, authorization.Malformed("The Authorization header must be: Basic <base64>")
	}
	text := string(decoded)
	username, password, ok := strings.Cut(text, ":")
	switch {
	case !ok:
		return gate.Credentials{}, false, authorization.Malformed("Basic credentials need a colon between user name and password")
	case !utf8.ValidString(text):
		return gate.Credentials{}, false, authorization.Malformed("Basic credentials must be UTF-8")
	case strings.ContainsFunc(text, unicode.IsControl):
		return gate.Credentials{}, false, authorization.Malformed("Basic credentials must not contain control characters")
	}
	var c gate.Credentials
	c.SetText(usernameField, username)
	c.SetText(passwordField, password)
	return c, true, nil
}

// Challenge implements [gate.Challenger].
func (s *Strategy) Challenge(error) string {
	return "Basic realm=" + authorization.Quote(s.cfg.Realm) + `, charset="UTF-8"`
}
