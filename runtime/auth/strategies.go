package auth

import (
	"context"
	"net/netip"

	"github.com/gatewright/gate"
)

// Users are the [Accounts] in the words of a strategy that checks passwords.
// The type parameter is that strategy's own type of account, which has these
// four fields in this order; strategies and this package know nothing of each
// other. [UsersAs] makes one.
type Users[A ~struct {
	Subject      string
	PasswordHash string
	Roles        []string
	Disabled     bool
}] struct {
	auth *Auth
}

// UsersAs returns the accounts of a, for instance as UsersAs[local.Account](a).
func UsersAs[A ~struct {
	Subject      string
	PasswordHash string
	Roles        []string
	Disabled     bool
}](a *Auth) Users[A] {
	return Users[A]{a}
}

// ByLogin returns the account with that login name. E-mail addresses and user
// names compare without regard to case. A name that is not there is
// [gate.ErrNotAuthenticated]; any other error means that it could not tell.
func (u Users[A]) ByLogin(ctx context.Context, name string) (*A, error) {
	e, err := u.auth.accounts.byName(ctx, name)
	if err != nil {
		return nil, err
	}
	a := A(e.account)
	return &a, nil
}

// ReplaceHash sets the password hash of the account to next if it still is old.
// It is no error when it is not.
func (u Users[A]) ReplaceHash(ctx context.Context, subject, old, next string) error {
	return u.auth.accounts.replaceHash(ctx, subject, old, next)
}

// Throttle slows guessing down, in the words of a strategy: the type parameter
// is its own type for how an attempt ended, of which 0 is a failure, 1 a success
// and 2 that it could not be decided. [ThrottleAs] makes one.
type Throttle[O ~uint8] struct {
	auth *Auth
}

// ThrottleAs returns the throttle of a, which all strategies share, for
// instance as ThrottleAs[local.Outcome](a).
func ThrottleAs[O ~uint8](a *Auth) Throttle[O] { return Throttle[O]{a} }

// Begin counts an attempt on account by the client in ctx. Too many are refused
// with [gate.ErrTooManyRequests]. Otherwise done is called once with how the
// attempt ended.
func (t Throttle[O]) Begin(ctx context.Context, account string) (done func(O), err error) {
	var addr netip.Addr
	if c, ok := gate.ClientFromContext(ctx); ok {
		addr = c.Address
	}
	throttle := t.auth.throttle
	retryAfter, ok := throttle.Begin(account, addr)
	if !ok {
		return nil, &gate.AuthError{
			Code: gate.ErrTooManyRequests, Message: "Too many tries. Wait, or reset your password.", RetryAfter: retryAfter,
		}
	}
	return func(outcome O) {
		switch outcome {
		case 1:
			throttle.Succeed(account, addr)
		case 2:
			throttle.Cancel(account, addr)
		}
	}, nil
}
