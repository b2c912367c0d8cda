package auth

import (
	"context"
	"net/netip"

	"github.com/gatewright/gate"
)

// Throttle returns the throttle that all doors of the service share.
func (a *Auth) Throttle() gate.Throttle { return throttle{a} }

type throttle struct {
	auth *Auth
}

// Begin implements [gate.Throttle].
func (t throttle) Begin(ctx context.Context, account string) (done func(gate.Outcome), err error) {
	var addr netip.Addr
	if c, ok := gate.ClientFromContext(ctx); ok {
		addr = c.Address
	}
	counter := t.auth.throttle
	retryAfter, ok := counter.Begin(account, addr)
	if !ok {
		return nil, &gate.AuthError{
			Code: gate.ErrTooManyRequests, Message: "Too many tries. Wait, or reset your password.", RetryAfter: retryAfter,
		}
	}
	return func(outcome gate.Outcome) {
		switch outcome {
		case gate.Succeeded:
			counter.Succeed(account, addr)
		case gate.Undecided:
			counter.Cancel(account, addr)
		case gate.Failed: // stays counted
		}
	}, nil
}
