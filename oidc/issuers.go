package oidc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gatewright/gate"
	"github.com/gatewright/gate/internal/outbound"
	"github.com/gatewright/gate/internal/strictjson"
	"github.com/gatewright/gate/internal/unverified"
	"github.com/gatewright/gate/jose"
	"github.com/gatewright/gate/jose/jwks"
)

// subjectSeparator stands between issuer and subject in a name for both.
const subjectSeparator = "|"

// An Issuer is somebody whose access tokens are accepted.
type Issuer struct {
	// Issuer is its identifier, compared with "iss" byte by byte: a slash at
	// the end counts. It is required.
	Issuer string
	// Audiences lists who we are for this issuer; one has to match "aud". It is
	// required.
	Audiences []string
	// Algorithms lists what it may sign with; nil means RS256. Shared secrets
	// are refused.
	Algorithms []jose.Algorithm
	// Leeway is for clocks that differ: 0 means 30 s, less than 0 none, and
	// more than a minute is refused.
	Leeway time.Duration
	// Types lists the kinds of token; nil means [jose.AccessTokenType]. The
	// access tokens of Auth0 say "JWT" unless its API is set to RFC 9068. Who
	// allows that gets three more checks, so that no ID token passes for an
	// access token: neither nonce nor at_hash is there, and the audience is
	// neither the client that the token names ("azp", "client_id") nor one of
	// ClientIDs.
	Types []string
	// ClientIDs lists our own clients at this issuer, whose ID tokens have them
	// as audience. None of them may be among Audiences.
	ClientIDs []string
	// JWKSURL is where its keys are; empty means that discovery finds out.
	JWKSURL string
	// Subject returns which account a good token is about; nil means its "sub",
	// or see [QualifiedSubject] when tokens come from several sources, whose
	// accounts are not the same because they have the same number. Nobody's is
	// [gate.ErrNotAuthenticated] or an empty string; any other error means that
	// it could not be found out.
	Subject func(ctx context.Context, c *jose.Claims) (string, error)
}

// QualifiedSubject returns a name for the account that is its issuer's and
// nobody else's: issuer, a bar, subject.
func QualifiedSubject(c *jose.Claims) string { return c.Issuer + subjectSeparator + c.Subject }

// A TokenVerifier says whether a token of one's own service is good;
// [*gate.Service] does.
type TokenVerifier interface {
	VerifyAccessToken(ctx context.Context, token string) (*jose.Claims, error)
}

