package gate

import (
	"context"
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
	// ExpiresAt is when the last token of the session expires.
	ExpiresAt time.Time
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
