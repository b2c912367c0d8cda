package gate

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// A Session is one login of one account. Tokens name it in the claim "sid", so
// that ending it ends them.
type Session struct {
	// ID is given by the store; it is empty on the way to [Sessions.Create].
	ID string
	// Subject is the account, Entity the kind of account, for instance "user".
	Subject, Entity string
	// Strategy is how the account logged in.
	Strategy string
	// AuthenticatedAt is when the account last proved who it is: with a
	// password, not with a token. Zero on the way to [Sessions.Create], which
	// takes it for now.
	AuthenticatedAt time.Time
	// ExpiresAt is when the session ends, whatever happens.
	ExpiresAt time.Time
	// IdleFor is how long the session lasts without being used; zero means
	// until ExpiresAt.
	IdleFor time.Duration
	// Client is where the login came from.
	Client Client
}

// Sessions is what a [Service] needs of a session store. An error means that
// the store could not answer; the service then answers 503.
type Sessions interface {
	// Create stores a session and returns its new, unguessable identifier.
	Create(ctx context.Context, s Session) (id string, err error)
	// Active reports whether the session exists, belongs to subject and has
	// neither ended nor expired. It runs for every token presented.
	Active(ctx context.Context, id, subject string) (bool, error)
	// End ends the session. Ending one that is not there is no error.
	End(ctx context.Context, id string) error
}

// A RefreshToken is an opaque secret that is exchanged, once, for a new access
// token and the next refresh token. Printing or encoding it shows nothing of
// the secret.
type RefreshToken struct {
	// Token is what the client keeps.
	Token string
	// ExpiresAt is when it stops working if it is not used.
	ExpiresAt time.Time
}

// String returns a text that is safe to print.
func (t RefreshToken) String() string {
	return "refresh token until " + t.ExpiresAt.Format(time.RFC3339)
}

// Format implements [fmt.Formatter]: every verb prints what
// [RefreshToken.String] returns.
func (t RefreshToken) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue implements [slog.LogValuer] without the token.
func (t RefreshToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalJSON encodes the expiry without the token.
func (t RefreshToken) MarshalJSON() ([]byte, error) { return t.ExpiresAt.MarshalJSON() }

// RefreshTokens is what a [Service] needs of a store of refresh tokens. An
// error means that the store could not answer; the service then answers 503.
type RefreshTokens interface {
	// Issue makes the first refresh token of the session.
	Issue(ctx context.Context, sessionID string) (RefreshToken, error)
}

// CookieSessions is what a [Service] needs of a session store to keep browsers
// logged in by a cookie. An error other than a refusal means that the store
// could not answer.
type CookieSessions interface {
	// CreateSecret is [Sessions.Create] for a session known by a secret: 256
	// random bits as text, of which the store keeps the digest alone.
	CreateSecret(ctx context.Context, s Session) (id, text string, err error)
	// BySecret returns the live session of that secret, and notes that it was
	// used. [ErrNotAuthenticated] says that there is none, that it has ended,
	// expired, or was idle for too long.
	BySecret(ctx context.Context, text string) (Session, error)
}
