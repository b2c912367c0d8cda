package gate

import "context"

// An Account is what strategies need to know of an account that proves who it
// is with a secret.
type Account struct {
	// Subject identifies the account.
	Subject string
	// PasswordHash is the encoded hash; empty means that the account has no
	// password and nobody logs in with one.
	PasswordHash string
	// Roles are the roles of the account.
	Roles []string
	// Tenant is the tenant of the account; empty for none.
	Tenant string
	// Disabled accounts are refused as if they were not there.
	Disabled bool
}

// An Outcome is how an attempt to log in ended.
type Outcome uint8

// The outcomes. The zero value is the one that counts against the account.
const (
	Failed Outcome = iota
	Succeeded
	Undecided
)

// A Throttle slows guessing down. Every door to an account shares one.
type Throttle interface {
	// Begin counts an attempt on account by the [Client] in ctx, before the
	// secret is looked at. Too many are refused with [ErrTooManyRequests]; any
	// other error means that it could not tell. Without an error, done is
	// called once with how the attempt ended.
	Begin(ctx context.Context, account string) (done func(Outcome), err error)
}
