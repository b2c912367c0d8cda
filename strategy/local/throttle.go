package local

import (
	"context"
	"net/netip"
	"time"

	"github.com/gatewright/gate"
)

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
func CountWith(c Counter) gate.Throttle { return counting{c} }

type counting struct{ counter Counter }

// Begin implements [gate.Throttle].
func (t counting) Begin(ctx context.Context, account string) (func(gate.Outcome), error) {
	client, _ := gate.ClientFromContext(ctx)
	wait, ok := t.counter.Begin(account, client.Address)
	if !ok {
		return nil, &gate.AuthError{Code: gate.ErrTooManyRequests, RetryAfter: wait}
	}
	return func(o gate.Outcome) {
		switch o {
		case gate.Succeeded:
			t.counter.Succeed(account, client.Address)
		case gate.Undecided:
			t.counter.Cancel(account, client.Address)
		case gate.Failed: // stays counted
		}
	}, nil
}