// Config configures [Issuers].
type Config struct {
	// Issuers lists who is trusted. At least one is required.
	Issuers []Issuer
	// Local verifies the tokens of one's own service: those whose issuer is
	// LocalIssuer, and what does not have the three parts of a signed token, for
	// own tokens may be encrypted (RFC 7516) and then name nobody. Nil means that
	// there are none.
	Local TokenVerifier
	// LocalIssuer is what one's own tokens have as "iss". It goes with Local.
	LocalIssuer string
	// Options say how issuers are asked.
	Options Options
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Issuers verifies the access tokens of several issuers; what they are is fixed
// when it is made. It is safe for concurrent use; the zero value accepts
// nothing. It asks an issuer for its keys when the first token of it comes, or
// in [Issuers.Ready].
type Issuers struct {
	list        []*remote
	remote      map[string]*remote // by issuer
	local       TokenVerifier
	localIssuer string
	names       string // for refusals
	memo        memo
}

// A remote is an issuer and what is needed to verify its tokens.
type remote struct {
	Issuer
	keys     *jwks.Set
	verifier *jose.Verifier
	loose    bool // takes tokens that do not say that they are access tokens
}

// New returns the issuers after checking cfg. It makes no request, and nothing
// that an issuer does keeps it from returning.
func New(cfg Config) (*Issuers, error) {
	if len(cfg.Issuers) == 0 {
		return nil, errors.New("issuers: there is none")
	}
	if (cfg.Local == nil) != (cfg.LocalIssuer == "") {
		return nil, errors.New("issuers: a local verifier and its issuer go together")
	}
	client, err := cfg.Options.client()
	if err != nil {
		return nil, fmt.Errorf("issuers: %w", err)
	}
	s := &Issuers{remote: make(map[string]*remote), local: cfg.Local, localIssuer: cfg.LocalIssuer}
	var names []string
	if s.local != nil {
		names = append(names, s.localIssuer)
	}
	for _, issuer := range cfg.Issuers {
		if s.remote[issuer.Issuer] != nil || s.local != nil && issuer.Issuer == s.localIssuer {
			return nil, fmt.Errorf("issuer %s: it is there twice", issuer.Issuer)
		}
		if issuer.Subject == nil {
			issuer.Subject = subject(len(cfg.Issuers) > 1 || s.local != nil)
		}
		r, err := newRemote(client, issuer, &cfg)
		if err != nil {
			return nil, fmt.Errorf("issuer %s: %w", issuer.Issuer, err)
		}
		s.remote[issuer.Issuer], s.list = r, append(s.list, r)
		names = append(names, issuer.Issuer)
	}
	s.names = strings.Join(names, " or ")
	return s, nil
}

func subject(qualified bool) func(context.Context, *jose.Claims) (string, error) {
	if qualified {
		return func(_ context.Context, c *jose.Claims) (string, error) { return QualifiedSubject(c), nil }
	}
	return nil
}

func newRemote(client *outbound.Client, issuer Issuer, cfg *Config) (*remote, error) {
	if _, err := parseIssuer(client, issuer.Issuer); err != nil {
		return nil, err
	}
	for _, id := range issuer.ClientIDs {
		if slices.Contains(issuer.Audiences, id) {
			return nil, fmt.Errorf("the audience %q is that of ID tokens", id)
		}
	}
	if len(issuer.Algorithms) == 0 {
		issuer.Algorithms = []jose.Algorithm{jose.RS256}
	}
	r := &remote{Issuer: issuer, loose: slices.ContainsFunc(issuer.Types, notAccessToken)}
	source := jwks.Config{
		URL: issuer.JWKSURL, Algorithms: slices.Clone(issuer.Algorithms),
		Guarded: cfg.Options.Guarded, Proxy: cfg.Options.Proxy, Transport: cfg.Options.Transport,
	}
	if source.URL == "" {
		source.Locate = func(ctx context.Context) (string, error) {
			m, err := discover(ctx, client, issuer.Issuer)
			if err != nil {
				return "", err
			}
			return m.JWKSURL, nil
		}
	}
	var err error
	if r.keys, err = jwks.New(source); err != nil {
		return nil, err
	}
	r.verifier, err = jose.NewVerifier(jose.VerifierConfig{
		Keys: r.keys, Issuer: issuer.Issuer, Audience: issuer.Audiences, Type: issuer.Types,
		Leeway: issuer.Leeway, Now: cfg.Now,
	})
	return r, err
}

// notAccessToken reports whether a token of this type need not be an access
// token.
func notAccessToken(typ string) bool {
	return strings.TrimPrefix(strings.ToLower(typ), "application/") != jose.AccessTokenType
}

// Ready reports whether the keys of all issuers are there, and asks for those
// that are not: for a readiness probe, or to have them before the first token
// comes.
func (s *Issuers) Ready(ctx context.Context) error {
	errs := make([]error, len(s.list))
	var asking sync.WaitGroup
	for i, r := range s.list {
		asking.Go(func() {
			if err := r.keys.Ready(ctx); err != nil {
				errs[i] = fmt.Errorf("issuer %s: %w", r.Issuer.Issuer, err)
			}
		})
	}
	asking.Wait()
	return errors.Join(errs...)
}

// Close ends all requests and forgets all keys; see [jwks.Set.Close].
func (s *Issuers) Close() error {
	for _, r := range s.list {
		_ = r.keys.Close() // never fails
	}
	return nil
}

// VerifyAccessToken returns the claims of a token that is good for the issuer
// that it names. A token that is not, or that names an issuer who is not on the
// list, is [gate.ErrNotAuthenticated]; when that could not be found out the
// error is [gate.ErrUnavailable]. The claims are shared and must not be changed;
// their subject is what [Issuer].Subject says. About the tokens of one's own
// service the answer is that of [Config].Local.
func (s *Issuers) VerifyAccessToken(ctx context.Context, token string) (*jose.Claims, error) {
	if s.local != nil && strings.Count(token, ".") != 2 {
		return s.local.VerifyAccessToken(ctx, token)
	}
	r, known := s.memo.find(token)
	if !known {
		issuer, err := namedIssuer(token)
		if err != nil {
			return nil, refusal("jwt malformed", err)
		}
		if s.local != nil && issuer == s.localIssuer {
			return s.local.VerifyAccessToken(ctx, token)
		}
		if r = s.remote[issuer]; r == nil {
			return nil, refusal("jwt issuer invalid. expected: "+s.names, jose.ErrIssuer)
		}
	}
	claims, err := r.verify(ctx, token)
	if err != nil {
		return nil, err
	}
	if !known {
		s.memo.keep(token, r)
	}
	return r.account(ctx, claims)
}

// namedIssuer returns who a token says made it. Nothing is known to be true
// then; it is a key to the list of those who may have.
func namedIssuer(token string) (string, error) {
	parts, err := unverified.DecodeUnverified(token)
	if err != nil {
		return "", err
	}
	members, err := strictjson.Members(parts.Claims)
	if err != nil {
		return "", err
	}
	for _, m := range members {
		if m.Key == "iss" {
			return strictjson.Unquote(m.Value)
		}
	}
	return "", nil
}

func (r *remote) verify(ctx context.Context, token string) (*jose.Claims, error) {
	claims, err := r.verifier.Verify(ctx, token)
	if err != nil {
		return nil, r.tokenError(err)
	}
	if claims.Subject == "" {
		return nil, refusal("invalid token", errors.New("it has no subject"))
	}
	if r.loose && r.forClient(claims) {
		return nil, refusal("invalid token", fmt.Errorf("%w: an ID token", jose.ErrType))
	}
	return claims, nil
}

// forClient reports whether the audience is a client: what is for a client is no
// access token (RFC 8725 §3.12).
func (r *remote) forClient(c *jose.Claims) bool {
	for _, name := range []string{"azp", "client_id"} {
		if id, ok := c.String(name); ok && slices.Contains(c.Audience, id) {
			return true
		}
	}
	return slices.ContainsFunc(r.ClientIDs, func(id string) bool { return slices.Contains(c.Audience, id) })
}

// account returns the claims with the account that they are about as subject.
func (r *remote) account(ctx context.Context, claims *jose.Claims) (*jose.Claims, error) {
	if r.Subject == nil {
		return claims, nil
	}
	id, err := r.Subject(ctx, claims)
	switch {
	case errors.Is(err, gate.ErrUnavailable):
		return nil, err
	case errors.Is(err, gate.ErrNotAuthenticated):
		return nil, refusal("", err) // the reason is not for whoever holds the token
	case err != nil:
		return nil, &gate.AuthError{Code: gate.ErrUnavailable, Err: fmt.Errorf("find account: %w", err)}
	case id == "":
		return nil, refusal("", errors.New("the subject has no account"))
	}
	own := *claims
	own.Subject = id
	return &own, nil
}

// tokenError says what is wrong with a token in the words of [*gate.Service].
func (r *remote) tokenError(err error) error {
	kind, ok := errors.AsType[jose.Error](err)
	if !ok || kind == jose.ErrUnavailable {
		return &gate.AuthError{Code: gate.ErrUnavailable, Err: fmt.Errorf("verify access token of %s: %w", r.Issuer.Issuer, err)}
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
		message = "jwt audience invalid. expected: " + strings.Join(r.Audiences, " or ")
	}
	return refusal(message, err)
}

func refusal(message string, err error) error {
	return &gate.AuthError{Code: gate.ErrNotAuthenticated, Message: message, Err: err}
}
