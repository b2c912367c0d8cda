// Package cookie is the strategy of browsers: it recognises the session cookie
// that [gate.Service.SessionHandler] sets.
//
// A browser sends its cookie along whoever makes it send a request, so what
// another site may cause is refused here, before any handler sees it: a method
// that changes something, or the opening of a WebSocket, has to come from the
// service's own origin or a trusted one. See [net/http.CrossOriginProtection].
package cookie

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/origin"
	"github.com/gatewright/gate/strategy/internal/presented"
	"github.com/gatewright/gate/strategy/internal/subject"
)

// Sessions finds sessions; [gate.CookieSessions] does.
type Sessions interface {
	// BySecret returns the live session of that secret, and notes that it was
	// used. [gate.ErrNotAuthenticated] says that there is none; any other
	// error means that it could not tell.
	BySecret(ctx context.Context, text string) (gate.Session, error)
}

// Subjects looks up the accounts that sessions are of.
type Subjects interface {
	// Subject returns the account as it is now: subject, roles, and what else
	// is known. An account that is gone or disabled is
	// [gate.ErrNotAuthenticated]; any other error means that it could not
	// tell. The principal is copied, not changed.
	Subject(ctx context.Context, id string) (*gate.Principal, error)
}

// Config configures a [Strategy]. The zero value is ready to use.
type Config struct {
	// Name is the name of the cookie, as in [gate.CookieConfig]; empty means
	// [gate.DefaultCookieName]. Services side by side on one host have
	// different names.
	Name string
	// TrustedOrigins may make browsers send requests that change something,
	// besides the service's own origin: "https://app.example.com". They are
	// compared as they are written, scheme and port included.
	TrustedOrigins []string
	// Entity is the kind of account that subjects are, as [gate.Config] has
	// it; empty means "user". Sessions of others are refused: two kinds of
	// accounts may number theirs alike.
	Entity string
}

// Strategy implements [gate.Strategy], [gate.Parser] and [gate.Validator]. It
// is no [gate.Challenger]: HTTP has no scheme that asks for a cookie.
type Strategy struct {
	sessions Sessions
	subjects Subjects
	cfg      Config
	origins  *origin.Guard // nil when one of them is wrong
	wrong    error
}

var (
	_ gate.Strategy  = (*Strategy)(nil)
	_ gate.Parser    = (*Strategy)(nil)
	_ gate.Validator = (*Strategy)(nil)
	_ gate.Ambient   = (*Strategy)(nil)
)

// New returns a strategy that finds the session of a cookie, and looks at each
// request whether the account is still there.
func New(sessions Sessions, subjects Subjects, cfg Config) *Strategy {
	cfg.Name = cmp.Or(cfg.Name, gate.DefaultCookieName)
	cfg.Entity = cmp.Or(cfg.Entity, "user")
	s := &Strategy{sessions: sessions, subjects: subjects, cfg: cfg}
	s.origins, s.wrong = origin.New(cfg.TrustedOrigins)
	return s
}

// Validate implements [gate.Validator].
func (s *Strategy) Validate() error {
	const prefix = "__Host-"
	suffix, ok := strings.CutPrefix(s.cfg.Name, prefix)
	switch {
	case s.sessions == nil:
		return errors.New("there are no sessions")
	case s.subjects == nil:
		return errors.New("there are no subjects to look up")
	case !ok || suffix == "" || !presented.IsSecret(suffix):
		return fmt.Errorf("the cookie %q has to be called %s and a word, which keeps browsers from taking it from other hosts", s.cfg.Name, prefix)
	default:
		return s.wrong
	}
}

// field is the name of the secret in credentials.
const field = "session"

// Authenticate implements [gate.Strategy] for what [Strategy.Parse] found. A
// secret in the body of a login is refused: the cookie of a browser is not
// traded for a token that scripts could keep.
func (s *Strategy) Authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	secret, ok := presented.Text(c, field)
	if !ok {
		return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "A session cookie comes with a request"}
	}
	session, err := s.sessions.BySecret(ctx, secret)
	switch {
	case errors.Is(err, gate.ErrUnavailable):
		return nil, err
	case errors.Is(err, gate.ErrNotAuthenticated):
		return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Subject: subject.Of(err), Err: err}
	case err != nil:
		return nil, subject.Fault(fmt.Errorf("look up session: %w", err))
	case session.ID == "":
		return nil, subject.Fault(errors.New("look up session: none was returned"))
	case session.Entity != s.cfg.Entity:
		return nil, &gate.AuthError{
			Code: gate.ErrNotAuthenticated, Err: fmt.Errorf("the session is of an account of the kind %q", session.Entity),
		}
	}
	p, err := subject.Find(ctx, s.subjects, session.Subject, "")
	if err != nil {
		return nil, err
	}
	p.SessionID, p.AuthenticatedAt, p.ExpiresAt = session.ID, session.AuthenticatedAt, session.ExpiresAt
	return p, nil
}

// Parse implements [gate.Parser]. A request with an Authorization header says
// by that who it is, and its cookie counts for nothing; two cookies of the name
// are none, because one of them is not ours. With a cookie, a request that
// another site may have caused is [gate.ErrForbidden].
func (s *Strategy) Parse(r *http.Request) (gate.Credentials, bool, error) {
	var c gate.Credentials
	if len(r.Header["Authorization"]) > 0 {
		return c, false, nil
	}
	secret, found := s.secret(r.Header["Cookie"])
	if !found {
		return c, false, nil
	}
	if err := s.origins.Check(r); err != nil {
		return c, false, &gate.AuthError{Code: gate.ErrForbidden, Message: "Not from another site", Err: err}
	}
	c.SetText(field, secret)
	return c, true, nil
}

// secret returns the value of the one cookie of the name (RFC 6265 §5.4). Names
// are compared exactly. What cannot be a secret is none.
func (s *Strategy) secret(lines []string) (secret string, found bool) {
	seen := 0
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(pair, "=")
			if strings.Trim(name, " \t") == s.cfg.Name {
				seen++
				secret = strings.Trim(value, " \t")
			}
		}
	}
	if seen != 1 || !presented.IsSecret(secret) {
		return "", false
	}
	return secret, true
}

// Forget implements [gate.Ambient]: it expires the cookie.
func (s *Strategy) Forget(h http.Header) {
	c := http.Cookie{Name: s.cfg.Name, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	h.Add("Set-Cookie", c.String())
}
