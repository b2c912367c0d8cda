package local

import (
	"context"
	"net/netip"
	"time"

	"github.com/gatewright/gate"
)

// An Outcome is how an attempt that a [Throttle] let through ended.
type Outcome uint8

// The outcomes. The zero value counts against the account.
const (
	// Failed: the attempt stays counted.
	Failed Outcome = iota
	// Succeeded: the attempt and the failures before it no longer count.
	Succeeded
	// Undecided: the attempt counts for nobody.
	Undecided
)

// A Throttle slows guessing down.
type Throttle interface {
	// Begin counts an attempt on account, by the client in ctx, before the
	// password is looked at. Too many are refused with
	// [gate.ErrTooManyRequests], for accounts that are not there in the same
	// way. Otherwise done is called once with how it ended.
	Begin(ctx context.Context, account string) (done func(Outcome), err error)
}

// A Counter counts attempts in memory by account and address;
// [*accounts.Throttle] does.
type Counter interface {
	// Begin counts an attempt, or says how long to wait.
	Begin(account string, addr netip.Addr) (retryAfter time.Duration, ok bool)
	// Succeed forgets the failures before.
	Succeed(account string, addr netip.Addr)
	// Cancel takes the attempt back.
	Cancel(account string, addr netip.Addr)
}

// CountWith returns a throttle that asks c, with the address of the client in
// the context.
func CountWith(c Counter) Throttle { return counting{c} }

type counting struct{ counter Counter }

// Begin implements [Throttle].
func (t counting) Begin(ctx context.Context, account string) (func(Outcome), error) {
	client, _ := gate.ClientFromContext(ctx)
	wait, ok := t.counter.Begin(account, client.Address)
	if !ok {
		return nil, &gate.AuthError{Code: gate.ErrTooManyRequests, RetryAfter: wait}
	}
	return func(o Outcome) {
		switch o {
		case Succeeded:
			t.counter.Succeed(account, client.Address)
		case Undecided:
			t.counter.Cancel(account, client.Address)
		case Failed: // stays counted
		}
	}, nil
}
