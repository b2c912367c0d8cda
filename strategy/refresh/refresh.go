// Package refresh is the strategy of refresh tokens: opaque secrets, good for
// one use, that are exchanged for a new access token and the next refresh token
// within the same session.
//
// A client posts {"strategy": "refresh", "refreshToken": "…"} to the login. A
// refresh token does nothing else: no guard takes one. The store behind
// [Tokens] knows how long one lives, uses each up in one statement, and ends
// the session when one is presented twice (RFC 9700 §4.14.2).
package refresh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/strategy/internal/presented"
	"github.com/gatewright/gate/strategy/internal/subject"
)

// Tokens is the store of refresh tokens.
type Tokens interface {
	// Use takes token out of use and returns the session that goes on, and the
	// token that replaces it. A token that is unknown, expired or of an ended
	// session is [gate.ErrNotAuthenticated]; one that had been used is
	// [gate.ErrReused], and its session has ended. Any other error means that
	// it could not tell.
	Use(ctx context.Context, token string, client gate.Client) (gate.Session, gate.RefreshToken, error)
}

// Subjects looks up the accounts that sessions are of.
type Subjects interface {
	// Subject returns the account as it is now: subject, roles, and what else
	// is known. An account that is gone or disabled is
	// [gate.ErrNotAuthenticated]; any other error means that it could not
	// tell. The principal is copied, not changed.
	Subject(ctx context.Context, id string) (*gate.Principal, error)
}

// Ender ends sessions; [gate.Sessions] does.
type Ender interface {
	// End ends the session. Ending one that is not there is no error.
	End(ctx context.Context, id string) error
}

// Config configures a [Strategy]. The zero value is ready to use.
type Config struct {
	// Field is the name of the token in the credentials; empty means
	// "refreshToken".
	Field string
	// Entity is the kind of account that subjects are, as [gate.Config] has
	// it; empty means "user". Sessions of others are refused: two kinds of
	// accounts may number theirs alike.
	Entity string
	// Sessions ends the session of an account that is gone or disabled; nil
	// leaves it to expire, which opens nothing: it is refused each time.
	Sessions Ender
	// Logger gets what went wrong without changing the answer; nil means
	// slog.Default().
	Logger *slog.Logger
}

// Strategy implements [gate.Strategy], [gate.Renewer] and [gate.Validator].
type Strategy struct {
	tokens   Tokens
	subjects Subjects
	cfg      Config
}

var (
	_ gate.Strategy  = (*Strategy)(nil)
	_ gate.Renewer   = (*Strategy)(nil)
	_ gate.Validator = (*Strategy)(nil)
)

// New returns a strategy that exchanges the tokens of a store, and looks at
// each exchange whether the account is still there.
func New(tokens Tokens, subjects Subjects, cfg Config) *Strategy {
	cfg.Field = cmp.Or(cfg.Field, "refreshToken")
	cfg.Entity = cmp.Or(cfg.Entity, "user")
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Strategy{tokens: tokens, subjects: subjects, cfg: cfg}
}

// Validate implements [gate.Validator].
func (s *Strategy) Validate() error {
	switch {
	case s.tokens == nil:
		return errors.New("there are no refresh tokens")
	case s.subjects == nil:
		return errors.New("there are no subjects to look up")
	case s.cfg.Field == "strategy":
		return errors.New(`the field "strategy" names the strategy`)
	default:
		return nil
	}
}

// refused is the one answer to every token that is not good.
const refused = "Invalid refresh token"

// Authenticate implements [gate.Strategy]. It refuses: a refresh token is
// exchanged, see [Strategy.Renew], and opens nothing by itself.
func (s *Strategy) Authenticate(context.Context, gate.Credentials) (*gate.Principal, error) {
	return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "A refresh token logs in and does nothing else"}
}

// Renew implements [gate.Renewer]. The roles are those of the account now. When
// the account could not be looked up, the token has been used up all the same:
// the client tries again within the grace that the store allows.
func (s *Strategy) Renew(ctx context.Context, c gate.Credentials) (*gate.Renewal, error) {
	token, err := c.Text(s.cfg.Field)
	if err != nil {
		return nil, err
	}
	if !presented.IsSecret(token) {
		return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: refused}
	}
	client, _ := gate.ClientFromContext(ctx)
	session, next, err := s.tokens.Use(ctx, token, client)
	switch {
	case err != nil:
		return nil, refusal(err)
	case session.ID == "" || next.Token == "":
		return nil, subject.Fault(errors.New("use refresh token: no session or no next token was returned"))
	case session.Entity != s.cfg.Entity:
		return nil, &gate.AuthError{
			Code: gate.ErrNotAuthenticated, Message: refused,
			Err: fmt.Errorf("the session is of an account of the kind %q", session.Entity),
		}
	}
	p, err := subject.Find(ctx, s.subjects, session.Subject, refused)
	if err != nil {
		s.end(ctx, session.ID, err)
		return nil, err
	}
	p.SessionID, p.AuthenticatedAt, p.ExpiresAt = session.ID, session.AuthenticatedAt, session.ExpiresAt
	return &gate.Renewal{Principal: p, Refresh: next}, nil
}

// refusal says in one way that a token is not good, and tells the trail whether
// it had been.
func refusal(err error) error {
	answer := &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: refused, Subject: subject.Of(err), Err: err}
	switch {
	case errors.Is(err, gate.ErrUnavailable):
		return err
	case errors.Is(err, gate.ErrReused):
		answer.Code = gate.ErrReused
		return answer
	case errors.Is(err, gate.ErrNotAuthenticated), errors.Is(err, gate.ErrInvalidCredentials):
		return answer
	default:
		return subject.Fault(fmt.Errorf("use refresh token: %w", err))
	}
}

// end ends the session of an account that is gone. The answer is no either way.
func (s *Strategy) end(ctx context.Context, id string, gone error) {
	if s.cfg.Sessions == nil || errors.Is(gone, gate.ErrUnavailable) {
		return
	}
	if err := s.cfg.Sessions.End(context.WithoutCancel(ctx), id); err != nil {
		s.cfg.Logger.WarnContext(ctx, "session of an account that is gone was not ended", "session", id, "err", err)
	}
}
