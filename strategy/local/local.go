// Package local is the strategy of a login name and a password kept by the
// service itself.
//
// A name that is not there, an account without a password, a disabled account
// and a wrong password are answered alike, in the same time: each costs one
// password hash.
package local

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/password"
)

// Users looks up accounts.
type Users interface {
	// ByLogin returns the account with that login name. How names compare is
	// for the implementation to say. A name that is not there is
	// [gate.ErrNotAuthenticated]; any other error means that it could not
	// tell.
	ByLogin(ctx context.Context, name string) (*gate.Account, error)
	// ReplaceHash sets the hash of the account to next if it still is old. It
	// is no error when it is not.
	ReplaceHash(ctx context.Context, subject, old, next string) error
}

// Hasher hashes passwords; [*password.Hasher] does. An error means that it
// could not, for instance because too many ask at once.
type Hasher interface {
	// Verify reports whether password is the one that encoded was made of, and
	// whether the hash should be made anew.
	Verify(ctx context.Context, encoded, password string) (ok, rehash bool, err error)
	// Hash returns the encoded hash of password.
	Hash(ctx context.Context, password string) (string, error)
	// Burn takes the time of a Verify.
	Burn(ctx context.Context, password string) error
}

// Config configures a [Strategy]. The zero value is ready to use.
type Config struct {
	// UsernameField and PasswordField are the names in the credentials; empty
	// means "email" and "password".
	UsernameField, PasswordField string
	// ErrorMessage is the answer to whoever is refused; empty means "Invalid
	// login".
	ErrorMessage string
	// Throttle slows guessing down; nil means that something else does.
	Throttle gate.Throttle
	// Logger gets what went wrong without changing the answer; nil means
	// slog.Default().
	Logger *slog.Logger
}

// maxUsername is the length of the longest e-mail address (RFC 5321
// §4.5.3.1.3). What is longer is nobody's name.
const maxUsername = 254

// busyRetry is when to come back after a failure that does not say.
const busyRetry = time.Second

// Strategy implements [gate.Strategy] and [gate.Validator].
type Strategy struct {
	users  Users
	hasher Hasher
	cfg    Config
}

var (
	_ gate.Strategy  = (*Strategy)(nil)
	_ gate.Validator = (*Strategy)(nil)
)

// New returns a strategy for these users.
func New(users Users, hasher Hasher, cfg Config) *Strategy {
	cfg.UsernameField = cmp.Or(cfg.UsernameField, "email")
	cfg.PasswordField = cmp.Or(cfg.PasswordField, "password")
	cfg.ErrorMessage = cmp.Or(cfg.ErrorMessage, "Invalid login")
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Strategy{users: users, hasher: hasher, cfg: cfg}
}

// Validate implements [gate.Validator].
func (s *Strategy) Validate() error {
	switch {
	case s.users == nil:
		return errors.New("there are no users")
	case s.hasher == nil:
		return errors.New("there is no password hasher")
	case s.cfg.UsernameField == s.cfg.PasswordField:
		return fmt.Errorf("user name and password cannot both be the field %q", s.cfg.UsernameField)
	default:
		return nil
	}
}

// Authenticate implements [gate.Strategy] with the two fields of the
// configuration.
func (s *Strategy) Authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	username, err := c.Text(s.cfg.UsernameField)
	if err != nil {
		return nil, err
	}
	secret, err := c.Text(s.cfg.PasswordField)
	if err != nil {
		return nil, err
	}
	return s.Verify(ctx, username, secret)
}

// Verify returns the account with this name and password. It is the same door
// for whoever has the two from elsewhere, such as Basic authentication.
func (s *Strategy) Verify(ctx context.Context, username, secret string) (*gate.Principal, error) {
	if err := s.checkForm(username, secret); err != nil {
		return nil, err
	}
	account, err := s.lookUp(ctx, username)
	if err != nil {
		return nil, err
	}
	outcome := gate.Undecided
	if s.cfg.Throttle != nil {
		done, err := s.cfg.Throttle.Begin(ctx, throttleKey(account, username))
		if err != nil {
			return nil, err
		}
		defer func() { done(outcome) }()
	}
	ok, rehash, err := s.check(ctx, account, secret)
	switch {
	case err != nil:
		return nil, &gate.AuthError{
			Code: gate.ErrUnavailable, RetryAfter: retryAfter(err), Err: fmt.Errorf("check password: %w", err),
		}
	case !ok:
		outcome = gate.Failed
		return nil, s.refusalOf(account)
	}
	outcome = gate.Succeeded
	hash := account.PasswordHash
	if rehash {
		hash = s.rehash(ctx, account, secret)
	}
	return &gate.Principal{Subject: account.Subject, Roles: account.Roles, Tenant: account.Tenant, Proof: Proof(hash)}, nil
}

