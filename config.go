package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/gatewright/gate/jose"
)

// EntityNone is the [Config.Entity] of a service whose tokens stand for
// themselves, without an account behind them.
const EntityNone = "-"

// DefaultExpiresIn is how long an access token lives unless the configuration
// says otherwise.
const DefaultExpiresIn = 15 * time.Minute

// DefaultSessionExpiresIn is how long a login lasts whose tokens are renewed,
// unless the configuration says otherwise.
const DefaultSessionExpiresIn = 30 * 24 * time.Hour

// Encryption wraps tokens in other tokens (RFC 7519 §5.2) and unwraps them;
// [github.com/gatewright/gate/jose/jwe.Codec] does. Both are called from many
// goroutines.
type Encryption interface {
	// Encrypt returns token, encrypted.
	Encrypt(token string) (string, error)
	// Decrypt returns what Encrypt wrapped. Any error is a refusal of token.
	Decrypt(token string) (string, error)
}

// Config configures a [Service]. The zero value makes a service without
// tokens: it guards, but nobody can log in.
type Config struct {
	// Keys sign and verify access tokens. With keys, Issuer and Audience are
	// required; without them the service has no tokens.
	Keys *jose.KeySet
	// KeySource finds the keys that tokens are verified with, where it knows more
	// of them than Keys does by itself; nil means Keys.
	KeySource jose.KeySource
	// Issuer is the claim "iss" of tokens, and the only one accepted.
	Issuer string
	// Audience is the claim "aud" of tokens; a token for any of them is accepted.
	Audience []string
	// ExpiresIn is the life of a token; zero means [DefaultExpiresIn].
	ExpiresIn time.Duration

	// AuthStrategies are the strategies that may log in, in order. None means
	// that nobody can.
	AuthStrategies []string
	// ParseStrategies are the strategies asked for credentials on a request,
	// in order; nil means AuthStrategies.
	ParseStrategies []string

	// Entity is the key under which results show the account; empty means
	// "user", [EntityNone] that there are no accounts.
	Entity string
	// EntityOf returns the key under which the result of one account shows it, where
	// there are several kinds of them; nil, or empty, means Entity. Sessions are of
	// Entity whatever it says: subjects have to tell the kinds apart.
	EntityOf func(*Principal) string
	// LoadEntity returns the account as its owner may see it, for results:
	// never with a password hash. Nil means Principal.Entity as it is. An
	// error that is [ErrNotAuthenticated] says that there is no such account.
	LoadEntity func(context.Context, *Principal) (any, error)
	// Permissions returns what roles may do; nil means nothing. It runs for
	// every request, and its result is not changed.
	Permissions func(roles []string) []string
	// Proof returns what proves the account now, in the form of
	// [Principal.Proof] and read past every cache: a login whose proof was
	// changed while it was under way opens no session. Nil does not look.
	Proof func(ctx context.Context, subject string) (string, error)
	// Sessions keeps the logins; nil means that a token works until it
	// expires, whatever happens.
	Sessions Sessions
	// SessionExpiresIn is how long a login lasts at most; zero means
	// [DefaultSessionExpiresIn] with RefreshTokens, else as long as its token.
	SessionExpiresIn time.Duration
	// RefreshTokens makes a refresh token for each login, which needs Sessions
	// and a strategy that is a [Renewer]; nil means that there are none.
	RefreshTokens RefreshTokens
	// Encryption wraps access tokens, so that only this service can read them;
	// nil means that they are signed alone. With it, a token that is not
	// encrypted is refused.
	Encryption Encryption

	// Payload returns further claims for the token of p; nil means none.
	Payload func(ctx context.Context, p *Principal) (map[string]any, error)
	// TokenOptions returns what differs from this configuration in the token
	// of p; nil means nothing. The subject defaults to that of p.
	TokenOptions func(ctx context.Context, p *Principal) (TokenOptions, error)

	// LoginHeader adds to the headers of an answer to a login that proved who
	// it is, for instance a cookie that knows the device again; nil adds
	// nothing. It is not called for tokens that are shown or renewed.
	LoginHeader func(ctx context.Context, h http.Header, r *Result)
	// Audit is told of logins, log-outs and refusals; nil means that there is
	// no trail.
	Audit Auditor
	// Logger gets refused logins and faults; nil means slog.Default().
	Logger *slog.Logger
	// Now is the clock of tokens and events; nil means time.Now.
	Now func() time.Time
}

// clone returns a copy that shares no slice with c. Key sets, stores and
// functions are shared: they are not configuration but what it refers to.
func (c Config) clone() Config {
	c.Audience = slices.Clone(c.Audience)
	c.AuthStrategies = slices.Clone(c.AuthStrategies)
	c.ParseStrategies = slices.Clone(c.ParseStrategies)
	return c
}

// withDefaults returns a checked copy of c with nothing left open.
func (c Config) withDefaults() (Config, error) {
	c = c.clone()
	c.ExpiresIn = cmp.Or(c.ExpiresIn, DefaultExpiresIn)
	c.Entity = cmp.Or(c.Entity, "user")
	c.Logger = loggerOr(c.Logger)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.RefreshTokens != nil {
		c.SessionExpiresIn = cmp.Or(c.SessionExpiresIn, DefaultSessionExpiresIn)
	}
	return c, c.validate()
}

func (c Config) validate() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.ExpiresIn < time.Second {
		refuse("expires in %v: a token must live for a second or more", c.ExpiresIn)
	}
	if c.Keys == nil && (c.Issuer != "" || len(c.Audience) > 0) {
		refuse("issuer and audience without keys: tokens need Keys")
	}
	if c.Keys != nil && c.Issuer == "" {
		refuse("keys without an issuer: tokens need Issuer")
	}
	if c.Keys != nil && len(c.Audience) == 0 || slices.Contains(c.Audience, "") {
		refuse("keys without an audience, or an empty one: tokens need Audience")
	}
	if c.SessionExpiresIn < 0 || c.SessionExpiresIn > 0 && c.SessionExpiresIn < c.ExpiresIn {
		refuse("sessions expire in %v: they last at least as long as a token, %v", c.SessionExpiresIn, c.ExpiresIn)
	}
	if c.RefreshTokens != nil && (c.Sessions == nil || c.Keys == nil) {
		refuse("refresh tokens without sessions or keys: they belong to a session, and renew its access tokens")
	}
	if c.Entity == "refreshToken" || c.Entity == "accessToken" || c.Entity == "authentication" {
		refuse("entity %q: the name is taken by the results", c.Entity)
	}
	checkNames := func(list string, names []string) {
		for i, name := range names {
			if name == "" || slices.Contains(names[:i], name) {
				refuse("%s strategies: %q is empty or there twice", list, name)
			}
		}
	}
	checkNames("auth", c.AuthStrategies)
	checkNames("parse", c.ParseStrategies)
	return errors.Join(errs...)
}

// parseStrategies are the names to ask for credentials on a request.
func (c Config) parseStrategies() []string {
	if c.ParseStrategies != nil {
		return c.ParseStrategies
	}
	return c.AuthStrategies
}
