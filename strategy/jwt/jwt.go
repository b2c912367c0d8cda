// Package jwt is the strategy that recognises access tokens presented as
// "Authorization: Bearer <token>" (RFC 6750 §2.1).
//
// The token proves who asks; what that account may do is looked up at each
// request, so a change of roles, or a disabled account, counts at once.
package jwt

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/strategy/internal/authorization"
	"github.com/gatewright/gate/strategy/internal/subject"
)

// TokenVerifier says whether a token is good; [*gate.Service] does. Its error
// for a token that is not is [gate.ErrNotAuthenticated]; any other means that
// it could not tell.
type TokenVerifier interface {
	VerifyAccessToken(ctx context.Context, token string) (*jose.Claims, error)
}

// Subjects looks up the accounts that tokens are about.
type Subjects interface {
	// Subject returns the account as it is now: subject, roles, and what else
	// is known. An account that is gone or disabled is
	// [gate.ErrNotAuthenticated]. The principal is copied, not changed, so
	// that an implementation may keep it.
	Subject(ctx context.Context, id string) (*gate.Principal, error)
}

// Config configures a [Strategy]. The zero value is fine where accounts are
// looked up.
type Config struct {
	// Realm is shown in challenges; empty means "api".
	Realm string
	// Stateless says that tokens stand for themselves. Only then may there be
	// no Subjects.
	Stateless bool
	// RolesClaim is the claim whose list of strings are the roles of a
	// stateless token; empty means that it has none.
	RolesClaim string
	// PermissionsClaim is the claim that holds the permissions of a stateless
	// token: a list of strings, such as "permissions", or words in one string,
	// such as "scope" (RFC 8693 §4.2). They are then all that it may do,
	// whatever its roles; wildcards are left out, because issuers that do not
	// know of them let clients choose such scopes. Empty means that they follow
	// from the roles.
	PermissionsClaim string
}

// Strategy implements [gate.Strategy], [gate.Parser], [gate.Challenger],
// [gate.TokenCarrier] and [gate.Validator].
type Strategy struct {
	tokens   TokenVerifier
	subjects Subjects
	cfg      Config
}

var (
	_ gate.Strategy     = (*Strategy)(nil)
	_ gate.Parser       = (*Strategy)(nil)
	_ gate.Challenger   = (*Strategy)(nil)
	_ gate.TokenCarrier = (*Strategy)(nil)
	_ gate.Validator    = (*Strategy)(nil)
)

// New returns a strategy that verifies with tokens and looks accounts up in
// subjects.
func New(tokens TokenVerifier, subjects Subjects, cfg Config) *Strategy {
	cfg.Realm = cmp.Or(cfg.Realm, "api")
	return &Strategy{tokens: tokens, subjects: subjects, cfg: cfg}
}

// Validate implements [gate.Validator].
func (s *Strategy) Validate() error {
	switch {
	case s.tokens == nil:
		return errors.New("there is nothing to verify tokens with")
	case s.subjects == nil && !s.cfg.Stateless:
		return errors.New("there are no subjects to look up, and the tokens are not stateless")
	case s.subjects != nil && s.cfg.Stateless:
		return errors.New("the tokens are stateless, but there are subjects to look up")
	case s.cfg.RolesClaim+s.cfg.PermissionsClaim != "" && !s.cfg.Stateless:
		return errors.New("roles and permissions come from the subjects, not from a claim")
	default:
		return nil
	}
}

// field is the name of the token in credentials.
const field = "accessToken"

// AccessToken implements [gate.TokenCarrier].
func (s *Strategy) AccessToken(c gate.Credentials) string {
	token, _ := c.Text(field) // one that is not a string has been refused
	return token
}

// FromToken implements [gate.TokenCarrier].
func (s *Strategy) FromToken(token string) gate.Credentials {
	var c gate.Credentials
	c.SetText(field, token)
	return c
}