// checkForm refuses what cannot be anybody's, before it costs a look-up or a
// hash. It says nothing that the sender does not know.
func (s *Strategy) checkForm(username, secret string) error {
	if username == "" || secret == "" {
		return s.refusal()
	}
	if len(username) > maxUsername {
		return &gate.AuthError{Code: gate.ErrBadRequest, Message: "The user name is too long"}
	}
	if !utf8.ValidString(username) || strings.ContainsRune(username, 0) {
		return &gate.AuthError{Code: gate.ErrBadRequest, Message: "The user name must be UTF-8 without NUL"}
	}
	switch err := password.CheckText(secret); {
	case errors.Is(err, password.ErrTooLong):
		return &gate.AuthError{Code: gate.ErrBadRequest, Message: "The password is too long", Err: err}
	case err != nil:
		return &gate.AuthError{Code: gate.ErrBadRequest, Message: "The password must be UTF-8 without NUL", Err: err}
	}
	return nil
}

func (s *Strategy) refusal() error { return s.refusalOf(nil) }

// refusalOf is the same refusal, and tells the audit trail whom it was about.
func (s *Strategy) refusalOf(account *gate.Account) error {
	e := &gate.AuthError{Code: gate.ErrInvalidCredentials, Message: s.cfg.ErrorMessage}
	if account != nil {
		e.Subject = account.Subject
	}
	return e
}

// lookUp returns the account, nil when there is none.
func (s *Strategy) lookUp(ctx context.Context, username string) (*gate.Account, error) {
	account, err := s.users.ByLogin(ctx, username)
	if err != nil {
		if errors.Is(err, gate.ErrNotAuthenticated) && !errors.Is(err, gate.ErrUnavailable) {
			return nil, nil //nolint:nilnil // nobody is an answer here
		}
		return nil, &gate.AuthError{Code: gate.ErrUnavailable, Err: fmt.Errorf("look up user: %w", err)}
	}
	return account, nil
}

// throttleKey names what attempts are counted for: the account found, so that
// all spellings of its name share a counter, else the name without its case, as
// look-ups have it. Folding more would tell accounts from names: spellings that
// find no account must not share a counter only where there is none.
func throttleKey(account *gate.Account, username string) string {
	if account != nil {
		return "subject:" + account.Subject
	}
	lower := func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}
	return "login:" + strings.Map(lower, username)
}

// check compares the password. Whatever the account, it takes one hash.
func (s *Strategy) check(ctx context.Context, account *gate.Account, secret string) (ok, rehash bool, err error) {
	if account == nil || account.PasswordHash == "" {
		return false, false, s.hasher.Burn(ctx, secret)
	}
	ok, rehash, err = s.hasher.Verify(ctx, account.PasswordHash, secret)
	if errors.Is(err, password.ErrUnsupportedHash) || errors.Is(err, password.ErrTooCostly) {
		// No password fits, now or later. Whoever tries must not learn that the
		// account is there.
		s.cfg.Logger.ErrorContext(ctx, "stored password hash is not usable", "subject", account.Subject, "err", err)
		return false, false, s.hasher.Burn(ctx, secret)
	}
	if err != nil || account.Disabled || account.Subject == "" {
		return false, false, err
	}
	return ok, rehash, nil
}

// Proof returns the [gate.Principal.Proof] of a login with a password of which
// that hash is stored.
func Proof(hash string) string {
	sum := sha256.Sum256([]byte(hash))
	return hex.EncodeToString(sum[:])
}

// rehash brings the stored hash up to date, and returns what is stored then. The
// login does not depend on it.
func (s *Strategy) rehash(ctx context.Context, account *gate.Account, secret string) string {
	next, err := s.hasher.Hash(ctx, secret)
	if err == nil {
		err = s.users.ReplaceHash(ctx, account.Subject, account.PasswordHash, next)
	}
	if err != nil {
		s.cfg.Logger.WarnContext(ctx, "password not hashed anew", "subject", account.Subject, "err", err)
		return account.PasswordHash
	}
	return next
}

func retryAfter(err error) time.Duration {
	if busy, ok := errors.AsType[*password.BusyError](err); ok {
		return busy.RetryAfter
	}
	return busyRetry
}
