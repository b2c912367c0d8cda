package gate

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatewright/gate/jose"
)

// sessionClaim names the session in a token (OpenID Connect Front-Channel
// Logout 1.0 §3).
const sessionClaim = "sid"

// authTimeClaim is when the account proved who it is (OpenID Connect Core 1.0
// §2).
const authTimeClaim = "auth_time"

// TokenOptions say what one token is to be. Fields left zero take their value
// from the configuration.
type TokenOptions struct {
	// Subject is the claim "sub". A token has one always.
	Subject string
	// ID is the claim "jti"; empty means a random one.
	ID string
	// Audience is the claim "aud".
	Audience []string
	// ExpiresIn is the life of the token.
	ExpiresIn time.Duration
	// SessionID is the session that the token belongs to; empty means a new
	// one, when the service keeps sessions.
	SessionID string
	// Strategy is noted in a new session.
	Strategy string
	// AuthenticatedAt is the claim "auth_time" (OpenID Connect Core 1.0 §2);
	// zero leaves it out.
	AuthenticatedAt time.Time
}

// Payload returns the claims that a token of p gets besides the registered
// ones, through Config.Payload.
func (s *Service) Payload(ctx context.Context, p *Principal) (map[string]any, error) {
	return s.state.Load().payload(ctx, p)
}

func (st *state) payload(ctx context.Context, p *Principal) (map[string]any, error) {
	if st.cfg.Payload == nil {
		return nil, nil //nolint:nilnil // no further claims is a good answer
	}
	claims, err := st.cfg.Payload(ctx, p)
	if err != nil {
		return nil, undecided(fmt.Errorf("payload: %w", err))
	}
	return claims, nil
}

// TokenOptions returns the options for a token of p, through
// Config.TokenOptions.
func (s *Service) TokenOptions(ctx context.Context, p *Principal) (TokenOptions, error) {
	return s.state.Load().tokenOptions(ctx, p)
}

func (st *state) tokenOptions(ctx context.Context, p *Principal) (TokenOptions, error) {
	var o TokenOptions
	if st.cfg.TokenOptions != nil {
		var err error
		if o, err = st.cfg.TokenOptions(ctx, p); err != nil {
			return TokenOptions{}, undecided(fmt.Errorf("token options: %w", err))
		}
	}
	o.Subject = cmp.Or(o.Subject, p.Subject)
	o.Strategy = cmp.Or(o.Strategy, p.Strategy)
	o.SessionID = cmp.Or(o.SessionID, p.SessionID)
	if o.AuthenticatedAt.IsZero() {
		o.AuthenticatedAt = p.AuthenticatedAt
	}
	return o, nil
}

func (st *state) issueFor(ctx context.Context, p *Principal, extra map[string]any) (string, *jose.Claims, error) {
	payload, err := st.payload(ctx, p)
	if err != nil {
		return "", nil, err
	}
	o, err := st.tokenOptions(ctx, p)
	if err != nil {
		return "", nil, err
	}
	claims := maps.Clone(payload)
	if claims == nil {
		claims = make(map[string]any, len(extra)+1)
	}
	maps.Copy(claims, extra)
	return st.issue(ctx, claims, o)
}

// CreateAccessToken issues a token with these claims besides the registered
// ones, which it sets itself and does not take from payload. When the service
// keeps sessions and o names none, a new one is opened for the token.
func (s *Service) CreateAccessToken(ctx context.Context, payload map[string]any, o TokenOptions) (string, *jose.Claims, error) {
	claims := maps.Clone(payload)
	if claims == nil {
		claims = make(map[string]any, 1)
	}
	return s.state.Load().issue(ctx, claims, o)
}

// issue signs a token; extra belongs to it.
func (st *state) issue(ctx context.Context, extra map[string]any, o TokenOptions) (string, *jose.Claims, error) {
	if st.verifier == nil {
		return "", nil, errors.New("create access token: the service has no keys")
	}
	if o.Subject == "" {
		return "", nil, errors.New("create access token: there is no subject")
	}
	for name := range extra {
		if registeredClaim(name) {
			return "", nil, fmt.Errorf("create access token: the claim %q is not for the payload", name)
		}
	}
	now := st.cfg.Now().Truncate(time.Second)
	expires := now.Add(cmp.Or(o.ExpiresIn, st.cfg.ExpiresIn))
	if expires.Sub(now) < time.Second { // claims count whole seconds
		return "", nil, fmt.Errorf("create access token: it would live for %v", o.ExpiresIn)
	}
	opened, err := st.openSession(ctx, &o, now, expires)
	if err != nil {
		return "", nil, err
	}
	if o.SessionID != "" {
		extra[sessionClaim] = o.SessionID
	}
	if !o.AuthenticatedAt.IsZero() {
		extra[authTimeClaim] = o.AuthenticatedAt.Unix()
	}
	claims := &jose.Claims{
		Issuer: st.cfg.Issuer, Subject: o.Subject, ID: cmp.Or(o.ID, rand.Text()),
		Audience: slices.Clone(st.cfg.Audience), IssuedAt: now, Expiry: expires, Extra: extra,
	}
	if len(o.Audience) > 0 {
		claims.Audience = slices.Clone(o.Audience)
	}
	token, err := st.sign(claims)
	if err != nil {
		if opened {
			err = errors.Join(err, st.endSession(ctx, o.SessionID))
		}
		return "", nil, fmt.Errorf("create access token: %w", err)
	}
	return token, claims, nil
}