// Authenticate implements [gate.Strategy]: it verifies the field "accessToken"
// and looks up its subject.
func (s *Strategy) Authenticate(ctx context.Context, c gate.Credentials) (*gate.Principal, error) {
	token, err := c.Text(field)
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: "No access token"}
	}
	claims, err := s.tokens.VerifyAccessToken(ctx, token)
	if err != nil {
		return nil, err
	}
	p, err := s.principal(ctx, claims)
	if err != nil {
		return nil, err
	}
	p.Subject, p.Issuer, p.Claims, p.ExpiresAt = claims.Subject, claims.Issuer, claims, claims.Expiry
	p.SessionID, _ = claims.String("sid")
	p.AuthenticatedAt = authenticatedAt(claims)
	return p, nil
}

func (s *Strategy) principal(ctx context.Context, claims *jose.Claims) (*gate.Principal, error) {
	if s.subjects == nil {
		return s.stateless(claims), nil
	}
	if claims.Subject == "" {
		return nil, &gate.AuthError{Code: gate.ErrNotAuthenticated, Err: errors.New("the token is about nobody")}
	}
	return subject.Find(ctx, s.subjects, claims.Subject, "")
}

// stateless returns what a token says of itself.
func (s *Strategy) stateless(claims *jose.Claims) *gate.Principal {
	p := &gate.Principal{}
	if s.cfg.RolesClaim != "" {
		p.Roles, _ = claims.Strings(s.cfg.RolesClaim)
	}
	if s.cfg.PermissionsClaim == "" {
		return p
	}
	list, ok := claims.Strings(s.cfg.PermissionsClaim)
	if !ok {
		words, _ := claims.String(s.cfg.PermissionsClaim)
		list = strings.Split(words, " ")
	}
	p.Permissions = slices.DeleteFunc(list, func(permission string) bool {
		return permission == "" || strings.Contains(permission, "*")
	})
	return p
}

// authenticatedAt returns the claim "auth_time" (OpenID Connect Core §2), which
// access tokens have too (RFC 9470 §6.1). One that lies after the making of the
// token says nothing.
func authenticatedAt(claims *jose.Claims) time.Time {
	at, _ := claims.Time("auth_time")
	if !claims.IssuedAt.IsZero() && at.After(claims.IssuedAt) {
		return time.Time{}
	}
	return at
}

// Parse implements [gate.Parser]. The header holds one token and nothing else
// (RFC 6750 §2.1); a token in the query besides it is refused (§2), alone it
// is ignored.
func (s *Strategy) Parse(r *http.Request) (gate.Credentials, bool, error) {
	token, found, err := authorization.Credentials(r, "Bearer")
	if err != nil || !found {
		return gate.Credentials{}, false, err
	}
	if !isToken(token) {
		return gate.Credentials{}, false, authorization.Malformed("The Authorization header must be: Bearer <token>")
	}
	if strings.Contains(r.URL.RawQuery, "access_token") && r.URL.Query().Has("access_token") {
		return gate.Credentials{}, false, authorization.Malformed("The access token must be sent once")
	}
	var c gate.Credentials
	c.SetText(field, token)
	return c, true, nil
}

// The bytes of a b64token as sets of bits, below 64 and from there.
const (
	lowToken  = 1<<'+' | 1<<'-' | 1<<'.' | 1<<'/' | (1<<10-1)<<'0'
	highToken = (1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64) | 1<<('_'-64) | 1<<('~'-64)
)

// isToken reports whether s is a b64token (RFC 6750 §2.1).
func isToken(s string) bool {
	end := strings.TrimRight(s, "=")
	for i := range len(end) {
		switch c := end[i]; {
		case c < 64 && uint64(lowToken)>>c&1 == 1:
		case c >= 64 && c < 128 && uint64(highToken)>>(c-64)&1 == 1:
		default:
			return false
		}
	}
	return end != ""
}

// Challenge implements [gate.Challenger] (RFC 6750 §3).
func (s *Strategy) Challenge(refusal error) string {
	challenge := "Bearer realm=" + authorization.Quote(s.cfg.Realm)
	switch {
	case refusal == nil:
		return challenge
	case errors.Is(refusal, gate.ErrBadRequest):
		return challenge + `, error="invalid_request"`
	default:
		return challenge + `, error="invalid_token"`
	}
}