func (st *state) sign(claims *jose.Claims) (string, error) {
	key := st.cfg.Keys.Signing()
	if key == nil {
		return "", errors.New("no key to sign with")
	}
	token, err := jose.Sign(key, jose.AccessTokenType, claims)
	if err != nil || st.cfg.Encryption == nil {
		return token, err
	}
	return st.cfg.Encryption.Encrypt(token)
}

// openSession opens a session for a token that has none yet.
func (st *state) openSession(ctx context.Context, o *TokenOptions, now, expires time.Time) (opened bool, err error) {
	if st.cfg.Sessions == nil || o.SessionID != "" {
		return false, nil
	}
	if st.cfg.SessionExpiresIn > 0 {
		expires = now.Add(st.cfg.SessionExpiresIn)
	}
	client, _ := ClientFromContext(ctx)
	o.SessionID, err = st.cfg.Sessions.Create(ctx, Session{
		Subject: o.Subject, Entity: st.cfg.Entity, Strategy: o.Strategy,
		AuthenticatedAt: o.AuthenticatedAt, ExpiresAt: expires, Client: client,
	})
	if err != nil {
		return false, undecided(fmt.Errorf("open session: %w", err))
	}
	if o.SessionID == "" {
		return false, undecided(errors.New("open session: the store gave no identifier"))
	}
	return true, nil
}

func registeredClaim(name string) bool {
	switch name {
	case "iss", "sub", "aud", "exp", "nbf", "iat", "jti", sessionClaim, authTimeClaim:
		return true
	default:
		return false
	}
}

// VerifyAccessToken returns the claims of a token of this service that is
// good: signature, type, issuer, audience and times are right, and its session
// has not ended. A token that is not is [ErrNotAuthenticated]; when that could
// not be found out the error is [ErrUnavailable]. The claims are shared and
// must not be changed.
func (s *Service) VerifyAccessToken(ctx context.Context, token string) (*jose.Claims, error) {
	st := s.state.Load()
	if st.verifier == nil {
		return nil, undecided(errors.New("verify access token: the service has no keys"))
	}
	token, err := st.decrypt(token)
	if err != nil {
		return nil, err
	}
	claims, err := st.verifier.Verify(ctx, token)
	if err != nil {
		return nil, st.tokenError(err)
	}
	if st.cfg.Sessions == nil {
		return claims, nil
	}
	id := sessionID(claims)
	if id == "" {
		return nil, &AuthError{Code: ErrNotAuthenticated, Message: "jwt without a session"}
	}
	active, err := st.cfg.Sessions.Active(ctx, id, claims.Subject)
	if err != nil {
		// Whatever the store says, a failing look-up is not an answer.
		return nil, &AuthError{Code: ErrUnavailable, Err: fmt.Errorf("look up session: %w", err)}
	}
	if !active {
		return nil, &AuthError{Code: ErrNotAuthenticated, Message: "jwt session ended"}
	}
	return claims, nil
}

// decrypt unwraps a token, when they are wrapped here.
func (st *state) decrypt(token string) (string, error) {
	if st.cfg.Encryption == nil {
		return token, nil
	}
	inner, err := st.cfg.Encryption.Decrypt(token)
	if err != nil {
		return "", &AuthError{Code: ErrNotAuthenticated, Message: "invalid token", Err: err}
	}
	return inner, nil
}

// tokenError says what is wrong with a token in the words that clients of
// Feathers know.
func (st *state) tokenError(err error) error {
	kind, ok := errors.AsType[jose.Error](err)
	if !ok || kind == jose.ErrUnavailable {
		return &AuthError{Code: ErrUnavailable, Err: fmt.Errorf("verify access token: %w", err)}
	}
	message := "invalid token"
	switch kind {
	case jose.ErrMalformed:
		message = "jwt malformed"
	case jose.ErrAlgorithm:
		message = "invalid algorithm"
	case jose.ErrSignature, jose.ErrUnknownKey:
		message = "invalid signature"
	case jose.ErrExpired:
		message = "jwt expired"
	case jose.ErrNotYetValid:
		message = "jwt not active"
	case jose.ErrAudience:
		message = "jwt audience invalid. expected: " + strings.Join(st.cfg.Audience, " or ")
	case jose.ErrIssuer:
		message = "jwt issuer invalid. expected: " + st.cfg.Issuer
	}
	return &AuthError{Code: ErrNotAuthenticated, Message: message, Err: err}
}
